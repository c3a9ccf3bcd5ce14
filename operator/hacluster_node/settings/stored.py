"""The last good configuration on disk: verified again by everyone who reads it.

The agent writes what arrived and was found good; guard and helper read it and check its
signature themselves, so that a broken agent cannot have root run a script of its own. What is not
in force yet waits in a file of its own, so that all three begin to use it together.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Optional

from hacluster_node.errors import Broken, NodeError, Refused
from hacluster_node.settings.document import Settings, parse
from hacluster_node.settings.own_keys import OwnKeys
from hacluster_node.settings.reader import ConfigInvalid
from hacluster_wire.documents import CONFIGURATION, open_sealed
from hacluster_wire.errors import WireError

if TYPE_CHECKING:
    from pathlib import Path

    from hacluster_node.settings.node_file import NodeFile

CONFIGURATION_FILE = "configuration"


class Stored:
    """One node's configuration on disk."""

    def __init__(self, node: NodeFile) -> None:
        self._node = node
        self._keys = OwnKeys(node)
        self._path = node.state_directory / CONFIGURATION_FILE

    def verified(self, text: bytes) -> Settings:
        """Return the settings of a document's text.

        Raises:
            Refused: HAN-C02 for its signature, HAN-C01 for its content.
        """
        node, keys = self._node, self._keys.now().document
        try:
            document = open_sealed(text, keys, CONFIGURATION, node.cluster, node.node)
        except WireError as error:
            raise Refused("HAN-C02", str(error)) from error
        settings = parse(document.content, node.node, document.generation)
        is_lease = settings.witness.get("type") == "KubernetesLease"
        if is_lease and not settings.witness["server"] and node.kubernetes is None:
            why = (
                "partition.witness.server: missing; the node's own file names no API server either"
            )
            raise ConfigInvalid([why])
        return settings

    def load(self) -> Optional[Settings]:
        """Return the settings on disk; None if there are none that can be trusted."""
        try:
            return self.verified(self._path.read_bytes())
        except (OSError, NodeError):
            return None

    def save(self, text: bytes) -> None:
        """Keep a document that was verified.

        Raises:
            Broken: HAN-S01, the disk does not take it.
        """
        write_atomically(self._path, text)

    def stage(self, text: bytes, generation: int) -> None:
        """Keep a document that was verified until `use` puts it in force.

        Raises:
            Broken: HAN-S01, the disk does not take it.
        """
        write_atomically(self._staged(generation), text)

    def staged(self, generation: int) -> Optional[Settings]:
        """Return the settings that wait to be put in force, or None if there are none."""
        try:
            return self.verified(self._staged(generation).read_bytes())
        except (OSError, NodeError):
            return None

    def use(self, generation: int) -> None:
        """Put a staged document in force, at once: it is on the disk already. Older ones go.

        Raises:
            Broken: HAN-S01, the disk does not take it.
        """
        try:
            self._staged(generation).replace(self._path)
            for path in self._path.parent.glob(f"{CONFIGURATION_FILE}-*"):
                number = path.name.rpartition("-")[2]
                if number.isdecimal() and int(number) < generation:
                    path.unlink()
        except OSError as error:
            raise Broken("HAN-S01", f"{self._path}: {error.strerror}") from error

    def _staged(self, generation: int) -> Path:
        return self._path.with_name(f"{CONFIGURATION_FILE}-{generation}")


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a power loss leaves the old or the new one, whole.

    Raises:
        Broken: HAN-S01, the disk is full, read-only or broken; the old file stands.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise Broken("HAN-S01", f"{path}: {error.strerror}") from error
