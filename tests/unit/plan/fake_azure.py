"""A small Azure in memory: it takes steps and shows what became of them, in Azure's own manner.

It is strict where a wrong plan would hurt: what a body refers to must be there, nothing in use can
be deleted, an etag must be that of now, what cannot change in place is refused. What it shows is
never what it was sent: ids come in another letter case, lists in another order, with defaults and
children filled in, and without secrets.
"""

import copy
import itertools
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hacluster.model.azure import SecretKey
from hacluster.model.ids import ArmId, is_inside, key, name_of, parent_of, type_of
from hacluster.model.observed import Absent, Present, Snapshot
from hacluster.plan.steps import Act, Delete, Pending, Put, Refuse, Step

IMMUTABLE = {
    "microsoft.compute/virtualmachines": (
        "zones",
        "properties.availabilitySet",
        "properties.osProfile.adminUsername",
        "properties.osProfile.linuxConfiguration",
        "properties.storageProfile.imageReference",
        "properties.storageProfile.osDisk.name",
        "properties.storageProfile.osDisk.managedDisk.storageAccountType",
    ),
    "microsoft.compute/availabilitysets": ("properties.platformFaultDomainCount",),
    "microsoft.network/publicipaddresses": ("sku.name", "zones"),
    "microsoft.network/loadbalancers": ("sku.name",),
    "microsoft.authorization/roleassignments": ("properties.principalId",),
}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "microsoft.network/virtualnetworks": {"enableDdosProtection": False, "resourceGuid": "guid"},
    "microsoft.network/virtualnetworks/subnets": {
        "delegations": [],
        "privateEndpointNetworkPolicies": "Disabled",
    },
    "microsoft.network/networksecuritygroups": {"defaultSecurityRules": [{"name": "DenyAll"}]},
    "microsoft.network/loadbalancers": {"inboundNatRules": [], "resourceGuid": "guid"},
    "microsoft.network/publicipaddresses": {"ipAddress": "20.0.0.4", "idleTimeoutInMinutes": 4},
    "microsoft.network/networkinterfaces": {"enableIPForwarding": False, "nicType": "Standard"},
    "microsoft.compute/virtualmachines": {"vmId": "guid", "timeCreated": "2026-01-01T00:00:00Z"},
    "microsoft.compute/disks": {"diskState": "Unattached", "networkAccessPolicy": "AllowAll"},
    "microsoft.managedidentity/userassignedidentities": {"principalId": "p-1", "clientId": "c-1"},
    "microsoft.storage/storageaccounts": {
        "primaryEndpoints": {"blob": "https://store.blob.example/"},
        "accessTier": "Hot",
    },
}
WITHOUT_ETAG = ("microsoft.resources", "microsoft.storage", "microsoft.managedidentity")
ASYNC = ("microsoft.network/", "microsoft.compute/", "microsoft.storage/storageaccounts")
CHILDREN = (
    "frontendIPConfigurations",
    "backendAddressPools",
    "probes",
    "loadBalancingRules",
    "outboundRules",
    "securityRules",
    "ipConfigurations",
)


class RefusedByAzureError(AssertionError):
    """Azure would have refused the request: the plan is wrong."""


