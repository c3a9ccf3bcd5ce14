"""Load balancers: what they are made of, who is behind them, and how healthy that is."""

from collections.abc import Iterator
from typing import Any, Final

from azuresim import ids
from azuresim.errors import bad_request
from azuresim.fabric.health import DOWN, UP, Probed, Verdict
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Action, Fact, Reply, ResourceType, Source, Style
from azuresim.resources.families import NETWORK
from azuresim.resources.network import addresses, balancer_pools, balancer_rules
from azuresim.resources.network.balancer_pools import Member
from azuresim.resources.network.balancer_shapes import BALANCER, MEMBERS
from azuresim.resources.network.rules import refuse_sku_change, sku
from azuresim.resources.schema import Shape, Words, shape
from azuresim.state.records import Record

HELD: Final = ("backendAddressPools", "inboundNatRules")
"""Collections that interfaces belong to."""

ALL_UP: Final = "Up_Probe_AllDownIsUp"


def _check(call: Call, draft: Draft) -> None:
    refuse_sku_change(draft)
    balancer_rules.check(call, draft)
    balancer_pools.check(call, draft)
    addresses.allot(call, draft.id, list(_seats(draft)))
    if draft.before is not None:
        before = _held(draft.id, draft.before["properties"])
        balancer_pools.release(call, before - _held(draft.id, draft.properties))


def _seats(draft: Draft) -> Iterator[addresses.Seat]:
    before = (draft.before or {"properties": {}})["properties"].get("frontendIPConfigurations", ())
    kept = {item["name"]: item["properties"] for item in before}
    for item in draft.properties["frontendIPConfigurations"]:
        if "subnet" in item["properties"]:
            yield addresses.Seat(
                id=balancer_rules.item_id(draft, "frontendIPConfigurations", item),
                properties=item["properties"],
                before=kept.get(item["name"], {}),
            )


def _held(balancer_id: str, properties: dict[str, Any]) -> set[str]:
    return {
        ids.key(f"{balancer_id}/{name}/{item['name']}")
        for name in HELD
        for item in properties[name]
    }


def _gone(call: Call, record: Record) -> None:
    """Let interfaces go: Azure deletes a balancer with machines behind it (document)."""
    balancer_pools.release(call, _held(record.id, record.body()["properties"]))


def _health(call: Call, record: Record, name: str, given: Any) -> dict[str, Any]:
    del given
    properties = record.body()["properties"]
    rule = next(
        each for each in properties["loadBalancingRules"]
        if each["name"].casefold() == name.casefold()
    )  # fmt: skip
    probe = _probe_of(properties, rule["properties"].get("probe"))
    found: list[tuple[Member, Verdict]] = []
    if probe is not None:
        for pool in rule["properties"].get("backendAddressPools", ()):
            found += [
                (member, _verdict(call, record, rule["name"], probe, member))
                for member in balancer_pools.members(call, record, pool["id"])
            ]
    if probe and probe.get("noHealthyBackendsBehavior") == "AllProbedUp":
        found = _all_up_if_all_down(found)
    return {
        "up": sum(verdict.state == UP for _, verdict in found),
        "down": sum(verdict.state == DOWN for _, verdict in found),
        "loadBalancerBackendAddresses": [_shown(*each) for each in found],
    }


def _probe_of(properties: dict[str, Any], reference: Any) -> dict[str, Any] | None:
    name = ids.name_of(reference["id"]).casefold() if reference else ""
    for probe in properties["probes"]:
        if probe["name"].casefold() == name:
            found: dict[str, Any] = probe["properties"]
            return found
    return None


def _verdict(
    call: Call, record: Record, rule: str, probe: dict[str, Any], member: Member
) -> Verdict:
    if member.admin != "None":
        return Verdict(member.admin, f"{member.admin}_Admin")
    return call.prober(
        Probed(
            balancer=record.name,
            rule=f"{record.id}/loadBalancingRules/{rule}",
            probe=probe,
            address=member.address,
            configuration=member.configuration,
            attached=member.attached,
        )
    )


