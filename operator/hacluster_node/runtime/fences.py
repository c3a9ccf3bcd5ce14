"""The fences under way: the guard's to carry out, and the helper's as well when the guard hangs.

A fence has S. A guard that works answers within a few hundredths of a second; when nothing was
heard of it for a quarter of S, the helper fences the group too, which leaves most of S for it. That
costs nothing where the guard was only slow: each step of a fence may be done twice, and the group
has to be fenced anyway. Only the guard's word ends a fence, and not before the helper has answered:
so nothing that still fences can meet what is started later.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional

if TYPE_CHECKING:
    from hacluster_node.core.effects import Fence
    from hacluster_node.runtime.links import Link

Message = Mapping[str, Any]
_SHARE = 0.25  # of S, for which the guard may be silent
_HELPER_HANGS_S = 20.0  # Far above what a fence takes; only the release waits for it.


class _UnderWay:
    """One fence: what the helper was asked, and what the guard said meanwhile."""

    def __init__(self, effect: Fence) -> None:
        self.effect = effect
        self.helper_since: Optional[float] = None
        """Monotonic seconds since which the helper works on it, None if it does not."""
        self.helper_did = False
        """Whether the helper fenced it completely."""
        self.ended: Optional[Message] = None
        """The guard's word that it is complete, kept until the helper has answered."""


class Fences:
    """The table of fences under way.

    Args:
        guard: the connection to the guard.
        helper: the connection to the helper.
        on_end: called once with the guard's message when a fence is complete, in a reading thread.
        on_trouble: called with the helper's answer if it could not do all of a fence.
    """

    def __init__(
        self,
        guard: Link,
        helper: Link,
        on_end: Callable[[Message], None],
        on_trouble: Callable[[Message], None],
    ) -> None:
        self._guard = guard
        self._helper = helper
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._under_way: Dict[int, _UnderWay] = {}
        self._lock = threading.Lock()

    @property
    def are_under_way(self) -> bool:
        """Whether `look` must be called often: at least every tenth of S."""
        return bool(self._under_way)

    def begin(self, effect: Fence) -> None:
        """Ask the guard for a fence."""
        with self._lock:
            self._under_way[effect.fence] = _UnderWay(effect)
        message = {"do": "fence", "group": effect.group, "number": effect.fence}
        self._guard.ask({**message, "reason": effect.reason}, _heard)

    def look(self, fence_s: float) -> bool:
        """Have the helper fence too where the guard is silent; False if the helper hangs as well.

        Args:
            fence_s: S, in seconds.
        """
        with self._lock:
            under_way = list(self._under_way.values())
        if not under_way:
            return True
        silent_s = self._guard.oldest_wait_s()
        if silent_s == 0.0:
            self._guard.ask({"do": "alive"}, _heard)
        elif silent_s > fence_s * _SHARE:
            for one in under_way:
                self._with_helper(one)
        begun = [one.helper_since for one in under_way if one.helper_since is not None]
        return time.monotonic() - min(begun, default=time.monotonic()) < _HELPER_HANGS_S

    def heard(self, message: Message) -> None:
        """Take the guard's word that a fence is complete."""
        with self._lock:
            one = self._under_way.get(int(message["number"]))
            if one is not None:
                one.ended = message
                if one.helper_since is not None:
                    return
                del self._under_way[one.effect.fence]
        self._on_end(message)

    def _with_helper(self, one: _UnderWay) -> None:
        with self._lock:
            gone = one.effect.fence not in self._under_way
            if gone or one.helper_did or one.helper_since is not None:
                return
            one.helper_since = time.monotonic()
        message = {"do": "fence", "group": one.effect.group, "epoch": one.effect.epoch}
        self._helper.ask(message, lambda answer: self._helper_answered(one, answer))

    def _helper_answered(self, one: _UnderWay, answer: Message) -> None:
        """Take note; what it could not do it is asked again while the guard is silent."""
        with self._lock:
            one.helper_did, one.helper_since = bool(answer["ok"]), None
            if one.ended is not None:
                del self._under_way[one.effect.fence]
        if not answer["ok"]:
            self._on_trouble(answer)
        if one.ended is not None:
            self._on_end(one.ended)


def _heard(_answer: Message) -> None:
    """The guard is alive; `Link.oldest_wait_s` tells when it is not."""