class FakeAzure:
    """Everything there is, by key of id."""

    def __init__(self, *, is_slow: bool = False) -> None:
        self.bodies: dict[str, dict[str, Any]] = {}
        self.ids: dict[str, ArmId] = {}
        self.etags: dict[str, str] = {}
        self.is_slow = is_slow
        self.writes: list[Step] = []
        self._count = itertools.count(1)

    def copy(self) -> "FakeAzure":
        """Return another one in which everything is as it is here."""
        made = FakeAzure(is_slow=self.is_slow)
        made.bodies = plain(self.bodies)
        made.ids, made.etags = dict(self.ids), dict(self.etags)
        made.writes = list(self.writes)
        made._count = itertools.count(next(self._count))
        return made

    def put(self, resource: ArmId, body: Mapping[str, Any]) -> None:
        """Put something there from outside, without checks."""
        kept = plain(body)
        kept.setdefault("properties", {})
        for name, value in DEFAULTS.get(_kind(resource), {}).items():
            kept["properties"].setdefault(name, copy.deepcopy(value))
        kept["properties"].setdefault("provisioningState", "Succeeded")
        for kind in CHILDREN:
            for item in kept["properties"].get(kind) or ():
                item["id"] = f"{resource}/{kind}/{item['name']}"
        self._store(resource, kept)

    def change(self, resource: ArmId) -> dict[str, Any]:
        """Return a body to be changed from outside."""
        self.etags[key(resource)] = f'W/"{next(self._count)}"'
        return self.bodies[key(resource)]

    def remove(self, resource: ArmId) -> None:
        """Take something away, with all inside."""
        for one in [one for one in self.ids.values() if is_inside(one, resource)]:
            self._forget(one)
        if key(resource) in self.ids:
            self._forget(resource)

    def settle(self) -> None:
        """End every operation."""
        for one, body in list(self.bodies.items()):
            state = body["properties"].get("provisioningState")
            if state == "Deleting":
                self.remove(self.ids[one])
            elif state == "Updating":
                body["properties"]["provisioningState"] = "Succeeded"

    def apply(self, step: Step) -> bool:
        """Do a step as Azure would; False where somebody was faster (412)."""
        if isinstance(step, (Act, Refuse)):
            raise RefusedByAzureError(f"nobody asked for {step}")
        if step.etag is not None and self.etags.get(key(step.id)) != step.etag:
            return False
        self.writes.append(step)
        if isinstance(step, Put):
            self._put(step)
        else:
            self._delete(step)
        return True

    def snapshot(self, ids: Collection[ArmId], owner: str, *, members: bool = False) -> Snapshot:
        """Show all that is asked for, and whatever carries the owner's tag."""
        asked = {key(one): one for one in ids}
        tagged = {
            one: self.ids[one]
            for one, body in self.bodies.items()
            if (body.get("tags") or {}).get("hacluster-owner") == owner
        }
        found = {**tagged, **asked}
        group = next((one for one in self.ids.values() if "/providers/" not in one), None)
        listing = tuple(
            ArmId(one.upper())
            for one in self.ids.values()
            if "/providers/" in one and _is_top_level(one)
        )
        return Snapshot(
            resources={one: self._shown(spelled) for one, spelled in found.items()},
            members={key(group): listing} if group and members else {},
        )

    def _shown(self, resource: ArmId) -> Present | Absent:
        body = self.bodies.get(key(resource))
        if body is None:
            return Absent(id=resource)
        shown = body | {"properties": dict(body["properties"])}
        kind = _kind(resource)
        if kind == "microsoft.network/virtualnetworks":
            shown["properties"]["subnets"] = [
                {"id": one, "name": name_of(one), **self.bodies[key(one)]}
                for one in self.ids.values()
                if _kind(one).endswith("/subnets") and is_inside(one, resource)
            ]
        if kind in {"microsoft.network/dnszones", "microsoft.network/privatednszones"}:
            inside = [one for one in self.ids.values() if is_inside(one, resource)]
            records = [one for one in inside if type_of(one).endswith(("/A", "/CNAME"))]
            own = 2 if kind.endswith("/dnszones") else 1
            shown["properties"]["numberOfRecordSets"] = len(records) + own
        shown |= {"id": resource.upper(), "name": name_of(resource), "type": type_of(resource)}
        return Present(id=resource, body=_estranged(shown), etag=self.etags.get(key(resource)))

    def _put(self, step: Put) -> None:
        if list(_walk(step.body, Pending)):
            raise RefusedByAzureError(f"{step.id} was sent with a value that is not known yet")
        before = self.bodies.get(key(step.id))
        if before is None and not step.creates:
            raise RefusedByAzureError(f"{step.id} was to be there")
        if before is not None and step.creates:
            raise RefusedByAzureError(f"{step.id} was not to be there")
        self._check_references(step)
        body = plain(step.body)
        if before is not None:
            self._check_immutable(step, before, body)
        if _kind(step.id) == "microsoft.compute/virtualmachines":
            self._make_boot_disk(step.id, body)
        _check_priorities(body)
        self.put(step.id, body)
        if self.is_slow and _kind(step.id).startswith(ASYNC):
            self.bodies[key(step.id)]["properties"]["provisioningState"] = "Updating"

    def _check_references(self, step: Put) -> None:
        parent = parent_of(step.id)
        parent = ArmId(parent.removesuffix("/blobServices/default"))
        needed = [parent] if type_of(parent) else []
        needed += [ArmId(text) for text in _references(step.body)]
        for one in needed:
            if "/NS/@" in one or "/providers/Microsoft.Authorization/roleDefinitions/ba92" in one:
                continue
            seen = self._find(one)
            if seen is None and not is_inside(one, step.id):
                raise RefusedByAzureError(f"{step.id} refers to {one}, which is not there")
            if seen == "Deleting":
                raise RefusedByAzureError(f"{step.id} refers to {one}, which is going")

    def _find(self, resource: ArmId) -> str | None:
        """Return the state of something, or of what it is embedded in."""
        body = self.bodies.get(key(resource))
        if body is not None:
            return str(body["properties"]["provisioningState"])
        holder = resource
        while type_of(holder) and key(holder) not in self.bodies:
            holder = parent_of(holder)
        text = json.dumps(self.bodies.get(key(holder), {})).casefold()
        if key(resource) in text:
            return "Embedded"
        return None

    def _check_immutable(
        self, step: Put, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        for path in ("location", *IMMUTABLE.get(_kind(step.id), ())):
            old, new = _at(before, path), _at(after, path)
            if old is not None and json.dumps(old).casefold() != json.dumps(new).casefold():
                raise RefusedByAzureError(f"{step.id}: {path} was {old} and cannot become {new}")
        if type_of(step.id).endswith("loadBalancers"):
            rules = {rule["name"]: rule for rule in before["properties"]["loadBalancingRules"]}
            for rule in after["properties"]["loadBalancingRules"]:
                old = rules.get(rule["name"], rule)["properties"]["enableFloatingIP"]
                if old != rule["properties"]["enableFloatingIP"]:
                    raise RefusedByAzureError(f"floating IP of {rule['name']} cannot change")
        old_size = int(before["properties"].get("diskSizeGB") or 0)
        if old_size > int(after["properties"].get("diskSizeGB") or old_size):
            raise RefusedByAzureError(f"{step.id} cannot shrink")

    def _make_boot_disk(self, machine: ArmId, body: dict[str, Any]) -> None:
        profile = body["properties"]["storageProfile"]["osDisk"]
        disk = ArmId(f"{parent_of(machine)}/providers/Microsoft.Compute/disks/{profile['name']}")
        if key(machine) not in self.bodies and key(disk) in self.bodies:
            raise RefusedByAzureError(f"{disk} is there already")
        if key(disk) not in self.bodies:
            self.put(disk, {"location": body["location"], "properties": {"osType": "Linux"}})
        profile["managedDisk"] = {**profile.get("managedDisk", {}), "id": disk}

    def _delete(self, step: Delete) -> None:
        if key(step.id) not in self.bodies:
            raise RefusedByAzureError(f"{step.id} is not there")
        for one, body in self.bodies.items():
            other = self.ids[one]
            if one == key(step.id) or is_inside(other, step.id):
                continue
            if _is_user(other, step.id) and key(step.id) in json.dumps(body).casefold():
                raise RefusedByAzureError(f"{step.id} is in use by {other}")
        if _kind(step.id) == "microsoft.compute/virtualmachines":
            disk = self.bodies[key(step.id)]["properties"]["storageProfile"]["osDisk"]
            if disk.get("deleteOption") == "Delete":
                self.remove(ArmId(disk["managedDisk"]["id"]))
        if self.is_slow and _kind(step.id).startswith(ASYNC):
            self.bodies[key(step.id)]["properties"]["provisioningState"] = "Deleting"
        else:
            self.remove(step.id)

    def _store(self, resource: ArmId, body: dict[str, Any]) -> None:
        self.bodies[key(resource)] = body
        self.ids.setdefault(key(resource), resource)
        if not _kind(resource).startswith(WITHOUT_ETAG):
            self.etags[key(resource)] = f'W/"{next(self._count)}"'

    def _forget(self, resource: ArmId) -> None:
        for table in (self.bodies, self.ids, self.etags):
            table.pop(key(resource), None)


def _kind(resource: ArmId) -> str:
    return type_of(resource).casefold()


def _is_top_level(resource: ArmId) -> bool:
    return (
        resource.count("/providers/") == 1
        and type_of(resource).count("/") == 1
        and ("roleDefinitions" not in resource)
    )


def _is_user(other: ArmId, resource: ArmId) -> bool:
    """Scopes and descriptions name things without holding on to them."""
    return "Microsoft.Authorization" not in other or "roleDefinitions" in resource


def plain(value: Any) -> Any:
    """Return what Azure keeps: no secret."""
    if isinstance(value, Mapping):
        return {
            name: plain(inner)
            for name, inner in value.items()
            if not isinstance(inner, SecretKey) and name != "adminPassword"
        }
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _walk(value: Any, kind: type) -> Iterator[Any]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _walk(inner, kind)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, kind)


