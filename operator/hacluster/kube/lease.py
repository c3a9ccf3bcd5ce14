"""Which of two replicas writes: a Lease of the API server.

The rules are those of client-go: a holder renews well before its time is over, and gives up by
itself when it could not; a candidate trusts its own clock only, and counts from when it saw the
holder's last renewal. Two may still believe that they lead for a moment, so every write is safe
without this: the Lease only spares work and noise.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from kubernetes_asyncio.client import ApiClient, ApiException, CustomObjectsApi

from hacluster.kube.translation import translated
from hacluster.reconcile.ports import KubernetesError

TIMEOUT_S: Final = 4
"""For a request: well below `LeaseTimes.give_up`, so that a holder notices in time."""
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """How long a lease lasts, in seconds; those of client-go."""

    lasts: float = 15.0
    """A candidate takes over after so long without a renewal."""
    give_up: float = 10.0
    """A holder stops leading after so long without having been able to renew."""
    retry: float = 2.0
    """How often the holder renews and candidates look."""


class Leases(Protocol):
    """Where the lease is kept."""

    async def read(self) -> Mapping[str, Any] | None:
        """Return the lease, or None where there is none yet."""

    async def write(self, spec: Mapping[str, Any], version: str | None) -> bool:
        """Write the lease; ``version`` is that read, None to create. Say whether it was ours."""


@dataclass(slots=True)
class Lease:
    """One replica's part in the election."""

    leases: Leases
    identity: str
    times: LeaseTimes = field(default_factory=LeaseTimes)
    _seen: tuple[Any, float] = (None, 0.0)
    _renewed_at: float = 0.0

    async def acquire(self) -> None:
        """Return when this replica leads."""
        while True:
            if await self._tried():
                return
            await asyncio.sleep(self.times.retry)

    async def hold(self) -> None:
        """Renew until it could not be renewed in time, or another replica has taken it."""
        while _now() - self._renewed_at < self.times.give_up:
            await asyncio.sleep(self.times.retry)
            await self._tried()

    async def release(self) -> None:
        """Give the lease up, so that another replica need not wait; if that fails it waits."""
        try:
            found = await self.leases.read()
            if found and found["spec"].get("holderIdentity") == self.identity:
                spec = {**found["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                await self.leases.write(spec, found["metadata"]["resourceVersion"])
        except KubernetesError:
            return

    async def _tried(self) -> bool:
        """Take or renew the lease; say whether this replica leads now."""
        asked_at = _now()
        try:
            found = await self.leases.read()
            if found is None:
                is_ours = await self.leases.write(self._spec({}), None)
            elif self._may_take(found):
                version = found["metadata"]["resourceVersion"]
                is_ours = await self.leases.write(self._spec(found["spec"]), version)
            else:
                is_ours = False
        except KubernetesError:
            return False
        if is_ours:
            self._renewed_at = asked_at
        elif self._renewed_at:
            self._renewed_at = min(self._renewed_at, asked_at - self._lost_for(found))
        return is_ours

    def _lost_for(self, found: Mapping[str, Any] | None) -> float:
        """Return by how much our leadership is over: another holder ends it at once."""
        holder = found["spec"].get("holderIdentity") if found else None
        return self.times.give_up if holder not in {self.identity, None, ""} else 0.0

    def _may_take(self, found: Mapping[str, Any]) -> bool:
        spec = found["spec"]
        mark = (spec.get("holderIdentity"), spec.get("renewTime"))
        if mark != self._seen[0]:
            self._seen = (mark, _now())
        if spec.get("holderIdentity") in {self.identity, None, ""}:
            return True
        lasts = float(spec.get("leaseDurationSeconds") or self.times.lasts)
        return _now() - self._seen[1] >= lasts

    def _spec(self, old: Mapping[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        is_renewal = old.get("holderIdentity") == self.identity
        transitions = int(old.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(1, round(self.times.lasts)),
            "renewTime": now,
            "acquireTime": old.get("acquireTime", now) if is_renewal else now,
            "leaseTransitions": transitions if is_renewal or not old else transitions + 1,
        }


class KubernetesLease:
    """The lease in the API server; see `Leases`."""

    def __init__(self, client: ApiClient, namespace: str, name: str) -> None:
        self._api = CustomObjectsApi(client)
        self._place = ("coordination.k8s.io", "v1", namespace, "leases")
        self._name = name

    async def read(self) -> Mapping[str, Any] | None:
        """Return the lease, or None where there is none yet."""
        try:
            async with translated(f"Reading the Lease {self._name}"):
                found: Mapping[str, Any] = await self._api.get_namespaced_custom_object(
                    *self._place, self._name, _request_timeout=TIMEOUT_S
                )
        except ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return found

    async def write(self, spec: Mapping[str, Any], version: str | None) -> bool:
        """Write the lease; a conflict means that another replica was faster."""
        body: dict[str, Any] = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._place[2]},
            "spec": dict(spec),
        }
        try:
            async with translated(f"Writing the Lease {self._name}"):
                if version is None:
                    await self._api.create_namespaced_custom_object(
                        *self._place, body, _request_timeout=TIMEOUT_S
                    )
                else:
                    body["metadata"]["resourceVersion"] = version
                    await self._api.replace_namespaced_custom_object(
                        *self._place, self._name, body, _request_timeout=TIMEOUT_S
                    )
        except ApiException as error:
            if error.status in {_NOT_FOUND, _CONFLICT}:
                return False
            raise
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()
