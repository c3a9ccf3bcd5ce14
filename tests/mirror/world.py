"""Two nodes with a mirror between them, as tests see them: each a guest with real DRBD, the agent's
own mirror code on it, and the cluster's store in memory.

The lease is not here: which node holds the group is what a test says (`epoch`), as the state
machine's own tests prove who may.
"""

from __future__ import annotations

import shlex
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.mirror.guest_system import GuestSystem
from tests.mirror.guests import Guest, GuestError, Place

from hacluster_node.cli.client import PEER_OUTDATED
from hacluster_node.errors import NodeError
from hacluster_node.net.blobs import NOT_THERE, Condition
from hacluster_node.net.http import Response
from hacluster_node.resources import mirror_disk, mirror_status
from hacluster_node.resources.kinds import Call
from hacluster_node.resources.mirror_disk import MirrorDisk
from hacluster_node.runtime.mirrors import Mirrors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.mirror.pieces import Pieces

    from hacluster_node.resources.mirror_status import MirrorStatus

DATA = "/srv/data"
GROUP, NAME = "g", "md"
DISK_BYTES = 40 << 20
METADATA_MIB = 4
START_S = 20.0
SOON_S = 90.0


class Store:
    """The cluster's container in memory, with ETags; `is_away` makes it unreachable."""

    def __init__(self) -> None:
        self.is_away = False
        self._blobs: dict[str, tuple[bytes, int]] = {}
        self._lock = threading.Lock()

    def get(self, name: str, timeout: float, condition: Condition | None = None) -> Response:
        """Answer as the blob service does."""
        del timeout, condition
        with self._lock:
            self._must_be_there()
            if name not in self._blobs:
                return Response(404, {"x-ms-error-code": "BlobNotFound"}, b"")
            content, version = self._blobs[name]
            return Response(200, {"etag": f'"{version}"'}, content)

    def put(
        self, name: str, content: bytes, timeout: float, condition: Condition | None = None
    ) -> Response:
        """Answer as the blob service does."""
        del timeout
        with self._lock:
            self._must_be_there()
            _, version = self._blobs.get(name, (b"", 0))
            missing = condition == NOT_THERE and version == 0
            same = condition is not None and condition.value == f'"{version}"'
            if not missing and not same:
                return Response(412, {"x-ms-error-code": "ConditionNotMet"}, b"")
            self._blobs[name] = (content, version + 1)
            return Response(201, {"etag": f'"{version + 1}"'}, b"")

    def _must_be_there(self) -> None:
        if self.is_away:
            raise OSError("the store is away")


