"""Entra ID's endpoints: discovery documents and the token endpoint, with its own error shape."""

import time
from collections.abc import Mapping
from typing import Any, Final

from azuresim.identity import assertions
from azuresim.identity.principals import Directory, Principal
from azuresim.identity.refusals import EntraRefusedError, refusal
from azuresim.identity.tokens import Tokens
from azuresim.wire.answer import Answer

ANY_TENANT: Final = frozenset({"common", "organizations"})
WORDS: Final = frozenset({"oauth2", "v2.0", ".well-known", "discovery"})


class Entra:
    """Signs principals in.

    Args:
        directory: Who there is.
        tokens: Signs what they get.
    """

    def __init__(self, directory: Directory, tokens: Tokens) -> None:
        self._directory = directory
        self._tokens = tokens

    @staticmethod
    def owns(segments: tuple[str, ...]) -> bool:
        """Whether a path is Entra's and not ARM's."""
        if segments[:2] == ("common", "discovery"):
            return True
        return len(segments) > 1 and segments[1] in WORDS

    def serve(
        self, verb: str, segments: tuple[str, ...], base: str, sent: Mapping[str, str]
    ) -> Answer:
        """Answer a request.

        Args:
            verb: HTTP method.
            segments: The path.
            base: The server's own address.
            sent: The form of a POST, the query of a GET.
        """
        tail = "/".join(segments[1:])
        try:
            if verb == "GET" and tail == "discovery/instance":
                return Answer(body=self._instance(base, sent))
            tenant = self._tenant(segments[0])
            if verb == "GET" and tail.endswith(".well-known/openid-configuration"):
                return Answer(body=self._discovery(base, tenant, v2=tail.startswith("v2.0")))
            if verb == "GET" and tail in {"discovery/keys", "discovery/v2.0/keys"}:
                return Answer(body=self._tokens.keys())
            if verb == "POST" and tail in {"oauth2/v2.0/token", "oauth2/token"}:
                body = self._token(sent, base, v2="v2.0" in tail)
                return Answer(body=body, headers={"Cache-Control": "no-store"})
        except EntraRefusedError as refused:
            return refusal(refused)
        message = "The simulator serves discovery documents and token endpoints under a tenant."
        return Answer(status=501, body={"error": {"code": "NotImplemented", "message": message}})

    def _tenant(self, named: str) -> str:
        if named.casefold() not in ANY_TENANT | {self._directory.tenant}:
            message = (
                f"Tenant '{named}' not found. Check to make sure you have the correct tenant ID "
                "and are signing into the correct cloud."
            )
            raise EntraRefusedError(400, "invalid_tenant", 90002, message)
        return self._directory.tenant

    def _token(self, form: Mapping[str, str], base: str, *, v2: bool) -> dict[str, Any]:
        grant = _required(form, "grant_type")
        if grant != "client_credentials":
            message = f"The grant type '{grant[:40]}' is not supported."
            raise EntraRefusedError(400, "unsupported_grant_type", 70003, message)
        principal = self._client(_required(form, "client_id"))
        self._prove(principal, form, base)
        asked = _required(form, "scope" if v2 else "resource")
        audience = _audience(asked) if v2 else asked
        answer = self._tokens.issue(principal.client_id, principal.object_id, audience)
        return answer if v2 else {**answer, "expires_in": str(answer["expires_in"])}

    def _client(self, client_id: str) -> Principal:
        principal = self._directory.find(client_id)
        if principal is None:
            message = (
                f"Application with identifier '{client_id[:80]}' was not found in the directory "
                "'Simulated tenant'."
            )
            raise EntraRefusedError(400, "unauthorized_client", 700016, message)
        return principal

    def _prove(self, principal: Principal, form: Mapping[str, str], base: str) -> None:
        """Let a principal prove that it is who it says."""
        if form.get("client_assertion_type") == assertions.KIND:
            root = f"{base}/{self._directory.tenant}"
            endings = ("oauth2/v2.0/token", "oauth2/token", "v2.0", "")
            audiences = frozenset(f"{root}/{ending}".rstrip("/") for ending in endings)
            assertions.verify(principal, _required(form, "client_assertion"), audiences)
        elif form.get("client_secret") is None:
            message = (
                "The request body must contain the following parameter: 'client_assertion' or "
                "'client_secret'."
            )
            raise EntraRefusedError(401, "invalid_client", 7000218, message)
        else:
            _prove_secret(principal, form["client_secret"])

    def _discovery(self, base: str, tenant: str, *, v2: bool) -> dict[str, Any]:
        root = f"{base}/{tenant}"
        token = "oauth2/v2.0/token" if v2 else "oauth2/token"
        return {
            "token_endpoint": f"{root}/{token}",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "jwks_uri": f"{root}/discovery/v2.0/keys",
            "response_types_supported": ["code", "id_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": f"{root}/v2.0" if v2 else self._tokens.issuer,
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{root}/oauth2/v2.0/logout",
            "tenant_region_scope": "NA",
            "cloud_instance_name": base.removeprefix("https://"),
        }

    def _instance(self, base: str, query: Mapping[str, str]) -> dict[str, Any]:
        host = base.removeprefix("https://")
        asked = query.get("authorization_endpoint", "")
        tenant = asked.removeprefix("https://").partition("/")[2].split("/")[0] or "common"
        return {
            "tenant_discovery_endpoint": f"{base}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }


def _prove_secret(principal: Principal, value: str) -> None:
    secret = principal.find_secret(value)
    if secret is None:
        message = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app "
            f"'{principal.client_id}'."
        )
        raise EntraRefusedError(401, "invalid_client", 7000215, message)
    if not secret.is_valid(time.time()):
        message = (
            f"The provided client secret keys for app '{principal.client_id}' are expired. Visit "
            "the Azure portal to create new keys for your app, or consider using certificate "
            "credentials for added security."
        )
        raise EntraRefusedError(401, "invalid_client", 7000222, message)


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        message = f"The request body must contain the following parameter: '{name}'."
        raise EntraRefusedError(400, "invalid_request", 900144, message)
    return value


def _audience(scope: str) -> str:
    wanted = [each for each in scope.split() if each not in {"openid", "profile", "offline_access"}]
    if len(wanted) != 1 or not wanted[0].endswith("/.default"):
        message = f"The provided value for the input parameter 'scope' is not valid: {scope[:80]}."
        raise EntraRefusedError(400, "invalid_scope", 1002012, message)
    return wanted[0].removesuffix("/.default")
