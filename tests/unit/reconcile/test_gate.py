"""What the gate lets through, whatever a plan may ask for."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.plan.clusters import made_sample, nothing_there, sample

from hacluster.model import kinds
from hacluster.model.assessment import Assessment, Finding, Severity
from hacluster.model.ids import ArmId, key
from hacluster.model.observed import Absent, Present, Seen, Snapshot, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan import parts
from hacluster.plan.steps import Act, Delete, Pending, Put, Refuse, Step, Verb
from hacluster.plan.view import View
from hacluster.plan.wanted import Ownership, is_ours, may_adopt, ownership
from hacluster.reconcile.gate import DELETION, gate

CLUSTER = sample("internal-load-balancer")
NAMES = View.of(CLUSTER).names
BALANCER = NAMES.load_balancer
SUBNET = NAMES.subnet
OURS: dict[str, Any] = {"tags": NAMES.owner_tags, "properties": {}}
FOREIGN: dict[str, Any] = {
    "tags": {"hacluster-owner": "default/another", "hacluster-uid": "u"},
    "properties": {},
}


def view_of(*seen: Seen, **more: Any) -> View:
    resources = {key(one.id): one for one in seen}
    return View.of(CLUSTER, seen=Snapshot(resources=resources), **more)


def present(
    resource: ArmId, body: dict[str, Any] | None = None, state: str = "Succeeded"
) -> Present:
    found = copy.deepcopy(body or OURS)
    found["properties"]["provisioningState"] = state
    return Present(id=resource, body=found, etag="e")


def put(resource: ArmId = BALANCER, **more: Any) -> Put:
    return Put(id=resource, body=more.pop("body", {}), etag="e", why="test", **more)


def reason_of(step: Step, view: View) -> str | None:
    """Return why a step alone is held, or None if it is allowed."""
    gated = gate([step], view)
    return None if gated.allowed else gated.held[0].reason


def test_a_change_to_what_is_ours_is_allowed() -> None:
    assert reason_of(put(), view_of(present(BALANCER))) is None
    assert reason_of(put(creates=True), view_of(Absent(id=BALANCER))) is None


@pytest.mark.parametrize(
    ("step", "seen", "reason"),
    [
        (put(), Unknown(id=BALANCER, why="403", reason="Denied"), Reason.NOT_OBSERVED),
        (put(), present(BALANCER, state="Updating"), Reason.PROGRESSING),
        (put(), present(BALANCER, FOREIGN), Reason.INVARIANT_BROKEN),
        (put(), present(BALANCER, {"properties": {}}), Reason.INVARIANT_BROKEN),
        (Delete(id=BALANCER, etag="e", why=""), Absent(id=BALANCER), Reason.INVARIANT_BROKEN),
        (
            Delete(id=BALANCER, etag="e", why=""),
            present(BALANCER, FOREIGN),
            Reason.INVARIANT_BROKEN,
        ),
        (Act(id=BALANCER, verb=Verb.RESTART, why=""), Absent(id=BALANCER), Reason.INVARIANT_BROKEN),
        (put(body={"a": [{"b": Pending(SUBNET, "p")}]}), present(BALANCER), Reason.PROGRESSING),
        (put(disrupts="node-1"), present(BALANCER), Reason.DISRUPTION_HELD),
    ],
    ids=[
        "unknown",
        "in progress",
        "another's",
        "nobody's",
        "delete nothing",
        "delete another's",
        "act on nothing",
        "a value not known",
        "who serves is not known",
    ],
)
def test_a_step_is_held_and_says_why(step: Step, seen: Seen, reason: Reason) -> None:
    assert reason_of(step, view_of(seen)) == reason


@pytest.mark.parametrize(
    ("management", "reason"),
    [({"paused": True}, Reason.PAUSED), ({"mode": "Observe"}, Reason.OBSERVING)],
    ids=["paused", "Observe"],
)
def test_nothing_is_written_while_only_looked_at(
    management: dict[str, Any], reason: Reason
) -> None:
    cluster = sample("minimal", lambda spec: spec.update(management=management))
    view = nothing_there(cluster)
    gated = gate(parts.plan(view), view)
    assert gated.allowed == ()
    assert {one.reason for one in gated.held} == {reason}


NEEDY = put(needs=frozenset({SUBNET}))
REMOVAL = Delete(id=BALANCER, etag="e", why="", needs=frozenset({SUBNET}))


@pytest.mark.parametrize(
    ("step", "need", "others", "is_allowed"),
    [
        (NEEDY, present(SUBNET), [], True),
        (NEEDY, Absent(id=SUBNET), [], False),
        (NEEDY, present(SUBNET, state="Updating"), [], False),
        (NEEDY, Unknown(id=SUBNET, why="", reason="Denied"), [], False),
        (NEEDY, present(SUBNET), [put(SUBNET)], False),
        (NEEDY, present(SUBNET), [Refuse(id=SUBNET, reason="Refused", why="no")], False),
        (NEEDY, present(SUBNET), [Refuse(id=SUBNET, reason="R", why="", blocks=False)], True),
        (REMOVAL, Absent(id=SUBNET), [], True),
        (REMOVAL, present(SUBNET), [], True),
        (REMOVAL, present(SUBNET), [put(SUBNET)], False),
        (REMOVAL, present(SUBNET), [Delete(id=SUBNET, etag="e", why="")], False),
        (REMOVAL, present(SUBNET, state="Deleting"), [], False),
        (REMOVAL, Unknown(id=SUBNET, why="", reason="Denied"), [], False),
    ],
)
def test_a_step_waits_for_what_it_needs(
    step: Step, need: Seen, others: list[Step], *, is_allowed: bool
) -> None:
    view = view_of(present(BALANCER), need, inventory=(SUBNET,))
    gated = gate([step, *others], view)
    assert (step in gated.allowed) is is_allowed
    assert all(held.why for held in gated.held)


def test_what_has_only_to_be_begun_may_still_be_moving() -> None:
    step = put(needs_begun=frozenset({SUBNET}))
    moving = view_of(present(BALANCER), present(SUBNET, state="Creating"))
    assert reason_of(step, moving) is None
    assert reason_of(step, view_of(present(BALANCER), Absent(id=SUBNET))) == Reason.PROGRESSING


DEGRADED = Finding(severity=Severity.DEGRADED, reason=Reason.NODE_DOWN, why="")


@pytest.mark.parametrize(
    ("assessment", "is_allowed"),
    [
        (Assessment(), False),
        (Assessment(serving=()), False),
        (Assessment(active="node-2", serving=("node-2",)), True),
        (Assessment(active="node-1", serving=("node-1",)), False),
        (Assessment(serving=("node-1", "node-2")), False),
        (Assessment(active="node-2", serving=("node-2",), findings=(DEGRADED,)), False),
        (Assessment(active="node-2", serving=("node-2",), is_silent=True), False),
    ],
    ids=["unknown", "nobody serves", "standby", "active", "both", "degraded", "no agent"],
)
def test_only_a_standby_that_can_be_spared_is_interrupted(
    assessment: Assessment, *, is_allowed: bool
) -> None:
    view = view_of(present(BALANCER), assessment=assessment)
    assert (reason_of(put(disrupts="node-1"), view) is None) is is_allowed


SERVES_2 = Assessment(active="node-2", serving=("node-2",))
UNSAFE = Finding(severity=Severity.UNSAFE, reason=Reason.PROBE_OVERRULED, why="x")


@pytest.mark.parametrize(
    ("assessment", "node", "is_allowed"),
    [
        (Assessment(serving=()), "node-1", True),
        (Assessment(serving=()), "node-2", False),
        (replace(SERVES_2, findings=(DEGRADED,)), "node-1", True),
        (replace(SERVES_2, is_silent=True), "node-1", True),
        (replace(SERVES_2, findings=(UNSAFE,)), "node-1", False),
        (Assessment(active="node-1", serving=("node-1",)), "node-1", False),
        (Assessment(), "node-1", False),
    ],
    ids=["nobody serves", "another", "degraded", "silent", "unsafe", "active", "not asked yet"],
)
def test_a_person_may_permit_one_node_that_does_not_serve(
    assessment: Assessment, node: str, *, is_allowed: bool
) -> None:
    view = view_of(present(BALANCER), assessment=assessment)
    permitted = replace(view.cluster, annotations=((kinds.INTERRUPT, node),))
    assert reason_of(put(disrupts="node-1"), view) == Reason.DISRUPTION_HELD
    allowed = reason_of(put(disrupts="node-1"), replace(view, cluster=permitted))
    assert (allowed is None) is is_allowed


@pytest.mark.parametrize(
    ("assessment", "remedy"),
    [
        (Assessment(serving=()), "hacluster.dev/interrupt: node-1"),
        (replace(SERVES_2, is_silent=True), "hacluster.dev/interrupt: node-1"),
        (replace(SERVES_2, findings=(DEGRADED,)), "mend what Degraded says"),
        (Assessment(active="node-1", serving=("node-1",)), "move the groups"),
        (Assessment(), "the balancer is asked"),
    ],
)
def test_a_held_disruption_tells_the_way_out(assessment: Assessment, remedy: str) -> None:
    (held,) = gate([put(disrupts="node-1")], view_of(present(BALANCER), assessment=assessment)).held
    assert remedy in held.why


def test_one_node_is_interrupted_at_a_time_but_all_of_it_at_once() -> None:
    steps = [
        put(disrupts="node-2"),
        put(SUBNET, disrupts="node-2"),
        put(NAMES.identity, disrupts="x"),
    ]
    assessment = Assessment(active="node-1", serving=("node-1",))
    seen = (present(BALANCER), present(SUBNET), present(NAMES.identity))
    view = view_of(*seen, inventory=(SUBNET,), assessment=assessment)
    gated = gate(steps, view)
    assert [step.disrupts for step in gated.allowed if not isinstance(step, Refuse)] == [
        "node-2"
    ] * 2
    assert "one node at a time" in gated.held[0].why
    assert len(gate(steps, view, DELETION).allowed) == 3


BODIES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        OURS,
        FOREIGN,
        {"properties": {}},
        {"tags": {"hacluster-owner": NAMES.owner, "hacluster-uid": "old"}, "properties": {}},
    ]
)
PLACES = st.sampled_from(sorted(parts.watched(View.of(CLUSTER))))


@st.composite
def sights(draw: st.DrawFn) -> Seen:
    """Anything that can be seen of any resource."""
    resource = draw(PLACES)
    kind = draw(st.sampled_from(["present", "absent", "unknown"]))
    if kind == "absent":
        return Absent(id=resource)
    if kind == "unknown":
        return Unknown(id=resource, why="503", reason="AzureUnreachable")
    return present(
        resource, draw(BODIES), draw(st.sampled_from(["Succeeded", "Failed", "Updating"]))
    )


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Any step, as a wrong plan might have it."""
    resource, needs = draw(PLACES), draw(st.frozensets(PLACES, max_size=2))
    kind = draw(st.sampled_from(["put", "delete", "act", "refuse"]))
    disrupts = draw(st.sampled_from([None, "node-1", "node-2"]))
    if kind == "put":
        return Put(id=resource, body={}, etag="e", why="", needs=needs, disrupts=disrupts)
    if kind == "delete":
        return Delete(id=resource, etag="e", why="", needs=needs, disrupts=disrupts)
    if kind == "act":
        return Act(id=resource, verb=Verb.RESTART, why="", needs=needs, disrupts=disrupts)
    return Refuse(id=resource, reason="Refused", why="")


