"""A sample with a mirror disk in the whole system: API server, operator, machines with kernels.

What the clients ask for lies on the mirror. `who` is a link there to the host's name, so a client
that asks for it writes down who serves, and sees the mirror mounted there.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from hacluster_local.arm import Arm
from hacluster_local.controlplane.kubectl import KubectlError
from hacluster_local.demo import answers, hands, story
from hacluster_local.demo.client import Client, start_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hacluster_local.environment import Environment

LOOK_S: Final = 1.0
EVERY_S: Final = 0.5
GROUP: Final = "failover1"
MOUNT: Final = "/srv/data"
MACHINES_VERSION: Final = "2024-07-01"
ACCEPTED: Final = 202
IN_STEP: Final = "UpToDate/UpToDate"
WORDS: Final = "300000"
"""Lines of a file that is written: 3 MB."""
ASKED: Final = ("drbdadm status all", "hacluster-node status", "hacluster-node events")
"""What a machine is asked for after a failure."""
SAID_S: Final = 60


@dataclass(kw_only=True)
class Whole:
    """An environment and the one cluster in it.

    Attributes:
        sample: What was applied.
        told: Each act that is over, and when.
        client: Who asks for `who`, once it was sent.
    """

    environment: Environment
    sample: dict[str, Any]
    began: float = field(default_factory=time.monotonic)
    told: list[str] = field(default_factory=list)
    client: Client | None = None

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node["name"] for node in self.sample["spec"]["nodes"])

    def other(self, node: str) -> str:
        (found,) = set(self.nodes) - {node}
        return found

    @property
    def url(self) -> str:
        """Where clients in the virtual network reach the service."""
        front = self.sample["spec"]["access"]["loadBalancer"]["frontend"]
        return f"http://{front['privateIPAddress']}"

    def apply(self) -> None:
        """Apply the sample, and the Secret that it names."""
        for manifest in (*story.admin_secrets(self.sample), self.sample):
            self.environment.kubectl.run("apply", "-f", "-", stdin=yaml.safe_dump(manifest))

    def object(self) -> dict[str, Any]:
        """Return the object as it is now."""
        name: str = self.sample["metadata"]["name"]
        return self.environment.kubectl.get(story.KIND, name)

    def says(self, condition: str) -> str:
        """Return a condition's status."""
        found = self.object().get("status", {}).get("conditions", [])
        return next((each["status"] for each in found if each["type"] == condition), "Unknown")

    def active(self) -> str:
        """Return the node that the object names as the active one."""
        return str(self.object().get("status", {}).get("activeNode", ""))

    def on(self, place: str, line: str) -> str:
        """Return what a command prints in a place; nothing if that cannot be reached."""
        try:
            return self.must(place, line)
        except hands.RefusedError:
            return ""

    def must(self, place: str, line: str) -> str:
        """Run a command that must succeed, and return what it prints."""
        return hands.on(self.environment, place, "sh", "-c", line).strip()

    def write(self, node: str, name: str) -> str:
        """Write a file on the mirror; return its hash once all of it is acknowledged."""
        path = f"{MOUNT}/{name}"
        self.must(node, f"findmnt -n -o SOURCE {MOUNT} | grep -q drbd")
        self.must(node, f"seq {WORDS} | sed s/^/{name}-/ >{path}.new && sync {path}.new")
        self.must(node, f"mv {path}.new {path} && sync -f {path}")
        return self.must(node, f"sha256sum {path}").split()[0]

    def served(self, name: str) -> str:
        """Return the hash of what a client in the virtual network gets."""
        curl = f"curl --silent --fail --max-time 20 {self.url}/{name}"
        return self.on("vnet", f"{curl} >/tmp/got && sha256sum /tmp/got; rm /tmp/got").split(" ")[0]

    def send_client(self, active: str) -> None:
        """Send a client that asks, again and again, who serves."""
        self.must(active, f"ln -sf /etc/hostname {MOUNT}/who && sync -f {MOUNT}")
        self.client = start_client(self.environment.home, f"{self.url}/who", every_s=EVERY_S)
        self.until("the client is answered", lambda: self.answering() == active, SAID_S)

    def answering(self) -> str:
        """Return who answers the client now, nothing if nobody does."""
        assert self.client is not None
        last = self.client.last()
        return last.node if last and last.is_good else ""

    def answered(self, since: float) -> set[str]:
        """Return who has answered the client since a moment."""
        assert self.client is not None
        return {one.node for one in self.client.log() if one.sent > since and one.is_good}

    def epoch(self, node: str) -> int:
        """Return the newest epoch of the group that a node knows; 0 if it says nothing."""
        said = self.on(node, "hacluster-node status --json")
        groups = json.loads(said)["groups"] if said else ()
        return max((one["epoch"] for one in groups if one["name"] == GROUP), default=0)

    def judge(self, since: float) -> None:
        """Hold the client's log against the one promise that matters, and tell what it lost."""
        assert self.client is not None
        log = self.client.log()
        assert not answers.two_at_once(log), answers.turns(log)
        self.tell(f"{answers.gap_s(log, since):.1f} s were lost; in turn {answers.turns(log)}")

    def is_in_step(self, primary: str) -> bool:
        """Tell whether both halves say that they are, and one of them that it is the active."""
        roles = {primary: "Primary/Secondary", self.other(primary): "Secondary/Primary"}
        return all(
            self.on(node, "drbdadm role all; drbdadm dstate all").split() == [role, IN_STEP]
            for node, role in roles.items()
        )

    def simulator(self, *words: str) -> None:
        """Do something to the machines."""
        hands.simulator(self.environment, "machine", *words)

    def start(self, node: str) -> None:
        """Have Azure start a machine."""
        arm, group = Arm(self.environment.azure), self.sample["spec"]["azure"]["resourceGroup"]
        home = f"{arm.subscription}/resourceGroups/{group}/providers/Microsoft.Compute"
        path = f"{home}/virtualMachines/{node}/start"
        assert arm.call("POST", path, MACHINES_VERSION).status == ACCEPTED

    def until(self, what: str, is_so: Callable[[], bool], within_s: float) -> None:
        """Wait until something is so, and tell it."""
        end = time.monotonic() + within_s
        while not _quietly(is_so):
            assert time.monotonic() < end, f"{what}: not within {within_s:.0f} s\n{self.summary()}"
            time.sleep(LOOK_S)
        self.tell(what)

    def tell(self, what: str) -> None:
        """Write down that something is over."""
        self.told.append(f"{time.monotonic() - self.began:7.1f} s  {what}")
        (self.environment.home / "log" / "story.log").write_text("\n".join(self.told) + "\n")

    def summary(self) -> str:
        """Return what came before, and the object's conditions, for a failure's message."""
        try:
            found = self.object().get("status", {}).get("conditions", [])
        except KubectlError as error:
            found = [{"type": "Object", "status": "Unknown", "message": str(error)}]
        lines = [f"{each['type']}={each['status']} {each.get('message', '')}" for each in found]
        return "\n".join([*self.told, *lines])

    def keep(self) -> None:
        """Keep beside the logs what the object, the nodes, and the nodes' disks say."""
        logs = self.environment.home / "log"
        (logs / "object.json").write_text(json.dumps(self.object(), indent=1))
        for node in self.nodes:
            said = [f"$ {line}\n{self.on(node, f'timeout 20 {line} 2>&1')}\n" for line in ASKED]
            (logs / f"node-{node}.log").write_text("\n".join(said))
        _keep_disks(self.environment.home / "azure", logs)


def _keep_disks(azure: Path, logs: Path) -> None:
    """Keep consoles and journals, as they are on this machine: a guest may be dead or mute."""
    for at, console in enumerate(sorted(azure.glob("machines/*/console.log"))):
        (logs / f"console-{at}.log").write_bytes(console.read_bytes())
    for at, journal in enumerate(sorted(azure.glob("disks/*/upper/var/log/journal"))):
        command = ["journalctl", "--directory", str(journal), "--output", "short-iso-precise"]
        with (logs / f"journal-{at}.log").open("wb") as file:
            subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)


def sample(file: Path, subscription: str) -> dict[str, Any]:
    """Return a sample with the subscription filled in, which is all that a user has to."""
    filled: dict[str, Any] = yaml.safe_load(file.read_text())
    filled["spec"]["azure"]["subscriptionId"] = subscription
    return filled


def _quietly(is_so: Callable[[], bool]) -> bool:
    """Take an API server that is slow to answer for "not yet"."""
    try:
        return is_so()
    except KubectlError:
        return False
