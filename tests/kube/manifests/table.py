"""The tables of manifests: good ones, and good ones with changes that make them bad."""

import copy
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SAMPLES = HERE.parents[2] / "deploy" / "samples"
ABSENT = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A manifest, what it was made from, and what is to be said about it."""

    id: str
    before: Mapping[str, Any]
    manifest: Mapping[str, Any]
    says: str
    offline: str

    @property
    def text(self) -> str:
        """The manifest as kubectl reads it."""
        return json.dumps(self.manifest)


def good() -> dict[str, dict[str, Any]]:
    """Return the good manifests, the samples first, by name."""
    return copy.deepcopy(_good())


@functools.cache
def _good() -> dict[str, dict[str, Any]]:
    files = [*sorted(SAMPLES.glob("*.yaml")), *sorted((HERE / "good").glob("*.yaml"))]
    found = {}
    for file in files:
        manifest = yaml.safe_load(file.read_text())
        if manifest["kind"] == "HAClusterSpec":
            manifest["metadata"] = {"name": manifest["metadata"]["name"], "namespace": "default"}
            found[file.stem] = manifest
    return found


def cases(name: str) -> Iterator[Case]:
    """Yield the cases of a table of changed manifests."""
    bases = good()
    for row in yaml.safe_load((HERE / f"{name}.yaml").read_text()):
        before = bases[row["base"]]
        for path, value in row.get("from", {}).items():
            before = copy.deepcopy(before)
            put(before["spec"], path.split("."), value)
        manifest = copy.deepcopy(before)
        manifest["metadata"]["name"] = row["id"]
        for path, value in row["set"].items():
            put(manifest["spec"], path.split("."), value)
        yield Case(
            id=row["id"],
            before=before,
            manifest=manifest,
            says=row["says"],
            offline=row.get("offline", row["says"]),
        )


def operations() -> Iterator[Case]:
    """Yield the bad operations."""
    for row in yaml.safe_load((HERE / "operations.yaml").read_text()):
        manifest = {
            "apiVersion": "hacluster.dev/v1alpha1",
            "kind": "HAClusterOperation",
            "metadata": {"name": row["id"], "namespace": "default"},
            "spec": row["spec"],
        }
        offline = row.get("offline", row["says"])
        yield Case(id=row["id"], before={}, manifest=manifest, says=row["says"], offline=offline)


def put(owner: Any, path: list[str], value: Any) -> None:
    """Set what a path names; what does not exist yet is added, and ABSENT takes it out."""
    *steps, last = path
    for step in steps:
        owner = owner[int(step)] if isinstance(owner, list) else owner.setdefault(step, {})
    if isinstance(owner, list):
        owner[int(last) : int(last) + 1] = [] if value is ABSENT else [value]
    elif value is ABSENT:
        del owner[last]
    else:
        owner[last] = value
