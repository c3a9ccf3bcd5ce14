"""A sample with a mirror disk in the whole system: API server, operator, machines with kernels."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from hacluster_local.arm import Arm
from hacluster_local.controlplane.kubectl import KubectlError
from hacluster_local.demo import hands, story

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hacluster_local.environment import Environment

LOOK_S: Final = 1.0
MACHINES_VERSION: Final = "2024-07-01"
ACCEPTED: Final = 202
IN_STEP: Final = "UpToDate/UpToDate"
ASKED: Final = (
    "drbdadm status all", "cat /proc/drbd", "hacluster-node status", "hacluster-node events",
    "systemctl --no-pager --failed", "journalctl --no-pager -b -n 400", "dmesg | tail -60",
)  # fmt: skip
"""What a machine is asked for after a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An environment and the one cluster in it.

    Attributes:
        sample: What was applied.
        told: Each act that is over, and when.
    """

    environment: Environment
    sample: dict[str, Any]
    began: float = field(default_factory=time.monotonic)
    told: list[str] = field(default_factory=list)

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node["name"] for node in self.sample["spec"]["nodes"])

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
        metadata = self.sample["metadata"]
        where = ("--namespace", metadata["namespace"], "-o", "json")
        got: dict[str, Any] = json.loads(
            self.environment.kubectl.run("get", story.KIND, metadata["name"], *where)
        )
        return got

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
            return hands.on(self.environment, place, "sh", "-c", line).strip()
        except hands.RefusedError:
            return ""

    def must(self, place: str, line: str) -> None:
        """Run a command that must succeed."""
        hands.on(self.environment, place, "sh", "-c", line)

    def served(self, file: str) -> str:
        """Return what a client in the virtual network gets."""
        return self.on("vnet", f"curl --silent --fail --max-time 5 {self.url}/{file}")

    def is_in_step(self, primary: str) -> bool:
        """Tell whether both halves say that they are, and one of them that it is the active."""
        (secondary,) = set(self.nodes) - {primary}
        roles = {primary: "Primary/Secondary", secondary: "Secondary/Primary"}
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
        """Wait for something, and write down when it came."""
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
        """Return the object's conditions, for a failure's message."""
        try:
            found = self.object().get("status", {}).get("conditions", [])
        except KubectlError as error:
            return str(error)
        lines = [f"{each['type']}={each['status']} {each.get('message', '')}" for each in found]
        return "\n".join([*self.told, *lines])

    def keep(self) -> None:
        """Keep what the nodes and the object say, beside the logs."""
        logs: Path = self.environment.home / "log"
        (logs / "object.json").write_text(json.dumps(self.object(), indent=1))
        for node in self.nodes:
            said = [f"$ {line}\n{self.on(node, f'{line} 2>&1 || true')}\n" for line in ASKED]
            (logs / f"machine-{node}.log").write_text("\n".join(said))


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
