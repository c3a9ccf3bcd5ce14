"""Slow results are kept outside the checkout and shared by all checkouts of one user.

An entry's folder name is the hash of all that went into it, so an entry is never changed and never
out of date. It is made in a draft folder and renamed when complete: whoever is killed half-way
leaves a draft, which the next maker removes.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

DRAFT_PREFIX = ".draft-"


def root() -> Path:
    """Return the cache's folder: `HACLUSTER_CACHE`, else `hacluster` in the user's cache folder."""
    named = os.environ.get("HACLUSTER_CACHE")
    if named:
        return Path(named).absolute()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home).absolute() / "hacluster"


def digest(*parts: str | Path) -> str:
    """Return 16 hexadecimal digits that change with any of the words or file contents given."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()[:16]


def place(kind: str, key: str) -> Path:
    """Return where an entry is, or would be."""
    return root() / kind / key


def entry(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the entry's folder; have ``make`` fill it first if nobody has yet.

    Of several callers at once, in any process, one makes it and the others wait for that one.
    """
    final = place(kind, key)
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(final.parent / ".lock"):
        if not final.is_dir():
            _make(final, make)
    return final


def _make(final: Path, make: Callable[[Path], None]) -> None:
    for leftover in final.parent.glob(f"{DRAFT_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=final.parent))
    try:
        make(draft)
        draft.chmod(0o755)
        draft.rename(final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock while the body runs; the system frees it when the holder dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
