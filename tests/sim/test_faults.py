"""Faults from outside: each does to a client what Azure does, and to the state nothing else."""

import http.client
import time
from pathlib import Path
from typing import Any

import pytest
from tests.sim.simulator import Reply, Simulator, running

from azuresim.faults import control

pytestmark = pytest.mark.sim

KIND = "Microsoft.Network/virtualNetworks"
NETWORK = {
    "location": "eastus",
    "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
}


def fault(sim: Simulator, what: str, **rule: Any) -> None:
    control.ask(sim.directory, {"do": "fault.add", "fault": what, "kind": KIND, **rule})


def clear(sim: Simulator) -> None:
    control.ask(sim.directory, {"do": "fault.clear"})


def path(sim: Simulator, tail: str = "") -> str:
    group = f"{sim.subscription}/resourceGroups/g"
    return f"{group}/providers/{KIND}{tail}?api-version=2025-05-01"


def network(sim: Simulator, verb: str = "PUT", name: str = "net") -> Reply:
    return sim.send(verb, path(sim, f"/{name}"), NETWORK if verb == "PUT" else None)


def names(sim: Simulator) -> set[str]:
    return {each["name"] for each in sim.send("GET", path(sim)).body["value"]}


@pytest.fixture
def grouped(sim: Simulator) -> Simulator:
    sim.send(
        "PUT",
        f"{sim.subscription}/resourceGroups/g?api-version=2021-04-01",
        {"location": "eastus"},
    )
    return sim


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        pytest.param("throttle", 429, "SubscriptionRequestsThrottled", id="quota-of-requests"),
        pytest.param("lock", 429, "RetryableErrorDueToAnotherOperation", id="held-by-another"),
        pytest.param("error", 503, "ServiceUnavailable", id="server-error"),
        pytest.param("conflict", 409, "AnotherOperationInProgress", id="conflict"),
        pytest.param("deny", 403, "AuthorizationFailed", id="denied"),
        pytest.param("policy", 403, "RequestDisallowedByPolicy", id="policy"),
        pytest.param("quota", 409, "QuotaExceeded", id="quota-of-cores"),
        pytest.param("sku", 409, "SkuNotAvailable", id="no-capacity"),
    ],
)
def test_a_refusal_happens_once_and_has_no_effect(
    grouped: Simulator, what: str, status: int, code: str
) -> None:
    fault(grouped, what, verb="PUT")
    refused = network(grouped)
    assert (refused.status, refused.code) == (status, code)
    assert names(grouped) == set()
    assert network(grouped).status == 201


def test_a_denial_names_the_action_and_the_scope(grouped: Simulator) -> None:
    fault(grouped, "deny", verb="DELETE", name="net")
    network(grouped)
    message = network(grouped, "DELETE").body["error"]["message"]
    assert f"'{KIND}/delete'" in message
    assert "resourceGroups/g/providers" in message


def test_the_client_is_told_how_long_to_wait(grouped: Simulator) -> None:
    fault(grouped, "throttle", retry_after=17)
    assert network(grouped, "GET").header("Retry-After") == "17"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_after_the_effect_hides_it(grouped: Simulator, status: int) -> None:
    fault(grouped, "error-after", verb="PUT", status=status)
    assert network(grouped).status == status
    assert names(grouped) == {"net"}


def test_a_cut_before_the_effect_leaves_nothing(grouped: Simulator) -> None:
    fault(grouped, "cut-before", verb="PUT")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        network(grouped)
    assert names(grouped) == set()


def test_a_hang_is_silence_without_an_effect(grouped: Simulator) -> None:
    fault(grouped, "hang", verb="PUT", seconds=0.4)
    started = time.monotonic()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        network(grouped)
    assert time.monotonic() - started >= 0.4
    assert names(grouped) == set()


def test_a_failed_operation_says_why_and_leaves_the_resource_failed(grouped: Simulator) -> None:
    fault(grouped, "fail", verb="PUT", code="AllocationFailed", message="No room.")
    made = network(grouped)
    watched = grouped.send("GET", made.header("Azure-AsyncOperation") or "")
    assert watched.body["status"] == "Failed"
    assert watched.body["error"]["code"] == "AllocationFailed"
    assert network(grouped, "GET").body["properties"]["provisioningState"] == "Failed"


def test_a_stuck_operation_ends_when_the_faults_are_lifted(grouped: Simulator) -> None:
    fault(grouped, "stuck", verb="PUT")
    made = network(grouped)
    watch = made.header("Azure-AsyncOperation") or ""
    grouped.kill()
    grouped.start()
    assert grouped.send("GET", watch).body["status"] == "InProgress"
    assert network(grouped).code == "AnotherOperationInProgress"
    clear(grouped)
    assert grouped.send("GET", watch).body["status"] == "Succeeded"
    assert network(grouped, "GET").body["properties"]["provisioningState"] == "Succeeded"


def test_a_stale_list_shows_the_past_for_a_while(grouped: Simulator) -> None:
    fault(grouped, "stale", count=None, seconds=1.0)
    assert names(grouped) == set()
    network(grouped)
    assert names(grouped) == set()
    assert network(grouped, "GET").status == 200
    time.sleep(1.1)
    assert names(grouped) == {"net"}


def test_a_slow_reply_is_late_and_right(grouped: Simulator) -> None:
    fault(grouped, "slow", verb="GET", seconds=0.4)
    network(grouped)
    started = time.monotonic()
    assert network(grouped, "GET").status == 200
    assert time.monotonic() - started >= 0.4


def test_a_fault_keeps_to_its_name_and_count(grouped: Simulator) -> None:
    fault(grouped, "error", name="bad*", count=2)
    statuses = [network(grouped, name=name).status for name in ("good", "bad1", "bad2", "bad3")]
    assert statuses == [201, 503, 503, 201]


def test_an_unknown_fault_is_refused_with_what_there_is(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="Known: throttle"):
        control.ask(sim.directory, {"do": "fault.add", "fault": "earthquake"})


def test_who_asks_too_much_is_told_to_wait(tmp_path: Path) -> None:
    with running(tmp_path, "--throttle", "published") as sim:
        tenants = "/subscriptions?api-version=2022-12-01"
        replies = [sim.send("GET", tenants) for _ in range(400)]
        refused = [reply for reply in replies if reply.status == 429]
        assert replies[0].header("x-ms-ratelimit-remaining-subscription-reads") == "249"
        assert refused
        wait = int(refused[0].header("Retry-After") or 0)
        assert wait >= 1
        time.sleep(wait + 1)
        assert sim.send("GET", tenants).status == 200
