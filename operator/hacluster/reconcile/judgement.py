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


def counted(number: int, noun: str, verb: str = "") -> str:
    """Return how many there are: ``1 step waits`` and ``2 steps wait`` of ``step`` and ``wait``."""
    is_one = number == 1
    return f"{number} {noun}{'' if is_one else 's'} {verb}{'s' if is_one and verb else ''}".rstrip()


def unsettled(passed: Passed) -> list[Present]:
    """Return what Azure is working on."""
    seen = passed.view.seen.present()
    return [one for one in seen if not one.is_settled]


def refusals(passed: Passed) -> str:
    """Return why the operator will not do what it was asked; each remedy once."""
    causes: dict[str, list[str]] = {}
    for refusal in passed.gated.refused:
        cause, _, remedy = refusal.why.rpartition(": ")
        causes.setdefault(remedy, []).append(cause)
    return some(": ".join(filter(None, [some(each), remedy])) for remedy, each in causes.items())
