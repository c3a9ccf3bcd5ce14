"""The services of Azure as a machine in a virtual network meets them: real sockets and names."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.dns import DnsManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.storage import StorageManagementClient
from tests.netns.services_world import FABRIC, INTERNET, built, machine, wait_for
from tests.netns.world import why_not
from tests.prerequisites import require
from tests.sim.resources import bodies
from tests.sim.services.conftest import World, azurite, made_group, world_at

from azuresim.fabric import places
from azuresim.faults import control

__all__ = ["azurite"]

pytestmark = pytest.mark.timeout(240)
ACCOUNT = {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "location": "eastus"}


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory, azurite: str) -> Iterator[World]:
    """A simulator with one machine, whose services are in namespaces."""
    require(not why_not(), "Root with ip and nft", "run the tests as root")
    world = world_at(tmp_path_factory.mktemp("services") / "sim", azurite)
    with built():
        world.start()
        try:
            network = furnish(world)
            wish = {"networks": {network: FABRIC}, "internet": INTERNET}
            control.ask(world.directory, {"do": "places.set", **wish})
            yield world
        finally:
            world.stop()


def furnish(world: World) -> str:
    """Make a machine at 10.5.0.110, a zone and an account; return the id of the network."""
    group = made_group(world, "web")
    with world.client(NetworkManagementClient) as network:
        subnet = {"name": "front", "properties": {"addressPrefix": "10.5.0.0/24"}}
        space = {"addressSpace": {"addressPrefixes": ["10.5.0.0/16"]}, "subnets": [subnet]}
        net = network.virtual_networks.begin_create_or_update(
            group, "net", {"location": "eastus", "properties": space}
        ).result()
        seat = {"subnet": {"id": f"{net.id}/subnets/front"}, "privateIPAddress": "10.5.0.110",
                "privateIPAllocationMethod": "Static"}  # fmt: skip
        configuration = {"name": "ip", "properties": seat}
        nic = network.network_interfaces.begin_create_or_update(
            group,
            "nic",
            {"location": "eastus", "properties": {"ipConfigurations": [configuration]}},
        ).result()
    with world.client(ComputeManagementClient) as compute:
        body = {**bodies.machine(nic.id), "identity": {"type": "SystemAssigned"}}
        compute.virtual_machines.begin_create_or_update(group, "node-1", body).result()
    with world.client(DnsManagementClient) as dns:
        dns.zones.create_or_update(group, "example.com", {"location": "global"})
    put_record(world, "10.5.0.120")
    with world.client(StorageManagementClient) as storage:
        storage.storage_accounts.begin_create(group, "meeting", ACCOUNT).result()
    return str(net.id)


def put_record(world: World, address: str) -> None:
    record = {"properties": {"TTL": 1, "ARecords": [{"ipv4Address": address}]}}
    with world.client(DnsManagementClient) as dns:
        dns.record_sets.create_or_update("web", "example.com", "www", "A", record)


def test_a_machine_sees_a_record_change_by_its_resolver_and_at_the_zones_server(
    inside: World,
) -> None:
    wait_for(lambda: machine("resolve", "www.example.com"), ["10.5.0.120"])
    put_record(inside, "10.5.0.121")
    wait_for(lambda: machine("resolve", "www.example.com"), ["10.5.0.121"])
    with inside.client(DnsManagementClient) as dns:
        server = str(dns.zones.get("web", "example.com").name_servers[0])
    assert machine("resolve", server) == [places.name_server(server)]
    assert machine("ask", "www.example.com", places.name_server(server)) == ["10.5.0.121"]
    assert machine("resolve", "elsewhere.test") == []


def test_a_machine_is_told_who_it_is(inside: World) -> None:
    path = "instance/compute/name?api-version=2021-02-01&format=text"
    wait_for(lambda: machine("metadata", path), [200, "node-1"])
    wanted = "identity/oauth2/token?api-version=2018-02-01&resource=https://storage.azure.com/"
    status, answer = machine("metadata", wanted)
    assert status == 200
    assert "access_token" in answer
    status, answer = machine("metadata", "scheduledevents?api-version=2020-07-01")
    assert (status, '"Events":[]' in answer) == (200, True)


def test_a_machine_reaches_the_services_by_their_names(inside: World) -> None:
    ca_file = inside.ready["caFile"]
    base = inside.ready["insideResourceManager"]

    def status(url: str) -> Any:
        return machine("head", url, ca_file)[0]

    wait_for(lambda: status(f"{base}/metadata/endpoints?api-version=2022-09-01"), 200)
    login = f"{inside.ready['insideAuthority']}/common/v2.0/.well-known/openid-configuration"
    assert status(login) == 200
    assert status("https://meeting.blob.core.windows.net/?comp=list") == 403