def _all_up_if_all_down(found: list[tuple[Member, Verdict]]) -> list[tuple[Member, Verdict]]:
    if any(verdict.state == UP for _, verdict in found):
        return found
    return [(member, Verdict(UP, ALL_UP)) for member, _ in found]


def _shown(member: Member, verdict: Verdict) -> dict[str, Any]:
    shown = {"ipAddress": member.address, "state": verdict.state, "reason": verdict.reason}
    if member.configuration:
        shown["networkInterfaceIPConfigurationId"] = member.configuration
    return shown


def _port_mappings(call: Call, record: Record, name: str, given: Any) -> dict[str, Any]:
    """Tell through which front ports a backend of a pool is reached, by inbound NAT rules."""
    wanted = given if isinstance(given, dict) else {}
    reference = wanted.get("ipConfiguration") or {}
    address = wanted.get("ipAddress")
    if not address and not reference.get("id"):
        message = "The request must name an ipAddress or an ipConfiguration."
        raise bad_request("InvalidRequestFormat", message, details=[])
    pool_id = f"{record.id}/backendAddressPools/{name}"
    found = list(balancer_pools.members(call, record, pool_id))
    mappings = []
    for rule in record.body()["properties"]["inboundNatRules"]:
        properties = rule["properties"]
        pool = properties.get("backendAddressPool", {"id": ""})["id"]
        for place, member in enumerate(found):
            is_it = member.address == address or ids.key(member.configuration) == ids.key(
                reference.get("id") or "-"
            )
            if is_it and ids.key(pool) == ids.key(pool_id):
                mappings.append(
                    {
                        "inboundNatRuleName": rule["name"],
                        "protocol": properties["protocol"],
                        "frontendPort": properties["frontendPortRangeStart"] + place,
                        "backendPort": properties["backendPort"],
                    }
                )
    return {"inboundNatRulePortMappings": mappings}


TYPE: Final = ResourceType(
    kind=BALANCER,
    family=NETWORK,
    versions=versions.NETWORK,
    properties=Shape(members=MEMBERS),
    beside=shape(sku=sku("Basic", "Standard", "Gateway"), extendedLocation=Words()),
    create=Reply(status=201, style=Style.OPERATION),
    update=Reply(status=200, style=Style.OPERATION),
    delete=Reply(status=202, style=Style.BOTH),
    create_child=Reply(status=201, style=Style.OPERATION),
    update_child=Reply(status=200, style=Style.OPERATION),
    delete_child=Reply(status=202, style=Style.BOTH),
    duration="load balancer",
    check=_check,
    show=balancer_pools.show,
    gone=_gone,
    actions={
        "loadBalancingRules/health": Action(
            run=_health, reply=Reply(status=202, style=Style.LOCATION, duration="rule health")
        ),
        "backendAddressPools/queryInboundNatRulePortMapping": Action(
            run=_port_mappings,
            reply=Reply(status=202, style=Style.LOCATION, duration="rule health"),
        ),
    },
    facts=(
        Fact("a PUT shows Succeeded at once, with headers for polling", Source.RECORDING),
        Fact("SKU, zones and a rule's floating IP stay as they were made", Source.DOCUMENT),
        Fact("front ends: one address each, of the balancer's SKU", Source.DOCUMENT),
        Fact("rules refer to the balancer's own children only", Source.DOCUMENT),
        Fact("no two rules share front or, without floating IP, back port", Source.DOCUMENT),
        Fact("rules beside an outbound rule must disable SNAT", Source.DOCUMENT),
        Fact("a pool has interfaces or addresses, never both", Source.DOCUMENT),
        Fact("a deletion lets the interfaces in the pools go", Source.DOCUMENT),
        Fact("rule health: 202 with Location, then counts and reasons", Source.DOCUMENT),
        Fact("probes find up what has a machine, unless told otherwise", Source.ASSUMED),
        Fact("codes of refusals that no document names", Source.ASSUMED),
    ),
    missing=("migrateToIpBased", "setLoadBalancerFrontendPublicIpAddresses", "gateway tunnels"),
)
