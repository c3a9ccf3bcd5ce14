"""Access tokens: signed here, checked here, and nowhere trusted without the check.

Tokens live by the wall clock, not the simulated one: clients compare their
expiry with their own clocks.
"""

import hashlib
import time
import uuid
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from azuresim.errors import ArmError

LIFETIME_S: Final = 3599
"""What Entra gives a service principal."""

CACHED: Final = 256
"""Tokens whose signature need not be checked again; each costs 100 microseconds otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a checked token says."""

    principal: str
    client_id: str
    expires: float


NOBODY: Final = Claims(principal="", client_id="", expires=0.0)
"""Who asks where no token is needed."""


class Tokens:
    """Signs and checks the tokens of one tenant.

    Args:
        key: The signing key.
        tenant: Id of the tenant.
        audiences: What tokens for ARM may name as audience.
    """

    def __init__(self, key: rsa.RSAPrivateKey, tenant: str, audiences: tuple[str, ...]) -> None:
        self._key = key
        self._public = key.public_key()
        self._tenant = tenant
        self._audiences = tuple(each.rstrip("/") for each in audiences)
        self._checked: OrderedDict[str, Claims] = OrderedDict()
        der = self._public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._kid = urlsafe_b64encode(hashlib.sha256(der).digest()[:20]).decode()

    def accept(self, audience: str) -> None:
        """Take one more audience for ARM's."""
        self._audiences = (*self._audiences, audience.rstrip("/"))

    def serves(self, audience: str) -> bool:
        """Whether a token for this audience is one for ARM."""
        return audience.rstrip("/") in self._audiences

    @property
    def issuer(self) -> str:
        """Who signs, as version 1 tokens name it."""
        return f"https://sts.windows.net/{self._tenant}/"

    def issue(
        self,
        client_id: str,
        object_id: str,
        audience: str,
        *,
        lifetime_s: int = LIFETIME_S,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """Return the token endpoint's answer for a principal and an audience.

        Args:
            client_id: Of the principal.
            object_id: Of the principal.
            audience: Whom the token is for.
            lifetime_s: Seconds it is good for.
            more: Further claims.
        """
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
            "appid": client_id,
            "appidacr": "1",
            "idtyp": "app",
            "oid": object_id,
            "sub": object_id,
            "tid": self._tenant,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
            **more,
        }
        token = jwt.encode(claims, self._key, "RS256", {"kid": self._kid, "x5t": self._kid})
        return {
            "token_type": "Bearer",
            "expires_in": lifetime_s,
            "ext_expires_in": lifetime_s,
            "access_token": token,
        }

    def check(self, authorization: str) -> Claims:
        """Return what an `Authorization` header says, if it is to be believed.

        Raises:
            ArmError: 401 with the challenge ARM sends.
        """
        scheme, _, token = authorization.partition(" ")
        if not authorization:
            message = "Authentication failed. The 'Authorization' header is missing."
            raise self._refused("AuthenticationFailed", message, "")
        if scheme.casefold() != "bearer" or not token:
            message = "The 'Authorization' header is provided in an invalid format."
            raise self._refused("AuthenticationFailedInvalidHeader", message, "invalid_token")
        claims = self._checked.get(token)
        if claims is None or claims.expires <= time.time():
            claims = self._verify(token.strip())
            self._checked[token] = claims
            if len(self._checked) > CACHED:
                self._checked.popitem(last=False)
        return claims

    def _verify(self, token: str) -> Claims:
        try:
            said = jwt.decode(
                token,
                self._public,
                ["RS256"],
                options={"verify_aud": False, "require": ["exp", "aud", "iss", "oid"]},
            )
        except jwt.ExpiredSignatureError:
            message = "The access token expiry UTC time has passed."
            raise self._refused("ExpiredAuthenticationToken", message, "invalid_token") from None
        except jwt.InvalidTokenError:
            message = "The access token is invalid."
            raise self._refused("InvalidAuthenticationToken", message, "invalid_token") from None
        if said["iss"] != self.issuer or said.get("tid") != self._tenant:
            message = f"The access token is from the wrong issuer. It must match '{self.issuer}'."
            raise self._refused("InvalidAuthenticationTokenTenant", message, "invalid_token")
        if str(said["aud"]).rstrip("/") not in self._audiences:
            message = "The access token has been obtained for wrong audience or resource."
            raise self._refused("InvalidAuthenticationTokenAudience", message, "invalid_token")
        return Claims(
            principal=said["oid"], client_id=said.get("appid", ""), expires=float(said["exp"])
        )

    def _refused(self, code: str, message: str, error: str) -> ArmError:
        challenge = (
            f'Bearer authorization_uri="https://login.windows.net/{self._tenant}", '
            f'error="{error or "invalid_token"}", error_description="{message}"'
        )
        return ArmError(401, code, message, headers={"WWW-Authenticate": challenge})

    def keys(self) -> dict[str, Any]:
        """Return the public key as a JSON web key set."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._public, as_dict=True)
        return {"keys": [{**key, "kid": self._kid, "x5t": self._kid, "use": "sig"}]}


def new_key() -> bytes:
    """Return a fresh signing key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_key(pem: bytes) -> rsa.RSAPrivateKey:
    """Return the key in a PEM file.

    Raises:
        TypeError: If it is no RSA key.
    """
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("The signing key is no RSA key.")
    return key
