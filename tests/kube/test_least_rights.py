"""The role that is shipped is enough, and no more than what it says is needed.

A principal with nothing but `deploy/azure-role.json` makes, repairs and deletes every sample; the
simulated Azure judges each call, joins included, as Azure does.
"""

import dataclasses
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kube.conftest import ApiServer
from tests.kube.operator_process import OperatorProcess, operator, rights, until
from tests.kube.world import NAMES, World
from tests.sim.simulator import Simulator, running

from azuresim.faults import control

ROLE = Path(__file__).parents[2] / "deploy" / "azure-role.json"
VERSION = "api-version=2022-04-01"
pytestmark = pytest.mark.timeout(900)


def shipped(sim: Simulator) -> dict[str, Any]:
    """Return the shipped role's properties for the simulator's subscription."""
    text = json.loads(ROLE.read_text())
    properties: dict[str, Any] = text.get("properties", text)
    return {
        "roleName": properties.get("roleName") or properties["Name"],
        "assignableScopes": [sim.subscription],
        "permissions": properties.get("permissions")
        or [
            {
                "actions": properties["Actions"],
                "notActions": properties.get("NotActions", []),
                "dataActions": properties.get("DataActions", []),
            }
        ],
    }


def principal_with(sim: Simulator, properties: dict[str, Any]) -> dict[str, str]:
    """Make a principal whose one role on the subscription has these properties."""
    made: dict[str, str] = control.ask(sim.directory, {"do": "principal.add", "name": "operator"})
    inside = f"{sim.subscription}/providers/Microsoft.Authorization"
    role = f"{inside}/roleDefinitions/{uuid.uuid4()}"
    assert sim.send("PUT", f"{role}?{VERSION}", {"properties": properties}).status == 201
    assigned = {"roleDefinitionId": role, "principalId": made["objectId"]}
    path = f"{inside}/roleAssignments/{uuid.uuid4()}?{VERSION}"
    assert sim.send("PUT", path, {"properties": assigned}).status == 201
    return made


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running(tmp_path_factory.mktemp("sim")) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def process(
    api_server: ApiServer, sim: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    folder = tmp_path_factory.mktemp("operator")
    signs_in = principal_with(sim, shipped(sim))
    limited = dataclasses.replace(
        sim,
        ready={
            **sim.ready,
            "clientId": signs_in["clientId"],
            "clientSecret": signs_in["clientSecret"],
        },
    )
    with operator(rights(api_server, folder), limited, folder) as running_process:
        until(lambda: running_process.is_leader, "it leads")
        yield running_process


@pytest.mark.parametrize("sample", NAMES)
def test_the_shipped_role_is_enough(
    sample: str, api_server: ApiServer, sim: Simulator, process: OperatorProcess, namespace: str
) -> None:
    del process
    world = World(api_server, sim, sample, namespace)
    before = set(world.things())
    world.apply()
    until(world.is_reconciled, f"{sample} is reconciled: {world.kubectl('get', 'hac')}", 90)
    world.delete()
    until(world.is_gone, f"{sample} is deleted", 90)
    assert set(world.things()) == before


def test_a_right_that_is_missing_is_named(
    api_server: ApiServer, sim: Simulator, process: OperatorProcess, namespace: str
) -> None:
    del process
    properties = shipped(sim)
    wanted = "Microsoft.Network/natGateways/write"
    allowed = [one for one in properties["permissions"][0]["actions"] if one != wanted]
    assert len(allowed) < len(properties["permissions"][0]["actions"])
    properties["permissions"] = [{"actions": allowed}]
    properties["roleName"] = "all but one"
    signs_in = principal_with(sim, properties)
    secret = {
        "AZURE_TENANT_ID": signs_in["tenantId"],
        "AZURE_CLIENT_ID": signs_in["clientId"],
        "AZURE_CLIENT_SECRET": signs_in["clientSecret"],
    }
    world = World(api_server, sim, "minimal", namespace)
    world.manifest["spec"]["azure"]["credentialsSecretRef"] = {"name": "azure"}
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "azure", "namespace": namespace},
        "stringData": secret,
    }
    assert api_server.apply(json.dumps(manifest)).ok
    world.apply()

    def told() -> bool:
        found = world.kubectl("get", "hacluster", world.name, "-o", "json")
        conditions = json.loads(found).get("status", {}).get("conditions", [])
        return any(wanted in one["message"] for one in conditions if one["status"] == "False")

    until(told, f"the missing {wanted} is named", 60)
    world.kubectl("delete", "secret", "azure")
