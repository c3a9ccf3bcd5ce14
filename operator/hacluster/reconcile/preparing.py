"""What the configuration of nodes needs that no agent of ours runs: read, and judged for being due.

ConfigMaps are read as they are; of Secrets only the versions are kept. Both are read again in every
period, and when the spec has changed. When a node was looked at last is told by its Run Command.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from hacluster.errors import ArmDenied, HAClusterError
from hacluster.model.agent import Preparation
from hacluster.model.cluster import Cluster, NodeFile
from hacluster.model.ids import key as key_of
from hacluster.model.machines import OperatingSystem
from hacluster.model.observed import Snapshot
from hacluster.model.reasons import Reason
from hacluster.plan.view import View
from hacluster.reconcile.ports import KubernetesError, Vault

LOOK_EVERY: Final = timedelta(minutes=10)
"""How often it is looked whether anything on a node has drifted. Azure allows four writes of a
machine a minute, and each run costs the node some seconds of a processor."""
LONGEST_LINUX: Final = 64 * 1024
"""Bytes of one Secret's value: in Base64 it has to fit into one string of the environment, of which
the kernel takes 128 KiB (execve(2))."""
MOST_LINUX: Final = 1024 * 1024
"""Bytes of all of them: the environment has to fit into a quarter of the stack (execve(2))."""
MOST_WINDOWS: Final = 16 * 1024
"""Bytes of all of them: parameters come in a command line, of which Windows takes 32 767
characters (CreateProcessW)."""


@dataclass(slots=True)
class PreparationMemory:
    """What is remembered between passes: hints only. Times are monotonic seconds."""

    known: Preparation | None = None
    at: float = float("-inf")
    of: int = -1
    """The generation of the spec that it was read for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was found in one pass."""

    preparation: Preparation | None = None
    trouble: HAClusterError | None = None
    """Why it could not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparer:
    """Reads for one pass."""

    vault: Vault
    cluster: Cluster
    memory: PreparationMemory
    now: Callable[[], datetime]

    async def prepare(self, view: View) -> Prepared:
        """Return what was found; nothing is raised but the API server's absence."""
        try:
            known = await self._known()
        except KubernetesError:
            raise
        except HAClusterError as error:
            return Prepared(trouble=error)
        return Prepared(preparation=replace(known, due=self._due(view)))

    async def _known(self) -> Preparation:
        memory, now = self.memory, asyncio.get_running_loop().time()
        period = self.cluster.spec.management.sync_interval_seconds
        is_new = memory.of == self.cluster.generation and now - memory.at < period
        if memory.known is None or not is_new:
            memory.known = await self._read()
            memory.at, memory.of = now, self.cluster.generation
        return memory.known

    async def _read(self) -> Preparation:
        files = self.cluster.spec.cluster.node_configuration.files
        texts = {
            (ref.name, ref.key): await self._text(ref.name, ref.key)
            for file in files
            if (ref := file.config_map_key_ref) is not None
        }
        told = json.dumps(sorted((*key, text) for key, text in texts.items()))
        return Preparation(
            texts=texts,
            mark=hashlib.sha256(told.encode()).hexdigest()[:16],
            versions=await self._versions(files),
        )

    async def _text(self, name: str, key: str) -> str:
        held = await self.vault.config_map(self.cluster.namespace, name)
        if key not in held:
            why = f"the ConfigMap {self.cluster.namespace}/{name} has no key {key}: add it"
            raise ArmDenied(why, reason=Reason.SECRET_MISSING)
        return held[key]

    async def _versions(self, files: tuple[NodeFile, ...]) -> dict[str, str]:
        """Return the Secrets' versions, if what they hold can be brought to a node."""
        is_windows = self.cluster.spec.machines.operating_system is OperatingSystem.WINDOWS
        longest, most = (MOST_WINDOWS, MOST_WINDOWS) if is_windows else (LONGEST_LINUX, MOST_LINUX)
        versions: dict[str, str] = {}
        total = 0
        for ref in (file.secret_key_ref for file in files):
            if ref is None:
                continue
            secret = await self.vault.read(self.cluster.namespace, ref.name)
            size = len(secret.bytes(ref.key))
            total += size
            if size > longest or total > most:
                why = (
                    f"the value of {ref.key} in the Secret {self.cluster.namespace}/{ref.name} is "
                    f"too large for Run Command: it takes {longest} bytes in one, {most} in all"
                )
                raise ArmDenied(why, reason=Reason.SECRET_INVALID)
            versions[ref.name] = secret.version
        return versions

    def _due(self, view: View) -> frozenset[str]:
        before = self.now() - LOOK_EVERY
        ends = {node.name: ended_at(view, node.name) for node in view.spec.nodes}
        return frozenset(name for name, end in ends.items() if end is not None and end <= before)


def runs_of(view: View) -> View:
    """Return a view with only what `Preparer` looks at: small enough to be remembered."""
    ids = (view.names.configuration_command(node) for node in view.spec.nodes)
    seen = {key_of(one): view.get(one) for one in ids}
    return View.of(view.cluster, seen=Snapshot(resources=seen))


def ended_at(view: View, node: str) -> datetime | None:
    """Return when the last run on a node has ended, or None where Azure does not tell."""
    wanted = next(one for one in view.spec.nodes if one.name == node)
    seen = view.present(view.names.configuration_command(wanted))
    shown = (seen.properties.get("instanceView") or {}) if seen else {}
    try:
        found = datetime.fromisoformat(str(shown.get("endTime") or ""))
    except ValueError:
        return None
    return found if found.tzinfo else None
