"""The status of a pass: no condition claims what was not seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.plan.clusters import Operator, made, made_sample, nothing_there, sample
from tests.unit.reconcile.test_assess import ACTIVE, OLD, STANDBY, health, report

from hacluster.errors import (
    ArmDenied,
    ArmError,
    ArmRejected,
    ArmThrottled,
    ArmUnavailable,
    SpecInvalid,
)
from hacluster.model.assessment import Signals, Turn
from hacluster.model.ids import key
from hacluster.model.observed import Snapshot, Unknown
from hacluster.model.reasons import Reason
from hacluster.model.status import (
    ClusterStatus,
    ConditionType,
    GroupState,
    GroupStatus,
    MonitorStatus,
    NodeHealth,
    NodeRole,
    Truth,
)
from hacluster.plan import deletion, parts
from hacluster.plan.view import View
from hacluster.reconcile.assess import assess
from hacluster.reconcile.gate import DELETION, gate
from hacluster.reconcile.passed import Passed, StepTrouble
from hacluster.reconcile.summarize import sentence, summarize, summarize_refused

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
C = ConditionType
ILB = "internal-load-balancer"


def passed(operator: Operator, signals: Signals | None = None, **more: Any) -> Passed:
    known = signals or Signals()
    return of_view(operator.view(), known, **more)


def of_view(view: View, signals: Signals, **more: Any) -> Passed:
    judged = replace(view, assessment=assess(view, signals))
    gated = gate(parts.plan(judged), judged)
    return Passed(view=judged, now=NOW, signals=signals, gated=gated, **more)


def answers(status: ClusterStatus) -> dict[str, tuple[Truth, str]]:
    return {one.type: (one.status, one.reason) for one in status.conditions}


def agents(**more: Any) -> Signals:
    reports = (report("node-1", ACTIVE, **more), report("node-2", STANDBY, **more))
    return Signals(health=health("node-1"), reports=reports, configuration="c1")


def witness(spec: dict[str, Any]) -> None:
    spec["cluster"].pop("partition")


def test_until_an_agent_reports_azure_is_reconciled_and_the_object_is_not_ready() -> None:
    status = summarize(passed(made_sample(ILB)))
    found = answers(status)
    assert found[C.AZURE_RECONCILED] == (T, Reason.AS_DECLARED)
    assert found[C.NODES_CONFIGURED] == (U, Reason.AWAITING_AGENT)
    assert found[C.EXACTLY_ONE_ACTIVE] == (U, Reason.NO_EVIDENCE)
    assert found[C.READY] == (U, Reason.AWAITING_AGENT)
    assert found[C.DEGRADED][0] is U
    assert found[C.STALLED][0] is F
    assert found[C.RECONCILING][0] is F
    assert "node-1" in sentence(status)


def test_a_working_cluster_is_ready() -> None:
    status = summarize(passed(made(sample(ILB, witness)), agents()))
    assert answers(status) == {
        C.READY: (T, Reason.AS_DECLARED),
        C.ACCEPTED: (T, Reason.SPEC_ACCEPTED),
        C.AZURE_RECONCILED: (T, Reason.AS_DECLARED),
        C.NODES_CONFIGURED: (T, Reason.AS_DECLARED),
        C.EXACTLY_ONE_ACTIVE: (T, Reason.ONE_SERVES),
        C.SPLIT_BRAIN_SAFE: (T, Reason.WITNESS_GUARDS),
        C.DEGRADED: (F, Reason.CAN_SPARE_ONE),
        C.RECONCILING: (F, Reason.AS_DECLARED),
        C.STALLED: (F, Reason.AS_DECLARED),
    }
    assert sentence(status).endswith("node-1 serves; node-2 can take over")
    assert status.active_node == "node-1"
    assert status.summary is not None
    assert (status.summary.nodes, status.summary.access) == ("2/2", "10.5.0.200")
    assert [(node.role, node.health) for node in status.nodes] == [
        (NodeRole.ACTIVE, NodeHealth.UP),
        (NodeRole.STANDBY, NodeHealth.DOWN),
    ]


def test_the_guides_mode_says_that_it_is_not_safe_and_is_ready_all_the_same() -> None:
    found = answers(summarize(passed(made_sample(ILB), agents())))
    assert found[C.SPLIT_BRAIN_SAFE] == (F, Reason.TARGETS_ONLY)
    assert found[C.READY][0] is T


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        (agents(configuration="c0"), (F, Reason.CONFIGURING)),
        (agents(age=OLD), (U, Reason.AWAITING_AGENT)),
        (replace(agents(), reports=(report("node-1", ACTIVE),)), (U, Reason.AGENT_SILENT)),
        (replace(agents(), configuration=None), (F, Reason.CONFIGURING)),
    ],
    ids=["behind", "silent", "one silent", "nothing published"],
)
def test_nodes_are_configured_only_if_every_agent_says_so(
    signals: Signals, expected: tuple[Truth, str]
) -> None:
    assert answers(summarize(passed(made_sample(ILB), signals)))[C.NODES_CONFIGURED] == expected


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        (Signals(health=health("node-1", "node-2")), (F, Reason.MORE_THAN_ONE_SERVES)),
        (Signals(health=health()), (F, Reason.NOBODY_SERVES)),
        (
            Signals(health=health("node-1"), reports=(report("node-2", ACTIVE),)),
            (U, Reason.EVIDENCE_DIFFERS),
        ),
        (replace(agents(), witness_holder="node-2"), (F, Reason.EVIDENCE_DIFFERS)),
        (replace(agents(), witness_holder="node-1"), (T, Reason.ONE_SERVES)),
    ],
    ids=["two", "none", "contradiction", "not the witness's", "the witness's"],
)
def test_exactly_one_active(signals: Signals, expected: tuple[Truth, str]) -> None:
    assert answers(summarize(passed(made_sample(ILB), signals)))[C.EXACTLY_ONE_ACTIVE] == expected


@pytest.mark.parametrize(
    ("seconds_ago", "holder", "balancer", "expected"),
    [
        (20, "node-2", ("node-1",), (U, Reason.FAILOVER_SETTLING)),
        (900, "node-2", ("node-1",), (U, Reason.EVIDENCE_DIFFERS)),
        (20, "node-1", ("node-1",), (U, Reason.EVIDENCE_DIFFERS)),
        (20, "node-2", ("node-1", "node-2"), (F, Reason.MORE_THAN_ONE_SERVES)),
        (20, "node-2", ("node-2",), (T, Reason.ONE_SERVES)),
    ],
    ids=["the balancer lags", "for too long", "the witness differs", "both serve", "it follows"],
)
def test_a_failover_may_take_the_balancer_a_while_and_hides_nothing(
    seconds_ago: int, holder: str, balancer: tuple[str, ...], expected: tuple[Truth, str]
) -> None:
    plain = passed(made_sample(ILB))
    online = Turn(
        group="failover1", at=plain.now - timedelta(seconds=seconds_ago), what="Online", why="moved"
    )
    reports = (report("node-1", STANDBY), replace(report("node-2", ACTIVE), turns=(online,)))
    signals = Signals(health=health(*balancer), reports=reports, witness_holder=holder)
    found = answers(summarize(passed(made_sample(ILB), signals)))[C.EXACTLY_ONE_ACTIVE]
    assert found == expected


def test_two_active_nodes_are_not_safe_whatever_the_witness() -> None:
    found = answers(
        summarize(passed(made(sample(ILB, witness)), Signals(health=health("node-1", "node-2"))))
    )
    assert found[C.SPLIT_BRAIN_SAFE] == (F, Reason.MORE_THAN_ONE_SERVES)
    assert found[C.READY] == (F, Reason.MORE_THAN_ONE_SERVES)


def external(spec: dict[str, Any]) -> None:
    spec["cluster"] = {"nodeAgent": "External"}


def test_an_external_agent_is_judged_by_the_balancer_alone() -> None:
    operator = made(sample(ILB, external))
    found = answers(summarize(passed(operator, Signals(health=health("node-2")))))
    assert found[C.READY] == (T, Reason.AS_DECLARED)
    assert found[C.NODES_CONFIGURED] == (T, Reason.NODE_AGENT_EXTERNAL)
    assert found[C.SPLIT_BRAIN_SAFE] == (U, Reason.NODE_AGENT_EXTERNAL)
    assert answers(summarize(passed(operator)))[C.READY] == (U, Reason.NO_EVIDENCE)


def test_nobody_claims_that_a_node_can_take_over_whose_agent_never_spoke() -> None:
    serving = Signals(health=health("node-1"))
    managed = passed(made_sample(ILB), serving)
    assert answers(summarize(managed))[C.DEGRADED] == (U, Reason.AWAITING_AGENT)
    assert not managed.view.assessment.may_disrupt("node-2")
    outside = passed(made(sample(ILB, external)), serving)
    assert answers(summarize(outside))[C.DEGRADED] == (U, Reason.NODE_AGENT_EXTERNAL)
    assert outside.view.assessment.may_disrupt("node-2")
    assert "can take over" not in sentence(summarize(outside))


def test_a_cluster_that_is_being_made_is_progressing() -> None:
    status = summarize(of_view(nothing_there(sample(ILB)), Signals()))
    found = answers(status)
    assert found[C.AZURE_RECONCILED] == (F, Reason.PROGRESSING)
    assert found[C.RECONCILING][0] is T
    assert found[C.READY][0] is F
    assert status.plan[0].verb == "Create"
    assert status.plan[1].held is not None
    assert status.summary is not None
    assert status.summary.plan == len(status.plan)


def drifted(change: Any = None) -> Operator:
    operator = made_sample(ILB)
    operator.cluster = sample(ILB, change)
    operator.azure.change(operator.view().names.load_balancer)["properties"]["probes"] = []
    return operator


def test_drift_is_shown_and_is_being_repaired() -> None:
    status = summarize(passed(drifted(), agents()))
    assert answers(status)[C.AZURE_RECONCILED] == (F, Reason.DRIFTED)
    assert answers(status)[C.RECONCILING][0] is T
    (drift,) = status.drift
    assert drift.path == "properties.probes[TestHealthProbe]"
    assert (drift.have, status.plan[0].verb) == (None, "Update")


@pytest.mark.parametrize(
    ("management", "reason"),
    [({"mode": "Observe"}, Reason.DRIFTED), ({"paused": True}, Reason.PAUSED)],
    ids=["Observe", "paused"],
)
def test_drift_is_shown_where_it_is_not_repaired(
    management: dict[str, Any], reason: Reason
) -> None:
    status = summarize(passed(drifted(lambda spec: spec.update(management=management)), agents()))
    assert answers(status)[C.AZURE_RECONCILED] == (F, reason)
    assert len(status.drift) == 1
    assert status.plan[0].held is not None


def test_a_refusal_waits_for_a_person() -> None:
    operator = made_sample(ILB)
    operator.azure.change(operator.view().names.security_group)["tags"] = {}
    found = answers(summarize(passed(operator, agents())))
    assert found[C.AZURE_RECONCILED] == (F, Reason.ADOPTION_REQUIRED)
    assert found[C.STALLED] == (T, Reason.ADOPTION_REQUIRED)
    assert found[C.RECONCILING][0] is F


def test_a_held_disruption_says_what_to_do() -> None:
    operator = made_sample(ILB)
    operator.cluster = sample(ILB, lambda spec: spec["machines"].update(size="Standard_B4ms"))
    status = summarize(passed(operator, Signals()))
    assert answers(status)[C.AZURE_RECONCILED] == (F, Reason.DISRUPTION_HELD)
    assert "is not known" in str(status.condition(C.AZURE_RECONCILED))


@pytest.mark.parametrize(
    ("error", "expected", "is_stalled"),
    [
        (ArmDenied("no"), (F, Reason.DENIED), True),
        (ArmRejected("no", reason=Reason.POLICY_DENIED), (F, Reason.POLICY_DENIED), True),
        (ArmUnavailable("no"), (F, Reason.AZURE_UNREACHABLE), False),
        (ArmThrottled("no"), (F, Reason.THROTTLED), False),
    ],
    ids=["denied", "policy", "unreachable", "throttled"],
)
def test_a_failed_step_tells_its_reason(
    error: ArmError, expected: tuple[Truth, str], *, is_stalled: bool
) -> None:
    operator = drifted()
    troubles = (
        StepTrouble(id=operator.view().names.load_balancer, error=error),
        StepTrouble(id=operator.view().names.subnet, error=ArmUnavailable("later")),
    )
    found = answers(summarize(passed(operator, agents(), troubles=troubles)))
    assert found[C.AZURE_RECONCILED] == expected
    assert (found[C.STALLED][0] is T) is is_stalled


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ArmDenied("no", reason=Reason.SECRET_MISSING), (F, Reason.SECRET_MISSING)),
        (ArmUnavailable("no"), (U, Reason.AZURE_UNREACHABLE)),
    ],
)
def test_a_pass_that_saw_nothing_claims_nothing(
    error: ArmError, expected: tuple[Truth, str]
) -> None:
    previous = summarize(passed(made_sample(ILB), agents(), inventory=("/x",)))
    blind = Passed(view=View.of(sample(ILB)), now=NOW, previous=previous, trouble=error)
    status = summarize(blind)
    assert answers(status)[C.AZURE_RECONCILED] == expected
    assert answers(status)[C.EXACTLY_ONE_ACTIVE][0] is U
    assert [one.id for one in status.inventory] == ["/x"]


def test_what_could_not_be_read_is_not_called_reconciled() -> None:
    view = made_sample(ILB).view()
    unknown = Unknown(id=view.names.subnet, why="403", reason=Reason.DENIED)
    resources = {**view.seen.resources, key(view.names.subnet): unknown}
    status = summarize(of_view(replace(view, seen=Snapshot(resources=resources)), agents()))
    assert answers(status)[C.AZURE_RECONCILED] == (U, Reason.DENIED)


def test_what_azure_still_works_on_is_progressing() -> None:
    operator = made_sample(ILB)
    subnet = operator.view().names.subnet
    operator.azure.bodies[key(subnet)]["properties"]["provisioningState"] = "Updating"
    found = answers(summarize(passed(operator, agents())))
    assert found[C.AZURE_RECONCILED] == (F, Reason.PROGRESSING)
    found = answers(summarize(passed(made_sample(ILB), agents(), moving=(subnet,))))
    assert found[C.RECONCILING] == (T, Reason.PROGRESSING)


def test_what_is_foreign_is_told_and_changes_nothing() -> None:
    operator = made_sample(ILB)
    foreign = (f"{operator.view().names.security_group}/securityRules/theirs",)
    status = summarize(passed(operator, agents(), foreign=foreign))
    assert answers(status)[C.READY][0] is T
    assert "securityRules/theirs" in str(status.condition(C.AZURE_RECONCILED))


def deleting(operator: Operator, change: Any = None, **more: Any) -> ClusterStatus:
    operator.cluster = sample(ILB, change)
    view = operator.view(members=True)
    gated = gate(deletion.plan(view), view, DELETION)
    return summarize(Passed(view=view, now=NOW, gated=gated, is_deleting=True, **more))


def test_a_deletion_tells_how_far_it_is() -> None:
    found = answers(deleting(made_sample(ILB)))
    assert found[C.AZURE_RECONCILED] == (F, Reason.DELETING)
    assert found[C.READY] == (F, Reason.DELETING)
    paused = deleting(made_sample(ILB), lambda spec: spec.update(management={"paused": True}))
    assert answers(paused)[C.AZURE_RECONCILED] == (F, Reason.PAUSED)
    trouble = (StepTrouble(id=View.of(sample(ILB)).names.subnet, error=ArmDenied("no")),)
    blocked = deleting(made_sample(ILB), troubles=trouble)
    assert answers(blocked)[C.AZURE_RECONCILED] == (F, Reason.DELETION_BLOCKED)
    assert answers(blocked)[C.READY] == (F, Reason.DELETION_BLOCKED)
    lost = deleting(made_sample(ILB), trouble=ArmDenied("no"))
    assert answers(lost)[C.AZURE_RECONCILED] == (F, Reason.DELETION_BLOCKED)


def test_a_degraded_cluster_says_so_and_stays_ready() -> None:
    weak = (report("node-1", ACTIVE), report("node-2", STANDBY, is_in_step=False))
    status = summarize(passed(made_sample(ILB), replace(agents(), reports=weak)))
    assert answers(status)[C.DEGRADED] == (T, Reason.MIRROR_OUT_OF_STEP)
    assert answers(status)[C.READY][0] is T
    assert "newest data" in sentence(status)


def test_a_wrong_spec_is_not_accepted() -> None:
    before = summarize(passed(made_sample(ILB), agents(), inventory=("/x",)))
    status = summarize_refused(SpecInvalid("spec.nodes", "write two"), before, 7, NOW)
    found = answers(status)
    assert found[C.ACCEPTED] == found[C.READY] == (F, Reason.SPEC_INVALID)
    assert found[C.STALLED][0] is T
    assert found[C.EXACTLY_ONE_ACTIVE][0] is U
    assert (status.observed_generation, len(status.inventory)) == (7, 1)
    assert "spec.nodes" in sentence(status)


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    first = summarize(passed(made_sample(ILB), agents()))
    later = NOW + timedelta(hours=1)
    second = summarize(replace(passed(made_sample(ILB), agents(), previous=first), now=later))
    third = summarize(replace(passed(drifted(), agents(), previous=second), now=later))
    times = [
        getattr(one.condition(C.AZURE_RECONCILED), "last_transition_time", None)
        for one in (first, second, third)
    ]
    assert times == [NOW, NOW, later]
    assert second.model_dump() == first.model_dump()


def test_a_move_of_the_service_is_remembered() -> None:
    operator = made_sample(ILB)
    first = summarize(passed(operator, Signals(health=health("node-1"))))
    none = summarize(passed(operator, Signals(health=health()), previous=first))
    moved = summarize(passed(operator, Signals(health=health("node-2")), previous=first))
    (record,) = moved.failovers
    assert (record.origin, record.to, record.at) == ("node-1", "node-2", NOW)
    assert none.failovers == ()
    again = summarize(passed(operator, Signals(health=health("node-2")), previous=moved))
    assert again.failovers == moved.failovers


def test_the_groups_and_monitors_come_from_the_agents() -> None:
    online = GroupStatus(name="failover1", node="node-1", state=GroupState.ONLINE, epoch=4)
    stale = GroupStatus(name="failover1", node="node-2", state=GroupState.OFFLINE, epoch=4)
    abnormal = (MonitorStatus(name="genw1", node="node-2", state="Abnormal"),)
    reports = (
        report("node-1", ACTIVE, groups=(online,)),
        report("node-2", STANDBY, groups=(stale,), abnormal=abnormal),
    )
    status = summarize(passed(made_sample(ILB), replace(agents(), reports=reports)))
    assert status.groups == (online.model_copy(update={"since": NOW}),)
    assert status.monitors == abnormal
    (unknown,) = summarize(passed(made_sample(ILB))).groups
    assert unknown.state is GroupState.UNKNOWN


@pytest.mark.parametrize(
    ("name", "address", "fqdn"),
    [
        ("public-load-balancer", "20.0.0.4", None),
        ("azure-dns", None, "test-record1.cluster1.zone"),
        ("minimal", "10.6.0.100", None),
    ],
)
def test_the_endpoints_are_what_was_seen(name: str, address: str | None, fqdn: str | None) -> None:
    (endpoint,) = summarize(passed(made_sample(name))).endpoints
    assert (endpoint.address, endpoint.fqdn) == (address, fqdn)
    assert summarize(of_view(nothing_there(sample(name)), Signals())).endpoints == ()


def test_one_thing_is_counted_as_one() -> None:
    def paused(spec: dict[str, Any]) -> None:
        spec["management"] = {"paused": True}

    operator = drifted()
    operator.cluster = sample(ILB, paused)
    told = summarize(passed(operator, agents())).condition(C.AZURE_RECONCILED)
    assert told is not None
    assert told.message == "1 step waits: it is paused"


def test_a_remedy_is_told_once_for_all_that_need_it() -> None:
    operator = made_sample(ILB)
    names = operator.view().names
    for resource in (names.security_group, names.virtual_network):
        operator.azure.change(resource)["tags"] = {}
    told = summarize(passed(operator, agents())).condition(C.AZURE_RECONCILED)
    assert told is not None
    assert told.message.count("management.adoption") == 1
    assert "networkSecurityGroups/" in told.message
    assert "virtualNetworks/" in told.message


def test_drift_is_told_as_json() -> None:
    operator = made_sample(ILB)
    operator.azure.change(operator.view().names.security_group)["properties"]["securityRules"] = []
    wanted = [one.want for one in summarize(passed(operator, agents())).drift if one.want]
    assert any(one.startswith('{"') for one in wanted)
    assert not any(one.startswith("{'") for one in wanted)


def test_configuration_that_was_not_looked_at_is_not_called_in_place() -> None:
    def external(spec: dict[str, Any]) -> None:
        spec["cluster"]["nodeAgent"] = "External"

    def bare(spec: dict[str, Any]) -> None:
        external(spec)
        del spec["cluster"]["nodeConfiguration"]

    for change, expected in ((external, U), (bare, T)):
        found = answers(summarize(passed(made(sample(ILB, change)))))
        assert found[C.NODES_CONFIGURED][0] == expected


def test_a_key_is_not_shown() -> None:
    def other_key(spec: dict[str, Any]) -> None:
        spec["machines"]["admin"]["sshPublicKeys"] = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther"]

    operator = made_sample("minimal")
    operator.cluster = sample("minimal", other_key)
    shown = [one for one in summarize(passed(operator)).drift if one.path.endswith("keyData")]
    assert len(shown) == 2
    assert all(one.want is None and one.have is None for one in shown)
