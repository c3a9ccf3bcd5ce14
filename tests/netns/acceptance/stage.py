"""Whole clusters on one environment, their clients, and what is seen of both."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from tests.netns.acceptance.samples import Sample, adapted

from hacluster_local import environment
from hacluster_local.arm import ArmError
from hacluster_local.controlplane.kubectl import KubectlError
from hacluster_local.demo import answers, hands, story
from hacluster_local.demo.client import Client, start_client, start_stream
from hacluster_local.environment import Environment
from hacluster_local.logs import tail

PATIENCE_S: Final = 400.0
READY_WITHIN_S: Final = 900.0
AGAIN_S: Final = 0.5
REST_S: Final = 3.0
"""How long what is to move nothing is watched on, in seconds."""
EVERY_S: Final = 0.25
GROUP: Final = "failover1"


class NotSeenError(AssertionError):
    """What was waited for did not come; says what was seen instead."""


@dataclass(kw_only=True)
class Cluster:
    """One cluster with two clients: one asks again and again, one holds a connection."""

    sample: Sample
    environment: Environment
    manifest: dict[str, Any]
    clients: tuple[Client, Client] | None = None

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def nodes(self) -> tuple[str, str]:
        return self.sample.nodes

    def other(self, node: str) -> str:
        one, two = self.nodes
        return two if node == one else one

    def status(self) -> dict[str, Any]:
        """Return the object's status; nothing while the API server does not answer."""
        try:
            return dict(self.environment.kubectl.get(story.KIND, self.name).get("status") or {})
        except KubectlError:
            return {}

    def says(self, condition: str) -> str:
        """Return a condition's status as the object has it, or Unknown."""
        found = {one["type"]: one["status"] for one in self.status().get("conditions", ())}
        return str(found.get(condition, "Unknown"))

    def is_well(self) -> bool:
        """Tell whether it is ready, and could survive another failure."""
        status = self.status()
        found = {one["type"]: one["status"] for one in status.get("conditions", ())}
        return found.get("Ready") == "True" and found.get("Degraded") == "False"

    def node(self, name: str) -> dict[str, Any]:
        """Return what a node itself says about itself."""
        said = hands.on(self.environment, name, "hacluster-node", "status", "--json")
        return dict(json.loads(said))

    def group(self, node: str) -> dict[str, Any]:
        """Return what a node says of the group."""
        (found,) = (one for one in self.node(node)["groups"] if one["name"] == GROUP)
        return dict(found)

    def health(self, node: str, monitor: str) -> str:
        """Return what a node says of a monitor or a target."""
        (found,) = (one for one in self.node(node)["monitors"] if one["name"] == monitor)
        return str(found["health"])

    def hears(self, node: str) -> bool:
        """Tell whether a node hears the other one."""
        (found,) = self.node(node)["peers"]
        return bool(found["alive"])

    def silence_s(self, node: str) -> float:
        """Return for how many seconds a node has not heard the other one."""
        (found,) = self.node(node)["peers"]
        return float(found["secondsSinceHeard"])

    def answering(self) -> str:
        """Return the node that answers the client now, or ""."""
        last = self._asker.last()
        return last.node if last and last.is_good else ""

    def answered(self, since: float) -> set[str]:
        """Return the nodes that have answered either client since a moment."""
        return {one.node for one in self._log() if one.made > since and one.is_good}

    def streams(self, since: float) -> set[str]:
        """Return the nodes that were heard on long connections since a moment."""
        return {one.node for one in self._holder.log() if one.made > since and one.is_good}

    def breaks(self, since: float) -> int:
        """Return how often the long connection ended since a moment."""
        return sum(one.sent > since and not one.is_good for one in self._holder.log())

    def judge(self) -> None:
        """Hold the clients' logs, taken together, against the one promise that matters."""
        assert not answers.two_at_once(self._log()), f"{self.name}: {answers.turns(self._log())}"

    def tell(self, act: str, since: float) -> None:
        """Tell what an act cost the client."""
        self.note(f"{act}: {answers.gap_s(self._asker.log(), since):.1f} s lost")

    def note(self, text: str) -> None:
        """Tell what has been seen, at once, to who watches with `-s`."""
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {self.name}: {text}\n")

    def evidence(self) -> str:
        """Return what there is to see, for who has to find out why something did not come."""
        status = {key: value for key, value in self.status().items() if key != "inventory"}
        parts = [yaml.safe_dump(status)]
        for node in self.nodes:
            try:
                parts.append(f"{node}: {json.dumps(self.node(node))}")
            except hands.RefusedError as refusal:
                parts.append(f"{node}: {refusal}")
        parts += [tail(client.running.log) for client in self.clients or ()]
        return "\n".join(parts)

    def _log(self) -> list[answers.Answer]:
        both = (*self._asker.log(), *self._holder.log())
        return sorted(both, key=lambda one: one.made)

    @property
    def _asker(self) -> Client:
        assert self.clients is not None
        return self.clients[0]

    @property
    def _holder(self) -> Client:
        assert self.clients is not None
        return self.clients[1]


