"""Operations through a real API server: kubectl's plugin asks, the operator carries out and tells.

The operator's part runs here with the rights of its service account; the nodes are made up, with
real signed documents in a store of the test's own.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kube.conftest import ApiServer
from tests.kube.operator_process import operator, rights, until
from tests.loop.operations import GROUP, SAMPLE, FakeMeetings, FakeStore, Nodes
from tests.prerequisites import require
from tests.sim.simulator import running

from hacluster.kube.connection import connect
from hacluster.kube.objects import Objects
from hacluster.kube.operations import OperationObjects
from hacluster.plan.operations.relocation import Relocation, manifest
from hacluster.reconcile.operations.keeper import OperationKeeper
from hacluster.reconcile.operations.one_round import Rounds
from hacluster.reconcile.ports import KubernetesError, Raw

pytestmark = pytest.mark.timeout(300)
PLUGIN = Path(sys.executable).with_name("kubectl-hacluster")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Carrying:
    """The operator's part and the nodes, in a thread of their own."""

    kubeconfig: Path
    namespace: str
    nodes: Nodes = field(default_factory=lambda: Nodes(FakeStore(), utc_now))
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with connect(self.kubeconfig) as client:
            desk = OperationObjects(client, Objects(client))
            keeper = OperationKeeper(Rounds(desk, FakeMeetings(self.nodes.store)))
            while not self._stopping.is_set():
                self.nodes.report()
                with contextlib.suppress(KubernetesError):  # new rights take a moment
                    for raw in await desk.operations(self.namespace):
                        keeper.heard(raw)
                await asyncio.sleep(0.3)
            await keeper.close()

    def stop(self) -> None:
        self._stopping.set()


@dataclass(frozen=True)
class Person:
    """Somebody with kubectl and the plugin in the PATH."""

    api_server: ApiServer
    namespace: str
    path: Path

    def does(self, *words: str) -> subprocess.CompletedProcess[str]:
        where = [f"--kubeconfig={self.api_server.kubeconfig}", f"--namespace={self.namespace}"]
        return subprocess.run(
            ["kubectl", "hacluster", *words, *where],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "PATH": f"{self.path}:/usr/bin:/bin", "HOME": str(self.path)},
        )

    def get(self, *words: str) -> Any:
        kubectl = self.api_server.kubectl
        return json.loads(kubectl.run("get", *words, "-n", self.namespace, "-o", "json"))


@pytest.fixture
def person(api_server: ApiServer, namespace: str, tmp_path: Path) -> Person:
    require(PLUGIN.exists(), "kubectl-hacluster", "`make setup` installs it")
    (tmp_path / "kubectl").symlink_to(api_server.kubectl.program)
    (tmp_path / "kubectl-hacluster").symlink_to(PLUGIN)
    manifest = yaml.safe_load(SAMPLE.read_text())
    manifest["metadata"]["namespace"] = namespace
    taken = api_server.apply(json.dumps(manifest))
    assert taken.ok, taken.message
    return Person(api_server, namespace, tmp_path)


@pytest.fixture
def carrying(
    api_server: ApiServer, namespace: str, tmp_path: Path, person: Person
) -> Iterator[Carrying]:
    del person
    made = Carrying(rights(api_server, tmp_path), namespace)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.stop()
    thread.join(30)


def test_a_move_is_watched_to_its_end(person: Person, carrying: Carrying) -> None:
    done = person.does("move", "--to", "node-2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Succeeded  node-1: Succeeded there" in done.stdout
    assert carrying.nodes.standing["node-2"] == "Active"
    (operation,) = person.get("haclusteroperations")["items"]
    assert operation["status"]["phase"] == "Succeeded"
    assert operation["metadata"]["ownerReferences"][0]["kind"] == "HAClusterSpec"
    own = json.loads(person.api_server.kubectl.run("auth", "whoami", "-o", "json"))
    assert operation["status"]["requestedBy"] == own["status"]["userInfo"]["username"]
    until(lambda: len(_told(person)) == 2, "both events are there")
    assert {event["reason"] for event in _told(person)} == {
        "OperationRunning",
        "OperationSucceeded",
    }
    shown = person.does("events")
    assert f"Move {GROUP} to node-2" in " ".join(shown.stdout.split())


def _told(person: Person) -> list[dict[str, Any]]:
    found = person.get("events")["items"]
    return [event for event in found if event["reason"].startswith("Operation")]


def test_a_refusal_is_told_and_is_no_success(person: Person, carrying: Carrying) -> None:
    carrying.nodes.silent.add("node-2")
    failed = person.does("move", "cluster1", "--to", "node-3")
    assert failed.returncode == 1
    assert "cluster1 has no node node-3; it has: node-1, node-2" in " ".join(failed.stdout.split())
    unknown = person.does("suspend", "cluster1", "nothing")
    assert unknown.returncode == 1
    assert "no monitor nothing" in unknown.stdout
    assert carrying.nodes.begun == []


def test_operations_on_one_group_are_done_in_order(person: Person, carrying: Carrying) -> None:
    carrying.nodes.stuck = True
    first = person.does("restart", "--no-wait")
    assert first.returncode == 0, first.stderr
    until(lambda: carrying.nodes.begun, "the first has begun")
    assert person.does("move", "--no-wait").returncode == 0

    def messages() -> list[str]:
        return [
            str((one.get("status") or {}).get("message", ""))
            for one in person.get("haclusteroperations")["items"]
        ]

    until(lambda: any("which came first" in text for text in messages()), "the second waits")
    carrying.nodes.stuck = False
    until(lambda: len(carrying.nodes.begun) == 2, "the second has begun")
    assert [kind for _, kind, _ in carrying.nodes.begun] == ["Restart", "Move"]


def test_the_picture_and_why_of_a_new_cluster(person: Person) -> None:
    shown = person.does("status")
    assert shown.returncode == 0, shown.stderr
    assert "TestLoadBalancer, internal" in shown.stdout
    assert "is the operator running?" in shown.stdout
    told = json.loads(person.does("status", "-o", "json").stdout)
    assert told["cluster"]["metadata"]["name"] == "cluster1"
    assert person.does("why").returncode == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("status", "nothing"), "NotFound"),
        (("force-activate", "--node", "node-1"), "--others-are-off"),
        (("move", "--context", "nowhere"), "nowhere"),
    ],
)
def test_a_mistake_is_answered_with_what_is_wrong(
    person: Person, words: tuple[str, ...], says: str
) -> None:
    failed = person.does(*words)
    assert failed.returncode not in (0, 2) or "Usage" in failed.stderr
    assert says in failed.stderr
    assert "Traceback" not in failed.stderr


