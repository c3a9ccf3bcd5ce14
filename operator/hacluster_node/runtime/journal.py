"""What the agent tells people: decisions with their reason, and troubles with their code.

Each goes to the log as one line of JSON and into a bounded memory that `hacluster-node events`
and the status show. The same trouble is told once, and again when it is over or changed.
"""

from __future__ import annotations

import collections
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Deque, Dict, List, Mapping

if TYPE_CHECKING:
    from hacluster_node.core import effects
    from hacluster_node.errors import NodeError

_KEPT = 200
_LOG = logging.getLogger("hacluster_node")


class Journal:
    """The last decisions and troubles of this agent run. Times are wall-clock seconds."""

    def __init__(self) -> None:
        self._entries: Deque[Mapping[str, Any]] = collections.deque(maxlen=_KEPT)
        self._troubles: Dict[str, str] = {}

    def decided(self, effect: effects.Decided) -> None:
        """Tell one decision."""
        entry = {**effect._asdict(), "at": time.time()}
        self._entries.append(entry)
        _LOG.info("Decided", extra=effect._asdict())

    def noted(self, subject: str, what: str, why: str) -> None:
        """Tell something that was done and was no decision of the state machine."""
        entry = {"subject": subject, "what": what, "why": why, "epoch": 0}
        self._entries.append({**entry, "at": time.time()})
        _LOG.info("Noted", extra=entry)

    def trouble(self, error: NodeError) -> None:
        """Tell a trouble, unless it was the last one told under its code."""
        if self._troubles.get(error.code) == error.detail:
            return
        self._troubles[error.code] = error.detail
        entry = {"subject": "node", "what": error.code, "why": error.detail, "epoch": 0}
        self._entries.append({**entry, "at": time.time()})
        _LOG.warning("Had trouble", extra={"code": error.code, "detail": error.detail})

    def over(self, code: str) -> None:
        """Note that a trouble is over."""
        self._troubles.pop(code, None)

    def troubles(self) -> Mapping[str, str]:
        """Return present troubles by code."""
        return dict(self._troubles)

    def entries(self, last: int) -> List[Mapping[str, Any]]:
        """Return the last entries, oldest first."""
        return list(self._entries)[-last:]


class JsonLines(logging.Formatter):
    """One log record as one JSON object; systemd's journal keeps the time."""

    _ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line: level, message and the extra fields."""
        line: Dict[str, Any] = {"level": record.levelname, "message": record.getMessage()}
        line.update({k: v for k, v in vars(record).items() if k not in self._ORDINARY})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up_logging() -> None:
    """Log JSON lines to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
