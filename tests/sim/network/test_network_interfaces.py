"""Network interfaces: their addresses, their ties to pools and machines, their lives."""

import time
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from tests.sim.network.lab import NETWORK, STANDARD, STANDARD_IP, SUBNET, Lab, address_of
from tests.sim.simulator import running

pytestmark = pytest.mark.sim

TINY = "virtualNetworks/net/subnets/tiny"


def test_the_sdk_leads_an_interface_through_its_life(sdk: Any, lab: Lab) -> None:
    nics = sdk.network_interfaces
    body = {"location": "eastus", "tags": {"a": "1"}, **lab.interface_body()}
    made = nics.begin_create_or_update(lab.group, "nic", body).result()
    assert made.properties.ip_configurations[0].properties.private_ip_address == "10.0.0.4"
    assert made.properties.ip_configurations[0].properties.primary
    assert [each.id for each in sdk.subnets.get(lab.group, "net", "nodes").properties[
        "ipConfigurations"
    ]] == [f"{made.id}/ipConfigurations/ip"]  # fmt: skip
    own = sdk.network_interface_ip_configurations
    assert own.get(lab.group, "nic", "ip").name == "ip"
    assert [each.name for each in own.list(lab.group, "nic")] == ["ip"]
    assert nics.update_tags(lab.group, "nic", {"tags": {"b": "2"}}).tags == {"b": "2"}
    assert [each.name for each in nics.list(lab.group)] == ["nic"]
    assert made.id in [each.id for each in nics.list_all()]
    nics.begin_delete(lab.group, "nic").result()
    with pytest.raises(ResourceNotFoundError):
        nics.get(lab.group, "nic")


def test_dynamic_addresses_are_the_lowest_that_nobody_has(lab: Lab) -> None:
    lab.interface("static", privateIPAllocationMethod="Static", privateIPAddress="10.0.0.5")
    given = [address_of(lab.interface(f"nic{number}")) for number in range(3)]
    assert given == ["10.0.0.4", "10.0.0.6", "10.0.0.7"]
    lab.delete("networkInterfaces/nic1")
    assert address_of(lab.interface("again")) == "10.0.0.6"


def test_a_dynamic_address_stays_through_updates(lab: Lab) -> None:
    lab.interface("first")
    lab.interface("second")
    lab.delete("networkInterfaces/first")
    body = {**lab.interface_body(), "tags": {"a": "1"}}
    assert address_of(lab.put("networkInterfaces/second", body)) == "10.0.0.5"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.0.0.0", "PrivateIPAddressInReservedRange"),
        ("10.0.0.1", "PrivateIPAddressInReservedRange"),
        ("10.0.0.3", "PrivateIPAddressInReservedRange"),
        ("10.0.0.255", "PrivateIPAddressInReservedRange"),
        ("10.0.2.4", "PrivateIPAddressNotInSubnet"),
        ("10.0.0.10", "PrivateIPAddressIsAllocated"),
        ("ten", "InvalidIPAddressFormat"),
        (None, "PrivateIPAddressNotSpecified"),
    ],
)
def test_a_static_address_that_cannot_be_is_refused(
    lab: Lab, address: str | None, code: str
) -> None:
    lab.interface("other", privateIPAllocationMethod="Static", privateIPAddress="10.0.0.10")
    body = lab.interface_body(privateIPAllocationMethod="Static", privateIPAddress=address)
    assert lab.refused("PUT", "networkInterfaces/nic", body) == code
    assert lab.send("GET", "networkInterfaces/nic").status == 404


def test_one_interface_cannot_have_an_address_twice(lab: Lab) -> None:
    static = {"subnet": lab.ref(SUBNET), "privateIPAllocationMethod": "Static"}
    properties = {**static, "privateIPAddress": "10.0.0.9"}
    both = [{"name": name, "properties": properties} for name in ("a", "b")]
    body = {"properties": {"ipConfigurations": both}}
    assert lab.refused("PUT", "networkInterfaces/nic", body) == "PrivateIPAddressIsAllocated"


def test_a_subnet_has_three_addresses_of_eight(lab: Lab) -> None:
    for number in range(3):
        lab.interface(f"nic{number}", subnet=lab.ref(TINY))
    body = lab.interface_body(subnet=lab.ref(TINY))
    assert lab.refused("PUT", "networkInterfaces/more", body) == "SubnetIsFull"


def test_an_address_that_is_given_up_can_be_taken(lab: Lab) -> None:
    static = {"privateIPAllocationMethod": "Static", "privateIPAddress": "10.0.0.20"}
    lab.interface("a", **static)
    lab.interface("a", privateIPAllocationMethod="Static", privateIPAddress="10.0.0.21")
    assert address_of(lab.interface("b", **static)) == "10.0.0.20"


def test_exactly_one_configuration_is_primary(lab: Lab) -> None:
    inner = {"subnet": lab.ref(SUBNET)}
    items: list[dict[str, Any]] = [
        {"name": "a", "properties": inner},
        {"name": "b", "properties": {**inner, "primary": True}},
    ]
    shown = lab.put("networkInterfaces/nic", {"properties": {"ipConfigurations": items}})
    flags = [each["properties"]["primary"] for each in shown["properties"]["ipConfigurations"]]
    assert flags == [False, True]
    items[0]["properties"] = {**inner, "primary": True}
    code = lab.refused("PUT", "networkInterfaces/nic", {"properties": {"ipConfigurations": items}})
    assert code == "NetworkInterfaceCannotHaveMultiplePrimaryIpConfigurations"
    code = lab.refused("PUT", "networkInterfaces/nic", {"properties": {"ipConfigurations": []}})
    assert code == "NetworkInterfaceMustHaveIpConfigurations"


