"""A shipped sample, applied in a namespace and a resource group of a test's own."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.kube.conftest import ApiServer
from tests.sim.simulator import Simulator

from azuresim.faults import control

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
NAMES = tuple(sample.stem for sample in sorted(SAMPLES.glob("*.yaml")))
WRITES = {"PUT", "PATCH", "DELETE"}


@dataclass
class World:
    """A sample in a namespace of its own, its resource group, and what surrounds them."""

    api_server: ApiServer
    sim: Simulator
    sample: str
    namespace: str
    manifest: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.manifest = yaml.safe_load((SAMPLES / f"{self.sample}.yaml").read_text())
        self.manifest["metadata"]["namespace"] = self.namespace
        spec = self.manifest["spec"]
        spec["azure"]["subscriptionId"] = self.sim.ready["subscriptionId"]
        spec["azure"]["resourceGroup"] = self.namespace
        spec["management"] = {"deletionPolicy": "Delete"}

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def group(self) -> str:
        return f"{self.sim.subscription}/resourceGroups/{self.namespace}"

    def apply(self) -> None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "cluster1-admin", "namespace": self.namespace},
            "stringData": {"password": "Correct-Horse-1"},
        }
        for one in (secret, self.manifest):
            taken = self.api_server.apply(json.dumps(one))
            assert taken.ok, taken.message

    def kubectl(self, *arguments: str) -> str:
        return self.api_server.kubectl.run(*arguments, "--namespace", self.namespace)

    def is_reconciled(self) -> bool:
        found = self.kubectl("get", "hacluster", self.name, "--ignore-not-found", "-o", "json")
        conditions = json.loads(found).get("status", {}).get("conditions", []) if found else []
        return any(
            one["type"] == "AzureReconciled" and one["status"] == "True" for one in conditions
        )

    def delete(self) -> None:
        self.kubectl("delete", "hacluster", self.name, "--wait=false")

    def is_gone(self) -> bool:
        return not self.kubectl("get", "hacluster", self.name, "--ignore-not-found")

    def clear_exchanges(self) -> None:
        control.ask(self.sim.directory, {"do": "exchanges.clear"})

    def writes(self) -> list[tuple[str, str, str]]:
        """Return verb, type and name of every write Azure was asked for since the last clearing."""
        said = control.ask(self.sim.directory, {"do": "exchanges.last", "most": 5000})
        return [
            (one["verb"], one["kind"], one["path"].rsplit("/", 1)[-1])
            for one in said
            if one["verb"] in WRITES and one["kind"].startswith("Microsoft.")
        ]

    def things(self) -> dict[str, str]:
        """Return everything in the subscription that is not the directory's, by id."""
        stored = control.ask(self.sim.directory, {"do": "records.list"})
        builtin = "/providers/microsoft.authorization/roledefinitions/"
        return {
            one["id"].casefold(): one["etag"]
            for one in stored
            if builtin not in one["id"].casefold() or "/resourcegroups/" in one["id"].casefold()
        }
