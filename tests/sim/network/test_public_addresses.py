"""Public addresses, prefixes and NAT gateways: their lives, rules and ties."""

import ipaddress
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from tests.sim.network.lab import STANDARD, STANDARD_IP, SUBNET, Lab
from tests.sim.simulator import Simulator

pytestmark = pytest.mark.sim

DOCUMENTATION = [ipaddress.ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24")]


def test_the_sdk_leads_an_address_through_its_life(sdk: Any, lab: Lab) -> None:
    ips = sdk.public_ip_addresses
    body = {"location": "eastus", "zones": ["1", "2", "3"], **STANDARD_IP}
    made = ips.begin_create_or_update(lab.group, "ip", body).result()
    assert any(ipaddress.ip_address(made.properties.ip_address) in net for net in DOCUMENTATION)
    assert made.properties.idle_timeout_in_minutes == 4
    assert made.zones == ["1", "2", "3"]
    assert ips.update_tags(lab.group, "ip", {"tags": {"a": "1"}}).tags == {"a": "1"}
    assert [each.name for each in ips.list(lab.group)] == ["ip"]
    assert made.id in [each.id for each in ips.list_all()]
    ips.begin_delete(lab.group, "ip").result()
    with pytest.raises(ResourceNotFoundError):
        ips.get(lab.group, "ip")


def test_an_address_comes_when_it_is_ready_and_never_twice(lab: Lab) -> None:
    reply = lab.send("PUT", "publicIPAddresses/ip", STANDARD_IP)
    assert reply.body["properties"]["provisioningState"] == "Updating"
    assert "ipAddress" not in reply.body["properties"]
    seen = []
    for _ in range(3):
        seen.append(lab.put("publicIPAddresses/ip", STANDARD_IP)["properties"]["ipAddress"])
        lab.delete("publicIPAddresses/ip")
        lab.put("publicIPAddresses/ip", STANDARD_IP)
    assert len(set(seen)) == 3


def test_an_address_stays_through_updates(lab: Lab) -> None:
    first = lab.put("publicIPAddresses/ip", STANDARD_IP)["properties"]
    changed = {
        **STANDARD,
        "properties": {"publicIPAllocationMethod": "Static", "idleTimeoutInMinutes": 9},
    }
    second = lab.put("publicIPAddresses/ip", changed)["properties"]
    assert second["ipAddress"] == first["ipAddress"]
    assert second["idleTimeoutInMinutes"] == 9


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (STANDARD, "StandardAndStandardV2SkuPublicIPAddressesMustBeStatic"),
        ({"zones": ["1"]}, "BasicSkuPublicIPAddressCannotHaveZones"),
        ({"properties": {"idleTimeoutInMinutes": 31}}, "InvalidRequestFormat"),
        ({"properties": {"dnsSettings": {"domainNameLabel": "-no"}}}, "InvalidDomainNameLabel"),
        (
            {
                "properties": {
                    "publicIPAddressVersion": "IPv6",
                    "publicIPAllocationMethod": "Static",
                }
            },
            "CannotSpecifyPublicIpAllocationMethodAsStaticForIpV6PublicIp",
        ),
    ],
    ids=["dynamic standard", "basic zones", "timeout", "label", "basic static v6"],
)
def test_an_address_against_the_rules_is_refused(lab: Lab, body: Any, code: str) -> None:
    assert lab.refused("PUT", "publicIPAddresses/ip", body) == code
    assert lab.send("GET", "publicIPAddresses/ip").status == 404


def test_sku_and_zones_stay_as_they_were_made(lab: Lab) -> None:
    lab.put("publicIPAddresses/ip", {"zones": ["1"], **STANDARD_IP})
    lower = {"properties": {"publicIPAllocationMethod": "Static"}}
    assert lab.refused("PUT", "publicIPAddresses/ip", lower) == "PropertyChangeNotAllowed"
    code = lab.refused("PUT", "publicIPAddresses/ip", STANDARD_IP)
    assert code == "ResourceAvailabilityZonesCannotBeModified"
    lab.put("publicIPAddresses/basic", lower)
    upgraded = lab.put("publicIPAddresses/basic", STANDARD_IP)
    assert upgraded["sku"]["name"] == "Standard"


