"""What there is to choose from: sizes of a region, SKUs, and how much of the quotas is used."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from azuresim.errors import ArmError
from azuresim.resources import versions
from azuresim.resources.compute.sizes import SIZES, find
from azuresim.resources.regions import REGIONS
from azuresim.resources.subscriptions import Listing, Route, Scene

MACHINES: Final = "microsoft.compute/virtualmachines"
CORES_LIMIT: Final = 100_000
"""Cores of a family, and of a region, that a subscription may have (source: assumed)."""

DISK_SKUS: Final = (
    ("Standard_LRS", "S10"), ("StandardSSD_LRS", "E10"), ("StandardSSD_ZRS", "E10"),
    ("Premium_LRS", "P10"), ("Premium_ZRS", "P10"), ("PremiumV2_LRS", ""), ("UltraSSD_LRS", "U"),
)  # fmt: skip
LOCATION: Final = re.compile(r"location eq '([^']+)'", re.IGNORECASE)


def _require_region(scene: Scene) -> str:
    location = scene.names["location"].replace(" ", "").lower()
    if location not in scene.cloud.regions:
        message = (
            f"No registered resource provider found for location '{location}' and API version "
            f"'{scene.call.version}' for type 'locations'."
        )
        raise ArmError(400, "NoRegisteredProviderFound", message)
    return location


def _sizes(scene: Scene) -> Any:
    _require_region(scene)
    return {"value": [size.shown() for size in SIZES.values()]}


def _skus(scene: Scene) -> Any:
    asked = LOCATION.search(scene.call.query.get("$filter", ""))
    regions = [asked[1].lower()] if asked else list(scene.cloud.regions)
    known = [region for region in regions if region in scene.cloud.regions]
    return {"value": [sku for region in known for sku in _skus_of(region)]}


def _skus_of(region: str) -> Iterator[dict[str, Any]]:
    for size in SIZES.values():
        told = {"tier": "Standard", "size": size.name.removeprefix("Standard_")}
        more = {"family": size.family, "capabilities": size.capabilities()}
        yield _sku("virtualMachines", size.name, region, **told, **more)
    for name, size_name in DISK_SKUS:
        yield _sku("disks", name, region, tier=name.split("_")[0], size=size_name)
    for name in ("Classic", "Aligned"):
        domains = [{"name": "MaximumPlatformFaultDomainCount", "value": "3"}]
        yield _sku("availabilitySets", name, region, capabilities=domains)


def _sku(kind: str, name: str, region: str, **told: Any) -> dict[str, Any]:
    spread = kind == "availabilitySets" or name.endswith("_ZRS")
    zones = [] if spread else list(REGIONS[region].zones)
    return {
        "resourceType": kind,
        "name": name,
        **told,
        "locations": [region],
        "locationInfo": [{"location": region, "zones": zones, "zoneDetails": []}],
        "restrictions": [],
    }


def _usages(scene: Scene) -> Any:
    location = _require_region(scene)
    container = f"/subscriptions/{scene.call.subscription}".casefold()
    cores: Counter[str] = Counter()
    for record in scene.call.tx.members(container, MACHINES):
        body = record.body()
        size = find(body["properties"].get("hardwareProfile", {}).get("vmSize", ""))
        if size is not None and body["location"] == location:
            cores[size.family] += size.cores
            cores["virtualMachines"] += 1
    total = sum(number for name, number in cores.items() if name != "virtualMachines")
    rows = [("availabilitySets", "Availability Sets", _count(scene, "availabilitysets", location))]
    rows.append(("cores", "Total Regional vCPUs", total))
    rows.append(("virtualMachines", "Virtual Machines", cores["virtualMachines"]))
    families = sorted({size.family for size in SIZES.values()})
    rows += [
        (name, f"{name.removesuffix('Family')} Family vCPUs", cores[name]) for name in families
    ]
    return {"value": [_usage(name, local, used) for name, local, used in rows]}


def _count(scene: Scene, kind: str, location: str) -> int:
    container = f"/subscriptions/{scene.call.subscription}".casefold()
    records = scene.call.tx.members(container, f"microsoft.compute/{kind}")
    return sum(record.body()["location"] == location for record in records)


def _usage(name: str, local: str, used: int) -> dict[str, Any]:
    return {
        "limit": CORES_LIMIT,
        "unit": "Count",
        "currentValue": used,
        "name": {"value": name, "localizedValue": local},
    }


def _machines(scene: Scene) -> Listing:
    location = _require_region(scene)
    container = f"/subscriptions/{scene.call.subscription}".casefold()
    members = scene.call.tx.members(container, MACHINES)
    return Listing([each for each in members if each.body()["location"] == location])


_BASE: Final = "/subscriptions/{subscription}/providers/Microsoft.Compute"
_PATHS: Final = (
    (f"{_BASE}/locations/{{location}}/vmSizes", versions.COMPUTE, _sizes),
    (f"{_BASE}/locations/{{location}}/usages", versions.COMPUTE, _usages),
    (f"{_BASE}/locations/{{location}}/virtualMachines", versions.COMPUTE, _machines),
    (f"{_BASE}/skus", versions.COMPUTE_SKUS, _skus),
)
ROUTES: Final = tuple(
    Route(verb="GET", pattern=pattern, versions=accepted, answer=answer)
    for pattern, accepted, answer in _PATHS
)
