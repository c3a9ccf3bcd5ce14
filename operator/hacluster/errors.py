"""What can go wrong, as the operator tells it; library exceptions end at the adapters.

HAClusterError               reason: a condition's reason; retry: when to look again
├─ SpecInvalid               ON_CHANGE  path, why: the manifest; Accepted=False
├─ ArmError                             code, request_id, retry_after_s
│  ├─ ArmUnavailable         SOON       5xx, time-outs, broken connections: outcome unknown
│  ├─ ArmThrottled           LATER      429; retry_after_s is honoured
│  ├─ ArmDenied              LATER      401 and 403; names the missing permission
│  ├─ ArmExhausted           LATER      quota, size or zone capacity
│  └─ ArmRejected            ON_CHANGE  any other 4xx: our body is wrong
├─ AgentError
│  ├─ AgentUnreachable       SOON       is not evidence that the node is down
│  └─ AgentRefused           LATER
└─ InvariantBroken           LATER      end this pass, touch nothing, say so loudly

404 and 412 are values, not errors. Messages never hold secrets.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, NamedTuple

from hacluster.model.reasons import Reason


class Retry(StrEnum):
    """When it is worth looking again."""

    SOON = "Soon"
    """In seconds: the cause is expected to pass by itself."""
    LATER = "Later"
    """In minutes, or when the answer says so: somebody or something has to give way."""
    ON_CHANGE = "OnChange"
    """When the object changes; slowly also without, since policies are mended outside."""


class HAClusterError(Exception):
    """Anything the operator raises on purpose."""

    reason: Reason
    retry: ClassVar[Retry]


class Flaw(NamedTuple):
    """One thing in a manifest that is not allowed: where, and what to write instead."""

    path: str
    why: str

    def __str__(self) -> str:
        """Return the line that a person reads."""
        return f"{self.path}: {self.why}"


class SpecInvalid(HAClusterError):
    """The manifest breaks a rule. ``path`` and ``why`` are those of the first of ``flaws``."""

    reason = Reason.SPEC_INVALID
    retry = Retry.ON_CHANGE

    def __init__(self, path: str, why: str, others: Sequence[Flaw] = ()) -> None:
        self.path = path
        self.why = why
        self.flaws = (Flaw(path, why), *others)
        super().__init__("; ".join(map(str, self.flaws)))


class ArmError(HAClusterError):
    """Azure Resource Manager's answer, or the lack of one.

    ``code`` is Azure's own error code, ``request_id`` what Microsoft's support asks for,
    ``retry_after_s`` how many seconds Azure wants to be left alone.
    """

    reason = Reason.REJECTED

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        request_id: str = "",
        retry_after_s: float | None = None,
        reason: Reason | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        if reason is not None:
            self.reason = reason


class ArmUnavailable(ArmError):
    """No answer, or a 5xx: whether a write was done is unknown, so look again."""

    reason = Reason.AZURE_UNREACHABLE
    retry = Retry.SOON


class ArmThrottled(ArmError):
    """Too many calls."""

    reason = Reason.THROTTLED
    retry = Retry.LATER


class ArmDenied(ArmError):
    """The identity may not do it; the message names the missing permission."""

    reason = Reason.DENIED
    retry = Retry.LATER


class ArmExhausted(ArmError):
    """A quota or the capacity of a size, zone or region is used up."""

    reason = Reason.QUOTA_EXCEEDED
    retry = Retry.LATER


class ArmRejected(ArmError):
    """Azure says that the request is wrong."""

    reason = Reason.REJECTED
    retry = Retry.ON_CHANGE


class AgentError(HAClusterError):
    """A node's agent did not do what was asked."""


class AgentUnreachable(AgentError):
    """No report from the agent; this is not evidence that the node is down."""

    reason = Reason.AWAITING_AGENT
    retry = Retry.SOON


class AgentRefused(AgentError):
    """The agent would not do it."""

    reason = Reason.REFUSED
    retry = Retry.LATER


class InvariantBroken(HAClusterError):
    """A state that our own rules exclude: end the pass and touch nothing."""

    reason = Reason.INVARIANT_BROKEN
    retry = Retry.LATER
