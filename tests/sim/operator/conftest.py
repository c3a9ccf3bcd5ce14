"""The operator's adapter over HTTPS against azuresim: real SDK, real sign-in, real TLS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from tests.sim.simulator import Simulator

from hacluster.arm.caller import Call
from hacluster.arm.clouds import Clouds, Endpoints
from hacluster.arm.door import AzureDoor, AzureSettings, EnteredSubscription
from hacluster.arm.identity import OwnIdentity
from hacluster.errors import ArmDenied
from hacluster.model.azure import Cloud
from hacluster.model.reasons import Reason
from hacluster.reconcile.ports import Account, Secret

NAMESPACE = "team"


@dataclass
class KeptSecrets:
    """Secrets in memory, read as the API server would give them."""

    kept: dict[tuple[str, str], Secret] = field(default_factory=dict)

    def put(self, name: str, **data: str) -> None:
        """Create or change a Secret."""
        old = self.kept.get((NAMESPACE, name))
        version = str(int(old.version) + 1) if old else "1"
        encoded = {key: value.encode() for key, value in data.items()}
        self.kept[NAMESPACE, name] = Secret(
            namespace=NAMESPACE, name=name, version=version, data=encoded
        )

    async def read(self, namespace: str, name: str) -> Secret:
        """Return a Secret as it is now."""
        found = self.kept.get((namespace, name))
        if found is None:
            raise ArmDenied(f"no Secret {namespace}/{name}", reason=Reason.SECRET_MISSING)
        return found


@dataclass
class Calls:
    """Every call that went out."""

    made: list[tuple[Call, int]] = field(default_factory=list)

    def __call__(self, call: Call, status: int, seconds: float) -> None:
        """Count one."""
        self.made.append((call, status))

    @property
    def paths(self) -> set[tuple[str, str]]:
        """Method and path of each."""
        return {(one.method, one.path.partition("?")[0]) for one, _ in self.made}

    @property
    def reads(self) -> int:
        """How many were GETs."""
        return sum(call.method == "GET" for call, _ in self.made)


def settings_for(sim: Simulator, *, client_secret: str | None = None) -> AzureSettings:
    """Return settings with which the operator takes the simulator for Azure."""
    return AzureSettings(
        clouds=Clouds(
            custom=Endpoints(
                resource_manager=sim.base, authority=sim.ready["authority"], audience=sim.base
            )
        ),
        own=OwnIdentity(
            tenant=sim.ready["tenantId"],
            client=sim.ready["clientId"],
            client_secret=client_secret or sim.ready["clientSecret"],
        ),
        ca_file=sim.ready["caFile"],
    )


@pytest.fixture
def secrets() -> KeptSecrets:
    """Give an empty set of Secrets."""
    return KeptSecrets()


@pytest.fixture
def calls() -> Calls:
    """Give a meter."""
    return Calls()


@pytest.fixture
async def door(sim: Simulator, secrets: KeptSecrets, calls: Calls) -> AsyncIterator[AzureDoor]:
    """Give the way into the simulated Azure."""
    async with AzureDoor(settings_for(sim), secrets, calls) as door:
        yield door


@pytest.fixture
async def azure(door: AzureDoor, sim: Simulator) -> EnteredSubscription:
    """Give the simulator's subscription, entered as the operator."""
    return await door.enter(account(sim))


async def until(holds: Callable[[], object], within_s: float = 120) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for runs on a server
            await asyncio.sleep(0.2)


def account(sim: Simulator, secret: str | None = None) -> Account:
    """Return the simulator's subscription as an account."""
    return Account(
        cloud=Cloud.CUSTOM,
        subscription=sim.ready["subscriptionId"],
        namespace=NAMESPACE,
        secret=secret,
    )
