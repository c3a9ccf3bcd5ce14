"""What DRBD's words mean, from statuses that real DRBD 8.4 printed."""

from __future__ import annotations

import pytest

from hacluster_node.resources import mirror_status
from hacluster_node.resources.mirror_status import MirrorStatus, parse, refusal, trouble

IN_STEP = """\
r0 role:Primary
  disk:UpToDate
  peer role:Secondary
    replication:Established peer-disk:UpToDate
"""
SECONDARY = IN_STEP.replace("role:Primary", "role:X", 1).replace("role:Secondary", "role:Primary")
PEER_LOST = """\
r0 role:Primary
  disk:UpToDate
  peer connection:Connecting
"""
SURVIVOR = PEER_LOST.replace("Primary", "Secondary")
STAND_ALONE = "r0 role:Secondary\n  disk:UpToDate\n"
SYNC_TARGET = """\
r0 role:Secondary
  disk:Inconsistent
  peer role:Primary
    replication:SyncTarget peer-disk:UpToDate done:42.17
"""
SYNC_SOURCE = """\
r0 role:Primary
  disk:UpToDate
  peer role:Secondary
    replication:SyncSource peer-disk:Inconsistent done:42.17
"""
DISKLESS = IN_STEP.replace("  disk:UpToDate", "  disk:Diskless")
FROZEN = PEER_LOST.replace("role:Primary", "role:Primary suspended:fencing", 1)
BLANK = IN_STEP.replace("Primary", "Secondary").replace("UpToDate", "Inconsistent")
RESTARTED = SURVIVOR.replace("UpToDate", "Consistent")
NEGOTIATING = IN_STEP.replace("  disk:UpToDate", "  disk:Consistent")
PEER_DISKLESS = IN_STEP.replace("peer-disk:UpToDate", "peer-disk:Diskless")
OUTDATED = STAND_ALONE.replace("UpToDate", "Outdated")
THREE_NODES = """\
ha-g-md role:Primary
  disk:UpToDate open:yes
  n2 role:Secondary
    peer-disk:UpToDate
  n3 connection:Connecting
"""
DOWN = MirrorStatus(is_up=False)


def seen(output: str) -> MirrorStatus:
    return parse(output, 0)


def test_a_mirror_in_step_is_no_trouble_and_may_be_primary() -> None:
    status = seen(IN_STEP)
    assert (status.role, status.disk, status.is_in_step) == ("Primary", "UpToDate", True)
    assert trouble(status) is None
    assert refusal(status, newest=True) is None


def test_code_10_means_that_it_is_not_up() -> None:
    assert parse("r0: No such resource", 10) == DOWN


@pytest.mark.parametrize(
    ("output", "code"), [("", 0), ("", 20), ("boom", 1), ("r0.res:4: Parse error", 10)]
)
def test_what_is_no_status_is_never_guessed(output: str, code: int) -> None:
    with pytest.raises(ValueError, match="drbdadm status"):
        parse(output, code)


@pytest.mark.parametrize(
    ("status", "newest", "code"),
    [
        pytest.param(DOWN, True, "HAN-D01", id="down"),
        pytest.param(seen(SURVIVOR), True, None, id="survivor of a crash"),
        pytest.param(seen(SURVIVOR), False, "HAN-D01", id="cut off, the other wrote on"),
        pytest.param(seen(SECONDARY), True, "HAN-D01", id="the other is primary"),
        pytest.param(seen(SYNC_TARGET), True, "HAN-D01", id="in the middle of a resync"),
        pytest.param(seen(RESTARTED), True, None, id="restarted alone, nobody wrote since"),
        pytest.param(seen(RESTARTED), False, "HAN-D01", id="restarted alone, left behind"),
        pytest.param(seen(NEGOTIATING), True, "HAN-D01", id="still telling who is newer"),
        pytest.param(seen(BLANK), True, None, id="two new halves"),
        pytest.param(seen(OUTDATED), True, "HAN-D01", id="outdated"),
        pytest.param(seen(DISKLESS), True, "HAN-D01", id="no disk"),
        pytest.param(seen(STAND_ALONE), False, "HAN-D01", id="split, the other one counts"),
    ],
)
def test_only_a_half_with_the_newest_data_becomes_primary(
    status: MirrorStatus, newest: bool, code: str | None
) -> None:
    refused = refusal(status, newest=newest)
    assert (refused and refused[0]) == code


@pytest.mark.parametrize(
    ("output", "code", "word"),
    [
        pytest.param(PEER_LOST, "HAN-D01", "Connecting", id="peer lost"),
        pytest.param(STAND_ALONE, "HAN-D02", "StandAlone", id="split brain"),
        pytest.param(SYNC_SOURCE, "HAN-D01", "42.17", id="resync, seen from the source"),
        pytest.param(SYNC_TARGET, "HAN-D01", "SyncTarget", id="resync, seen from the target"),
        pytest.param(DISKLESS, "HAN-D07", "disk failed", id="disk lost"),
        pytest.param(PEER_DISKLESS, "HAN-D07", "only one left", id="the other's disk lost"),
        pytest.param(FROZEN, "HAN-D06", "writes wait", id="peer lost and not yet noted"),
        pytest.param(BLANK, "HAN-D01", "first start", id="new"),
        pytest.param(THREE_NODES, "HAN-D01", "n3", id="one of two peers lost"),
    ],
)
def test_a_mirror_out_of_step_is_reported_with_its_reason(
    output: str, code: str, word: str
) -> None:
    found = trouble(seen(output))
    assert found is not None
    assert found[0] == code
    assert word in found[1]


def test_drbd_9_names_its_peers_and_may_have_several() -> None:
    peers = seen(THREE_NODES).peers
    assert [(peer.name, peer.connection, peer.disk) for peer in peers] == [
        ("n2", "Connected", "UpToDate"),
        ("n3", "Connecting", "DUnknown"),
    ]
    assert mirror_status.trouble(DOWN) is not None
