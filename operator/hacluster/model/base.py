"""What every noun of the spec shares: frozen, strict, spelled in camelCase on the wire.

The classes of this package are the one source of the CRD's schema, of parsing, and of the reference in docs/: a
field's bounds, default and description stand here and nowhere else. CEL rules stand on the class they judge.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

_ACRONYMS: Final = re.compile(r"(?<=[a-z])(Gib|Mib|Ip)(?![a-z])")
_SPELLED: Final = {"Gib": "GiB", "Mib": "MiB", "Ip": "IP"}


def wire_name(name: str) -> str:
    """Return how the manifest spells a field: ``size_gib`` is ``sizeGiB``, ``floating_ip`` ``floatingIP``."""
    return _ACRONYMS.sub(lambda found: _SPELLED[found[0]], to_camel(name))


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule of the CRD.

    ``rule`` is true for what is allowed; ``message`` says what to write instead; ``field`` is the wire name of the
    field the message is about, relative to the class that carries the rule (CEL's ``fieldPath``).
    """

    rule: str
    message: str
    field: str | None = None


class Noun(BaseModel):
    """A frozen value of the spec. Unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=wire_name, populate_by_name=True
    )

    cel: ClassVar[tuple[Rule, ...]] = ()
