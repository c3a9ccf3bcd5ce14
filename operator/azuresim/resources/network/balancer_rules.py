"""What a load balancer's front ends, probes and rules must be to go together."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from azuresim import ids
from azuresim.resources.call import Call, Draft
from azuresim.resources.families import missing_reference
from azuresim.resources.network.rules import own, refuse, refuse_zone_change, sku_name, sku_of

Item = dict[str, Any]
ADDRESSES: Final = ("subnet", "publicIPAddress", "publicIPPrefix")
RULES: Final = ("loadBalancingRules", "inboundNatRules", "outboundRules", "inboundNatPools")


def check(call: Call, draft: Draft) -> None:
    """Refuse front ends, probes and rules that do not go together.

    Raises:
        ArmError: 400, with Azure's code where it is known.
    """
    properties = draft.properties
    for frontend in properties["frontendIPConfigurations"]:
        _frontend(call, draft, frontend)
    _one_kind_of_frontends(draft)
    for probe in properties["probes"]:
        _probe(draft, probe)
    for rule in properties["loadBalancingRules"]:
        _rule(draft, rule)
    for name in RULES:
        for rule in properties[name]:
            _own_references(draft, name, rule)
    _apart(draft)
    _inbound(draft)
    _outbound(draft)
    _recase(draft)


def item_id(draft: Draft, collection: str, item: Mapping[str, Any]) -> str:
    """Return the id of a child of the draft."""
    return f"{draft.id}/{collection}/{item['name']}"


def _needs_standard(draft: Draft, what: str) -> None:
    if sku_name(draft.body) == "Basic":
        message = f"{what} of load balancer {draft.id} needs a Standard SKU load balancer."
        raise refuse("LoadBalancerFeatureNotSupportedForBasicSku", message)


def _before(draft: Draft, collection: str, name: str) -> Item | None:
    for item in (draft.before or {"properties": {}})["properties"].get(collection, ()):
        if item["name"] == name:
            found: Item = item
            return found
    return None


def _frontend(call: Call, draft: Draft, frontend: Item) -> None:
    frontend_id = item_id(draft, "frontendIPConfigurations", frontend)
    properties = frontend["properties"]
    if len([name for name in ADDRESSES if name in properties]) != 1:
        message = (
            f"Frontend IP configuration {frontend_id} must reference one of a subnet, a public IP "
            "address and a public IP prefix."
        )
        raise refuse("LoadBalancerFrontendIPConfigMustReferenceSubnetOrPublicIP", message)
    zones = frontend.get("zones")
    if zones and "subnet" not in properties:
        message = (
            f"Load balancer frontend IP configuration {frontend_id} has a zone specified and is "
            "referencing a publicIPAddress. Networking supports zones only for frontend IP "
            "configurations which reference a subnet."
        )
        raise refuse(
            "LoadBalancerFrontendIPConfigCannotHaveZoneWhenReferencingPublicIPAddress", message
        )
    if zones:
        _needs_standard(draft, f"A zone of {frontend['name']}")
    refuse_zone_change(
        frontend_id, _before(draft, "frontendIPConfigurations", frontend["name"]), frontend
    )
    _same_sku(call, draft, properties)
    if "subnet" in properties:
        properties.setdefault("privateIPAddressVersion", "IPv4")
    else:
        properties.pop("privateIPAddress", None)


def _same_sku(call: Call, draft: Draft, properties: Mapping[str, Any]) -> None:
    theirs, ours = sku_of(call, properties.get("publicIPAddress")), sku_name(draft.body)
    if theirs and ours != theirs:
        message = (
            f"{ours} sku load balancer {draft.id} cannot reference {theirs} sku publicIP "
            f"{properties['publicIPAddress']['id']}."
        )
        raise refuse("PublicIPAndLBSkuDoNotMatch", message)


def _one_kind_of_frontends(draft: Draft) -> None:
    kinds = {
        "subnet" in each["properties"] for each in draft.properties["frontendIPConfigurations"]
    }
    if len(kinds) > 1:
        message = f"Load balancer {draft.id} cannot have both public and private front ends."
        raise refuse("LoadBalancerCannotHavePublicAndPrivateFrontends", message)


def _probe(draft: Draft, probe: Item) -> None:
    properties = probe["properties"]
    protocol, path = properties["protocol"], properties.get("requestPath")
    probe_id = item_id(draft, "probes", probe)
    if protocol == "Https":
        _needs_standard(draft, f"The HTTPS probe {probe['name']}")
    if protocol == "Tcp" and path:
        message = f"Probe {probe_id} is of protocol Tcp and cannot have a requestPath."
        raise refuse("TcpProbeCannotHaveRequestPath", message)
    if protocol != "Tcp" and not path:
        message = f"Probe {probe_id} is of protocol {protocol} and must have a requestPath."
        raise refuse("HttpProbeMustHaveRequestPath", message)


def _rule(draft: Draft, rule: Item) -> None:
    properties, rule_id = rule["properties"], item_id(draft, "loadBalancingRules", rule)
    if "frontendIPConfiguration" not in properties:
        message = f"Load balancing rule {rule_id} does not reference a frontend IP configuration."
        raise refuse("LoadBalancingRuleMustReferenceFrontendIPConfig", message)
    before = _before(draft, "loadBalancingRules", rule["name"])
    _pools(properties, (before or {}).get("properties", {}))
    if before and before["properties"]["enableFloatingIP"] != properties["enableFloatingIP"]:
        message = f"Floating IP of load balancing rule {rule_id} is set when it is created."
        raise refuse("PropertyChangeNotAllowed", message)
    if properties["disableOutboundSnat"]:
        _needs_standard(draft, f"Disabling outbound SNAT in {rule['name']}")
    ports = (properties["frontendPort"], properties["backendPort"])
    if properties["protocol"] == "All":
        _needs_standard(draft, f"Protocol All in {rule['name']}")
        if ports != (0, 0):
            message = f"Load balancing rule {rule_id} of protocol All must have both ports 0."
            raise refuse("LoadBalancingRuleProtocolAllMustHavePortsZero", message)
    elif 0 in ports:
        message = f"Load balancing rule {rule_id} must have ports other than 0."
        raise refuse("LoadBalancingRulePortsMustNotBeZero", message)


def _pools(properties: Item, before: Mapping[str, Any]) -> None:
    """Make the single pool and the list of pools say the same, trusting the one that changed."""
    single, pools = (
        properties.get("backendAddressPool"),
        properties.get("backendAddressPools") or [],
    )
    stale = not pools or pools == before.get("backendAddressPools")
    if single and stale and single not in pools:
        pools = [single]
    properties.pop("backendAddressPool", None)
    properties.pop("backendAddressPools", None)
    if pools:
        properties["backendAddressPools"] = pools
    if len(pools) == 1:
        properties["backendAddressPool"] = pools[0]


def _own_references(draft: Draft, collection: str, rule: Item) -> None:
    for reference in _references(rule["properties"]):
        if not own(draft, reference["id"]):
            raise missing_reference(reference["id"], item_id(draft, collection, rule))


def _references(value: Any) -> Iterator[Item]:
    """Yield all references in a value."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            yield value
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _apart(draft: Draft) -> None:
    """Refuse two rules that want the same traffic, or send it to the same place."""
    fronts: dict[tuple[str, str, int], str] = {}
    backs: dict[tuple[str, str, int], str] = {}
    for name in ("loadBalancingRules", "inboundNatRules"):
        for rule in draft.properties[name]:
            properties, rule_id = rule["properties"], item_id(draft, name, rule)
            front = properties.get("frontendIPConfiguration", {"id": rule_id})["id"]
            place = (ids.key(front), properties["protocol"], properties.get("frontendPort", 0))
            if place[2] and place in fronts:
                message = (
                    f"Load balancer rules {fronts[place]} and {rule_id} use the same frontend port "
                    f"{place[2]} and protocol {place[1]} of frontend IP configuration {front}."
                )
                raise refuse("RulesUseSameFrontendPortProtocolAndIPConfiguration", message)
            fronts[place] = rule_id
            if name == "loadBalancingRules" and not properties["enableFloatingIP"]:
                _apart_behind(properties, rule_id, backs)


