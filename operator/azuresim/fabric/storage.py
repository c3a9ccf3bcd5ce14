"""Storage accounts as one meets them: an Azurite of its own for each, as ARM's records say.

An account that ARM has gets one, under its name and with its keys; one that ARM has not any more
is ended and its data are removed. New keys take a restart, which clients see as a short wait.
"""

import asyncio
import contextlib
import hashlib
import logging
import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from azuresim.fabric import azurite, containers
from azuresim.fabric.azurite import AwayError, Azurite, Setup
from azuresim.resources.storage.accounts import KIND
from azuresim.resources.storage.containers import CONTAINER_KIND
from azuresim.wire import tls
from azuresim.wire.service import Service

FOLDER: Final = "storage"
LOOK_S: Final = 5.0
"""How often a blob service in use is asked for containers that were made at its side."""
RETRY_S: Final = 1.0
SETTLE_S: Final = 10.0
"""How long ARM's answer waits for the data plane to follow, at most."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A storage account, as far as its data plane needs to know it.

    Attributes:
        id: Its ARM id.
        name: Its name.
        host: Name of its blob service.
        folder: Name of its folder; another for a later account of the same name.
        keys: Its keys.
    """

    id: str
    name: str
    host: str
    folder: str
    keys: tuple[str, ...] = field(repr=False)


def accounts(service: Service) -> dict[str, Account]:
    """Return the storage accounts by name."""
    container = f"/subscriptions/{service.subscription}".casefold()
    found = {}
    for record in service.store.transaction().members(container, KIND.casefold()):
        properties = record.body()["properties"]
        born = hashlib.sha256(f"{record.key} {properties['creationTime']}".encode()).hexdigest()
        found[record.name] = Account(
            id=record.id,
            name=record.name,
            host=str(urlsplit(properties["primaryEndpoints"]["blob"]).hostname),
            folder=f"{record.name}-{born[:8]}",
            keys=tuple(key["value"] for key in properties["keys"].values()),
        )
    return found


class Store:
    """The blob service of one account, and its containers in step with ARM's.

    Args:
        account: The account.
        setup: How its Azurite is run.
        records: ARM's side.
        context: Trusts the simulator's authority.
        token: Makes a bearer token for storage.
    """

    def __init__(
        self,
        account: Account,
        setup: Setup,
        records: containers.Records,
        context: ssl.SSLContext,
        token: Callable[[], str],
    ) -> None:
        self.account = account
        self._records = records
        self._context = context
        self._token = token
        self._agreed = setup.folder / "containers.json"
        self._azurite = Azurite(setup)
        self._in_step = asyncio.Event()
        self._is_wanted = asyncio.Event()
        self._lock = asyncio.Lock()
        self._stepped_port = 0
        self._visits = 0
        self._was_visited = False
        self._stepper = asyncio.create_task(self._keep_in_step(), name=f"containers {account.name}")

    async def port(self, within_s: float) -> int:
        """Return where it listens on the loopback, once it does and has ARM's containers.

        Raises:
            AwayError: If that takes longer than the seconds given.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    port = await self._azurite.port(within_s)
                    if port == self._stepped_port:
                        return port
                    self._in_step.clear()
                    self._is_wanted.set()
                    await self._in_step.wait()
        except TimeoutError:
            raise AwayError(f"The store of account {self.account.name} is away.") from None

    @contextlib.contextmanager
    def visit(self) -> Iterator[None]:
        """Note that a client is connected for the length of a block."""
        self._visits += 1
        self._was_visited = True
        try:
            yield
        finally:
            self._visits -= 1
            self._was_visited = True

    async def follow(self) -> None:
        """Bring the containers in step with ARM's now, if it is up.

        Raises:
            AwayError: If it does not do as it is told.
        """
        if self._azurite.is_up:
            await self._step(await self._azurite.port(0))

    async def stop(self) -> None:
        """End it."""
        self._stepper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._stepper
        await self._azurite.stop()

    async def _keep_in_step(self) -> None:
        while True:
            try:
                port = await self._azurite.port(azurite.START_S)
                if port != self._stepped_port or self._visits or self._was_visited:
                    self._was_visited = False
                    await self._step(port)
                await self._pause(LOOK_S)
            except (AwayError, OSError) as error:
                log.debug("Containers are not in step: %s", error)
                await asyncio.sleep(RETRY_S)

    async def _pause(self, longest_s: float) -> None:
        """Wait, unless somebody waits for the containers."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._is_wanted.wait()
        self._is_wanted.clear()

    async def _step(self, port: int) -> None:
        async with self._lock:
            blobs = containers.BlobService(self.account.host, port, self._context, self._token())
            there = await blobs.names()
            here = self._records.listed()
            agreed = containers.read_agreed(self._agreed)
            fresh = port != self._stepped_port
            todo = containers.difference(here.keys(), there, agreed, fresh=fresh)
            await blobs.change({name: here[name] for name in todo.make_there}, todo.drop_there)
            self._records.change(todo.make_here, todo.drop_here)
            now = (there | todo.make_there) - todo.drop_there
            if now != agreed:
                containers.write_agreed(self._agreed, now)
            self._stepped_port = port
            self._in_step.set()


