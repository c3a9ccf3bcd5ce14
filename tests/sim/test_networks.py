"""Groups, virtual networks and security groups through the real SDKs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from tests.sim.simulator import Simulator

pytestmark = pytest.mark.sim

NETWORK = {
    "location": "East US",
    "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [{"name": "front", "properties": {"addressPrefix": "10.0.0.0/24"}}],
    },
}
RULE = {
    "properties": {
        "protocol": "tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "443",
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "*",
        "access": "allow",
        "priority": 200,
        "direction": "inbound",
    }
}


@pytest.fixture
def group(shared_sim: Simulator, request: pytest.FixtureRequest) -> Iterator[str]:
    """A resource group of the test's own."""
    name = re.sub(r"\W", "_", request.node.name)[:60].strip("_")
    with shared_sim.client(ResourceManagementClient) as resources:
        resources.resource_groups.create_or_update(name, {"location": "eastus"})
        yield name


@pytest.fixture
def network(shared_sim: Simulator) -> Iterator[Any]:
    with shared_sim.client(NetworkManagementClient) as client:
        yield client


def test_a_group_lives_and_dies(shared_sim: Simulator) -> None:
    with shared_sim.client(ResourceManagementClient) as resources:
        groups = resources.resource_groups
        groups.create_or_update("life", {"location": "eastus", "tags": {"a": "1"}})
        assert groups.check_existence("LIFE")
        assert groups.get("Life").tags == {"a": "1"}
        assert groups.update("life", {"tags": {"b": "2"}}).tags == {"b": "2"}
        assert "life" in [each.name for each in groups.list()]
        groups.begin_delete("life").result()
        assert not groups.check_existence("life")


def test_a_group_takes_its_resources_along(shared_sim: Simulator, network: Any) -> None:
    with shared_sim.client(ResourceManagementClient) as resources:
        resources.resource_groups.create_or_update("doomed", {"location": "eastus"})
        network.virtual_networks.begin_create_or_update("doomed", "net", NETWORK).result()
        resources.resource_groups.begin_delete("doomed").result()
        resources.resource_groups.create_or_update("doomed", {"location": "eastus"})
    assert list(network.virtual_networks.list("doomed")) == []


def test_a_network_and_its_subnets_are_one_truth(network: Any, group: str) -> None:
    nets, subnets = network.virtual_networks, network.subnets
    made = nets.begin_create_or_update(group, "net", NETWORK).result()
    assert made.location == "eastus"
    second = {"properties": {"addressPrefix": "10.0.1.0/24"}}
    subnets.begin_create_or_update(group, "NET", "back", second).result()
    seen = nets.get(group, "net")
    assert [each.name for each in seen["properties"]["subnets"]] == ["back", "front"]
    assert {each.etag for each in subnets.list(group, "net")} == {seen.etag}
    subnets.begin_delete(group, "net", "front").result()
    assert [each.name for each in nets.get(group, "net")["properties"]["subnets"]] == ["back"]
    with pytest.raises(ResourceNotFoundError):
        subnets.get(group, "net", "front")


def test_a_network_put_without_subnets_keeps_them(network: Any, group: str) -> None:
    network.virtual_networks.begin_create_or_update(group, "net", NETWORK).result()
    bare = {
        "location": "eastus",
        "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}},
    }
    network.virtual_networks.begin_create_or_update(group, "net", bare).result()
    assert [each.name for each in network.subnets.list(group, "net")] == ["front"]
    bare["properties"]["subnets"] = []  # type: ignore[index] # a literal
    network.virtual_networks.begin_create_or_update(group, "net", bare).result()
    assert list(network.subnets.list(group, "net")) == []


def test_a_stale_etag_is_refused(network: Any, group: str) -> None:
    nets = network.virtual_networks
    old = nets.begin_create_or_update(group, "net", NETWORK).result()
    stale = {"headers": {"If-Match": old.etag}}
    tagged = {**NETWORK, "tags": {"a": "1"}}
    nets.begin_create_or_update(group, "net", tagged, **stale).result()
    with pytest.raises(HttpResponseError) as caught:
        nets.begin_create_or_update(group, "net", NETWORK, **stale)
    assert caught.value.status_code == 412
    assert nets.get(group, "net").tags == {"a": "1"}


