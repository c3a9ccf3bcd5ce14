"""Resource groups: what everything else lives in and goes down with."""

from typing import Final

from azuresim.errors import ArmError
from azuresim.resources import filters, versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, Group, Reply, ResourceType, Source, Style
from azuresim.resources.families import GROUPS
from azuresim.resources.schema import Text, shape
from azuresim.state.records import Record


def _check(call: Call, draft: Draft) -> None:
    del call
    if draft.before and draft.before["location"] != draft.body["location"]:
        name = draft.id.rsplit("/", 1)[1]
        message = (
            f"Invalid resource group location '{draft.body['location']}'. The Resource group "
            f"already exists in location '{draft.before['location']}'."
        )
        raise ArmError(409, "InvalidResourceGroupLocation", message, target=name)


def _listed(call: Call, record: Record) -> bool:
    body = record.body()
    passes = filters.test_for(call.query.get("$filter", ""))
    item = filters.Item(name=record.name, location=body["location"], tags=body.get("tags", {}))
    return passes(item)


def _remove(call: Call, record: Record) -> None:
    """Refuse while something elsewhere rests on something in here (source: document)."""
    inside = record.key + "/"
    for member in call.tx.store.within(record.key):
        for link in call.tx.referrers(member.key):
            if not link.optional and not link.source.casefold().startswith(inside):
                message = (
                    f"Deletion of resource group '{record.name}' failed as resource "
                    f"'{member.id}' is in use by '{link.source}'."
                )
                raise ArmError(409, "ResourceGroupDeletionBlocked", message)


TYPE: Final = ResourceType(
    kind="Microsoft.Resources/resourceGroups",
    family=GROUPS,
    versions=versions.RESOURCES,
    properties=shape(),
    beside=shape(managedBy=Text(sticky=True)),
    create=Reply(status=201, duration="at once"),
    update=Reply(status=200, duration="at once"),
    delete=Reply(status=202, style=Style.LOCATION, duration="delete resource group"),
    absent=404,
    duration="resource group",
    patch="merge",
    lists=frozenset({Group.SUBSCRIPTION}),
    name_pattern=r"[\w().-]{0,89}[\w()-]",
    check=_check,
    listed=_listed,
    remove=_remove,
    facts=(
        Fact("PUT is over at once; DELETE is watched through Location alone", Source.RECORDING),
        Fact("deleting takes everything inside along", Source.DOCUMENT),
        Fact("a group whose resources are used from elsewhere stays", Source.ASSUMED),
    ),
    missing=("exportTemplate", "forceDeletionTypes", "moveResources"),
)
