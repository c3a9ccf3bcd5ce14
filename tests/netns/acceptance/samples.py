"""The repository's samples, made to fit one machine: side by side, no mirror, quick to judge.

What changes, and why:
- names (group, network, nodes) get the cluster's own stem, so that several live side by side;
- the mirror disk goes: these machines share a kernel, which has no DRBD;
- the application is one that tells who answers, on the sample's own port;
- the operator looks at Azure every 10 s, so that the object's word is not waited for;
- unless the guide's own mode is to be played, the witness takes its place;
- unless the guide's own numbers are, the application is watched too; monitors that come with
  resources, and the one of ARM, look more often than twice a minute; and the multi-target monitor
  so seldom that it ends no node that a play cuts off; and resolvers keep a record for seconds.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hacluster_local.demo import story
from hacluster_local.setup.checkout import DEPLOY

APPLICATION: Final = Path(__file__).parent / "application.py"
PROGRAM: Final = "/usr/local/lib/application.py"
SERVES: Final = re.compile(r"(ExecStart=)(\S+) -m http\.server (\d+).*")
WITNESS: Final = {"mode": "Witness", "profile": "Balanced"}
PUBLISHED_WITHIN_S: Final = 6
"""The simulated name servers follow a record within 2 s, Azure's within a minute."""
KEPT_S: Final = 5
"""Time to live of the DNS record, instead of the guide's minute."""
WATCHERS: Final = {
    "ProbePort": ("azureppw1", "ProbePort", {}),
    "AzureDNS": (
        "azurednsw1",
        "AzureDNS",
        {"recovery": {"preset": "Failover"}, "startDelaySeconds": PUBLISHED_WITHIN_S},
    ),
}
"""Name, type and what else of the monitor that comes with a resource, by the resource's type."""

PACE: Final = {
    "Custom": {"intervalSeconds": 2, "timeoutSeconds": 5},
    "MultiTarget": {"intervalSeconds": 600},
}
"""What else of the samples' own monitors, by type."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sample in the play.

    Attributes:
        stem: What its names begin with.
        file: The sample's name, without suffix.
        guided: In the guide's own mode, with targets instead of a witness.
        hurried: Whether what is watched is looked at every second.
    """

    stem: str
    file: str
    guided: bool = False
    hurried: bool = True

    @property
    def network(self) -> str:
        return f"{self.stem}-net"

    @property
    def nodes(self) -> tuple[str, str]:
        return f"{self.stem}-1", f"{self.stem}-2"


def adapted(sample: Sample, subscription: str) -> dict[str, Any]:
    """Return a sample as it is applied here."""
    file = DEPLOY / "samples" / f"{sample.file}.yaml"
    manifest: dict[str, Any] = _renamed(story.adapted(file, subscription), sample)
    manifest["spec"]["management"]["syncIntervalSeconds"] = 10
    cluster = manifest["spec"]["cluster"]
    (group,) = cluster["failoverGroups"]
    group["resources"] = [one for one in group["resources"] if one["type"] != "MirrorDisk"]
    (unit,) = cluster["nodeConfiguration"]["files"]
    serves = SERVES.search(unit["content"])
    assert serves
    command = f"{serves[2]} {PROGRAM} {serves[3]}"
    unit["content"] = SERVES.sub(rf"\1{command}", unit["content"])
    program = {"path": PROGRAM, "content": APPLICATION.read_text()}
    cluster["nodeConfiguration"]["files"] = [program, unit]
    if not sample.guided:
        cluster["partition"] = {**cluster["partition"], **WITNESS}
    if sample.hurried:
        manifest["spec"]["access"].get("dns", {}).update(ttlSeconds=KEPT_S)
        written = [{**one, **PACE.get(one["type"], {})} for one in cluster.get("monitors", [])]
        cluster["monitors"] = [*written, *_quick(group), _of_application(command)]
    return manifest


def _quick(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the monitors that come with the group's resources, looking every second."""
    found = [
        (one["name"], WATCHERS[one["type"]])
        for one in group["resources"]
        if one["type"] in WATCHERS
    ]
    return [
        {
            "name": name,
            "type": kind,
            "resource": resource,
            "intervalSeconds": 1,
            "timeoutSeconds": 5,
        }
        | more
        for resource, (name, kind, more) in found
    ]


def _of_application(command: str) -> dict[str, Any]:
    return {
        "name": "appw1",
        "type": "Process",
        "resource": "app",
        "timing": "Active",
        "process": {"command": command},
        "intervalSeconds": 1,
    }


def _renamed(value: Any, sample: Sample) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(one, sample) for name, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, sample) for one in value]
    if not isinstance(value, str):
        return value
    names = {
        "TestGroup1": f"{sample.stem}-group",
        "Vnet1": sample.network,
        "cluster1-admin": f"{sample.stem}-admin",
    }
    return names.get(value, re.sub(r"^node-([12])", rf"{sample.stem}-\1", value))
