"""Token buckets, by a clock the test turns."""

import pytest

from azuresim.errors import ArmError
from azuresim.wire.throttling import Throttle


class Clock:
    """Time stands still until it is told."""

    at = 1000.0

    def now(self) -> float:
        return self.at


VM = "Microsoft.Compute/virtualMachines"


def ask(throttle: Throttle, verb: str, kind: str = VM, machine: str = "", caller: str = "a") -> int:
    """Return 0 if a request passes, else the seconds it is told to wait."""
    try:
        throttle.take(caller=caller, verb=verb, kind=kind, machine=machine)
    except ArmError as refused:
        return int(refused.headers["Retry-After"]) if refused.status == 429 else -1
    return 0


@pytest.mark.parametrize(
    ("verb", "kind", "machine", "size"),
    [
        pytest.param("GET", VM, "", 250, id="reads"),
        pytest.param("PUT", VM, "", 200, id="writes"),
        pytest.param("DELETE", VM, "", 200, id="deletes"),
        pytest.param("PUT", VM, "g/vm", 12, id="one-machine-writes"),
        pytest.param("POST", f"{VM}/start", "g/vm", 12, id="one-machine-actions"),
        pytest.param("GET", VM, "g/vm", 36, id="one-machine-reads"),
    ],
)
def test_a_bucket_holds_the_published_number(verb: str, kind: str, machine: str, size: int) -> None:
    throttle = Throttle(Clock())
    passed = 0
    while not ask(throttle, verb, kind, machine):
        passed += 1
    assert passed == size


def test_tokens_flow_back() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    while not ask(throttle, "PUT"):
        pass
    clock.at += 2
    assert sum(not ask(throttle, "PUT") for _ in range(30)) == 19


def test_asking_early_prolongs_the_wait() -> None:
    throttle = Throttle(Clock())
    while not (first := ask(throttle, "PUT")):
        pass
    later = [ask(throttle, "PUT") for _ in range(40)]
    assert first == 1
    assert later[-1] > first
    assert max(later) <= 4


def test_callers_have_buckets_of_their_own() -> None:
    throttle = Throttle(Clock())
    while not ask(throttle, "GET"):
        pass
    assert ask(throttle, "GET", caller="b") == 0


def test_a_subscription_s_network_quota_is_shared_by_its_callers() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    kind = "Microsoft.Network/virtualNetworks"
    passed = 0
    for number in range(10):
        passed += sum(not ask(throttle, "PUT", kind, caller=f"c{number}") for _ in range(190))
    assert passed == 1000
