"""What DRBD says about one mirror, read from `drbdadm status`; 8.4 and 9 print alike.

The words are DRBD's own. A lost peer shows as `connection:Connecting`; a split brain, or a
refused handshake, as no peer line at all while our half is there (`StandAlone` in cstate).
A resource that is down makes drbdadm end with code 10 and "No such resource"; so does, without
those words, a resource file that it cannot read, and one that is not there makes it end with 1. A
primary whose writes wait until its lost peer is noted as behind shows as `suspended:fencing`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

_NOT_UP = "No such resource"
_PAIR = re.compile(r"([a-z-]+):(\S+)")


@dataclass(frozen=True)
class Peer:
    """One other half.

    Attributes:
        name: the peer's name as DRBD has it.
        connection: `Connected`, or the state it is stuck in.
        role: `Primary`, `Secondary` or `Unknown`.
        disk: the peer's disk state as we know it.
        replication: `Established`, `SyncSource`, `SyncTarget`, ..., or `Off`.
        done_percent: how far a resynchronisation is, or None.
    """

    name: str
    connection: str = "Connected"
    role: str = "Unknown"
    disk: str = "DUnknown"
    replication: str = "Off"
    done_percent: Optional[float] = None


@dataclass(frozen=True)
class MirrorStatus:
    """One mirror as this node sees it. `is_up` False leaves the rest empty.

    Attributes:
        is_frozen: no write ends until the lost peer is noted as behind, or is back.
    """

    is_up: bool
    role: str = "Unknown"
    disk: str = "Unknown"
    peers: Tuple[Peer, ...] = ()
    is_frozen: bool = False

    @property
    def is_in_step(self) -> bool:
        """Tell whether every half is there and newest."""
        return (
            self.disk == "UpToDate"
            and bool(self.peers)
            and all(peer.disk == "UpToDate" for peer in self.peers)
        )

    @property
    def is_connected(self) -> bool:
        """Tell whether every peer is there, in whatever state its data is."""
        return bool(self.peers) and all(peer.connection == "Connected" for peer in self.peers)

    @property
    def is_blank(self) -> bool:
        """Tell whether all halves are there and none has data, as two new ones are."""
        return (
            self.is_connected
            and self.disk == "Inconsistent"
            and all(peer.disk == "Inconsistent" for peer in self.peers)
        )

    @property
    def is_alone(self) -> bool:
        """Tell whether no peer is being looked for: DRBD gave a connection up (StandAlone)."""
        return self.is_up and (
            not self.peers or any(peer.connection == "StandAlone" for peer in self.peers)
        )


def says_not_up(output: str) -> bool:
    """Tell whether a status that failed did so because the mirror is down."""
    return _NOT_UP in output


def parse(output: str, code: int) -> MirrorStatus:
    """Return what `drbdadm status RESOURCE` said.

    Raises:
        ValueError: neither a status nor "not up".
    """
    if code != 0 and says_not_up(output):
        return MirrorStatus(is_up=False)
    lines = [line for line in output.splitlines() if line.strip()]
    if code != 0 or not lines:
        raise ValueError(f"drbdadm status ended with {code}: {output[:200]}")
    head = dict(_PAIR.findall(lines[0]))
    disk = "Unknown"
    peers: list[Peer] = []
    for line in lines[1:]:
        words = dict(_PAIR.findall(line))
        if _is_peer(line):
            peers.append(_peer(line.split()[0], words))
        elif "disk" in words and not peers:
            disk = words["disk"]
        elif peers:
            peers[-1] = _with_volume(peers[-1], words)
    frozen = "fencing" in head.get("suspended", "").split(",")
    return MirrorStatus(
        is_up=True,
        role=head.get("role", "Unknown"),
        disk=disk,
        peers=tuple(peers),
        is_frozen=frozen,
    )


def refusal(status: MirrorStatus, newest: bool) -> Optional[tuple[str, str]]:  # noqa: FBT001
    """Return (code, why) if this half may not become primary, or None if it may.

    A half that restarted without its peer is `Consistent`: DRBD cannot know whether the peer
    wrote on, the cluster's store does. Two blank halves may make a beginning.

    Args:
        status: DRBD's own word.
        newest: the cluster's store does not say that another half wrote on without this one.
    """
    if not status.is_up:
        return "HAN-D01", "the mirror is not up on this node"
    if not newest:
        return "HAN-D01", "the other half wrote on while this one was away"
    if any(peer.role == "Primary" for peer in status.peers):
        return "HAN-D01", "the other half is still Primary"
    alone = status.disk == "Consistent" and not status.is_connected
    if status.disk == "UpToDate" or alone or status.is_blank:
        return None
    return "HAN-D01", f"the local half is {status.disk}, not UpToDate{_source(status)}"


def trouble(status: MirrorStatus) -> Optional[tuple[str, str]]:
    """Return (code, why) if the mirror is not whole, or None if it is in step."""
    if not status.is_up:
        return "HAN-D01", "the mirror is not up on this node"
    if status.is_frozen:
        return "HAN-D06", "the other half is lost and not yet noted as behind; writes wait"
    if status.is_blank:
        return "HAN-D01", "both halves are new; the group's first start makes the file system"
    if status.disk == "Diskless":
        return "HAN-D07", "the local disk failed; the data is read from the other half"
    if status.is_alone:
        return "HAN-D02", "the halves are apart and do not look for each other (StandAlone)"
    for peer in status.peers:
        if peer.disk == "Diskless":
            return "HAN-D07", f"the disk of {peer.name} failed; this half is the only one left"
        if peer.connection != "Connected":
            return "HAN-D01", f"{peer.name} is not connected ({peer.connection}): out of step"
        if peer.disk != "UpToDate" or status.disk != "UpToDate":
            done = "" if peer.done_percent is None else f", {peer.done_percent} % done"
            return "HAN-D01", f"out of step: {status.disk}/{peer.disk} {peer.replication}{done}"
    return None


def _source(status: MirrorStatus) -> str:
    """Return what to wait for, for a half that may not start."""
    for peer in status.peers:
        if peer.done_percent is not None:
            return f"; {peer.done_percent} % are copied"
    return "" if status.is_connected else "; the other half is not connected"


def _is_peer(line: str) -> bool:
    first = line.split(maxsplit=1)[0]
    return line.startswith("  ") and not line.startswith("   ") and ":" not in first


def _peer(name: str, words: dict[str, str]) -> Peer:
    connection = words.get("connection", "Connected")
    return Peer(name=name, connection=connection, role=words.get("role", "Unknown"))


def _with_volume(peer: Peer, words: dict[str, str]) -> Peer:
    done = words.get("done")
    return Peer(
        name=peer.name,
        connection=peer.connection,
        role=peer.role,
        disk=words.get("peer-disk", peer.disk),
        replication=words.get("replication", peer.replication),
        done_percent=float(done) if done else peer.done_percent,
    )
