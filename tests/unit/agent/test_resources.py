"""Resources: what start, stop and fence leave on the machine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.agent.configurations import GOOD, changed
from tests.unit.agent.machines import Machine

from hacluster_node.core.config import Group, Resource
from hacluster_node.errors import Broken, NodeError, Refused
from hacluster_node.guard.fencing import fence, traffic_of
from hacluster_node.resources import disks, mirror_config, shared_disk
from hacluster_node.resources.kinds import Call
from hacluster_node.resources.mirror_disk import MirrorDisk
from hacluster_node.resources.script import Script
from hacluster_node.resources.shared_disk import SharedDisk
from hacluster_node.resources.simple import FileSystem
from hacluster_node.settings.document import Settings, parse
from hacluster_node.system.command import Outcome

MIRROR: dict[str, Any] = {
    "dataDevice": "/dev/sdc2",
    "metadataDevice": "/dev/sdc1",
    "minor": 3,
    "port": 7789,
    "mountPath": "/srv/data",
    "nodes": [
        {"name": "n1", "address": "10.5.0.120"},
        {"name": "n2", "address": "fd00::2"},
    ],
}
DISK: dict[str, Any] = {
    "device": "/dev/sdd",
    "mountPath": "/srv/shared",
    "nodeNumber": 1,
    "reservation": True,
}
UP = "ha-g-md role:Secondary\n  disk:UpToDate\n  n2 role:Secondary\n    peer-disk:UpToDate\n"


def call(newest: bool = True, **options: Any) -> Call:
    return Call("g", "md", 7, 1.0, options, newest)


def test_a_script_gets_its_epoch_and_a_failure_is_told_with_its_output() -> None:
    machine = Machine()
    Script().start(machine, call(start=("/bin/start", "now"), stop=()))
    assert machine.ran == [("/bin/start", "now")]
    assert machine.environment["HA_EPOCH"] == "7"
    machine.answer = lambda _: Outcome(3, "no such port")
    with pytest.raises(Broken, match="ended with 3: no such port"):
        Script().start(machine, call(start=("/bin/start",)))
    machine.answer = lambda _: Outcome(-9, "", in_time=False)
    with pytest.raises(Broken, match="HAN-R02"):
        Script().start(machine, call(start=("/bin/start",)))


def test_what_a_script_left_behind_ends_with_its_stop_even_if_that_fails() -> None:
    machine = Machine(answer=lambda _: Outcome(1, ""))
    with pytest.raises(Broken):
        Script().stop(machine, call(stop=("/bin/stop",)))
    assert machine.killed == ["g.md"]


EXT4 = Outcome(0, "ext4")
EMPTY = Outcome(0, "")
UNREADABLE = Outcome(1, "probing initialization failed")
VERSION = Outcome(0, "DRBDADM_API_VERSION=1\nDRBD_KERNEL_VERSION_CODE=0x08040b\n")
NOT_NEW = Outcome(10, "Need to be StandAlone")


def drbd(status: str, found: Outcome = EXT4, begin: Outcome = EMPTY) -> Machine:
    """A machine whose drbdadm tells this status, until it is told that a mirror is new."""

    def answer(argv: tuple[str, ...]) -> Outcome:
        if argv[0] == "wipefs":
            return found
        if argv[1] == "--version":
            return VERSION
        if argv[1] == "new-current-uuid":
            return begin
        if argv[1] != "status":
            return Outcome(0, "")
        begun = any("new-current-uuid" in words for words in machine.ran)
        return Outcome(0, status.replace("Inconsistent", "UpToDate") if begun else status)

    machine = Machine(answer=answer)
    return machine


LOOKS = ("status", "--version")


def verbs(machine: Machine) -> list[str]:
    """Return what was done, looks left out."""
    done = [argv for argv in machine.ran if argv[0] not in ("wipefs", "test")]
    return [argv[1] for argv in done if argv[1] not in LOOKS]


def test_a_mirror_in_step_becomes_primary_and_is_mounted() -> None:
    machine = drbd(UP)
    MirrorDisk().start(machine, call(**MIRROR))
    assert verbs(machine) == ["primary"]
    assert machine.mounts == {"/srv/data": "/dev/drbd3"}


NEW = UP.replace("UpToDate", "Inconsistent")


def test_a_new_mirror_begins_in_step_and_gets_its_file_system() -> None:
    machine = drbd(NEW, EMPTY)
    MirrorDisk().start(machine, call(**MIRROR))
    assert verbs(machine) == ["new-current-uuid", "primary", "-q"]
    assert ("mkfs.ext4", "-q", "/dev/drbd3") in machine.ran


def test_two_inconsistent_halves_that_once_had_data_are_left_alone() -> None:
    machine = drbd(NEW, EMPTY, NOT_NEW)
    with pytest.raises(Refused, match="HAN-D01"):
        MirrorDisk().start(machine, call(**MIRROR))
    assert verbs(machine) == ["new-current-uuid"]


def test_an_inconsistent_half_alone_is_never_declared_new() -> None:
    machine = drbd("ha-g-md role:Secondary\n  disk:Inconsistent\n", EMPTY)
    with pytest.raises(Refused, match="HAN-D01"):
        MirrorDisk().start(machine, call(**MIRROR))
    assert verbs(machine) == []


@pytest.mark.parametrize("found", [EXT4, Outcome(0, "gpt\nPMBR")])
def test_a_disk_with_foreign_data_is_never_partitioned(found: Outcome) -> None:
    def answer(argv: tuple[str, ...]) -> Outcome:
        return Outcome(int(argv[-1] != "/dev/sdc"), "") if argv[0] == "test" else found

    machine = Machine(answer=answer)
    with pytest.raises(Refused, match="HAN-D03"):
        disks.partition(machine, call(disk="/dev/sdc", metadataSizeMiB=1024))
    assert {argv[0] for argv in machine.ran} == {"test", "wipefs"}
    with pytest.raises(Broken, match="is not there"):
        disks.partition(machine, call(disk="/dev/sdd", metadataSizeMiB=1024))


def test_a_device_that_cannot_be_read_is_not_empty() -> None:
    with pytest.raises(Broken, match="HAN-D03"):
        disks.is_empty(Machine(answer=lambda _: UNREADABLE), call(), "/dev/sdc")


@pytest.mark.parametrize(
    ("disk", "first"),
    [
        ("/dev/disk/azure/scsi1/lun0", "/dev/disk/azure/scsi1/lun0-part1"),
        ("/dev/sdc", "/dev/sdc1"),
        ("/dev/nvme0n2", "/dev/nvme0n2p1"),
    ],
)
def test_partitions_are_named_as_the_system_names_them(disk: str, first: str) -> None:
    assert disks.partitions({"disk": disk})[0] == first


@pytest.mark.parametrize(
    ("status", "newest"),
    [
        pytest.param(UP.replace("disk:UpToDate", "disk:Outdated", 1), True, id="outdated"),
        pytest.param(UP, False, id="left behind"),
        pytest.param("ha-g-md role:Secondary\n  disk:UpToDate\n", False, id="behind, alone"),
        pytest.param(UP.replace("n2 role:Secondary", "n2 role:Primary"), True, id="other primary"),
    ],
)
def test_a_half_without_the_newest_data_is_not_activated(status: str, newest: bool) -> None:
    machine = drbd(status)
    with pytest.raises(Refused, match="HAN-D01"):
        MirrorDisk().start(machine, call(newest, **MIRROR))
    assert verbs(machine) == []
    assert machine.mounts == {}


def test_a_mirror_stops_by_unmounting_first() -> None:
    machine = drbd(UP)
    machine.mounts["/srv/data"] = "/dev/drbd3"
    machine.broken = {"unmount"}
    with pytest.raises(Broken):
        MirrorDisk().stop(machine, call(**MIRROR))
    assert verbs(machine) == []
    machine.broken = set()
    MirrorDisk().stop(machine, call(**MIRROR))
    assert (verbs(machine), machine.mounts) == (["secondary"], {})


@pytest.mark.parametrize("version", [8, 9])
def test_the_resource_file_never_joins_split_halves_and_stops_io_without_a_note(
    version: int,
) -> None:
    text = mirror_config.resource_file(call(**MIRROR), version)
    for words in (
        "protocol C",
        "after-sb-0pri disconnect",
        "after-sb-1pri disconnect",
        "after-sb-2pri disconnect",
        "fencing resource-and-stonith",
        'fence-peer "/usr/bin/hacluster-node mirror-peer-lost g md"',
        "device minor 3",
        "meta-disk /dev/sdc1",
        "address ipv4 10.5.0.120:7789",
        "address ipv6 [fd00::2]:7789",
    ):
        assert words in text
    assert ("node-id" in text, "auto-promote no" in text) == (version == 9, version == 9)


NO_FILE = Outcome(1, "no resources defined!")
NO_MODULE = Outcome(0, "DRBDADM_API_VERSION=2\nDRBD_KERNEL_VERSION_CODE=0x000000\n")
DOWN = Outcome(10, "ha-g-md: No such resource")


@pytest.mark.parametrize(
    ("version", "kernel"),
    [
        pytest.param(VERSION, DOWN, id="not configured yet"),
        pytest.param(NO_MODULE, Outcome(20, "no kernel module"), id="no module"),
        pytest.param(Outcome(127, "drbdadm: not found"), Outcome(127, ""), id="no drbd-utils"),
    ],
)
def test_a_mirror_that_was_never_up_is_fenced_already(version: Outcome, kernel: Outcome) -> None:
    """Else the guard restarts a new machine again and again before its mirror is configured."""

    def answer(argv: tuple[str, ...]) -> Outcome:
        if argv[0] == "drbdsetup":
            return kernel
        return version if argv[1] == "--version" else NO_FILE

    machine = Machine(answer=answer)
    MirrorDisk().fence(machine, call(**MIRROR))
    assert verbs(machine) == []


def test_a_mirror_that_is_up_without_its_file_is_not_fenced_by_not_finding_it() -> None:
    primary = Outcome(0, UP.replace("role:Secondary", "role:Primary", 1))

    def answer(argv: tuple[str, ...]) -> Outcome:
        if argv[0] == "drbdsetup":
            return primary
        return VERSION if argv[1] == "--version" else NO_FILE

    with pytest.raises(Broken, match="secondary"):
        MirrorDisk().fence(Machine(answer=answer), call(**MIRROR))


def test_writes_that_wait_for_a_note_are_ended_by_a_fence_so_that_the_disk_lets_go() -> None:
    frozen = "ha-g-md role:Primary suspended:fencing\n  disk:UpToDate\n  n2 connection:Connecting\n"
    machine = drbd(frozen)
    machine.mounts["/srv/data"] = "/dev/drbd3"
    MirrorDisk().fence(machine, call(**MIRROR))
    assert verbs(machine) == ["detach", "resume-io", "secondary", "down"]
    assert machine.mounts == {}


def test_a_person_may_accept_an_outdated_half_and_never_a_half_made_copy() -> None:
    alone = "ha-g-md role:Secondary\n  disk:{}\n  n2 connection:Connecting\n"
    machine = drbd(alone.format("Outdated"))
    MirrorDisk().accept(machine, call(**MIRROR))
    assert verbs(machine) == ["primary", "secondary"]
    for status in (alone.format("Inconsistent"), UP.replace("disk:UpToDate", "disk:Outdated", 1)):
        machine = drbd(status)
        with pytest.raises(Refused, match="HAN-D01"):
            MirrorDisk().accept(machine, call(**MIRROR))
        assert verbs(machine) == []


class Reservations:
    """A disk that knows SCSI-3 reservations, as sg_persist speaks of them."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.holder = ""

    def __call__(self, argv: tuple[str, ...]) -> Outcome:
        values = dict(word.split("=", 1) for word in argv if "=" in word)
        key = values.get("--param-rk", "").removeprefix("0x")
        other = values.get("--param-sark", "").removeprefix("0x")
        if argv[0] == "wipefs":
            return EXT4
        if "--read-keys" in argv:
            return Outcome(0, "".join(f"    0x{one}\n" for one in self.keys))
        if "--read-reservation" in argv:
            return Outcome(0, f"    Key=0x{self.holder}\n" if self.holder else "none")
        if "--register-ignore" in argv:
            self.keys.append(other)
        elif "--register" in argv:
            self.keys.remove(key)
            self.holder = "" if self.holder == key else self.holder
        elif "--preempt" in argv:
            self.keys = [one for one in self.keys if one != other]
            self.holder = key
        elif "--reserve" in argv:
            self.holder = key
        return Outcome(0, "")


