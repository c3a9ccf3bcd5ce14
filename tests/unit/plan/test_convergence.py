"""The plan as a whole: applied it ends, from wherever it starts, and nothing foreign is touched."""

import copy
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.unit.plan.clusters import SAMPLES, Operator, made, made_sample, sample
from tests.unit.plan.fake_azure import FakeAzure, plain

from hacluster.model.ids import ArmId, key
from hacluster.plan import deletion, parts
from hacluster.plan.steps import Refuse, Step
from hacluster.reconcile.gate import DELETION, gate


@pytest.mark.parametrize("name", SAMPLES)
def test_applying_the_plan_ends_the_plan(name: str) -> None:
    operator = made_sample(name)
    assert parts.plan(operator.view()) == ()


@pytest.mark.parametrize("name", SAMPLES)
def test_every_resource_costs_one_write(name: str) -> None:
    operator = made_sample(name)
    assert len(operator.azure.writes) == len(parts.wanted(operator.view()))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_slow_azure_comes_to_the_same_end(name: str) -> None:
    slow = Operator(FakeAzure(is_slow=True), sample(name))
    slow.run()
    assert slow.azure.bodies == made_sample(name).azure.bodies


class _Filmed(FakeAzure):
    """Keeps what was there before each write: what an operator leaves that is killed then."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[FakeAzure] = []

    def apply(self, step: Step) -> bool:
        self.left.append(self.copy())
        return super().apply(step)


@pytest.mark.parametrize("name", SAMPLES)
def test_killed_after_any_write_it_comes_to_the_same_end(name: str) -> None:
    whole = _Filmed()
    Operator(whole, sample(name)).run()
    assert [len(left.writes) for left in whole.left] == list(range(len(whole.writes)))
    for left in whole.left:
        again = Operator(left, sample(name))  # A restart, and the inventory was never written.
        again.run()
        assert left.bodies == whole.bodies
        assert parts.plan(again.view()) == ()


@pytest.mark.parametrize("name", SAMPLES)
def test_deleting_leaves_nothing_of_ours(name: str) -> None:
    def all_goes(spec: dict[str, Any]) -> None:
        spec["management"] = {"deletionPolicy": "Delete"}

    operator = made(sample(name, all_goes))
    operator.delete()
    assert operator.azure.bodies == {}
    assert deletion.is_complete(operator.view(members=True))


@pytest.mark.parametrize("name", SAMPLES)
def test_deletion_is_not_complete_before_it_is(name: str) -> None:
    operator = made_sample(name)
    assert not deletion.is_complete(operator.view(members=True))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_killed_deletion_comes_to_the_same_end(name: str) -> None:
    whole = made_sample(name)
    whole.delete()
    killed = made_sample(name)
    kills = 0
    while True:
        again = killed.copy()
        again.delete()
        assert again.azure.bodies.keys() == whole.azure.bodies.keys()
        view = killed.view(members=True)
        allowed = gate(parts.plan_deletion(view), view, DELETION).allowed
        if not allowed:
            break
        killed.azure.apply(allowed[0])
        kills += 1
    assert kills >= len(whole.azure.writes) - len(made_sample(name).azure.writes)


FOREIGN_GROUP_RULE: dict[str, Any] = {
    "name": "somebody-elses",
    "properties": {
        "priority": 110,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "22",
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "*",
    },
}


def _foreign_rule(operator: Operator) -> None:
    group = operator.view().names.security_group
    if key(group) in operator.azure.bodies:
        body = operator.azure.change(group)
        rule = copy.deepcopy(FOREIGN_GROUP_RULE) | {"id": f"{group}/securityRules/somebody-elses"}
        taken = {one["properties"]["priority"] for one in body["properties"]["securityRules"]}
        rule["properties"]["priority"] = next(n for n in range(100, 200) if n not in taken)
        body["properties"]["securityRules"].append(rule)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every scalar of a body."""
    if isinstance(value, dict):
        return [one for name, inner in value.items() for one in _paths(inner, (*path, name))]
    if isinstance(value, list):
        return [one for index, inner in enumerate(value) for one in _paths(inner, (*path, index))]
    return [path]


@settings(max_examples=30)
@given(data=st.data(), name=st.sampled_from(SAMPLES))
def test_from_any_partial_state_it_converges(data: st.DataObject, name: str) -> None:
    """Any subset of what was made is gone, with what is inside of it: all of it is made again."""
    operator = made_sample(name)
    whole = copy.deepcopy(operator.azure.bodies)
    lost = data.draw(st.sets(st.sampled_from(sorted(operator.azure.ids))))
    _foreign_rule(operator)
    for one in lost:
        if one in operator.azure.ids and not one.endswith("-os"):
            operator.azure.remove(operator.azure.ids[one])
    operator.run()
    assert parts.plan(operator.view()) == ()
    assert operator.azure.bodies.keys() == whole.keys()


@settings(max_examples=50)
@given(data=st.data(), name=st.sampled_from(SAMPLES))
def test_drift_anywhere_is_repaired_or_refused(data: st.DataObject, name: str) -> None:
    """Whatever field is overwritten: either the plan ends, or it says what cannot be changed."""
    operator = made_sample(name)
    operator.limits = DELETION  # Nobody uses it: every node may be interrupted.
    stated = {key(one.id): one for one in parts.wanted(operator.view())}
    victim = data.draw(st.sampled_from(sorted(stated)))
    body = stated[victim].body
    path = data.draw(st.sampled_from(_paths(plain(body))))
    holder = _holder(operator.azure.change(ArmId(operator.azure.ids[victim])), path)
    assume(isinstance(holder, dict) and isinstance(holder.get(path[-1]), str))
    assume(path[-1] not in {"name", "id", "hacluster-owner", "hacluster-uid", "description"})
    assume(not holder[path[-1]].startswith("/"))
    before = holder[path[-1]]
    holder[path[-1]] = "SomethingElse"
    operator.run()
    left = parts.plan(operator.view())
    assert {type(step) for step in left} <= {Refuse}
    after = _holder(operator.azure.bodies[victim], path)
    assert left or after[path[-1]] == before or path[-2:] in AT_CREATION


def _holder(body: Any, path: tuple[Any, ...]) -> Any:
    """Return what holds the last word of a path, or None if there is none."""
    found = body
    for step in path[:-1]:
        is_inside = step < len(found) if isinstance(found, list) else step in found
        if not is_inside:
            return None
        found = found[step]
    return found


AT_CREATION = {("osProfile", "computerName"), ("creationData", "createOption")} | {
    ("osDisk", name) for name in ("createOption", "caching", "deleteOption")
}
