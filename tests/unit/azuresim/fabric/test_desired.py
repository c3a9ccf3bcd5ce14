"""What the kernel should have, from the records."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from azuresim.fabric import desired
from azuresim.fabric.names import Names, mac_address
from azuresim.fabric.wanted import Network, Wanted, WayOut
from azuresim.state.records import Record

BASE = "/subscriptions/s/resourceGroups/g/providers/"
NETWORK = f"{BASE}Microsoft.Network/"
NAMES = Names.of(Path("/somewhere"))


def ref(path: str) -> dict[str, str]:
    return {"id": NETWORK + path}


def record(path: str, properties: dict[str, Any], provider: str = "Microsoft.Network") -> Record:
    kind = f"{provider}/{path.split('/', maxsplit=1)[0]}".casefold()
    data = orjson.dumps({"properties": properties})
    return Record(id=f"{BASE}{provider}/{path}", kind=kind, etag="1", data=data)


def net(**subnet: Any) -> Record:
    inner = {"addressPrefix": "10.5.0.0/24", **subnet}
    space = {"addressPrefixes": ["10.5.0.0/16", "fd00::/48"]}
    subnets = [{"name": "Front", "properties": inner}]
    return record("virtualNetworks/Net", {"addressSpace": space, "subnets": subnets})


def nic(name: str, address: str, **configuration: Any) -> Record:
    inner = {
        "subnet": ref("virtualNetworks/net/subnets/front"), "privateIPAddress": address,
        "primary": True, **configuration,
    }  # fmt: skip
    return record(
        f"networkInterfaces/{name}",
        {
            "resourceGuid": "00000000-0000-0000-0000-000000abcdef",
            "ipConfigurations": [{"name": "ip", "properties": inner}],
        },
    )


def machine(name: str, *nics: str) -> Record:
    listed = [
        {**ref(f"networkInterfaces/{each}"), "properties": {"primary": place == len(nics) - 1}}
        for place, each in enumerate(nics)
    ]
    return record(
        f"virtualMachines/{name}", {"networkProfile": {"networkInterfaces": listed}},
        "Microsoft.Compute",
    )  # fmt: skip


def public(name: str, address: str) -> Record:
    return record(f"publicIPAddresses/{name}", {"ipAddress": address})


def wanted(*records: Record, clients: dict[str, str] | None = None) -> Wanted:
    return desired.wanted(records, NAMES, clients or {})


def only(made: Wanted) -> Network:
    (network,) = made.networks.values()
    return network


def test_an_interface_is_where_its_record_says() -> None:
    made = wanted(net(), nic("one", "10.5.0.10"), nic("alone", "10.5.0.11"), machine("vm", "one"))
    (end,) = only(made).interfaces
    assert (end.addresses, end.length, end.gateway) == (("10.5.0.10",), 24, "10.5.0.1")
    assert end.mac == "00:0d:3a:ab:cd:ef"
    assert [each.interfaces for each in made.machines.values()] == [(end,)]


def test_the_primary_interface_comes_first() -> None:
    made = wanted(
        net(), nic("a", "10.5.0.10"), nic("b", "10.5.0.11"), machine("vm", "a", "b")
    )  # fmt: skip
    (vm,) = made.machines.values()
    assert [each.address for each in vm.interfaces] == ["10.5.0.11", "10.5.0.10"]


def client(*records: Record, before: str = "") -> str:
    clients = {f"{NETWORK}virtualNetworks/Net".casefold(): before} if before else {}
    made = only(wanted(net(), *records, clients=clients)).client
    assert made is not None
    return made.address


def test_the_client_has_the_first_free_address_and_keeps_it_while_it_is_free() -> None:
    assert client() == "10.5.0.5"
    assert client(nic("one", "10.5.0.5")) == "10.5.0.6"
    assert client(before="10.5.0.6") == "10.5.0.6"
    assert client(nic("one", "10.5.0.6"), before="10.5.0.6") == "10.5.0.5"


POOL = {"loadBalancerBackendAddressPools": [ref("loadBalancers/lb/backendAddressPools/pool")]}
OWN = {"publicIPAddress": ref("publicIPAddresses/own")}
GATEWAY = [
    record("natGateways/nat", {"publicIpAddresses": [ref("publicIPAddresses/nat")]}),
    public("nat", "192.0.2.3"),
]


def balancer(**outbound: Any) -> Record:
    rule = {
        "protocol": "Tcp",
        "frontendIPConfigurations": [ref("loadBalancers/lb/frontendIPConfigurations/front")],
        "backendAddressPool": ref("loadBalancers/lb/backendAddressPools/pool"),
    }
    front = {"publicIPAddress": ref("publicIPAddresses/front")}
    pool: dict[str, Any] = {"loadBalancerBackendAddresses": []}
    return record(
        "loadBalancers/lb",
        {
            "frontendIPConfigurations": [{"name": "front", "properties": front}],
            "backendAddressPools": [{"name": "pool", "properties": pool}],
            "probes": [], "loadBalancingRules": [], "inboundNatRules": [],
            "outboundRules": [{"name": "out", "properties": rule}] if outbound else [],
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("subnet", "configuration", "more", "ways"),
    [
        ({"defaultOutboundAccess": False}, {}, [], ()),
        ({}, OWN, [public("own", "192.0.2.1")], (WayOut(addresses=("192.0.2.1",)),)),
        ({}, POOL, [balancer()], ()),
        (
            {}, POOL, [balancer(outbound=True), public("front", "192.0.2.2")],
            (WayOut(addresses=("192.0.2.2",), protocols=("tcp",)),),
        ),
        (
            {"natGateway": ref("natGateways/nat")}, {**POOL, **OWN},
            [*GATEWAY, balancer(outbound=True), public("own", "192.0.2.1")],
            (WayOut(addresses=("192.0.2.3",), protocols=("tcp", "udp")),),
        ),
    ],
    ids=["private", "own address", "pool alone", "outbound rule", "gateway above all"],
)  # fmt: skip
def test_the_way_out(
    subnet: dict[str, Any],
    configuration: dict[str, Any],
    more: list[Record],
    ways: tuple[WayOut, ...],
) -> None:
    records = (net(**subnet), nic("one", "10.5.0.10", **configuration), machine("vm", "one"), *more)
    (end,) = only(wanted(*records)).interfaces
    assert end.ways == ways


def test_a_network_that_says_nothing_has_default_outbound_access() -> None:
    made = only(wanted(net(), nic("one", "10.5.0.10"), machine("vm", "one")))
    (way,) = made.interfaces[0].ways
    assert way.addresses == (desired.default_outbound(made.id),)
    assert made.publics == way.addresses


def test_names_fit_the_kernel_and_tell_simulators_apart() -> None:
    other = Names.of(Path("/elsewhere"))
    assert NAMES.prefix != other.prefix
    assert len(NAMES.device(f"{NETWORK}networkInterfaces/{'n' * 80}")) == 15
    assert NAMES.machine("/x/VM-1") == NAMES.machine("/X/vm-1")
    assert NAMES.owns(NAMES.machine("/x/vm-1"))
    assert not other.owns(NAMES.machine("/x/vm-1"))
    assert mac_address("seed").startswith("02:")