def test_a_shared_disk_is_reserved_under_the_epoch_and_taken_over_by_a_higher_one() -> None:
    disk = Reservations()
    machine = Machine(answer=disk)
    SharedDisk().start(machine, Call("g", "sd", 7, 5.0, DISK))
    assert disk.holder == shared_disk.key(7, 1)
    SharedDisk().start(machine, Call("g", "sd", 8, 5.0, {**DISK, "nodeNumber": 2}))
    assert disk.holder == shared_disk.key(8, 2)
    assert disk.keys == [shared_disk.key(8, 2)]
    with pytest.raises(NodeError, match="HAN-D05"):
        SharedDisk().start(machine, Call("g", "sd", 7, 5.0, DISK))
    SharedDisk().stop(machine, Call("g", "sd", 8, 5.0, {**DISK, "nodeNumber": 2}))
    assert (disk.keys, disk.holder, machine.mounts) == ([], "", {})


def test_a_file_system_is_made_on_an_empty_device_only_and_unmounted_by_stop_and_fence() -> None:
    for found, programs in ((EMPTY, ["wipefs", "mkfs.ext4"]), (EXT4, ["wipefs"])):
        machine = drbd("", found)
        FileSystem().start(machine, Call("g", "fs", 7, 5.0, DISK))
        assert [argv[0] for argv in machine.ran] == programs
        assert machine.mounts == {"/srv/shared": "/dev/sdd"}
        FileSystem().stop(machine, Call("g", "fs", 7, 5.0, DISK))
        assert machine.mounts == {}
        FileSystem().start(machine, Call("g", "fs", 8, 5.0, DISK))
        FileSystem().fence(machine, Call("g", "fs", 8, 5.0, DISK))
        assert machine.mounts == {}
    machine = Machine(answer=lambda _: Outcome(1, "no such device"))
    with pytest.raises(Broken, match="HAN-D03"):
        FileSystem().start(machine, Call("g", "fs", 7, 5.0, DISK))
    assert machine.mounts == {}


