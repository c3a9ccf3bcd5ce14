"""What holds for every part alike: see the table in `plan.settle`."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.plan.clusters import Operator, made_sample, nothing_there, sample

from hacluster.model.ids import ArmId, key, name_of
from hacluster.model.observed import Absent, Present, Seen, Snapshot, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan import deletion, parts
from hacluster.plan.steps import Delete, Put, Refuse, Step
from hacluster.plan.view import View
from hacluster.plan.wanted import Wanted

WANTED = [
    (name, one)
    for name in ("azure-dns", "public-load-balancer", "minimal")
    for one in parts.wanted(View.of(sample(name)))
]


def cases(condition: Callable[[Wanted], bool]) -> pytest.MarkDecorator:
    """Return the parametrization over all parts that something holds for."""
    found = [(name, one.id) for name, one in WANTED if condition(one)]
    labels = [f"{name}:{'/'.join(one.rsplit('/', 2)[-2:])}" for name, one in found]
    return pytest.mark.parametrize(("name", "resource"), found, ids=labels)


def is_group(one: Wanted) -> bool:
    """A group is used as it is, whoever made it."""
    return "/providers/" not in one.id


def is_subnet(one: Wanted) -> bool:
    """A subnet is its network's."""
    return "/subnets/" in one.id


every_part = cases(lambda _: True)
marked_part = cases(lambda one: not is_group(one) and not is_subnet(one))
regional_part = cases(lambda one: "location" in one.body and not is_group(one))
tagged_part = cases(lambda one: "tags" in one.body)


def view_with(operator: Operator, resource: ArmId, seen: Seen) -> View:
    """Return what an operator sees, but for one thing."""
    view = operator.view()
    resources = {**view.seen.resources, key(resource): seen}
    return replace(view, seen=Snapshot(resources=resources), inventory=frozenset())


def steps_for(view: View, resource: ArmId) -> list[Step]:
    return [step for step in parts.plan(view) if key(step.id) == key(resource)]


def body_of(operator: Operator, resource: ArmId) -> dict[str, Any]:
    seen = operator.view().present(resource)
    assert seen is not None
    return copy.deepcopy(dict(seen.body))


def without_marks(body: dict[str, Any]) -> dict[str, Any]:
    body["tags"] = {"made-by": "somebody"}
    body["properties"].pop("metadata", None)
    body["properties"].pop("description", None)
    return body


def marked(body: dict[str, Any], owner: str, uid: str) -> dict[str, Any]:
    body["tags"] = {"hacluster-owner": owner, "hacluster-uid": uid}
    if "metadata" in body["properties"]:
        body["properties"]["metadata"] = {"hacluster_owner": owner, "hacluster_uid": uid}
    if "description" in body["properties"]:
        body["properties"]["description"] = f"hacluster-owner={owner} hacluster-uid={uid}"
    return body


@every_part
def test_what_is_missing_is_created(name: str, resource: ArmId) -> None:
    (step,) = steps_for(nothing_there(sample(name)), resource)
    assert isinstance(step, Put)
    assert (step.creates, step.etag, step.changes, step.disrupts) == (True, None, (), None)


@every_part
def test_what_is_unknown_yields_no_step(name: str, resource: ArmId) -> None:
    unknown = Unknown(id=resource, why="403", reason="Denied")
    assert steps_for(view_with(made_sample(name), resource, unknown), resource) == []


@every_part
def test_what_is_in_progress_yields_no_step(name: str, resource: ArmId) -> None:
    operator = made_sample(name)
    body = body_of(operator, resource)
    body["properties"] = {"provisioningState": "Updating"}
    assert steps_for(view_with(operator, resource, Present(id=resource, body=body)), resource) == []


@every_part
def test_what_failed_is_put_again(name: str, resource: ArmId) -> None:
    operator = made_sample(name)
    body = body_of(operator, resource)
    body["properties"]["provisioningState"] = "Failed"
    seen = Present(id=resource, body=body, etag='W/"7"')
    (step,) = steps_for(view_with(operator, resource, seen), resource)
    assert isinstance(step, Put)
    assert (step.etag, step.changes) == ('W/"7"', ())
    assert "Failed" in step.why


@marked_part
def test_what_is_not_ours_is_left_alone(name: str, resource: ArmId) -> None:
    operator = made_sample(name)
    seen = Present(id=resource, body=without_marks(body_of(operator, resource)))
    steps = steps_for(view_with(operator, resource, seen), resource)
    assert [(type(one), getattr(one, "reason", "")) for one in steps] == [
        (Refuse, Reason.ADOPTION_REQUIRED)
    ]


def test_a_group_of_others_is_used_as_it_is() -> None:
    operator = made_sample("minimal")
    group = operator.view().names.resource_group
    body = body_of(operator, group) | {"tags": {}, "location": "westeurope"}
    assert steps_for(view_with(operator, group, Present(id=group, body=body)), group) == []


ADOPTIONS = [
    ("Never", None, False),
    ("IfTagged", None, False),
    ("Always", None, True),
    ("Never", "ours", False),
    ("IfTagged", "ours", True),
    ("Always", "ours", True),
    ("Never", "another", False),
    ("IfTagged", "another", False),
    ("Always", "another", False),
]


