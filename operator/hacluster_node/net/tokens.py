"""Bearer tokens of the machine's managed identity, refreshed long before they expire.

A token is asked for from the instance metadata service, which lives in the host and may be
away for minutes. So a new one is fetched aside at half of the old one's life, and whoever
has a valid token is never kept waiting for a better one.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, replace
from typing import Callable, Optional
from urllib.parse import urlencode

from hacluster_node.net.http import Client, Unanswered, Unreachable

METADATA = "http://169.254.169.254"
_API_VERSION = "2018-02-01"
_RETRY_S = 5.0
_MARGIN_S = 30.0  # A token this close to its end may expire on the way.


class NoToken(OSError):
    """No valid token is at hand, and none could be had in time."""


@dataclass(frozen=True)
class _Token:
    value: str
    fetched_at: float
    life_s: float
    doubted: bool = False

    def is_valid(self, now: float) -> bool:
        return now < self.fetched_at + self.life_s - _MARGIN_S

    def is_due(self, now: float) -> bool:
        return self.doubted or now >= self.fetched_at + self.life_s / 2


class ManagedIdentity:
    """Hands out tokens for one resource.

    Args:
        resource: the audience, such as `https://storage.azure.com/`.
        client_id: the user-assigned identity to use; empty for the machine's own.
        endpoint: the metadata service's base address.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        resource: str,
        client_id: str = "",
        endpoint: str = METADATA,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        query = {"api-version": _API_VERSION, "resource": resource}
        if client_id:
            query["client_id"] = client_id
        self._path = "/metadata/identity/oauth2/token?" + urlencode(query)
        self._endpoint = endpoint
        self._clock = clock
        self._changed = threading.Condition()
        self._token: Optional[_Token] = None
        self._asking = False
        self._not_before = float("-inf")
        self._failure = "not asked yet"

    def token(self, timeout: float) -> str:
        """Return a valid token; waits only when none is at hand.

        Raises:
            NoToken: none arrived within `timeout` seconds.
        """
        with self._changed:
            self._start_if_due()
            self._changed.wait_for(lambda: self._valid() or not self._asking, timeout)
            if self._token is None or not self._token.is_valid(self._clock()):
                raise NoToken(f"no token from the instance metadata service: {self._failure}")
            return self._token.value

    def doubt(self, value: str) -> None:
        """Have a new token fetched aside, because a server refused `value`.

        The old one stays in use meanwhile: the refusal may have another cause.
        """
        with self._changed:
            if self._token is not None and self._token.value == value:
                self._token = replace(self._token, doubted=True)

    def _valid(self) -> bool:
        return self._token is not None and self._token.is_valid(self._clock())

    def _start_if_due(self) -> None:
        now = self._clock()
        due = self._token is None or self._token.is_due(now)
        if due and not self._asking and now >= self._not_before:
            self._asking = True
            self._not_before = now + _RETRY_S
            threading.Thread(target=self._fetch, name="token", daemon=True).start()

    def _fetch(self) -> None:
        asked_at = self._clock()
        token, failure = None, ""
        try:
            token = self._ask(asked_at)
        except (Unreachable, Unanswered, ValueError) as error:
            failure = str(error)
        with self._changed:
            self._asking = False
            self._failure = failure
            if token is not None:
                self._token = token
            self._changed.notify_all()

    def _ask(self, asked_at: float) -> _Token:
        client = Client(self._endpoint)
        try:
            answer = client.request("GET", self._path, {"Metadata": "true"}, timeout=10.0)
        finally:
            client.close()
        if answer.status != 200:
            raise ValueError(f"the service answered {answer.status}")
        try:
            content = json.loads(answer.body)
            return _Token(str(content["access_token"]), asked_at, float(content["expires_in"]))
        except (KeyError, TypeError, ValueError):
            raise ValueError("the service's answer holds no token") from None
