"""Whatever is written, and whatever of it is refused: references agree at both ends."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.sim.network.lab import STANDARD, STANDARD_IP, Lab
from tests.sim.network.world import World
from tests.sim.simulator import Simulator

pytestmark = pytest.mark.sim

TWO = st.sampled_from("ab")
THREE = st.sampled_from("abc")
MAYBE = st.sampled_from(["", "a", "b"])
SOME = st.sets(TWO)
HOST = st.sampled_from(["", "", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.3", "10.0.1.4"])
QUICK = settings(
    max_examples=15,
    stateful_step_count=15,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a failure is told as it was found
    suppress_health_check=list(HealthCheck),
)


class Calls(RuleBasedStateMachine):
    """Calls that are well formed; whether they are allowed depends on what is there."""

    sim: Simulator

    def __init__(self) -> None:
        super().__init__()
        self.lab = Lab(self.sim, f"g{uuid4().hex[:12]}")
        path = f"{self.sim.subscription}/resourceGroups/{self.lab.group}?api-version=2021-04-01"
        self.sim.send("PUT", path, {"location": "eastus"})
        space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
        self.call("PUT", "virtualNetworks/net", {"properties": space})
        self._fill()

    def _fill(self) -> None:
        """Begin with one of each, tied together, so that most calls find what they need."""
        self.put_group("a")
        self.put_address("a")
        self.put_address("b")
        self.put_gateway("a", {"a"})
        self.put_subnet("a", "a", "a")
        self.put_subnet("b", "", "")
        self.put_balancer("a", "a", "", {"a", "b"}, "", ruled=True)
        self.put_balancer("b", "b", "", {"a"}, "", ruled=False)
        self.put_interface("a", "a", "", "a", "a", "10.0.0.5", inbound=True)
        self.put_interface("b", "b", "b", "b", "", "", inbound=False)

    def call(self, verb: str, path: str, body: Any = None) -> None:
        """Send one call; it is done or refused, and never breaks the server."""
        reply = self.lab.send(verb, path, body)
        assert reply.status < 500, reply.body

    @rule(name=TWO, nat=MAYBE, nsg=MAYBE)
    def put_subnet(self, name: str, nat: str, nsg: str) -> None:
        properties: dict[str, Any] = {"addressPrefix": f"10.0.{'ab'.index(name)}.0/28"}
        if nat:
            properties["natGateway"] = self.lab.ref(f"natGateways/{nat}")
        if nsg:
            properties["networkSecurityGroup"] = self.lab.ref(f"networkSecurityGroups/{nsg}")
        self.call("PUT", f"virtualNetworks/net/subnets/{name}", {"properties": properties})

    @rule(name=TWO)
    def put_group(self, name: str) -> None:
        self.call("PUT", f"networkSecurityGroups/{name}")

    @rule(name=TWO)
    def put_address(self, name: str) -> None:
        self.call("PUT", f"publicIPAddresses/{name}", STANDARD_IP)

    @rule(name=TWO, addresses=SOME)
    def put_gateway(self, name: str, addresses: set[str]) -> None:
        uses = [self.lab.ref(f"publicIPAddresses/{each}") for each in sorted(addresses)]
        body = {**STANDARD, "properties": {"publicIpAddresses": uses}}
        self.call("PUT", f"natGateways/{name}", body)

    @rule(name=TWO, subnet=TWO, public=MAYBE, pools=SOME, host=HOST, ruled=st.booleans())
    def put_balancer(
        self, name: str, subnet: str, public: str, pools: set[str], host: str, *, ruled: bool
    ) -> None:
        at = f"loadBalancers/{name}"
        front: dict[str, Any] = {"subnet": self.lab.ref(f"virtualNetworks/net/subnets/{subnet}")}
        if host:
            front |= {"privateIPAllocationMethod": "Static", "privateIPAddress": host}
        if public:
            front = {"publicIPAddress": self.lab.ref(f"publicIPAddresses/{public}")}
        fronts = self.lab.ref(f"{at}/frontendIPConfigurations/f")
        ports = {"protocol": "Tcp", "frontendPort": 80, "backendPort": 80}
        probe = self.lab.ref(f"{at}/probes/p")
        pool = self.lab.ref(f"{at}/backendAddressPools/a")
        whole = {
            **ports, "frontendIPConfiguration": fronts, "backendAddressPool": pool, "probe": probe,
        }  # fmt: skip
        nat = {**ports, "frontendPort": 81, "frontendIPConfiguration": fronts}
        properties = {
            "frontendIPConfigurations": [{"name": "f", "properties": front}],
            "backendAddressPools": [{"name": each} for each in sorted(pools)],
            "probes": [{"name": "p", "properties": {"protocol": "Tcp", "port": 1}}],
            "loadBalancingRules": [{"name": "r", "properties": whole}] if ruled else [],
            "inboundNatRules": [{"name": "n", "properties": nat}] if ruled else [],
        }
        self.call("PUT", at, {**STANDARD, "properties": properties})

    @rule(name=TWO, pool=TWO, verb=st.sampled_from(["PUT", "DELETE"]))
    def change_pool(self, name: str, pool: str, verb: str) -> None:
        body: dict[str, Any] | None = {} if verb == "PUT" else None
        self.call(verb, f"loadBalancers/{name}/backendAddressPools/{pool}", body)

    @rule(
        name=THREE, subnet=TWO, public=MAYBE, balancer=MAYBE, nsg=MAYBE, host=HOST,
        inbound=st.booleans(),
    )  # fmt: skip
    def put_interface(
        self, name: str, subnet: str, public: str, balancer: str, nsg: str, host: str,
        *, inbound: bool,
    ) -> None:  # fmt: skip
        inner: dict[str, Any] = {"subnet": self.lab.ref(f"virtualNetworks/net/subnets/{subnet}")}
        if host:
            inner |= {"privateIPAllocationMethod": "Static", "privateIPAddress": host}
        if public:
            inner["publicIPAddress"] = self.lab.ref(f"publicIPAddresses/{public}")
        if balancer:
            at = f"loadBalancers/{balancer}"
            inner["loadBalancerBackendAddressPools"] = [self.lab.ref(f"{at}/backendAddressPools/a")]
            if inbound:
                inner["loadBalancerInboundNatRules"] = [self.lab.ref(f"{at}/inboundNatRules/n")]
        properties: dict[str, Any] = {"ipConfigurations": [{"name": "ip", "properties": inner}]}
        if nsg:
            properties["networkSecurityGroup"] = self.lab.ref(f"networkSecurityGroups/{nsg}")
        self.call("PUT", f"networkInterfaces/{name}", {"properties": properties})

    @rule(
        path=st.sampled_from(
            [
                "networkInterfaces", "loadBalancers", "natGateways", "publicIPAddresses",
                "networkSecurityGroups", "virtualNetworks/net/subnets",
            ]
        ),
        name=THREE,
    )  # fmt: skip
    def delete(self, path: str, name: str) -> None:
        self.call("DELETE", f"{path}/{name}")

    @invariant()
    def references_agree(self) -> None:
        assert list(World(self.lab).read().contradictions()) == []

    def teardown(self) -> None:
        """Look at everything once more, each part at its own URL."""
        assert list(World(self.lab).read().strangers()) == []


def test_any_sequence_of_calls_keeps_references_consistent(shared_sim: Simulator) -> None:
    Calls.sim = shared_sim
    run_state_machine_as_test(Calls, settings=QUICK)