def test_a_label_is_unique_in_its_region_and_free_again(lab: Lab) -> None:
    labelled = {"properties": {"dnsSettings": {"domainNameLabel": "only-one"}}}
    path = f"{lab.sim.subscription}/providers/Microsoft.Network/locations/eastus"
    ask = f"{path}/CheckDnsNameAvailability?domainNameLabel=only-one&api-version=2025-05-01"
    assert lab.sim.send("GET", ask).body == {"available": True}
    made = lab.put("publicIPAddresses/a", labelled)
    assert made["properties"]["dnsSettings"]["fqdn"] == "only-one.eastus.cloudapp.azure.com"
    assert lab.sim.send("GET", ask).body == {"available": False}
    assert lab.refused("PUT", "publicIPAddresses/b", labelled) == "DnsRecordInUse"
    lab.delete("publicIPAddresses/a")
    lab.put("publicIPAddresses/b", labelled)


def test_a_dynamic_address_shows_while_something_has_it(lab: Lab) -> None:
    assert "ipAddress" not in lab.put("publicIPAddresses/ip")["properties"]
    lab.interface("nic", publicIPAddress=lab.ref("publicIPAddresses/ip"))
    shown = lab.get("publicIPAddresses/ip")["properties"]
    assert shown["ipConfiguration"] == lab.ref("networkInterfaces/nic/ipConfigurations/ip")
    assert shown["ipAddress"]
    lab.interface("nic")
    assert "ipAddress" not in lab.get("publicIPAddresses/ip")["properties"]


def test_an_address_has_one_user_and_outlives_none(lab: Lab) -> None:
    lab.put("publicIPAddresses/ip", STANDARD_IP)
    gateway = {**STANDARD, "properties": {"publicIpAddresses": [lab.ref("publicIPAddresses/ip")]}}
    lab.put("natGateways/nat", gateway)
    assert lab.get("publicIPAddresses/ip")["properties"]["natGateway"] == lab.ref("natGateways/nat")
    body = lab.interface_body(publicIPAddress=lab.ref("publicIPAddresses/ip"))
    assert lab.refused("PUT", "networkInterfaces/nic", body) == "PublicIPAddressInUse"
    assert lab.refused("DELETE", "publicIPAddresses/ip") == "PublicIPAddressCannotBeDeleted"
    lab.delete("natGateways/nat")
    lab.put("networkInterfaces/nic", body)
    lab.delete("networkInterfaces/nic")
    lab.delete("publicIPAddresses/ip")


def test_one_body_cannot_use_an_address_twice(lab: Lab) -> None:
    lab.put("publicIPAddresses/ip", STANDARD_IP)
    twice = [lab.ref("publicIPAddresses/ip"), lab.ref("publicIPAddresses/IP")]
    body = {**STANDARD, "properties": {"publicIpAddresses": twice}}
    assert lab.refused("PUT", "natGateways/nat", body) == "PublicIPAddressInUse"


def test_the_sdk_leads_a_prefix_through_its_life(sdk: Any, lab: Lab) -> None:
    prefixes, ips = sdk.public_ip_prefixes, sdk.public_ip_addresses
    body = {"location": "eastus", **STANDARD, "properties": {"prefixLength": 31}}
    made = prefixes.begin_create_or_update(lab.group, "p", body).result()
    inside = ipaddress.ip_network(made.properties.ip_prefix)
    draw = {
        "location": "eastus",
        **STANDARD,
        "properties": {"publicIPAllocationMethod": "Static", "publicIPPrefix": {"id": made.id}},
    }
    drawn = [
        ips.begin_create_or_update(lab.group, name, draw).result().properties.ip_address
        for name in ("a", "b")
    ]
    assert [ipaddress.ip_address(each) for each in drawn] == list(inside)
    with pytest.raises(HttpResponseError, match="PublicIPPrefixOutOfIpAddresses"):
        ips.begin_create_or_update(lab.group, "c", draw)
    shown = [each.id for each in prefixes.get(lab.group, "p").properties.public_ip_addresses]
    assert shown == [lab.id("publicIPAddresses/a"), lab.id("publicIPAddresses/b")]
    with pytest.raises(HttpResponseError, match="PublicIpPrefixCannotBeDeleted"):
        prefixes.begin_delete(lab.group, "p")
    for name in ("a", "b"):
        ips.begin_delete(lab.group, name).result()
    prefixes.begin_delete(lab.group, "p").result()


