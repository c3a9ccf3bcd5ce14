"""What a strict simulator shows of every network type can be sent back, and changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.sim.network.lab import NETWORK, STANDARD, STANDARD_IP, SUBNET, Lab
from tests.sim.simulator import running

pytestmark = pytest.mark.sim

FRONT = "loadBalancers/lb/frontendIPConfigurations/front"
POOL = "loadBalancers/lb/backendAddressPools/pool"
PATHS = (
    "networkSecurityGroups/nsg",
    "publicIPAddresses/out",
    "publicIPAddresses/in",
    "publicIPPrefixes/prefix",
    "natGateways/nat",
    "virtualNetworks/net",
    SUBNET,
    "loadBalancers/lb",
    POOL,
    "networkInterfaces/nic",
)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A strict simulator with one of each type, all tied together."""
    with running(tmp_path_factory.mktemp("strict"), "--strict") as sim:
        group = f"{sim.subscription}/resourceGroups/g?api-version=2021-04-01"
        sim.send("PUT", group, {"location": "eastus"})
        lab = Lab(sim, "g")
        _build(lab)
        yield lab


def _build(lab: Lab) -> None:
    lab.put("networkSecurityGroups/nsg")
    lab.put("publicIPAddresses/in", STANDARD_IP)
    lab.put("publicIPPrefixes/prefix", {**STANDARD, "properties": {"prefixLength": 30}})
    drawn = {
        "publicIPAllocationMethod": "Static",
        "publicIPPrefix": lab.ref("publicIPPrefixes/prefix"),
        "dnsSettings": {"domainNameLabel": "strict-out"},
    }
    lab.put("publicIPAddresses/out", {**STANDARD, "properties": drawn})
    addresses = {"publicIpAddresses": [lab.ref("publicIPAddresses/out")]}
    lab.put("natGateways/nat", {**STANDARD, "properties": addresses})
    lab.put("virtualNetworks/net", NETWORK)
    subnet = {
        "addressPrefix": "10.0.0.0/24",
        "natGateway": lab.ref("natGateways/nat"),
        "networkSecurityGroup": lab.ref("networkSecurityGroups/nsg"),
    }
    lab.put(SUBNET, {"properties": subnet})
    front = {"publicIPAddress": lab.ref("publicIPAddresses/in")}
    probe = {"protocol": "Tcp", "port": 62500}
    rule = {
        "protocol": "Tcp",
        "frontendPort": 443,
        "backendPort": 443,
        "disableOutboundSnat": True,
        "frontendIPConfiguration": lab.ref(FRONT),
        "backendAddressPool": lab.ref(POOL),
        "probe": lab.ref("loadBalancers/lb/probes/probe"),
    }
    out = {
        "protocol": "All",
        "frontendIPConfigurations": [lab.ref(FRONT)],
        "backendAddressPool": lab.ref(POOL),
    }
    properties = {
        "frontendIPConfigurations": [{"name": "front", "properties": front}],
        "backendAddressPools": [{"name": "pool"}],
        "probes": [{"name": "probe", "properties": probe}],
        "loadBalancingRules": [{"name": "rule", "properties": rule}],
        "outboundRules": [{"name": "out", "properties": out}],
    }
    lab.put("loadBalancers/lb", {**STANDARD, "properties": properties})
    body = lab.interface_body(loadBalancerBackendAddressPools=[lab.ref(POOL)])
    body["properties"]["networkSecurityGroup"] = lab.ref("networkSecurityGroups/nsg")
    lab.put("networkInterfaces/nic", body)


@pytest.mark.parametrize("path", PATHS)
def test_what_is_shown_can_be_sent_back(strict: Lab, path: str) -> None:
    before = strict.get(path)
    assert untagged(strict.put(path, before)) == untagged(before)


@pytest.mark.parametrize("path", PATHS)
def test_a_reference_in_another_letter_case_is_the_same(strict: Lab, path: str) -> None:
    before = strict.get(path)
    assert untagged(strict.put(path, shouted(before))) == untagged(before)


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_property_is_refused(strict: Lab, path: str) -> None:
    body = strict.get(path)
    body["properties"]["doesNotExist"] = 1
    assert strict.refused("PUT", path, body) == "InvalidRequestFormat"


def untagged(value: Any) -> Any:
    """Return a body without etags."""
    if isinstance(value, dict):
        return {name: untagged(each) for name, each in value.items() if name != "etag"}
    return [untagged(each) for each in value] if isinstance(value, list) else value


def shouted(value: Any) -> Any:
    """Return a body whose references are in capitals, save for the first segment."""
    if isinstance(value, dict):
        return {
            name: each.upper().replace("/SUBSCRIPTIONS", "/subscriptions", 1)
            if name == "id" and isinstance(each, str)
            else shouted(each)
            for name, each in value.items()
        }
    return [shouted(each) for each in value] if isinstance(value, list) else value
