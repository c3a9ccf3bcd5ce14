"""What every noun of the API shares: frozen, strict, spelled in camelCase on the wire.

The classes of this package are the one source of the CRD's schema, of parsing, and of the
reference in docs/: a field's bounds, default and description stand here and nowhere else. The
description of a field is the docstring below it.

What types and bounds cannot say is an `Invariant` on the class it judges: the same rule as CEL, for
the API server, and as a predicate, for `hacluster validate`, the operator and the tests.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, ClassVar, Final, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

CEL_KEY: Final = "x-kubernetes-validations"
KEYS_KEY: Final = "x-list-keys"
"""Marks the schema of a class whose items are told apart by keys; `schema` takes it out again."""
BROKEN: Final = "invariant"
"""The error type under which pydantic reports a scalar's broken invariant."""

_ACRONYMS: Final = re.compile(r"(?<=[a-z])(Gib|Mib|Ip)(?![a-z])")
_SPELLED: Final = {"Gib": "GiB", "Mib": "MiB", "Ip": "IP"}


def wire_name(name: str) -> str:
    """Return a field's spelling in a manifest: ``size_gib`` is ``sizeGiB``."""
    return _ACRONYMS.sub(lambda found: _SPELLED[found[0]], to_camel(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """One rule about a noun or a scalar, and what to write instead where it is broken.

    ``holds`` is the rule in Python and ``cel`` the same rule for the API server; both are true for
    what is allowed. ``cel`` is None where CEL cannot say it or would cost too much: the operator
    then answers with Accepted=False. ``holds`` is None for a rule about a change (CEL's
    ``oldSelf``), which a single manifest cannot break.

    ``field`` is the wire path of what the message is about, relative to the class that carries the
    rule (CEL's ``fieldPath``), e.g. ``rules`` or ``probe.port``. A scalar's rule has none: it
    stands in ``Annotated``, and applies wherever that type is used.
    """

    message: str
    holds: Callable[[Any], bool] | None = None
    cel: str | None = None
    field: str | None = None

    def validation(self) -> dict[str, str] | None:
        """Return the CRD's form of the rule, or None where only the operator checks it."""
        if self.cel is None:
            return None
        found = {"rule": self.cel, "message": self.message}
        return found | {"fieldPath": f".{self.field}"} if self.field else found

    def _checked(self, value: Any) -> Any:
        if self.holds is not None and not self.holds(value):
            raise PydanticCustomError(BROKEN, "{why}", {"why": self.message})
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        if validation := self.validation():
            schema.setdefault(CEL_KEY, []).append(validation)
        return schema


def distinct(message: str) -> Invariant:
    """Return the rule that no item of a list of words stands in it twice."""
    return Invariant(
        message=message,
        holds=lambda items: len(set(items)) == len(items),
        cel="self.all(one, self.exists_one(other, other == one))",
    )


class Noun(BaseModel):
    """A frozen value of the API. Unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=wire_name,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    invariants: ClassVar[tuple[Invariant, ...]] = ()
    list_keys: ClassVar[tuple[str, ...]] = ()
    """Wire names of the fields that tell one item of a list of these from another."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        found = [each for invariant in cls.invariants if (each := invariant.validation())]
        schema |= {CEL_KEY: found} if found else {}
        return schema | ({KEYS_KEY: list(cls.list_keys)} if cls.list_keys else {})

    def wire(self) -> dict[str, Any]:
        """Return the value as a manifest spells it; what is absent is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def noun_in(annotation: Any) -> type[Noun] | None:
    """Return the noun that a field holds: one, a list of them, or none of any."""
    if isinstance(annotation, type) and issubclass(annotation, Noun):
        return annotation
    if get_origin(annotation) not in {Annotated, Union, UnionType, tuple}:
        return None
    return next(filter(None, map(noun_in, get_args(annotation))), None)
