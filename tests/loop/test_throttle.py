import asyncio

import pytest

from hacluster.arm.throttle import LONGEST_WAIT_S, LOW, Gate, GateClosedError, Use, use_of

pytestmark = pytest.mark.looptime

READS_LEFT = "x-ms-ratelimit-remaining-subscription-reads"
NETWORK, COMPUTE = "microsoft.network", "microsoft.compute"


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_nobody_asks_before_the_time_that_azure_names() -> None:
    gate = Gate()
    gate.throttled(Use.READS, NETWORK, "TooManyRequests", 17.0)
    with pytest.raises(GateClosedError) as closed:
        await gate.enter(Use.READS, NETWORK)
    assert closed.value.seconds == pytest.approx(17.0)
    await asyncio.sleep(17.1)
    await gate.enter(Use.READS, NETWORK)


async def test_a_provider_that_throttles_stops_only_itself() -> None:
    gate = Gate()
    gate.throttled(Use.READS, COMPUTE, "OperationNotAllowed", 17.0)
    await gate.enter(Use.READS, NETWORK)
    await gate.enter(Use.WRITES, COMPUTE)


async def test_a_throttled_subscription_stops_all_providers() -> None:
    gate = Gate()
    gate.throttled(Use.READS, COMPUTE, "SubscriptionRequestsThrottled", 17.0)
    with pytest.raises(GateClosedError):
        await gate.enter(Use.READS, NETWORK)


async def test_a_shorter_pause_does_not_open_the_gate_early() -> None:
    gate = Gate()
    gate.throttled(Use.READS, NETWORK, "TooManyRequests", 60.0)
    gate.throttled(Use.READS, NETWORK, "TooManyRequests", 1.0)
    await asyncio.sleep(2)
    with pytest.raises(GateClosedError):
        await gate.enter(Use.READS, NETWORK)


async def test_calls_are_spaced_before_the_bucket_is_empty() -> None:
    gate = Gate()
    gate.answered(Use.READS, {READS_LEFT: str(LOW - 1)})
    began = now()
    for _ in range(11):
        await gate.enter(Use.READS, NETWORK)
    assert now() - began == pytest.approx(10 * Use.READS.spacing_s, abs=0.01)


async def test_a_full_bucket_is_not_spaced() -> None:
    gate = Gate()
    gate.answered(Use.READS, {READS_LEFT: "11999"})
    began = now()
    for _ in range(100):
        await gate.enter(Use.READS, NETWORK)
    assert now() == began


async def test_a_call_that_would_wait_long_is_refused() -> None:
    gate = Gate()
    gate.answered(Use.READS, {READS_LEFT: "0"})
    entering = [asyncio.create_task(gate.enter(Use.READS, NETWORK)) for _ in range(100)]
    done = await asyncio.gather(*entering, return_exceptions=True)
    refused = [one for one in done if isinstance(one, GateClosedError)]
    assert len(done) - len(refused) == pytest.approx(LONGEST_WAIT_S / Use.READS.spacing_s, abs=2)


def test_every_method_draws_from_its_bucket() -> None:
    assert [use_of(one) for one in ("GET", "PUT", "POST", "DELETE")] == [
        Use.READS,
        Use.WRITES,
        Use.WRITES,
        Use.DELETES,
    ]
