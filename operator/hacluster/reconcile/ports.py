"""The doors of the loop: what a pass needs of Azure and of Kubernetes, without their libraries.

The adapters in `arm` and `kube` are the real ones; the loop's tests pass their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from hacluster.errors import ArmDenied, HAClusterError, Retry
from hacluster.model.agent import AgentPackage, ApiServer, Guest
from hacluster.model.assessment import BackendHealth
from hacluster.model.azure import Cloud
from hacluster.model.ids import ArmId
from hacluster.model.observed import Snapshot
from hacluster.model.reasons import Reason
from hacluster.plan.steps import Step
from hacluster.reconcile.store_port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose Azure: a subscription in a cloud, entered as a Secret says or as the operator."""

    cloud: Cloud
    subscription: str
    namespace: str
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Azure has taken the request and works on it; a later pass sees the end."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Azure has finished the request at once."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Somebody changed the resource since it was seen: look again."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Azure takes no request while another operation is under way: ask again soon."""

    step: Step
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Azure has refused, or its answer never came."""

    step: Step
    error: HAClusterError


Outcome = Started | Done | Lost | Waiting | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one pass asks to see.

    ``fresh`` ids are read by themselves, now: what is in progress, and what is about to be written.
    All others may come from readings that the clusters of a subscription share. ``owner`` is the
    value of the owner tag: whatever in ``group`` carries it is in the snapshot too. ``members``
    also lists all that is in the group.
    """

    ids: frozenset[ArmId]
    group: ArmId
    owner: str
    period: timedelta
    """How far apart this cluster's idle looks are: the shared readings' age follows from it."""
    fresh: frozenset[ArmId] = frozenset()
    is_moving: bool = False
    """Whether only ``fresh`` is of interest, and for the rest an older reading will do."""
    members: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation that Azure accepted; ``error`` tells why it failed, where it did."""

    is_running: bool
    error: HAClusterError | None = None


class Subscription(Protocol):
    """An entered subscription."""

    @property
    def sharers(self) -> int:
        """How many clusters have looked through this door lately: they share what Azure allows."""

    async def look(self, look: Look) -> Snapshot:
        """Return what is there. A reading that fails is Unknown in the snapshot.

        Raises:
            HAClusterError: nothing could be read at all: Azure cannot be reached, refuses the
            identity, or is asked too often.
        """

    async def apply(self, step: Step) -> Outcome:
        """Make the one request of a step, without waiting for what it starts."""

    async def operation_of(self, resource: ArmId) -> Operation | None:
        """Return how the last operation that this process began on a resource is going.

        None: it began none, or Azure does not remember it. A restart forgets; then a resource's own
        provisioning state tells as much, without the cause.
        """

    async def rule_health(
        self, rule: ArmId, *, max_age: timedelta
    ) -> tuple[BackendHealth, ...] | None:
        """Return what the balancer's probes say behind a rule, or None while it is not known."""


class Azure(Protocol):
    """The way into any subscription."""

    async def enter(self, account: Account) -> Subscription:
        """Return a subscription's door; those of one identity share their readings.

        Raises:
            HAClusterError: the Secret is missing or wrong, or the cloud has no endpoints.
        """

    async def store(self, account: Account, container: str) -> Store:
        """Return the door of a container; ``container`` is its URL, as ARM tells the endpoint.

        Nothing is asked of the store yet. Several calls share their connections.

        Raises:
            HAClusterError: as `enter`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A Secret as it was read; its values are in no ``repr``."""

    namespace: str
    name: str
    version: str
    """Another one whenever the Secret has changed."""
    data: Mapping[str, bytes] = field(repr=False)
    owner: str = ""
    """The uid of the HAClusterSpec that owns it; empty where none does."""
    owner_name: str = ""
    """That object's name."""

    def bytes(self, key: str) -> bytes:
        """Return a value.

        Raises:
            ArmDenied: the key is missing.
        """
        if key not in self.data:
            why = f"the Secret {self.namespace}/{self.name} has no key {key}: add it"
            raise ArmDenied(why, reason=Reason.SECRET_MISSING)
        return self.data[key]

    def text(self, key: str) -> str:
        """Return a value as text.

        Raises:
            ArmDenied: the key is missing, or its value is no UTF-8.
        """
        place = f"the Secret {self.namespace}/{self.name}"
        try:
            return self.bytes(key).decode()
        except UnicodeDecodeError:
            why = f"The value of {key} in {place} is not UTF-8 text: replace it"
            raise ArmDenied(why, reason=Reason.SECRET_INVALID) from None


class Secrets(Protocol):
    """Secrets, read one by one when they are needed."""

    async def read(self, namespace: str, name: str) -> Secret:
        """Return a Secret as it is now.

        Raises:
            HAClusterError: there is none, or it may not be read.
        """


