"""A running emulator is given disks and loses them, as machines of kind qemu do."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.prerequisites import require

from azuresim.machines import channel, emulator, loops
from azuresim.machines.door import Disk, Machine

if TYPE_CHECKING:
    from pathlib import Path


def machine(*disks: Disk) -> Machine:
    return Machine(
        id="/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/one",
        name="one", size="Standard_B2s", system="Linux", running=True, boots=1, interfaces=(),
        disks=(Disk(id="os", lun=None, size_gb=30), *disks),
    )  # fmt: skip


async def test_disks_come_grow_and_go_while_the_machine_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which(emulator.PROGRAM)
    require(program, "QEMU", "`make setup PARTS=guest-kernel` installs it")
    assert program is not None
    monkeypatch.chdir(tmp_path)
    image = tmp_path / "data.img"
    loops.provide(image, 1)
    words = (
        "-M", "q35", "-m", "64", "-nodefaults", "-display", "none", "-S",
        "-device", "virtio-scsi-pci,id=scsi",
        "-chardev", f"socket,id=monitor,path={emulator.MONITOR},server=on,wait=off",
        "-mon", "chardev=monitor,mode=control",
    )  # fmt: skip
    one, larger = ({3: Disk(id="d", lun=3, size_gb=size)} for size in (1, 2))
    has = {3: str(image)}
    running = subprocess.Popen([program, *words], stdin=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        for _ in range(600):
            if (tmp_path / emulator.MONITOR).exists():
                break
            await asyncio.sleep(0.1)
        monitor = tmp_path / emulator.MONITOR
        new = emulator.changes({}, has, {}, machine(*one.values()))
        await channel.tell(monitor, *new)
        await channel.tell(monitor, *emulator.changes(has, has, {3: 1}, machine(*larger.values())))
        assert image.stat().st_size == 2 << 30
        with pytest.raises(channel.MonitorError, match="disk3"):
            await channel.tell(monitor, *new)
        await channel.tell(monitor, *emulator.changes(has, {}, {3: 2}, machine()))
        await channel.tell(monitor, *new)
    finally:
        running.kill()
        running.wait()
