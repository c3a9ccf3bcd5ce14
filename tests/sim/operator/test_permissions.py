import json
from pathlib import Path

import pytest
from tests.sim.operator.conftest import Calls
from tests.sim.operator.test_adapter import Place, made
from tests.sim.simulator import Simulator

from hacluster.arm.door import EnteredSubscription
from hacluster.arm.permissions import Feature, action_of, actions, role
from hacluster.arm.versions import KINDS

ROLE = Path(__file__).parents[3] / "deploy" / "azure-role.json"


def test_the_role_that_is_shipped_is_the_one_that_is_needed() -> None:
    assert json.loads(ROLE.read_text()) == role()


def test_no_action_is_a_wildcard() -> None:
    assert not [action for action in actions() if "*" in action]


@pytest.mark.parametrize("feature", list(Feature), ids=str)
def test_every_feature_needs_something_of_its_own(feature: Feature) -> None:
    others = [one for one in Feature if one is not feature]
    assert set(actions()) - set(actions(others))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_may_be_read(kind: str) -> None:
    granted = {action.casefold() for action in actions()}
    group = "/subscriptions/s/resourceGroups/g"
    name = KINDS[kind].name
    provider, *types = name.split("/")
    path = "/".join([f"{group}/providers/{provider}", *(f"{one}/x" for one in types)])
    path = group if name.endswith("/resourceGroups") else path
    assert action_of("GET", path).casefold() in granted


async def test_every_call_is_covered_by_the_role(
    azure: EnteredSubscription, sim: Simulator, calls: Calls
) -> None:
    await made(azure, Place(sim))
    granted = {action.casefold() for action in actions()}
    assert calls.paths
    needed = {action_of(method, path).casefold() for method, path in calls.paths}
    assert needed <= granted
