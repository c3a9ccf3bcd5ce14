"""The way into Azure: one HTTP session, one credential per identity, one reader per subscription.

What is kept is keyed by the version of the Secret that an identity comes from: a Secret that is
corrected is used at once, and its readings are its own. The oldest identities are dropped first.
"""

import ssl
import urllib.request
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Self

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from hacluster.arm import identity
from hacluster.arm.caller import Caller, Meter, Undecoded
from hacluster.arm.clouds import Clouds, Endpoints
from hacluster.arm.health import RuleHealth
from hacluster.arm.identity import OwnIdentity
from hacluster.arm.reader import Reader
from hacluster.arm.throttle import Gate
from hacluster.arm.writer import Operations, Writer
from hacluster.errors import InvariantBroken
from hacluster.model.assessment import BackendHealth
from hacluster.model.ids import ArmId
from hacluster.model.observed import Snapshot
from hacluster.plan.steps import Step
from hacluster.reconcile.ports import Account, Look, Operation, Outcome, Secrets
from hacluster.reconcile.store_port import Store

USER_AGENT: Final = "hacluster-operator"
MOST_CONNECTIONS: Final = 24
"""To all of Azure. Each costs a quarter of a megabyte (asyncio's buffer for TLS), and so many carry
several times what one identity may ask."""
MOST_IDENTITIES: Final = 256
MOST_STORES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSettings:
    """What the operator's environment says about Azure."""

    clouds: Clouds = field(default_factory=Clouds)
    own: OwnIdentity = field(default_factory=OwnIdentity)
    ca_file: str | None = None
    """Further certificate authorities to trust, as a simulated or private Azure needs."""


StoreOpener = Callable[[str, AsyncTokenCredential, AioHttpTransport], Store]
"""Makes the door of a container, named by its URL; what it opens is not this room's."""


@dataclass(frozen=True, slots=True)
class _IdentityKey:
    cloud: Endpoints
    secret: tuple[str, str, str] | None


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all clusters of one subscription and identity share."""

    caller: Caller
    reader: Reader
    operations: Operations
    health: RuleHealth


class EnteredSubscription:
    """A subscription as one namespace's objects may use it; see `ports.Subscription`."""

    def __init__(self, shared: _Shared, secrets: Secrets, namespace: str) -> None:
        self._shared = shared
        self._writer = Writer(shared.caller, shared.reader, shared.operations, secrets, namespace)

    @property
    def sharers(self) -> int:
        """How many clusters share this door."""
        return self._shared.reader.sharers

    async def look(self, look: Look) -> Snapshot:
        """Return what is there."""
        return await self._shared.reader.look(look)

    async def apply(self, step: Step) -> Outcome:
        """Make the one request of a step."""
        return await self._writer.apply(step)

    async def operation_of(self, resource: ArmId) -> Operation | None:
        """Return how the last operation on a resource is going."""
        return await self._shared.operations.progress(resource, self._shared.caller)

    async def rule_health(
        self, rule: ArmId, *, max_age: timedelta
    ) -> tuple[BackendHealth, ...] | None:
        """Return what the balancer's probes say behind a rule."""
        return await self._shared.health.read(rule, max_age)


class AzureDoor:
    """Enters subscriptions; an asynchronous context, for it holds connections."""

    def __init__(
        self,
        settings: AzureSettings,
        secrets: Secrets,
        meter: Meter,
        opener: StoreOpener | None = None,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._meter = meter
        self._opener = opener
        self._session: aiohttp.ClientSession | None = None
        self._credentials: OrderedDict[_IdentityKey, AsyncTokenCredential] = OrderedDict()
        self._shared: dict[tuple[_IdentityKey, str], _Shared] = {}
        self._stores: OrderedDict[tuple[_IdentityKey, str], Store] = OrderedDict()

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context()
        if self._settings.ca_file:
            context.load_verify_locations(self._settings.ca_file)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=bool(urllib.request.getproxies()),  # It costs two threads for each call.
        )
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def enter(self, account: Account) -> EnteredSubscription:
        """Return a subscription's door; see `ports.Azure`."""
        cloud = self._settings.clouds.endpoints(account.cloud)
        key, credential = await self._credential(account, cloud)
        place = (key, account.subscription.casefold())
        shared = self._shared.get(place)
        if shared is None:
            shared = self._shared[place] = self._open(account.subscription, cloud, credential)
        return EnteredSubscription(shared, self._secrets, account.namespace)

    async def store(self, account: Account, container: str) -> Store:
        """Return the door of a container; see `ports.Azure`."""
        if self._opener is None:
            raise InvariantBroken("The store was to be entered where nothing opens it")
        cloud = self._settings.clouds.endpoints(account.cloud)
        key, credential = await self._credential(account, cloud)
        place = (key, container)
        if place not in self._stores:
            self._stores[place] = self._opener(container, credential, self._transport())
        self._stores.move_to_end(place)
        while len(self._stores) > MOST_STORES:
            self._stores.popitem(last=False)
        return self._stores[place]

    async def _credential(
        self, account: Account, cloud: Endpoints
    ) -> tuple[_IdentityKey, AsyncTokenCredential]:
        secret = None
        if account.secret is not None:
            secret = await self._secrets.read(account.namespace, account.secret)
        version = (secret.namespace, secret.name, secret.version) if secret else None
        key = _IdentityKey(cloud, version)
        credential = self._credentials.get(key)
        if credential is None:
            transport = self._transport()
            credential = (
                identity.of_secret(secret, cloud, transport)
                if secret
                else identity.own(self._settings.own, cloud, transport)
            )
            self._credentials[key] = credential
        self._credentials.move_to_end(key)
        self._drop_oldest()
        return key, credential

    def _open(
        self, subscription: str, cloud: Endpoints, credential: AsyncTokenCredential
    ) -> _Shared:
        client = ResourceManagementClient(
            credential,
            subscription,
            base_url=cloud.resource_manager,
            credential_scopes=[cloud.scope],
            transport=self._transport(),
            user_agent=USER_AGENT,
            custom_hook_policy=Undecoded(),
            **identity.ONCE,
        )
        caller = Caller(client, Gate(), self._meter)
        return _Shared(caller, Reader(caller, subscription), Operations(), RuleHealth(caller))

    def _transport(self) -> AioHttpTransport:
        return AioHttpTransport(session=self._session, session_owner=False)

    def _drop_oldest(self) -> None:
        while len(self._credentials) > MOST_IDENTITIES:
            oldest, _ = self._credentials.popitem(last=False)
            self._shared = {k: v for k, v in self._shared.items() if k[0] != oldest}
            for place in [place for place in self._stores if place[0] == oldest]:
                del self._stores[place]
