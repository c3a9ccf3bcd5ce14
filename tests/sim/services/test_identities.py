"""A machine's own identity at ARM: the role assignments that the simulator has decide."""

import json
import subprocess
import sys
import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from tests.sim.resources.bodies import interface, machine
from tests.sim.services.conftest import World
from tests.sim.simulator import OPERATOR

pytestmark = [pytest.mark.sim, pytest.mark.timeout(180)]
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def made_machine(world: World, group: str) -> Any:
    with (
        world.client(NetworkManagementClient) as network,
        world.client(ComputeManagementClient) as compute,
    ):
        body = {**machine(interface(network, group)), "identity": {"type": "SystemAssigned"}}
        return compute.virtual_machines.begin_create_or_update(group, "one", body).result()


def test_a_machine_may_do_at_arm_what_its_roles_allow(through_proxy: World, group: str) -> None:
    world = through_proxy
    made = made_machine(world, group)
    world.is_asked_by(made.id)
    scope = f"{world.subscription}/resourceGroups/{group}"
    with ComputeManagementClient(
        ManagedIdentityCredential(),
        world.ready["subscriptionId"],
        base_url=world.ready["insideResourceManager"],
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=world.ready["caFile"],
    ) as inside:
        with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
            inside.virtual_machines.get(group, "one")
        role = f"{world.subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
        with world.client(AuthorizationManagementClient) as authorization:
            properties = {
                "roleDefinitionId": role,
                "principalId": made.identity.principal_id,
                "principalType": "ServicePrincipal",
            }
            authorization.role_assignments.create(
                scope, str(uuid.uuid4()), {"properties": properties}
            )
        assert inside.virtual_machines.get(group, "one").name == "one"
        with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
            inside.virtual_machines.begin_power_off(group, "one")


def said(world: World, *words: str) -> str:
    command = [sys.executable, "-m", "azuresim", "event", words[0]]
    options = ["--directory", str(world.directory), *words[1:]]
    done = subprocess.run(
        [*command, *options], check=False, capture_output=True, text=True, timeout=120,
        env={"PYTHONPATH": str(OPERATOR), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_event_is_scripted_from_the_command_line(world: World, group: str) -> None:
    made_machine(world, group)
    made = json.loads(said(world, "add", "Reboot", "--machine", "one", "--notice", "900"))
    assert made["machines"][0].endswith("/virtualMachines/one")
    assert [json.loads(line)["id"] for line in said(world, "list").splitlines()] == [made["id"]]
    assert said(world, "clear").strip() == "1"
    assert said(world, "list") == ""
