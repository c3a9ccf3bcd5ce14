"""Words to declare a body with: what may be written, what is filled in, what is referred to.

A type's module puts these together to one `Shape`; everything done with a body
follows from it: checks, defaults, values only the service sets, secrets,
immutable properties, references and the properties that show them at the far
end. Property names are matched without regard to letter case, as Azure does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from azuresim import ids
from azuresim.errors import ArmError, bad_request
from azuresim.resources.call import Call
from azuresim.state.records import Link

MISSING: Final = object()
"""No value at all, which is not the same as null."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a body a value stands, for messages and for owners of references."""

    call: Call
    path: str

    def at(self, name: str) -> "Place":
        """Return the place of a member."""
        return Place(self.call, f"{self.path}.{name}" if self.path else name)

    def wrong(self, why: str) -> ArmError:
        """Return the refusal of the value here (source: assumed, after the network provider)."""
        detail = {"code": "InvalidRequestFormat", "message": f"Path '{self.path}': {why}"}
        return bad_request("InvalidRequestFormat", "Cannot parse the request.", details=[detail])


@dataclass(frozen=True, kw_only=True)
class Field:
    """A value of any kind.

    Attributes:
        default: Filled in where the caller says nothing; a callable is asked each time.
        required: Refused where the caller says nothing.
        read_only: Set by the service alone; what a caller sends is ignored.
        sticky: A PUT that leaves it out keeps what is stored.
        immutable: Code of the refusal to change it; empty if it may change.
        secret: Stored, never shown.
        since: First api-version that shows it.
    """

    default: Any = MISSING
    required: bool = False
    read_only: bool = False
    sticky: bool = False
    immutable: str = ""
    secret: bool = False
    since: str = ""

    def settle(self, given: Any, kept: Any, place: Place) -> Any:
        """Return what is stored when `given` is sent and `kept` is there; MISSING for nothing.

        Raises:
            ArmError: If it may not be sent.
        """
        if self.read_only or given is MISSING or given is None:
            if kept is not MISSING and (self.read_only or self.sticky or self.immutable):
                return kept
            if self.required and not self.read_only:
                raise place.wrong("a value is required here.")
            return self.default(place.call) if callable(self.default) else self.default
        value = self.accept(given, kept, place)
        if self.immutable and kept is not MISSING and value != kept:
            message = f"Changing property '{place.path}' is not allowed."
            raise ArmError(409, self.immutable, message, target=place.path)
        return value

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Return a value that was sent, checked and in Azure's form."""
        del kept, place
        return given

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield the references a stored value makes, on behalf of an owner."""
        del value, owner
        yield from ()

    def may_link(self) -> bool:
        """Whether `links` can ever yield anything."""
        return False

    def hides(self, version: str) -> bool:
        """Whether a reply of this api-version must leave out something stored here."""
        return self.secret or self.since > version

    def show(self, value: Any, version: str) -> Any:
        """Return a stored value without what must not be shown; only called if it hides some."""
        del version
        return value


@dataclass(frozen=True, kw_only=True)
class Text(Field):
    """A string, up to 64 Ki characters."""

    longest: int = 65_536

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Refuse what is no string or too long."""
        if not isinstance(given, str):
            raise place.wrong("a string is expected.")
        if len(given) > self.longest:
            raise place.wrong(f"the string is longer than {self.longest} characters.")
        return given


@dataclass(frozen=True, kw_only=True)
class Number(Field):
    """A whole number within bounds, both included."""

    low: int = -(2**63)
    high: int = 2**63 - 1

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Refuse what is no whole number; take digits in a string, as Azure does."""
        if isinstance(given, str) and given.lstrip("-").isdecimal() and len(given) < 20:
            given = int(given)
        if not isinstance(given, int) or isinstance(given, bool):
            raise place.wrong("an integer is expected.")
        if not self.low <= given <= self.high:
            raise place.wrong(f"the value must be between {self.low} and {self.high}.")
        return given


@dataclass(frozen=True, kw_only=True)
class Flag(Field):
    """True or false."""

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Refuse what is neither; take the words, as Azure does."""
        if isinstance(given, str) and given.casefold() in {"true", "false"}:
            return given.casefold() == "true"
        if not isinstance(given, bool):
            raise place.wrong("a boolean is expected.")
        return given


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of some words, shown in Azure's letter case whatever the caller's."""

    words: tuple[str, ...]

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Refuse every other word."""
        folded = given.casefold() if isinstance(given, str) else None
        for word in self.words:
            if word.casefold() == folded:
                return word
        raise place.wrong(f"{ascii(given)[:80]} is not one of {', '.join(self.words)}.")


@dataclass(frozen=True, kw_only=True)
class Anything(Field):
    """A value stored as it comes."""


