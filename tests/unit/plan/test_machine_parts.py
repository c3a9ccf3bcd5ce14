"""Machines, disks and roles, in detail."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.plan.clusters import (
    STANDBY,
    Operator,
    made,
    made_sample,
    names,
    nothing_there,
    sample,
)

from hacluster.model.azure import SecretKey
from hacluster.model.ids import ArmId, key, name_of
from hacluster.model.observed import Snapshot, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan import machine, os_disk, parts, roles
from hacluster.plan.settle import describe
from hacluster.plan.steps import Delete, Pending, Put, Refuse, Step
from hacluster.plan.view import View

Change = Callable[[dict[str, Any]], object]
ILB = "internal-load-balancer"


def body_of(view: View, index: int = 0) -> dict[str, Any]:
    return dict(machine.desired(view)[index].body)


def put_of(steps: tuple[Step, ...], kind: str) -> Put:
    return next(step for step in steps if isinstance(step, Put) and f"/{kind}/" in step.id)


def test_the_guides_machine() -> None:
    view = View.of(sample(ILB))
    properties = body_of(view)["properties"]
    assert properties["hardwareProfile"] == {"vmSize": "Standard_A1_v2"}
    assert properties["availabilitySet"] == {"id": view.names.availability_set}
    (disk,) = properties["storageProfile"]["dataDisks"]
    assert (disk["name"], disk["lun"], disk["createOption"]) == ("node-1Blob1", 0, "Attach")
    assert (disk["caching"], disk["deleteOption"]) == ("None", "Detach")
    assert properties["osProfile"]["adminPassword"] == SecretKey(
        name="cluster1-admin", key="password"
    )
    linux = properties["osProfile"]["linuxConfiguration"]
    assert linux["disablePasswordAuthentication"] is False
    assert isinstance(properties["diagnosticsProfile"]["bootDiagnostics"]["storageUri"], Pending)
    assert "zones" not in body_of(view)


def test_keys_zones_and_the_account_once_it_is_known() -> None:
    operator = made_sample("minimal")
    body = body_of(operator.view(), 1)
    assert body["zones"] == ["2"]
    linux = body["properties"]["osProfile"]["linuxConfiguration"]
    assert linux["disablePasswordAuthentication"] is True
    assert linux["ssh"]["publicKeys"][0]["path"] == "/home/azureuser/.ssh/authorized_keys"
    diagnostics = body["properties"]["diagnosticsProfile"]["bootDiagnostics"]
    assert diagnostics["storageUri"] == "https://store.blob.example/"


def windows(spec: dict[str, Any]) -> None:
    spec["machines"] |= {
        "operatingSystem": "Windows",
        "admin": {"username": "boss", "passwordSecretRef": {"name": "s", "key": "p"}},
    }
    spec["cluster"] = {"nodeAgent": "External"}
    spec["access"]["loadBalancer"]["probe"] = {"protocol": "TCP"}


def test_windows_has_its_own_profile() -> None:
    profile = body_of(View.of(sample("minimal", windows)))["properties"]["osProfile"]
    assert profile["windowsConfiguration"] == {"provisionVMAgent": True}
    assert "linuxConfiguration" not in profile
    assert isinstance(profile["adminPassword"], SecretKey)


def test_a_password_is_sent_once_and_never_compared() -> None:
    operator = made_sample(ILB)
    operator.assessment = STANDBY
    node = operator.view().names.machine(operator.cluster.spec.nodes[1])
    operator.azure.change(node)["properties"]["hardwareProfile"]["vmSize"] = "Standard_B1s"
    step = put_of(parts.plan(operator.view()), "virtualMachines")
    assert "adminPassword" not in step.body["properties"]["osProfile"]
    assert [one.path for one in step.changes] == ["properties.hardwareProfile.vmSize"]


def grown(spec: dict[str, Any]) -> None:
    spec["machines"]["size"] = "Standard_B4ms"


def test_a_new_size_reaches_the_standby_and_waits_for_the_active_node() -> None:
    operator = made_sample(ILB)
    operator.cluster = sample(ILB, grown)
    assert operator.gated().allowed == ()
    operator.assessment = STANDBY
    operator.run()
    sizes = [
        operator.azure.bodies[key(operator.view().names.machine(node))]["properties"][
            "hardwareProfile"
        ]["vmSize"]
        for node in operator.cluster.spec.nodes
    ]
    assert sizes == ["Standard_A1_v2", "Standard_B4ms"]
    (held,) = operator.gated().held
    assert held.reason == Reason.DISRUPTION_HELD
    assert "move the groups" in held.why


def another_image(spec: dict[str, Any]) -> None:
    spec["machines"]["image"]["sku"] = "13-gen2"


def rebuilding(change: Change) -> Change:
    def changed(spec: dict[str, Any]) -> None:
        change(spec)
        spec["management"] = {"replacement": "OneAtATime"}

    return changed


def test_another_image_is_refused() -> None:
    operator = made_sample(ILB)
    operator.cluster = sample(ILB, another_image)
    refusals = parts.plan(operator.view())
    assert [type(one) for one in refusals] == [Refuse, Refuse]
    assert all("OneAtATime" in one.why for one in refusals)
    assert operator.gated().allowed == ()


def test_a_standby_is_made_again_and_keeps_its_data() -> None:
    operator = made_sample(ILB)
    operator.cluster = sample(ILB, rebuilding(another_image))
    disks = {one for one in operator.azure.ids if "/disks/" in one and not one.endswith("-os")}
    addresses = {one for one in operator.azure.ids if "/networkinterfaces/" in one}
    assert operator.gated().allowed == ()  # Who is active is not known.
    operator.assessment = STANDBY
    operator.run()
    images = {
        node.name: operator.azure.bodies[key(operator.view().names.machine(node))]["properties"][
            "storageProfile"
        ]["imageReference"]["sku"]
        for node in operator.cluster.spec.nodes
    }
    assert images == {"node-1": "12-gen2", "node-2": "13-gen2"}
    assert disks | addresses <= operator.azure.ids.keys()
    deleted = {name_of(one.id) for one in operator.azure.writes if isinstance(one, Delete)}
    assert deleted <= {"node-2"} | {
        name_of(one.id) for one in operator.azure.writes if "Auth" in one.id
    }


def other_zone(spec: dict[str, Any]) -> None:
    spec["nodes"][1]["zone"] = "3"


def test_a_machine_moves_to_another_zone_only_without_data() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("minimal", rebuilding(other_zone))
    assert Delete in {type(step) for step in parts.plan(operator.view())}

    def with_disk(spec: dict[str, Any]) -> None:
        spec["nodes"][1]["dataDisks"] = [{"name": "d", "sizeGiB": 4, "lun": 0}]

    def both(spec: dict[str, Any]) -> None:
        with_disk(spec)
        other_zone(spec)

    operator = made(sample("minimal", with_disk))
    operator.cluster = sample("minimal", rebuilding(both))
    assert {type(step) for step in parts.plan(operator.view())} == {Refuse}


def test_what_making_again_cannot_settle_stays_refused() -> None:
    operator = made_sample(ILB)
    operator.cluster = sample(ILB, rebuilding(another_image))
    node = operator.view().names.machine(operator.cluster.spec.nodes[1])
    operator.azure.change(node)["location"] = "westeurope"
    steps = [step for step in parts.plan(operator.view()) if key(step.id) == key(node)]
    assert [type(step) for step in steps] == [Refuse]


def lost_machine() -> tuple[Operator, ArmId, ArmId]:
    """Return a cluster whose second machine is gone, and its boot disk is not."""
    operator = made_sample(ILB)
    node = operator.cluster.spec.nodes[1]
    machine_id, disk = operator.view().names.machine(node), operator.view().names.os_disk(node)
    operator.azure.remove(machine_id)
    return operator, machine_id, disk


def test_a_boot_disk_left_over_is_removed_and_the_machine_made() -> None:
    operator, machine_id, disk = lost_machine()
    assert key(disk) in operator.inventory or disk in operator.inventory
    operator.run()
    assert {key(machine_id), key(disk)} <= operator.azure.bodies.keys()


@pytest.mark.parametrize("holder", ["", "another"], ids=["not ours", "attached elsewhere"])
def test_a_boot_disk_of_others_stands_in_the_way(holder: str) -> None:
    operator, machine_id, disk = lost_machine()
    if holder:
        operator.azure.bodies[key(disk)]["managedBy"] = f"{machine_id}-{holder}"
    else:
        operator.inventory = ()
    refusals = [step for step in parts.plan(operator.view()) if isinstance(step, Refuse)]
    assert [one.reason for one in refusals] == [Reason.ADOPTION_REQUIRED]
    operator.run()
    assert key(machine_id) not in operator.azure.bodies


def test_a_boot_disk_that_is_just_going_is_waited_for() -> None:
    operator, machine_id, disk = lost_machine()
    operator.azure.bodies[key(disk)]["managedBy"] = machine_id
    assert key(machine_id) not in {key(step.id) for step in parts.plan(operator.view())}
    view = operator.view()
    unknown = Unknown(id=disk, why="503", reason="AzureUnreachable")
    resources = {**view.seen.resources, key(disk): unknown}
    blind = View.of(operator.cluster, seen=Snapshot(resources=resources))
    assert os_disk.leftover(blind, operator.cluster.spec.nodes[1]) == ()


def test_a_disk_grows_and_never_shrinks() -> None:
    def sized(size: int) -> Change:
        def change(spec: dict[str, Any]) -> None:
            spec["nodes"][0]["dataDisks"][0]["sizeGiB"] = size

        return change

    operator = made_sample(ILB)
    operator.cluster = sample(ILB, sized(40))
    operator.run()
    disk = operator.view().names.data_disk(operator.cluster.spec.nodes[0].data_disks[0])
    assert operator.azure.bodies[key(disk)]["properties"]["diskSizeGB"] == 40
    operator.cluster = sample(ILB, sized(10))
    (refusal,) = parts.plan(operator.view())
    assert isinstance(refusal, Refuse)
    assert "never shrinks" in refusal.why


def test_a_foreign_disk_stays_attached_and_ours_is_detached_only_from_a_standby() -> None:
    operator = made_sample(ILB)
    node = operator.cluster.spec.nodes[0]
    group, machine_id = operator.view().names.resource_group, operator.view().names.machine(node)
    theirs = ArmId(f"{group}/providers/Microsoft.Compute/disks/theirs")
    operator.azure.put(theirs, {"location": "japaneast"})
    profile = operator.azure.change(machine_id)["properties"]["storageProfile"]
    profile["dataDisks"].append({"name": "theirs", "lun": 9, "managedDisk": {"id": theirs}})
    assert parts.plan(operator.view()) == ()

    def diskless(spec: dict[str, Any]) -> None:
        del spec["nodes"][0]["dataDisks"]
        spec["cluster"]["failoverGroups"][0]["resources"].pop(0)

    operator.cluster = sample(ILB, diskless)
    operator.assessment = STANDBY
    operator.run()
    attached = operator.azure.bodies[key(machine_id)]["properties"]["storageProfile"]["dataDisks"]
    assert {one["name"] for one in attached} == {"node-1Blob1", "theirs"}
    operator.assessment = type(STANDBY)(active="node-2", serving=("node-2",))
    operator.run()
    attached = operator.azure.bodies[key(machine_id)]["properties"]["storageProfile"]["dataDisks"]
    assert {one["name"] for one in attached} == {"theirs"}
    assert "node-1Blob1" in names(operator.azure.ids.values())  # Data is never thrown away.


def shared(sku: str, zones: tuple[str, str]) -> Change:
    def change(spec: dict[str, Any]) -> None:
        for node, zone in zip(spec["nodes"], zones, strict=True):
            node["zone"] = zone
        resource = {"name": "data", "type": "SharedDisk"}
        mount = {"disk": {"lun": 3}, "sizeGiB": 64, "sku": sku, "mountPath": "/srv/shared"}
        group = spec["cluster"]["failoverGroups"][0]
        group["resources"].insert(0, {**resource, "sharedDisk": mount})

    return change


def test_a_shared_disk_is_attached_to_all_nodes() -> None:
    operator = made(sample("minimal", shared("Premium_ZRS", ("1", "2"))))
    disk = next(body for one, body in operator.azure.bodies.items() if one.endswith("/web-data"))
    assert disk["properties"]["maxShares"] == 2
    assert "zones" not in disk
    for node in operator.cluster.spec.nodes:
        body = operator.azure.bodies[key(operator.view().names.machine(node))]
        assert [one["lun"] for one in body["properties"]["storageProfile"]["dataDisks"]] == [3]


def test_a_local_disk_can_be_shared_within_one_zone_only() -> None:
    one_zone = made(sample("minimal", shared("Premium_LRS", ("2", "2"))))
    disk = next(body for one, body in one_zone.azure.bodies.items() if one.endswith("/web-data"))
    assert disk["zones"] == ["2"]
    steps = parts.plan(nothing_there(sample("minimal", shared("Premium_LRS", ("1", "2")))))
    assert [step.reason for step in steps if isinstance(step, Refuse)] == [Reason.REFUSED]


def test_another_identity_stays() -> None:
    operator = made_sample("minimal")
    node = operator.view().names.machine(operator.cluster.spec.nodes[0])
    identity = operator.azure.change(node)["identity"]
    identity["type"] = "SystemAssigned, UserAssigned"
    identity["userAssignedIdentities"]["/subscriptions/x/theirs"] = {}
    assert parts.plan(operator.view()) == ()


def test_the_nodes_may_do_little_and_only_at_their_own_places() -> None:
    view = View.of(sample("azure-dns"))
    role, *assignments = roles.desired(view)
    (permissions,) = role.body["properties"]["permissions"]
    assert not any("*" in action for action in permissions["actions"])
    assert permissions["dataActions"] == []
    assert {describe(one.id) for one in assignments} == {
        f"roleAssignments at containers/{name_of(view.names.container)}",
        "roleAssignments at virtualMachines/node-1",
        "roleAssignments at virtualMachines/node-2",
        "roleAssignments at dnsZones/cluster1.zone",
    }


def test_in_a_zone_of_somebody_else_the_nodes_may_write_their_record_alone() -> None:
    def shared(spec: dict[str, Any]) -> None:
        spec["access"]["dns"]["manageZone"] = False

    scopes = {describe(one.id) for one in roles.desired(View.of(sample("azure-dns", shared)))}
    assert {"roleAssignments at A/test-record1", "roleAssignments at NS/@"} <= scopes
    assert "roleAssignments at dnsZones/cluster1.zone" not in scopes


def sas(spec: dict[str, Any]) -> None:
    spec["cluster"]["store"] = {"access": "SAS"}


def test_where_no_role_may_be_assigned_none_is() -> None:
    assert roles.desired(View.of(sample("minimal", sas))) == ()


def test_an_assignment_to_an_old_identity_is_made_again() -> None:
    operator = made_sample("minimal")
    identity = operator.view().names.identity
    operator.azure.change(identity)["properties"]["principalId"] = "p-2"
    operator.run()
    principals = {
        body["properties"]["principalId"]
        for one, body in operator.azure.bodies.items()
        if "/roleassignments/" in one
    }
    assert principals == {"p-2"}
    assert parts.plan(operator.view()) == ()


ACCOUNT = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/"
    "Microsoft.Storage/storageAccounts/shared"
)


def existing_store(resource: str) -> Change:
    def change(spec: dict[str, Any]) -> None:
        spec["cluster"]["store"] = {"existing": {"id": resource}}

    return change


def test_an_existing_account_gets_a_container_of_ours_and_nothing_else() -> None:
    operator = Operator(made_sample("minimal").azure, sample("minimal", existing_store(ACCOUNT)))
    operator.azure.put(ArmId(ACCOUNT), {"location": "westeurope"})
    before = copy.deepcopy(operator.azure.bodies[key(ACCOUNT)])
    steps = parts.plan(operator.view())
    assert {
        one.id for one in steps if key(one.id).startswith(key(ACCOUNT)) and "Auth" not in one.id
    } == {operator.view().names.container}
    operator.run()
    assert operator.azure.bodies[key(ACCOUNT)] == before
    diagnostics = body_of(operator.view())["properties"]["diagnosticsProfile"]
    assert diagnostics == {"bootDiagnostics": {"enabled": True}}


def test_a_missing_account_is_refused() -> None:
    steps = parts.plan(nothing_there(sample("minimal", existing_store(ACCOUNT))))
    refused = [step for step in steps if isinstance(step, Refuse)]
    assert [(one.id, one.reason) for one in refused] == [(ACCOUNT, Reason.EXISTING_NOT_FOUND)]


def test_an_existing_container_is_only_looked_up() -> None:
    container = f"{ACCOUNT}/blobServices/default/containers/meeting"
    cluster = sample("minimal", existing_store(container))
    refused = [one for one in parts.plan(nothing_there(cluster)) if isinstance(one, Refuse)]
    assert [one.id for one in refused] == [container]
    planned = {one.id for one in parts.wanted(View.of(cluster))}
    assert not any(one.startswith(ACCOUNT) and "Authorization" not in one for one in planned)


def test_an_image_by_id_and_a_bigger_boot_disk() -> None:
    image = f"{ACCOUNT.partition('/providers/')[0]}/providers/Microsoft.Compute/images/golden"

    def golden(spec: dict[str, Any]) -> None:
        spec["machines"] |= {"image": {"id": image}, "osDisk": {"sizeGiB": 64}}
        spec["machines"]["bootDiagnostics"] = {"enabled": False}

    properties = body_of(View.of(sample("minimal", golden)))["properties"]
    assert properties["storageProfile"]["imageReference"] == {"id": image}
    assert properties["storageProfile"]["osDisk"]["diskSizeGB"] == 64
    assert properties["diagnosticsProfile"] == {"bootDiagnostics": {"enabled": False}}
