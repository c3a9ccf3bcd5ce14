"""The script that puts a node's configuration in place where no agent of ours does.

Its second line tells what it brings. Azure does not run the same text twice, so another content,
another round of looking for drift, and another attempt after a failure are each another text; what
was sent is read back from there, and nothing has to be remembered.

What Secrets hold is not in it: that comes by protected parameters, each a `SecretContent`, and the
hash in the second line is made of the Secrets' versions, so that nothing can be guessed from it.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hacluster.model.agent import Preparation
from hacluster.model.azure import SecretKey
from hacluster.model.cluster import NodeConfiguration, NodeFile
from hacluster.model.machines import OperatingSystem
from hacluster.plan.nodes import power_shell, shell
from hacluster.plan.nodes.pieces import Content, FileWanted, Parameter, Pieces, encoded

PARAMETER: Final = "HACLUSTER_FILE_"
"""Begins the names of the protected parameters; the file's number in the spec ends them."""
_HEAD: Final = re.compile(
    r"^# hacluster-configuration content=([0-9a-f]{64}) round=(\d+) attempt=(\d+)$", re.MULTILINE
)
_CHANGED: Final = re.compile(r"^hacluster: changed (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a script brings."""

    content: str
    """SHA-256 of all that is to be in place."""
    number: int = 1
    """How often it has been looked for drift."""
    attempt: int = 1
    """How often in a row it failed, and once more."""

    def line(self) -> str:
        """Return the line that tells it."""
        return (
            f"# hacluster-configuration content={self.content} round={self.number} "
            f"attempt={self.attempt}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretContent:
    """Stands for a file's content, in Base64, until the request that brings it is sent."""

    secret: SecretKey
    version: str
    """Of the Secret that the step was planned with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A node's script but for its second line."""

    pieces: Pieces
    is_windows: bool
    secrets: tuple[tuple[str, SecretContent], ...]
    """By the name of the parameter that brings it."""

    @property
    def content(self) -> str:
        """Return what tells this configuration from another one."""
        versions = [f"{name}={one.secret.name}/{one.version}" for name, one in self.secrets]
        return hashlib.sha256("\n".join([self.text(), *versions]).encode()).hexdigest()

    def text(self, which: Round | None = None) -> str:
        """Return the text that the node runs."""
        head = which.line() if which else "#"
        make = power_shell.script if self.is_windows else shell.script
        return make(head, self.pieces)


def round_of(text: str) -> Round | None:
    """Return what a script brings, or None where it is not one of ours."""
    found = _HEAD.search(text)
    if found is None:
        return None
    content, number, attempt = found.groups()
    return Round(content=content, number=int(number), attempt=int(attempt))


def changed(output: str) -> tuple[str, ...]:
    """Return what a run has put in place, by what it said; a long tale may have lost its start."""
    return tuple(_CHANGED.findall(output))


def script_of(
    configuration: NodeConfiguration, system: OperatingSystem, known: Preparation
) -> Script:
    """Return the script that puts a configuration in place."""
    secrets = tuple(_secrets(configuration, known))
    pieces = Pieces(
        packages=configuration.packages,
        files=tuple(_file(n, one, known) for n, one in enumerate(configuration.files, start=1)),
        commands=tuple((one.run, one.check) for one in configuration.commands),
    )
    return Script(pieces=pieces, is_windows=system is OperatingSystem.WINDOWS, secrets=secrets)


def _secrets(
    configuration: NodeConfiguration, known: Preparation
) -> Iterator[tuple[str, SecretContent]]:
    for number, file in enumerate(configuration.files, start=1):
        if (secret := file.secret_key_ref) is not None:
            version = known.versions[secret.name]
            yield f"{PARAMETER}{number}", SecretContent(secret=secret, version=version)


def _file(number: int, file: NodeFile, known: Preparation) -> FileWanted:
    content: Content
    if file.secret_key_ref is not None:
        content = Parameter(f"{PARAMETER}{number}")
    elif (ref := file.config_map_key_ref) is not None:
        content = encoded(known.texts[ref.name, ref.key])
    else:
        content = encoded(file.content or "")
    return FileWanted(path=file.path, mode=int(file.mode, 8), owner=file.owner, content=content)