def test_a_rule_lives_in_its_group(network: Any, group: str) -> None:
    groups, rules = network.network_security_groups, network.security_rules
    groups.begin_create_or_update(group, "nsg", {"location": "eastus"}).result()
    rules.begin_create_or_update(group, "nsg", "https", RULE).result()
    seen = groups.get(group, "nsg")["properties"]
    assert [(each.name, each["properties"]["protocol"]) for each in seen["securityRules"]] == [
        ("https", "Tcp")
    ]
    assert len(list(network.default_security_rules.list(group, "nsg"))) == 6
    with pytest.raises(HttpResponseError, match="SecurityRuleConflict"):
        rules.begin_create_or_update(group, "nsg", "other", RULE)
    rules.begin_delete(group, "nsg", "https").result()
    assert list(rules.list(group, "nsg")) == []


def test_references_show_and_hold_at_both_ends(network: Any, group: str) -> None:
    nsg = network.network_security_groups.begin_create_or_update(
        group, "nsg", {"location": "eastus"}
    ).result()
    subnet = {
        "properties": {
            "addressPrefix": "10.0.1.0/24",
            "networkSecurityGroup": {
                "id": nsg.id.upper().replace("/SUBSCRIPTIONS", "/subscriptions")
            },
        }
    }
    network.virtual_networks.begin_create_or_update(group, "net", NETWORK).result()
    made = network.subnets.begin_create_or_update(group, "net", "back", subnet).result()
    assert made["properties"]["networkSecurityGroup"]["id"] == nsg.id
    seen = network.network_security_groups.get(group, "nsg")
    assert [each["id"] for each in seen["properties"]["subnets"]] == [made.id]
    with pytest.raises(HttpResponseError, match="InUseNetworkSecurityGroupCannotBeDeleted"):
        network.network_security_groups.begin_delete(group, "nsg")
    network.virtual_networks.begin_delete(group, "net").result()
    network.network_security_groups.begin_delete(group, "nsg").result()


def test_a_reference_to_nothing_is_refused(network: Any, group: str, shared_sim: Simulator) -> None:
    missing = (
        f"{shared_sim.subscription}/resourceGroups/{group}/providers/Microsoft.Network"
        "/networkSecurityGroups/none"
    )
    body = {
        "location": "eastus",
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [
                {
                    "name": "a",
                    "properties": {
                        "addressPrefix": "10.0.0.0/24",
                        "networkSecurityGroup": {"id": missing},
                    },
                }
            ],
        },
    }
    with pytest.raises(HttpResponseError, match="InvalidResourceReference"):
        network.virtual_networks.begin_create_or_update(group, "net", body)


def test_lists_come_in_pages(network: Any, group: str, shared_sim: Simulator) -> None:
    for number in range(3):
        network.network_security_groups.begin_create_or_update(
            group, f"nsg{number}", {"location": "eastus"}
        ).result()
    path = (
        f"{shared_sim.subscription}/resourceGroups/{group}/providers/Microsoft.Network"
        "/networkSecurityGroups?api-version=2025-05-01&$top=2"
    )
    first = shared_sim.send("GET", path).body
    assert [each["name"] for each in first["value"]] == ["nsg0", "nsg1"]
    second = shared_sim.send("GET", first["nextLink"]).body
    assert [each["name"] for each in second["value"]] == ["nsg2"]
    assert "nextLink" not in second
    names = [each.name for each in network.network_security_groups.list_all()]
    assert {"nsg0", "nsg1", "nsg2"} <= set(names)


@pytest.mark.parametrize(
    ("subnets", "code"),
    [
        ([("a", "192.168.0.0/24")], "NetcfgSubnetRangeOutsideVnet"),
        ([("a", "10.0.0.0/24"), ("b", "10.0.0.128/25")], "NetcfgSubnetRangesOverlap"),
        ([("a", "10.0.0.0/30")], "NetcfgInvalidSubnet"),
        ([("a", "ten")], "InvalidCIDRNotation"),
    ],
    ids=["outside", "overlap", "tiny", "nonsense"],
)
def test_a_subnet_that_does_not_fit_is_refused(
    network: Any, group: str, subnets: list[tuple[str, str]], code: str
) -> None:
    body: dict[str, Any] = {
        "location": "eastus",
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [
                {"name": name, "properties": {"addressPrefix": prefix}} for name, prefix in subnets
            ],
        },
    }
    with pytest.raises(HttpResponseError, match=code):
        network.virtual_networks.begin_create_or_update(group, "net", body)
    with pytest.raises(ResourceNotFoundError):
        network.virtual_networks.get(group, "net")
