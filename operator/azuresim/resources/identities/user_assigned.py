"""User-assigned identities: a principal with a life of its own."""

from dataclasses import replace
from typing import Final

from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, IdForm, Reply, ResourceType, Source
from azuresim.resources.families import GROUPS, Family
from azuresim.resources.schema import Choice, generated, shape

IDENTITIES: Final[Family] = replace(GROUPS, name="ManagedIdentity", quota=True)
"""Everything is over at once here, and nothing has an etag."""


def _check(call: Call, draft: Draft) -> None:
    del call
    draft.body.setdefault("tags", {})  # always shown (source: recording)


TYPE: Final = ResourceType(
    kind="Microsoft.ManagedIdentity/userAssignedIdentities",
    family=IDENTITIES,
    versions=versions.IDENTITIES,
    properties=shape(
        tenantId=generated(lambda call: call.tenant),
        principalId=generated(Call.new_guid),
        clientId=generated(Call.new_guid),
        isolationScope=Choice(words=("None", "Regional"), sticky=True, since="2024-11-30"),
    ),
    create=Reply(status=201, location_self=True, duration="at once"),
    update=Reply(status=200, duration="at once"),
    delete=Reply(status=200, duration="at once"),
    stateful=False,
    duration="at once",
    id_form=IdForm(groups="resourcegroups"),
    name_pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    check=_check,
    facts=(
        Fact("ids spell resourcegroups in small letters", Source.RECORDING),
        Fact("client, principal and tenant ids are made once and stay", Source.RECORDING),
        Fact("an identity that resources have can be deleted", Source.DOCUMENT),
    ),
    missing=("associated resources",),
)