def until(
    what: str, is_so: Callable[[], Any], cluster: Cluster, within_s: float = PATIENCE_S
) -> Any:
    """Wait until something is so; return what it was. Who refuses to answer is asked again.

    Raises:
        NotSeenError: It did not become so in time.
    """
    end = time.monotonic() + within_s
    while True:
        try:
            found = is_so()
        except (hands.RefusedError, ArmError):
            found = None
        if found:
            return found
        if time.monotonic() > end:
            seen = cluster.evidence()
            raise NotSeenError(f"{cluster.name}: {what} was not seen in {within_s:.0f} s\n{seen}")
        time.sleep(AGAIN_S)


def serving(cluster: Cluster) -> str:
    """Wait until the client is answered; return who answers."""
    return str(until("an answer", cluster.answering, cluster))


def taken_over(cluster: Cluster, active: str, act: str, since: float) -> None:
    """Wait until the other node answers the clients, one alone, and tell what that cost."""
    other = cluster.other(active)
    until(f"{other} answering", lambda: cluster.answering() == other, cluster)
    until(f"{other} streaming", lambda: other in cluster.streams(since), cluster)
    cluster.tell(act, since)
    cluster.judge()


def stays(
    cluster: Cluster, active: str, act: str, is_so: Callable[[], Any], for_s: float = 0
) -> None:
    """See that while something comes about, and for some seconds, a node serves both clients on."""
    began = time.time()
    until(act, is_so, cluster)
    time.sleep(max(REST_S, began + for_s - time.time()))
    until("an answer since", lambda: cluster.answered(began), cluster)
    served_on(cluster, active, act, began)


def served_on(cluster: Cluster, active: str, act: str, began: float) -> None:
    """Judge that since a moment one node has served both clients."""
    assert cluster.answered(began) == {active}, cluster.evidence()
    assert cluster.breaks(began) == 0, f"the long connection broke\n{cluster.evidence()}"
    cluster.tell(act, began)
    cluster.judge()


def until_object_names(cluster: Cluster, node: str) -> None:
    """Wait until the object says that a node is the active one."""
    until(f"{node} in the object", lambda: cluster.status().get("activeNode") == node, cluster)


def until_well(cluster: Cluster) -> None:
    """Wait until another failure could be survived, by the object's word."""
    until("well again", cluster.is_well, cluster)


def apply(made: Environment, sample: Sample) -> Cluster:
    """Apply a sample, and wait until it is ready; its clients come later."""
    manifest = adapted(sample, made.azure.subscription_id)
    for one in (*story.admin_secrets(manifest), manifest):
        made.kubectl.run("apply", "-f", "-", stdin=yaml.safe_dump(one))
    cluster = Cluster(sample=sample, environment=made, manifest=manifest)
    until("Ready", cluster.is_well, cluster, READY_WITHIN_S)
    cluster.note("ready")
    return cluster


def send_clients(cluster: Cluster, url: str, place: str) -> None:
    """Start both clients and wait until they are answered."""
    home = cluster.environment.home
    cluster.clients = (
        start_client(home, f"{url}/", place, every_s=EVERY_S),
        start_stream(home, f"{url}/stream", place),
    )
    serving(cluster)
    until("an answer on a long connection", lambda: cluster.streams(0), cluster)


@contextmanager
def up(home: Path) -> Iterator[Environment]:
    """Bring a whole environment up with real machines, and down again."""
    try:
        yield environment.up(home, with_machines=True)
    finally:
        environment.down(home)