def _apart_behind(
    properties: Mapping[str, Any], rule_id: str, backs: dict[tuple[str, str, int], str]
) -> None:
    for pool in properties.get("backendAddressPools", ()):
        place = (ids.key(pool["id"]), properties["protocol"], properties["backendPort"])
        if place in backs:
            message = (
                f"Load balancing rules {backs[place]} and {rule_id} with floating IP disabled use "
                f"the same protocol {place[1]} and backend port {place[2]}, and must not be used "
                f"with the same backend address pool {pool['id']}."
            )
            raise refuse("RulesUseSameBackendPortProtocolAndPool", message)
        backs[place] = rule_id


def _inbound(draft: Draft) -> None:
    for rule in draft.properties["inboundNatRules"]:
        properties, rule_id = rule["properties"], item_id(draft, "inboundNatRules", rule)
        ranged = {"frontendPortRangeStart", "frontendPortRangeEnd"} <= properties.keys()
        if "frontendIPConfiguration" not in properties:
            message = f"Inbound NAT rule {rule_id} does not reference a frontend IP configuration."
            raise refuse("InboundNatRuleMustReferenceFrontendIPConfig", message)
        if ("backendAddressPool" in properties) != ranged:
            message = f"Inbound NAT rule {rule_id} needs a backend pool and a port range, or none."
            raise refuse("InboundNatRulePoolAndPortRangeGoTogether", message)
        if not ranged and not properties.get("frontendPort"):
            message = f"Inbound NAT rule {rule_id} has no frontend port."
            raise refuse("InboundNatRuleMustHaveFrontendPort", message)


