"""Puts the rooms together to one running simulator; the only module that knows them all."""

import random
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from azuresim import ids
from azuresim.clock import Anchor, ScaledClock
from azuresim.fabric import services
from azuresim.fabric.health import Script
from azuresim.faults import control
from azuresim.faults.rules import About, Faults
from azuresim.identity import tokens
from azuresim.identity.entra import Entra
from azuresim.identity.principals import Directory
from azuresim.identity.rights import Rights
from azuresim.machines.model import Model
from azuresim.plane import Plane, Real
from azuresim.record.exchanges import Exchanges
from azuresim.resources.authorization import assignments, roles
from azuresim.resources.authorization.builtin import OWNER
from azuresim.resources.catalog import GROUP_KIND, Catalog
from azuresim.resources.compute import startup
from azuresim.resources.registry import ROUTES, TYPES
from azuresim.state.database import Database
from azuresim.state.records import Operation
from azuresim.state.store import Store
from azuresim.wire import tls
from azuresim.wire.pipeline import Pipeline
from azuresim.wire.routes import Routes
from azuresim.wire.server import Server
from azuresim.wire.service import Service, Settings
from azuresim.wire.throttling import Throttle

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asks for.

    Attributes:
        directory: Where the state lives.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.
        settings: How to behave.
        names: Further names in the server's certificate.
        azurite: The words that start an Azurite, which storage accounts then lead to; none
            for no data plane.
        real: How real machines and networks are to be; None for models of them.
        dns_delay_s: Real seconds from a write of a record set until DNS shows it.
    """

    directory: Path
    host: str
    port: int
    settings: Settings
    names: tuple[str, ...] = ()
    azurite: tuple[str, ...] = ()
    real: Real | None = None
    dns_delay_s: float = 2.0


class Simulator:
    """One simulator on one directory.

    Raises:
        DirectoryInUseError: If another process serves from the directory.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._database = Database(options.directory)
        self.directory = Directory(
            self._database.fact("directory"),
            lambda kept: self._database.set_fact("directory", kept),
        )
        self.exchanges = Exchanges()
        self.faults = Faults(random.Random(), time.monotonic)  # noqa: S311 - no secrets
        self.health = Script(
            self._database.fact("health") or [],
            lambda lines: self._database.set_fact("health", lines),
        )
        model = Model(
            self._database.fact("machines"),
            lambda state: self._database.set_fact("machines", state),
        )
        catalog = Catalog(TYPES)
        self.store = Store(self._database, catalog.refer)
        clock = _clock(self._database, options.settings.speed)
        self.plane = self._plane(options.real, model, clock) if options.real else None
        self.machines = model if self.plane is None else self.plane.machines
        if self.plane is not None:
            self.health.rest = self.plane.fabric.verdict
        self.service = Service(
            store=self.store,
            catalog=catalog,
            clock=clock,
            settings=options.settings,
            subscription=self.directory.subscription,
            tenant=self.directory.tenant,
            knows=self.directory.has,
            prober=self.health,
            machines=self.machines,
            on_start=self._started,
        )
        startup.tell_all(self.service.call(), self.machines)
        self._signer = tokens.Tokens(
            _signing_key(options.directory), self.directory.tenant, options.settings.cloud.audiences
        )
        self._seed()
        self.services = services.Services(
            self.service,
            self._signer,
            services.Options(
                directory=options.directory,
                azurite=options.azurite,
                dns_delay_s=options.dns_delay_s,
            ),
            services.Facts(self._database.fact, self._database.set_fact),
        )
        cloud = options.settings.cloud
        names = (*options.names, cloud.management, cloud.login)
        context = tls.server_context(options.directory, names)
        self._server = Server(self._pipeline(), context, settle=self.services.settle)
        self._control: asyncio.Server | None = None

    def _pipeline(self) -> Pipeline:
        """Return what each request goes through."""
        throttle = Throttle(self.service.clock) if self._options.settings.throttled else None
        return Pipeline(
            self.service,
            entra=Entra(self.directory, self._signer),
            tokens=self._signer,
            faults=self.faults,
            exchanges=self.exchanges,
            routes=Routes(ROUTES),
            throttle=throttle,
            rights=Rights(self.service.seconds("role assignment")),
        )

    async def start(self) -> dict[str, str]:
        """Listen, and return what a client needs to know."""
        options, directory = self._options, self.directory
        base = await self._server.start(options.host, options.port)
        self._signer.accept(base)  # known only now: the port may be the kernel's choice
        more = await self.services.start(base)
        if self.plane is not None:
            await self.plane.start(self.services.refresh)
            self.services.events.on_begin(self.plane.machines.maintain)
        self._control = await control.listen(options.directory, self._commands())
        return {
            **more,
            "resourceManager": base,
            "authority": base,
            "caFile": str((options.directory / tls.CA_FILE).resolve()),
            "tenantId": directory.tenant,
            "subscriptionId": directory.subscription,
            "clientId": directory.owner.client_id,
            "clientSecret": directory.owner.secrets[0].value,
        }

    async def stop(self) -> None:
        """Stop serving and let go of the directory."""
        if self._control is not None:
            self._control.close()
        await self._server.stop()
        await self.services.stop()
        if self.plane is not None:
            await self.plane.stop()
        (self._options.directory / control.SOCKET).unlink(missing_ok=True)
        self._database.close()

    def _commands(self) -> Mapping[str, control.Command]:
        exchanges, faults, health = self.exchanges, self.faults, self.health
        return {
            **(self.plane or self.machines).commands(),
            **self.services.commands(),
            "exchanges.count": lambda wish: exchanges.counts(**wish),
            "exchanges.last": lambda wish: exchanges.last(**wish),
            "exchanges.clear": lambda _: exchanges.clear(),
            "fault.add": lambda wish: asdict(faults.add(wish)),
            "fault.list": lambda _: faults.list(),
            "fault.clear": lambda wish: self._clear(wish.get("id", "")),
            "principal.add": self.directory.add,
            "principal.list": lambda _: self.directory.list(),
            "principal.remove": lambda wish: self.directory.remove(wish.get("client_id", "")),
            "records.list": lambda _: self.store.etags(),
            "health.set": health.set,
            "health.list": lambda _: health.list(),
            "health.clear": lambda wish: health.clear(wish.get("address", "")),
        }

    def _plane(self, real: Real, model: Model, clock: ScaledClock) -> Plane:
        options = self._options
        return Plane(
            real,
            directory=options.directory,
            store=self.store,
            subscription=self.directory.subscription,
            model=model,
            clock=clock,
            pace=options.settings.speed,
            authority=options.directory / tls.CA_FILE,
            kept=self._database.fact("real machines"),
            keep=lambda state: self._database.set_fact("real machines", state),
        )

    def _seed(self) -> None:
        """Put in what every tenant has: the built-in roles, and the subscription's owner."""
        call = self.service.call()
        roles.seed(call)
        assignments.seed(call, self.directory.owner.object_id, OWNER.id)
        call.tx.commit()

    def _started(self, operation: Operation) -> Operation:
        path = ids.parse(operation.target)
        kind, name = path.kind or GROUP_KIND, path.segments[-1]
        about = About(verb=operation.verb, kind=kind, name=name, path=path.id)
        return self.faults.operation(operation, about)

    def _clear(self, rule_id: str) -> int:
        """Lift one fault, or all; with all of them, let what was stuck go on."""
        lifted = self.faults.clear(rule_id)
        if not rule_id:
            self.service.release()
        return lifted


def _clock(database: Database, speed: float) -> ScaledClock:
    kept: Any = database.fact("clock")
    clock = ScaledClock(speed, since=Anchor(**kept) if kept else None)
    database.set_fact("clock", asdict(clock.anchor))
    return clock


def _signing_key(directory: Path) -> RSAPrivateKey:
    path = directory / "signing.pem"
    if not path.exists():
        fresh = path.with_suffix(".new")
        tls.write_private(fresh, tokens.new_key())
        fresh.replace(path)
    return tokens.load_key(path.read_bytes())
