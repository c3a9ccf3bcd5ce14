"""Security groups as records have them, made into rules on addresses. Pure.

Rules are asked by priority; the first that fits decides. A service tag stands for addresses;
one that nothing here answers to stands for none, so that its rule never fits.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from azuresim.fabric import ranges
from azuresim.fabric.door import SERVICES, STORES
from azuresim.fabric.ranges import Ranges
from azuresim.fabric.wanted import PLATFORM, Group, SecurityRule
from azuresim.resources.network import public_ranges, security_groups

_STORES: Final = ranges.addresses([STORES])
_SERVICES: Final = ranges.addresses([SERVICES])
_CLOUD: Final = ranges.addresses([SERVICES, *public_ranges.SINGLES[4], *public_ranges.BLOCKS[4]])
_FIXED: Final[Mapping[str, Ranges]] = {
    "*": ranges.ALL_ADDRESSES,
    "any": ranges.ALL_ADDRESSES,
    "azureloadbalancer": ranges.addresses([PLATFORM]),
    "storage": _STORES,
    "azurecloud": _CLOUD,
    "azureresourcemanager": _SERVICES,
    "azureactivedirectory": _SERVICES,
}


def group(group_id: str, body: Mapping[str, Any], space: Ranges) -> Group:
    """Return a security group as it judges in a virtual network.

    Args:
        group_id: Its id.
        body: As the store has it; the default rules, which everyone has, are added.
        space: Addresses of the virtual network.
    """
    listed = (*body["properties"].get("securityRules", ()), *security_groups.DEFAULT_RULES)
    rules = [each["properties"] for each in listed]
    ordered = sorted(rules, key=lambda rule: int(rule["priority"]))
    return Group(
        id=group_id,
        inbound=_rules(ordered, "Inbound", space),
        outbound=_rules(ordered, "Outbound", space),
    )


def _rules(
    ordered: Sequence[Mapping[str, Any]], direction: str, space: Ranges
) -> tuple[SecurityRule, ...]:
    wanted = (_rule(rule, space) for rule in ordered if rule["direction"] == direction)
    return tuple(rule for rule in wanted if rule is not None)


def _rule(properties: Mapping[str, Any], space: Ranges) -> SecurityRule | None:
    """Return a rule, or None if it can fit nothing."""
    sources = _addresses(_stated(properties, "sourceAddressPrefix", "es"), space)
    destinations = _addresses(_stated(properties, "destinationAddressPrefix", "es"), space)
    source_ports = ranges.ports(_stated(properties, "sourcePortRange", "s"))
    ports = ranges.ports(_stated(properties, "destinationPortRange", "s"))
    if not (sources and destinations and source_ports and ports):
        return None
    protocol = str(properties["protocol"]).lower()
    return SecurityRule(
        allow=properties["access"] == "Allow",
        protocol="" if protocol == "*" else protocol,
        sources=sources,
        destinations=destinations,
        source_ports=source_ports,
        ports=ports,
    )


def _stated(properties: Mapping[str, Any], name: str, plural: str) -> list[str]:
    """Return what a rule states in the singular or in the plural."""
    many = properties.get(name + plural)
    return list(many) if many else [str(properties.get(name) or "*")]


def _addresses(texts: Sequence[str], space: Ranges) -> Ranges:
    return ranges.merged(pair for text in texts for pair in _meant(text, space))


def _meant(text: str, space: Ranges) -> Ranges:
    """Return the addresses of a prefix or a tag; `Storage.WestEurope` is `Storage`."""
    tag = text.strip().partition(".")[0].casefold()
    if tag == "virtualnetwork":
        return inside(space)
    if tag == "internet":
        return ranges.complement(inside(space))
    if tag in _FIXED:
        return _FIXED[tag]
    try:
        return ranges.addresses([text])
    except ValueError:
        return ()


def inside(space: Ranges) -> Ranges:
    """Return what the tag VirtualNetwork means: the network, and the host's address (document)."""
    return ranges.merged([*space, *ranges.addresses([PLATFORM])])
