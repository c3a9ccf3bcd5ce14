"""What the node has beside its groups: packages, files and commands, read strictly.

The names are docs/node-configuration.md's. Scripts of resources and monitors come as files too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Tuple

from hacluster_node.settings.fields import absolute

if TYPE_CHECKING:
    from hacluster_node.settings.reader import Reader

_MODE = re.compile(r"0?[0-7]{3,4}\Z")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:~=-]*\Z")


@dataclass(frozen=True)
class File:
    """A file as it ought to be; its content is in no `repr`, for it may be secret."""

    path: str
    mode: int
    owner: str
    content: str = field(repr=False)


@dataclass(frozen=True)
class Action:
    """A command: `check` exits 0 where `run` is not needed."""

    run: str
    check: str


@dataclass(frozen=True)
class Software:
    """All of it; it is put in place in this order."""

    packages: Tuple[str, ...] = ()
    files: Tuple[File, ...] = ()
    commands: Tuple[Action, ...] = ()


def read(reader: Reader) -> Software:
    """Return what a document says; every fault is noted."""
    packages = reader.texts("packages", ())
    for name in packages:
        if not _PACKAGE.match(name):
            reader.fault("packages", f"{name!r} is not the name of a package")
    software = Software(
        packages=packages,
        files=tuple(_file(item) for item in reader.children("files")),
        commands=tuple(
            Action(item.text("run"), item.text("check")) for item in reader.children("commands")
        ),
    )
    reader.done()
    return software


def _file(reader: Reader) -> File:
    mode = reader.text("mode", "0644")
    if not _MODE.match(mode):
        reader.fault("mode", f"{mode!r} is not a mode; write four octal digits such as 0644")
        mode = "0644"
    return File(
        path=reader.checked("path", absolute, "an absolute path"),
        mode=int(mode, 8),
        owner=reader.text("owner", "root"),
        content=reader.text("content", ""),
    )
