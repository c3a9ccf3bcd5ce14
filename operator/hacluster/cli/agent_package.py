"""The agent that this operator ships: a zip of the package that is installed beside it.

The agent's own build makes it, in a process of its own, since the operator and the agent share no
code: the same sources make the same bytes, so that two replicas of one image agree. The container
image has the sources beside the operator's (Dockerfile).
"""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from hacluster.errors import InvariantBroken
from hacluster.model.agent import AgentPackage

BUILD: Final = "hacluster_node.build"
BOOTSTRAP: Final = Path("install", "bootstrap.py")
DEADLINE_S: Final = 120


def shipped() -> AgentPackage:
    """Return the agent.

    Raises:
        InvariantBroken: it is not installed beside the operator, or could not be packed.
    """
    found = importlib.util.find_spec(BUILD.partition(".")[0])
    if found is None or not found.submodule_search_locations:
        raise InvariantBroken("The package hacluster_node is not installed beside the operator")
    bootstrap = Path(found.submodule_search_locations[0]) / BOOTSTRAP
    with tempfile.TemporaryDirectory(prefix="hacluster-agent-") as folder:
        target = Path(folder) / "agent.pyz"
        done = subprocess.run(  # noqa: S603 - our own package, by our own Python
            [sys.executable, "-m", BUILD, str(target)],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        if done.returncode:
            raise InvariantBroken(f"The agent could not be packed: {done.stderr[-500:]}")
        content = target.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return AgentPackage(digest=digest, content=content, bootstrap=bootstrap.read_text())
