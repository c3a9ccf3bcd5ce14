"""What a resource type is: one frozen description that the wire acts on.

To add a type, write a module like `network.virtual_networks` that ends in one
`ResourceType`, and name it in `registry`. Routing, api-versions, checks,
defaults, references, etags, operations, lists and the coverage table follow.
A hook is a function of this module's signatures, for what no description says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple

from azuresim.errors import ArmError
from azuresim.resources.call import Call, Draft
from azuresim.resources.children import Children
from azuresim.resources.families import Family
from azuresim.resources.schema import Shape
from azuresim.state.records import Operation, Record


class Style(Enum):
    """Which headers tell where an operation can be watched."""

    NONE = "none"
    OPERATION = "Azure-AsyncOperation"
    LOCATION = "Location"
    BOTH = "Azure-AsyncOperation and Location"


class Placed(Enum):
    """Where a type's resources are."""

    REGION = "a region"
    GLOBAL = "the word global"
    NOWHERE = "no location at all"


class Source(Enum):
    """Why a behaviour is as it is."""

    RECORDING = "recording"
    DOCUMENT = "document"
    ASSUMED = "assumed"


class Fact(NamedTuple):
    """One line of the coverage table."""

    what: str
    source: Source


class Group(Enum):
    """Sets a type can be listed over, besides its parent."""

    GROUP = "group"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """How a write answers.

    Attributes:
        status: HTTP status.
        style: Headers for polling.
        shown: The provisioning state the reply itself shows; empty for the final one.
        duration: Row of the table of durations; empty for the type's own.
        empty: The reply has no resource in it.
        silent: The reply has no body at all.
        location_self: `Location` is the resource's own URL.
    """

    status: int
    style: Style = Style.NONE
    shown: str = ""
    duration: str = ""
    empty: bool = False
    silent: bool = False
    location_self: bool = False


@dataclass(frozen=True, kw_only=True)
class Action:
    """A POST, or a GET of a view, on a resource or on one of its children.

    Attributes:
        run: Returns the answer; called with the record, the child's name or empty, the body.
        reply: How it answers; with a style, the answer is the operation's result.
        shown: The provisioning state the resource shows meanwhile; empty if it stays as it is.
        settle: What the end of the operation does to the record.
        verb: HTTP method, `POST` or `GET`.
    """

    run: Callable[[Call, Record, str, Any], Any]
    reply: Reply
    shown: str = ""
    settle: Callable[[Call, Record, Operation], Record] | None = None
    verb: str = "POST"


@dataclass(frozen=True, kw_only=True)
class IdForm:
    """How Azure spells a type's ids where that is not as one would expect."""

    groups: str = "resourceGroups"
    lower_group: bool = False
    kind: str = ""


NO_MEMBERS: Final = Shape(members={})


def nothing(*_: Any) -> None:
    """Do nothing: the hook of most types."""


def as_it_is(_call: Call, record: Record, _operation: Operation) -> Record:
    """Return the record as it is: what the end of most operations does to it."""
    return record


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One type of resource, whole.

    Attributes:
        kind: Full type as Azure writes it.
        family: The provider's habits.
        versions: Accepted api-versions, oldest first.
        properties: Shape of `properties`, child collections included.
        beside: Shape of what stands beside it: sku, zones, identity.
        placed: What `location` must be.
        tagged: Takes tags.
        stateful: Shows `provisioningState`.
        create, update, delete: How these answer.
        unchanged: How a PUT that changes nothing answers; None for as an update.
        patched: How a PATCH that merges answers; None for as an update, with 200.
        choose_delete: Picks the answer of a DELETE by what is deleted, instead of `delete`.
        absent: Status of deleting what is not there.
        create_child, update_child, delete_child: The same for children in the body.
        creating, updating: Names of the states.
        duration: Row of the table of durations.
        patch: `tags` or `merge`; empty where Azure has no PATCH.
        lists: Sets it can be listed over; a nested type is listed under its parent.
        in_use: Refusal to delete it while others refer to it: code and message, which may
            name `{name}`, `{id}` and `{user}`. Empty: others do not hold it.
        taken: Refusal of a second referrer where one only is allowed, in the same words, with
            `{source}` for who asks.
        scoped: Hangs from any scope, like a lock or a role assignment.
        id_form: Where its ids are spelled oddly.
        name_pattern: What a new name must match.
        check: Last look at a write: fills in what depends on other resources, or refuses.
        show: Changes a body about to be shown; gets the whole wire form.
        members: What a list over a scope holds, by the scope's id, where that is not just what
            hangs from it.
        listed: Whether a list shows a record, by the query parameters.
        unknown: Words the 404 of a nested resource by its name, group and subscription; None for
            ARM's own.
        settle: What the end of an operation does to the record.
        remove: Says no to a deletion that in_use does not cover.
        gone: What the end of a deletion does to other records.
        next_etag: The etag after one more change; None for a new GUID.
        actions: POSTs by name; on a child as `collection/action`.
        basis: On whose word PUT and DELETE answer as they do where no recording tells.
        facts: What the coverage table says of it beyond what the description tells.
        missing: What Azure has and this has not.
    """

    kind: str
    family: Family
    versions: tuple[str, ...]
    properties: Shape
    beside: Shape = NO_MEMBERS
    placed: Placed = Placed.REGION
    tagged: bool = True
    stateful: bool = True
    create: Reply
    update: Reply
    delete: Reply
    unchanged: Reply | None = None
    patched: Reply | None = None
    choose_delete: Callable[[Call, Record], Reply] | None = None
    absent: int = 204
    create_child: Reply | None = None
    update_child: Reply | None = None
    delete_child: Reply | None = None
    creating: str = "Updating"
    updating: str = "Updating"
    duration: str
    patch: str = "tags"
    lists: frozenset[Group] = frozenset(Group)
    in_use: tuple[str, str] = ()  # type: ignore[assignment] # empty is for types nobody refers to
    taken: tuple[str, str] = ()  # type: ignore[assignment] # empty is for types many may refer to
    scoped: bool = False
    id_form: IdForm = field(default_factory=IdForm)
    name_pattern: str = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?"
    check: Callable[[Call, Draft], None] = nothing
    show: Callable[[Call, Record, dict[str, Any]], None] = nothing
    members: Callable[[Call, str], list[Record]] | None = None
    listed: Callable[[Call, Record], bool] | None = None
    unknown: Callable[[str, str, str], ArmError] | None = None
    settle: Callable[[Call, Record, Operation], Record] = as_it_is
    remove: Callable[[Call, Record], None] = nothing
    gone: Callable[[Call, Record], None] = nothing
    next_etag: Callable[[str | None], str] | None = None
    actions: Mapping[str, Action] = field(default_factory=dict)
    basis: Source = Source.DOCUMENT
    facts: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def folded(self) -> str:
        """The type in the form it is looked up by."""
        return self.kind.casefold()

    @property
    def short(self) -> str:
        """The type without its namespace."""
        return self.kind.partition("/")[2]

    @property
    def collections(self) -> Mapping[str, Children]:
        """The child collections in its body, by property name."""
        members = self.properties.members.items()
        return {name: member for name, member in members if isinstance(member, Children)}
