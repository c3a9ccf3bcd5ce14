"""The guide's names come out as written there; every other name is a function of the object."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.plan.clusters import SAMPLES, sample

from hacluster.model import ids
from hacluster.model.ids import ArmId, type_of
from hacluster.model.names import ClusterNames
from hacluster.plan import parts
from hacluster.plan.view import View

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/TestGroup1"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
COMPUTE = f"{GROUP}/providers/Microsoft.Compute"
NODES = {
    f"{COMPUTE}/availabilitySets/AvailabilitySet-1",
    f"{COMPUTE}/disks/node-1Blob1",
    f"{COMPUTE}/disks/node-2Blob1",
    f"{COMPUTE}/virtualMachines/node-1",
    f"{COMPUTE}/virtualMachines/node-2",
    f"{NETWORK}/networkInterfaces/node-1-nic",
    f"{NETWORK}/networkInterfaces/node-2-nic",
    f"{NETWORK}/networkSecurityGroups/NetSecGroup-1",
    f"{NETWORK}/virtualNetworks/Vnet1",
    f"{NETWORK}/virtualNetworks/Vnet1/subnets/Vnet1-1",
    GROUP,
}
GATEWAY = {"natGateways/{}-nat", "publicIPAddresses/{}-nat-ip"}
GOLDEN = {
    "azure-dns": {"dnsZones/cluster1.zone", "dnsZones/cluster1.zone/A/test-record1"} | GATEWAY,
    "internal-load-balancer": {"loadBalancers/TestLoadBalancer"} | GATEWAY,
    "internal-load-balancer-dsr": {"loadBalancers/TestLoadBalancer"} | GATEWAY,
    "public-load-balancer": {
        "loadBalancers/TestLoadBalancer",
        "publicIPAddresses/TestLoadBalancerPublicIP",
    },
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_the_guides_tables_are_planned(name: str) -> None:
    cluster = sample(name)
    planned = {one.id for one in parts.wanted(View.of(cluster))}
    own = {f"{NETWORK}/{one.format(cluster.name)}" for one in GOLDEN[name]}
    roots = (f"{NETWORK}/", f"{COMPUTE}/")
    stated = {str(one) for one in planned if one.startswith(roots) and "Authorization" not in one}
    stated.add(GROUP)
    assert stated == NODES | own


def test_the_minimal_cluster_is_named_after_the_object() -> None:
    planned = [one.id for one in parts.wanted(View.of(sample("minimal")))]
    made = {"/".join(one.rsplit("/", 2)[-2:]) for one in planned if "Authorization" not in one}
    names = ClusterNames.of(sample("minimal"))
    assert made == {
        "resourceGroups/web-ha",
        "virtualNetworks/web-vnet",
        "subnets/web-subnet",
        "networkSecurityGroups/web-nsg",
        "publicIPAddresses/web-nat-ip",
        "natGateways/web-nat",
        "loadBalancers/web-lb",
        "networkInterfaces/web-1-nic",
        "networkInterfaces/web-2-nic",
        "virtualMachines/web-1",
        "virtualMachines/web-2",
        "userAssignedIdentities/web-nodes",
        f"storageAccounts/{ids.name_of(names.storage_account)}",
        f"containers/{ids.name_of(names.container)}",
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_names_do_not_depend_on_the_uid(name: str) -> None:
    one, other = sample(name), replace(sample(name), uid="another")
    first = [wanted.id for wanted in parts.wanted(View.of(one))]
    assert first == [wanted.id for wanted in parts.wanted(View.of(other))]


@given(
    name=st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?", fullmatch=True),
    times=st.integers(min_value=1, max_value=6),
)
def test_every_name_is_one_that_azure_takes(name: str, times: int) -> None:
    cluster = replace(sample("minimal"), name=name * times)
    names = ClusterNames.of(cluster)
    assert re.fullmatch(r"[a-z0-9]{3,24}", ids.name_of(names.storage_account))
    container = ids.name_of(names.container)
    assert re.fullmatch(r"[a-z0-9](-?[a-z0-9])*", container)
    assert 3 <= len(container) <= 63
    assert len(ids.name_of(names.virtual_network)) <= 64


def test_two_clusters_share_no_account() -> None:
    def other(spec: dict[str, Any]) -> None:
        spec["azure"]["resourceGroup"] = "another"

    one = ClusterNames.of(sample("minimal"))
    assert ids.name_of(one.storage_account) != ids.name_of(
        ClusterNames.of(sample("minimal", other)).storage_account
    )


def test_the_existing_subnet_tells_its_network() -> None:
    subnet = f"{NETWORK}/virtualNetworks/shared/subnets/nodes"

    def existing(spec: dict[str, Any]) -> None:
        spec["network"] = {"subnet": {"existing": {"id": subnet}}}

    names = ClusterNames.of(sample("minimal", existing))
    assert (names.subnet, names.virtual_network) == (subnet, f"{NETWORK}/virtualNetworks/shared")


@pytest.mark.parametrize(
    ("resource", "kind", "parent"),
    [
        (GROUP, "Microsoft.Resources/resourceGroups", GROUP.partition("/resourceGroups")[0]),
        (f"{NETWORK}/dnsZones/z/A/r", "Microsoft.Network/dnsZones/A", f"{NETWORK}/dnsZones/z"),
        (
            f"{COMPUTE}/virtualMachines/m/providers/Microsoft.Authorization/roleAssignments/g",
            "Microsoft.Authorization/roleAssignments",
            f"{COMPUTE}/virtualMachines/m",
        ),
        (f"{NETWORK}/virtualNetworks/v", "Microsoft.Network/virtualNetworks", GROUP),
        ("/subscriptions/s", "", ""),
    ],
    ids=["group", "child", "extension", "top-level", "subscription"],
)
def test_ids_are_taken_apart(resource: str, kind: str, parent: str) -> None:
    assert type_of(ArmId(resource)) == kind
    assert ids.parent_of(ArmId(resource)) == parent
