"""Management locks: what keeps a scope and everything below it from being deleted or changed."""

from typing import Final

from azuresim import ids
from azuresim.resources import versions
from azuresim.resources.authorization import roles
from azuresim.resources.call import Call
from azuresim.resources.contract import Fact, Placed, Reply, ResourceType, Source
from azuresim.resources.families import AUTHORIZATION
from azuresim.resources.schema import Anything, Choice, Items, Text, shape
from azuresim.state.records import Record
from azuresim.state.store import container_key

KIND: Final = "Microsoft.Authorization/locks"
CAN_NOT_DELETE: Final = "CanNotDelete"
READ_ONLY: Final = "ReadOnly"


def scope_of(record: Record) -> str:
    """Return the key of the scope a lock hangs from."""
    return container_key(record.key)


def _members(call: Call, scope: str) -> list[Record]:
    """Return the locks at a scope and below it."""
    key = ids.key(scope)
    locks = call.tx.members(roles.holder(call), KIND.casefold())
    return [lock for lock in locks if f"{scope_of(lock)}/".startswith(f"{key}/")]


TYPE: Final = ResourceType(
    kind=KIND,
    family=AUTHORIZATION,
    versions=versions.LOCKS,
    properties=shape(
        level=Choice(words=(CAN_NOT_DELETE, READ_ONLY), required=True),
        notes=Text(longest=512),
        owners=Items(of=Anything()),
    ),
    placed=Placed.NOWHERE,
    tagged=False,
    stateful=False,
    scoped=True,
    create=Reply(status=201),
    update=Reply(status=200),
    delete=Reply(status=200),
    duration="at once",
    patch="",
    name_pattern=r"[^<>%&\\?/]{1,260}",
    members=_members,
    facts=(Fact("locks hold for the scope and all below it", Source.DOCUMENT),),
)
