"""Azure Resource Manager as a stranger uses it: by these calls the demo looks and breaks."""

import json
import urllib.request
from typing import Any, Final

from hacluster_local.azure import Azure
from hacluster_local.web import Answer, ask, form, opener

RESOURCES_VERSION: Final = "2021-04-01"
METADATA_VERSION: Final = "2022-09-01"
UNAUTHORIZED: Final = 401


class ArmError(Exception):
    """ARM, or who gives out its tokens, refused; the message has code and reason."""


class Arm:
    """A client of one cloud, signed in as the principal of the environment."""

    def __init__(self, azure: Azure) -> None:
        """Sign in at the first call, and again when the token is over."""
        self._azure = azure
        self._client = opener(azure.ca_file)
        self._token = ""
        self._versions: dict[str, str] = {}

    @property
    def subscription(self) -> str:
        """The subscription's id, as a path."""
        return f"/subscriptions/{self._azure.subscription_id}"

    def call(self, verb: str, path: str, version: str, body: Any = None) -> Answer:
        """Send one request; a refusal is an answer."""
        answer = self._send(verb, path, version, body)
        if answer.status == UNAUTHORIZED:
            self._token = ""
            answer = self._send(verb, path, version, body)
        return answer

    def get(self, path: str, version: str) -> Any:
        """Return what a path holds.

        Raises:
            ArmError: It holds nothing, or may not be read.
        """
        return content(self.call("GET", path, version), f"GET {path}")

    def put(self, path: str, version: str, body: Any) -> Any:
        """Write what a path shall hold, and return what ARM made of it.

        Raises:
            ArmError: It was refused.
        """
        return content(self.call("PUT", path, version, body), f"PUT {path}")

    def version_of(self, kind: str) -> str:
        """Return the newest api-version that Azure says it has for a resource type."""
        if kind not in self._versions:
            namespace, _, name = kind.partition("/")
            provider = self.get(f"{self.subscription}/providers/{namespace}", RESOURCES_VERSION)
            for entry in provider["resourceTypes"]:
                stable = [word for word in entry["apiVersions"] if not word.endswith("preview")]
                self._versions[f"{namespace}/{entry['resourceType']}"] = max(stable)
            if kind not in self._versions:
                raise ArmError(f"{namespace} has no resource type {name}.")
        return self._versions[kind]

    def _send(self, verb: str, path: str, version: str, body: Any) -> Answer:
        self._token = self._token or self._sign_in()
        mark = "&" if "?" in path else "?"
        request = urllib.request.Request(  # noqa: S310 - always the environment's own https
            f"{self._azure.resource_manager}{path}{mark}api-version={version}",
            method=verb,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        return ask(self._client, request)

    def _sign_in(self) -> str:
        azure = self._azure
        fields = {
            "grant_type": "client_credentials",
            "client_id": azure.client_id,
            "client_secret": azure.client_secret,
            "scope": f"{self._audience()}/.default",
        }
        request = urllib.request.Request(  # noqa: S310 - always the environment's own https
            f"{azure.authority}/{azure.tenant_id}/oauth2/v2.0/token", data=form(fields)
        )
        token: str = content(ask(self._client, request), "Sign-in")["access_token"]
        return token

    def _audience(self) -> str:
        """Return whom a token must be for: a cloud of its own says so in its metadata."""
        base = self._azure.resource_manager
        request = urllib.request.Request(  # noqa: S310 - always the environment's own https
            f"{base}/metadata/endpoints?api-version={METADATA_VERSION}"
        )
        cloud = content(ask(self._client, request), "Metadata")
        audience: str = cloud["authentication"]["audiences"][0]
        return audience.rstrip("/")


def content(answer: Answer, what: str) -> Any:
    """Return the body of a good answer.

    Raises:
        ArmError: It was a refusal; the message has what was asked, code and reason.
    """
    if answer.status < 300:
        return answer.body
    error = (answer.body or {}).get("error", answer.body)
    said = f"{error.get('code')}: {error.get('message')}" if isinstance(error, dict) else error
    raise ArmError(f"{what} was answered {answer.status} {said}")
