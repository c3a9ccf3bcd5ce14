"""Reads a whole group and tells every place where it contradicts itself."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.sim.network.lab import Lab

KINDS = (
    "networkSecurityGroups",
    "publicIPAddresses",
    "natGateways",
    "virtualNetworks",
    "loadBalancers",
    "networkInterfaces",
)
CHILDREN = (
    "subnets",
    "ipConfigurations",
    "frontendIPConfigurations",
    "backendAddressPools",
    "probes",
    "loadBalancingRules",
    "inboundNatRules",
)
BACK = {
    ("ipConfigurations", "subnet"): "ipConfigurations",
    ("ipConfigurations", "publicIPAddress"): "ipConfiguration",
    ("ipConfigurations", "loadBalancerBackendAddressPools"): "backendIPConfigurations",
    ("ipConfigurations", "loadBalancerInboundNatRules"): "backendIPConfiguration",
    ("frontendIPConfigurations", "subnet"): "ipConfigurations",
    ("frontendIPConfigurations", "publicIPAddress"): "ipConfiguration",
    ("loadBalancingRules", "frontendIPConfiguration"): "loadBalancingRules",
    ("loadBalancingRules", "backendAddressPool"): "loadBalancingRules",
    ("loadBalancingRules", "probe"): "loadBalancingRules",
    ("inboundNatRules", "frontendIPConfiguration"): "inboundNatRules",
    ("natGateways", "publicIpAddresses"): "natGateway",
    ("subnets", "natGateway"): "subnets",
    ("subnets", "networkSecurityGroup"): "subnets",
    ("networkInterfaces", "networkSecurityGroup"): "networkInterfaces",
}
"""Which property of the target shows a reference from a collection's property."""


@dataclass
class World:
    """Everything in a group: properties by id, and the collection each is in."""

    lab: Lab
    properties: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    collection: dict[str, str] = field(default_factory=dict)

    def read(self) -> "World":
        """Read every list there is."""
        for kind in KINDS:
            for each in self.lab.get(kind)["value"]:
                self._take(kind, each)
        return self

    def contradictions(self) -> Iterator[str]:
        """Yield what does not agree."""
        yield from self._two_ways()
        yield from self._addresses()

    def strangers(self) -> Iterator[str]:
        """Yield what shows something else at its own URL than in its list."""
        base = self.lab.id("")
        for source, properties in self.properties.items():
            if self.lab.get(source.removeprefix(base))["properties"] != properties:
                yield f"{source} shows something else at its own URL"

    def _take(self, collection: str, item: Mapping[str, Any]) -> None:
        self.properties[item["id"]] = item["properties"]
        self.collection[item["id"]] = collection
        for name in CHILDREN:
            for child in item["properties"].get(name, ()):
                if "properties" in child:
                    self._take(name, child)

    def _two_ways(self) -> Iterator[str]:
        there: set[tuple[str, str, str]] = set()
        for source, properties in self.properties.items():
            for (collection, name), back in BACK.items():
                if self.collection[source] == collection:
                    there |= {(target, back, source) for target in _ids(properties.get(name))}
        shown = {
            (target, name, source)
            for target, properties in self.properties.items()
            for name in sorted(set(BACK.values()))
            if (self.collection[target], name) not in BACK
            for source in _ids(properties.get(name))
            if source.rpartition("/")[0].rpartition("/")[0] != target
        }
        for target, back, source in sorted(there ^ shown):
            yield f"{target}.{back} and {source} disagree"

    def _addresses(self) -> Iterator[str]:
        seen: dict[tuple[str, str], str] = {}
        for source, properties in self.properties.items():
            if "subnet" not in properties:
                continue
            subnet, address = properties["subnet"]["id"], properties["privateIPAddress"]
            if (subnet, address) in seen:
                yield f"{source} and {seen[subnet, address]} share {address}"
            seen[subnet, address] = source
            network = ipaddress.ip_network(self.properties[subnet]["addressPrefix"])
            if ipaddress.ip_address(address) not in list(network)[4:-1]:
                yield f"{source} has {address}, which {network} has not to give"


def _ids(value: Any) -> set[str]:
    """Return the ids a property refers to."""
    items = value if isinstance(value, list) else [value] if value else []
    return {each["id"] for each in items}
