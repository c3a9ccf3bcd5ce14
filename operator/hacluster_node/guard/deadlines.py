"""Until when each group may serve: a pure table, judged by three clocks.

The longest time that any clock saw pass counts (docs/protocol.md, "Time"), so a clock that
stood still cannot prolong a lease. A group that was fenced stays so until it is opened again
under a deadline that was set after the fence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Optional

from hacluster_node.core.clocks import Clocks, disagree, longest


@dataclass(frozen=True)
class Deadline:
    """One group's right to serve.

    Attributes:
        epoch: under which it serves.
        stamp: from when it counts: before the request that won or renewed it.
        fence_after_s: how long after the stamp the fence begins.
    """

    epoch: int
    stamp: Clocks
    fence_after_s: float

    def left(self, now: Clocks) -> float:
        """Return the seconds until the fence begins; 0 or less means it is due."""
        return self.fence_after_s - longest(self.stamp, now)


@dataclass(frozen=True)
class _Group:
    deadline: Optional[Deadline] = None
    fenced: bool = True
    held: bool = False


class Deadlines:
    """The table. Every group starts fenced: nothing serves before it was opened.

    Args:
        groups: the configured groups; unknown names are treated as fenced for ever.
        slack_s: J; a look later than this after the last one is a thaw.
    """

    def __init__(self, groups: Iterable[str], slack_s: float) -> None:
        self._groups: Dict[str, _Group] = {name: _Group() for name in groups}
        self._slack_s = slack_s
        self._looked: Optional[Clocks] = None

    def configure(self, groups: Iterable[str], slack_s: float) -> None:
        """Take a new set of groups; those that stay keep their state."""
        self._groups = {name: self._groups.get(name, _Group()) for name in groups}
        self._slack_s = slack_s

    def set(self, name: str, deadline: Deadline) -> None:
        """Replace a group's deadline; a hold by a thaw ends when a later request is confirmed."""
        group = self._groups.get(name)
        if group is not None:
            self._groups[name] = replace(group, deadline=deadline)

    def open(self, name: str, now: Clocks) -> bool:
        """Let a group serve if its deadline is good; False leaves it as it is."""
        group = self._groups.get(name)
        if group is None or group.deadline is None or group.deadline.left(now) <= 0:
            return False
        self._groups[name] = replace(group, fenced=False, held=False)
        return True

    def hold(self, name: str) -> None:
        """Let it not serve until it is opened again; its deadline runs on."""
        group = self._groups.get(name)
        if group is not None:
            self._groups[name] = replace(group, held=True)

    def fence(self, name: str) -> None:
        """Note that it is being fenced: no deadline, not serving."""
        if name in self._groups:
            self._groups[name] = _Group()

    def expired(self, now: Clocks) -> List[str]:
        """Return the groups whose fence is due."""
        return [
            name
            for name, group in self._groups.items()
            if group.deadline is not None and group.deadline.left(now) <= 0
        ]

    def unfenced(self) -> List[str]:
        """Return the groups that may have something running."""
        return [name for name, group in self._groups.items() if not group.fenced]

    def is_fenced(self, name: str) -> bool:
        """Tell whether nothing of the group may run."""
        group = self._groups.get(name)
        return group is None or group.fenced

    def epoch(self, name: str, now: Clocks) -> Optional[int]:
        """Return the epoch under which a group may answer probes now, or None if it may not."""
        group = self._groups.get(name)
        if group is None or group.fenced or group.held or group.deadline is None:
            return None
        return group.deadline.epoch if group.deadline.left(now) > 0 else None

    def next_look(self, now: Clocks, longest_s: float) -> float:
        """Return in how many seconds to look again."""
        lefts = [group.deadline.left(now) for group in self._groups.values() if group.deadline]
        return max(0.0, min([longest_s, *lefts]))

    def thawed(self, now: Clocks, planned_s: float) -> Optional[str]:
        """Return why this node seems to have stood still since the last look, or None.

        Args:
            now: this look.
            planned_s: how long the caller meant to wait since the last one.
        """
        then, self._looked = self._looked, now
        if then is None:
            return None
        if disagree(then, now):
            return "the clocks disagree about the time since the last look"
        late = longest(then, now) - planned_s
        if late > self._slack_s:
            return f"a timer was {late:.2f} s late"
        return None
