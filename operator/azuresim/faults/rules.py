"""What is to go wrong: rules matched against requests, each for a number of times.

The wire asks twice: before a request has any effect, and after the effect but
before the reply. What a rule says is done there; a rule that is used up is gone.
"""

import random
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from azuresim.errors import ArmError

THROTTLE: Final = "throttle"
CUT_BEFORE: Final = "cut-before"
CUT_AFTER: Final = "cut-after"
KINDS: Final[Mapping[str, str]] = {
    THROTTLE: "429 with Retry-After, before any effect",
    CUT_BEFORE: "the connection is cut before any effect",
    CUT_AFTER: "the effect happens, then the connection is cut",
}


class CutError(Exception):
    """The connection is to be cut without a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fault.

    Attributes:
        fault: What goes wrong; one of `KINDS`.
        verb: HTTP method it applies to; empty for all.
        kind: Full resource type, `*` allowed; empty for all.
        name: Name of the resource, `*` allowed; empty for all.
        count: How often it still happens; None for without end.
        probability: Chance that it happens to a request that matches, 0 to 1.
        retry_after: Seconds a throttled client is asked to wait.
        id: Given when it is added.
    """

    fault: str
    verb: str = ""
    kind: str = ""
    name: str = ""
    count: int | None = 1
    probability: float = 1.0
    retry_after: int = 5
    id: str = ""

    def matches(self, verb: str, kind: str, name: str) -> bool:
        """Whether it speaks of such a request."""
        asked = ((self.verb, verb), (self.kind, kind), (self.name, name))
        return all(
            not want or fnmatchcase(have.casefold(), want.casefold()) for want, have in asked
        )


class Faults:
    """The rules in force, oldest first.

    Args:
        dice: Decides where a rule has a probability.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._rules: dict[str, Rule] = {}

    def add(self, wish: Mapping[str, Any]) -> Rule:
        """Put a rule in force.

        Raises:
            ValueError: If there is no such fault or field.
        """
        if wish.get("fault") not in KINDS:
            raise ValueError(f"There is no fault {wish.get('fault')!r}. Known: {', '.join(KINDS)}.")
        try:
            rule = Rule(**{**wish, "id": uuid.uuid4().hex[:8]})
        except TypeError as error:
            raise ValueError(f"The fault is not understood: {error}") from None
        self._rules[rule.id] = rule
        return rule

    def list(self) -> list[dict[str, Any]]:
        """Return the rules in force."""
        return [asdict(rule) for rule in self._rules.values()]

    def clear(self, rule_id: str = "") -> int:
        """Lift one rule, or all; return how many."""
        gone = [rule_id] if rule_id in self._rules else [] if rule_id else list(self._rules)
        for each in gone:
            del self._rules[each]
        return len(gone)

    def before(self, verb: str, kind: str, name: str) -> None:
        """Let go wrong what goes wrong before any effect.

        Raises:
            ArmError: Instead of the reply.
            CutError: Instead of any reply.
        """
        rule = self._strike({THROTTLE, CUT_BEFORE}, verb, kind, name)
        if rule is None:
            return
        if rule.fault == CUT_BEFORE:
            raise CutError
        message = "Number of requests for the subscription exceeded the limit. Please try again."
        headers = {"Retry-After": str(rule.retry_after)}
        raise ArmError(429, "SubscriptionRequestsThrottled", message, headers=headers)

    def after(self, verb: str, kind: str, name: str) -> None:
        """Let go wrong what goes wrong once the effect is there.

        Raises:
            CutError: Instead of any reply.
        """
        if self._strike({CUT_AFTER}, verb, kind, name) is not None:
            raise CutError

    def _strike(self, faults: set[str], verb: str, kind: str, name: str) -> Rule | None:
        for rule in tuple(self._rules.values()):
            if rule.fault not in faults or not rule.matches(verb, kind, name):
                continue
            if self._dice.random() >= rule.probability:
                continue
            self._use(rule)
            return rule
        return None

    def _use(self, rule: Rule) -> None:
        if rule.count is None:
            return
        if rule.count <= 1:
            del self._rules[rule.id]
        else:
            self._rules[rule.id] = replace(rule, count=rule.count - 1)