@settings(max_examples=300)
@given(
    seen=st.lists(sights(), max_size=12),
    plan=st.lists(steps(), max_size=6),
    adoption=st.sampled_from(["Never", "IfTagged", "Always"]),
    known=st.sets(PLACES, max_size=3),
)
def test_nothing_foreign_and_nothing_unseen_gets_through(
    seen: list[Seen], plan: list[Step], adoption: str, known: set[ArmId]
) -> None:
    management = CLUSTER.spec.management.model_copy(update={"adoption": adoption})
    spec = CLUSTER.spec.model_copy(update={"management": management})
    view = replace(view_of(*seen, inventory=known), cluster=replace(CLUSTER, spec=spec))
    gated = gate(plan, view)
    for step in gated.allowed:
        there = view.get(step.id)
        assert not isinstance(there, Unknown)
        assert not isinstance(step, Refuse)
        if isinstance(there, Present):
            assert there.is_settled
            whose = ownership(view, there)
            assert whose is not Ownership.ANOTHERS
            if isinstance(step, Put):
                assert may_adopt(whose, view.spec.management.adoption)
            else:
                is_boot_disk = "/disks/" in step.id and view.is_inventoried(step.id)
                assert is_ours(view, there) or is_boot_disk
        for need in step.needs:
            assert not isinstance(view.get(need), Unknown)
    disrupted = {step.disrupts for step in gated.allowed if not isinstance(step, Refuse)}
    assert disrupted <= {None}  # Who serves is not known here.
    assert len(gated.allowed) + len(gated.held) + len(gated.refused) == len(plan)


def test_a_whole_plan_is_sorted_into_what_begins_now_and_what_waits() -> None:
    operator = made_sample("minimal")
    operator.azure.remove(operator.view().names.subnet)
    gated = operator.gated()
    assert {step.id for step in gated.allowed} == {operator.view().names.subnet}
    assert gated.refused == ()
