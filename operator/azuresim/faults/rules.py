"""What is to go wrong: rules matched against requests, each for a number of times.

The wire asks at each place where something can go wrong: before a request has
any effect, after the effect but before the reply, when an operation starts,
when a list is answered. What a rule says is done there; a rule that is used up
is gone.
"""

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from azuresim.errors import ArmError
from azuresim.faults.refusals import REFUSALS, Circumstances
from azuresim.state.records import Operation

CUT_BEFORE: Final = "cut-before"
CUT_AFTER: Final = "cut-after"
HANG: Final = "hang"
ERROR_AFTER: Final = "error-after"
STUCK: Final = "stuck"
FAIL: Final = "fail"
STALE: Final = "stale"
SLOW: Final = "slow"

KINDS: Final[Mapping[str, str]] = {
    "throttle": "429 with Retry-After, before any effect",
    "lock": "429 RetryableErrorDueToAnotherOperation, before any effect",
    "error": "500, 502, 503 or 504 (--status), before any effect",
    "conflict": "409 AnotherOperationInProgress, before any effect",
    "deny": "403 AuthorizationFailed, before any effect",
    "policy": "403 RequestDisallowedByPolicy, before any effect",
    "quota": "409 QuotaExceeded, before any effect",
    "sku": "409 SkuNotAvailable, before any effect",
    CUT_BEFORE: "the connection is cut before any effect",
    HANG: "no effect, silence for --seconds, then the connection is cut",
    CUT_AFTER: "the effect happens, then the connection is cut",
    ERROR_AFTER: "the effect happens, then 500, 502, 503 or 504 (--status) is answered",
    STUCK: "the operation never ends, until all faults are cleared",
    FAIL: "the operation ends as Failed, with --code and --message",
    STALE: "a list is answered as it was up to --seconds ago",
    SLOW: "the reply takes --seconds longer",
}


class CutError(Exception):
    """The connection is to be cut without a reply, after some seconds of silence."""

    def __init__(self, silence_s: float = 0.0) -> None:
        super().__init__(silence_s)
        self.silence_s = silence_s


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a request turned out to be about.

    Attributes:
        verb: HTTP method.
        kind: Full resource type, or the pattern of a fixed path; `entra` for signing in.
        name: Name of the resource or child; empty for a list.
        path: The path as written.
    """

    verb: str
    kind: str = ""
    name: str = ""
    path: str = ""


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
        status: What `error` and `error-after` answer.
        seconds: How stale a list is, or how late a reply or the cut, in real seconds.
        code: What a failed operation's error is called.
        message: What it says.
        id: Given when it is added.
    """

    fault: str
    verb: str = ""
    kind: str = ""
    name: str = ""
    count: int | None = 1
    probability: float = 1.0
    retry_after: int = 5
    status: int = 503
    seconds: float = 5.0
    code: str = "InternalExecutionError"
    message: str = "An internal execution error occurred. Please retry later."
    id: str = ""

    def matches(self, about: About) -> bool:
        """Whether it speaks of such a request."""
        asked = ((self.verb, about.verb), (self.kind, about.kind), (self.name, about.name))
        return all(
            not want or fnmatchcase(have.casefold(), want.casefold()) for want, have in asked
        )


class Faults:
    """The rules in force, oldest first. They live in memory: a restart lifts them.

    Args:
        dice: Decides where a rule has a probability.
        now: Tells real seconds, for stale lists.
    """

    def __init__(self, dice: random.Random, now: Callable[[], float]) -> None:
        self._dice = dice
        self._now = now
        self._rules: dict[str, Rule] = {}
        self._lists: dict[tuple[str, str], tuple[float, Any]] = {}

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
        self._lists.clear()
        return len(gone)

    def before(self, about: About) -> None:
        """Let go wrong what goes wrong before any effect.

        Raises:
            ArmError: Instead of the reply.
            CutError: Instead of any reply.
        """
        rule = self._strike({*REFUSALS, CUT_BEFORE, HANG}, about)
        if rule is None:
            return
        if rule.fault in {CUT_BEFORE, HANG}:
            raise CutError(rule.seconds if rule.fault == HANG else 0.0)
        raise _refusal(rule.fault, rule, about)

    def after(self, about: About) -> None:
        """Let go wrong what goes wrong once the effect is there.

        Raises:
            ArmError: Instead of the reply.
            CutError: Instead of any reply.
        """
        rule = self._strike({CUT_AFTER, ERROR_AFTER}, about)
        if rule is None:
            return
        if rule.fault == CUT_AFTER:
            raise CutError
        raise _refusal("error", rule, about)

    def operation(self, operation: Operation, about: About) -> Operation:
        """Return an operation that starts, with the end that a rule has for it."""
        rule = self._strike({STUCK, FAIL}, about)
        if rule is None:
            return operation
        if rule.fault == STUCK:
            return replace(operation, due=None)
        return replace(operation, error={"code": rule.code, "message": rule.message})

    def listed(self, about: About, query: str, fresh: Any) -> Any:
        """Return what a list is answered with: the truth, or an older answer if a rule says so."""
        if not self._rules:
            return fresh
        rule = self._strike({STALE}, about)
        if rule is None:
            return fresh
        key = (about.path.casefold(), query)
        taken, answer = self._lists.get(key, (-rule.seconds, None))
        if self._now() - taken < rule.seconds:
            return answer
        self._lists[key] = (self._now(), fresh)
        return fresh

    def delay(self, about: About) -> float:
        """Return how many real seconds a reply is held back."""
        rule = self._strike({SLOW}, about)
        return rule.seconds if rule else 0.0

    def _strike(self, faults: set[str], about: About) -> Rule | None:
        for rule in tuple(self._rules.values()):
            if rule.fault not in faults or not rule.matches(about):
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


def _refusal(name: str, rule: Rule, about: About) -> ArmError:
    seen = Circumstances(
        verb=about.verb,
        kind=about.kind,
        path=about.path,
        status=rule.status,
        retry_after=rule.retry_after,
    )
    return REFUSALS[name](seen)
