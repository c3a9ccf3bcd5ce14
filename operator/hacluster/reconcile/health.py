"""How often the balancer is asked who serves, and what is remembered of its answers.

To ask costs two calls for each balancer, one of which Azure counts as a write, and nothing of it
can be shared. So a balancer whose cluster is at rest is asked the more seldom the more clusters
share a subscription and an identity. Whatever suggests a change has it asked in every period again:

| a cluster of which | its balancer is asked |
|---|---|
| a node is about to be interrupted, or a look was asked for | at once |
| anything has changed in Azure, or is wrong, or another answer came lately | in every period |
| nothing of that is so | every `pause` |
| the agents name another node than it does, after a failover | `soon`, but only `EAGER` times |
| the balancer did not answer several times in a row | every 5 periods |
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hacluster.model.assessment import BackendHealth

Answer = tuple[BackendHealth, ...]

TRIES: Final = 6
"""How often Azure is asked for one collection of the balancer's health."""
VAIN_PERIODS: Final = 5
"""Every how many periods a balancer is asked that has not answered several times in a row."""
ALIKE: Final = 3
"""How many equal answers in a row show a service that stays where it is."""
APART: Final = timedelta(seconds=1)
"""How far apart the balancers of one subscription are asked: a tenth of the writes that Azure lets
one identity make, 10 in a second (`arm.throttle`), so that repairs have the others."""
EAGER: Final = 8
"""How often a balancer is asked beyond its turn because the evidence differs. So many are given
again when the evidence has agreed for `ALIKE` answers: what differs for ever is no reason to poll.
"""
EAGER_APART: Final = APART / 10
"""How far apart then, if all clusters fail over at once: as often as Azure lets one identity."""
ASKING_S: Final = 2.0
"""An answer was asked for at most so long after its pass began to ask."""
FOREVER_S: Final = 86400.0
STEPS: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20))
"""How far apart one balancer is asked at rest, where a period is too short for all of them. The
last one is the longest that a move of the service may go unseen, however many clusters there are.
"""


def pause(period: timedelta, sharers: int) -> timedelta:
    """Return how far apart a balancer is asked at rest.

    Args:
        period: The cluster's own; it is never asked more often.
        sharers: How many clusters share its subscription and identity.
    """
    steps = (period, *(step for step in STEPS if step > period))
    return next((step for step in steps if step >= sharers * APART), steps[-1])


def soon(probe: timedelta, period: timedelta, sharers: int) -> timedelta:
    """Return how far apart a balancer is asked that has to notice a failover.

    Args:
        probe: How far apart its probes are: more often it has nothing new to say.
        period: The cluster's own; it is asked at least so often in any case.
        sharers: How many clusters share its subscription and identity.
    """
    return min(period, max(probe, sharers * EAGER_APART))


@dataclass(slots=True)
class Watch:
    """One balancer's answers, kept from pass to pass. Times are monotonic seconds."""

    answer: Answer | None = None
    """The last answer; None where it is not known, or too old."""
    is_calm: bool = False
    """Whether the last pass found one node serving and nothing wrong."""
    _at: float = float("-inf")
    """When it was asked for last; long ago while Azure is still collecting."""
    _tries: int = 0
    """How often in a row it was asked for in vain."""
    _alike: int = 0
    """How many equal answers came in a row."""
    _tag: tuple[int, ...] | None = None
    """What was seen of Azure when it was asked."""
    _answered: float = float("-inf")
    """When that was asked for what was answered last."""
    _differs: bool = False
    """Whether the last pass found that its answer contradicts the agents."""
    _soon: timedelta = timedelta.max
    """How far apart it is asked then."""
    _left: int = EAGER
    """How often it is still asked so."""

    def is_due(
        self, now: float, period: timedelta, sharers: int, tag: tuple[int, ...] | None
    ) -> bool:
        """Say whether to ask; ``tag`` is that of the snapshot that was just taken."""
        every = period
        if self.is_vain:
            every = period * VAIN_PERIODS
        elif self.is_calm and self._alike >= ALIKE and tag is not None and tag == self._tag:
            every = pause(period, sharers)
        if self.is_eager:
            every = min(every, self._soon)
        return now - self._at >= every.total_seconds()

    def answered(self, answer: Answer, now: float, tag: tuple[int, ...] | None) -> None:
        """Note an answer to what was asked at ``now``."""
        self._alike = self._alike + 1 if answer == self.answer else 1
        self.answer, self._at, self._tries, self._tag = answer, now, 0, tag
        self._answered = now
        if self._differs:
            self._left = max(self._left - 1, 0)
        elif self._alike >= ALIKE:
            self._left = EAGER

    def compared(self, *, differs: bool, soon: timedelta) -> None:
        """Note whether the agents contradict the answer; then it is asked `soon` for a while."""
        self._differs, self._soon = differs, soon

    def eager_wait(self, now: float) -> timedelta:
        """Return when it is to be asked again because the evidence differs; at most for ever."""
        if not self.is_eager or self.is_awaited:
            return timedelta.max
        return timedelta(seconds=max(self._at + self._soon.total_seconds() - now, 0.1))

    def newer(self, now: float) -> timedelta:
        """Return how old an answer may be to be another one than the last."""
        return timedelta(seconds=min(max(now - self._answered - ASKING_S, 0.0), FOREVER_S))

    def is_silent(self, now: float, *, is_known: bool) -> None:
        """Note that no answer came; after a few tries in vain it is left alone again.

        While Azure is collecting, the last answer stands if ``is_known`` says that it may.
        """
        self._tries += 1
        self._at = now if self.is_vain else float("-inf")
        if self.is_vain or not is_known:
            self.answer = None

    def ask_again(self) -> None:
        """Have the balancer asked in the next pass, however new its answer is."""
        self._at = float("-inf")

    def forget(self) -> None:
        """Forget the answer: there is nothing to ask, or nothing to be told."""
        self.answer = None

    @property
    def is_awaited(self) -> bool:
        """Whether the balancer was asked, and its answer should be there soon."""
        return 0 < self._tries < TRIES

    @property
    def is_eager(self) -> bool:
        """Whether the balancer is to be asked soon, since it may not have noticed a failover."""
        return self._differs and self._left > 0 and not self.is_vain

    @property
    def is_vain(self) -> bool:
        """Whether the balancer was asked several times in a row and has not answered."""
        return self._tries >= TRIES
