"""What the metadata service tells a machine, and what it refuses."""

import json
import time
from typing import Any

import jwt
import pytest
from tests.unit.azuresim.fabric.stored import GROUP, TENANT, Stored

from azuresim.errors import ArmError
from azuresim.fabric.events import Events
from azuresim.fabric.metadata import Asked, Metadata, Told
from azuresim.fabric.who import Who
from azuresim.identity import tokens
from azuresim.resources.clouds import PUBLIC

NET = "Microsoft.Network/virtualNetworks/net"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
STORAGE = "https://storage.azure.com/"
BASE = "https://127.0.0.1:8443"


class World:
    """Two machines in one availability set and one by itself."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.now = time.time()
        subnet = {"name": "front", "properties": {"addressPrefix": "10.5.0.0/24"}}
        space = {"addressSpace": {"addressPrefixes": ["10.5.0.0/16"]}, "subnets": [subnet]}
        self.network = stored.put(NET, {"location": "eastus", "properties": space})
        together = "Microsoft.Compute/availabilitySets/set"
        self.set = stored.put(
            together,
            {"location": "eastus", "sku": {"name": "Aligned"},
             "properties": {"platformFaultDomainCount": 2, "platformUpdateDomainCount": 5}},
        )  # fmt: skip
        key = tokens.load_key(tokens.new_key())
        self.signer = tokens.Tokens(key, TENANT, PUBLIC.audiences)
        self.signer.accept(BASE)
        self.kept: dict[str, Any] = {}
        self.events = self.reborn_events()
        self.metadata = Metadata(stored.service, self.signer, self.events)

    def reborn_events(self) -> Events:
        """Return the events as a restarted simulator has them."""
        keep = self.kept.update
        return Events(dict(self.kept), keep, lambda name: [self.id(name)], lambda: self.now)

    def id(self, name: str) -> str:
        return f"{GROUP}/providers/Microsoft.Compute/virtualMachines/{name}"

    def machine(self, name: str, last: int, *, in_set: bool = True, **more: Any) -> str:
        """Make a machine at 10.5.0.LAST, and return its id."""
        seat = {
            "subnet": {"id": f"{self.network}/subnets/front"},
            "privateIPAllocationMethod": "Static",
            "privateIPAddress": f"10.5.0.{last}",
        }
        configuration = {"name": "ip", "properties": seat}
        nic = self.stored.put(
            f"Microsoft.Network/networkInterfaces/{name}-nic",
            {"location": "eastus", "properties": {"ipConfigurations": [configuration]}},
        )
        properties: dict[str, Any] = {
            "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
            "storageProfile": {
                "imageReference": {"publisher": "Debian", "offer": "debian-12", "sku": "12-gen2",
                                   "version": "latest"},
                "osDisk": {"createOption": "FromImage"},
            },
            "osProfile": {
                "computerName": name, "adminUsername": "azureuser",
                "adminPassword": "Correct-Horse-7",
            },
            "networkProfile": {"networkInterfaces": [{"id": nic}]},
        }  # fmt: skip
        if in_set:
            properties["availabilitySet"] = {"id": self.set}
        body = {"location": "eastus", "properties": properties, **more}
        return self.stored.put(self.id(name), body)

    def ask(
        self,
        name: str,
        path: str,
        *,
        verb: str = "GET",
        body: Any = None,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> Told:
        return self.metadata.answer(
            self.id(name) if name else "",
            Asked(
                verb=verb,
                path=f"/metadata/{path}",
                query={each.replace("_version", "-version"): text for each, text in query.items()},
                headers={"metadata": "true"} if headers is None else headers,
                body=b"" if body is None else json.dumps(body).encode(),
            ),
        )

    def token(self, name: str, **query: str) -> Told:
        asked: dict[str, Any] = {"api_version": "2018-02-01", "resource": STORAGE, **query}
        return self.ask(name, "identity/oauth2/token", **asked)

    def scheduled(self, name: str) -> Any:
        return self.ask(name, "scheduledevents", api_version="2020-07-01").body

    def command(self, do: str, **wish: Any) -> Any:
        return self.events.commands()[do](wish)


@pytest.fixture
def world(stored: Stored) -> World:
    return World(stored)


def test_a_machine_learns_who_and_where_it_is(world: World) -> None:
    world.machine("node-1", 110, tags={"role": "web"})
    told = world.ask("node-1", "instance", api_version="2021-02-01").body
    compute, (nic,) = told["compute"], told["network"]["interface"]
    assert compute["name"] == "node-1"
    assert compute["resourceId"] == world.id("node-1")
    assert compute["tagsList"] == [{"name": "role", "value": "web"}]
    assert nic["ipv4"]["ipAddress"] == [{"privateIpAddress": "10.5.0.110", "publicIpAddress": ""}]
    assert nic["ipv4"]["subnet"] == [{"address": "10.5.0.0", "prefix": "24"}]
    part = world.ask("node-1", "instance/compute", api_version="2021-02-01").body
    assert part == compute
    leaf: dict[str, Any] = {"api_version": "2021-02-01", "format": "text"}
    assert world.ask("node-1", "instance/compute/name", **leaf).body == "node-1"
    assert world.ask("node-1", "instance", **leaf).body == "compute/\nnetwork/"


@pytest.mark.parametrize(
    ("path", "headers", "query", "status", "words"),
    [
        ("instance", {}, {"api_version": "2021-02-01"}, 400, "Required metadata header"),
        ("instance", {"metadata": "true", "x-forwarded-for": "10.0.0.9"},
         {"api_version": "2021-02-01"}, 400, "X-Forwarded-For"),
        ("instance", None, {}, 400, "api-version was not specified"),
        ("instance", None, {"api_version": "2000-01-01"}, 400, "api-version is invalid"),
        ("instance/compute/name", None, {"api_version": "2021-02-01"}, 400, "format=text"),
        ("instance/compute/age", None, {"api_version": "2021-02-01"}, 404, "Not found"),
        ("attested/document", None, {"api_version": "2021-02-01"}, 404, "Not found"),
        ("identity/oauth2/token", {}, {"api_version": "2018-02-01"}, 400, "bad_request_102"),
    ],
    ids=["no header", "through a proxy", "no version", "no such version", "leaf", "no such leaf",
         "not served", "no header for a token"],
)  # fmt: skip
def test_what_does_not_keep_to_the_rules_is_refused(
    world: World, path: str, headers: Any, query: dict[str, Any], status: int, words: str
) -> None:
    world.machine("node-1", 110)
    told = world.ask("node-1", path, headers=headers, **query)
    assert told.status == status
    assert words in json.dumps(told.body)


def test_a_stranger_is_told_nothing(world: World) -> None:
    assert world.ask("", "instance", api_version="2021-02-01").status == 404
    assert world.token("").body["error"] == "unknown_source"


def test_a_token_names_the_principal_that_arm_knows(world: World) -> None:
    identity = {"type": "SystemAssigned"}
    machine = world.machine("node-1", 110, identity=identity)
    record = world.stored.service.store.get(machine.casefold())
    assert record is not None
    told = world.token("node-1").body
    claims = jwt.decode(told["access_token"], options={"verify_signature": False})
    assert claims["oid"] == record.body()["identity"]["principalId"]
    assert claims["iss"] == f"https://sts.windows.net/{TENANT}/"
    assert claims["aud"] == STORAGE == told["resource"]
    assert claims["exp"] == pytest.approx(int(told["expires_on"]), abs=5)
    assert isinstance(told["expires_in"], str)


def test_a_token_for_arm_is_one_that_arm_takes(world: World) -> None:
    world.machine("node-1", 110, identity={"type": "SystemAssigned"})
    for audience in ("https://management.azure.com/", f"{BASE}/"):
        told = world.token("node-1", resource=audience).body
        assert world.signer.check(f"Bearer {told['access_token']}").principal
    storage = world.token("node-1").body["access_token"]
    with pytest.raises(ArmError, match="InvalidAuthenticationTokenAudience"):
        world.signer.check(f"Bearer {storage}")


def test_a_machine_gets_tokens_for_its_own_identities_only(world: World) -> None:
    ids = [world.stored.put(f"{IDENTITY}/id-{n}", {"location": "eastus"}) for n in (1, 2, 3)]
    shared = {"type": "UserAssigned", "userAssignedIdentities": {ids[0]: {}, ids[1]: {}}}
    world.machine("node-1", 110, identity=shared)
    clients = [_client(world, each) for each in ids]
    assert world.token("node-1", client_id=clients[1]).body["client_id"] == clients[1]
    assert world.token("node-1", msi_res_id=ids[0]).body["client_id"] == clients[0]
    assert "Multiple user assigned" in world.token("node-1").body["error_description"]
    for stranger in (clients[2], "", "11111111-0000-0000-0000-000000000000"):
        told = world.token("node-1", client_id=stranger)
        assert (told.status, told.body["error_description"]) == (400, "Identity not found")
    world.stored.delete(ids[1])
    assert world.token("node-1", client_id=clients[1]).status == 400
    assert world.token("node-1").body["client_id"] == clients[0]


def _client(world: World, identity: str) -> str:
    record = world.stored.service.store.get(identity.casefold())
    assert record is not None
    return str(record.body()["properties"]["clientId"])


def test_a_machine_without_identity_gets_no_token(world: World) -> None:
    world.machine("node-1", 110)
    assert world.token("node-1").body["error_description"] == "Identity not found"


@pytest.mark.parametrize(
    ("resource", "error"),
    [("", "invalid_request"), ("https://vault.example.com", "invalid_resource")],
    ids=["none", "unknown"],
)
def test_a_token_is_for_somebody(world: World, resource: str, error: str) -> None:
    world.machine("node-1", 110, identity={"type": "SystemAssigned"})
    assert world.token("node-1", resource=resource).body["error"] == error


def test_an_event_is_announced_to_the_whole_set_and_to_nobody_else(world: World) -> None:
    for at, name in enumerate(("node-1", "node-2")):
        world.machine(name, 110 + at)
    world.machine("other", 115, in_set=False)
    before = world.scheduled("node-1")["DocumentIncarnation"]
    world.command("event.add", kind="Reboot", machines=["node-1"])
    for name in ("node-1", "node-2"):
        document = world.scheduled(name)
        assert document["DocumentIncarnation"] == before + 1
        (event,) = document["Events"]
        assert (event["EventType"], event["EventStatus"]) == ("Reboot", "Scheduled")
        assert event["Resources"] == ["node-1"]
    assert world.scheduled("other")["Events"] == []


def test_an_event_begins_when_its_notice_is_over_and_then_ends(world: World) -> None:
    world.machine("node-1", 110)
    begun: list[str] = []
    world.events.on_begin(lambda event: begun.append(event.kind))
    world.command("event.add", kind="freeze", machines=["node-1"], notice_s=30, duration_s=9)
    world.now += 29
    assert world.scheduled("node-1")["Events"][0]["EventStatus"] == "Scheduled"
    assert begun == []
    world.now += 1
    (event,) = world.scheduled("node-1")["Events"]
    assert (event["EventStatus"], event["NotBefore"]) == ("Started", "")
    assert begun == ["Freeze"]
    world.now += 9
    assert world.scheduled("node-1")["Events"] == []
    assert begun == ["Freeze"]


def test_an_acknowledged_event_begins_at_once(world: World) -> None:
    world.machine("node-1", 110)
    made = world.command("event.add", kind="Redeploy", machines=["node-1"])
    wish = {"StartRequests": [{"EventId": made["id"]}]}
    told = world.ask("node-1", "scheduledevents", verb="POST", body=wish, api_version="2020-07-01")
    assert told.status == 200
    assert world.scheduled("node-1")["Events"][0]["EventStatus"] == "Started"
    unknown = {"StartRequests": [{"EventId": "nobody's"}]}
    wrong: tuple[Any, ...] = (unknown, {"StartRequests": "x"}, [], None)
    for body in wrong:
        refused = world.ask(
            "node-1", "scheduledevents", verb="POST", body=body, api_version="2020-07-01"
        )
        assert refused.status == 400


def test_events_survive_a_restart(world: World) -> None:
    world.machine("node-1", 110)
    made = world.command("event.add", kind="Preempt", machines=["node-1"])
    again = world.reborn_events()
    assert [each["id"] for each in again.commands()["event.list"]({})] == [made["id"]]
    assert again.commands()["event.clear"]({"id": made["id"]}) == 1
    assert again.commands()["event.list"]({}) == []


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "Explode", "machines": ["node-1"]},
        {"kind": "Freeze"},
        {"kind": "Freeze", "when": 1},
    ],
    ids=["kind", "nobody", "unknown field"],
)
def test_a_wrong_wish_is_refused(world: World, wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind|machines|when"):
        world.command("event.add", **wish)


def test_a_machine_is_told_by_its_address_in_its_network(world: World) -> None:
    who = Who(world.stored.service)
    assert who(world.network, "10.5.0.110") == ""
    machine = world.machine("node-1", 110)
    assert who(world.network.upper(), "10.5.0.110") == machine
    assert who(world.network, "10.5.0.111") == ""
    assert who(f"{world.network}-2", "10.5.0.110") == ""
    world.stored.delete(machine)
    assert who(world.network, "10.5.0.110") == ""
