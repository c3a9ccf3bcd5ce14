"""Disks and availability sets through the real SDK."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from tests.sim.resources.bodies import attached, disk, interface, machine

pytestmark = pytest.mark.sim


def test_a_disk_lives_and_dies(compute: Any, group: str) -> None:
    disks = compute.disks
    made = disks.begin_create_or_update(group, "one", disk()).result()
    assert made.sku.tier == "Premium"
    assert made["properties"]["diskState"] == "Unattached"
    assert made["properties"]["tier"] == "P4"
    grown = disks.begin_update(group, "ONE", {"properties": {"diskSizeGB": 128}}).result()
    assert grown["properties"]["diskSizeBytes"] == 128 << 30
    assert grown["properties"]["tier"] == "P10"
    assert [each.name for each in disks.list_by_resource_group(group)] == ["one"]
    disks.begin_delete(group, "one").result()
    with pytest.raises(ResourceNotFoundError):
        disks.get(group, "one")


def test_a_disk_never_shrinks(compute: Any, group: str) -> None:
    compute.disks.begin_create_or_update(group, "one", disk(64)).result()
    with pytest.raises(HttpResponseError, match="OperationNotAllowed"):
        compute.disks.begin_create_or_update(group, "one", disk(32))
    assert compute.disks.get(group, "one")["properties"]["diskSizeGB"] == 64


def test_a_copy_is_as_large_as_its_source(compute: Any, group: str) -> None:
    source = compute.disks.begin_create_or_update(group, "source", disk(64)).result()
    data = {"createOption": "Copy", "sourceResourceId": source.id}
    copy = {"location": "eastus", "properties": {"creationData": data}}
    made = compute.disks.begin_create_or_update(group, "copy", copy).result()
    assert made["properties"]["diskSizeGB"] == 64
    data["sourceResourceId"] = f"{source.id}-gone"
    with pytest.raises(HttpResponseError, match="InvalidResourceReference"):
        compute.disks.begin_create_or_update(group, "other", copy)


@pytest.mark.parametrize(
    ("sku", "shares"), [("Standard_LRS", 2), ("Premium_LRS", 4)], ids=["never", "too many"]
)
def test_not_every_disk_can_be_shared(compute: Any, group: str, sku: str, shares: int) -> None:
    body = {**disk(maxShares=shares), "sku": {"name": sku}}
    with pytest.raises(HttpResponseError, match="InvalidParameter"):
        compute.disks.begin_create_or_update(group, "one", body)


def test_a_shared_disk_has_as_many_machines_as_it_may(
    compute: Any, network: Any, group: str
) -> None:
    shared = compute.disks.begin_create_or_update(group, "shared", disk(maxShares=2)).result()
    for name in ("a", "b", "c"):
        nic = interface(network, group, f"nic-{name}")
        body = machine(nic)
        storage = body["properties"]["storageProfile"]
        storage["osDisk"]["name"] = f"boot-{name}"
        storage["dataDisks"] = [attached(shared.id, 0)]
        if name == "c":
            with pytest.raises(HttpResponseError, match="ConflictingUserInput"):
                compute.virtual_machines.begin_create_or_update(group, name, body)
        else:
            compute.virtual_machines.begin_create_or_update(group, name, body).result()
    seen = compute.disks.get(group, "shared")
    assert [each.rsplit("/", 1)[1] for each in seen.managed_by_extended] == ["a", "b"]
    with pytest.raises(HttpResponseError, match="is attached to VM"):
        compute.disks.begin_delete(group, "shared")
    compute.virtual_machines.begin_delete(group, "a").result()
    compute.virtual_machines.begin_delete(group, "b").result()
    compute.disks.begin_delete(group, "shared").result()


def test_a_set_counts_its_domains_and_holds_its_machines(
    compute: Any, network: Any, group: str
) -> None:
    sets = compute.availability_sets
    domains = {"platformFaultDomainCount": 2, "platformUpdateDomainCount": 5}
    body = {"location": "eastus", "sku": {"name": "aligned"}, "properties": domains}
    made = sets.create_or_update(group, "set", body)
    names = []
    for name in ("a", "b"):
        vm = machine(interface(network, group, f"nic-{name}"), availabilitySet={"id": made.id})
        vm["properties"]["storageProfile"]["osDisk"]["name"] = f"boot-{name}"
        compute.virtual_machines.begin_create_or_update(group, name, vm).result()
        view = compute.virtual_machines.instance_view(group, name)
        names.append((view.platform_fault_domain, view.platform_update_domain))
    assert names == [(0, 0), (1, 1)]
    seen = sets.get(group, "set")["properties"]["virtualMachines"]
    assert [each["id"].rsplit("/", 1)[1] for each in seen] == ["a", "b"]
    with pytest.raises(HttpResponseError, match="cannot be deleted"):
        sets.delete(group, "set")
    with pytest.raises(HttpResponseError, match="PropertyChangeNotAllowed"):
        sets.create_or_update(
            group, "set", {**body, "properties": {**domains, "platformFaultDomainCount": 3}}
        )
    for name in ("a", "b"):
        compute.virtual_machines.begin_delete(group, name).result()
    sets.delete(group, "set")
    assert list(sets.list(group)) == []


@pytest.mark.parametrize(
    "domains",
    [{"platformFaultDomainCount": 4}, {"platformUpdateDomainCount": 21}],
    ids=["fault", "update"],
)
def test_a_set_has_only_so_many_domains(compute: Any, group: str, domains: Any) -> None:
    body = {"location": "eastus", "sku": {"name": "Aligned"}, "properties": domains}
    with pytest.raises(HttpResponseError, match="must fall in the range"):
        compute.availability_sets.create_or_update(group, "set", body)


def test_a_classic_set_takes_no_machine_with_managed_disks(
    compute: Any, network: Any, group: str
) -> None:
    made = compute.availability_sets.create_or_update(group, "set", {"location": "eastus"})
    body = machine(interface(network, group), availabilitySet={"id": made.id})
    with pytest.raises(HttpResponseError, match="non-managed Availability Set"):
        compute.virtual_machines.begin_create_or_update(group, "one", body)