def _references(body: Mapping[str, Any]) -> Iterator[str]:
    names = [name for name in _names(body) if name.startswith("/subscriptions/")]
    texts = [text for text in _walk(body, str) if text.startswith("/subscriptions/")]
    yield from names
    yield from texts


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _names(inner)


def _estranged(value: Any, name: str = "") -> Any:
    """Return a value as Azure likes to show it."""
    if isinstance(value, Mapping):
        return {
            (inner.upper() if inner.startswith("/") else inner): _estranged(item, inner)
            for inner, item in value.items()
        }
    if isinstance(value, list):
        return [_estranged(item) for item in reversed(value)]
    if isinstance(value, str) and value.startswith("/subscriptions/"):
        return value.replace("/resourceGroups/", "/resourcegroups/").upper()
    return "Japan East" if name == "location" and value == "japaneast" else value


def _at(body: Mapping[str, Any], path: str) -> Any:
    found: Any = body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found.replace(" ", "") if path == "location" and isinstance(found, str) else found


def _check_priorities(body: Mapping[str, Any]) -> None:
    rules = (body.get("properties") or {}).get("securityRules") or ()
    taken = [(one["properties"]["direction"], one["properties"]["priority"]) for one in rules]
    if len(taken) != len(set(taken)):
        raise RefusedByAzureError(f"two rules have one priority: {sorted(taken)}")
