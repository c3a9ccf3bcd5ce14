"""Rule health: 202 with a place to look, then who is up, who is down, and why."""

import json
import subprocess
import sys
from typing import Any

import pytest
from azure.mgmt.network import NetworkManagementClient
from tests.sim.network.lab import STANDARD, SUBNET, Lab
from tests.sim.simulator import OPERATOR, Simulator, running

pytestmark = pytest.mark.sim

LB = "loadBalancers/lb"
POOL, RULE = f"{LB}/backendAddressPools/pool", f"{LB}/loadBalancingRules/rule"


def tell(sim: Simulator, *words: str) -> str:
    """Run `azuresim health` against a running simulator."""
    command = [sys.executable, "-m", "azuresim", "health", words[0], "--directory"]
    done = subprocess.run(
        [*command, str(sim.directory), *words[1:]],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(OPERATOR)},
    )
    return done.stdout


def balancer(lab: Lab, addresses: list[dict[str, Any]], **probe: Any) -> None:
    """Write a balancer with one probed rule and one that nobody probes."""
    rule = {
        "protocol": "Tcp",
        "frontendPort": 443,
        "backendPort": 443,
        "frontendIPConfiguration": lab.ref(f"{LB}/frontendIPConfigurations/front"),
        "backendAddressPool": lab.ref(POOL),
    }
    probed = {**rule, "probe": lab.ref(f"{LB}/probes/probe")}
    unprobed = {**rule, "frontendPort": 444, "backendPort": 444}
    members = {"loadBalancerBackendAddresses": addresses}
    properties = {
        "frontendIPConfigurations": [{"name": "front", "properties": {"subnet": lab.ref(SUBNET)}}],
        "backendAddressPools": [{"name": "pool", "properties": members}],
        "probes": [
            {"name": "probe", "properties": {"protocol": "Tcp", "port": 62500, **probe}},
        ],
        "loadBalancingRules": [
            {"name": "rule", "properties": probed},
            {"name": "unprobed", "properties": unprobed},
        ],
    }
    lab.put(LB, {**STANDARD, "properties": properties})


def addresses(lab: Lab, *hosts: str, **more: Any) -> list[dict[str, Any]]:
    """Return backend addresses that no interface has to be there for."""
    network = {"virtualNetwork": lab.ref("virtualNetworks/net"), **more}
    return [{"name": host, "properties": {"ipAddress": host, **network}} for host in hosts]


def health(sdk: Any, lab: Lab, rule: str = "rule") -> dict[str, tuple[str, str]]:
    """Return state and reason of each backend, by address."""
    rules = sdk.load_balancer_load_balancing_rules
    found = rules.begin_health(lab.group, "lb", rule).result()
    backends = found.load_balancer_backend_addresses
    assert found.up == sum(each.state == "Up" for each in backends)
    assert found.down == sum(each.state == "Down" for each in backends)
    return {each.ip_address: (each.state, each.reason) for each in backends}


def test_what_has_a_machine_is_up_and_an_interface_alone_is_down(sdk: Any, lab: Lab) -> None:
    balancer(lab, [])
    lab.interface("nic", loadBalancerBackendAddressPools=[lab.ref(POOL)])
    assert health(sdk, lab) == {"10.0.0.5": ("Down", "Down_Probe_TcpProbeTimeout")}
    assert health(sdk, lab, "unprobed") == {}


def test_a_script_says_who_is_up(sdk: Any, lab: Lab) -> None:
    balancer(lab, addresses(lab, "10.0.0.20", "10.0.0.21"))
    assert set(health(sdk, lab).values()) == {("Up", "Up_Probe_Success")}
    tell(lab.sim, "set", "10.0.0.20", "down")
    tell(lab.sim, "set", "10.0.0.21", "down", "--balancer", "other")
    assert health(sdk, lab) == {
        "10.0.0.20": ("Down", "Down_Probe_TcpProbeTimeout"),
        "10.0.0.21": ("Up", "Up_Probe_Success"),
    }
    tell(lab.sim, "set", "10.0.0.20", "down", "--reason", "Down_Platform")
    assert health(sdk, lab)["10.0.0.20"] == ("Down", "Down_Platform")
    lines = [json.loads(line) for line in tell(lab.sim, "list").splitlines()]
    assert [(line["address"], line["reason"]) for line in lines] == [
        ("10.0.0.21", "Down_Probe_TcpProbeTimeout"),
        ("10.0.0.20", "Down_Platform"),
    ]
    assert tell(lab.sim, "clear").strip() == "2"
    assert set(health(sdk, lab).values()) == {("Up", "Up_Probe_Success")}


