"""Starts azuresim as a process and hands out clients for it.

    with running(tmp_path) as sim:
        network = sim.client(NetworkManagementClient)

`sim.http` speaks to it without an SDK; `sim.kill()` and `sim.start()` are a power
cut and the way back.
"""

import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from azure.identity import ClientSecretCredential

OPERATOR = Path(__file__).parents[2] / "operator"
READY_S = 120
UNTHROTTLED = ("--throttle", "none")
"""Tests ask faster than people; who tests quotas says so in the options, which come later."""


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any

    def header(self, name: str) -> str | None:
        """Return a header without regard to letter case."""
        folded = {key.casefold(): value for key, value in self.headers.items()}
        return folded.get(name.casefold())

    @property
    def code(self) -> str:
        """ARM's error code."""
        return str(self.body["error"]["code"])


@dataclass
class Simulator:
    """A simulator in a process of its own."""

    directory: Path
    options: tuple[str, ...] = ()
    errors: Path | None = None
    ready: dict[str, str] = field(default_factory=dict, repr=False)
    _process: subprocess.Popen[str] | None = None
    _connection: http.client.HTTPSConnection | None = None
    _token: str = field(default="", repr=False)

    def start(self) -> "Simulator":
        """Start it, at the same address as before if it ran before."""
        port = urlsplit(self.base).port if self.ready else 0
        command = [sys.executable, "-m", "azuresim", "serve", "--listen", f"127.0.0.1:{port}"]
        with self.errors.open("a") if self.errors else contextlib.nullcontext() as errors:
            self._process = subprocess.Popen(
                [*command, *UNTHROTTLED, "--directory", str(self.directory), *self.options],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": str(OPERATOR)},
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the simulator ended before it was ready"
        self.ready = json.loads(line)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        self._hang_up()
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        with process:
            return process.wait(READY_S)

    def kill(self) -> None:
        """End it as the out-of-memory killer would."""
        self.stop(signal.SIGKILL)

    def hit(self) -> None:
        """Kill it from another thread than the one that speaks to it; `kill` cleans up."""
        os.kill(self.pid, signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process, while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def base(self) -> str:
        """Address of the resource manager."""
        return self.ready["resourceManager"]

    @property
    def subscription(self) -> str:
        """Path of the subscription."""
        return f"/subscriptions/{self.ready['subscriptionId']}"

    def credential(self, **more: Any) -> ClientSecretCredential:
        """Return the owner's credential."""
        return ClientSecretCredential(
            self.ready["tenantId"],
            self.ready["clientId"],
            self.ready["clientSecret"],
            authority=self.ready["authority"],
            connection_verify=self.ready["caFile"],
            **{"disable_instance_discovery": True, **more},
        )

    def client(self, kind: Any, **more: Any) -> Any:
        """Return an SDK client that talks to the simulator; close it, or use `with`."""
        return kind(
            self.credential(),
            self.ready["subscriptionId"],
            base_url=self.base,
            credential_scopes=[f"{self.base}/.default"],
            connection_verify=self.ready["caFile"],
            **more,
        )

    def token(self) -> str:
        """Return an access token of the owner, asked for once."""
        if not self._token:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.ready["clientId"],
                "client_secret": self.ready["clientSecret"],
                "scope": f"{self.base}/.default",
            }
            path = f"/{self.ready['tenantId']}/oauth2/v2.0/token"
            reply = self.send("POST", path, data=urlencode(form).encode(), signed=False)
            self._token = reply.body["access_token"]
        return self._token

    def send(
        self,
        verb: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        signed: bool = True,
    ) -> Reply:
        """Send one request as it is and return what comes back."""
        sent = dict(headers or {})
        if signed:
            sent.setdefault("Authorization", f"Bearer {self.token()}")
        if body is not None:
            data = json.dumps(body).encode()
        if body is not None or (data and signed):
            sent.setdefault("Content-Type", "application/json")
        connection = self._connect()
        try:
            connection.request(verb, path.removeprefix(self.base), data, sent)
            response = connection.getresponse()
            raw = response.read()
        except BaseException:
            self._hang_up()
            raise
        parsed = json.loads(raw) if raw else None
        return Reply(response.status, dict(response.getheaders()), parsed)

    def _connect(self) -> http.client.HTTPSConnection:
        if self._connection is None:
            context = ssl.create_default_context(cafile=self.ready["caFile"])
            where = urlsplit(self.base)
            assert where.hostname is not None
            self._connection = http.client.HTTPSConnection(
                where.hostname, where.port, context=context, timeout=READY_S
            )
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextlib.contextmanager
def running(directory: Path, *options: str, errors: Path | None = None) -> Iterator[Simulator]:
    """Yield a started simulator and end it afterwards; its standard error can go to a file."""
    simulator = Simulator(directory, options, errors=errors).start()
    try:
        yield simulator
    finally:
        simulator.stop()
