"""Load balancers: one truth in the body and at the children's URLs, and parts that fit."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from tests.sim.network.lab import STANDARD, STANDARD_IP, SUBNET, Lab

pytestmark = pytest.mark.sim

LB = "loadBalancers/lb"
FRONT, POOL = f"{LB}/frontendIPConfigurations/front", f"{LB}/backendAddressPools/pool"
PROBE, RULE = f"{LB}/probes/probe", f"{LB}/loadBalancingRules/rule"


def balancer(lab: Lab, **changes: Any) -> dict[str, Any]:
    """Return an internal balancer with one of each that matters."""
    properties = {
        "frontendIPConfigurations": [{"name": "front", "properties": {"subnet": lab.ref(SUBNET)}}],
        "backendAddressPools": [{"name": "pool"}],
        "probes": [{"name": "probe", "properties": {"protocol": "tcp", "port": 62500}}],
        "loadBalancingRules": [{"name": "rule", "properties": rule(lab)}],
        **changes,
    }
    return {"location": "eastus", **STANDARD, "properties": properties}


def rule(lab: Lab, **changes: Any) -> dict[str, Any]:
    """Return the properties of a rule between the parts of `balancer`."""
    return {
        "protocol": "Tcp",
        "frontendPort": 443,
        "backendPort": 443,
        "enableFloatingIP": True,
        "frontendIPConfiguration": lab.ref(FRONT),
        "backendAddressPool": lab.ref(POOL),
        "probe": lab.ref(PROBE),
        **changes,
    }


def public(lab: Lab, **changes: Any) -> dict[str, Any]:
    """Return a balancer with a public front end instead."""
    lab.put("publicIPAddresses/ip", STANDARD_IP)
    front = {"publicIPAddress": lab.ref("publicIPAddresses/ip")}
    fronts = [{"name": "front", "properties": front}]
    return balancer(lab, frontendIPConfigurations=fronts, **changes)


def test_the_sdk_leads_a_balancer_through_its_life(sdk: Any, lab: Lab) -> None:
    balancers = sdk.load_balancers
    made = balancers.begin_create_or_update(lab.group, "lb", balancer(lab)).result()
    probe = made.properties.probes[0].properties
    assert (probe.protocol, probe.interval_in_seconds, probe.probe_threshold) == ("Tcp", 15, 1)
    assert probe.no_healthy_backends_behavior == "AllProbedDown"
    assert balancers.update_tags(lab.group, "lb", {"tags": {"a": "1"}}).tags == {"a": "1"}
    assert [each.name for each in balancers.list(lab.group)] == ["lb"]
    assert made.id in [each.id for each in balancers.list_all()]
    balancers.begin_delete(lab.group, "lb").result()
    with pytest.raises(ResourceNotFoundError):
        balancers.get(lab.group, "lb")


def test_every_child_has_a_url_that_says_the_same(sdk: Any, lab: Lab) -> None:
    nat = {"protocol": "Tcp", "frontendPort": 50001, "backendPort": 22}
    rules = [{"name": "ssh", "properties": {**nat, "frontendIPConfiguration": lab.ref(FRONT)}}]
    out = {
        "protocol": "All",
        "frontendIPConfigurations": [lab.ref(FRONT)],
        "backendAddressPool": lab.ref(POOL),
    }
    only = [{"name": "rule", "properties": rule(lab, disableOutboundSnat=True)}]
    body = public(
        lab,
        inboundNatRules=rules,
        loadBalancingRules=only,
        outboundRules=[{"name": "out", "properties": out}],
    )
    whole = sdk.load_balancers.begin_create_or_update(lab.group, "lb", body).result()
    for operations, name in (
        (sdk.load_balancer_frontend_ip_configurations, "frontendIPConfigurations"),
        (sdk.load_balancer_backend_address_pools, "backendAddressPools"),
        (sdk.load_balancer_probes, "probes"),
        (sdk.load_balancer_load_balancing_rules, "loadBalancingRules"),
        (sdk.load_balancer_outbound_rules, "outboundRules"),
        (sdk.inbound_nat_rules, "inboundNatRules"),
    ):
        inside = whole["properties"][name]
        assert list(operations.list(lab.group, "lb")) == inside
        assert operations.get(lab.group, "lb", inside[0].name) == inside[0]


def test_parts_show_who_refers_to_them(lab: Lab) -> None:
    lab.put(LB, balancer(lab))
    for path in (FRONT, POOL, PROBE):
        assert lab.get(path)["properties"]["loadBalancingRules"] == [lab.ref(RULE)]
    assert lab.get(RULE)["properties"]["backendAddressPools"] == [lab.ref(POOL)]
    assert lab.get("virtualNetworks/net/subnets/nodes")["properties"]["ipConfigurations"] == [
        lab.ref(FRONT)
    ]


def test_pools_and_inbound_rules_come_and_go_alone(sdk: Any, lab: Lab) -> None:
    before = lab.put(LB, balancer(lab))["etag"]
    pools, rules = sdk.load_balancer_backend_address_pools, sdk.inbound_nat_rules
    pools.begin_create_or_update(lab.group, "lb", "more", {}).result()
    nat = {
        "protocol": "Tcp",
        "frontendPort": 50001,
        "backendPort": 22,
        "frontendIPConfiguration": lab.ref(FRONT),
    }
    rules.begin_create_or_update(lab.group, "lb", "ssh", {"properties": nat}).result()
    seen = lab.get(LB)
    assert seen["etag"] != before
    assert [each["name"] for each in seen["properties"]["backendAddressPools"]] == ["more", "pool"]
    assert lab.get(FRONT)["properties"]["inboundNatRules"] == [lab.ref(f"{LB}/inboundNatRules/ssh")]
    pools.begin_delete(lab.group, "lb", "more").result()
    rules.begin_delete(lab.group, "lb", "ssh").result()
    seen = lab.get(LB)["properties"]
    assert [each["name"] for each in seen["backendAddressPools"]] == ["pool"]
    assert seen["inboundNatRules"] == []


def test_what_rules_refer_to_cannot_be_left_out(lab: Lab) -> None:
    lab.put(LB, balancer(lab))
    for name in ("frontendIPConfigurations", "backendAddressPools", "probes"):
        assert lab.refused("PUT", LB, balancer(lab, **{name: []})) == "InvalidResourceReference"
    assert lab.refused("DELETE", POOL) == "InvalidResourceReference"
    lab.put(LB, balancer(lab, loadBalancingRules=[], probes=[], backendAddressPools=[]))


def test_a_put_of_what_was_read_changes_nothing(lab: Lab) -> None:
    first = lab.put(LB, balancer(lab))
    lab.interface("nic", loadBalancerBackendAddressPools=[lab.ref(POOL)])
    seen = lab.get(LB)
    again = lab.put(LB, seen)
    assert _same(seen["properties"], again["properties"])
    assert again["properties"]["resourceGuid"] == first["properties"]["resourceGuid"]


def _same(left: Any, right: Any) -> bool:
    """Compare two bodies without their etags."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(
            name == "etag" or _same(left[name], right[name]) for name in left
        )
    if isinstance(left, list):
        pairs = zip(left, right, strict=True)
        return len(left) == len(right) and all(_same(*pair) for pair in pairs)
    return bool(left == right)


