"""The services of Azure's data plane, put together: what machines and clients talk to.

`Services` is told which virtual networks have a namespace; all else it reads from the store, again
and again, so that it need not be told of changes and goes on after a kill where it was.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from azuresim import ids
from azuresim.fabric import managed, name_servers, namespaces, places, sockets
from azuresim.fabric.azurite import AwayError
from azuresim.fabric.dns import DnsServer
from azuresim.fabric.events import Events
from azuresim.fabric.gateway import CONNECT_S, Proxy, Relay, Way
from azuresim.fabric.hosts import Hosts
from azuresim.fabric.metadata import Asker, Metadata, MetadataServer
from azuresim.fabric.name_servers import Published
from azuresim.fabric.resolver import Resolver
from azuresim.fabric.sockets import Listener, Listeners, Opener, Place
from azuresim.fabric.storage import Storage
from azuresim.fabric.who import Who
from azuresim.identity.tokens import Tokens
from azuresim.resources.compute.virtual_machines import KIND as MACHINE
from azuresim.wire.service import Service

POLL_S: Final = 0.25
"""How often the store is compared with what is served."""
HTTPS: Final = 443
HTTP: Final = 80
DNS: Final = 53
LOOPBACK: Final = "127.0.0.1"

Key = tuple[str, Place]
"""What for, and where."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the services are to be.

    Attributes:
        directory: The simulator's directory.
        azurite: The words that start an Azurite; none if there is no data plane of storage.
        dns_delay_s: Real seconds from a write of a record set until DNS shows it.
    """

    directory: Path
    azurite: tuple[str, ...] = ()
    dns_delay_s: float = 2.0


class Facts:
    """What is kept that is no resource, by name: as `Database` has it."""

    def __init__(self, read: Callable[[str], Any], write: Callable[[str, Any], None]) -> None:
        self.read = read
        self.write = write


class Services:
    """The resolver, the name servers, the metadata service, the stores, and the ways to them.

    Args:
        service: The simulator.
        tokens: Signs tokens.
        options: How to be.
        facts: Keeps what must survive.
        who: Tells machines by their addresses; as the network interfaces say, if left out.
    """

    def __init__(
        self,
        service: Service,
        tokens: Tokens,
        options: Options,
        facts: Facts,
        who: Asker | None = None,
    ) -> None:
        self._service = service
        self._facts = facts
        self._who = who or Who(service)
        self.events = Events(
            facts.read("events"), lambda state: facts.write("events", state), self._named
        )
        self.metadata = Metadata(service, tokens, self.events)
        self.storage = Storage(
            service,
            options.directory,
            options.azurite,
            lambda: str(tokens.issue("azuresim", "azuresim", managed.STORAGE)["access_token"]),
        )
        self._has_azurite = bool(options.azurite)
        self.published = Published(service, options.dns_delay_s)
        self.hosts = Hosts(service, facts.read, facts.write)
        self._listeners = Listeners()
        self._proxy = Proxy(self.find)
        self._own = ("", 0)
        self._networks: Mapping[str, str] = MappingProxyType({})
        self._internet = ""
        self._routed: Place | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def start(self, base: str) -> dict[str, str]:
        """Begin to serve, and return what a client needs to know besides.

        Args:
            base: Where the resource manager itself listens, `https://host:port`.
        """
        where, cloud = urlsplit(base), self._service.settings.cloud
        self._own = (str(where.hostname), int(where.port or HTTPS))
        await self.storage.start()
        proxy = await self._open_proxy()
        self._watcher = asyncio.create_task(self._watch(), name="services")
        return {
            "proxy": f"http://{LOOPBACK}:{proxy}",
            "insideResourceManager": f"https://{cloud.management}",
            "insideAuthority": f"https://{cloud.login}",
        }

    def refresh(self, networks: Mapping[str, str], internet: str) -> None:
        """Serve in these namespaces from now on, and in no other.

        Args:
            networks: Namespace by id of the virtual network.
            internet: Namespace of the internet; empty for none.
        """
        self._networks, self._internet = dict(networks), internet
        self._changed.set()

    async def settle(self) -> None:
        """Let the data plane follow before ARM answers, as long as that is soon."""
        self.published.note()
        await self.storage.settle()

    async def stop(self) -> None:
        """Stop serving; what is kept stays."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        await self._proxy.stop()
        await self._listeners.stop()
        await self.storage.stop()

    def commands(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """Return what the control socket takes."""
        return self.events.commands()

    def find(self, host: str, port: int) -> Way | None:
        """Return the way to one of the simulator's own services, or None."""
        if (host, port) == self._own:
            return Way(self._own_port)
        if port != HTTPS or host not in self.hosts.services():
            return None
        cloud = self._service.settings.cloud
        if host in {cloud.management, cloud.login}:
            return Way(self._own_port)
        return Way(lambda: self._port_of(host), lambda: self._visit(host))

    async def _own_port(self) -> int:
        return self._own[1]

    async def _port_of(self, host: str) -> int:
        store = self.storage.find(host)
        if store is not None:
            return await store.port(CONNECT_S)
        if not self._has_azurite:
            raise AwayError(f"{host} has no data plane: start azuresim with --azurite COMMAND.")
        raise AwayError(f"{host} is gone, or not there yet.")

    def _visit(self, host: str) -> AbstractContextManager[None]:
        store = self.storage.find(host)
        return store.visit() if store is not None else contextlib.nullcontext()

    async def _open_proxy(self) -> int:
        """Open the proxy where it was before, if that can be had: clients remember it."""
        kept = int(self._facts.read("proxy port") or 0)
        try:
            port = await self._proxy.open(Place(namespace="", address=LOOPBACK, port=kept))
        except OSError:
            port = await self._proxy.open(Place(namespace="", address=LOOPBACK, port=0))
        self._facts.write("proxy port", port)
        return port

    async def _watch(self) -> None:
        """Compare what is served with what ought to be, until cancelled."""
        while True:
            self._changed.clear()
            try:
                await self._bring()
            except Exception:  # the last line: a bug must not end all services for good
                log.exception("Failed to bring the services up to date")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._changed.wait()

    async def _bring(self) -> None:
        self.events.look()
        await self.storage.bring()
        await self._route()
        await self._listeners.bring(self._wanted())

    async def _route(self) -> None:
        """Make the services' addresses the internet namespace's own, once for each it is."""
        if not self._internet:
            return
        with contextlib.suppress(FileNotFoundError):
            where = sockets.place(self._internet, places.SERVICES, 0)
            if where != self._routed:
                await asyncio.to_thread(namespaces.own, self._internet, places.SERVICES)
                self._routed = where

    def _wanted(self) -> dict[Key, Opener]:
        """Return what ought to listen, by purpose and place."""
        wanted: dict[Key, Opener] = {}
        for network, namespace in self._networks.items():
            with contextlib.suppress(FileNotFoundError):
                wanted.update(self._in_network(network, namespace))
        if self._internet:
            with contextlib.suppress(FileNotFoundError):
                wanted.update(self._in_internet(self._internet))
        return wanted

    def _in_network(self, network: str, namespace: str) -> Iterator[tuple[Key, Opener]]:
        where = sockets.place(namespace, places.METADATA, HTTP)
        yield (
            (f"metadata of {network}", where),
            lambda there: _opened(MetadataServer(self.metadata, network, self._who), there),
        )
        where = sockets.place(namespace, places.RESOLVER, DNS)
        yield (f"names of {network}", where), lambda there: self._resolver(there, ids.key(network))

    def _in_internet(self, namespace: str) -> Iterator[tuple[Key, Opener]]:
        where = sockets.place(namespace, places.PUBLIC_RESOLVER, DNS)
        yield ("names", where), lambda there: self._resolver(there, "")
        for address in self.published.now().servers():
            where = sockets.place(namespace, address, DNS)
            yield ("zones", where), self._name_server
        for host, address in self.hosts.services().items():
            way = self.find(host, HTTPS)
            if way is not None:
                where = sockets.place(namespace, address, HTTPS)
                yield (host, where), partial(_relay, way)

    async def _resolver(self, where: Place, network: str) -> Listener:
        resolver = Resolver(self.published, self.hosts, network)
        return await _opened(DnsServer(resolver, recursive=True), where)

    async def _name_server(self, where: Place) -> Listener:
        answerer = partial(name_servers.answer, self.published, where.address)
        return await _opened(DnsServer(answerer, recursive=False), where)

    def _named(self, name: str) -> list[str]:
        """Return the ids of the machines of a name, `*` allowed."""
        container = f"/subscriptions/{self._service.subscription}".casefold()
        members = self._service.store.transaction().members(container, MACHINE.casefold())
        return [one.id for one in members if fnmatchcase(one.name.casefold(), name.casefold())]


class Openable(Listener, Protocol):
    """Something that can be opened at a place."""

    async def open(self, where: Place) -> int:
        """Begin to listen."""


async def _opened(listener: Openable, where: Place) -> Listener:
    await listener.open(where)
    return listener


async def _relay(way: Way, where: Place) -> Listener:
    return await _opened(Relay(way), where)
