"""The mirror on real DRBD under each failure, one at a time: what may start, what is told, and that
no data that was acknowledged is lost."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import pytest
from tests.mirror.guests import LOCAL_WRITES, GuestError
from tests.mirror.world import DATA, until

from hacluster_node.errors import NodeError, Refused

if TYPE_CHECKING:
    from tests.mirror.world import Node, Pair

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def equal_halves(pair: Pair) -> bool:
    """Take the mirror down on both nodes and compare the halves themselves, byte by byte."""
    for node in pair:
        node.drbdadm("down")
    first, second = (node.sum() for node in pair)
    return first == second


class Write(threading.Thread):
    """A write that may hang, as an application's would; `acknowledged` once it has ended well."""

    def __init__(self, node: Node, name: str) -> None:
        super().__init__(daemon=True)
        self._node, self._name = node, name
        self.acknowledged = False
        self.start()

    def run(self) -> None:
        with contextlib.suppress(GuestError):
            self._node.write(self._name, "text")
            self.acknowledged = True


def test_the_standby_dies_and_catches_up(pair: Pair) -> None:
    first, second = pair.nodes
    second.guest.kill()
    first.write("a", "written without a standby")
    assert first.check().startswith("HAN-D01 peer is not connected")
    second.reboot()
    until(lambda: first.check() == "", "the halves are in step again")
    assert second.check() == ""
    first.deactivate()
    assert equal_halves(pair)


def test_a_half_cut_off_while_the_other_wrote_on_never_starts(pair: Pair) -> None:
    first, second = pair.nodes
    second.guest.link(up=False)
    first.write("a", "written after the cut")
    until(lambda: not second.drbd().is_connected, "the standby notices")
    assert second.drbd().disk == "UpToDate"  # DRBD itself would let it start.
    with pytest.raises(Refused, match="wrote on while this one was away"):
        second.activate(2)
    first.guest.kill()
    with pytest.raises(Refused, match="wrote on while this one was away"):
        second.activate(3)
    second.epoch = 0
    second.reboot()
    with pytest.raises(Refused, match="wrote on while this one was away"):
        second.activate(4)
    second.epoch = 0
    first.reboot()
    first.activate(5)
    assert first.read("a") == "written after the cut"
    until(lambda: first.check() == "", "the halves are in step again")
    first.deactivate()
    second.activate(6)
    assert second.read("a") == "written after the cut"


def test_an_active_node_without_peer_and_store_acknowledges_nothing(pair: Pair) -> None:
    first, second = pair.nodes
    pair.store.is_away = True
    second.guest.link(up=False)
    until(lambda: first.drbd().is_frozen, "writes stand still")
    writing = Write(first, "a")
    with pytest.raises(NodeError, match="HAN-W01"):
        first.check()
    first.fence()  # As the guard does when the lease ends: the disk must let go.
    writing.join(10)
    assert (writing.is_alive(), writing.acknowledged) == (False, False)
    assert not first.drbd().is_up

    pair.store.is_away = False  # The standby sees the store: it takes over, nothing was lost.
    second.activate(2)
    second.write("b", "written on the second")
    first.deactivate()
    second.guest.link(up=True)
    until(lambda: second.check() == "", "the halves are in step again")
    second.deactivate()
    assert equal_halves(pair)


def test_writes_go_on_by_themselves_when_the_store_is_back(pair: Pair) -> None:
    first, second = pair.nodes
    pair.store.is_away = True
    second.guest.kill()
    until(lambda: first.drbd().is_frozen, "writes stand still")
    pair.store.is_away = False
    assert first.check() == ""  # The note is made up for; the writes go on.
    first.write("a", "written after the standstill")
    assert first.check().startswith("HAN-D01 peer is not connected")
    second.reboot()
    until(lambda: first.check() == "", "the halves are in step again")
    first.deactivate()
    assert equal_halves(pair)


