"""Signing in without a secret: certificates and federated tokens, each really verified."""

import datetime
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from azure.identity import CertificateCredential, ClientAssertionCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.sim.simulator import Reply, Simulator

from azuresim.faults import control
from azuresim.identity.assertions import KIND

pytestmark = pytest.mark.sim

ISSUER = "https://kubernetes.default.svc"
SUBJECT = "system:serviceaccount:hacluster-system:hacluster-operator"
EXCHANGE = "api://AzureADTokenExchange"


def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(private: rsa.RSAPrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def certificate(private: rsa.RSAPrivateKey, days: int = 30) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(private, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def principal(sim: Simulator, **wish: Any) -> dict[str, str]:
    made: dict[str, str] = control.ask(sim.directory, {"do": "principal.add", **wish})
    return made


def common(sim: Simulator) -> dict[str, Any]:
    return {
        "authority": sim.base,
        "disable_instance_discovery": True,
        "connection_verify": sim.ready["caFile"],
    }


def ask(sim: Simulator, who: dict[str, str], assertion: str) -> Reply:
    form = {
        "grant_type": "client_credentials",
        "client_id": who["clientId"],
        "client_assertion_type": KIND,
        "client_assertion": assertion,
        "scope": f"{sim.base}/.default",
    }
    data = urlencode(form).encode()
    return sim.send("POST", f"/{who['tenantId']}/oauth2/v2.0/token", data=data, signed=False)


@pytest.fixture(scope="module")
def signer() -> rsa.RSAPrivateKey:
    return key()


@pytest.fixture
def federated(shared_sim: Simulator, signer: rsa.RSAPrivateKey) -> dict[str, str]:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(signer.public_key(), as_dict=True)
    keys = {"keys": [{**public, "kid": "one", "use": "sig"}]}
    federation = {"issuer": ISSUER, "subject": SUBJECT, "keys": keys}
    return principal(shared_sim, federation=federation)


def token(signer: rsa.RSAPrivateKey, kid: str = "one", **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": [EXCHANGE], "nbf": now, "exp": now + 600}
    return jwt.encode({**claims, **changes}, signer, "RS256", {"kid": kid})


def test_a_certificate_signs_in(shared_sim: Simulator, signer: rsa.RSAPrivateKey) -> None:
    public = certificate(signer)
    who = principal(shared_sim, certificate=public.decode())
    assert "clientSecret" not in who
    with CertificateCredential(
        who["tenantId"],
        who["clientId"],
        certificate_data=pem(signer) + public,
        **common(shared_sim),
    ) as credential:
        given = credential.get_token(f"{shared_sim.base}/.default").token
    claims = jwt.decode(given, options={"verify_signature": False})
    assert claims["oid"] == who["objectId"]


@pytest.mark.parametrize(
    ("registered", "number"),
    [
        pytest.param(lambda: certificate(key()), 700027, id="another-certificate"),
        pytest.param(None, 700027, id="expired-certificate"),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused(
    shared_sim: Simulator,
    signer: rsa.RSAPrivateKey,
    registered: Callable[[], bytes] | None,
    number: int,
) -> None:
    used = certificate(signer, days=30 if registered else -1)
    known = registered() if registered else used
    who = principal(shared_sim, certificate=known.decode())
    with (
        CertificateCredential(
            who["tenantId"],
            who["clientId"],
            certificate_data=pem(signer) + used,
            **common(shared_sim),
        ) as credential,
        pytest.raises(Exception, match=f"AADSTS{number}"),
    ):
        credential.get_token(f"{shared_sim.base}/.default")


def test_a_federated_token_signs_in(
    shared_sim: Simulator, federated: dict[str, str], signer: rsa.RSAPrivateKey
) -> None:
    with ClientAssertionCredential(
        federated["tenantId"],
        federated["clientId"],
        lambda: token(signer),
        **common(shared_sim),
    ) as credential:
        assert credential.get_token(f"{shared_sim.base}/.default").token


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        pytest.param({"sub": "system:serviceaccount:other:other"}, 700213, id="subject"),
        pytest.param({"iss": "https://elsewhere.example"}, 700213, id="issuer"),
        pytest.param({"aud": ["https://kubernetes.default.svc"]}, 700212, id="audience"),
        pytest.param({"exp": 1_700_000_000}, 700024, id="expired"),
        pytest.param({"nbf": 4_000_000_000}, 700024, id="not-yet"),
        pytest.param({"exp": None}, 700024, id="no-end"),
        pytest.param({"kid": "two"}, 700027, id="unknown-key"),
    ],
)
def test_a_federated_token_that_does_not_fit_is_refused(
    shared_sim: Simulator,
    federated: dict[str, str],
    signer: rsa.RSAPrivateKey,
    changes: dict[str, Any],
    number: int,
) -> None:
    kid = changes.pop("kid", "one") if "kid" in changes else "one"
    refused = ask(shared_sim, federated, token(signer, kid, **changes))
    assert refused.status == 401
    assert refused.body["error"] == "invalid_client"
    assert refused.body["error_codes"] == [number]


def test_a_forged_signature_is_refused(shared_sim: Simulator, federated: dict[str, str]) -> None:
    refused = ask(shared_sim, federated, token(key()))
    assert refused.body["error_codes"] == [700027]


@pytest.mark.parametrize("junk", ["", "a.b.c", "none", "e30.e30.", "x" * 5000])
def test_junk_is_no_assertion(shared_sim: Simulator, federated: dict[str, str], junk: str) -> None:
    assert ask(shared_sim, federated, junk).status in {400, 401}


def test_an_unsigned_assertion_is_refused(
    shared_sim: Simulator, federated: dict[str, str], signer: rsa.RSAPrivateKey
) -> None:
    claims = jwt.decode(token(signer), options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", "none", {"kid": "one"})
    assert ask(shared_sim, federated, unsigned).body["error_codes"] == [700027]


def test_a_secret_ends(shared_sim: Simulator) -> None:
    who = principal(shared_sim, lifetime_s=0.01)
    time.sleep(0.05)
    form = {
        "grant_type": "client_credentials",
        "client_id": who["clientId"],
        "client_secret": who["clientSecret"],
        "scope": f"{shared_sim.base}/.default",
    }
    path = f"/{who['tenantId']}/oauth2/v2.0/token"
    refused = shared_sim.send("POST", path, data=urlencode(form).encode(), signed=False)
    assert refused.body["error_codes"] == [7000222]


def test_nothing_secret_is_listed(shared_sim: Simulator) -> None:
    who = principal(shared_sim, name="ops")
    listed = json.dumps(control.ask(shared_sim.directory, {"do": "principal.list"}))
    assert who["clientId"] in listed
    assert who["clientSecret"] not in listed
