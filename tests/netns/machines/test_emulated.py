"""Machines with a kernel of their own, behind the SDKs: few stories, as each boot takes long."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from tests.netns.machines.site import GROUP, NODES, Site, simulator, traces, wait_for
from tests.netns.world import why_not
from tests.prerequisites import require

from hacluster_local.setup import guest_kernel, machine_base
from hacluster_local.setup.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
ONE, TWO = NODES
DISK = "/dev/disk/azure/scsi1/lun0"
RESOURCE = f"""resource r0 {{
  protocol C; device /dev/drbd0; disk {DISK}-part1; meta-disk internal;
  net {{ ping-int 2; timeout 30; connect-int 2; }}
  on {ONE} {{ address {NODES[ONE]}:7788; }}
  on {TWO} {{ address {NODES[TWO]}:7788; }}
}}"""

MAKE = (
    "modprobe drbd; printf 'label: gpt\\n,64M\\n' | sfdisk -q --wipe always "
    f"{DISK}; udevadm settle; mkdir -p /var/lib/drbd; "
    "drbdadm create-md --force r0; drbdadm up r0"
)
FILL = (
    "drbdadm wait-connect r0; drbdadm -- --clear-bitmap new-current-uuid r0; "
    "drbdadm primary r0; mkfs.ext4 -q /dev/drbd0; mount /dev/drbd0 /srv; "
    "echo acknowledged >/srv/file; sync /srv/file"
)
TAKE = (
    "for i in $(seq 60); do drbdadm primary r0 && break; sleep 1; done >/dev/null 2>&1; "
    "mount /dev/drbd0 /srv; drbdadm role r0; cat /srv/file"
)


@pytest.fixture
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    why = why_not() or machine_base.why_not()
    require(not why, why or "root", "run as root, with systemd-container and debootstrap")
    try:
        base, kernel = machine_base.find_or_make(), guest_kernel.find_or_make()
    except SetupError as failure:
        require(None, "the kernel of emulated machines", str(failure))
        raise
    made = Site(simulator(tmp_path_factory.mktemp("emulated") / "sim", base, kernel))
    made.sim.start()
    made.connect()
    try:
        made.build()
        yield made
    finally:
        made.close()
        made.sim.stop()
        made.say("clean")
    assert traces(made.sim.directory) == []


def test_an_emulated_machine_is_one_with_a_kernel_of_its_own(emulated: Site) -> None:
    site = emulated
    looked = site.run(
        ONE,
        "hostname; ip -4 -o addr show eth0 | grep -o '10.5.0.[0-9]*/24'; "
        "cut -d' ' -f3 ~azureuser/.ssh/authorized_keys; uname -r; "
        f"blockdev --getsize64 {DISK}; ping -c1 -W5 {NODES[TWO]} >/dev/null && echo reached",
    ).split()
    assert looked[:3] == [ONE, "10.5.0.120/24", "admin"]
    assert looked[3].endswith("-cloud-amd64")
    assert looked[4:] == [str(20 << 30), "reached"]

    _clocks_stand_still(site)


def test_a_mirror_survives_a_power_loss_and_machines_come_back(emulated: Site) -> None:
    _a_mirror_survives_a_power_loss(emulated)
    _it_ends_and_comes_back_as_asked(emulated)


def _must(site: Site, name: str, script: str) -> None:
    said = site.run(name, f"exec 2>&1; (set -e\n{script}\n) && echo done")
    assert said.strip().endswith("done"), said


def _clocks_stand_still(site: Site) -> None:
    """A freeze stops the guest's clocks with it: monotonic time loses what was frozen away."""
    about = "cat /proc/uptime | cut -d' ' -f1"
    before, began = float(site.run(ONE, about)), time.monotonic()
    frozen = site.say("machine", "freeze", more=(ONE, "15"))
    assert frozen.returncode == 0, frozen.stderr
    assert (
        site.on(TWO, "sh", "-c", f"ping -c1 -W3 {NODES[ONE]} || echo silent")
        .strip()
        .endswith("silent")
    )
    passed_inside = float(site.run(ONE, about)) - before
    assert passed_inside < time.monotonic() - began - 10


def _a_mirror_survives_a_power_loss(site: Site) -> None:
    """Real DRBD over the fabric: what the killed machine had acknowledged, the other has."""
    for name in NODES:
        _must(site, name, f"cat >/etc/drbd.d/r0.res <<'EOT'\n{RESOURCE}\nEOT\n{MAKE}")
    _must(site, ONE, FILL)
    state = site.run(ONE, "drbdadm role r0; cat /srv/file").split()
    assert state == ["Primary/Secondary", "acknowledged"]
    assert site.say("machine", "kill", more=(ONE,)).returncode == 0
    taken = site.run(TWO, TAKE).split()
    assert taken == ["Primary/Unknown", "acknowledged"]


def _it_ends_and_comes_back_as_asked(site: Site) -> None:
    machines = site.compute.virtual_machines
    wait_for(lambda: site.power(ONE) == "stopped", "the killed machine's end is seen")
    machines.begin_start(GROUP, ONE).result()
    first = site.boot_id(ONE)
    machines.begin_restart(GROUP, ONE).result()
    assert site.boot_id(ONE) != first
    machines.begin_deallocate(GROUP, TWO).result()
    assert site.power(TWO) == "deallocated"
    listed = [json.loads(line) for line in site.say("machine", "list").stdout.splitlines()]
    assert sorted(each["running"] for each in listed) == [False, True]
    site.sim.kill()
    site.sim.start()
    assert site.boot_id(ONE) != ""