@pytest.mark.parametrize(("adoption", "owner", "is_adopted"), ADOPTIONS)
@pytest.mark.parametrize(
    "what", ["load_balancer", "container", "role_definition", "security_group", "identity"]
)
def test_adoption_follows_the_tags(
    what: str, adoption: str, owner: str | None, *, is_adopted: bool
) -> None:
    def allow(spec: dict[str, Any]) -> None:
        spec["management"] = {"adoption": adoption}

    operator = made_sample("internal-load-balancer")
    operator.cluster = sample("internal-load-balancer", allow)
    resource = getattr(operator.view().names, what)
    body = body_of(operator, resource)
    if owner is None:
        body = without_marks(body)
    else:
        named = operator.view().names.owner if owner == "ours" else "default/another"
        body = marked(body, named, "earlier-uid")
    (step,) = steps_for(view_with(operator, resource, Present(id=resource, body=body)), resource)
    assert isinstance(step, Put) is is_adopted
    if isinstance(step, Refuse):
        wanted = Reason.OWNED_BY_ANOTHER if owner == "another" else Reason.ADOPTION_REQUIRED
        assert step.reason == wanted


@regional_part
def test_another_region_is_refused_and_says_what_to_do(name: str, resource: ArmId) -> None:
    operator = made_sample(name)
    body = body_of(operator, resource)
    body["location"] = "westeurope"
    seen = Present(id=resource, body=body)
    (step,) = steps_for(view_with(operator, resource, seen), resource)
    assert isinstance(step, Refuse)
    assert (step.reason, step.blocks) == (Reason.IMMUTABLE_DIFFERENCE, False)
    assert "azure.location" in step.why


@tagged_part
def test_foreign_tags_stay(name: str, resource: ArmId) -> None:
    operator = made_sample(name)
    body = body_of(operator, resource)
    body["tags"] |= {"cost-centre": "42"}
    assert steps_for(view_with(operator, resource, Present(id=resource, body=body)), resource) == []

    def tag(spec: dict[str, Any]) -> None:
        spec["azure"]["tags"] = {"team": "ha"}

    operator.cluster = sample(name, tag)
    seen = Present(id=resource, body=body)
    (step,) = steps_for(view_with(operator, resource, seen), resource)
    assert isinstance(step, Put)
    assert step.body["tags"]["cost-centre"] == "42"
    assert step.body["tags"]["team"] == "ha"


def _policy(policy: str) -> Any:
    def change(spec: dict[str, Any]) -> None:
        spec["management"] = {"deletionPolicy": policy}

    return change


@pytest.mark.parametrize(
    ("management", "left"),
    [
        ({"deletionPolicy": "Delete"}, set()),
        ({"deletionPolicy": "RetainDisks"}, {"TestGroup1", "node-1Blob1", "node-2Blob1"}),
    ],
    ids=["Delete", "RetainDisks"],
)
def test_the_deletion_policy_says_what_goes(management: Mapping[str, str], left: set[str]) -> None:
    operator = made_sample("internal-load-balancer")
    operator.cluster = sample(
        "internal-load-balancer", lambda spec: spec.update(management=management)
    )
    operator.delete()
    assert {name_of(one) for one in operator.azure.ids.values()} == left
    assert deletion.is_complete(operator.view(members=True))


@pytest.mark.parametrize("management", [{"deletionPolicy": "Retain"}, {"mode": "Observe"}])
def test_retain_and_observe_delete_nothing(management: Mapping[str, str]) -> None:
    operator = made_sample("internal-load-balancer")
    operator.cluster = sample(
        "internal-load-balancer", lambda spec: spec.update(management=management)
    )
    before = copy.deepcopy(operator.azure.bodies)
    operator.delete()
    assert operator.azure.bodies == before
    assert deletion.is_complete(operator.view(members=True))


def test_a_paused_deletion_waits() -> None:
    operator = made_sample("internal-load-balancer")
    operator.cluster = sample(
        "internal-load-balancer", lambda spec: spec.update(management={"paused": True})
    )
    before = copy.deepcopy(operator.azure.bodies)
    operator.delete()
    assert operator.azure.bodies == before
    assert not deletion.is_complete(operator.view(members=True))


def test_a_group_with_foreign_things_is_not_deleted() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("minimal", _policy("Delete"))
    group = operator.view().names.resource_group
    foreign = ArmId(f"{group}/providers/Microsoft.Compute/disks/somebodys")
    operator.azure.put(foreign, {"location": "japaneast"})
    operator.delete()
    assert {name_of(one) for one in operator.azure.ids.values()} == {"web-ha", "somebodys"}
    assert deletion.is_complete(operator.view(members=True))


def test_a_group_that_is_not_ours_is_not_deleted() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("minimal", _policy("Delete"))
    operator.azure.change(operator.view().names.resource_group)["tags"] = {}
    operator.delete()
    assert {name_of(one) for one in operator.azure.ids.values()} == {"web-ha"}


