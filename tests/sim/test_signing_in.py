"""Who may come in, and what the others are told."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from tests.sim.simulator import Reply, Simulator

pytestmark = pytest.mark.sim

SUBSCRIPTIONS = "/subscriptions?api-version=2022-12-01"


class ByHosts(RequestsTransport):  # type: ignore[misc] # lazily exported, so untyped
    """Leads Microsoft's well-known host to the simulator, as a hosts file would."""

    def __init__(self, base: str, **more: Any) -> None:
        super().__init__(**more)
        self._base = base

    def send(self, request: Any, **more: Any) -> Any:
        if urlsplit(request.url).hostname in {"login.microsoftonline.com", "login.microsoft.com"}:
            request.url = f"{self._base}/{request.url.split('/', 3)[3]}"
        return super().send(request, **more)


def _sign_in(sim: Simulator, **changes: str) -> Reply:
    form = {
        "grant_type": "client_credentials",
        "client_id": sim.ready["clientId"],
        "client_secret": sim.ready["clientSecret"],
        "scope": "https://management.azure.com/.default",
        **changes,
    }
    tenant = changes.get("tenant", sim.ready["tenantId"])
    data = urlencode(form).encode()
    return sim.send("POST", f"/{tenant}/oauth2/v2.0/token", data=data, signed=False)


def test_a_token_is_for_what_was_asked(shared_sim: Simulator) -> None:
    with shared_sim.credential() as credential:
        token = credential.get_token("https://storage.azure.com/.default").token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == "https://storage.azure.com"
    assert claims["tid"] == shared_sim.ready["tenantId"]
    assert claims["appid"] == shared_sim.ready["clientId"]


def test_instance_discovery_may_be_on(shared_sim: Simulator) -> None:
    transport = ByHosts(shared_sim.base, connection_verify=shared_sim.ready["caFile"])
    with shared_sim.credential(disable_instance_discovery=False, transport=transport) as credential:
        assert credential.get_token(f"{shared_sim.base}/.default").token


@pytest.mark.parametrize(
    ("changes", "status", "number"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_id": "11111111-1111-1111-1111-111111111111"}, 400, 700016),
        ({"tenant": "22222222-2222-2222-2222-222222222222"}, 400, 90002),
        ({"scope": "https://management.azure.com/read"}, 400, 1002012),
        ({"grant_type": "password"}, 400, 70003),
    ],
    ids=["secret", "client", "tenant", "scope", "grant"],
)
def test_a_wrong_sign_in_is_told_why(
    shared_sim: Simulator, changes: dict[str, str], status: int, number: int
) -> None:
    reply = _sign_in(shared_sim, **changes)
    assert reply.status == status
    assert reply.body["error_codes"] == [number]
    assert f"AADSTS{number}" in reply.body["error_description"]
    assert shared_sim.ready["clientSecret"] not in str(reply.body)


def test_the_sdk_says_that_the_secret_is_wrong(shared_sim: Simulator) -> None:
    ready = shared_sim.ready
    with (
        ClientSecretCredential(
            ready["tenantId"],
            ready["clientId"],
            "wrong",
            authority=ready["authority"],
            connection_verify=ready["caFile"],
            disable_instance_discovery=True,
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token("https://management.azure.com/.default")


def test_arm_wants_a_token(shared_sim: Simulator) -> None:
    reply = shared_sim.send("GET", SUBSCRIPTIONS, signed=False)
    assert (reply.status, reply.code) == (401, "AuthenticationFailed")
    assert "authorization_uri=" in (reply.header("WWW-Authenticate") or "")


def test_a_token_for_storage_is_not_for_arm(shared_sim: Simulator) -> None:
    token = _sign_in(shared_sim, scope="https://storage.azure.com/.default").body["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    reply = shared_sim.send("GET", SUBSCRIPTIONS, headers=headers)
    assert (reply.status, reply.code) == (401, "InvalidAuthenticationTokenAudience")


def test_a_token_signed_by_another_is_refused(shared_sim: Simulator) -> None:
    claims = jwt.decode(shared_sim.token(), options={"verify_signature": False})
    forged = jwt.encode(claims, "a secret of thirty-two bytes....", "HS256")
    reply = shared_sim.send("GET", SUBSCRIPTIONS, headers={"Authorization": f"Bearer {forged}"})
    assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")


def test_an_operation_cannot_be_watched_without_a_token(shared_sim: Simulator) -> None:
    path = f"{shared_sim.subscription}/operationresults/x?api-version=2021-04-01"
    assert shared_sim.send("GET", path, signed=False).status == 401
    assert shared_sim.send("GET", path).status == 404


def test_the_surroundings_are_there(shared_sim: Simulator) -> None:
    metadata = "/metadata/endpoints?api-version"
    cloud = shared_sim.send("GET", f"{metadata}=2022-09-01", signed=False).body
    assert shared_sim.send("GET", f"{metadata}=2019-05-01", signed=False).body == [cloud]
    assert cloud["resourceManager"] == shared_sim.base
    assert cloud["authentication"]["loginEndpoint"] == shared_sim.base
    (tenant,) = shared_sim.send("GET", "/tenants?api-version=2022-12-01").body["value"]
    assert tenant["tenantId"] == shared_sim.ready["tenantId"]
    (subscription,) = shared_sim.send("GET", SUBSCRIPTIONS).body["value"]
    assert subscription["id"] == shared_sim.subscription
    path = f"{shared_sim.subscription}/providers/microsoft.network/register?api-version=2021-04-01"
    assert shared_sim.send("POST", path).body["registrationState"] == "Registered"
    where = f"{shared_sim.subscription}/locations?api-version=2022-12-01"
    assert "eastus" in [each["name"] for each in shared_sim.send("GET", where).body["value"]]