class Vault(Secrets, Protocol):
    """Secrets and ConfigMaps beside an object, and the Secret of its master keys."""

    async def find(self, namespace: str, name: str) -> Secret | None:
        """Return a Secret as it is now, or None where there is none.

        Raises:
            HAClusterError: it may not be read, or the API server does not answer.
        """

    async def create(self, of: "Raw", name: str, data: Mapping[str, bytes]) -> None:
        """Make a Secret that goes with an object; one that is there already is left as it is.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def replace(self, secret: Secret, data: Mapping[str, bytes]) -> bool:
        """Give a Secret other values, if it is still as it was read; say whether it was.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def adopt(self, of: "Raw", secret: Secret) -> bool:
        """Make an object the owner of a Secret, if it is still as it was read; say whether it was.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def config_map(self, namespace: str, name: str) -> Mapping[str, str]:
        """Return what a ConfigMap holds.

        Raises:
            HAClusterError: there is none, or it may not be read.
        """


class Accounts(Protocol):
    """What nodes use in Kubernetes: an account with its rights, and tokens of it."""

    async def provide(self, of: "Raw", things: Sequence[Mapping[str, Any]]) -> None:
        """Make things beside an object that go with it; rights that differ are put right.

        Raises:
            ArmDenied: the operator may not, or something of that name belongs to somebody else.
            KubernetesError: the API server does not answer.
        """

    async def token(self, of: "Raw", account: str, lasting: timedelta) -> tuple[str, datetime]:
        """Return a token of an object's account, and when it ends: sooner than asked, it may be.

        Raises:
            ArmDenied: as `provide`, or there is no such account.
            KubernetesError: the API server does not answer.
        """


class Acts(Protocol):
    """The operations of a namespace, as far as the operator asks for some itself."""

    async def operations(self, namespace: str) -> tuple["Raw", ...]:
        """Return all operations of a namespace.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def create(self, body: Mapping[str, Any]) -> None:
        """Make an operation; one of that name that is there already is left as it is.

        Raises:
            KubernetesError: the API server does not answer.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """What the operator needs to have agents on the nodes."""

    package: AgentPackage
    guest: Callable[[Cloud], Guest]
    """How machines of a cloud reach it."""
    vault: Vault
    random: Callable[[int], bytes]
    """Draws so many bytes that nobody can guess."""
    acts: Acts | None = None
    """Where moves are asked for; None leaves all moves to people."""
    accounts: Accounts | None = None
    api_server: ApiServer | None = None
    """As the machines reach it; None where that was not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An object as the API server keeps it."""

    body: Mapping[str, Any]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The object's metadata."""
        found: Mapping[str, Any] = self.body.get("metadata") or {}
        return found

    @property
    def namespace(self) -> str:
        """The object's namespace."""
        return str(self.metadata.get("namespace", ""))

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.metadata.get("name", ""))

    @property
    def uid(self) -> str:
        """The object's identity: another object of the same name has another."""
        return str(self.metadata.get("uid", ""))

    @property
    def generation(self) -> int:
        """The spec's generation."""
        return int(self.metadata.get("generation", 0))

    @property
    def version(self) -> int:
        """Rises with every change of the object, its status included; 0 where there is none."""
        text = str(self.metadata.get("resourceVersion", ""))
        return int(text) if text.isdecimal() else 0

    @property
    def status(self) -> Mapping[str, Any]:
        """The object's status."""
        found: Mapping[str, Any] = self.body.get("status") or {}
        return found

    @property
    def annotations(self) -> Mapping[str, str]:
        """The object's annotations."""
        found: Mapping[str, str] = self.metadata.get("annotations") or {}
        return found

    @property
    def is_deleted(self) -> bool:
        """Whether the object is on its way out."""
        return bool(self.metadata.get("deletionTimestamp"))


class EventType(StrEnum):
    """How loud an event is."""

    NORMAL = "Normal"
    WARNING = "Warning"


class KubernetesError(HAClusterError):
    """The API server does not answer, or not as it should."""

    reason = Reason.NOT_OBSERVED
    retry = Retry.SOON


class Kubernetes(Protocol):
    """The API server, as far as one pass writes to it."""

    async def get(self, namespace: str, name: str) -> Raw | None:
        """Return an object as it is now, or None where it is gone.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def patch_status(self, of: Raw, patch: Mapping[str, Any]) -> Raw | None:
        """Merge a patch into the object's status; return the object, or None where it is gone.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def event(self, of: Raw, kind: EventType, reason: str, message: str) -> None:
        """Tell what has changed, as an Event of the object.

        Raises:
            KubernetesError: the API server does not answer.
        """


class Counters(Protocol):
    """Counts what the loop does, for the metrics."""

    def passed(self, result: str, seconds: float) -> None:
        """Count a pass: settled, working, blind, invalid or finished."""

    def step(self, verb: str, outcome: str) -> None:
        """Count a step and what came of it."""