def test_the_sdk_leads_a_gateway_through_its_life(sdk: Any, lab: Lab) -> None:
    gateways, subnets = sdk.nat_gateways, sdk.subnets
    lab.put("publicIPAddresses/ip", STANDARD_IP)
    body = {
        "location": "eastus",
        **STANDARD,
        "properties": {"publicIpAddresses": [lab.ref("publicIPAddresses/ip")]},
    }
    made = gateways.begin_create_or_update(lab.group, "nat", body).result()
    assert made.properties.idle_timeout_in_minutes == 4
    subnet = {"properties": {"addressPrefix": "10.0.0.0/24", "natGateway": {"id": made.id}}}
    subnets.begin_create_or_update(lab.group, "net", "nodes", subnet).result()
    assert [each.id for each in gateways.get(lab.group, "nat").properties.subnets] == [
        lab.id(SUBNET)
    ]
    with pytest.raises(HttpResponseError, match="CannotDeleteNatGatewayAssociatedToSubnet"):
        gateways.begin_delete(lab.group, "nat")
    assert gateways.update_tags(lab.group, "nat", {"tags": {"a": "1"}}).tags == {"a": "1"}
    assert [each.name for each in gateways.list(lab.group)] == ["nat"]
    assert made.id in [each.id for each in gateways.list_all()]
    sdk.virtual_networks.begin_delete(lab.group, "net").result()
    gateways.begin_delete(lab.group, "nat").result()


def test_a_gateway_takes_addresses_of_its_sku_and_sixteen_at_most(lab: Lab) -> None:
    lab.put("publicIPAddresses/basic", {"properties": {"publicIPAllocationMethod": "Static"}})
    body = {**STANDARD, "properties": {"publicIpAddresses": [lab.ref("publicIPAddresses/basic")]}}
    assert lab.refused("PUT", "natGateways/nat", body) == "PublicIPAndNatGatewaySkuDoNotMatch"
    for name in ("a", "b"):
        lab.put(f"publicIPPrefixes/{name}", {**STANDARD, "properties": {"prefixLength": 28}})
    both = {"publicIpPrefixes": [lab.ref("publicIPPrefixes/a"), lab.ref("publicIPPrefixes/b")]}
    code = lab.refused("PUT", "natGateways/nat", {**STANDARD, "properties": both})
    assert code == "NatGatewayPublicIpLimitReached"
    one = {"publicIpPrefixes": [lab.ref("publicIPPrefixes/a")]}
    lab.put("natGateways/nat", {**STANDARD, "properties": one})


def test_a_reference_leads_no_further_than_the_region(lab: Lab) -> None:
    lab.put("publicIPAddresses/far", {"location": "westus", **STANDARD_IP})
    body = {**STANDARD, "properties": {"publicIpAddresses": [lab.ref("publicIPAddresses/far")]}}
    assert lab.refused("PUT", "natGateways/nat", body) == "InvalidResourceReference"


def test_an_address_is_not_given_again_after_a_kill(sim: Simulator) -> None:
    lab = Lab(sim, "g")
    group = f"{sim.subscription}/resourceGroups/g?api-version=2021-04-01"
    sim.send("PUT", group, {"location": "eastus"})
    first = lab.put("publicIPAddresses/a", STANDARD_IP)["properties"]["ipAddress"]
    lab.delete("publicIPAddresses/a")
    sim.kill()
    sim.start()
    second = lab.put("publicIPAddresses/b", STANDARD_IP)["properties"]["ipAddress"]
    assert second != first