def test_an_admin_state_overrules_the_probe(sdk: Any, lab: Lab) -> None:
    down = addresses(lab, "10.0.0.20", adminState="Down")
    up = addresses(lab, "10.0.0.21", adminState="Up")
    balancer(lab, [*down, *up])
    assert health(sdk, lab) == {
        "10.0.0.20": ("Down", "Down_Admin"),
        "10.0.0.21": ("Up", "Up_Admin"),
    }


def test_an_interfaces_admin_state_is_set_and_set_back(sdk: Any, lab: Lab) -> None:
    balancer(lab, [])
    lab.interface("nic", loadBalancerBackendAddressPools=[lab.ref(POOL)])
    (member,) = lab.get(POOL)["properties"]["loadBalancerBackendAddresses"]
    member["properties"]["adminState"] = "Up"
    lab.put(POOL, {"properties": {"loadBalancerBackendAddresses": [member]}})
    assert health(sdk, lab) == {"10.0.0.5": ("Up", "Up_Admin")}
    (member,) = lab.get(POOL)["properties"]["loadBalancerBackendAddresses"]
    assert member["properties"]["adminState"] == "Up"
    member["properties"]["adminState"] = "None"
    lab.put(POOL, {"properties": {"loadBalancerBackendAddresses": [member]}})
    assert health(sdk, lab)["10.0.0.5"][0] == "Down"


def test_with_nobody_left_everybody_is_up_if_the_probe_says_so(sdk: Any, lab: Lab) -> None:
    balancer(lab, addresses(lab, "10.0.0.20", "10.0.0.21"), noHealthyBackendsBehavior="AllProbedUp")
    tell(lab.sim, "set", "*", "down")
    assert set(health(sdk, lab).values()) == {("Up", "Up_Probe_AllDownIsUp")}
    tell(lab.sim, "clear")


def test_the_answer_is_where_location_says_once_it_is_there(lab: Lab) -> None:
    with running(lab.sim.directory / "slow", "--durations", "typical", "--speed", "20") as slow:
        other = Lab(slow, "g")
        path = f"{slow.subscription}/resourceGroups/g?api-version=2021-04-01"
        slow.send("PUT", path, {"location": "eastus"})
        with slow.client(NetworkManagementClient, polling_interval=0) as client:
            client.virtual_networks.begin_create_or_update(
                "g",
                "net",
                {
                    "location": "eastus",
                    "properties": {
                        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                        "subnets": [
                            {"name": "nodes", "properties": {"addressPrefix": "10.0.0.0/24"}}
                        ],
                    },
                },
            ).result()
            balancer(other, addresses(other, "10.0.0.20"))
            begun = other.send("POST", f"{RULE}/health")
            assert (begun.status, begun.body) == (202, None)
            where = begun.header("Location")
            assert where is not None
            assert begun.header("Azure-AsyncOperation") is None
            early = slow.send("GET", where)
            assert (early.status, early.header("Location")) == (202, where)
            done = health(client, other)
        assert done == {"10.0.0.20": ("Up", "Up_Probe_Success")}
        late = slow.send("GET", where)
        assert (late.status, late.body["up"]) == (200, 1)


def test_a_script_survives_a_kill(sim: Simulator) -> None:
    tell(sim, "set", "10.0.0.20", "down")
    sim.kill()
    sim.start()
    assert json.loads(tell(sim, "list"))["address"] == "10.0.0.20"


@pytest.mark.parametrize(
    "words",
    [("set", "10.0.0.1", "sideways"), ("set", "10.0.0.1", "up", "--reason", "Down_Platform")],
    ids=["state", "reason"],
)
def test_a_script_that_makes_no_sense_is_refused(
    shared_sim: Simulator, words: tuple[str, ...]
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        tell(shared_sim, *words)
    assert tell(shared_sim, "list") == ""


def test_health_of_no_rule_is_not_found(lab: Lab) -> None:
    balancer(lab, [])
    assert lab.send("POST", f"{LB}/loadBalancingRules/none/health").status == 404
