"""Availability sets: machines spread over fault and update domains."""

from typing import Any, Final

from azuresim import ids
from azuresim.errors import bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.compute.refusals import PLAIN, changed, not_allowed
from azuresim.resources.compute.sizes import SIZES
from azuresim.resources.contract import Action, Fact, Reply, ResourceType, Source
from azuresim.resources.schema import Choice, Number, Ref, Shape, shape
from azuresim.state.records import Record

KIND: Final = "Microsoft.Compute/availabilitySets"
MIGRATION_SINCE: Final = "2024-11-01"
LIMITS: Final = {
    "platformFaultDomainCount": ("fault", 3),
    "platformUpdateDomainCount": ("update", 20),
}
"""Most domains of each kind (source: document)."""


def _check(call: Call, draft: Draft) -> None:
    del call
    for name, (word, most) in LIMITS.items():
        number = draft.properties[name]
        if not 1 <= number <= most:
            message = (
                f"The specified {word} domain count {number} must fall in the range 1 to {most}."
            )
            raise bad_request("InvalidParameter", message, target=name)
        if draft.before and draft.before["properties"][name] != number:
            raise changed(name)
    before = (draft.before or {}).get("sku", {}).get("name")
    if before == "Aligned" and draft.body["sku"]["name"] != "Aligned":
        raise changed("sku.name")


def members(call: Call, resource_id: str) -> list[str]:
    """Return the ids of the machines in a set, sorted."""
    return sorted(link.source for link in call.tx.referrers(ids.key(resource_id)))


def place(call: Call, resource_id: str, draft_id: str) -> dict[str, int]:
    """Return the domains for one more machine: the emptiest, the first of equals."""
    record = call.get(resource_id)
    if record is None:
        return {}
    properties = record.body()["properties"]
    others = [call.get(each) for each in members(call, resource_id) if each != draft_id]
    taken = [other.body()["properties"].get("domains", {}) for other in others if other]
    domains = {}
    for name, (word, _) in LIMITS.items():
        load = [sum(each.get(word) == at for each in taken) for at in range(properties[name])]
        domains[word] = load.index(min(load))
    return domains


def _remove(call: Call, record: Record) -> None:
    if members(call, record.id):
        raise not_allowed(
            f"Availability Set '{record.name}' cannot be deleted. Before deleting an Availability "
            "Set please ensure that it does not contain any VM."
        )


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    properties = wire["properties"]
    if call.verb == "PUT":
        properties.pop("virtualMachines", None)  # told by GET alone (source: recording)
    else:
        properties.setdefault("virtualMachines", [])
    if call.version >= MIGRATION_SINCE:
        base = record.id.rsplit("/", 2)[0]
        properties["virtualMachineScaleSetMigrationInfo"] = {
            "defaultVirtualMachineScaleSetInfo": {
                "constrainedMaximumCapacity": True,
                "defaultVirtualMachineScaleSet": {
                    "id": f"{base}/virtualMachineScaleSets/{record.name}"
                },
            }
        }


def _sizes(_call: Call, _record: Record, _child: str, _given: Any) -> dict[str, Any]:
    return {"value": [size.shown() for size in SIZES.values()]}


TYPE: Final = ResourceType(
    kind=KIND,
    family=PLAIN,
    versions=versions.COMPUTE,
    properties=shape(
        platformUpdateDomainCount=Number(default=5, sticky=True),
        platformFaultDomainCount=Number(default=3, sticky=True),
        proximityPlacementGroup=Ref(optional=True),
    ),
    beside=shape(
        sku=Shape(
            members={"name": Choice(words=("Classic", "Aligned"), default="Classic")},
        )
    ),
    stateful=False,
    create=Reply(status=200, duration="at once"),
    update=Reply(status=200, duration="at once"),
    delete=Reply(status=200, duration="at once"),
    duration="at once",
    patch="merge",
    check=_check,
    show=_show,
    remove=_remove,
    actions={"vmSizes": Action(run=_sizes, reply=Reply(status=200), verb="GET")},
    facts=(
        Fact("a PUT answers 200, new or not, and leaves virtualMachines out", Source.RECORDING),
        Fact("at most 3 fault and 20 update domains, never changed", Source.DOCUMENT),
        Fact("a set with machines cannot be deleted", Source.DOCUMENT),
        Fact("a new machine goes to the emptiest domains", Source.ASSUMED),
    ),
    missing=("migration to scale sets", "proximity placement groups as resources"),
)
