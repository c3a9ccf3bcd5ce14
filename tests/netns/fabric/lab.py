"""A simulator in this process with a data plane, and short ways to fill it and to talk in it.

Servers and clients are plain sockets made inside the namespaces; a server tells who it is, whom
it sees and under which address it was reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import re
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.sim.network.lab import NETWORK
from tests.sim.network.lab import Lab as Network
from tests.sim.resources.bodies import machine
from tests.sim.simulator import Simulator as Remote

from azuresim.fabric.linux import LinuxFabric
from azuresim.fabric.namespaces import inside
from azuresim.simulator import Options, Simulator
from azuresim.wire.service import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from azuresim.fabric.door import Fabric

PATIENCE_S: Final = 60.0
"""Whatever is waited for comes within this time, also where other work stalls the machine."""
SILENCE_S: Final = 0.5
"""Who has not answered by then does not answer; long against a round trip of 0.1 ms."""
COMPUTE: Final = "2025-04-01"


class Site:
    """A simulator with its data plane, on a loop of its own thread."""

    def __init__(self, directory: Path, minute_s: float) -> None:
        self._minute_s = minute_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._directory = directory
        self.fabric: Fabric
        self.remote = Remote(directory)

    def start(self) -> None:
        self.run(self._start())

    async def _start(self) -> None:
        options = Options(
            directory=self._directory, host="127.0.0.1", port=0, settings=Settings(throttled=False)
        )
        self._simulator = Simulator(options)
        self.fabric = LinuxFabric(
            self._directory,
            self._simulator.store,
            self._simulator.directory.subscription,
            minute_s=self._minute_s,
        )
        self._simulator.health.rest = self.fabric.verdict
        self.remote.ready = await self._simulator.start()
        await self.fabric.start()

    def stop(self) -> None:
        self.remote.stop()
        try:
            self.run(self._stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_S)
            self._loop.close()

    async def _stop(self) -> None:
        await self.fabric.stop()
        await self._simulator.stop()
        await asyncio.sleep(0.1)  # connections of the test's client that have just ended go

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def settle(self) -> None:
        self.run(self.fabric.settled())


@dataclass(frozen=True)
class Lab(Network):
    """One resource group with a network `net` (10.0.0.0/16) and its subnet `nodes`."""

    site: Site = field(repr=False, kw_only=True)
    servers: list[Server] = field(default_factory=list, repr=False, kw_only=True)

    pages: list[Page] = field(default_factory=list, repr=False, kw_only=True)

    @property
    def network(self) -> str:
        return self.id("virtualNetworks/net").lower()

    @property
    def client(self) -> str:
        """Namespace of the client machine."""
        return self.site.fabric.clients()[self.network]

    @property
    def internet(self) -> str:
        return self.site.fabric.internet

    def machine_id(self, name: str) -> str:
        base = f"{self.sim.subscription}/resourceGroups/{self.group}"
        return f"{base}/providers/Microsoft.Compute/virtualMachines/{name}"

    def machine(self, name: str, address: str, group: str = "", **configuration: Any) -> str:
        """Make a machine with one interface and plug it; return its namespace."""
        static = {"privateIPAllocationMethod": "Static", "privateIPAddress": address}
        body = self.interface_body(**static, **configuration)
        if group:
            body["properties"]["networkSecurityGroup"] = self.ref(f"networkSecurityGroups/{group}")
        self.put(f"networkInterfaces/{name}", body)
        made = machine(self.id(f"networkInterfaces/{name}"))
        made["properties"]["storageProfile"]["osDisk"]["name"] = f"{name}-boot"
        path = f"{self.machine_id(name)}?api-version={COMPUTE}"
        reply = self.sim.send("PUT", path, made)
        assert reply.status in {200, 201}, reply.body
        return self.site.fabric.plug(self.machine_id(name))

    def serving(self, name: str, address: str, port: int = 80, **configuration: Any) -> str:
        """Make a machine that serves on a port; return its namespace."""
        namespace = self.machine(name, address, **configuration)
        self.serve(namespace, name, port)
        return namespace

    def serve(self, namespace: str, name: str, port: int) -> Server:
        server = Server(namespace, name, port)
        self.servers.append(server)
        return server

    def page(self, namespace: str, port: int, status: int, folder: Path | None = None) -> Page:
        page = Page(namespace, port, status, folder)
        self.pages.append(page)
        return page

    def remove(self) -> None:
        """Remove the group with all in it."""
        path = f"{self.sim.subscription}/resourceGroups/{self.group}?api-version=2021-04-01"
        self.sim.send("DELETE", path)
        wait_for(lambda: self.sim.send("GET", path).status == 404, "the end of the group")
        self.site.settle()

    def group_of(self, name: str, *rules: dict[str, Any]) -> None:
        """Write a security group; each rule inbound, allowed and for all unless it says else."""
        made = []
        for number, rule in enumerate(rules):
            properties = {
                "protocol": "*", "access": "Allow", "direction": "Inbound",
                "priority": 100 + number, "sourceAddressPrefix": "*", "sourcePortRange": "*",
                "destinationAddressPrefix": "*", "destinationPortRange": "*", **rule,
            }  # fmt: skip
            made.append({"name": f"rule{number}", "properties": properties})
        self.put(f"networkSecurityGroups/{name}", {"properties": {"securityRules": made}})
        self.site.settle()


class Server:
    """Serves on a port of a namespace: says `NAME SEEN REACHED`, then echoes lines."""

    def __init__(self, namespace: str, name: str, port: int) -> None:
        with inside(namespace):
            self._listener = socket.create_server(("0.0.0.0", port), reuse_port=False)
        self._name = name
        self._open: list[socket.socket] = []
        self.resets: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, peer = self._listener.accept()
                self._open.append(sock)
                threading.Thread(target=self._echo, args=(sock, peer), daemon=True).start()

    def _echo(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        with contextlib.suppress(OSError), sock:
            sock.sendall(f"{self._name} {peer[0]} {sock.getsockname()[0]}\n".encode())
            try:
                while chunk := sock.recv(1000):
                    sock.sendall(chunk)
            except ConnectionResetError:
                self.resets.append(peer[0])

    def close(self) -> None:
        """Stop listening, as a program that ends; what is open stays open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def end(self) -> None:
        self.close()
        for sock in self._open:
            sock.close()


