"""What is done next with a machine."""

from dataclasses import replace
from itertools import product

import pytest
from tests.unit.azuresim.machines.values import NODE, data_disk, node

from azuresim.machines import plan
from azuresim.machines.door import Machine
from azuresim.machines.plan import Seen, Step, next_step

OFF = Seen(running=False, boots=0, host=0, untidy=False, sizes={})
ON = Seen(running=True, boots=1, host=0, untidy=True, sizes={})
DISKS = (*NODE.disks, data_disk(0))


@pytest.mark.parametrize(
    ("wanted", "seen", "step"),
    [
        pytest.param(NODE, OFF, Step.BOOT, id="a new machine boots"),
        pytest.param(NODE, ON, None, id="one that runs is left alone"),
        pytest.param(node(running=False), ON, Step.SHUT_DOWN, id="power off is orderly"),
        pytest.param(node(boots=2), ON, Step.SHUT_DOWN, id="a restart is orderly"),
        pytest.param(node(boots=2), replace(ON, running=False), Step.TIDY, id="then tidied"),
        pytest.param(NODE, replace(OFF, boots=1), None, id="one that ended by itself stays off"),
        pytest.param(node(boots=2), replace(OFF, boots=1), Step.BOOT, id="until it is started"),
        pytest.param(node(host=1), OFF, Step.MOVE, id="the temporary disk goes with the host"),
        pytest.param(node(disks=DISKS), ON, Step.CHANGE_DISKS, id="disks come while it runs"),
        pytest.param(NODE, replace(ON, sizes={0: 20}), Step.CHANGE_DISKS, id="and go"),
        pytest.param(None, ON, Step.CUT_POWER, id="a deletion waits for nobody"),
        pytest.param(None, OFF, Step.ERASE, id="and leaves nothing"),
    ],
)
def test_the_next_step(wanted: Machine | None, seen: Seen, step: Step | None) -> None:
    assert next_step(wanted, seen) is step


WISHES = [
    *(
        node(running=running, boots=boots, host=host, disks=disks)
        for running, boots, host, disks in product(
            (True, False), (1, 2), (0, 1), (NODE.disks, DISKS)
        )
    ),
    None,
]
STATES = [
    Seen(running=running, boots=boots, host=host, untidy=running or untidy, sizes=sizes)
    for running, boots, host, untidy, sizes in product(
        (True, False), (0, 1, 2), (0, 1), (True, False), ({}, {0: 20})
    )
]


def test_from_wherever_it_is_a_machine_comes_to_what_is_wished_for() -> None:
    for wanted, seen in product(WISHES, STATES):
        _come_to_rest(wanted, seen)


def _come_to_rest(wanted: Machine | None, seen: Seen) -> None:
    for _ in range(6):
        step = next_step(wanted, seen)
        if step is None:
            assert wanted is not None
            assert not seen.running or wanted.running
            assert seen.host == wanted.host or seen.running
            assert seen.boots >= wanted.boots or not wanted.running
            assert not seen.running or seen.sizes == plan.sizes(wanted)
            return
        if step is Step.ERASE:
            assert wanted is None
            assert not seen.running
            return
        seen = _after(step, wanted, seen)
    pytest.fail("it does not come to rest")


def _after(step: Step, wanted: Machine | None, seen: Seen) -> Seen:
    match step:
        case Step.SHUT_DOWN | Step.CUT_POWER:
            return replace(seen, running=False)
        case Step.TIDY:
            return replace(seen, untidy=False, sizes={})
        case _:
            assert wanted is not None
            return _nearer(step, wanted, seen)


def _nearer(step: Step, wanted: Machine, seen: Seen) -> Seen:
    match step:
        case Step.MOVE:
            return replace(seen, host=wanted.host)
        case Step.CHANGE_DISKS:
            return replace(seen, sizes=plan.sizes(wanted))
        case _:
            sizes = plan.sizes(wanted)
            return replace(seen, running=True, untidy=True, boots=wanted.boots, sizes=sizes)
