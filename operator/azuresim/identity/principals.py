"""Who there is: one tenant, one subscription, the service principals that may sign in.

Principals come from outside, through the control socket: the simulator has no directory API.
Those of managed identities are not here, they follow from resources.
"""

import hmac
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cryptography import x509


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A client secret; `expires` in wall-clock seconds since 1970, 0 for never."""

    value: str = field(repr=False)
    expires: float = 0.0

    def is_valid(self, now: float) -> bool:
        """Whether it may still be used."""
        return not self.expires or now < self.expires


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """A federated credential: whose tokens are taken for this principal.

    Attributes:
        issuer: What `iss` must be, to the letter.
        subject: What `sub` must be, to the letter.
        audience: What `aud` must hold.
        keys: The issuer's JSON web key set. Entra would fetch it; the simulator is handed it.
    """

    issuer: str
    subject: str
    audience: str = "api://AzureADTokenExchange"
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A service principal and all it may sign in with."""

    client_id: str
    object_id: str
    name: str = "simulated"
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[str, ...] = ()
    federations: tuple[Federation, ...] = ()

    def find_secret(self, value: str) -> Secret | None:
        """Return the secret of this value, in constant time for each."""
        given = value.encode()
        found = [one for one in self.secrets if hmac.compare_digest(one.value.encode(), given)]
        return found[0] if found else None


class Directory:
    """A tenant with its principals, the first one being the owner of the subscription.

    Args:
        kept: What `stored` returned, or None for a tenant nobody has, with one principal.
        keep: Keeps what `stored` returns, durably.
    """

    def __init__(self, kept: Mapping[str, Any] | None, keep: Callable[[Any], None]) -> None:
        self._keep = keep
        self.tenant = str(kept["tenant"] if kept else uuid.uuid4())
        self.subscription = str(kept["subscription"] if kept else uuid.uuid4())
        listed = [_restored(one) for one in kept["principals"]] if kept else [_owner()]
        self._principals = {one.client_id: one for one in listed}
        if kept is None:
            keep(self.stored())

    @property
    def owner(self) -> Principal:
        """The principal handed out at start."""
        return next(iter(self._principals.values()))

    def find(self, client_id: str) -> Principal | None:
        """Return the principal of a client id."""
        return self._principals.get(client_id.casefold())

    def has(self, object_id: str) -> bool:
        """Whether there is a principal with this object id."""
        return any(one.object_id == object_id.casefold() for one in self._principals.values())

    def add(self, wish: Mapping[str, Any]) -> dict[str, str]:
        """Make a principal and return what it needs to sign in.

        Args:
            wish: `name`; `certificate`, a PEM text; `federation`, as `Federation`; `lifetime_s` of
                the secret, in seconds, 0 for ever. Without certificate and federation, or with
                `secret` true, it gets a secret.

        Raises:
            ValueError: If the certificate or the federation is not understood.
        """
        certificates = _certificates(wish.get("certificate", ""))
        federations = _federations(wish.get("federation"))
        value = secrets.token_urlsafe(30)
        lifetime = float(wish.get("lifetime_s") or 0)
        secret = Secret(value=value, expires=time.time() + lifetime if lifetime else 0.0)
        wants_secret = wish.get("secret") or not (certificates or federations)
        principal = Principal(
            client_id=str(uuid.uuid4()),
            object_id=str(uuid.uuid4()),
            name=str(wish.get("name") or "simulated"),
            secrets=(secret,) if wants_secret else (),
            certificates=certificates,
            federations=federations,
        )
        self._principals[principal.client_id] = principal
        self._keep(self.stored())
        shown = {**_public(principal), "tenantId": self.tenant}
        return {**shown, "clientSecret": value} if wants_secret else shown

    def remove(self, client_id: str) -> int:
        """Take a principal away, except the owner; return how many were."""
        if client_id == self.owner.client_id:
            raise ValueError("The owner of the subscription cannot be removed.")
        gone = self._principals.pop(client_id.casefold(), None)
        self._keep(self.stored())
        return int(gone is not None)

    def list(self) -> list[dict[str, str]]:
        """Return the principals, without anything secret."""
        return [_public(one) for one in self._principals.values()]

    def stored(self) -> dict[str, Any]:
        """Return what is kept on disk."""
        return {
            "tenant": self.tenant,
            "subscription": self.subscription,
            "principals": [asdict(one) for one in self._principals.values()],
        }


def _owner() -> Principal:
    return Principal(
        client_id=str(uuid.uuid4()),
        object_id=str(uuid.uuid4()),
        name="owner",
        secrets=(Secret(value=secrets.token_urlsafe(30)),),
    )


def _restored(kept: Mapping[str, Any]) -> Principal:
    inner = {
        "secrets": tuple(Secret(**one) for one in kept["secrets"]),
        "certificates": tuple(kept["certificates"]),
        "federations": tuple(Federation(**one) for one in kept["federations"]),
    }
    return Principal(**{**kept, **inner})


def _public(principal: Principal) -> dict[str, str]:
    return {
        "clientId": principal.client_id,
        "objectId": principal.object_id,
        "name": principal.name,
    }


def _certificates(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    try:
        x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise ValueError("The certificate is no PEM text with a certificate in it.") from None
    return (text,)


def _federations(wish: Any) -> tuple[Federation, ...]:
    if not wish:
        return ()
    try:
        return (Federation(**wish),)
    except TypeError as error:
        raise ValueError(f"The federation is not understood: {error}") from None
