"""Several principals: each may do what its roles say, where they say it, and nothing else."""

import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from tests.sim.simulator import Reply, Simulator, running

from azuresim.faults import control

pytestmark = pytest.mark.sim

NETWORK = {
    "location": "eastus",
    "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [{"name": "front", "properties": {"addressPrefix": "10.0.0.0/24"}}],
    },
}
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


class Somebody:
    """A principal with a token of its own."""

    def __init__(self, sim: Simulator, **wish: Any) -> None:
        self.sim = sim
        self.made: dict[str, str] = control.ask(sim.directory, {"do": "principal.add", **wish})
        self.object_id = self.made["objectId"]

    def token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.made["clientId"],
            "client_secret": self.made["clientSecret"],
            "scope": f"{self.sim.base}/.default",
        }
        path = f"/{self.made['tenantId']}/oauth2/v2.0/token"
        reply = self.sim.send("POST", path, data=urlencode(form).encode(), signed=False)
        return str(reply.body["access_token"])

    def send(self, verb: str, path: str, body: Any = None) -> Reply:
        return self.sim.send(verb, path, body, headers={"Authorization": f"Bearer {self.token()}"})


def group(sim: Simulator, name: str) -> str:
    path = f"{sim.subscription}/resourceGroups/{name}"
    assert sim.send("PUT", f"{path}?api-version=2021-04-01", {"location": "eastus"}).status < 300
    return path


def network(group_path: str, tail: str = "/net") -> str:
    return f"{group_path}/providers/Microsoft.Network/virtualNetworks{tail}?api-version=2025-05-01"


def assign(sim: Simulator, scope: str, role: str, object_id: str, name: str = "") -> Reply:
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or uuid.uuid4()}"
    role_id = f"{sim.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    properties = {"roleDefinitionId": role_id, "principalId": object_id}
    return sim.send("PUT", f"{path}?api-version=2022-04-01", {"properties": properties})


def custom_role(sim: Simulator, actions: list[str], excepted: tuple[str, ...] = ()) -> str:
    name = str(uuid.uuid4())
    path = f"{sim.subscription}/providers/Microsoft.Authorization/roleDefinitions/{name}"
    properties = {
        "roleName": f"role {name}",
        "assignableScopes": [sim.subscription],
        "permissions": [{"actions": actions, "notActions": list(excepted)}],
    }
    made = sim.send("PUT", f"{path}?api-version=2022-04-01", {"properties": properties})
    assert made.status == 201, made.body
    return name


def test_without_a_role_nothing_is_allowed(shared_sim: Simulator) -> None:
    at = group(shared_sim, "bare")
    somebody = Somebody(shared_sim)
    for verb, path in (("GET", network(at)), ("PUT", network(at)), ("GET", network(at, ""))):
        refused = somebody.send(verb, path, NETWORK if verb == "PUT" else None)
        assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    message = somebody.send("PUT", network(at), NETWORK).body["error"]["message"]
    assert f"'{somebody.made['clientId']}' with object id '{somebody.object_id}'" in message
    assert "action 'Microsoft.Network/virtualNetworks/write' over scope" in message


def test_a_role_holds_at_its_scope_and_below(shared_sim: Simulator) -> None:
    here, there = group(shared_sim, "here"), group(shared_sim, "there")
    somebody = Somebody(shared_sim)
    assert assign(shared_sim, here, CONTRIBUTOR, somebody.object_id).status == 201
    assert somebody.send("PUT", network(here), NETWORK).status == 201
    assert somebody.send("GET", network(here, "/net/subnets/front")).status == 200
    assert somebody.send("PUT", network(there), NETWORK).status == 403
    everywhere = f"{shared_sim.subscription}/providers/Microsoft.Network/virtualNetworks"
    assert somebody.send("GET", f"{everywhere}?api-version=2025-05-01").status == 403


def test_a_reader_reads(shared_sim: Simulator) -> None:
    at = group(shared_sim, "read")
    shared_sim.send("PUT", network(at), NETWORK)
    somebody = Somebody(shared_sim)
    assign(shared_sim, at, READER, somebody.object_id)
    assert somebody.send("GET", network(at)).status == 200
    assert somebody.send("PUT", network(at), NETWORK).status == 403
    assert somebody.send("DELETE", network(at)).status == 403


def test_exceptions_take_out_of_a_role_what_its_patterns_let_in(shared_sim: Simulator) -> None:
    at = group(shared_sim, "exceptions")
    somebody = Somebody(shared_sim)
    role = custom_role(
        shared_sim, ["Microsoft.Network/*"], ("Microsoft.Network/virtualNetworks/delete",)
    )
    assign(shared_sim, at, role, somebody.object_id)
    assert somebody.send("PUT", network(at), NETWORK).status == 201
    assert somebody.send("DELETE", network(at)).status == 403


def test_what_a_write_leans_on_must_be_joinable(shared_sim: Simulator) -> None:
    at = group(shared_sim, "joins")
    shared_sim.send("PUT", network(at), NETWORK)
    somebody = Somebody(shared_sim)
    role = custom_role(shared_sim, ["Microsoft.Network/networkInterfaces/*"])
    assign(shared_sim, at, role, somebody.object_id)
    subnet = network(at, "/net/subnets/front").partition("?")[0]
    nic = f"{at}/providers/Microsoft.Network/networkInterfaces/nic?api-version=2025-05-01"
    configuration = {"name": "ip", "properties": {"subnet": {"id": subnet}}}
    body = {"location": "eastus", "properties": {"ipConfigurations": [configuration]}}
    refused = somebody.send("PUT", nic, body)
    assert (refused.status, refused.code) == (403, "LinkedAuthorizationFailed")
    message = refused.body["error"]["message"]
    assert "'Microsoft.Network/virtualNetworks/subnets/join/action'" in message
    assert shared_sim.send("GET", nic).status == 404
    joins = custom_role(shared_sim, ["Microsoft.Network/virtualNetworks/subnets/join/action"])
    assign(shared_sim, at, joins, somebody.object_id)
    assert somebody.send("PUT", nic, body).status == 201


