"""Which node gets which order, and what is refused while it is still harmless."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.plan.clusters import sample

from hacluster.model.cluster import Cluster
from hacluster.model.operation import Operation, OperationPhase, OperationSpec
from hacluster.model.parse import parse_spec
from hacluster.model.status import ClusterStatus
from hacluster.plan.operations.case import Asked, Case, Decision, End, Follow, Send, Wait
from hacluster.plan.operations.decide import decide, subjects
from hacluster.plan.operations.words import NodeWord

NOW = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
GROUP = "failover1"
CLUSTER = sample()
DEGRADED = ClusterStatus.model_validate(
    {
        "conditions": [
            {
                "type": "Degraded",
                "status": "True",
                "reason": "NodeDown",
                "message": "node-2 is down",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ]
    }
)


def operation(name: str = "op", **spec: Any) -> Operation:
    whole = {"cluster": "cluster1", **spec}
    return Operation(
        namespace="default", name=name, uid=f"uid-{name}", spec=parse_spec(OperationSpec, whole)
    )


def word(
    node: str,
    standing: str = "Inactive",
    *,
    age_s: float = 2.0,
    watched_s: float = 60.0,
    heard: Iterable[str] = ("node-1", "node-2"),
    leaving: str = "",
    results: Mapping[str, str] | None = None,
) -> NodeWord:
    """Return what a node says; results are phases by operation."""
    content = {
        "leaving": leaving,
        "groups": [{"name": GROUP, "standing": standing}],
        "peers": [{"name": name, "alive": name in heard} for name in ("node-1", "node-2")],
        "orders": [
            {"id": f"uid-{name}", "phase": phase, "message": f"{phase} it", "at": 1}
            for name, phase in (results or {}).items()
        ],
    }
    return NodeWord.of(node, content, timedelta(seconds=age_s), timedelta(seconds=watched_s))


BOTH = (word("node-1", "Active"), word("node-2"))


def case(asked: Operation | None = None, age_s: float = 5.0, **changes: Any) -> Case:
    """Return a new operation on a cluster that is well; ``changes`` go to the case."""
    phase = changes.pop("phase", OperationPhase.PENDING)
    made = Case(
        asked=Asked(
            operation=asked or operation(type="Move", group=GROUP),
            created=NOW - timedelta(seconds=age_s),
            phase=phase,
            is_new=changes.pop("is_new", phase is OperationPhase.PENDING),
        ),
        now=NOW,
        cluster=CLUSTER,
        words=BOTH,
    )
    return replace(made, **changes)


def decided(spec: dict[str, Any], **changes: Any) -> Decision:
    return decide(case(operation(**spec), **changes))


@pytest.mark.parametrize(
    ("spec", "nodes"),
    [
        pytest.param({"type": "Move", "group": GROUP}, ["node-1"], id="move"),
        pytest.param({"type": "Move", "group": GROUP, "node": "node-2"}, ["node-1"], id="move-to"),
        pytest.param({"type": "Stop", "group": GROUP}, ["node-1"], id="stop"),
        pytest.param({"type": "Restart", "group": GROUP}, ["node-1"], id="restart"),
        pytest.param({"type": "Stop", "node": "node-2"}, ["node-2"], id="stop-service"),
        pytest.param({"type": "Restart", "node": "node-1"}, ["node-1"], id="restart-service"),
        pytest.param({"type": "Suspend", "monitor": "azureppw1"}, ["node-1", "node-2"], id="all"),
        pytest.param(
            {"type": "Resume", "monitor": "azureppw1", "node": "node-2"}, ["node-2"], id="one"
        ),
        pytest.param({"type": "SimulateFailure", "monitor": "azureppw1"}, ["node-1"], id="fail"),
    ],
)
def test_the_node_that_can_do_it_gets_the_order(spec: dict[str, Any], nodes: list[str]) -> None:
    found = decided(spec)
    assert isinstance(found, Send)
    assert list(found.nodes) == nodes


def test_a_group_that_is_active_nowhere_is_started_on_its_first_node() -> None:
    idle = (word("node-1"), word("node-2"))
    assert decided({"type": "Start", "group": GROUP}, words=idle) == Send(
        ("node-1",), f"starts {GROUP} on node-1"
    )
    leaves = (word("node-1", leaving="it was stopped by hand"), word("node-2"))
    found = decided({"type": "Start", "group": GROUP}, words=leaves)
    assert isinstance(found, Send)
    assert found.nodes == ("node-2",)


def _changed(change: Callable[[dict[str, Any]], object]) -> Cluster:
    return sample("internal-load-balancer", change)


@pytest.mark.parametrize(
    ("spec", "changes", "why"),
    [
        pytest.param({}, {"cluster": None}, "there is no HAClusterSpec", id="no-cluster"),
        pytest.param(
            {}, {"cluster": None, "trouble": "it is being deleted"}, "being deleted", id="deleted"
        ),
        pytest.param({"group": "x"}, {}, f"no group x; it has: {GROUP}", id="no-group"),
        pytest.param({"node": "node-9"}, {}, "no node node-9", id="no-node"),
        pytest.param(
            {"type": "Suspend", "group": None, "monitor": "x"}, {}, "no monitor x", id="no-monitor"
        ),
        pytest.param({}, {"age_s": 301.0}, "deadline was over 1 s", id="too-old"),
        pytest.param(
            {},
            {"cluster": _changed(lambda s: s["cluster"].update(nodeAgent="External"))},
            "nodeAgent is External",
            id="external",
        ),
        pytest.param(
            {},
            {"cluster": _changed(lambda s: s.update(management={"paused": True}))},
            "paused is true",
            id="paused",
        ),
        pytest.param(
            {},
            {"cluster": _changed(lambda s: s.update(management={"mode": "Observe"}))},
            "mode is Observe",
            id="observe",
        ),
        pytest.param(
            {"node": "node-2"},
            {"words": (word("node-1", "Active"), word("node-2", age_s=60))},
            "its agent does not report",
            id="move-to-a-silent-node",
        ),
        pytest.param(
            {"node": "node-2"},
            {"words": (word("node-1", "Active", heard=()), word("node-2"))},
            "node-1 does not hear it",
            id="move-to-an-unheard-node",
        ),
        pytest.param(
            {},
            {"words": (word("node-1", "Active", heard=()),), "status": DEGRADED},
            "node-2 is down",
            id="move-with-no-other",
        ),
        pytest.param(
            {},
            {"words": (word("node-1", "Active"), word("node-2", leaving="it was stopped"))},
            "no other node",
            id="move-to-one-that-leaves",
        ),
        pytest.param(
            {}, {"words": (word("node-1"), word("node-2"))}, "start it instead", id="move-stopped"
        ),
        pytest.param(
            {"type": "Restart"},
            {"words": (word("node-1"), word("node-2"))},
            "start it instead",
            id="restart-stopped",
        ),
        pytest.param(
            {"type": "Stop", "node": "node-2"}, {}, "active on node-1, not on node-2", id="stop"
        ),
        pytest.param(
            {"type": "Start", "node": "node-2"}, {}, "move it instead", id="start-elsewhere"
        ),
        pytest.param(
            {"type": "ForceActivate", "node": "node-2", "othersAreOff": True},
            {},
            "node-1 reports, so it is not off",
            id="force-beside-a-live-node",
        ),
        pytest.param(
            {"type": "SimulateFailure", "group": None, "monitor": "azureppw1"},
            {"status": DEGRADED},
            "could not survive it now: node-2 is down",
            id="fail-when-degraded",
        ),
        pytest.param(
            {"type": "SimulateFailure", "group": None, "monitor": "azurelbw1"},
            {},
            "name the node",
            id="fail-where",
        ),
    ],
)
def test_what_cannot_be_or_is_unsafe_is_refused_with_the_reason(
    spec: dict[str, Any], changes: dict[str, Any], why: str
) -> None:
    whole = {"type": "Move", "group": GROUP, **spec}
    found = decided({key: value for key, value in whole.items() if value is not None}, **changes)
    assert isinstance(found, End)
    assert not found.ok
    assert why in found.message


@pytest.mark.parametrize(
    ("spec", "words", "why"),
    [
        ({"type": "Move", "group": GROUP}, (word("node-2"),), "no report from node-1"),
        (
            {"type": "Move", "group": GROUP},
            (word("node-1", "Stopping"), word("node-2")),
            "on its way on node-1",
        ),
        ({"type": "Stop", "node": "node-2"}, (word("node-1"),), "node-2 does not report"),
        ({"type": "Suspend", "monitor": "azureppw1"}, (), "no agent reports"),
        (
            {"type": "Move", "group": GROUP, "node": "node-2"},
            (word("node-1", "Active"), word("node-2", age_s=60, watched_s=3)),
            "looks whether node-2 still reports",
        ),
        (
            {"type": "ForceActivate", "group": GROUP, "node": "node-2", "othersAreOff": True},
            (word("node-1", "Active", age_s=60, watched_s=3), word("node-2")),
            "looks whether node-1 still reports",
        ),
    ],
)
def test_what_may_become_possible_waits_until_the_deadline(
    spec: dict[str, Any], words: tuple[NodeWord, ...], why: str
) -> None:
    found = decided(spec, words=words)
    assert isinstance(found, Wait)
    assert why in found.message
    late = decided(spec, words=words, age_s=301.0, is_new=False)
    assert isinstance(late, End)
    assert not late.ok
    assert why in late.message


def test_operations_on_the_same_thing_wait_for_each_other() -> None:
    move = operation("first", type="Move", group=GROUP)
    suspend = operation("second", type="Suspend", monitor="azureppw1")
    service = operation("third", type="Restart", node="node-2")
    assert decide(case(service, earlier=(move,))) == Wait("waits for first, which came first")
    assert isinstance(decide(case(suspend, earlier=(move, service))), Send)
    assert not subjects(suspend, CLUSTER) & subjects(move, CLUSTER)


def test_nothing_is_given_twice() -> None:
    running: dict[str, Any] = {"phase": OperationPhase.RUNNING}
    posted = case(posted=frozenset({"node-1"}), **running)
    assert decide(posted) == Follow("given to node-1")
    moved = (word("node-1", results={"op": "Running"}), word("node-2", "Active"))
    assert decide(case(words=moved, **running)) == Follow("node-1: Running it")
    assert decide(case(words=moved)) == Follow("node-1: Running it"), "its status was not written"


def test_an_order_that_never_reached_the_store_is_given_by_the_next_operator() -> None:
    found = decide(case(phase=OperationPhase.RUNNING))
    assert isinstance(found, Send)
    late = decide(case(phase=OperationPhase.RUNNING, age_s=301.0))
    assert isinstance(late, Follow), "a node may still tell its end"
    over = decide(case(phase=OperationPhase.RUNNING, age_s=320.0))
    assert isinstance(over, End)
    assert not over.ok


@pytest.mark.parametrize(("phase", "ok"), [("Succeeded", True), ("Failed", False)])
def test_the_nodes_word_is_the_end(phase: str, ok: bool) -> None:
    words = (word("node-1", results={"op": phase}), word("node-2", "Active"))
    found = decide(case(words=words, posted=frozenset({"node-1"}), phase=OperationPhase.RUNNING))
    assert found == End(ok, f"node-1: {phase} it")


def test_an_operation_for_every_node_is_done_when_all_have_done_it() -> None:
    asked = operation(type="Suspend", monitor="azureppw1")
    one = (word("node-1", "Active", results={"op": "Succeeded"}), word("node-2"))
    running: dict[str, Any] = {"asked": asked, "phase": OperationPhase.RUNNING}
    found = decide(case(words=one, posted=frozenset({"node-1"}), **running))
    assert isinstance(found, Send), "the operator died before it had written to all"
    assert found.nodes == ("node-2",)
    both = frozenset({"node-1", "node-2"})
    assert isinstance(decide(case(words=one, posted=both, **running)), Follow)
    done = (one[0], word("node-2", results={"op": "Succeeded"}))
    assert isinstance(decide(case(words=done, posted=both, **running)), End)


def test_no_word_by_the_deadline_is_a_failure_that_names_the_node() -> None:
    dead = (word("node-1", "Active", age_s=200), word("node-2"))
    given: dict[str, Any] = {"posted": frozenset({"node-1"}), "phase": OperationPhase.RUNNING}
    assert isinstance(decide(case(words=dead, age_s=310, **given)), Follow)
    found = decide(case(words=dead, age_s=316, **given))
    assert isinstance(found, End)
    assert not found.ok
    assert "node-1" in found.message


def test_a_store_that_is_away_is_told_and_waited_for() -> None:
    away: dict[str, Any] = {"words": (), "trouble": "the store does not answer"}
    assert decide(case(**away)) == Wait("the store does not answer")
    found = decide(case(phase=OperationPhase.RUNNING, **away))
    assert isinstance(found, Follow)
    assert "the store does not answer" in found.message


def test_malformed_reports_say_nothing() -> None:
    said = NodeWord.of("node-1", {"groups": [7, {"name": "g"}], "peers": None}, timedelta())
    assert (said.groups, said.heard, said.results) == ({}, frozenset(), {})