def _outbound(draft: Draft) -> None:
    """Check outbound rules, and that no other rule gives the same front end a way out."""
    properties = draft.properties
    private = {
        ids.key(item_id(draft, "frontendIPConfigurations", each))
        for each in properties["frontendIPConfigurations"]
        if "subnet" in each["properties"]
    }
    used: set[str] = set()
    for rule in properties["outboundRules"]:
        _needs_standard(draft, f"The outbound rule {rule['name']}")
        rule_id = item_id(draft, "outboundRules", rule)
        fronts = {ids.key(each["id"]) for each in rule["properties"]["frontendIPConfigurations"]}
        if fronts & private or not fronts or "backendAddressPool" not in rule["properties"]:
            message = f"Outbound rule {rule_id} needs public front ends and a backend pool."
            raise refuse("OutboundRuleMustReferencePublicFrontendAndPool", message)
        if rule["properties"]["allocatedOutboundPorts"] % 8:
            message = f"The outbound ports of {rule_id} must be a multiple of 8."
            raise refuse("OutboundRuleAllocatedPortsMustBeMultipleOfEight", message)
        used |= fronts
    for rule in properties["loadBalancingRules"]:
        front = ids.key(rule["properties"]["frontendIPConfiguration"]["id"])
        if front in used and not rule["properties"]["disableOutboundSnat"]:
            code = (
                "LoadBalancingRuleMustDisableSNATSinceSameFrontendIPConfigurationIsReferencedBy"
                "OutboundRule"
            )
            message = (
                f"Load balancing rule {item_id(draft, 'loadBalancingRules', rule)} must disable "
                f"SNAT since frontend IP configuration {front} is referenced by an outbound rule."
            )
            raise refuse(code, message)


def _recase(draft: Draft) -> None:
    """Write references between the draft's own children as Azure does."""
    spelled = {
        ids.key(item_id(draft, name, item)): item_id(draft, name, item)
        for name in (*RULES, "frontendIPConfigurations", "backendAddressPools", "probes")
        for item in draft.properties[name]
    }
    for name in RULES:
        for rule in draft.properties[name]:
            for reference in _references(rule["properties"]):
                reference["id"] = spelled.get(ids.key(reference["id"]), reference["id"])