class Page:
    """Serves a web page on a port of a namespace, with whatever status.

    With a folder that has `store.crt` and `store.key` it does so over TLS.
    """

    def __init__(self, namespace: str, port: int, status: int, folder: Path | None) -> None:
        self.status = status
        self.asked: tuple[str, str] = ("", "")
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.asked = (self.path, self.client_address[0])
                self.send_response(page.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        with inside(namespace):
            self._server = http.server.ThreadingHTTPServer(("0.0.0.0", port), Handler)
        if folder is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "store.crt", folder / "store.key")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def call(
    namespace: str, address: str, port: int = 80, patience_s: float = PATIENCE_S
) -> socket.socket:
    """Return a connection from a namespace."""
    with inside(namespace):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(patience_s)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def ask(namespace: str, address: str, port: int = 80) -> tuple[str, ...]:
    """Return who answers, whom it sees and where it was reached; somebody must."""
    with call(namespace, address, port) as sock:
        return tuple(sock.recv(1000).decode().split())


def who(namespace: str, address: str, port: int = 80) -> str:
    """Return the name of who answers soon, or nothing."""
    try:
        with call(namespace, address, port, SILENCE_S) as sock:
            return sock.recv(1000).decode().split()[0]
    except OSError:
        return ""


def pings(namespace: str, address: str, patience_s: float = PATIENCE_S) -> bool:
    """Whether an address answers an echo request."""
    with inside(namespace):
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with sock:
        sock.settimeout(patience_s)
        sock.connect((address, 0))
        sock.send(bytes([8, 0, 0xF7, 0xFF, 0, 0, 0, 0]))
        try:
            return sock.recv(100)[20] == 0
        except OSError:
            return False


def echo(sock: socket.socket, patience_s: float = PATIENCE_S) -> bool:
    """Whether a connection still carries a word there and back."""
    sock.settimeout(patience_s)
    try:
        sock.sendall(b"word\n")
        return sock.recv(1000) == b"word\n"
    except OSError:
        return False


def carry(namespace: str, address: str) -> None:
    """Carry a front end's address on loopback."""
    words = ["ip", "-n", namespace, "addr", "add", f"{address}/32", "dev", "lo"]
    subprocess.run(words, check=True)


def wait_for(what: Callable[[], object], meaning: str) -> None:
    """Wait until something is so, for as long as the patience lasts."""
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, f"{meaning} did not happen within {PATIENCE_S:.0f} s"
        time.sleep(0.1)


@contextlib.contextmanager
def group(site: Site, name: str) -> Iterator[Lab]:
    """Yield a group with a network of two subnets; it is removed with all in it."""
    name = re.sub(r"\W+", "-", name)[:60].strip("-")
    path = f"{site.remote.subscription}/resourceGroups/{name}?api-version=2021-04-01"
    site.remote.send("PUT", path, {"location": "eastus"})
    lab = Lab(site.remote, name, site=site)
    lab.put("virtualNetworks/net", NETWORK)
    site.settle()
    try:
        yield lab
    finally:
        site.fabric.heal()
        for server in lab.servers:
            server.end()
        for page in lab.pages:
            page.end()
        lab.remove()


@contextlib.contextmanager
def started(directory: Path, minute_s: float = 60.0) -> Iterator[Site]:
    """Yield a running site; a minute of an idle time-out can be shorter."""
    site = Site(directory, minute_s)
    try:
        site.start()
        yield site
    finally:
        site.stop()
