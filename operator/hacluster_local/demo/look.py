"""What an onlooker sees: the resources that Azure has, and what the object says about itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hacluster_local.arm import RESOURCES_VERSION, Arm, content
from hacluster_local.controlplane.kubectl import Kubectl, KubectlError

NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A resource in Azure."""

    kind: str
    """Its type without the provider: `loadBalancers`."""
    name: str
    state: str
    """Its `provisioningState`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A condition of the object."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All of it at one moment."""

    things: tuple[Thing, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    drift: tuple[str, ...] = ()
    exists: bool = False
    """Whether the API server still has the object."""

    def says(self, condition: str) -> str:
        """Return a condition's status, `Unknown` if the object does not have it yet."""
        return next((each.status for each in self.judgements if each.type == condition), "Unknown")


class Onlooker:
    """Looks at one cluster, from both sides."""

    def __init__(self, kubectl: Kubectl, arm: Arm, cluster: str, group: str) -> None:
        """Name the object, `namespace/name`, and its resource group."""
        self._kubectl = kubectl
        self._arm = arm
        self._namespace, _, self._name = cluster.partition("/")
        self._group = group

    def look(self) -> View:
        """Return what there is now.

        Raises:
            KubectlError: The API server does not answer.
            ArmError: Azure refuses to show the group.
        """
        found = self._object()
        status = (found or {}).get("status") or {}
        return View(
            things=self.things(),
            judgements=tuple(_judgement(each) for each in status.get("conditions", ())),
            drift=tuple(drift_line(each) for each in status.get("drift", ())),
            exists=found is not None,
        )

    def things(self) -> tuple[Thing, ...]:
        """Return the cluster's resource group and what is in it, by type and name.

        Raises:
            ArmError: Azure refuses to show them; only "not found" is taken for "not there".
        """
        path = f"{self._arm.subscription}/resourceGroups/{self._group}"
        found = self._arm.call("GET", path, RESOURCES_VERSION)
        if found.status == NOT_FOUND:
            return ()
        group = content(found, f"GET {path}")
        listed = self._arm.call(
            "GET", f"{path}/resources?$expand=provisioningState", RESOURCES_VERSION
        )
        if listed.status == NOT_FOUND:
            return ()  # the group went away between the two questions
        inside = content(listed, f"GET {path}/resources")
        state = group["properties"]["provisioningState"]
        itself = Thing(kind="resourceGroups", name=self._group, state=state)
        others = sorted(map(_thing, inside["value"]), key=lambda thing: (thing.kind, thing.name))
        return (itself, *others)

    def _object(self) -> dict[str, Any] | None:
        where = ("--namespace", self._namespace, "--ignore-not-found", "-o", "json")
        text = self._kubectl.run("get", "haclusters.hacluster.dev", self._name, *where)
        try:
            return json.loads(text) if text.strip() else None
        except ValueError as error:
            raise KubectlError(f"kubectl wrote no JSON: {text[:200]}") from error


def drift_line(entry: Any) -> str:
    """Return one line for an entry of the object's `status.drift`."""
    if not isinstance(entry, Mapping):
        return str(entry)
    return "  ".join(str(value) for value in entry.values() if value not in (None, ""))


def _thing(listed: Mapping[str, Any]) -> Thing:
    kind = str(listed["type"]).partition("/")[2]
    return Thing(kind=kind, name=listed["name"], state=listed.get("provisioningState", ""))


def _judgement(condition: Mapping[str, Any]) -> Judgement:
    return Judgement(
        type=condition["type"],
        status=condition["status"],
        reason=condition.get("reason", ""),
        message=condition.get("message", ""),
    )
