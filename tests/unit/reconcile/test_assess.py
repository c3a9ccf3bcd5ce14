"""Who serves, what is wrong, and when to look again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.plan.clusters import Operator, made, made_sample, nothing_there, sample

from hacluster.errors import ArmDenied, ArmRejected, ArmThrottled, ArmUnavailable
from hacluster.model.assessment import BackendHealth, NodeReport, Severity, Signals
from hacluster.model.ids import key
from hacluster.model.observed import Snapshot, Unknown
from hacluster.model.reasons import Reason
from hacluster.model.status import GroupState, GroupStatus, NodeRole
from hacluster.plan.steps import Change, Put
from hacluster.plan.view import View
from hacluster.reconcile.assess import FRESH, assess, patience
from hacluster.reconcile.ports import Done, Failed, Lost, Outcome, Started, Waiting
from hacluster.reconcile.schedule import AGAIN, AT_ONCE, MACHINES_MOVE, MOVING, RETRY, next_look

UP, DOWN = "Up_Probe_Success", "Down_Probe_TcpProbeTimeout"
ADDRESSES = {"node-1": "10.5.0.120", "node-2": "10.5.0.121"}


def health(*up: str) -> tuple[BackendHealth, ...]:
    return tuple(
        BackendHealth(address=address, is_up=name in up, why=UP if name in up else DOWN)
        for name, address in ADDRESSES.items()
    )


def report(node: str, role: NodeRole, **more: Any) -> NodeReport:
    known: dict[str, Any] = {
        "age": timedelta(seconds=3),
        "agent_version": "1.0",
        "boot_id": "b",
        "configuration": "c1",
    }
    return NodeReport(node=node, role=role, **(known | more))


ACTIVE, STANDBY = NodeRole.ACTIVE, NodeRole.STANDBY
OLD = FRESH + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("up", "roles", "active", "serving", "is_contradictory"),
    [
        (None, {}, None, None, False),
        (("node-1",), {}, "node-1", ("node-1",), False),
        ((), {}, None, (), False),
        (("node-1", "node-2"), {}, None, ("node-1", "node-2"), False),
        (None, {"node-1": ACTIVE, "node-2": STANDBY}, "node-1", ("node-1",), False),
        (None, {"node-1": STANDBY}, None, (), False),
        (("node-1",), {"node-1": ACTIVE, "node-2": STANDBY}, "node-1", ("node-1",), False),
        (("node-1",), {"node-2": ACTIVE}, None, ("node-1", "node-2"), True),
        ((), {"node-2": ACTIVE}, None, ("node-2",), True),
        (("node-1",), {"node-2": STANDBY}, "node-1", ("node-1",), False),
    ],
)
def test_who_serves(
    up: tuple[str, ...] | None,
    roles: dict[str, NodeRole],
    active: str | None,
    serving: tuple[str, ...] | None,
    *,
    is_contradictory: bool,
) -> None:
    signals = Signals(
        health=None if up is None else health(*up),
        reports=tuple(report(node, role) for node, role in roles.items()),
    )
    found = assess(made_sample("internal-load-balancer").view(), signals)
    assert (found.active, found.serving) == (active, serving)
    assert found.is_contradictory is is_contradictory


def test_an_old_report_and_one_of_an_unknown_node_do_not_count() -> None:
    signals = Signals(reports=(report("node-1", ACTIVE, age=OLD), report("stranger", ACTIVE)))
    found = assess(made_sample("internal-load-balancer").view(), signals)
    assert (found.active, found.serving, found.findings) == (None, None, ())


def findings(operator: Operator, signals: Signals) -> dict[str, Severity]:
    return {one.reason: one.severity for one in assess(operator.view(), signals).findings}


def test_two_serving_nodes_are_unsafe() -> None:
    operator = made_sample("internal-load-balancer")
    found = findings(operator, Signals(health=health("node-1", "node-2")))
    assert found == {Reason.MORE_THAN_ONE_SERVES: Severity.UNSAFE}
    online = (GroupStatus(name="failover1", state=GroupState.ONLINE),)
    reports = tuple(report(node, ACTIVE, groups=online) for node in ADDRESSES)
    found = findings(operator, Signals(reports=reports))
    assert found == {Reason.MORE_THAN_ONE_SERVES: Severity.UNSAFE}


@pytest.mark.parametrize("what", ["probe", "admin state"])
def test_a_balancer_that_overrules_the_probe_is_unsafe(what: str) -> None:
    operator = made_sample("internal-load-balancer")
    properties = operator.azure.change(operator.view().names.load_balancer)["properties"]
    if what == "probe":
        properties["probes"][0]["properties"]["noHealthyBackendsBehavior"] = "AllProbedUp"
    else:
        members = [{"name": "a", "properties": {"adminState": "Up"}}]
        pool = properties["backendAddressPools"][0]
        pool["properties"] = {"loadBalancerBackendAddresses": members}
    assert findings(operator, Signals()) == {Reason.PROBE_OVERRULED: Severity.UNSAFE}


def test_what_could_not_take_over_is_degraded() -> None:
    operator = made_sample("internal-load-balancer")
    reports = (
        report("node-1", ACTIVE),
        report("node-2", STANDBY, is_witness_reachable=False, is_in_step=False),
    )
    assert set(findings(operator, Signals(reports=reports))) == {
        Reason.WITNESS_UNREACHABLE,
        Reason.MIRROR_OUT_OF_STEP,
    }
    assert set(findings(operator, Signals(reports=reports[:1]))) == {Reason.AGENT_SILENT}


def test_a_node_that_azure_announces_something_for_is_no_spare_one() -> None:
    operator = made_sample("internal-load-balancer")
    event = "Reboot is announced by Azure: nothing runs there"
    reports = (report("node-1", ACTIVE), report("node-2", STANDBY, announced=(event,)))
    (found,) = assess(operator.view(), Signals(reports=reports)).findings
    assert (found.reason, found.severity) == (Reason.MAINTENANCE_ANNOUNCED, Severity.DEGRADED)
    assert found.why == f"node-2: {event}"


def hearing(*, first: bool, second: bool, role: NodeRole = STANDBY) -> Signals:
    """Return the reports of two nodes; each hears the other one or misses it."""
    active = {("hears" if first else "misses"): frozenset({"node-2"})}
    standby = {("hears" if second else "misses"): frozenset({"node-1"})}
    reports = (report("node-1", ACTIVE, **active), report("node-2", role, **standby))
    return Signals(reports=reports)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (False, False, "node-1 and node-2 do not hear each other"),
        (True, False, "node-2 does not hear node-1, which hears node-2"),
        (False, True, "node-1 does not hear node-2, which hears node-1"),
    ],
)
def test_lost_heartbeats_are_degraded_and_say_who_does_not_hear_whom(
    told: str, *, first: bool, second: bool
) -> None:
    operator = made_sample("internal-load-balancer")
    (found,) = assess(operator.view(), hearing(first=first, second=second)).findings
    assert (found.reason, found.severity) == (Reason.HEARTBEATS_LOST, Severity.DEGRADED)
    assert found.why.startswith(told)
    assert "both may serve" in found.why  # The sample is in the guide's mode.
    assert "let UDP port 26002 pass both ways between 10.5.0.120 and 10.5.0.121" in found.why


def test_with_a_witness_lost_heartbeats_mean_less() -> None:
    operator = made(sample("internal-load-balancer", lambda spec: spec["cluster"].pop("partition")))
    (found,) = assess(operator.view(), hearing(first=False, second=False)).findings
    assert "the witness still decides" in found.why


def test_nobody_misses_a_node_that_is_heard_that_left_or_whose_machine_is_off() -> None:
    operator = made_sample("internal-load-balancer")
    assert not findings(operator, hearing(first=True, second=True))
    assert not findings(operator, hearing(first=False, second=False, role=NodeRole.STOPPED))
    operator.azure.remove(operator.view().names.machine(operator.cluster.spec.nodes[1]))
    assert set(findings(operator, hearing(first=False, second=True))) == {Reason.NODE_DOWN}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"hears": frozenset({"node-2"})}, "node-1 hears its heartbeats, so it runs and does not"),
        ({"misses": frozenset({"node-2"})}, "node-1 does not hear it either: see whether its"),
        ({}, "whether it can take over is not known"),
    ],
)
def test_a_silent_node_is_told_with_what_the_others_hear_of_it(
    said: dict[str, Any], told: str
) -> None:
    operator = made_sample("internal-load-balancer")
    reports = (report("node-1", ACTIVE, **said), report("node-2", STANDBY, age=OLD))
    (found,) = assess(operator.view(), Signals(reports=reports)).findings
    assert found.reason == Reason.AGENT_SILENT
    assert told in found.why


@pytest.mark.parametrize("power", ["running", "deallocated", None])
def test_a_machine_that_does_not_run_is_degraded(power: str | None) -> None:
    operator = made_sample("internal-load-balancer")
    node = operator.view().names.machine(operator.cluster.spec.nodes[1])
    if power is None:
        operator.azure.remove(node)
    else:
        statuses = [{"code": "ProvisioningState/succeeded"}, {"code": f"PowerState/{power}"}]
        operator.azure.bodies[key(node)]["properties"]["instanceView"] = {"statuses": statuses}
    expected = {} if power == "running" else {Reason.NODE_DOWN: Severity.DEGRADED}
    assert findings(operator, Signals()) == expected


def dns_signals(wrong_for: timedelta) -> Signals:
    reports = (report("node-1", ACTIVE), report("node-2", STANDBY))
    return Signals(reports=reports, record_wrong_for=wrong_for)


@pytest.mark.parametrize(
    ("held", "wrong_for", "is_wrong", "address"),
    [
        ("10.5.0.120", timedelta(hours=1), False, None),
        ("10.5.0.121", timedelta(), True, None),
        ("10.5.0.121", timedelta(hours=1), True, "10.5.0.120"),
        (None, timedelta(hours=1), True, "10.5.0.120"),
    ],
    ids=["right", "just wrong", "long wrong", "long empty"],
)
def test_a_record_is_left_to_the_nodes_until_they_had_their_time(
    held: str | None, wrong_for: timedelta, address: str | None, *, is_wrong: bool
) -> None:
    operator = made_sample("azure-dns")
    dns = operator.cluster.spec.access.dns
    assert dns is not None
    records = operator.azure.change(operator.view().names.record_set(dns))
    records["properties"]["ARecords"] = [{"ipv4Address": held}] if held else []
    found = assess(operator.view(), dns_signals(wrong_for))
    assert (found.is_record_wrong, found.record_address) == (is_wrong, address)


def test_patience_covers_the_nodes_own_monitors() -> None:
    assert patience(View.of(sample("azure-dns"))) >= timedelta(minutes=3)


STEP = Put(id=View.of(sample("minimal")).names.subnet, body={}, etag=None, why="", creates=True)
DRIFT = replace(STEP, creates=False, changes=(Change("a", 1, 2),))
IDLE = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], IDLE),
        ([Done(step=STEP)], AT_ONCE),
        ([Started(step=STEP)], MOVING),
        ([Started(step=DRIFT), Done(step=DRIFT)], AT_ONCE),
        ([Started(step=replace(STEP, creates=False))], AGAIN),
        ([Lost(step=STEP)], MOVING),
        ([Waiting(step=STEP, why="")], MOVING),
        ([Failed(step=STEP, error=ArmUnavailable(""))], RETRY[ArmUnavailable.retry]),
        ([Failed(step=STEP, error=ArmRejected(""))], IDLE),
        ([Failed(step=STEP, error=ArmThrottled("", retry_after_s=17))], timedelta(seconds=17)),
        (
            [Done(step=STEP), Failed(step=STEP, error=ArmThrottled("", retry_after_s=90))],
            timedelta(seconds=90),
        ),
    ],
)
def test_the_next_look_follows_what_happened(outcomes: list[Outcome], expected: timedelta) -> None:
    assert next_look(made_sample("minimal").view(), outcomes) == expected


def test_what_moves_is_looked_at_sooner_and_machines_not_too_often() -> None:
    operator = made_sample("minimal")
    names = operator.view().names
    node = operator.cluster.spec.nodes[0]
    operator.azure.bodies[key(names.machine(node))]["properties"]["provisioningState"] = "Creating"
    assert next_look(operator.view(), ()) == MACHINES_MOVE
    operator.azure.bodies[key(names.subnet)]["properties"]["provisioningState"] = "Updating"
    assert next_look(operator.view(), ()) == MOVING
    unknown = Unknown(id=names.subnet, why="503", reason="AzureUnreachable")
    view = replace(operator.view(), seen=Snapshot(resources={key(names.subnet): unknown}))
    assert next_look(view, ()) == RETRY[ArmUnavailable.retry]


def test_a_pass_that_saw_nothing_comes_again_as_its_error_says() -> None:
    view = nothing_there(sample("minimal"))
    assert next_look(view, (), ArmDenied("")) == RETRY[ArmDenied.retry]
    assert next_look(view, (), ArmThrottled("", retry_after_s=0)) > timedelta()
