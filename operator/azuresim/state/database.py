"""The log on disk: SQLite in write-ahead mode, one file, one owner.

`synchronous=OFF` hands each commit to the kernel and does not wait for the
platter: what is committed survives a killed process at any moment, which is
what the simulator promises. It does not promise to survive a power cut.
"""

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import orjson

from azuresim.state.records import Operation, Record

RECORD_FIELDS = tuple(field.name for field in fields(Record))
COLUMNS = attrgetter(*RECORD_FIELDS)
SCHEMA = """
CREATE TABLE IF NOT EXISTS records
  (key TEXT PRIMARY KEY, id TEXT, kind TEXT, etag TEXT, data BLOB, operation TEXT, settled TEXT,
   created REAL, changed REAL);
CREATE TABLE IF NOT EXISTS operations (id TEXT PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, data BLOB);
"""


class DirectoryInUseError(Exception):
    """Another process serves from this directory."""


class Database:
    """The durable copy of one simulator's state.

    Raises:
        DirectoryInUseError: If another process has it open.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = lock(directory)
        self._sql = sqlite3.connect(directory / "state.sqlite3", isolation_level=None)
        self._sql.execute("PRAGMA journal_mode=WAL")
        self._sql.execute("PRAGMA synchronous=OFF")
        self._sql.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file and let another process have the directory."""
        self._sql.close()
        self._lock.close()

    def records(self) -> Iterator[Record]:
        """Yield every record, oldest first."""
        columns = ", ".join(RECORD_FIELDS)
        rows = self._sql.execute(f"SELECT {columns} FROM records ORDER BY rowid")  # noqa: S608 - constants
        for row in rows:
            yield Record(**dict(zip(RECORD_FIELDS, row, strict=True)))

    def operations(self) -> Iterator[Operation]:
        """Yield every operation, oldest first."""
        for (data,) in self._sql.execute("SELECT data FROM operations ORDER BY rowid"):
            yield Operation(**orjson.loads(data))

    def fact(self, name: str) -> Any:
        """Return a fact by its name, or None."""
        row = self._sql.execute("SELECT data FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a fact."""
        self._sql.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, orjson.dumps(value)))

    def commit(
        self,
        saved: Iterable[Record],
        removed: Iterable[str],
        operations: Iterable[Operation],
        forgotten: Iterable[str] = (),
        facts: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Write all of it or, if killed, none of it."""
        sql = self._sql
        sql.execute("BEGIN")
        try:
            for key in removed:
                sql.execute("DELETE FROM records WHERE key = ?", (key,))
            for record in saved:
                sql.execute(
                    "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) "
                    "DO UPDATE SET id = excluded.id, etag = excluded.etag, data = excluded.data, "
                    "operation = excluded.operation, settled = excluded.settled, "
                    "created = excluded.created, changed = excluded.changed",
                    (record.key, *COLUMNS(record)),
                )
            for operation in operations:
                data = orjson.dumps(operation)
                sql.execute("INSERT OR REPLACE INTO operations VALUES (?, ?)", (operation.id, data))
            for operation_id in forgotten:
                sql.execute("DELETE FROM operations WHERE id = ?", (operation_id,))
            for name, value in facts.items():
                self.set_fact(name, value)
        except BaseException:
            sql.execute("ROLLBACK")
            raise
        sql.execute("COMMIT")


def lock(directory: Path) -> IO[str]:
    """Take a directory until the file that is returned is closed.

    Raises:
        DirectoryInUseError: If another process has it.
    """
    held = (directory / "lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise DirectoryInUseError(
            f"{directory} is in use by another azuresim. Stop that one, or name another directory."
        ) from None
    return held
