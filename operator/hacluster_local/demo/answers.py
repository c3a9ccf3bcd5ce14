"""What a client wrote down, and what follows from it: gaps, and never two nodes at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

GOOD = "200"
AT_ONCE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One try of the client."""

    sent: float
    """When it asked, in seconds since 1970."""
    got: float
    """When it had an answer, or gave up."""
    code: str
    """HTTP's status; `000`: nobody answered."""
    node: str
    """Who answered, by the page's own word."""
    made: float
    """When the page was made, by its own word; `got` if it has none. A client that is held up
    itself reads late what was said before."""

    @property
    def is_good(self) -> bool:
        """Whether the service answered."""
        return self.code == GOOD


def read(lines: Iterable[str]) -> tuple[Answer, ...]:
    """Return the client's log as values; a last line that is not whole yet is left out."""
    found = []
    for line in lines:
        words = line.split()
        if len(words) < 3 or not line.endswith("\n"):
            continue
        sent, got = float(words[0]), float(words[1])
        node = words[3] if len(words) > 3 else ""
        made = float(words[4]) if len(words) > 4 else got
        found.append(Answer(sent=sent, got=got, code=words[2], node=node, made=made))
    return tuple(found)


def gap_s(answers: Sequence[Answer], since: float) -> float:
    """Return the longest time without a good answer after a moment, in seconds.

    It counts from the last good answer before the moment, as a user would.
    """
    good = [answer.got for answer in answers if answer.is_good]
    before = [moment for moment in good if moment <= since]
    moments = [*before[-1:], *(moment for moment in good if moment > since)]
    return max((later - earlier for earlier, later in pairwise(moments)), default=0.0)


def turns(answers: Iterable[Answer]) -> tuple[str, ...]:
    """Return the nodes that answered, in the order in which they took over from each other."""
    found: list[str] = []
    for answer in answers:
        if answer.is_good and found[-1:] != [answer.node]:
            found.append(answer.node)
    return tuple(found)


def two_at_once(answers: Iterable[Answer]) -> bool:
    """Tell whether two nodes answered in turn, as clients see it if both serve.

    The logs of several clients are taken together, in the order in which the pages were made. A
    service that moves away and back is gone for longer than `AT_ONCE_S` in between: a node that
    takes over waits for the other one's lease.
    """
    good = sorted((answer for answer in answers if answer.is_good), key=attrgetter("made"))
    changes = [(one, other) for one, other in pairwise(good) if one.node != other.node]
    quick = [other.made - one.made < AT_ONCE_S for one, other in changes]
    return any(first and second for first, second in pairwise(quick))
