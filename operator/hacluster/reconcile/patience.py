"""What went wrong lately, and when it is worth asking Azure again.

In memory only: a restart asks once more, and learns the same. Every failure heals by itself when
its cause goes, since even what Azure called wrong is asked again, slowly: policies, quotas and
locks are mended outside.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from hacluster.errors import ArmError, HAClusterError, Retry
from hacluster.model import ids
from hacluster.model.ids import ArmId

SOONEST_S: Final = {Retry.SOON: 1.0, Retry.LATER: 15.0, Retry.ON_CHANGE: 60.0}
"""The pause after a first failure."""
LONGEST_S: Final = {Retry.SOON: 30.0, Retry.LATER: 300.0, Retry.ON_CHANGE: 3600.0}
"""The pause that doubling ends at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A step on ``id`` failed; ``due`` is when it may be tried again, in monotonic seconds."""

    id: ArmId
    error: HAClusterError
    due: float
    pause: float


@dataclass(slots=True)
class Patience:
    """The troubles of one object."""

    _troubles: dict[str, Trouble] = field(default_factory=dict)
    _version: tuple[object, ...] = ()

    def reset_unless(self, version: tuple[object, ...]) -> None:
        """Forget all troubles if the object, or what was asked of it, has changed."""
        if version != self._version:
            self._troubles.clear()
            self._version = version

    def failed(
        self, resource: ArmId, error: HAClusterError, now: float, *, at_least: float = 0.0
    ) -> Trouble:
        """Note a failure, and double the pause if it is not the first.

        ``at_least`` is the shortest pause, where it is known better than by counting.
        """
        key = ids.key(resource)
        before = self._troubles.get(key)
        pause = SOONEST_S[error.retry]
        if before is not None and before.error.retry is error.retry:
            pause = min(before.pause * 2, LONGEST_S[error.retry])
        wanted = error.retry_after_s if isinstance(error, ArmError) else None
        found = Trouble(
            id=resource, error=error, due=now + max(pause, at_least, wanted or 0.0), pause=pause
        )
        self._troubles[key] = found
        return found

    def succeeded(self, resource: ArmId) -> None:
        """Forget the trouble with a resource."""
        self._troubles.pop(ids.key(resource), None)

    def only(self, planned: Iterable[ArmId]) -> None:
        """Forget the troubles with what no step is about any more."""
        keys = {ids.key(each) for each in planned}
        self._troubles = {key: each for key, each in self._troubles.items() if key in keys}

    def of(self, resource: ArmId) -> Trouble | None:
        """Return the trouble with a resource, if there is one."""
        return self._troubles.get(ids.key(resource))

    def all(self) -> tuple[Trouble, ...]:
        """Return all troubles, in the order of ids."""
        return tuple(found for _, found in sorted(self._troubles.items()))

    def next_due(self) -> float | None:
        """Return when the first step may be tried again, or None where nothing is in trouble."""
        return min((each.due for each in self._troubles.values()), default=None)
