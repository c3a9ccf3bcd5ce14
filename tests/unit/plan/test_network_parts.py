"""The security group, the balancer, the ways out, and the record set, in detail."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.plan.clusters import Operator, made, made_sample, nothing_there, sample
from tests.unit.plan.fake_azure import FakeAzure

from hacluster.model.assessment import Assessment
from hacluster.model.ids import ArmId, key
from hacluster.model.network import OutboundType
from hacluster.model.reasons import Reason
from hacluster.plan import load_balancer, parts, record_set, security_group
from hacluster.plan.steps import Put, Refuse
from hacluster.plan.view import View

ELSEWHERE = "11111111-1111-1111-1111-111111111111"


def rules_of(view: View) -> dict[str, dict[str, Any]]:
    (wanted,) = security_group.desired(view)
    return {rule["name"]: rule["properties"] for rule in wanted.body["properties"]["securityRules"]}


def with_rules(*rules: dict[str, Any]) -> Any:
    def change(spec: dict[str, Any]) -> None:
        spec["network"]["securityGroup"]["rules"] = list(rules)

    return change


def test_the_balancer_the_nodes_and_the_clients_are_let_in() -> None:
    rules = rules_of(View.of(sample("internal-load-balancer")))
    assert {
        name: (rule["protocol"], rule["sourceAddressPrefix"], rule["destinationPortRange"])
        for name, rule in rules.items()
        if rule["sourceAddressPrefix"]
    } == {
        "hacluster-probe": ("Tcp", "AzureLoadBalancer", "26001"),
        "hacluster-service-tcp": ("Tcp", "VirtualNetwork", "8080"),
    }
    for name, port in (("hacluster-heartbeat", "26002"), ("hacluster-mirror", "7788")):
        assert rules[name]["sourceAddressPrefixes"] == ["10.5.0.120", "10.5.0.121"]
        assert rules[name]["destinationPortRange"] == port


def test_a_port_that_a_rule_of_the_users_names_is_the_users() -> None:
    rules = rules_of(View.of(sample("public-load-balancer")))
    assert "hacluster-service-tcp" not in rules
    assert rules["TestHTTP"]["destinationPortRange"] == "8080"


@pytest.mark.parametrize(
    ("rule", "is_left_to_user"),
    [
        ({"destinationPorts": ["8000-8100"]}, True),
        ({"destinationPorts": ["8080"], "protocol": "Any"}, True),
        ({"destinationPorts": ["8080"], "protocol": "UDP"}, False),
        ({"destinationPorts": ["8080"], "direction": "Outbound"}, False),
        ({"destinationPorts": ["*"]}, False),
        ({"destinationPorts": ["443"]}, False),
    ],
    ids=["range", "any protocol", "other protocol", "outbound", "all ports", "other port"],
)
def test_only_a_rule_that_names_the_port_takes_it(
    rule: dict[str, Any], *, is_left_to_user: bool
) -> None:
    rules = rules_of(View.of(sample("public-load-balancer", with_rules({"name": "own", **rule}))))
    assert ("hacluster-service-tcp" not in rules) is is_left_to_user


def test_priorities_never_collide() -> None:
    declared: list[dict[str, Any]] = [
        {"name": f"r{n}", "destinationPorts": [str(n)]} for n in range(1, 40)
    ]
    declared += [
        {"name": "low", "priority": 100, "destinationPorts": ["1"]},
        {"name": "mid", "priority": 1000, "destinationPorts": ["2"]},
        {"name": "out", "priority": 100, "direction": "Outbound", "destinationPorts": ["3"]},
    ]
    rules = rules_of(View.of(sample("public-load-balancer", with_rules(*declared))))
    taken = [(rule["direction"], rule["priority"]) for rule in rules.values()]
    assert len(set(taken)) == len(taken)
    assert (rules["low"]["priority"], rules["mid"]["priority"]) == (100, 1000)
    assert all(100 <= rule["priority"] <= 4096 for rule in rules.values())


def test_foreign_rules_stay_and_keep_their_priority() -> None:
    operator = made_sample("internal-load-balancer")
    group = operator.view().names.security_group
    theirs = copy.deepcopy(operator.azure.bodies[key(group)]["properties"]["securityRules"][0])
    theirs |= {"name": "theirs", "id": f"{group}/securityRules/theirs"}
    body = operator.azure.change(group)
    # Theirs sits on the number that the next rule of the user's would get.
    theirs["properties"]["priority"] = 1000
    body["properties"]["securityRules"].append(theirs)
    operator.cluster = sample(
        "internal-load-balancer", with_rules({"name": "mine", "destinationPorts": ["22"]})
    )
    operator.run()
    found = {
        rule["name"]: rule["properties"]["priority"]
        for rule in operator.azure.bodies[key(group)]["properties"]["securityRules"]
    }
    assert (found["theirs"], found["mine"]) == (1000, 1010)
    assert ArmId(f"{group}/securityRules/theirs") not in operator.inventory


def test_a_rule_taken_out_of_the_spec_goes_only_if_the_inventory_knows_it() -> None:
    rule = with_rules({"name": "mine", "destinationPorts": ["22"]})
    for knows, is_left in ((True, False), (False, True)):
        operator = made(sample("internal-load-balancer", rule))
        operator.cluster = sample("internal-load-balancer")
        if not knows:
            operator.inventory = ()
        operator.run()
        group = operator.azure.bodies[key(operator.view().names.security_group)]
        names = {one["name"] for one in group["properties"]["securityRules"]}
        assert ("mine" in names) is is_left


def test_several_values_have_their_own_field() -> None:
    rule = {"name": "own", "destinationPorts": ["1", "2"], "sources": ["10.0.0.0/8", "Internet"]}
    found = rules_of(View.of(sample("internal-load-balancer", with_rules(rule))))["own"]
    assert found["destinationPortRange"] is None
    assert found["destinationPortRanges"] == ["1", "2"]
    assert found["sourceAddressPrefixes"] == ["10.0.0.0/8", "Internet"]


def body_of(cluster: Any) -> dict[str, Any]:
    (wanted,) = load_balancer.desired(View.of(cluster))
    found: dict[str, Any] = wanted.body["properties"]
    return found


def test_the_guides_public_balancer() -> None:
    body = body_of(sample("public-load-balancer"))
    (probe,) = body["probes"]
    assert probe == {
        "name": "TestHealthProbe",
        "properties": {
            "protocol": "Tcp",
            "port": 26001,
            "requestPath": None,
            "intervalInSeconds": 5,
            "probeThreshold": 2,
            "noHealthyBackendsBehavior": "AllProbedDown",
        },
    }
    (rule,) = body["loadBalancingRules"]
    assert rule["properties"]["disableOutboundSnat"] is True
    assert len(body["outboundRules"]) == 1


def test_direct_server_return_keeps_the_port() -> None:
    (rule,) = body_of(sample("internal-load-balancer-dsr"))["loadBalancingRules"]
    found = rule["properties"]
    assert found["enableFloatingIP"] is True
    assert found["frontendPort"] == found["backendPort"] == 80


def test_zones_reach_the_front_end_and_http_the_probe() -> None:
    body = body_of(sample("minimal"))
    assert body["frontendIPConfigurations"][0]["zones"] == ["1", "2", "3"]
    assert body["probes"][0]["properties"]["protocol"] == "Http"
    assert body["loadBalancingRules"][0]["name"] == "tcp-80"


def test_udp_has_no_reset() -> None:
    def udp(spec: dict[str, Any]) -> None:
        rule = {"protocol": "UDP", "frontendPort": 53, "backendPort": 53}
        spec["access"]["loadBalancer"]["rules"].append(rule)

    balanced = body_of(sample("minimal", udp))["loadBalancingRules"]
    rules = {one["name"]: one["properties"] for one in balanced}
    assert rules["udp-53"]["enableTcpReset"] is False
    assert "hacluster-service-udp" in rules_of(View.of(sample("minimal", udp)))


def test_floating_ip_cannot_change_but_the_rest_is_still_repaired() -> None:
    def equal_ports(*, floating: bool) -> Any:
        def change(spec: dict[str, Any]) -> None:
            rule = spec["access"]["loadBalancer"]["rules"][0]
            rule |= {"frontendPort": 80, "backendPort": 80, "floatingIP": floating}
            block = {"name": "lo", "type": "LoopbackAddress"}
            spec["cluster"]["failoverGroups"][0]["resources"].append(
                block | {"loopbackAddress": {"address": "10.5.0.200"}}
            )

        return change

    operator = made(sample("internal-load-balancer", equal_ports(floating=True)))
    balancer = operator.view().names.load_balancer
    operator.azure.change(balancer)["properties"]["probes"] = []
    operator.cluster = sample("internal-load-balancer", equal_ports(floating=False))
    operator.run()
    assert operator.azure.bodies[key(balancer)]["properties"]["probes"] != []
    (refusal,) = parts.plan(operator.view())
    assert isinstance(refusal, Refuse)
    assert refusal.reason == Reason.IMMUTABLE_DIFFERENCE
    assert "another name" in refusal.why


def test_an_admin_state_that_overrules_the_probe_is_set_back() -> None:
    operator = made_sample("internal-load-balancer")
    balancer = operator.view().names.load_balancer
    pool = operator.azure.change(balancer)["properties"]["backendAddressPools"][0]
    pool["properties"] = {
        "loadBalancerBackendAddresses": [
            {"name": "a", "properties": {"adminState": "Up"}},
            {"name": "b", "properties": {}},
        ]
    }
    operator.run()
    members = operator.azure.bodies[key(balancer)]["properties"]["backendAddressPools"][0][
        "properties"
    ]["loadBalancerBackendAddresses"]
    assert {one["name"]: one["properties"] for one in members} == {
        "a": {"adminState": "None"},
        "b": {},
    }


def test_existing_machines_are_in_the_pool_by_their_addresses() -> None:
    def existing(spec: dict[str, Any]) -> None:
        spec["machines"] = {"management": "Existing"}
        spec["placement"] = {"type": "None"}
        for node in spec["nodes"]:
            node.pop("dataDisks", None)
            node.pop("zone", None)

    body = body_of(sample("minimal", existing))
    addresses = body["backendAddressPools"][0]["properties"]["loadBalancerBackendAddresses"]
    assert [one["properties"]["ipAddress"] for one in addresses] == ["10.6.0.10", "10.6.0.11"]
    view = nothing_there(sample("minimal", existing))
    missing = [step for step in parts.plan(view) if isinstance(step, Refuse)]
    assert {step.reason for step in missing} == {Reason.EXISTING_NOT_FOUND}
    assert len(missing) == 2
    kinds = {one.rsplit("/", 2)[-2] for one in (step.id for step in parts.plan(view))}
    assert not {"networkInterfaces", "disks", "availabilitySets"} & kinds


def way_out(name: str) -> Any:
    def change(spec: dict[str, Any]) -> None:
        spec["network"]["outbound"] = {"type": name}

    return change


@pytest.mark.parametrize(
    ("outbound", "expected"),
    [
        ("NATGateway", {"natGateways/web-nat", "publicIPAddresses/web-nat-ip"}),
        ("PublicIP", {"publicIPAddresses/web-1-ip", "publicIPAddresses/web-2-ip"}),
        ("None", set()),
        ("Existing", set()),
    ],
)
def test_each_way_out_has_its_parts_and_can_become_any_other(
    outbound: str, expected: set[str]
) -> None:
    operator = made_sample("minimal")
    for name in ("PublicIP", outbound):
        operator.cluster = sample("minimal", way_out(name))
        operator.run()
    found = {"/".join(one.rsplit("/", 2)[-2:]) for one in operator.azure.ids.values()}
    assert {one for one in found if one.startswith(("nat", "public"))} == expected
    assert parts.plan(operator.view()) == ()


def test_only_a_public_balancer_lets_out() -> None:
    cluster = sample("internal-load-balancer")
    network = cluster.spec.network
    outbound = network.outbound.model_copy(update={"type": OutboundType.LOAD_BALANCER})
    network = network.model_copy(update={"outbound": outbound})
    spec = cluster.spec.model_copy(update={"network": network})
    steps = load_balancer.plan(nothing_there(replace(cluster, spec=spec)))
    assert [type(step) for step in steps] == [Refuse]


def existing_network(spec: dict[str, Any]) -> None:
    root = f"/subscriptions/{ELSEWHERE}/resourceGroups/net/providers/Microsoft.Network"
    spec["network"] = {
        "subnet": {"existing": {"id": f"{root}/virtualNetworks/hub/subnets/nodes"}},
        "securityGroup": {"existing": {"id": f"{root}/networkSecurityGroups/hub"}},
    }


@pytest.mark.parametrize(
    ("prefixes", "reason"),
    [
        ({"addressPrefix": "10.6.0.0/24"}, None),
        ({"addressPrefixes": ["10.6.0.0/24", "10.7.0.0/24"]}, None),
        ({}, None),
        ({"addressPrefix": "10.9.0.0/24"}, Reason.EXISTING_UNSUITABLE),
        (None, Reason.EXISTING_NOT_FOUND),
    ],
    ids=["fits", "fits one of two", "not told", "does not fit", "missing"],
)
def test_an_existing_network_is_used_and_never_changed(
    prefixes: dict[str, Any] | None, reason: Reason | None
) -> None:
    operator = Operator(FakeAzure(), sample("minimal", existing_network))
    names = operator.view().names
    operator.azure.put(names.virtual_network, {"location": "japaneast"})
    operator.azure.put(names.security_group, {"location": "japaneast"})
    if prefixes is not None:
        operator.azure.put(names.subnet, {"properties": prefixes})
    before = copy.deepcopy(operator.azure.bodies)
    operator.run()
    refusals = [step for step in parts.plan(operator.view()) if isinstance(step, Refuse)]
    assert [one.reason for one in refusals] == ([reason] if reason else [])
    for one, body in before.items():
        assert operator.azure.bodies[one] == body
    has_interfaces = any("/networkinterfaces/" in one for one in operator.azure.bodies)
    assert has_interfaces is (reason is None)


def test_an_existing_public_address_is_looked_up() -> None:
    network = f"/subscriptions/{ELSEWHERE}/resourceGroups/net/providers/Microsoft.Network"
    address = f"{network}/publicIPAddresses/a"

    def existing(spec: dict[str, Any]) -> None:
        block = {"existing": {"id": address}}
        spec["access"]["loadBalancer"]["frontend"] = {"publicIPAddress": block}

    steps = parts.plan(nothing_there(sample("public-load-balancer", existing)))
    (refusal,) = [step for step in steps if isinstance(step, Refuse)]
    assert (refusal.id, refusal.reason) == (address, Reason.EXISTING_NOT_FOUND)


def dns_spec(**more: Any) -> Any:
    def change(spec: dict[str, Any]) -> None:
        spec["access"]["dns"] |= more

    return change


def test_the_record_set_is_made_empty_and_its_content_left_to_the_nodes() -> None:
    operator = made_sample("azure-dns")
    dns = operator.cluster.spec.access.dns
    assert dns is not None
    records = operator.view().names.record_set(dns)
    assert operator.azure.bodies[key(records)]["properties"]["ARecords"] == []
    body = operator.azure.change(records)
    body["properties"]["ARecords"] = [{"ipv4Address": "10.5.0.121"}]
    body["properties"]["metadata"]["epoch"] = "7"
    assert parts.plan(operator.view()) == ()
    body["properties"]["TTL"] = 5
    operator.run()
    after = operator.azure.bodies[key(records)]["properties"]
    assert after["ARecords"] == [{"ipv4Address": "10.5.0.121"}]
    assert (after["metadata"]["epoch"], after["TTL"]) == ("7", 60)


def test_a_record_that_is_long_wrong_is_written_with_its_etag() -> None:
    operator = made_sample("azure-dns")
    operator.assessment = Assessment(active="node-1", record_address="10.5.0.120")
    (step,) = record_set.plan(operator.view())
    assert isinstance(step, Put)
    assert step.etag is not None
    assert step.body["properties"]["ARecords"] == [{"ipv4Address": "10.5.0.120"}]
    operator.run()
    assert record_set.plan(operator.view()) == ()


def test_a_private_zone_is_linked_to_the_network() -> None:
    operator = made(sample("azure-dns", dns_spec(visibility="Private")))
    kinds = {one.rsplit("/", 2)[-2] for one in operator.azure.ids.values()}
    assert {"privateDnsZones", "virtualNetworkLinks"} <= kinds
    dns = operator.cluster.spec.access.dns
    assert dns is not None
    records = operator.azure.bodies[key(operator.view().names.record_set(dns))]
    assert records["properties"]["ttl"] == 60
    assert record_set.addresses(operator.view(), dns) == ()
    operator.delete()
    assert not any("privatednszones" in one for one in operator.azure.bodies)


def test_a_zone_of_others_is_used_and_never_changed() -> None:
    operator = Operator(FakeAzure(), sample("azure-dns", dns_spec(manageZone=False)))
    dns = operator.cluster.spec.access.dns
    assert dns is not None
    (refusal,) = [s for s in parts.plan(nothing_there(operator.cluster)) if isinstance(s, Refuse)]
    assert refusal.reason == Reason.EXISTING_NOT_FOUND
    zone = operator.view().names.zone(dns)
    operator.azure.put(zone, {"location": "global"})
    operator.run()
    operator.delete()
    assert key(zone) in operator.azure.bodies
    assert key(operator.view().names.record_set(dns)) not in operator.azure.bodies


def test_the_ttl_of_an_azuredns_resource_counts() -> None:
    def shorter(spec: dict[str, Any]) -> None:
        resources = spec["cluster"]["failoverGroups"][0]["resources"]
        resources[-1]["azureDNS"] = {"ttlSeconds": 5}

    (wanted,) = record_set.desired(View.of(sample("azure-dns", shorter)))
    assert wanted.body["properties"]["TTL"] == 5
    assert record_set.desired(View.of(sample("minimal"))) == ()
    dns = sample("azure-dns").spec.access.dns
    assert dns is not None
    assert record_set.addresses(View.of(sample("azure-dns")), dns) is None


def test_an_existing_network_may_be_named_beside_its_subnet() -> None:
    def both(spec: dict[str, Any]) -> None:
        existing_network(spec)
        subnet = spec["network"]["subnet"]["existing"]["id"]
        spec["network"]["virtualNetwork"] = {"existing": {"id": subnet.partition("/subnets/")[0]}}

    view = nothing_there(sample("minimal", both))
    refused = {step.id for step in parts.plan(view) if isinstance(step, Refuse)}
    names = view.names
    assert refused == {names.virtual_network, names.subnet, names.security_group}
    # What could not be read is not called missing.
    assert not any(isinstance(one, Refuse) for one in parts.plan(View.of(view.cluster)))