def asked(namespace: str, name: str, **spec: Any) -> str:
    """Return the manifest of an operation."""
    return json.dumps(
        {
            "apiVersion": "hacluster.dev/v1alpha1",
            "kind": "HAClusterOperation",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"type": "Move", "group": GROUP, **spec},
        }
    )


def test_the_operator_wakes_up_for_what_is_asked_and_for_what_was(
    api_server: ApiServer, person: Person, tmp_path: Path
) -> None:
    """One operation is there before the operator starts, the other comes while it runs."""

    def ended(name: str) -> str:
        status = person.get("haclusteroperation", name).get("status") or {}
        return str(status.get("message")) if status.get("phase") == "Failed" else ""

    assert api_server.apply(asked(person.namespace, "before", cluster="gone")).ok
    kubeconfig = rights(api_server, tmp_path)
    with running(tmp_path / "sim") as sim, operator(kubeconfig, sim, tmp_path):
        until(lambda: ended("before"), "the first is refused", 60)
        assert "there is no HAClusterSpec gone" in ended("before")
        other = asked(person.namespace, "short", cluster="cluster1", deadlineSeconds=3)
        assert api_server.apply(other).ok
        until(lambda: ended("short"), "the second fails at its deadline", 90)
        assert "not begun by its deadline" in ended("short")


def test_ctrl_c_ends_the_looking_and_not_the_act(person: Person, carrying: Carrying) -> None:
    carrying.nodes.stuck = True
    flags = [f"--kubeconfig={person.api_server.kubeconfig}", f"--namespace={person.namespace}"]
    looking = subprocess.Popen(
        [str(person.path / "kubectl-hacluster"), "restart", *flags],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATH": f"{person.path}:/usr/bin:/bin", "HOME": str(person.path)},
    )
    until(lambda: carrying.nodes.begun, "a node has begun", 60)
    looking.send_signal(signal.SIGINT)
    said, _ = looking.communicate(timeout=60)
    assert looking.returncode == 130
    assert "It goes on without you" in said
    carrying.nodes.stuck = False

    def phase() -> str:
        (operation,) = person.get("haclusteroperations")["items"]
        return str(operation["status"]["phase"])

    until(lambda: phase() == "Succeeded", "it was done all the same", 60)


def test_a_move_that_the_operator_asks_for_is_made_once_and_done(
    person: Person, carrying: Carrying
) -> None:
    (cluster,) = person.get("haclusters")["items"]
    wanted = Relocation(node="node-1", group=GROUP, wish="another agent", why="another agent")
    body = manifest(wanted, cluster["metadata"], person.namespace, 1)

    async def ask_twice() -> None:
        async with connect(carrying.kubeconfig) as client:
            desk = OperationObjects(client, Objects(client))
            await desk.create(body)
            await desk.create(body)

    with ThreadPoolExecutor(1) as pool:  # this thread's own event loop is pytest's
        pool.submit(asyncio.run, ask_twice()).result()
    until(lambda: carrying.nodes.standing["node-2"] == "Active", "the group is moved")
    (operation,) = person.get("haclusteroperations")["items"]
    assert operation["metadata"]["labels"] == body["metadata"]["labels"]
    asker = "system:serviceaccount:hacluster-system:hacluster-operator"
    until(lambda: _requested_by(person) == asker, "the operator signs what it asks for")
    assert operation["metadata"]["ownerReferences"][0]["uid"] == cluster["metadata"]["uid"]
    assert len(carrying.nodes.begun) == 1

    async def delete_what_is_not_as_it_was_and_what_is() -> list[int]:
        async with connect(carrying.kubeconfig) as client:
            desk = OperationObjects(client, Objects(client))
            (found,) = await desk.operations(person.namespace)
            old = {**found.metadata, "resourceVersion": "1"}
            left = []
            for raw in (Raw(body={**found.body, "metadata": old}), found, found):
                await desk.delete(raw)
                left.append(len(await desk.operations(person.namespace)))
            return left

    until(lambda: _phases(person) == ["Succeeded"], "it is over")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asyncio.run, delete_what_is_not_as_it_was_and_what_is())
        assert asked.result() == [1, 0, 0]


def _requested_by(person: Person) -> str:
    (found,) = person.get("haclusteroperations")["items"]
    return str((found.get("status") or {}).get("requestedBy"))


def _phases(person: Person) -> list[str]:
    found = person.get("haclusteroperations")["items"]
    return [str((one.get("status") or {}).get("phase")) for one in found]