def test_what_an_interface_uses_cannot_go(lab: Lab) -> None:
    lab.put("networkSecurityGroups/nsg")
    body = lab.interface_body()
    body["properties"]["networkSecurityGroup"] = lab.ref("networkSecurityGroups/nsg")
    lab.put("networkInterfaces/nic", body)
    shown = lab.get("networkSecurityGroups/nsg")["properties"]["networkInterfaces"]
    assert shown == [lab.ref("networkInterfaces/nic")]
    code = lab.refused("DELETE", "networkSecurityGroups/nsg")
    assert code == "InUseNetworkSecurityGroupCannotBeDeleted"
    assert lab.refused("DELETE", SUBNET) == "InUseSubnetCannotBeDeleted"
    assert lab.refused("DELETE", "virtualNetworks/net") == "InUseSubnetCannotBeDeleted"
    lab.delete("networkInterfaces/nic")
    lab.delete("networkSecurityGroups/nsg")
    lab.delete("virtualNetworks/net")


@pytest.mark.parametrize(
    "properties",
    [
        {"subnet": "virtualNetworks/net/subnets/none"},
        {"publicIPAddress": "publicIPAddresses/none"},
        {"loadBalancerBackendAddressPools": "loadBalancers/none/backendAddressPools/none"},
    ],
    ids=["subnet", "address", "pool"],
)
def test_an_interface_of_what_is_missing_is_refused(lab: Lab, properties: dict[str, str]) -> None:
    named = {
        name: [lab.ref(path)] if name.endswith("Pools") else lab.ref(path)
        for name, path in properties.items()
    }
    body = lab.interface_body(**named)
    assert lab.refused("PUT", "networkInterfaces/nic", body) == "InvalidResourceReference"


def test_the_prefix_of_addresses_in_use_stays(lab: Lab) -> None:
    lab.interface("nic")
    other = {"properties": {"addressPrefix": "10.0.7.0/24"}}
    assert lab.refused("PUT", SUBNET, other) == "InUsePrefixCannotBeDeleted"
    lab.delete("networkInterfaces/nic")
    assert lab.put(SUBNET, other)["properties"]["addressPrefix"] == "10.0.7.0/24"


def test_an_address_can_be_asked_for(sdk: Any, lab: Lab) -> None:
    lab.interface("nic")
    check = sdk.virtual_networks.check_ip_address_availability
    free = check(lab.group, "net", ip_address="10.0.0.5")
    assert free.available
    taken = check(lab.group, "net", ip_address="10.0.0.4")
    assert not taken.available
    assert taken.available_ip_addresses[0] == "10.0.0.5"
    assert not check(lab.group, "net", ip_address="10.0.0.1").available
    usage = {each.id: each for each in sdk.virtual_networks.list_usage(lab.group, "net")}
    assert usage[lab.id(SUBNET)].current_value == 1
    assert usage[lab.id(SUBNET)].limit == 251


def test_skus_are_not_mixed_behind_one_configuration(lab: Lab) -> None:
    lab.put("publicIPAddresses/basic")
    lab.put("publicIPAddresses/standard", STANDARD_IP)
    front = {"publicIPAddress": lab.ref("publicIPAddresses/standard")}
    balancer = {
        **STANDARD,
        "properties": {
            "frontendIPConfigurations": [{"name": "f", "properties": front}],
            "backendAddressPools": [{"name": "p"}],
        },
    }
    lab.put("loadBalancers/lb", balancer)
    body = lab.interface_body(
        publicIPAddress=lab.ref("publicIPAddresses/basic"),
        loadBalancerBackendAddressPools=[lab.ref("loadBalancers/lb/backendAddressPools/p")],
    )
    code = lab.refused("PUT", "networkInterfaces/nic", body)
    assert code == "DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed"


def test_an_interface_cannot_span_networks(sdk: Any, lab: Lab) -> None:
    space = {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}
    subnets = [{"name": "a", "properties": {"addressPrefix": "10.9.0.0/24"}}]
    lab.put("virtualNetworks/other", {"properties": {**space, "subnets": subnets}})
    items = [
        {"name": "a", "properties": {"subnet": lab.ref(SUBNET)}},
        {"name": "b", "properties": {"subnet": lab.ref("virtualNetworks/other/subnets/a")}},
    ]
    body = {"location": "eastus", "properties": {"ipConfigurations": items}}
    with pytest.raises(HttpResponseError, match="SubnetsNotInSameVnet"):
        sdk.network_interfaces.begin_create_or_update(lab.group, "nic", body)


def test_an_interface_is_updating_until_it_is_ready(lab: Lab) -> None:
    with running(lab.sim.directory / "slow", "--durations", "typical", "--speed", "50") as slow:
        group = f"{slow.subscription}/resourceGroups/g?api-version=2021-04-01"
        slow.send("PUT", group, {"location": "eastus"})
        other = Lab(slow, "g")
        other.send("PUT", "virtualNetworks/net", NETWORK)
        early = other.send("PUT", "networkInterfaces/nic", other.interface_body())
        assert (early.status, early.code) == (429, "RetryableErrorDueToAnotherOperation")
        deadline = time.monotonic() + 20
        while other.get(SUBNET)["properties"]["provisioningState"] != "Succeeded":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        begun = other.send("PUT", "networkInterfaces/nic", other.interface_body())
        assert begun.status == 201
        assert begun.body["properties"]["provisioningState"] == "Updating"
        while other.get("networkInterfaces/nic")["properties"]["provisioningState"] != "Succeeded":
            assert time.monotonic() < deadline
            time.sleep(0.02)
