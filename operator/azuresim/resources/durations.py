"""How long operations take. One table, assumed: Azure promises no times.

Seconds of simulated time from the reply to the final state, as an operator
would see them on a quiet day.
"""

from collections.abc import Mapping
from typing import Final

TYPICAL: Final[Mapping[str, float]] = {
    "resource group": 1.0,
    "delete resource group": 15.0,
    "network security group": 5.0,
    "virtual network": 6.0,
    "subnet": 4.0,
    "public IP": 5.0,
    "public IP prefix": 5.0,
    "NAT gateway": 10.0,
    "load balancer": 8.0,
    "rule health": 2.0,
    "network interface": 3.0,
    "storage account": 22.0,
    "disk": 4.0,
    "virtual machine": 60.0,
    "update virtual machine": 10.0,
    "delete virtual machine": 40.0,
    "start": 25.0,
    "power off": 20.0,
    "restart": 30.0,
    "redeploy": 90.0,
    "deallocate": 45.0,
    "DNS zone": 5.0,
    "private DNS zone": 20.0,
    "virtual network link": 15.0,
    "role assignment": 5.0,
    "run command": 5.0,
    "at once": 0.0,
}


def duration(name: str, mode: str) -> float:
    """Return the seconds an operation takes under `--durations instant` or `typical`.

    Raises:
        KeyError: If the table has no such row, in either mode.
    """
    return TYPICAL[name] if mode == "typical" else TYPICAL[name] * 0.0
