"""Which half of a mirror was left behind: a note in the cluster's store.

The note changes by compare-and-set, as the witness does. DRBD lets a primary write on when
its peer is lost, and lets the lost peer become primary later, without a word about what it
missed. So the primary's I/O stands still until this node has noted the peer as behind
(`peer_lost`, called by DRBD's fence-peer handler), and a half that is noted as behind is never
activated. The note is cleared when both are in step again.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Callable, Mapping, Optional, Tuple

from hacluster_node.errors import Broken, Refused
from hacluster_node.witness.blob import BlobRegister
from hacluster_node.witness.register import Found, Missing, Written

if TYPE_CHECKING:
    from hacluster_node.net.blobs import Container
    from hacluster_node.witness.register import Register

FROZEN = "HAN-D06"
_TIMEOUT_S = 5.0
_ATTEMPTS = 3
_VERDICT_S = 10.0


class Verdict:
    """Whether a command was allowed: told by one thread, waited for by others."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self._yes = False

    def tell(self, *, yes: bool) -> None:
        """Say whether it was."""
        self._yes = yes
        self._told.set()

    def is_yes(self) -> bool:
        """Wait for the verdict; none within ten seconds is a no."""
        return self._told.wait(_VERDICT_S) and self._yes


class Mirrors:
    """The notes about all mirrors.

    Args:
        container: makes a connection to the cluster's container.
        node: this node's name.
    """

    def __init__(self, container: Callable[[], Container], node: str) -> None:
        self._container = container
        self._node = node

    def is_newest(self, group: str, resource: str) -> bool:
        """Tell whether no other half wrote on without this one.

        Raises:
            Broken: HAN-W01, the store does not say; then nobody may guess.
        """
        behind, _ = _read(self._register(group, resource))
        return self._node not in behind

    def peer_lost(self, group: str, resource: str, peers: Tuple[str, ...], epoch: int) -> None:
        """Note that the peers miss what is written from now on.

        Raises:
            Refused: HAN-D01, this half is itself behind, or the group is not held here.
            Broken: HAN-W01, the note was not surely written; I/O must stand still.
        """
        if epoch <= 0:
            raise Refused("HAN-D01", f"group {group} is not active on {self._node}")
        register = self._register(group, resource)
        for _ in range(_ATTEMPTS):
            behind, version = _read(register)
            if self._node in behind:
                raise Refused("HAN-D01", f"{self._node} is itself noted as behind")
            if _write(register, behind | frozenset(peers), epoch, version):
                return
        raise Broken("HAN-W01", "the note about the mirror was changed by others all the time")

    def accept_loss(self, group: str, resource: str) -> None:
        """Take this node's half as the newest, as an administrator decided.

        Raises:
            Broken: HAN-W01, it was not surely noted.
        """
        register = self._register(group, resource)
        behind, version = _read(register)
        if self._node in behind and not _write(register, behind - {self._node}, 0, version):
            raise Broken("HAN-W01", "the note about the mirror was not changed; try again")

    def in_step(
        self, group: str, resource: str, epoch: int, look: Callable[[], Mapping[str, object]]
    ) -> Mapping[str, object]:
        """Look at the mirror, and clear the note if both halves are in step and it is ours.

        The note is read before the look: one that is written in between is not cleared.
        """
        register = self._register(group, resource)
        noted: Optional[Tuple[frozenset[str], Optional[str]]] = None
        if epoch > 0:
            noted = _read(register)
        answer = look()
        if answer["ok"] and noted is not None and noted[0]:
            _write(register, frozenset(), epoch, noted[1])
        return answer

    def watch(
        self,
        name: Tuple[str, str],
        peers: Tuple[str, ...],
        epoch: int,
        ask: Callable[[str], Mapping[str, object]],
    ) -> Mapping[str, object]:
        """Do the Mirror monitor's check, and end a standstill that its cause outlived.

        DRBD calls its handler once. If the store was away just then, the writes would wait for
        the peer's return; so the note is made up for here, and then they go on.

        Args:
            name: the group and the resource.
            peers: the nodes with the other halves.
            epoch: under which this node holds the group, 0 if it does not.
            ask: has the helper do one of its verbs on this mirror and returns its answer.

        Raises:
            NodeError: the note could not be read, or not be made; then the writes wait on.
        """
        answer = self.in_step(*name, epoch, lambda: ask("mirror"))
        if answer.get("code") == FROZEN and epoch > 0:
            self.peer_lost(*name, peers, epoch)
            return ask("mirror-thaw")
        return answer

    def _register(self, group: str, resource: str) -> Register:
        return BlobRegister(self._container(), f"mirror/{group}.{resource}")


def _read(register: Register) -> Tuple[frozenset[str], Optional[str]]:
    outcome = register.read(_TIMEOUT_S)
    if isinstance(outcome, Missing):
        return frozenset(), None
    if isinstance(outcome, Found):
        try:
            return frozenset(json.loads(outcome.content)["behind"]), outcome.version
        except (ValueError, KeyError, TypeError):
            raise Broken("HAN-W03", "the note about the mirror is not readable") from None
    raise Broken(outcome.code, f"the mirror's note: {outcome.why}")


def _write(register: Register, behind: frozenset[str], epoch: int, version: Optional[str]) -> bool:
    content = json.dumps({"behind": sorted(behind), "epoch": epoch}).encode()
    return isinstance(register.write(content, version, _TIMEOUT_S), Written)