def test_front_ends_get_addresses_like_interfaces(lab: Lab) -> None:
    lab.interface("nic", privateIPAllocationMethod="Static", privateIPAddress="10.0.0.9")
    static = {
        "subnet": lab.ref(SUBNET),
        "privateIPAllocationMethod": "Static",
        "privateIPAddress": "10.0.0.9",
    }
    fronts = [{"name": "front", "properties": static}]
    body = balancer(lab, frontendIPConfigurations=fronts)
    assert lab.refused("PUT", LB, body) == "PrivateIPAddressIsAllocated"
    lab.put(LB, balancer(lab))
    assert lab.get(FRONT)["properties"]["privateIPAddress"] == "10.0.0.4"
    taken = lab.interface_body(privateIPAllocationMethod="Static", privateIPAddress="10.0.0.4")
    assert lab.refused("PUT", "networkInterfaces/b", taken) == "PrivateIPAddressIsAllocated"
    assert lab.refused("DELETE", SUBNET) == "InUseSubnetCannotBeDeleted"


def test_interfaces_in_a_pool_show_at_both_ends(sdk: Any, lab: Lab) -> None:
    lab.put(LB, balancer(lab))
    lab.interface("nic", loadBalancerBackendAddressPools=[lab.ref(POOL)])
    configuration = lab.ref("networkInterfaces/nic/ipConfigurations/ip")
    shown = lab.get(POOL)["properties"]
    assert shown["backendIPConfigurations"] == [configuration]
    (member,) = shown["loadBalancerBackendAddresses"]
    assert member["properties"]["networkInterfaceIPConfiguration"] == configuration
    near = sdk.load_balancer_network_interfaces.list(lab.group, "lb")
    assert [each.name for each in near] == ["nic"]
    far = sdk.network_interface_load_balancers.list(lab.group, "nic")
    assert [each.name for each in far] == ["lb"]
    lab.delete("networkInterfaces/nic")
    shown = lab.get(POOL)["properties"]
    assert "backendIPConfigurations" not in shown
    assert shown["loadBalancerBackendAddresses"] == []


