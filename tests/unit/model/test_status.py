"""A status can always be written, and an older or newer one always read."""

from datetime import UTC, datetime

from hacluster.model.status import (
    ClusterStatus,
    Condition,
    ConditionType,
    Drift,
    FailoverRecord,
    InventoryItem,
    PlannedStep,
    Summary,
    Truth,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def condition(message: str = "all is well") -> Condition:
    return Condition(
        type=ConditionType.READY,
        status=Truth.TRUE,
        reason="AsDeclared",
        message=message,
        last_transition_time=NOW,
    )


def test_long_texts_are_cut() -> None:
    assert len(condition("x" * 5000).message) == 4096
    assert condition("x" * 5000).message.endswith("…")
    assert len(PlannedStep(verb="Create", id="/a", why="y" * 2000).why) == 1024
    assert Drift(id="/a", path="p", want="w" * 256).want == "w" * 256


def test_lists_that_inform_are_cut_and_the_inventory_is_not() -> None:
    moves = tuple(FailoverRecord(at=NOW, to=f"node-{n}", why="test") for n in range(12))
    status = ClusterStatus(
        drift=tuple(Drift(id=f"/{n}", path="p") for n in range(60)),
        failovers=moves,
        inventory=tuple(InventoryItem(id=f"/{n}") for n in range(500)),
    )
    assert len(status.drift) == 50
    assert status.failovers == moves[:10]
    assert len(status.inventory) == 500


def test_it_is_spelled_as_kubernetes_spells() -> None:
    status = ClusterStatus(
        observed_generation=2,
        conditions=(condition(),),
        summary=Summary(access="10.5.0.200", nodes="2/2"),
        failovers=(FailoverRecord(at=NOW, origin="node-1", to="node-2", why="test", seconds=9.5),),
    )
    wire = status.wire()
    assert wire["observedGeneration"] == 2
    assert wire["conditions"] == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "AsDeclared",
            "message": "all is well",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
        }
    ]
    assert wire["failovers"][0]["from"] == "node-1"
    assert ClusterStatus.model_validate(wire) == status


def test_unknown_fields_of_another_version_are_dropped() -> None:
    wire = ClusterStatus(conditions=(condition(),)).wire()
    newer = {**wire, "novelty": 1, "conditions": [{**wire["conditions"][0], "novelty": 1}]}
    assert ClusterStatus.model_validate(newer).wire() == wire


def test_a_condition_is_found_by_its_type() -> None:
    status = ClusterStatus(conditions=(condition(),))
    assert status.condition(ConditionType.READY) == condition()
    assert status.condition(ConditionType.DEGRADED) is None
