"""Writes the state machine's memory to disk, aside and never twice at once.

A full, read-only or hanging disk costs the counters of failures after a restart, and nothing
else: no rule rests on what is on disk, and no thread of importance waits for it.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Mapping, Optional

from hacluster_node.errors import NodeError
from hacluster_node.settings.stored import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from hacluster_node.runtime.journal import Journal

STATE_FILE = "state.json"


class Saver:
    """Keeps the newest state on disk; states that come too fast are skipped, never queued."""

    def __init__(self, directory: Path, journal: Journal) -> None:
        self._path = directory / STATE_FILE
        self._journal = journal
        self._newest: Optional[Mapping[str, Any]] = None
        self._changed = threading.Condition()
        threading.Thread(target=self._write, name="saver", daemon=True).start()

    def load(self) -> Mapping[str, Any]:
        """Return what was saved last; empty if nothing readable was."""
        try:
            state = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def save(self, state: Mapping[str, Any]) -> None:
        """Have a state written soon."""
        with self._changed:
            self._newest = state
            self._changed.notify()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None)
                state, self._newest = self._newest, None
            try:
                write_atomically(self._path, json.dumps(state).encode())
            except NodeError as error:
                self._journal.trouble(error)
            else:
                self._journal.over("HAN-S01")