@dataclass(frozen=True, kw_only=True)
class Words(Field):
    """An object from words to strings, such as tags."""

    most: int = 50

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Refuse other values and too many of them."""
        if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
            raise place.wrong("an object with string values is expected.")
        if len(given) > self.most:
            raise place.wrong(f"more than {self.most} entries are given.")
        return given


@dataclass(frozen=True, kw_only=True)
class Ref(Field):
    """A reference `{"id": ...}` to another resource; whatever else is sent along is dropped.

    Attributes:
        kind: Full type of the target; several where Azure takes several, none for any.
        shows: Property of the target that lists the referrers, for example `ipConfigurations`.
        single: The target takes one referrer only, and shows it as an object.
        optional: The target need not exist.
    """

    kind: str | tuple[str, ...] = ()
    shows: str = ""
    single: bool = False
    optional: bool = False

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Refuse what is no id; write a known one as Azure does."""
        target = given.get("id") if isinstance(given, dict) else None
        if not isinstance(target, str) or not self._fits(target):
            message = (
                f"Property id '{target}' at path '{place.path}.id' is invalid. Expect fully "
                "qualified resource Id that start with '/subscriptions/{subscriptionId}' or "
                "'/providers/{resourceProviderNamespace}/'."
            )
            raise bad_request("LinkedInvalidPropertyId", message)
        return {"id": place.call.locate(place.call, target) or target.rstrip("/")}

    def _fits(self, target: str) -> bool:
        kinds = (self.kind,) if isinstance(self.kind, str) else self.kind
        if not target.startswith("/"):
            return False
        path = ids.parse(target)
        if path.is_collection or not path.names:
            return False
        return not kinds or path.kind.casefold() in {kind.casefold() for kind in kinds}

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield the one reference."""
        yield Link(ids.key(value["id"]), owner, self.shows, self.single, self.optional)

    def may_link(self) -> bool:
        """Say yes."""
        return True


@dataclass(frozen=True, kw_only=True)
class Items(Field):
    """A list of like values."""

    of: Field
    most: int = 10_000

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Refuse what is no list, then check each item."""
        if not isinstance(given, list):
            raise place.wrong("an array is expected.")
        if len(given) > self.most:
            raise place.wrong(f"more than {self.most} items are given.")
        before = kept if isinstance(kept, list) and len(kept) == len(given) else None
        items = [
            self.of.settle(item, before[at] if before else MISSING, place.at(f"[{at}]"))
            for at, item in enumerate(given)
        ]
        if MISSING in items:
            raise place.at(f"[{items.index(MISSING)}]").wrong("a value is required here.")
        return items

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield each item's references."""
        for item in value:
            yield from self.of.links(item, owner)

    def may_link(self) -> bool:
        """Ask what the items are."""
        return self.of.may_link()

    def hides(self, version: str) -> bool:
        """Ask the items too."""
        return super().hides(version) or self.of.hides(version)

    def show(self, value: Any, version: str) -> Any:
        """Show each item."""
        return [self.of.show(item, version) for item in value]


@dataclass(frozen=True, kw_only=True)
class Shape(Field):
    """An object with known members."""

    members: Mapping[str, Field]
    ignored: frozenset[str] = frozenset({"provisioningstate"})
    folded: Mapping[str, str] = field(init=False, repr=False)
    linking: Mapping[str, Field] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Prepare the look-up of names without regard to letter case, and of references."""
        object.__setattr__(self, "folded", {name.casefold(): name for name in self.members})
        linking = {name: member for name, member in self.members.items() if member.may_link()}
        object.__setattr__(self, "linking", linking)

    def settle(self, given: Any, kept: Any, place: Place) -> Any:
        """Fill the members' defaults in where the object itself has none but they do."""
        value = super().settle(given, kept, place)
        if value is MISSING and self.default is MISSING and not self.read_only:
            filled = self.accept({}, kept, place) if self._fills else {}
            return filled or MISSING
        return value

    @property
    def _fills(self) -> bool:
        return any(
            member.default is not MISSING or (isinstance(member, Shape) and member._fills)  # noqa: SLF001 - own class
            for member in self.members.values()
        ) and not any(member.required for member in self.members.values())

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Check each member, fill in the missing ones, refuse unknown ones in strict mode."""
        if not isinstance(given, dict):
            raise place.wrong("an object is expected.")
        sent: dict[str, Any] = {}
        for name, value in given.items():
            known = name if name in self.members else self.folded.get(name.casefold())
            if known is not None:
                sent[known] = value
            elif place.call.strict and name.casefold() not in self.ignored:
                raise place.at(name[:80]).wrong("the property is unknown.")
        before = kept if isinstance(kept, dict) else {}
        stored: dict[str, Any] = {}
        for name, member in self.members.items():
            value = member.settle(
                sent.get(name, MISSING), before.get(name, MISSING), place.at(name)
            )
            if value is not MISSING:
                stored[name] = value
        return stored

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield each member's references."""
        for name, member in self.linking.items():
            if name in value:
                yield from member.links(value[name], owner)

    def may_link(self) -> bool:
        """Ask the members."""
        return bool(self.linking)

    def hides(self, version: str) -> bool:
        """Ask the members too."""
        return super().hides(version) or any(m.hides(version) for m in self.members.values())

    def show(self, value: Any, version: str) -> Any:
        """Leave out secrets and what this api-version does not know."""
        shown = {}
        for name, item in value.items():
            member = self.members.get(name)
            if member is None or not member.hides(version):
                shown[name] = item
            elif not (member.secret or member.since > version):
                shown[name] = member.show(item, version)
        return shown


def shape(**members: Field) -> Shape:
    """Return an object shape from keyword arguments."""
    return Shape(members=members)


def read_only(default: Any = MISSING, **more: Any) -> Anything:
    """Return a value only the service sets."""
    return Anything(read_only=True, default=default, **more)


def generated(make: Callable[[Call], Any]) -> Anything:
    """Return a value the service makes once, when the resource is new."""
    return Anything(read_only=True, default=make)


def extended(base: Shape, **members: Field) -> Shape:
    """Return a shape with more members."""
    return replace(base, members={**base.members, **members})
