"""Network security groups and their rules, the six default rules included."""

from typing import Any, Final

from azuresim.errors import bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.children import Children
from azuresim.resources.contract import Fact, Reply, ResourceType, Source, Style
from azuresim.resources.families import NETWORK
from azuresim.resources.network.rules import echoed
from azuresim.resources.schema import (
    Choice,
    Flag,
    Items,
    Number,
    Shape,
    Text,
    extended,
    generated,
    shape,
)

RULE: Final = shape(
    description=Text(longest=140),
    protocol=Choice(words=("*", "Tcp", "Udp", "Icmp", "Esp", "Ah"), required=True),
    sourcePortRange=Text(),
    destinationPortRange=Text(),
    sourceAddressPrefix=Text(),
    destinationAddressPrefix=Text(),
    access=Choice(words=("Allow", "Deny"), required=True),
    priority=Number(low=100, high=4096, required=True),
    direction=Choice(words=("Inbound", "Outbound"), required=True),
    sourcePortRanges=Items(of=Text(), default=[]),
    destinationPortRanges=Items(of=Text(), default=[]),
    sourceAddressPrefixes=Items(of=Text(), default=[]),
    destinationAddressPrefixes=Items(of=Text(), default=[]),
)


def _default(
    name: str, description: str, *, source: str, to: str, access: str, priority: int
) -> dict[str, Any]:
    """Return a rule everyone has; the end of its name tells the direction."""
    properties = {
        "description": description,
        "protocol": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "*",
        "sourceAddressPrefix": source,
        "destinationAddressPrefix": to,
        "access": access,
        "priority": priority,
        "direction": "Inbound" if name.endswith("InBound") else "Outbound",
        "sourcePortRanges": [],
        "destinationPortRanges": [],
        "sourceAddressPrefixes": [],
        "destinationAddressPrefixes": [],
    }
    return {"name": name, "properties": properties}


VNET: Final = "VirtualNetwork"
BALANCER: Final = "AzureLoadBalancer"
DEFAULT_RULES: Final = (
    _default(
        "AllowVnetInBound", "Allow inbound traffic from all VMs in VNET",
        source=VNET, to=VNET, access="Allow", priority=65000,
    ),
    _default(
        "AllowAzureLoadBalancerInBound", "Allow inbound traffic from azure load balancer",
        source=BALANCER, to="*", access="Allow", priority=65001,
    ),
    _default(
        "DenyAllInBound", "Deny all inbound traffic",
        source="*", to="*", access="Deny", priority=65500,
    ),
    _default(
        "AllowVnetOutBound", "Allow outbound traffic from all VMs to all VMs in VNET",
        source=VNET, to=VNET, access="Allow", priority=65000,
    ),
    _default(
        "AllowInternetOutBound", "Allow outbound traffic from all VMs to Internet",
        source="*", to="Internet", access="Allow", priority=65001,
    ),
    _default(
        "DenyAllOutBound", "Deny all outbound traffic",
        source="*", to="*", access="Deny", priority=65500,
    ),
)  # fmt: skip

PROPERTIES: Final = extended(
    Shape(members=echoed("subnets", "networkInterfaces")),
    resourceGuid=generated(Call.new_guid),
    flushConnection=Flag(since="2022-05-01"),
    securityRules=Children(kind="Microsoft.Network/networkSecurityGroups/securityRules", item=RULE),
    defaultSecurityRules=Children(
        kind="Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
        item=RULE,
        writable=False,
        fixed=DEFAULT_RULES,
    ),
)

ENDS: Final = (
    ("sourcePortRange", "sourcePortRanges"),
    ("destinationPortRange", "destinationPortRanges"),
    ("sourceAddressPrefix", "sourceAddressPrefixes"),
    ("destinationAddressPrefix", "destinationAddressPrefixes"),
)


def _check(call: Call, draft: Draft) -> None:
    del call
    taken: dict[tuple[str, int], str] = {}
    for rule in draft.properties["securityRules"]:
        properties, name = rule["properties"], rule["name"]
        for one, many in ENDS:
            if not properties.get(one) and not properties[many]:
                message = (
                    f"Required security rule parameters are missing for security rule with "
                    f"Id: {draft.id}/securityRules/{name}. Security rule must specify {one}."
                )
                raise bad_request("SecurityRuleParameterNotSpecified", message, details=[])
        place = (properties["direction"], properties["priority"])
        if place in taken:
            message = (
                f"Security rule {name} conflicts with rule {taken[place]}. Rules cannot have the "
                f"same Priority and Direction."
            )
            raise bad_request("SecurityRuleConflict", message, details=[])
        taken[place] = name


CHILD_REPLY: Final = Reply(status=200, style=Style.OPERATION, shown="Updating")

TYPE: Final = ResourceType(
    kind="Microsoft.Network/networkSecurityGroups",
    family=NETWORK,
    versions=versions.NETWORK,
    properties=PROPERTIES,
    create=Reply(status=201, style=Style.OPERATION, shown="Updating"),
    update=Reply(status=200, style=Style.OPERATION, shown="Updating"),
    unchanged=Reply(status=200, style=Style.OPERATION),
    delete=Reply(status=202, style=Style.BOTH),
    create_child=Reply(status=201, style=Style.OPERATION, shown="Updating"),
    update_child=CHILD_REPLY,
    delete_child=Reply(status=202, style=Style.BOTH),
    duration="network security group",
    in_use=(
        "InUseNetworkSecurityGroupCannotBeDeleted",
        "Network security group {id} cannot be deleted because it is in use by the following "
        "resources: {user}. In order to delete the Network security group, remove the association "
        "with the resource(s). To learn how to do this, see aka.ms/deletensg.",
    ),
    check=_check,
    facts=(
        Fact("the six default rules, shown and not writable", Source.RECORDING),
        Fact("two rules of one direction cannot share a priority", Source.DOCUMENT),
        Fact("a group in use cannot be deleted", Source.DOCUMENT),
    ),
    missing=("application security groups", "flow logs"),
)
