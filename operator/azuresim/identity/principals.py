"""Who there is: one tenant, one subscription, the service principals that may sign in."""

import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A service principal; its secret never shows in a repr."""

    client_id: str
    object_id: str
    secret: str = field(repr=False)

    def knows(self, secret: str) -> bool:
        """Whether a secret is the right one, in constant time."""
        return bool(self.secret) and hmac.compare_digest(self.secret.encode(), secret.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A tenant with its principals, the first one being the owner of the subscription."""

    tenant: str
    subscription: str
    principals: tuple[Principal, ...]

    @property
    def owner(self) -> Principal:
        """The principal handed out at start."""
        return self.principals[0]

    def find(self, client_id: str) -> Principal | None:
        """Return the principal of a client id."""
        wanted = client_id.casefold()
        return next((one for one in self.principals if one.client_id == wanted), None)

    def stored(self) -> dict[str, Any]:
        """Return what is kept on disk."""
        principals = [
            {"client_id": one.client_id, "object_id": one.object_id, "secret": one.secret}
            for one in self.principals
        ]
        return {
            "tenant": self.tenant,
            "subscription": self.subscription,
            "principals": principals,
        }


def new_directory() -> Directory:
    """Return a tenant nobody has, with one principal."""
    owner = Principal(
        client_id=str(uuid.uuid4()), object_id=str(uuid.uuid4()), secret=secrets.token_urlsafe(30)
    )
    return Directory(tenant=str(uuid.uuid4()), subscription=str(uuid.uuid4()), principals=(owner,))


def restored(stored: dict[str, Any]) -> Directory:
    """Return a tenant as it was kept."""
    return Directory(
        tenant=stored["tenant"],
        subscription=stored["subscription"],
        principals=tuple(Principal(**one) for one in stored["principals"]),
    )
