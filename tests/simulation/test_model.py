"""The small model: every state, no violation; and a counterexample for each dropped inequality."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.simulation.model import Numbers, World, explore

LOOSE = replace(Numbers(), guard=0)
HOLDER_SLOW = frozenset({0})
PLAIN = World(LOOSE, frozenset(), renewals=True, failsafe=False, freezes=False)
SLOW = PLAIN._replace(slow=HOLDER_SLOW)
HANGING = SLOW._replace(hangs=True)
FREEZING = World(Numbers(), HOLDER_SLOW, renewals=True, failsafe=False, freezes=True)
PROMISING = World(LOOSE, HOLDER_SLOW, renewals=False, failsafe=True, freezes=False)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("world", "restarts"),
    [(PLAIN, 0), (HANGING, 0), (PROMISING, 1)],
    ids=["leases", "slow holder that may hang", "promises"],
)
def test_no_reachable_state_has_two_serving_nodes(world: World, restarts: int) -> None:
    states, path = explore(world, restarts=restarts)
    assert path == []
    assert states > 1_000


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("world", "dropped", "restarts"),
    [
        pytest.param(SLOW, {"from_reply": True}, 0, id="rule 1: count from the stamp"),
        pytest.param(SLOW, {"overrun": 1}, 0, id="rule 3: fence S before the end"),
        pytest.param(HANGING, {"watchdog": 2}, 0, id="rule 4: W <= D - T"),
        pytest.param(SLOW, {"wait": 2}, 0, id="rule 5: C >= D M"),
        pytest.param(FREEZING, {"guard": 0}, 0, id="rule 6: G >= F"),
        pytest.param(PROMISING, {"promise_valid": 5}, 0, id="failsafe: P / M"),
        pytest.param(PROMISING, {"quorum": 1}, 0, id="failsafe: every other node"),
        pytest.param(PROMISING, {"hold_off": 0}, 1, id="failsafe: boot hold-off"),
    ],
)
def test_each_dropped_inequality_has_a_counterexample(
    world: World, dropped: dict[str, Any], restarts: int
) -> None:
    broken = world._replace(numbers=replace(world.numbers, **dropped))
    _, path = explore(broken, restarts=restarts)
    assert len(path) > 1