@pytest.mark.parametrize("leave", ["balancer", "pool", "list"])
def test_a_pool_that_goes_lets_its_interfaces_go(lab: Lab, leave: str) -> None:
    bare = balancer(lab, loadBalancingRules=[])
    lab.put(LB, bare)
    lab.interface("nic", loadBalancerBackendAddressPools=[lab.ref(POOL)])
    if leave == "balancer":
        lab.delete(LB)
    elif leave == "pool":
        lab.delete(POOL)
    else:
        lab.put(LB, balancer(lab, loadBalancingRules=[], backendAddressPools=[]))
    (configuration,) = lab.get("networkInterfaces/nic")["properties"]["ipConfigurations"]
    assert "loadBalancerBackendAddressPools" not in configuration["properties"]
    lab.put("networkInterfaces/nic", lab.get("networkInterfaces/nic"))


def test_an_inbound_rule_leads_to_one_interface(lab: Lab) -> None:
    nat = {"frontendPort": 50001, "backendPort": 22, "frontendIPConfiguration": lab.ref(FRONT)}
    lab.put(LB, balancer(lab, inboundNatRules=[{"name": "ssh", "properties": nat}]))
    joined = {"loadBalancerInboundNatRules": [lab.ref(f"{LB}/inboundNatRules/ssh")]}
    lab.interface("a", **joined)
    shown = lab.get(f"{LB}/inboundNatRules/ssh")["properties"]["backendIPConfiguration"]
    assert shown == lab.ref("networkInterfaces/a/ipConfigurations/ip")
    body = lab.interface_body(**joined)
    assert lab.send("PUT", "networkInterfaces/b", body).status == 400


def test_a_pool_of_addresses_takes_no_interface_and_the_other_way_round(lab: Lab) -> None:
    network = lab.ref("virtualNetworks/net")
    address = {"name": "a", "properties": {"ipAddress": "10.0.0.9", "virtualNetwork": network}}
    bare = [{"name": "pool", "properties": {"loadBalancerBackendAddresses": [address]}}]
    lab.put(LB, balancer(lab, backendAddressPools=bare))
    assert lab.get(POOL)["properties"]["loadBalancerBackendAddresses"] == [address]
    joined = lab.interface_body(loadBalancerBackendAddressPools=[lab.ref(POOL)])
    code = lab.refused("PUT", "networkInterfaces/nic", joined)
    assert code == "BackendPoolCannotMixIpAddressesAndIpConfigurations"
    lab.put(LB, balancer(lab))
    lab.put("networkInterfaces/nic", joined)
    code = lab.refused("PUT", POOL, {"properties": {"loadBalancerBackendAddresses": [address]}})
    assert code == "ModificationOfNICIpConfigBackendPoolNotSupported"