def test_an_unlisted_group_is_not_deleted() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("minimal", _policy("Delete"))
    group = operator.view().names.resource_group
    assert key(group) not in {key(step.id) for step in parts.plan_deletion(operator.view())}
    assert not deletion.is_complete(operator.view())


def test_a_zone_with_foreign_records_is_kept() -> None:
    operator = made_sample("azure-dns")
    operator.cluster = sample("azure-dns", _policy("Delete"))
    dns = operator.cluster.spec.access.dns
    assert dns is not None
    zone = operator.view().names.zone(dns)
    operator.azure.put(ArmId(f"{zone}/CNAME/somebodys"), {})
    operator.delete()
    assert {name_of(one) for one in operator.azure.ids.values()} == {
        "TestGroup1",
        "cluster1.zone",
        "somebodys",
    }
    view = operator.view(members=True)
    (refusal,) = parts.plan_deletion(view)
    assert isinstance(refusal, Refuse)
    assert refusal.reason == Reason.FOREIGN_INSIDE
    assert deletion.is_complete(view)


def test_a_network_with_foreign_subnets_is_kept() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("minimal", _policy("Delete"))
    network = operator.view().names.virtual_network
    operator.azure.put(ArmId(f"{network}/subnets/somebodys"), {})
    operator.delete()
    assert {name_of(one) for one in operator.azure.ids.values()} == {
        "web-ha",
        "web-vnet",
        "somebodys",
    }


def test_what_is_unknown_ends_no_deletion() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("minimal", _policy("Delete"))
    operator.delete()
    view = operator.view(members=True)
    assert deletion.is_complete(view)
    lost = view.names.load_balancer
    resources = {**view.seen.resources, key(lost): Unknown(id=lost, why="429", reason="Throttled")}
    assert not deletion.is_complete(replace(view, seen=Snapshot(resources=resources)))


def test_what_the_spec_no_longer_asks_for_goes_once_nothing_uses_it() -> None:
    operator = made_sample("internal-load-balancer")

    def other_way_out(spec: dict[str, Any]) -> None:
        spec["network"]["outbound"] = {"type": "None"}

    operator.cluster = sample("internal-load-balancer", other_way_out)
    operator.run()
    left = {name_of(one) for one in operator.azure.ids.values()}
    assert not {"cluster1-nat", "cluster1-nat-ip"} & left
    subnet = operator.azure.bodies[key(operator.view().names.subnet)]
    assert "natGateway" not in subnet["properties"]
    assert parts.plan(operator.view()) == ()


def test_a_removed_node_goes_with_all_but_its_data() -> None:
    def three(spec: dict[str, Any]) -> None:
        spec["nodes"].append({"name": "web-3", "privateIPAddress": "10.6.0.12", "zone": "3"})
        spec["nodes"][2]["dataDisks"] = [{"name": "data-3", "sizeGiB": 8, "lun": 0}]

    operator = Operator(made_sample("minimal").azure, sample("minimal", three))
    operator.run()
    operator.cluster = sample("minimal")
    operator.run()
    held = operator.gated().held
    assert any("which node is active is not known" in one.why for one in held)
    assert (
        key(
            f"{operator.view().names.resource_group}/providers/Microsoft.Compute/"
            "virtualMachines/web-3"
        )
        in operator.azure.bodies
    )
    operator.assessment = replace(operator.assessment, active="web-1", serving=("web-1",))
    operator.run()
    left = {name_of(one) for one in operator.azure.ids.values()}
    assert {one for one in left if one.startswith("web-3") or one == "data-3"} == {"data-3"}
    assert parts.plan(operator.view()) == ()


def test_a_tagged_leftover_is_found_without_an_inventory() -> None:
    operator = made_sample("minimal")
    names = operator.view().names
    stray = ArmId(f"{names.resource_group}/providers/Microsoft.Network/loadBalancers/old-lb")
    operator.azure.put(stray, {"location": "japaneast", "tags": names.owner_tags})
    assert [type(step) for step in steps_for(operator.view(), stray)] == [Delete]
    operator.run()
    assert key(stray) not in operator.azure.bodies


def test_absent_and_unknown_are_told_apart() -> None:
    view = nothing_there(sample("minimal"))
    assert isinstance(view.get(view.names.subnet), Absent)
    assert isinstance(View.of(sample("minimal")).get(view.names.subnet), Unknown)
    assert parts.plan(View.of(sample("minimal"))) == ()


def test_nothing_looked_at_ends_no_deletion() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("minimal", _policy("Delete"))
    blank = operator.view(members=True)
    assert not deletion.is_complete(replace(blank, seen=Snapshot()))
    group = blank.names.resource_group
    seen = Snapshot(resources={key(group): Absent(id=group)})
    assert not deletion.is_complete(replace(blank, seen=seen))


def test_a_group_that_is_still_on_its_way_out_ends_no_deletion() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("minimal", _policy("Delete"))
    view = operator.view(members=True)
    seen = view.present(view.names.resource_group)
    assert seen is not None
    going = replace(seen, body={**seen.body, "properties": {"provisioningState": "Deleting"}})
    only = Snapshot(resources={key(seen.id): going}, members={key(seen.id): ()})
    assert not deletion.is_complete(replace(view, seen=only, inventory=frozenset()))