def test_an_assignment_ends_with_its_deletion(shared_sim: Simulator) -> None:
    at = group(shared_sim, "ends")
    somebody = Somebody(shared_sim)
    made = assign(shared_sim, at, CONTRIBUTOR, somebody.object_id)
    assert somebody.send("PUT", network(at), NETWORK).status == 201
    gone = shared_sim.send("DELETE", f"{made.body['id']}?api-version=2022-04-01")
    assert gone.status == 200
    assert somebody.send("GET", network(at)).status == 403


def test_an_assignment_takes_time_to_spread(tmp_path: Path) -> None:
    with running(tmp_path, "--durations", "typical", "--speed", "5") as sim:
        at = group(sim, "slow")
        somebody = Somebody(sim)
        assign(sim, at, READER, somebody.object_id)
        path = f"{at}?api-version=2021-04-01"
        assert somebody.send("GET", path).status == 403
        time.sleep(1.2)
        assert somebody.send("GET", path).status == 200


def test_assignments_are_checked(shared_sim: Simulator) -> None:
    at = group(shared_sim, "checked")
    somebody = Somebody(shared_sim)
    nobody = str(uuid.uuid4())
    assert assign(shared_sim, at, READER, nobody).code == "PrincipalNotFound"
    unknown = assign(shared_sim, at, nobody, somebody.object_id)
    assert unknown.code == "RoleDefinitionDoesNotExist"
    name = str(uuid.uuid4())
    assert assign(shared_sim, at, READER, somebody.object_id, name).status == 201
    assert assign(shared_sim, at, READER, somebody.object_id, name).status == 201
    twice = assign(shared_sim, at, READER, somebody.object_id)
    assert (twice.status, twice.code) == (409, "RoleAssignmentExists")
    changed = assign(shared_sim, at, CONTRIBUTOR, somebody.object_id, name)
    assert changed.code == "RoleAssignmentUpdateNotPermitted"


def test_roles_have_a_life_in_the_sdk(shared_sim: Simulator) -> None:
    at = group(shared_sim, "sdk")
    somebody = Somebody(shared_sim)
    with shared_sim.client(AuthorizationManagementClient) as client:
        (reader,) = client.role_definitions.list(at, filter="roleName eq 'Reader'")
        assert reader.name == READER
        assert reader.permissions[0].actions == ["*/read"]
        role = client.role_definitions.create_or_update(
            shared_sim.subscription,
            str(uuid.uuid4()),
            {
                "role_name": "keeper",
                "assignable_scopes": [shared_sim.subscription],
                "permissions": [{"actions": ["Microsoft.Network/*/read"]}],
            },
        )
        made = client.role_assignments.create(
            at,
            str(uuid.uuid4()),
            {"role_definition_id": role.id, "principal_id": somebody.object_id},
        )
        mine = client.role_assignments.list_for_scope(
            at, filter=f"principalId eq '{somebody.object_id}'"
        )
        assert [one.id for one in mine] == [made.id]
        with pytest.raises(HttpResponseError, match="RoleDefinitionHasAssignments"):
            client.role_definitions.delete(shared_sim.subscription, role.name)
        client.role_assignments.delete_by_id(made.id)
        client.role_definitions.delete(shared_sim.subscription, role.name)
        names = {one.role_name for one in client.role_definitions.list(at)}
        assert "keeper" not in names
        assert "Owner" in names


def test_what_is_locked_stays(shared_sim: Simulator) -> None:
    at = group(shared_sim, "locked")
    shared_sim.send("PUT", network(at), NETWORK)
    locks = f"{at}/providers/Microsoft.Authorization/locks"

    def lock(verb: str, level: str = "") -> int:
        body = {"properties": {"level": level}} if level else None
        return shared_sim.send(verb, f"{locks}/keep?api-version=2020-05-01", body).status

    assert lock("PUT", "CanNotDelete") == 201
    for path in (network(at), f"{at}?api-version=2021-04-01"):
        refused = shared_sim.send("DELETE", path)
        assert (refused.status, refused.code) == (409, "ScopeLocked")
    assert shared_sim.send("PUT", network(at), NETWORK).status < 300
    assert lock("PUT", "ReadOnly") == 200
    assert shared_sim.send("PUT", network(at), NETWORK).code == "ScopeLocked"
    assert shared_sim.send("GET", network(at)).status == 200
    listed = shared_sim.send("GET", f"{locks}?api-version=2020-05-01").body["value"]
    assert [one["name"] for one in listed] == ["keep"]
    assert lock("DELETE") == 200
    assert shared_sim.send("DELETE", network(at)).status == 202


def test_principals_outlive_a_kill_and_end_when_removed(tmp_path: Path) -> None:
    with running(tmp_path) as sim:
        somebody = Somebody(sim, name="ops")
        sim.kill()
        sim.start()
        assert somebody.token()
        client_id = somebody.made["clientId"]
        control.ask(sim.directory, {"do": "principal.remove", "client_id": client_id})
        credential = ClientSecretCredential(
            somebody.made["tenantId"],
            client_id,
            somebody.made["clientSecret"],
            authority=sim.base,
            disable_instance_discovery=True,
            connection_verify=sim.ready["caFile"],
        )
        with pytest.raises(Exception, match="AADSTS700016"), credential:
            credential.get_token(f"{sim.base}/.default")
