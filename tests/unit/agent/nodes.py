"""A node's own file and signed configuration in a temporary directory."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from hacluster_node.settings.node_file import NodeFile, read
from hacluster_wire.documents import CONFIGURATION, Document, seal
from hacluster_wire.keys import KeyRing, derive

if TYPE_CHECKING:
    from pathlib import Path

MASTER = b"m" * 32


def node_file(directory: Path, node: str = "node-1") -> NodeFile:
    keys = {
        purpose: base64.b64encode(derive(MASTER, purpose, name).reveal()).decode()
        for purpose, name in (("heartbeat", ""), ("document", node))
    }
    content = {
        "cluster": "Cluster1",
        "node": node,
        "store": {"container": "https://store.example/c"},
        "keys": {"active": "k1", "accepted": [{"id": "k1", **keys}]},
        "stateDirectory": str(directory / "state"),
        "runDirectory": str(directory / "run"),
    }
    path = directory / "node.json"
    path.write_text(json.dumps(content))
    return read(path)


def sealed(content: Any, generation: int = 1, node: str = "node-1") -> bytes:
    keys = KeyRing({"k1": derive(MASTER, "document", node)}, "k1")
    return seal(Document(CONFIGURATION, "Cluster1", node, generation, content), keys)
