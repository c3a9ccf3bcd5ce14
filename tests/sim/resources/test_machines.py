"""The life of a machine through the real SDK."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.msi import ManagedServiceIdentityClient
from tests.sim.resources.bodies import PASSWORD, attached, disk, interface, machine
from tests.sim.simulator import Simulator

from azuresim.faults import control

pytestmark = pytest.mark.sim


def _powers(compute: Any, group: str, name: str = "one") -> list[str]:
    view = compute.virtual_machines.instance_view(group, name)
    return [each.code for each in view.statuses if each.code.startswith("PowerState")]


@pytest.fixture
def nic(network: Any, group: str) -> str:
    """An interface to make a machine with."""
    return interface(network, group)


@pytest.fixture
def one(compute: Any, group: str, nic: str) -> Any:
    """A running machine."""
    return compute.virtual_machines.begin_create_or_update(group, "one", machine(nic)).result()


def test_a_machine_is_made_with_its_disk(
    compute: Any, network: Any, group: str, one: Any, nic: str
) -> None:
    assert one.etag == '"2"'
    assert one["properties"]["storageProfile"]["imageReference"]["exactVersion"] != "latest"
    boot = compute.disks.get(group, "boot")
    assert boot.managed_by == one.id
    assert boot["properties"]["diskState"] == "Attached"
    seen = network.network_interfaces.get(group, "nic")
    assert seen["properties"]["virtualMachine"]["id"] == one.id
    assert _powers(compute, group) == ["PowerState/running"]
    with pytest.raises(HttpResponseError, match="NicInUse"):
        network.network_interfaces.begin_delete(group, "nic")


def test_passwords_and_custom_data_are_told_to_nobody(
    compute: Any, shared_sim: Simulator, group: str, nic: str
) -> None:
    body = machine(nic)
    body["properties"]["osProfile"]["customData"] = "c2VjcmV0LWluc2lkZQ=="
    compute.virtual_machines.begin_create_or_update(group, "one", body).result()
    path = (
        f"{shared_sim.subscription}/resourceGroups/{group}/providers/Microsoft.Compute"
        "/virtualMachines/one?api-version=2025-04-01"
    )
    profile = shared_sim.send("GET", path).body["properties"]["osProfile"]
    assert not {"adminPassword", "customData"} & set(profile)
    files = [file for file in shared_sim.directory.iterdir() if file.is_file()]
    assert not [file for file in files if PASSWORD.encode() in file.read_bytes()]


def test_power_goes_where_it_is_sent(compute: Any, group: str, one: Any) -> None:
    machines = compute.virtual_machines
    machines.begin_power_off(group, "one").result()
    assert _powers(compute, group) == ["PowerState/stopped"]
    machines.begin_deallocate(group, "one").result()
    assert _powers(compute, group) == ["PowerState/deallocated"]
    assert compute.disks.get(group, "boot")["properties"]["diskState"] == "Reserved"
    with pytest.raises(HttpResponseError, match="OperationNotAllowed"):
        machines.begin_restart(group, "one")
    machines.begin_start(group, "one").result()
    for act in (machines.begin_restart, machines.begin_redeploy, machines.begin_reapply):
        act(group, "one").result()
        assert _powers(compute, group) == ["PowerState/running"]


def test_a_machine_that_stops_by_itself_stays_stopped(
    compute: Any, shared_sim: Simulator, group: str, nic: str
) -> None:
    compute.virtual_machines.begin_create_or_update(group, "crashing", machine(nic)).result()
    assert control.ask(shared_sim.directory, {"do": "machine.stop", "name": "crashing"}) == 1
    assert _powers(compute, group, "crashing") == ["PowerState/stopped"]
    compute.virtual_machines.begin_restart(group, "crashing").result()
    assert _powers(compute, group, "crashing") == ["PowerState/running"]


def test_lists_tell_the_power_when_asked(compute: Any, group: str, one: Any) -> None:
    machines = compute.virtual_machines
    (plain,) = machines.list(group)
    assert "instanceView" not in plain["properties"]
    (expanded,) = machines.list(group, expand="instanceView")
    assert expanded["properties"]["instanceView"]["statuses"]
    statuses = [each for each in machines.list_all(status_only="true") if each.id == one.id]
    assert statuses[0]["properties"]["instanceView"]["statuses"]
    assert one.id in {each.id for each in machines.list_by_location("eastus")}
    assert one.id not in {each.id for each in machines.list_by_location("westus")}
    assert list(machines.list(group, filter="'virtualMachineScaleSet/id' eq 'x'")) == []


@pytest.mark.parametrize(
    ("where", "value", "target"),
    [
        ("osProfile.computerName", "two", "computerName"),
        ("osProfile.adminUsername", "root", "adminUsername"),
        ("osProfile.adminPassword", "Other-Horse-8", "adminPassword"),
        ("osProfile.customData", "Yg==", "customData"),
        ("storageProfile.imageReference.offer", "debian-12", "imageReference"),
        ("storageProfile.osDisk.name", "other", "osDisk.name"),
        ("storageProfile.osDisk.createOption", "Attach", "osDisk.createOption"),
    ],
    ids=lambda value: str(value)[-24:],
)
def test_what_is_for_life_does_not_change(
    compute: Any, group: str, one: Any, nic: str, where: str, value: str, target: str
) -> None:
    body = machine(nic)
    *path, last = where.split(".")
    inner = body["properties"]
    for name in path:
        inner = inner[name]
    inner[last] = value
    with pytest.raises(HttpResponseError) as caught:
        compute.virtual_machines.begin_create_or_update(group, "one", body)
    assert caught.value.status_code == 409
    assert caught.value.error is not None
    assert caught.value.error.code == "PropertyChangeNotAllowed"
    assert caught.value.error.target == target


def test_a_zone_is_one_that_the_region_has(compute: Any, group: str) -> None:
    wrong = (
        ("eastus", "4", "InvalidAvailabilityZone"),
        ("westus", "1", "LocationNotSupportAvailabilityZones"),
    )
    for location, zone, code in wrong:
        body = {**disk(), "location": location, "zones": [zone]}
        with pytest.raises(HttpResponseError, match=code):
            compute.disks.begin_create_or_update(group, "one", body)
    assert list(compute.disks.list_by_resource_group(group)) == []


def test_zone_and_set_are_for_life(compute: Any, group: str, nic: str) -> None:
    body = {**machine(nic), "zones": ["1"]}
    compute.virtual_machines.begin_create_or_update(group, "one", body).result()
    assert compute.disks.get(group, "boot").zones == ["1"]
    with pytest.raises(HttpResponseError, match="'zones'"):
        compute.virtual_machines.begin_create_or_update(group, "one", {**body, "zones": ["2"]})
    made = compute.availability_sets.create_or_update(
        group, "set", {"location": "eastus", "sku": {"name": "Aligned"}}
    )
    body["properties"]["availabilitySet"] = {"id": made.id}
    with pytest.raises(HttpResponseError, match=r"'availabilitySet\.id'"):
        compute.virtual_machines.begin_create_or_update(group, "one", body)


def test_data_disks_come_and_go(compute: Any, group: str, one: Any, nic: str) -> None:
    own = compute.disks.begin_create_or_update(group, "data", disk()).result()
    body = machine(nic)
    storage = body["properties"]["storageProfile"]
    storage["dataDisks"] = [
        attached(own.id, 0, deleteOption="Detach"),
        {"lun": 1, "createOption": "Empty", "diskSizeGB": 8, "deleteOption": "Delete"},
    ]
    made = compute.virtual_machines.begin_create_or_update(group, "one", body).result()
    entries = made["properties"]["storageProfile"]["dataDisks"]
    assert [each["diskSizeGB"] for each in entries] == [32, 8]
    assert compute.disks.get(group, "data").managed_by == one.id
    storage["dataDisks"] = [attached(own.id, 3)]
    with pytest.raises(HttpResponseError, match=r"dataDisk\.lun"):
        compute.virtual_machines.begin_create_or_update(group, "one", body)
    storage["dataDisks"] = []
    compute.virtual_machines.begin_create_or_update(group, "one", body).result()
    assert compute.disks.get(group, "data")["properties"]["diskState"] == "Unattached"


def test_two_disks_cannot_be_in_one_place(compute: Any, group: str, nic: str) -> None:
    body = machine(nic)
    empty = {"lun": 1, "createOption": "Empty", "diskSizeGB": 8}
    body["properties"]["storageProfile"]["dataDisks"] = [empty, dict(empty)]
    with pytest.raises(HttpResponseError, match="LUN 1"):
        compute.virtual_machines.begin_create_or_update(group, "one", body)
    assert list(compute.disks.list_by_resource_group(group)) == []


def test_what_goes_with_a_machine_is_as_it_says(
    compute: Any, network: Any, group: str, nic: str
) -> None:
    kept = compute.disks.begin_create_or_update(group, "kept", disk()).result()
    body = machine(nic)
    body["properties"]["storageProfile"]["dataDisks"] = [
        attached(kept.id, 0),
        {"lun": 1, "name": "gone", "createOption": "Empty", "diskSizeGB": 8,
         "deleteOption": "Delete"},
    ]  # fmt: skip
    body["properties"]["networkProfile"]["networkInterfaces"][0]["properties"] = {
        "deleteOption": "Delete"
    }
    compute.virtual_machines.begin_create_or_update(group, "one", body).result()
    compute.virtual_machines.begin_delete(group, "one").result()
    assert [each.name for each in compute.disks.list_by_resource_group(group)] == ["kept"]
    with pytest.raises(ResourceNotFoundError):
        network.network_interfaces.get(group, "nic")


def test_a_boot_disk_that_stays_can_only_be_attached(compute: Any, group: str, nic: str) -> None:
    body = machine(nic)
    disk_entry = body["properties"]["storageProfile"]["osDisk"]
    del disk_entry["deleteOption"]
    compute.virtual_machines.begin_create_or_update(group, "one", body).result()
    compute.virtual_machines.begin_delete(group, "one").result()
    boot = compute.disks.get(group, "boot")
    with pytest.raises(HttpResponseError, match=r"Only CreateOption\.Attach is supported"):
        compute.virtual_machines.begin_create_or_update(group, "one", body)
    del body["properties"]["osProfile"], body["properties"]["storageProfile"]["imageReference"]
    disk_entry |= {"createOption": "Attach", "osType": "Linux", "managedDisk": {"id": boot.id}}
    compute.virtual_machines.begin_create_or_update(group, "one", body).result()
    assert compute.disks.get(group, "boot").managed_by.endswith("/one")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"hardwareProfile": {"vmSize": "Standard_Huge"}}, "InvalidParameter"),
        ({"networkProfile": {"networkInterfaces": []}}, "InvalidParameter"),
        ({"osProfile": {"computerName": "one"}}, "InvalidParameter"),
        ({"osProfile": {"adminUsername": "azureuser"}}, "InvalidParameter"),
        (
            {"storageProfile": {
                "imageReference": {
                    "publisher": "Nobody", "offer": "x", "sku": "y", "version": "latest"
                },
                "osDisk": {"createOption": "FromImage"},
            }},
            "PlatformImageNotFound",
        ),
    ],
    ids=["size", "no interface", "no user", "no login", "image"],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(
    compute: Any, group: str, nic: str, change: Any, code: str
) -> None:
    with pytest.raises(HttpResponseError) as caught:
        compute.virtual_machines.begin_create_or_update(group, "one", machine(nic, **change))
    assert caught.value.error is not None
    assert caught.value.error.code == code
    assert list(compute.virtual_machines.list(group)) == []
    assert list(compute.disks.list_by_resource_group(group)) == []


def test_an_interface_serves_one_machine(compute: Any, group: str, one: Any, nic: str) -> None:
    body = machine(nic)
    body["properties"]["storageProfile"]["osDisk"]["name"] = "boot-two"
    with pytest.raises(HttpResponseError, match="NicInUse"):
        compute.virtual_machines.begin_create_or_update(group, "two", body)
    missing = machine(f"{nic}-gone")
    with pytest.raises(HttpResponseError, match="InvalidResourceReference"):
        compute.virtual_machines.begin_create_or_update(group, "three", missing)


def test_tags_size_and_identity_can_be_patched(
    compute: Any, shared_sim: Simulator, group: str, one: Any
) -> None:
    machines = compute.virtual_machines
    with shared_sim.client(ManagedServiceIdentityClient) as identities:
        shared = identities.user_assigned_identities.create_or_update(
            group, "who", {"location": "eastus"}
        )
    wanted = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {shared.id: {}}}
    changed = machines.begin_update(
        group,
        "one",
        {
            "tags": {"a": "1"},
            "identity": wanted,
            "properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v5"}},
        },
    ).result()
    assert changed.tags == {"a": "1"}
    assert changed.identity.principal_id
    found = changed.identity.user_assigned_identities[shared.id]
    assert (found.principal_id, found.client_id) == (
        shared.principal_id,
        shared.client_id,
    )
    listed = control.ask(shared_sim.directory, {"do": "machine.list"})
    assert {each["boots"] for each in listed if each["id"] == one.id} == {2}
    with pytest.raises(HttpResponseError, match="FailedIdentityOperation"):
        machines.begin_update(
            group,
            "one",
            {
                "identity": {
                    "type": "UserAssigned",
                    "userAssignedIdentities": {f"{shared.id}-gone": {}},
                }
            },
        )


def test_there_are_sizes_skus_images_and_usages(compute: Any, group: str, one: Any) -> None:
    sizes = {each.name: each for each in compute.virtual_machine_sizes.list("eastus")}
    assert sizes["Standard_D2s_v5"].number_of_cores == 2
    assert list(compute.virtual_machines.list_available_sizes(group, "one"))
    skus = list(compute.resource_skus.list(filter="location eq 'eastus'"))
    assert {each.resource_type for each in skus} >= {"virtualMachines", "disks"}
    images = compute.virtual_machine_images
    versions = images.list("eastus", "canonical", "ubuntu-24_04-lts", "server", top=1,
                           orderby="name desc")  # fmt: skip
    newest = images.get("eastus", "Canonical", "ubuntu-24_04-lts", "server", "latest")
    assert [each.name for each in versions] == [newest.name]
    assert "Debian" in {each.name for each in images.list_publishers("eastus")}
    usages = {each.name.value: each.current_value for each in compute.usage.list("eastus")}
    assert usages["virtualMachines"] >= 1
    with pytest.raises(ResourceNotFoundError):
        images.list_offers("eastus", "Nobody")
