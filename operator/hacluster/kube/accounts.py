"""The nodes' account beside an object, its rights, its Leases, and its tokens (`ports.Accounts`).

Nothing is taken over that another object owns, and no token is made of an account that is not this
object's: it might have other rights than ours. What was made goes with the object, by its owner
reference.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    CoordinationV1Api,
    CoreV1Api,
    RbacAuthorizationV1Api,
)

from hacluster.errors import ArmDenied
from hacluster.kube.connection import TIMEOUT_S
from hacluster.kube.translation import translated
from hacluster.model import kinds
from hacluster.model.reasons import Reason
from hacluster.reconcile.ports import KubernetesError, Raw

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
Call = Callable[..., Awaitable[Any]]


class NodeAccounts:
    """Makes them with the operator's own rights."""

    def __init__(self, client: ApiClient) -> None:
        core, rbac, leases = (
            CoreV1Api(client),
            RbacAuthorizationV1Api(client),
            CoordinationV1Api(client),
        )
        self._client = client
        self._core = core
        self._rbac = rbac
        self._create: dict[str, Call] = {
            "ServiceAccount": core.create_namespaced_service_account,
            "Role": rbac.create_namespaced_role,
            "RoleBinding": rbac.create_namespaced_role_binding,
            "Lease": leases.create_namespaced_lease,
        }
        self._read: dict[str, Call] = {
            "ServiceAccount": core.read_namespaced_service_account,
            "Role": rbac.read_namespaced_role,
            "RoleBinding": rbac.read_namespaced_role_binding,
            "Lease": leases.read_namespaced_lease,
        }

    async def provide(self, of: Raw, things: Sequence[Mapping[str, Any]]) -> None:
        """Make things that go with an object; rights that differ are put right."""
        for thing in things:
            metadata = {**thing["metadata"], "ownerReferences": [kinds.owner(of.name, of.uid)]}
            await self._one(of, {**thing, "metadata": metadata})

    async def token(self, of: Raw, account: str, lasting: timedelta) -> tuple[str, datetime]:
        """Return a token of an object's account, and when it ends."""
        body = {"spec": {"audiences": [], "expirationSeconds": int(lasting.total_seconds())}}
        asked = f"Making a token of the service account {of.namespace}/{account}"
        try:
            found = await self._found(of, "ServiceAccount", account)
            _check_owner(of, "ServiceAccount", found)
            made = await _allowed(
                asked,
                self._core.create_namespaced_service_account_token(
                    account, of.namespace, body, _request_timeout=TIMEOUT_S
                ),
            )
        except ApiException as error:
            raise KubernetesError(f"{asked} was answered {error.status}") from None
        return str(made.status.token), made.status.expiration_timestamp

    async def _one(self, of: Raw, thing: Mapping[str, Any]) -> None:
        kind, name = str(thing["kind"]), str(thing["metadata"]["name"])
        asked = f"Making the {kind} {of.namespace}/{name}"
        try:
            made = self._create[kind](of.namespace, thing, _request_timeout=TIMEOUT_S)
            await _allowed(asked, made)
        except ApiException as error:
            if error.status != _CONFLICT:
                raise KubernetesError(f"{asked} was answered {error.status}") from None
            await self._keep(of, thing)

    async def _keep(self, of: Raw, thing: Mapping[str, Any]) -> None:
        """Check whose a thing is that is there already, and that a role says what it must."""
        kind, name = str(thing["kind"]), str(thing["metadata"]["name"])
        asked = f"Changing the {kind} {of.namespace}/{name}"
        try:
            found = await self._found(of, kind, name)
            _check_owner(of, kind, found)
            if kind == "Role" and not self._says(found, thing, "rules"):
                await _allowed(
                    asked, self._replaced(self._rbac.replace_namespaced_role, of, found, thing)
                )
            if kind == "RoleBinding" and not self._says(found, thing, "subjects", "roleRef"):
                why = f"the RoleBinding {of.namespace}/{name} was changed by somebody: delete it"
                raise ArmDenied(why, reason=Reason.LEASE_DENIED)
        except ApiException as error:
            raise KubernetesError(f"{asked} was answered {error.status}") from None

    async def _found(self, of: Raw, kind: str, name: str) -> Any:
        asked = f"Reading the {kind} {of.namespace}/{name}"
        return await _allowed(
            asked, self._read[kind](name, of.namespace, _request_timeout=TIMEOUT_S)
        )

    def _says(self, found: Any, thing: Mapping[str, Any], *fields: str) -> bool:
        said = self._client.sanitize_for_serialization(found)
        return all(
            _without_defaults(said.get(one)) == _without_defaults(thing[one]) for one in fields
        )

    async def _replaced(self, replace: Call, of: Raw, found: Any, thing: Mapping[str, Any]) -> None:
        metadata = {**thing["metadata"], "resourceVersion": found.metadata.resource_version}
        name = str(metadata["name"])
        await replace(
            name, of.namespace, {**thing, "metadata": metadata}, _request_timeout=TIMEOUT_S
        )


async def _allowed(asked: str, work: Awaitable[Any]) -> Any:
    """Await a request; a 404 or 409 passes as it is.

    Raises:
        ArmDenied: the operator has not the right.
        KubernetesError: anything else went wrong.
    """
    async with translated(asked):
        try:
            return await work
        except ApiException as error:
            if error.status == _FORBIDDEN:
                why = f"{asked} is forbidden: apply deploy/components/kubernetes-lease"
                raise ArmDenied(why, reason=Reason.LEASE_DENIED) from None
            raise


def _check_owner(of: Raw, kind: str, found: Any) -> None:
    owners = {str(one.uid) for one in found.metadata.owner_references or ()}
    if of.uid not in owners:
        name = f"{of.namespace}/{found.metadata.name}"
        why = f"the {kind} {name} does not belong to this object: delete or rename it"
        raise ArmDenied(why, reason=Reason.LEASE_DENIED)


def _without_defaults(said: Any) -> Any:
    """Return what was said, without empty values."""
    if isinstance(said, Mapping):
        return {name: _without_defaults(value) for name, value in said.items() if value}
    return [_without_defaults(one) for one in said] if isinstance(said, (list, tuple)) else said
