"""Reads a JSON object strictly and collects every fault, each with what to write instead.

One wrong field must not hide the next nine, so a reader notes the fault, returns a usable
default and goes on; whoever reads asks for the faults at the end.
"""

from __future__ import annotations

import difflib
import re
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    TypeVar,
)

from hacluster_node.errors import Refused

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")
_Enum = TypeVar("_Enum")


class ConfigInvalid(Refused):
    """A configuration is refused; `faults` are lines of `path: what is wrong, what instead`."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("HAN-C01", "; ".join(faults))
        self.faults = tuple(faults)


class Reader:
    """One JSON object at a path, read field by field.

    Args:
        value: what was parsed; anything but an object is a fault.
        path: where it is, for messages.
        faults: shared by all readers of one document.
    """

    def __init__(self, value: Any, path: str, faults: List[str]) -> None:
        self.path = path
        self.faults = faults
        self._read: Dict[str, None] = {}
        self._value: Mapping[str, Any] = {}
        if isinstance(value, dict):
            self._value = value
        else:
            self.fault("", f"is {_said(value)}; write an object")

    def fault(self, field: str, text: str) -> None:
        """Note a fault of a field of this object."""
        self.faults.append(f"{self.at(field)}: {text}")

    def at(self, field: str) -> str:
        """Return the path of a field."""
        return ".".join(part for part in (self.path, field) if part) or "configuration"

    def has(self, field: str) -> bool:
        """Tell whether the field is there, without reading it."""
        return self._value.get(field) is not None

    def text(self, field: str, default: Optional[str] = None) -> str:
        """Return a text; without a default it is required and not empty."""
        value = self._take(field)
        if value is None:
            if default is None:
                self.fault(field, "is missing; write a text")
            return default or ""
        if not isinstance(value, str) or (default is None and not value):
            self.fault(field, f"is {_said(value)}; write a text")
            return default or ""
        return value

    def name(self, field: str, default: Optional[str] = None) -> str:
        """Return a name: letters, digits, and . _ - inside, at most 63."""
        value = self.text(field, default)
        if value and not NAME.match(value):
            self.fault(field, f"{value!r} is not a name; use letters, digits, '-', '_' and '.'")
        return value

    def number(
        self, field: str, default: Optional[float], low: float = 0.0, high: float = 1e6
    ) -> float:
        """Return a number from low to high; without a default it is required."""
        value = self._take(field)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.fault(field, f"is {_said(value)}; write a number from {low:g} to {high:g}")
            return low if default is None else default
        if not low <= value <= high:
            self.fault(field, f"is {value:g}; write a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, field: str, default: Optional[int], low: int = 0, high: int = 1 << 31) -> int:
        """Return a whole number from low to high; without a default it is required."""
        value = self._take(field)
        if value is None and default is not None:
            return default
        if type(value) is not int or not low <= value <= high:
            self.fault(field, f"is {_said(value)}; write a whole number from {low} to {high}")
            return low if default is None else default
        return value

    def flag(self, field: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._take(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(field, f"is {_said(value)}; write true or false")
            return default
        return value

    def choice(self, field: str, kind: Type[_Enum], default: _Enum) -> _Enum:
        """Return a member of an enumeration by its value."""
        text = self.one_of(field, [member.value for member in kind], default.value)  # type: ignore[attr-defined] # mypy cannot bound a TypeVar by "some Enum" and iterate it
        return kind(text)  # type: ignore[call-arg] # an Enum class is called with a value

    def one_of(self, field: str, words: Sequence[str], default: Optional[str] = None) -> str:
        """Return one of a few words."""
        value = self._take(field)
        if value is None and default is not None:
            return default
        if value not in words:
            near = difflib.get_close_matches(str(value), words, 1, 0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(words)}"
            self.fault(field, f"is {_said(value)}; {hint}")
            return default if default is not None else words[0]
        return str(value)

    def texts(self, field: str, default: Optional[Sequence[str]] = None) -> Tuple[str, ...]:
        """Return a list of texts; without a default it is required and not empty."""
        value = self._take(field)
        if value is None and default is not None:
            return tuple(default)
        good = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
        if not good or (default is None and not value):
            self.fault(field, f"is {_said(value)}; write a list of texts")
            return ()
        return tuple(value)

    def wholes(self, field: str, low: int, high: int) -> Tuple[int, ...]:
        """Return a list of whole numbers, empty if it is left out."""
        value = self._take(field)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(
            type(item) is int and low <= item <= high for item in value
        ):
            self.fault(field, f"write a list of whole numbers from {low} to {high}")
            return ()
        return tuple(value)

    def child(self, field: str) -> Reader:
        """Return a reader for an object inside; an absent one reads as empty."""
        value = self._take(field)
        return Reader({} if value is None else value, self.at(field), self.faults)

    def children(self, field: str) -> Iterator[Reader]:
        """Yield a reader for each object in a list, its path named by the object's `name`."""
        value = self._take(field)
        if value is None:
            return
        if not isinstance(value, list):
            self.fault(field, f"is {_said(value)}; write a list of objects")
            return
        for number, item in enumerate(value):
            name = item.get("name", number) if isinstance(item, dict) else number
            reader = Reader(item, f"{self.at(field)}[{name}]", self.faults)
            yield reader
            reader.done()

    def done(self) -> None:
        """Note every field that nobody has read: a misspelt setting must not be ignored."""
        for field in self._value:
            if field not in self._read:
                near = difflib.get_close_matches(field, list(self._read), 1, 0.6)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self._read)}"
                self.fault(field, f"is not known; {hint}")

    def checked(self, field: str, check: Callable[[str], object], what: str) -> str:
        """Return a required text that `check` accepts without a ValueError."""
        value = self.text(field)
        if value:
            try:
                check(value)
            except ValueError:
                self.fault(field, f"{value!r} is not {what}")
        return value

    def _take(self, field: str) -> Any:
        self._read[field] = None
        return self._value.get(field)


def _said(value: Any) -> str:
    if value is None:
        return "missing"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
