"""Rules about a change: what keeps its value as long as the object lives."""

from hacluster.model.base import Invariant


def keeps(field: str, message: str) -> Invariant:
    """Return the rule that a field that is always there never changes."""
    return Invariant(message=message, cel=f"self.{field} == oldSelf.{field}", field=field)


def keeps_if_any(field: str, message: str) -> Invariant:
    """Return the rule that an optional field keeps its value, or stays absent."""
    return Invariant(
        message=message,
        cel=(
            f"has(self.{field}) == has(oldSelf.{field})"
            f" && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        ),
        field=field,
    )