class Node:
    """One node: the guest, and the agent's code at work on it.

    Attributes:
        epoch: under which this node holds the group; 0 while it does not.
    """

    def __init__(self, pieces: Pieces, place: Place, store: Store, peers: Sequence[str]) -> None:
        self.epoch = 0
        self._pieces = pieces
        self._place = place
        self._peers = tuple(peers)
        self._mirrors = Mirrors(lambda: store, self.name)  # type: ignore[arg-type, return-value]
        self._options: dict[str, Any] = {}
        self.guest: Guest

    @property
    def name(self) -> str:
        """The node's name, which is its machine's."""
        return self._place.name

    def use(self, options: dict[str, Any]) -> None:
        """Take the mirror's settings."""
        self._options = options

    def power_on(self) -> None:
        """Start the machine's boot; `join` waits for its end."""
        self.epoch = 0
        self.guest = Guest(self._pieces, self._place, self._peer_lost)

    def join(self) -> None:
        """Wait until the machine is up and bring the local half up, as the agent's start does."""
        self.guest.__enter__()
        self._kind.prepare(self._system, self._call())

    def reboot(self) -> None:
        """Come back after a power cut."""
        self.guest.kill()
        self.power_on()
        self.join()

    def activate(self, epoch: int) -> None:
        """Start the resource as the holder of the group.

        Raises:
            NodeError: as the agent would tell it.
        """
        self.epoch = epoch
        newest = self._mirrors.is_newest(GROUP, NAME)
        self._kind.start(self._system, self._call(newest=newest))

    def deactivate(self) -> None:
        """Stop the resource in order; the group is held no longer afterwards."""
        self._kind.stop(self._system, self._call())
        self.epoch = 0

    def fence(self) -> None:
        """Fence the resource as the guard does; the group is held no longer."""
        self.epoch = 0
        self._kind.fence(self._system, self._call())

    def check(self) -> str:
        """Run the Mirror monitor's check; return "" if all is well, else its code and words."""
        answer = self._mirrors.watch((GROUP, NAME), self._peers, self.epoch, self._ask)
        return "" if answer["ok"] else f"{answer['code']} {answer['detail']}"

    def accept_loss(self) -> None:
        """Do what `force-activate` does about the mirror."""
        self._kind.accept(self._system, self._call())
        self._mirrors.accept_loss(GROUP, NAME)

    def drbd(self) -> MirrorStatus:
        """Return what DRBD says here."""
        return mirror_disk.status(self._system, self._call())

    def write(self, name: str, text: str) -> None:
        """Write a file and return once it is on the disks, when an application acknowledges."""
        line = (
            f"printf %s {shlex.quote(text)} | /usr/bin/dd of={DATA}/{name} conv=fsync status=none"
        )
        self.guest.run("sh", "-c", line)

    def read(self, name: str) -> str:
        """Read a file."""
        return self.guest.run("cat", f"{DATA}/{name}")

    def sum(self) -> str:
        """Return a checksum over the local half itself, past DRBD; the mirror must be down."""
        return self.guest.run("sha256sum", self._options["disk"] + "2").split()[0]

    def drbdadm(self, *words: str) -> None:
        """Do by hand what an administrator does."""
        self.guest.run("drbdadm", *words, f"ha-{GROUP}-{NAME}")

    def _ask(self, verb: str) -> dict[str, object]:
        """Do as the helper does with its verbs `mirror` and `mirror-thaw`."""
        found = None
        try:
            if verb == "mirror":
                found = mirror_status.trouble(self.drbd())
            else:
                self._kind.thaw(self._system, self._call())
        except NodeError as error:
            found = error.code, error.detail
        code, detail = found or ("", "")
        return {"ok": found is None, "code": code, "detail": detail}

    def _peer_lost(self, words: Sequence[str]) -> int:
        """Do as the agent when DRBD's handler calls `hacluster-node mirror-peer-lost`."""
        assert list(words) == ["mirror-peer-lost", GROUP, NAME]
        try:
            self._mirrors.peer_lost(GROUP, NAME, self._peers, self.epoch)
        except NodeError:
            return 1
        return PEER_OUTDATED

    @property
    def _system(self) -> GuestSystem:
        return GuestSystem(self.guest)

    @property
    def _kind(self) -> MirrorDisk:
        return MirrorDisk()

    def _call(self, *, newest: bool = True) -> Call:
        return Call(GROUP, NAME, self.epoch, START_S, self._options, newest)


class Pair:
    """Both nodes, the first one named first."""

    def __init__(self, pieces: Pieces, folder: Path) -> None:
        self.store = Store()
        port = _free_port()
        names = ("node1", "node2")
        self.nodes = []
        for number, name in enumerate(names, 1):
            disk = folder / f"{name}.disk"
            with disk.open("wb") as file:
                file.truncate(DISK_BYTES)
            log = folder / f"{name}.log"
            place = Place(name=name, number=number, port=port, disk=disk, log=log)
            others = [other for other in names if other != name]
            self.nodes.append(Node(pieces, place, self.store, others))
        options = {
            "disk": "/dev/ubda",
            "metadataSizeMiB": METADATA_MIB,
            "minor": 0,
            "port": 7788,
            "mountPath": DATA,
            "fileSystem": "ext4",
            "nodes": [
                {"name": name, "address": f"10.77.0.{number}"}
                for number, name in enumerate(names, 1)
            ],
        }
        for node in self.nodes:
            node.use(options)

    def __iter__(self) -> Iterator[Node]:
        """Yield both nodes."""
        return iter(self.nodes)

    def until_in_step(self) -> None:
        """Wait until both nodes say that both halves are there and newest."""
        until(lambda: all(node.drbd().is_in_step for node in self), "both halves in step")


@contextmanager
def running(pieces: Pieces, folder: Path) -> Iterator[Pair]:
    """Yield a pair of machines that are up, with blank disks brought up as a new mirror."""
    pair = Pair(pieces, folder)
    try:
        for node in pair:
            node.power_on()
        for node in pair:
            node.join()
        yield pair
    finally:
        for node in pair:
            node.guest.kill()


def until(holds: Callable[[], bool], what: str, timeout_s: float = SOON_S) -> None:
    """Wait until something holds; fail with its name if it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise GuestError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.3)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