Change = Callable[[Lab, dict[str, Any]], None]


def _rules(**changes: Any) -> Change:
    def change(lab: Lab, body: dict[str, Any]) -> None:
        del lab
        body["properties"]["loadBalancingRules"][0]["properties"].update(changes)

    return change


def _probe(**changes: Any) -> Change:
    def change(lab: Lab, body: dict[str, Any]) -> None:
        del lab
        body["properties"]["probes"][0]["properties"].update(changes)

    return change


def _second_rule(**changes: Any) -> Change:
    def change(lab: Lab, body: dict[str, Any]) -> None:
        other = {"name": "other", "properties": rule(lab, **changes)}
        body["properties"]["loadBalancingRules"][0]["properties"]["enableFloatingIP"] = False
        body["properties"]["loadBalancingRules"].append(other)

    return change


def _basic(lab: Lab, body: dict[str, Any]) -> None:
    del lab
    body["sku"] = {"name": "Basic"}
    body["properties"]["frontendIPConfigurations"][0]["zones"] = ["1"]


def _outbound(lab: Lab, body: dict[str, Any]) -> None:
    out = {
        "protocol": "All",
        "frontendIPConfigurations": [lab.ref(FRONT)],
        "backendAddressPool": lab.ref(POOL),
    }
    body["properties"]["outboundRules"] = [{"name": "out", "properties": out}]


def _strange(lab: Lab, body: dict[str, Any]) -> None:
    other = lab.ref("loadBalancers/other/probes/probe")
    body["properties"]["loadBalancingRules"][0]["properties"]["probe"] = other


