"""A cluster of real agent processes in a world: started from the zip that ships.

The application is a script resource that says, every 20 ms, who and when in a file both nodes
share: a second account, beside the observer's, of who was active.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.netns.metadata import token
from tests.netns.world import HERE, World, end

from hacluster_node.build import build
from hacluster_wire.documents import CONFIGURATION, ORDERS, Document, seal
from hacluster_wire.keys import KeyRing, derive
from hacluster_wire.orders import Order, content_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

NODES = ("n1", "n2")
MASTER = b"m" * 32
PROBE_PORT = 26001
FASTEST = {
    "leaseSeconds": 4.0,
    "renewSeconds": 0.5,
    "requestSeconds": 0.5,
    "retries": 3,
    "backoffSeconds": 0.2,
    "fenceSeconds": 1.0,
    "slackSeconds": 0.3,
    "waitSeconds": 4.1,
    "watchdogSeconds": 3.0,
    "pollSeconds": 0.25,
    "promiseSeconds": 4.0,
}
START = """#!/bin/sh
setsid {python} -c '
import os, sys, time
while True:
    with open("{log}", "a") as f:
        f.write("{node} %s %.3f\\n" % (os.environ["HA_EPOCH"], time.monotonic()))
    time.sleep(0.02)
' >/dev/null 2>&1 </dev/null &
"""
STOP = """#!/bin/sh
[ -e {hang} ] || exit 0
trap "" TERM
while :; do sleep 1; done
"""


@dataclass(frozen=True)
class Answer:
    """One 200 that the observer saw: by which node, when it was asked and answered, which epoch."""

    node: str
    sent: float
    got: float
    epoch: int


class Tail:
    """Reads whole lines as a file grows, each once."""

    def __init__(self) -> None:
        self._read = 0

    def new(self, path: Path) -> list[str]:
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole + newline)
        return whole.decode("ascii", "replace").splitlines()


@dataclass
class Cluster:
    """Two agents with their guards, an observer, and the ways to hurt them."""

    world: World
    directory: Path
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    generation: int = 1
    guards: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    agents: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    observer: subprocess.Popen[bytes] | None = None
    _observed: Tail = field(default_factory=Tail)
    _written: Tail = field(default_factory=Tail)
    _answers: list[Answer] = field(default_factory=list)
    _application: list[tuple[str, int, float]] = field(default_factory=list)

    @property
    def program(self) -> Path:
        return self.world.directory / "hacluster-node.pyz"

    def start(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        if not self.program.exists():
            build(self.program)
        self._request("PUT", "?restype=container", b"")
        for node in NODES:
            self._write_node(node)
        self.configure(self.options)
        self._start_observer()
        for node in NODES:
            self.start_guard(node)
        for node in NODES:
            self.start_agent(node)

    def configure(self, options: Mapping[str, Any]) -> None:
        """Publish a configuration for both nodes, as the operator does."""
        content = configuration(self, options)
        for node in NODES:
            keys = KeyRing({"k1": derive(MASTER, "document", node)}, "k1")
            document = Document(CONFIGURATION, self.name, node, self.generation, content)
            self._request("PUT", f"/config/{node}", seal(document, keys))
        self.generation += 1

    def order(self, node: str, *orders: Order) -> None:
        """Give orders to a node, as the operator does."""
        keys = KeyRing({"k1": derive(MASTER, "document", node)}, "k1")
        document = Document(ORDERS, self.name, node, int(time.time() * 1000), content_of(orders))
        self._request("PUT", f"/orders/{node}", seal(document, keys))

    def result(self, node: str, order: str) -> str:
        """Return what a node says of an order, phase first; empty while it does not know it."""
        for item in self.status(node)["orders"]:
            if item["id"] == order:
                return f"{item['phase']}: {item['message']}"
        return ""

    def start_node(self, node: str) -> None:
        self.start_guard(node)
        self.start_agent(node)

    def start_guard(self, node: str) -> None:
        for name in ("helper", "guard", "agent"):  # A crash leaves the names of its sockets.
            (self._run(node) / f"{name}.sock").unlink(missing_ok=True)
        self.guards[node] = self._program(node, "guard")
        wait_for((self._run(node) / "helper.sock").exists, 30, f"{node}'s helper")
        wait_for((self._run(node) / "guard.sock").exists, 30, f"{node}'s guard")

    def start_agent(self, node: str) -> None:
        self.agents[node] = self._program(node, "run")

    def kill(self, node: str) -> None:
        """Crash a machine: guard, helper, agent and application at once."""
        self.processes_signal(node, signal.SIGKILL)

    def processes_signal(self, node: str, number: int, but: int = 0) -> None:
        """Send a signal to everything that runs on a node, except the process `but`."""
        pids = subprocess.run(
            ["ip", "netns", "pids", self.world.namespace(node)],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                if int(pid) != but:
                    os.kill(int(pid), number)

    def command(self, node: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the agent's own command line on a node."""
        socket = f"--socket={self._run(node)}/agent.sock"
        return subprocess.run(
            [sys.executable, str(self.program), socket, *words],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip

    def hears_its_peer(self, node: str) -> bool:
        """Tell whether the agent of a node runs and hears the other one."""
        done = self.command(node, "status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["peers"][0]["alive"]

    def heal(self) -> str:
        """Mend everything, wait until both nodes are well, and return the active one."""
        self.world.reset_links()
        hang = self.directory / "hang"
        if hang.exists():
            hang.unlink()
            self._restart_where_a_stop_failed()
        for node in NODES:
            self.processes_signal(node, signal.SIGCONT)
        wait_for(self._are_well, 60, "both nodes to hear each other")
        return self.wait_active()

    def _restart_where_a_stop_failed(self) -> None:
        """A node on which the application did not stop is out until somebody looks after it."""
        for node in NODES:
            if self.agents[node].poll() is None:
                groups = self.status(node)["groups"]
                if "Failed" in groups[0]["resources"].values():
                    self.agents[node].kill()
                    self.agents[node].wait(30)

    def _are_well(self) -> bool:
        """Start what has ended, as systemd would, and tell whether both nodes take part."""
        for node in NODES:
            if self.agents[node].poll() is not None or self.guards[node].poll() is not None:
                self.kill(node)
                self.start_node(node)
        return all(self.hears_its_peer(node) for node in NODES)

    def status(self, node: str) -> dict[str, Any]:
        done = self.command(node, "status", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def stop(self) -> None:
        for process in [*self.agents.values(), *self.guards.values(), self.observer]:
            if process is not None:
                end(process)
        for node in NODES:
            self.kill(node)
        self.world.reset_links()

    # What was seen.

    def answers(self) -> list[Answer]:
        """Return every 200 the observer saw, in the order they were asked for."""
        for line in self._observed.new(self.directory / "observed"):
            seen = json.loads(line)
            answer = Answer(NODES[seen["node"]], seen["sent"], seen["got"], seen["epoch"])
            self._answers.append(answer)
        self._answers.sort(key=lambda answer: answer.sent)
        return self._answers

    def active(self, within_s: float = 0.3) -> str | None:
        """Return the node that answered 200 a moment ago, or None."""
        last = self.answers()[-1:]
        return last[0].node if last and last[0].got > time.monotonic() - within_s else None

    def wait_active(self, node: str | None = None, within_s: float = 60.0) -> str:
        """Wait until a node (or the one named) answers 200, and return its name."""
        wait_for(
            lambda: self.active() is not None and node in (None, self.active()),
            within_s,
            f"{node or 'a node'} to be active: {self.logs()}",
        )
        found = self.active()
        return found or self.wait_active(node, within_s)

    def first_after(self, moment: float, node: str) -> float | None:
        """Return when a node's first 200 asked for after `moment` was answered, or None."""
        later = [
            answer for answer in self.answers() if answer.node == node and answer.sent > moment
        ]
        return later[0].got if later else None

    def application(self) -> list[tuple[str, int, float]]:
        """Return what the application wrote: node, epoch, monotonic seconds."""
        for line in self._written.new(self.directory / "application"):
            words = line.split()
            if len(words) == 3:
                self._application.append((words[0], int(words[1]), float(words[2])))
        return self._application

    def logs(self) -> str:
        """Return the ends of all logs, for a failure's message."""
        found = [
            f"--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-25:])
            for path in sorted(self.directory.glob("*.log"))
        ]
        return f"\n{self.directory}\n" + "\n".join(found)

    # How it is made.

    def _run(self, node: str) -> Path:
        return self.directory / node / "run"

    def _program(self, node: str, verb: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, str(self.program), verb, str(self.directory / node / "node.json")]
        return self.world.popen(node, words, self.directory / f"{node}-{verb}.log")

    def _start_observer(self) -> None:
        places = [f"{self.world.address(node)}:{PROBE_PORT}" for node in NODES]
        words = [sys.executable, str(HERE / "observer.py"), str(self.directory / "observed")]
        log = self.directory / "observer.log"
        self.observer = self.world.popen("observer", [*words, *places], log)

    def _write_node(self, node: str) -> None:
        home = self.directory / node
        home.mkdir()
        keys = {
            purpose: base64.b64encode(secret.reveal()).decode()
            for purpose, secret in (
                ("heartbeat", derive(MASTER, "heartbeat")),
                ("document", derive(MASTER, "document", node)),
            )
        }
        content = {
            "cluster": self.name,
            "node": node,
            "store": {
                "container": f"{self.world.account}/{self.name}",
                "caFile": str(self.world.ca_file),
                "metadata": self.world.metadata,
            },
            "keys": {"active": "k1", "accepted": [{"id": "k1", **keys}]},
            "stateDirectory": str(home / "state"),
            "runDirectory": str(home / "run"),
        }
        (home / "node.json").write_text(json.dumps(content))
        for name, text in (("start", START), ("stop", STOP)):
            script = home / name
            values = {"log": self.directory / "application", "node": node, "python": sys.executable}
            script.write_text(text.format(**values, hang=self.directory / "hang"))
            script.chmod(0o755)

    def _request(self, method: str, path: str, body: bytes) -> None:
        """Speak to Azurite from the store's own namespace, by the same protocol as the agents."""
        words = [sys.executable, __file__, method, f"{self.world.account}/{self.name}{path}"]
        done = subprocess.run(
            ["ip", "netns", "exec", self.world.namespace("store"), *words, str(self.world.ca_file)],
            input=body, capture_output=True, check=False, timeout=30,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.decode())


def configuration(cluster: Cluster, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a two-node configuration with one group: the application and its probe port.

    `options` may hold `profile`, `partition` and `monitors`.
    """
    scripts = _scripts(cluster)
    partition: dict[str, Any] = dict(options.get("partition", {}))
    if "profile" in options:
        partition["profile"] = options["profile"]
    elif "timings" not in partition:
        partition |= {"profile": "Custom", "timings": {**FASTEST, "strict": False}}
    resources = [
        {
            "name": "app",
            "type": "Script",
            "stopTimeoutSeconds": 3,
            "stopRetries": 0,
            "stopFinalAction": "None",
            "script": scripts,
        },
        {"name": "probe", "type": "ProbePort", "probePort": {"port": PROBE_PORT}},
    ]
    return {
        "cluster": cluster.name,
        "nodes": [{"name": node, "address": cluster.world.address(node)} for node in NODES],
        "heartbeat": {"intervalSeconds": 0.5, "timeoutSeconds": 2.0},
        "partition": partition,
        "guard": {"restartOnFailedFence": False},
        "groups": [{"name": "g", "servicePorts": [8080], "resources": resources}],
        "monitors": options.get("monitors", []),
    }


def _scripts(cluster: Cluster) -> dict[str, list[str]]:
    """Return start and stop: one path on both nodes, which finds the node's own script."""
    here = cluster.directory / "here"
    here.mkdir(exist_ok=True)
    for name in ("start", "stop"):
        script = here / name
        node = "$(ip netns identify $$ | sed 's/.*-//')"
        script.write_text(f'#!/bin/sh\nexec "{cluster.directory}/{node}/{name}"\n')
        script.chmod(0o755)
    return {name: [str(here / name)] for name in ("start", "stop")}


def wait_for(condition: Callable[[], object], within_s: float, what: str) -> None:
    """Wait until a condition holds; AssertionError after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}"
        time.sleep(0.05)


def violations(answers: list[Answer]) -> list[str]:
    """Return each way in which the observed 200s contradict "one active node at a time"."""
    found = []
    highest: Answer | None = None
    for answer in answers:
        if highest is None or answer.epoch > highest.epoch:
            highest = answer
        elif answer.epoch < highest.epoch and answer.sent > highest.got:
            found.append(f"{answer} after {highest}")
        elif answer.epoch == highest.epoch and answer.node != highest.node:
            found.append(f"{answer} shares an epoch with {highest}")
    for one, other in itertools.pairwise(answers):
        if one.node != other.node and other.sent < one.got:
            found.append(f"{one} and {other} at once")
    return found


def overlaps(application: list[tuple[str, int, float]]) -> tuple[int, float]:
    """Return how often, and over how many seconds, it wrote after a newer epoch's had begun."""
    highest, count, longest = 0, 0, 0.0
    first: dict[int, float] = {}
    for _, epoch, moment in application:
        if epoch < highest:
            count += 1
            longest = max(longest, moment - first.setdefault(epoch, moment))
        highest = max(highest, epoch)
    return count, longest


@contextlib.contextmanager
def running(world: World, name: str, **options: Any) -> Iterator[Cluster]:
    """Start a cluster and stop it."""
    cluster = Cluster(world, world.directory / name, name, options)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _put(method: str, url: str, ca_file: str, body: bytes) -> None:
    headers = {
        "Authorization": "Bearer " + token("https://storage.azure.com"),
        "x-ms-version": "2021-12-02",
        "x-ms-blob-type": "BlockBlob",
    }
    request = urllib.request.Request(url, body, headers, method=method)
    context = ssl.create_default_context(cafile=ca_file)
    urllib.request.urlopen(request, timeout=10, context=context).close()


if __name__ == "__main__":
    _put(sys.argv[1], sys.argv[2], sys.argv[3], sys.stdin.buffer.read())
