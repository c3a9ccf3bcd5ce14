"""Client assertions: signed claims that stand for a secret, each really verified.

Two kinds: signed by the principal itself with the key of a certificate that is registered for
it, or issued by somebody else whose tokens are taken for it (a federated credential). Error
numbers and words: Entra's published list of AADSTS codes.
"""

import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from azuresim.identity.principals import Federation, Principal
from azuresim.identity.refusals import EntraRefusedError

KIND: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OWN_ALGORITHMS: Final = ("RS256", "PS256")
FOREIGN_ALGORITHMS: Final = ("RS256", "ES256")
SKEW_S: Final = 300.0
"""How far Entra lets clocks differ."""


def verify(principal: Principal, assertion: str, audiences: frozenset[str]) -> None:
    """Believe an assertion, or refuse it.

    Args:
        principal: Whom it is to stand for.
        assertion: The compact JWT.
        audiences: What an assertion signed by the principal itself may name as audience.

    Raises:
        EntraRefusedError: With Entra's number for what is wrong.
    """
    header, claims = _read(assertion)
    if claims.get("iss") == principal.client_id:
        _verify_own(principal, assertion, header, claims, audiences)
    else:
        _verify_foreign(principal, assertion, header, claims)
    _verify_times(claims)


def _read(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        message = "Client assertion is malformed: it is no compact JSON web token."
        raise EntraRefusedError(400, "invalid_request", 50027, message) from None
    return header, claims


def _verify_own(
    principal: Principal,
    assertion: str,
    header: Mapping[str, Any],
    claims: Mapping[str, Any],
    audiences: frozenset[str],
) -> None:
    if claims.get("sub") != principal.client_id:
        message = "Client assertion contains a subject that is not the application's identifier."
        raise EntraRefusedError(401, "invalid_client", 700021, message)
    certificate = _certificate(principal, header)
    _verify_signature(assertion, certificate.public_key(), OWN_ALGORITHMS)
    if certificate.not_valid_after_utc.timestamp() < time.time():
        message = "Client assertion contains an invalid signature. [Reason - The key was expired.]"
        raise EntraRefusedError(401, "invalid_client", 700027, message)
    if not audiences & _audiences(claims):
        message = (
            "Client assertion audience claim does not match Realm issuer. Review the "
            "documentation at https://learn.microsoft.com/entra/identity-platform/"
            "certificate-credentials."
        )
        raise EntraRefusedError(401, "invalid_client", 700023, message)


def _certificate(principal: Principal, header: Mapping[str, Any]) -> x509.Certificate:
    given = (str(header.get(name) or "").rstrip("=") for name in ("x5t", "x5t#S256"))
    named = {thumbprint for thumbprint in given if thumbprint}
    for text in principal.certificates:
        certificate = x509.load_pem_x509_certificate(text.encode())
        if named & _thumbprints(certificate):
            return certificate
    message = (
        "Client assertion contains an invalid signature. [Reason - The key was not found., "
        f"Thumbprint of key used by client: '{ascii(','.join(sorted(named)))[1:-1][:80]}']"
    )
    raise EntraRefusedError(401, "invalid_client", 700027, message)


def _thumbprints(certificate: x509.Certificate) -> set[str]:
    der = certificate.public_bytes(serialization.Encoding.DER)
    digests = (hashlib.sha1(der).digest(), hashlib.sha256(der).digest())  # noqa: S324 - x5t is SHA-1
    return {base64.urlsafe_b64encode(digest).decode().rstrip("=") for digest in digests}


def _verify_foreign(
    principal: Principal, assertion: str, header: Mapping[str, Any], claims: Mapping[str, Any]
) -> None:
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    federation = _federation(principal, issuer, subject)
    if federation is None:
        message = (
            "No matching federated identity record found for presented assertion subject "
            f"'{ascii(subject)[1:121]}' and issuer '{ascii(issuer)[1:121]}'. Check your federated "
            "identity credential Subject, Audience and Issuer against the presented assertion."
        )
        raise EntraRefusedError(401, "invalid_client", 700213, message)
    if federation.audience not in _audiences(claims):
        message = (
            "No matching federated identity record found for presented assertion audience. "
            f"Expected '{federation.audience}'."
        )
        raise EntraRefusedError(401, "invalid_client", 700212, message)
    _verify_signature(assertion, _key(federation, header), FOREIGN_ALGORITHMS)


def _federation(principal: Principal, issuer: str, subject: str) -> Federation | None:
    wanted = (issuer, subject)
    matching = (one for one in principal.federations if (one.issuer, one.subject) == wanted)
    return next(matching, None)


def _key(federation: Federation, header: Mapping[str, Any]) -> Any:
    try:
        return jwt.PyJWKSet.from_dict(dict(federation.keys))[str(header.get("kid", ""))].key
    except (jwt.PyJWTError, KeyError):
        message = (
            "Client assertion contains an invalid signature. [Reason - The key was not found in "
            f"the issuer's key set, key id '{ascii(header.get('kid'))[1:81]}']"
        )
        raise EntraRefusedError(401, "invalid_client", 700027, message) from None


def _verify_signature(assertion: str, key: Any, algorithms: tuple[str, ...]) -> None:
    try:
        jwt.decode(
            assertion,
            key,
            list(algorithms),
            options={
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_iss": False,
                "verify_sub": False,
            },
        )
    except (jwt.InvalidTokenError, TypeError, ValueError):
        words = "RSA" if isinstance(key, RSAPublicKey) else "registered"
        message = (
            "Client assertion contains an invalid signature. [Reason - The signature does not fit "
            f"the {words} key.]"
        )
        raise EntraRefusedError(401, "invalid_client", 700027, message) from None


def _verify_times(claims: Mapping[str, Any]) -> None:
    now = time.time()
    try:
        starts, ends = float(claims.get("nbf") or 0), float(claims.get("exp") or 0)
    except (TypeError, ValueError):
        starts, ends = 0.0, 0.0
    if not starts - SKEW_S <= now < ends + SKEW_S:
        message = (
            "Client assertion is not within its valid time range. Current time: "
            f"{int(now)}, valid from {int(starts)}, expiry time of assertion {int(ends)}."
        )
        raise EntraRefusedError(401, "invalid_client", 700024, message)


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    said = claims.get("aud")
    listed = said if isinstance(said, list) else [said]
    return frozenset(str(one) for one in listed)
