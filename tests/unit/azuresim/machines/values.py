"""A machine to ask about."""

from dataclasses import replace
from typing import Any

from azuresim.machines.door import Disk, Machine

GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute"

NODE = Machine(
    id=f"{GROUP}/virtualMachines/node-1",
    name="node-1",
    size="Standard_B2s",
    system="Linux",
    running=True,
    boots=1,
    disks=(Disk(id=f"{GROUP}/disks/os", lun=None, size_gb=30),),
    interfaces=(),
    user="azureuser",
    keys=("ssh-ed25519 AAAA someone",),
)


def node(**changes: Any) -> Machine:
    return replace(NODE, **changes)


def data_disk(lun: int, size_gb: int = 20) -> Disk:
    return Disk(id=f"{GROUP}/disks/data-{lun}", lun=lun, size_gb=size_gb)