def test_a_disk_without_reservations_is_just_mounted() -> None:
    machine = Machine(answer=lambda _: EXT4)
    SharedDisk().start(machine, Call("g", "sd", 7, 5.0, {**DISK, "reservation": False}))
    assert [argv[0] for argv in machine.ran] == ["wipefs"]
    assert machine.mounts == {"/srv/shared": "/dev/sdd"}


def fenced(resources: list[dict[str, Any]], machine: Machine) -> list[str]:
    content = changed("groups.0.resources", resources)
    content["monitors"] = []
    settings = parse(content, "node-1")
    return fence(machine, settings, settings.agent.groups[0], 3)


LOOPBACK = {
    "name": "vip",
    "type": "LoopbackAddress",
    "loopbackAddress": {"address": "10.5.0.200"},
}
UNIT = {"name": "app", "type": "Systemd", "systemd": {"unit": "app.service"}}
SCRIPT = {"name": "run", "type": "Script", "script": {"start": ["/bin/true"]}}
MOUNT = {
    "name": "fs",
    "type": "FileSystem",
    "fileSystem": {"device": "/dev/sdc1", "mountPath": "/srv/data"},
}


def test_a_fence_ends_everything_the_outside_could_notice() -> None:
    machine = Machine(addresses={"10.5.0.200"}, units={"app.service": "active"})
    assert fenced([UNIT, SCRIPT, LOOPBACK], machine) == []
    assert machine.traffic == {"failover1": "cut"}
    assert machine.addresses == set()
    assert machine.units == {"app.service": "frozen"}
    assert machine.killed == ["failover1.run"]


def test_beside_a_disk_the_application_is_killed_so_that_the_disk_lets_go() -> None:
    machine = Machine(units={"app.service": "active"}, mounts={"/srv/data": "/dev/sdc1"})
    assert fenced([MOUNT, UNIT], machine) == []
    assert machine.units == {"app.service": "killed"}
    assert machine.mounts == {}


def test_a_step_that_fails_keeps_no_other_from_being_done() -> None:
    machine = Machine(addresses={"10.5.0.200"}, broken={"cut", "kill_programs"})
    failures = fenced([SCRIPT, LOOPBACK], machine)
    assert [failure.partition(":")[0] for failure in failures] == ["cut traffic", "run"]
    assert machine.addresses == set()


def test_traffic_is_the_service_ports_and_the_addresses_of_the_group() -> None:
    resources = (Resource("vip", "LoopbackAddress", options={"address": "10.5.0.200"}),)
    settings = Settings(parse(GOOD, "node-1").agent, service_ports={"g": (80,)})
    traffic = traffic_of(settings, Group("g", resources))
    assert (traffic.ports, traffic.addresses) == ((80,), ("10.5.0.200",))
