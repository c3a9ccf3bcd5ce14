"""What somebody in a hurry does in the portal: drops the probe, opens the firewall."""

import copy
from typing import Any, Final

from hacluster_local.arm import Arm, ArmError

BALANCERS: Final = "Microsoft.Network/loadBalancers"
SECURITY_GROUPS: Final = "Microsoft.Network/networkSecurityGroups"


class Vandal:
    """Breaks one cluster's Azure side, and can tell whether it has been repaired."""

    def __init__(self, arm: Arm, group: str) -> None:
        """Name the resource group."""
        self._arm = arm
        self._home = f"{arm.subscription}/resourceGroups/{group}/providers"

    def delete_probe(self) -> str:
        """Take every probe off the first balancer; return its name."""
        name, balancer = self._first(BALANCERS)
        self._put(BALANCERS, name, without_probes(balancer))
        return name

    def has_probe(self) -> bool:
        """Tell whether the balancer has a probe, and every rule rests on one."""
        properties = self._first(BALANCERS)[1]["properties"]
        rules = properties.get("loadBalancingRules", [])
        return bool(properties.get("probes")) and all(
            rule["properties"].get("probe") for rule in rules
        )

    def open_to_everybody(self) -> str:
        """Let everybody in where the first inbound rule let some in; return the rule's name."""
        name, group = self._first(SECURITY_GROUPS)
        rule = first_inbound(group)
        self._put(SECURITY_GROUPS, name, opened(group, rule))
        return rule

    def lets_everybody_in(self, rule: str) -> bool:
        """Tell whether a rule still has no limit on who may come in."""
        group = self._first(SECURITY_GROUPS)[1]
        found = [each for each in group["properties"]["securityRules"] if each["name"] == rule]
        return not found or found[0]["properties"].get("sourceAddressPrefix") == "*"

    def _first(self, kind: str) -> tuple[str, dict[str, Any]]:
        listed = self._arm.get(f"{self._home}/{kind}", self._arm.version_of(kind))["value"]
        if not listed:
            raise ArmError(f"There is nothing of type {kind} in the resource group.")
        return listed[0]["name"], listed[0]

    def _put(self, kind: str, name: str, body: dict[str, Any]) -> None:
        self._arm.put(f"{self._home}/{kind}/{name}", self._arm.version_of(kind), body)


def without_probes(balancer: dict[str, Any]) -> dict[str, Any]:
    """Return a balancer that has no probes, and rules that rest on none."""
    body = copy.deepcopy(balancer)
    body["properties"]["probes"] = []
    for rule in body["properties"].get("loadBalancingRules", []):
        rule["properties"].pop("probe", None)
    return body


def first_inbound(group: dict[str, Any]) -> str:
    """Return the name of the first inbound rule that lets only some in."""
    for rule in group["properties"].get("securityRules", []):
        properties = rule["properties"]
        limited = properties.get("sourceAddressPrefix") != "*"
        if properties["direction"] == "Inbound" and properties["access"] == "Allow" and limited:
            return str(rule["name"])
    raise ArmError("The security group has no inbound rule to open.")


def opened(group: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a security group in which one rule lets everybody in."""
    body = copy.deepcopy(group)
    for rule in body["properties"]["securityRules"]:
        if rule["name"] == name:
            rule["properties"]["sourceAddressPrefix"] = "*"
            rule["properties"]["sourceAddressPrefixes"] = []
    return body
