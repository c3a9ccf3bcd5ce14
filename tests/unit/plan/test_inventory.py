"""What is remembered as ours, and what is reported as somebody else's."""

from tests.unit.plan.clusters import made_sample, names, nothing_there, sample

from hacluster.model.ids import ArmId, key
from hacluster.model.observed import Snapshot, Unknown
from hacluster.plan import parts
from hacluster.plan.inventory import foreign_children, inventory
from hacluster.plan.steps import Put, Refuse
from hacluster.plan.view import View
from hacluster.plan.waves import waves


def test_what_is_about_to_be_made_is_noted_before() -> None:
    view = nothing_there(sample("minimal"))
    puts = [step for step in parts.plan(view) if isinstance(step, Put)]
    noted = inventory(view, parts.wanted(view), (), puts)
    assert {one.id for one in puts} <= set(noted)
    assert {"hacluster-probe", "active-node", "nodes", "tcp-80", "web-1-os"} <= names(noted)
    assert inventory(view, parts.wanted(view), (), ()) == ()


def test_everything_made_is_in_the_inventory() -> None:
    operator = made_sample("public-load-balancer")
    assert operator.azure.ids.keys() <= {key(one) for one in operator.inventory}
    view = operator.view()
    assert inventory(view, parts.wanted(view), operator.inventory, ()) == operator.inventory
    assert set(inventory(view, parts.wanted(view), (), ())) == set(operator.inventory)


def test_what_is_gone_is_forgotten_and_what_is_unknown_is_not() -> None:
    operator = made_sample("minimal")
    operator.cluster = sample("azure-dns")  # Nothing of the old spec is asked for any more.
    balancer = ArmId(next(one for one in operator.inventory if one.endswith("/web-lb")))
    rule = f"{balancer}/loadBalancingRules/tcp-80"
    assert rule in operator.inventory
    operator.azure.change(balancer)["properties"]["loadBalancingRules"] = []
    view = operator.view()
    kept = inventory(view, (), operator.inventory, ())
    assert rule not in kept
    assert balancer in kept
    operator.azure.remove(balancer)
    view = operator.view()
    gone = inventory(view, (), operator.inventory, ())
    assert not any(one.startswith(balancer) for one in gone)
    unknown = Unknown(id=balancer, why="403", reason="Denied")
    blind = View.of(operator.cluster, seen=Snapshot(resources={key(balancer): unknown}))
    assert rule in inventory(blind, (), (rule,), ())


def test_foreign_children_are_reported() -> None:
    operator = made_sample("internal-load-balancer")
    balancer = operator.view().names.load_balancer
    probe = {"name": "theirs", "id": f"{balancer}/probes/theirs", "properties": {}}
    operator.azure.change(balancer)["properties"]["probes"].append(probe)
    view = operator.view()
    assert foreign_children(view, parts.wanted(view)) == (f"{balancer}/probes/theirs",)
    assert foreign_children(nothing_there(operator.cluster), parts.wanted(view)) == ()


def test_waves_follow_the_needs() -> None:
    steps = parts.plan(nothing_there(sample("minimal")))
    found = waves(steps)
    assert len(found[0]) == 1
    assert sum(map(len, found)) == len(steps)
    place = {key(step.id): number for number, wave in enumerate(found) for step in wave}
    for step in steps:
        assert isinstance(step, Put)
        assert all(place[key(need)] < place[key(step.id)] for need in step.needs)
    refusal = Refuse(id=steps[0].id, reason="Refused", why="no")
    assert waves([refusal]) == ((refusal,),)
    assert waves(()) == ()
