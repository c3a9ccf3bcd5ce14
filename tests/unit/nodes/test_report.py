"""What the agents' words mean, taken from an agent's own machine where it can be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.plan.clusters import sample
from tests.unit.reconcile.test_assess import ACTIVE, report

from hacluster.model.assessment import Signals, Turn
from hacluster.model.reasons import Reason
from hacluster.model.status import GroupState, GroupStatus, NodeRole
from hacluster.plan.nodes.report import report_of
from hacluster.plan.view import View
from hacluster.reconcile.assess import assess
from hacluster_wire.documents import STATUS, Document

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VIEW = View.of(sample("internal-load-balancer"))


def said(**content: Any) -> Any:
    document = Document(STATUS, "Cluster1", "node-1", 7, content)
    return report_of(VIEW, document, timedelta(), lambda generation: f"g{generation}")


def group(standing: str, **more: Any) -> dict[str, Any]:
    return {"name": "failover1", "standing": standing, "epoch": 4, **more}


@pytest.mark.parametrize(
    ("standing", "state", "node", "role"),
    [
        ("Active", GroupState.ONLINE, "node-1", NodeRole.ACTIVE),
        ("Starting", GroupState.STARTING, "node-1", NodeRole.STANDBY),
        ("Stopping", GroupState.STOPPING, "node-1", NodeRole.STANDBY),
        ("Inactive", GroupState.OFFLINE, None, NodeRole.STANDBY),
        ("Fenced", GroupState.OFFLINE, None, NodeRole.STANDBY),
        ("Dancing", GroupState.UNKNOWN, None, NodeRole.STANDBY),
    ],
)
def test_a_groups_standing(
    standing: str, state: GroupState, node: str | None, role: NodeRole
) -> None:
    found = said(groups=[group(standing)])
    assert found.groups == (GroupStatus(name="failover1", node=node, state=state, epoch=4),)
    assert found.role is role


def test_a_broken_resource_is_seen() -> None:
    found = said(groups=[group("Inactive", resources={"app": "Failed"})])
    assert found.groups[0].state is GroupState.FAILED


def test_who_leaves_is_stopped_and_who_misses_the_witness_is_told() -> None:
    assert said(leaving="shutdown").role is NodeRole.STOPPED
    assert not said(groups=[group("Inactive", witnessFailures=2)]).is_witness_reachable
    assert said(groups=[group("Inactive", witnessFailures=1)]).is_witness_reachable


def test_a_mirror_that_is_abnormal_is_not_in_step() -> None:
    abnormal = {"name": "mdw1", "health": "Abnormal", "detail": "HAN-D01"}
    found = said(monitors=[abnormal, {"name": "azureppw1", "health": "Normal"}])
    assert not found.is_in_step
    assert [(one.name, one.message) for one in found.abnormal] == [("mdw1", "HAN-D01")]


@pytest.mark.parametrize(
    ("peer", "hears", "misses"),
    [
        ({"alive": True, "secondsSinceHeard": 0.4}, {"node-2"}, set()),
        ({"alive": False, "secondsSinceHeard": 12}, set(), {"node-2"}),
        ({"alive": False, "secondsSinceHeard": 12, "leaving": True}, set(), set()),
        ({"alive": False, "secondsSinceHeard": None}, set(), set()),
        ({}, set(), set()),
    ],
    ids=["heard", "lost", "said goodbye", "never heard, just begun", "nothing said"],
)
def test_whom_a_node_hears(peer: dict[str, Any], hears: set[str], misses: set[str]) -> None:
    found = said(peers=[{"name": "node-2", **peer}], runSeconds=20)
    assert (found.hears, found.misses) == (hears, misses)


def test_who_was_never_heard_is_missed_in_the_end() -> None:
    peers = [{"name": "node-2", "alive": False, "secondsSinceHeard": None}]
    assert said(peers=peers, runSeconds=31).misses == {"node-2"}
    assert said(peers=peers).misses == {"node-2"}


def test_what_azure_announces_is_told_unless_it_is_ridden_through() -> None:
    event = {"kind": "Redeploy", "notBefore": "Sat, 28 Nov 2026 21:00:00 GMT", "begun": False}
    answers = ("MovedAway", "Awaited", "RiddenThrough")
    found = said(scheduledEvents=[{**event, "answer": answer} for answer in answers])
    moved, awaited = found.announced
    assert moved.startswith("Redeploy is announced by Azure, not before Sat, 28 Nov 2026 21:00:00")
    assert "takes no group until that is over" in moved
    assert "no other node could take over" in awaited
    begun = said(scheduledEvents=[{**event, "answer": "MovedAway", "begun": True, "notBefore": ""}])
    assert begun.announced[0].startswith("Redeploy has begun: nothing runs there")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"groups": "none", "monitors": 3, "events": {"at": 1}, "keys": None, "at": "now"},
        {"groups": [None, 1, {"epoch": -1}], "configuration": "9" * 40, "at": 1e300},
        {"peers": [None, {"alive": "yes"}, {"name": 3, "alive": 0}], "runSeconds": "long"},
        {"scheduledEvents": [None, {}, {"answer": 3, "kind": [], "notBefore": 7}]},
        {"splitBrainSafe": "yes", "events": [{"what": "Online"}, {"what": "Online", "at": True}]},
    ],
)
def test_nonsense_is_borne_and_is_not_healthy(content: dict[str, Any]) -> None:
    found = said(**content)
    assert found.configuration == "g0"
    assert found.role is NodeRole.STANDBY
    assert found.turns == ()


def claims(lower_at: int) -> Signals:
    """Return two nodes that both say active, the first at the lower epoch."""
    began = NOW + timedelta(seconds=30)
    online = Turn(group="failover1", at=began, what="Online", why="")
    states = (
        GroupStatus(name="failover1", node="node-1", state=GroupState.ONLINE, epoch=1),
        GroupStatus(name="failover1", node="node-2", state=GroupState.ONLINE, epoch=2),
    )
    first = report("node-1", ACTIVE, groups=states[:1], at=NOW + timedelta(seconds=lower_at))
    second = report("node-2", ACTIVE, groups=states[1:], at=began, turns=(online,))
    return Signals(reports=(first, second))


def test_the_last_word_of_a_dead_node_is_no_second_active_node() -> None:
    found = assess(VIEW, claims(lower_at=25))
    assert (found.active, found.findings) == ("node-2", ())


def test_a_node_that_goes_on_claiming_is_one() -> None:
    found = assess(VIEW, claims(lower_at=40))
    assert [one.reason for one in found.findings] == [Reason.MORE_THAN_ONE_SERVES]
    assert found.active is None
