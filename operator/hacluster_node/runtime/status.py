"""One node's status as JSON-ready values: what `hacluster-node status` and the operator read.

The format is docs/node-status.md: what the machine shows of itself (`core.status`), and what
only the runtime knows. It is made in the machine's own thread, so that it is never half of
two moments.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping

from hacluster_node.core.clocks import shortest
from hacluster_node.core.status import table

if TYPE_CHECKING:
    from hacluster_node.core.machine import Machine

VERSION = "0.1.0"
PACKAGE = Path(__file__).resolve().parents[2].name
"""The installation's directory: the first 16 digits of the zip's hash (`install.steps`)."""


def build(machine: Machine, extra: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the status; `extra` is what only the runtime knows (troubles, what is missing)."""
    node = machine.node
    return {
        **table(node),
        "cluster": node.config.cluster,
        "agentVersion": VERSION,
        "package": PACKAGE,
        "at": time.time(),
        "bootId": node.boot_id,
        "incarnation": node.incarnation,
        "runSeconds": round(shortest(node.started, node.now), 3),
        "configuration": node.config.version,
        "configurationComing": "" if node.coming is None else node.coming.version,
        "profile": node.config.partition.profile,
        **extra,
    }