def test_split_halves_are_never_joined_by_guess(pair: Pair) -> None:
    first, second = pair.nodes
    second.guest.link(up=False)
    first.write("kept", "written on the first")
    until(lambda: not second.drbd().is_connected, "the standby notices")
    second.drbdadm("primary", "--force")  # By hand, against all rules.
    second.guest.run("mkdir", "/mnt")
    second.guest.run("mount", "/dev/drbd0", "/mnt")
    second.guest.run("sh", "-c", "echo other > /mnt/other && sync && umount /mnt")
    second.drbdadm("secondary")
    second.guest.link(up=True)
    until(lambda: all(node.drbd().is_alone for node in pair), "the split is noticed")
    for node in pair:
        assert node.check().startswith("HAN-D02")
    with pytest.raises(Refused, match="wrote on"):
        second.activate(2)
    second.epoch = 0
    assert first.read("kept") == "written on the first"

    second.drbdadm("connect", "--discard-my-data")  # What HAN-D02 says to do.
    first.drbdadm("connect")
    until(lambda: first.check() == "", "the halves are in step again")
    first.deactivate()
    second.activate(3)
    assert second.read("kept") == "written on the first"
    assert second.guest.shell(f"test -e {DATA}/other").code == 1


def test_the_active_disk_fails_and_nothing_stops(pair: Pair) -> None:
    first, second = pair.nodes
    first.write("before", "both have it")
    first.guest.fail_disk(LOCAL_WRITES)
    first.write("after", "only the other has it")
    assert first.drbd().disk == "Diskless"
    assert first.read("before") == "both have it"
    assert first.check().startswith("HAN-D07 the local disk failed")
    assert second.check().startswith("HAN-D07 the disk of peer failed")
    with pytest.raises(Refused, match="still Primary"):
        second.activate(2)
    first.deactivate()
    second.activate(3)
    assert second.read("after") == "only the other has it"
    second.deactivate()
    with pytest.raises(Refused, match="Diskless"):
        first.activate(4)
    first.epoch = 0
    second.activate(5)
    first.guest.fail_disk(0)
    first.drbdadm("attach")
    until(lambda: second.check() == "", "the halves are in step again")
    second.deactivate()
    assert equal_halves(pair)


def test_the_active_node_dies_with_a_failed_disk(pair: Pair) -> None:
    first, second = pair.nodes
    first.guest.fail_disk(LOCAL_WRITES)
    first.write("a", "only the other has it")
    first.guest.kill()
    second.activate(2)
    assert second.read("a") == "only the other has it"


def test_after_a_power_cut_of_both_either_one_may_start_alone(pair: Pair) -> None:
    first, second = pair.nodes
    first.write("a", "both have it")
    first.guest.kill()
    second.guest.kill()
    second.reboot()
    assert second.drbd().disk == "Consistent"
    second.activate(2)
    assert second.read("a") == "both have it"
    second.write("b", "written alone")
    first.reboot()
    until(lambda: second.check() == "", "the halves are in step again")
    assert first.drbd().role == "Secondary"
    second.deactivate()
    assert equal_halves(pair)


def test_an_administrator_accepts_the_loss_of_the_other_half(pair: Pair) -> None:
    first, second = pair.nodes
    first.write("a", "both have it")
    second.drbdadm("down")  # In order: DRBD notes itself as Outdated.
    first.write("lost", "only the first has it")
    first.guest.kill()
    second.reboot()
    with pytest.raises(Refused, match="HAN-D01"):
        second.activate(2)
    second.epoch = 0
    second.accept_loss()
    second.activate(3)
    assert second.read("a") == "both have it"
    assert second.guest.shell(f"test -e {DATA}/lost").code == 1
    first.reboot()  # Its newer data is not joined with the accepted: it is told as split.
    until(lambda: second.check().startswith("HAN-D02"), "the split is noticed")
    first.epoch = 0


def test_a_disk_that_holds_anything_is_never_taken(new: Pair) -> None:
    first, _ = new.nodes
    first.drbdadm("down")
    first.guest.run(
        "sh", "-c", "dd if=/dev/zero of=/dev/ubda1 bs=64k count=64; mkfs.ext4 -q /dev/ubda2"
    )
    with pytest.raises(Refused, match=r"HAN-D03 /dev/ubda2"):
        first.join()
    assert "ext4" in first.guest.run("wipefs", "-n", "/dev/ubda2")