class Storage:
    """The blob services of all accounts.

    Args:
        service: The simulator.
        directory: Its directory.
        command: The words that start an Azurite; none if there is none.
        token: Makes a bearer token for storage.
    """

    def __init__(
        self,
        service: Service,
        directory: Path,
        command: tuple[str, ...],
        token: Callable[[], str],
    ) -> None:
        self._service = service
        self._directory = directory.resolve()
        self._command = command
        self._token = token
        self._stores: dict[str, Store] = {}
        self._seen = (-1, -1)
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """End what an earlier simulator left, and start what there ought to be."""
        await asyncio.to_thread(azurite.end_leftovers, self._directory)
        await self.bring()

    async def bring(self) -> None:
        """Start, restart and end blob services as ARM's records say; cheap if nothing changed."""
        async with self._lock:
            seen = self._changes()
            if not self._command or seen == self._seen:
                return
            wanted = accounts(self._service)
            await asyncio.gather(*(self._bring(name, wanted.get(name))
                                   for name in wanted.keys() | self._stores.keys()))  # fmt: skip
            await asyncio.to_thread(self._remove_others, {one.folder for one in wanted.values()})
            if seen[1] != self._seen[1]:
                await asyncio.gather(*(_follow(store) for store in self._stores.values()))
            self._seen = seen

    async def settle(self) -> None:
        """Let the data plane follow before ARM answers, as long as that is soon."""
        if self._command and self._changes() != self._seen:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    await self.bring()

    def find(self, host: str) -> Store | None:
        """Return the blob service of a name such as `ACCOUNT.blob.core.windows.net`."""
        store = self._stores.get(host.partition(".")[0])
        return store if store is not None and store.account.host == host else None

    async def stop(self) -> None:
        """End all blob services."""
        await asyncio.gather(*(store.stop() for store in self._stores.values()))
        self._stores.clear()
        self._seen = (-1, -1)

    def _changes(self) -> tuple[int, int]:
        changes = self._service.store.changes
        return changes(KIND.casefold()), changes(CONTAINER_KIND.casefold())

    async def _bring(self, name: str, account: Account | None) -> None:
        store = self._stores.get(name)
        if store is not None and store.account != account:
            await store.stop()
            del self._stores[name]
        if account is not None and name not in self._stores:
            self._stores[name] = self._make(account)

    def _make(self, account: Account) -> Store:
        folder = self._directory / FOLDER / account.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        chain = folder / "server.pem"
        tls.ensure(self._directory, chain, (account.host,))
        setup = Setup(
            command=self._command,
            directory=self._directory,
            folder=folder / "blobs",
            chain=chain,
            account=account.name,
            keys=account.keys,
        )
        records = containers.Records(service=self._service, account=account.id)
        context = ssl.create_default_context(cafile=self._directory / tls.CA_FILE)
        return Store(account, setup, records, context, self._token)

    def _remove_others(self, folders: set[str]) -> None:
        """Remove the data of accounts that are gone; nothing else is in that folder."""
        root = self._directory / FOLDER
        for folder in root.iterdir() if root.is_dir() else ():
            if folder.name not in folders:
                shutil.rmtree(folder, ignore_errors=True)


async def _follow(store: Store) -> None:
    try:
        await store.follow()
    except AwayError as error:
        log.warning("Containers of account %s are not in step: %s", store.account.name, error)
