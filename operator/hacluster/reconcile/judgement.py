"""What a judgement is, and how its sentence is put together."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from hacluster.model.observed import Present
from hacluster.model.status import Truth
from hacluster.reconcile.passed import Passed

LISTED: Final = 3
"""How many things a sentence names before it only counts them."""


class Judgement(NamedTuple):
    """An answer, its reason and a sentence."""

    status: Truth
    reason: str
    message: str


def some(texts: Iterable[str]) -> str:
    """Return the first few texts, and how many more there are."""
    found = list(texts)
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return f"{', '.join(found[:LISTED])}{more}"


def unsettled(passed: Passed) -> list[Present]:
    """Return what Azure is working on."""
    seen = passed.view.seen.present()
    return [one for one in seen if not one.is_settled]


def refusals(passed: Passed) -> str:
    """Return why the operator will not do what it was asked."""
    return some(refusal.why for refusal in passed.gated.refused)