def _no_front(lab: Lab, body: dict[str, Any]) -> None:
    del lab
    body["properties"]["frontendIPConfigurations"][0]["properties"] = {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(_probe(protocol="Http"), "HttpProbeMustHaveRequestPath", id="no path"),
        pytest.param(_probe(requestPath="/"), "TcpProbeCannotHaveRequestPath", id="path"),
        pytest.param(_probe(intervalInSeconds=4), "InvalidRequestFormat", id="interval"),
        pytest.param(_rules(protocol="All"), "LoadBalancingRuleProtocolAllMustHavePortsZero",
                     id="all ports"),
        pytest.param(_rules(frontendPort=0), "LoadBalancingRulePortsMustNotBeZero", id="port 0"),
        pytest.param(_rules(idleTimeoutInMinutes=3), "InvalidRequestFormat", id="idle"),
        pytest.param(_second_rule(backendPort=444),
                     "RulesUseSameFrontendPortProtocolAndIPConfiguration", id="same front"),
        pytest.param(_second_rule(frontendPort=444, enableFloatingIP=False),
                     "RulesUseSameBackendPortProtocolAndPool", id="same back"),
        pytest.param(_basic, "LoadBalancerFeatureNotSupportedForBasicSku", id="basic"),
        pytest.param(_outbound, "OutboundRuleMustReferencePublicFrontendAndPool", id="inside out"),
        pytest.param(_strange, "InvalidResourceReference", id="another's probe"),
        pytest.param(_no_front, "LoadBalancerFrontendIPConfigMustReferenceSubnetOrPublicIP",
                     id="no front"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(lab: Lab, change: Change, code: str) -> None:
    lab.put("loadBalancers/other", balancer(lab, loadBalancingRules=[]))
    body = copy.deepcopy(balancer(lab))
    change(lab, body)
    assert lab.refused("PUT", LB, body) == code
    assert lab.send("GET", LB).status == 404


def test_public_front_ends_follow_their_own_rules(lab: Lab) -> None:
    lab.put("publicIPAddresses/basic", {"properties": {"publicIPAllocationMethod": "Static"}})
    front = {"publicIPAddress": lab.ref("publicIPAddresses/basic")}
    basic = balancer(lab, frontendIPConfigurations=[{"name": "front", "properties": front}])
    assert lab.refused("PUT", LB, basic) == "PublicIPAndLBSkuDoNotMatch"
    body = public(lab)
    body["properties"]["frontendIPConfigurations"][0]["zones"] = ["1"]
    code = "LoadBalancerFrontendIPConfigCannotHaveZoneWhenReferencingPublicIPAddress"
    assert lab.refused("PUT", LB, body) == code
    body = public(lab)
    _outbound(lab, body)
    assert lab.refused("PUT", LB, body).startswith("LoadBalancingRuleMustDisableSNATSince")
    body["properties"]["loadBalancingRules"][0]["properties"]["disableOutboundSnat"] = True
    lab.put(LB, body)
    assert lab.get(FRONT)["properties"]["outboundRules"] == [lab.ref(f"{LB}/outboundRules/out")]
    assert lab.refused("DELETE", "publicIPAddresses/ip") == "PublicIPAddressCannotBeDeleted"
    shown = lab.get("publicIPAddresses/ip")["properties"]["ipConfiguration"]
    assert shown == lab.ref(FRONT)


def test_an_address_moves_between_front_ends_in_one_put(lab: Lab) -> None:
    lab.put(LB, public(lab, loadBalancingRules=[]))
    front = {"publicIPAddress": lab.ref("publicIPAddresses/ip")}
    fronts = [{"name": "new", "properties": front}]
    lab.put(LB, balancer(lab, loadBalancingRules=[], frontendIPConfigurations=fronts))
    shown = lab.get("publicIPAddresses/ip")["properties"]["ipConfiguration"]
    assert shown == lab.ref(f"{LB}/frontendIPConfigurations/new")


def test_sku_zones_and_floating_ip_stay_as_they_were_made(lab: Lab) -> None:
    lab.put(LB, balancer(lab))
    lower = {**balancer(lab), "sku": {"name": "Basic"}}
    assert lab.refused("PUT", LB, lower) == "PropertyChangeNotAllowed"
    other = [{"name": "rule", "properties": rule(lab, enableFloatingIP=False)}]
    code = lab.refused("PUT", LB, balancer(lab, loadBalancingRules=other))
    assert code == "PropertyChangeNotAllowed"
    zonal = balancer(lab)
    zonal["properties"]["frontendIPConfigurations"][0]["zones"] = ["1"]
    assert lab.refused("PUT", LB, zonal) == "ResourceAvailabilityZonesCannotBeModified"
    made_anew = [{"name": "other", "properties": rule(lab, enableFloatingIP=False)}]
    lab.put(LB, balancer(lab, loadBalancingRules=made_anew))


def test_older_versions_show_what_they_know(lab: Lab) -> None:
    lab.put(LB, balancer(lab))
    old = lab.get(LB, version="2019-06-01")["properties"]
    assert "probeThreshold" not in old["probes"][0]["properties"]
    assert "noHealthyBackendsBehavior" not in old["probes"][0]["properties"]
    assert "backendAddressPools" not in old["loadBalancingRules"][0]["properties"]
    assert old["loadBalancingRules"][0]["properties"]["backendAddressPool"] == lab.ref(POOL)
    assert "loadBalancerBackendAddresses" not in old["backendAddressPools"][0]["properties"]


def test_read_only_children_cannot_be_written(lab: Lab) -> None:
    lab.put(LB, balancer(lab))
    for path in (FRONT, PROBE, RULE):
        assert lab.send("PUT", path, {"properties": {}}).status == 405
        assert lab.send("DELETE", path).status == 405


def test_a_stale_etag_is_refused_at_parent_and_child(sdk: Any, lab: Lab) -> None:
    old = lab.put(LB, balancer(lab))["etag"]
    lab.put(LB, {**balancer(lab), "tags": {"a": "1"}})
    stale = {"headers": {"If-Match": old}}
    pools = sdk.load_balancer_backend_address_pools
    calls: tuple[Callable[[], Any], ...] = (
        lambda: sdk.load_balancers.begin_create_or_update(lab.group, "lb", balancer(lab), **stale),
        lambda: pools.begin_create_or_update(lab.group, "lb", "pool", {}, **stale),
    )
    for call in calls:
        with pytest.raises(HttpResponseError) as caught:
            call()
        assert caught.value.status_code == 412
