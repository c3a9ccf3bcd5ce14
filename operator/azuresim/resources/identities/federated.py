"""Federated credentials: whose tokens stand for a user-assigned identity."""

from typing import Final

from azuresim.errors import ArmError, bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, IdForm, Placed, Reply, ResourceType, Source
from azuresim.resources.identities.user_assigned import IDENTITIES
from azuresim.resources.schema import Items, Text, shape

KIND: Final = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
MOST: Final = 20
"""Credentials of one identity (source: document)."""


def _check(call: Call, draft: Draft) -> None:
    parent = draft.id.rsplit("/", 2)[0]
    others = [
        record.body()["properties"]
        for record in call.tx.members(parent.casefold(), KIND.casefold())
        if record.key != draft.id.casefold()
    ]
    if draft.is_new and len(others) >= MOST:
        message = f"Too many Federated Identity Credentials: an identity has {MOST} at most."
        raise bad_request("BadRequest", message)
    mine = (draft.properties["issuer"], draft.properties["subject"])
    if any((other["issuer"], other["subject"]) == mine for other in others):
        message = "Issuer and subject combination already exists for this Managed Identity."
        raise ArmError(409, "Conflict", message)


TYPE: Final = ResourceType(
    kind=KIND,
    family=IDENTITIES,
    versions=tuple(each for each in versions.IDENTITIES if each >= "2022-01-31"),
    properties=shape(
        issuer=Text(required=True, longest=600),
        subject=Text(required=True, longest=600),
        audiences=Items(of=Text(longest=600), required=True, most=1),
    ),
    placed=Placed.NOWHERE,
    tagged=False,
    stateful=False,
    create=Reply(status=201, duration="at once"),
    update=Reply(status=200, duration="at once"),
    delete=Reply(status=200, duration="at once"),
    duration="at once",
    patch="",
    id_form=IdForm(groups="resourcegroups"),
    name_pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}",
    check=_check,
    facts=(
        Fact("at most 20 to an identity", Source.DOCUMENT),
        Fact("issuer and subject together come once to an identity", Source.DOCUMENT),
    ),
    missing=("flexible claims matching",),
)
