"""Images that machines are made from: an excerpt of the marketplace, the same in every region."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from azuresim.errors import ArmError
from azuresim.resources import versions
from azuresim.resources.subscriptions import Route, Scene

LINUX: Final = "Linux"
WINDOWS: Final = "Windows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One offer: its publisher, name, SKUs, versions from oldest to newest, system, disk size."""

    publisher: str
    name: str
    skus: tuple[str, ...]
    versions: tuple[str, ...]
    system: str = LINUX
    size_gb: int = 30


def _offer(publisher: str, name: str, skus: str, numbers: str, **more: Any) -> Offer:
    return Offer(
        publisher=publisher, name=name, skus=tuple(skus.split()), versions=tuple(numbers.split()),
        **more,
    )  # fmt: skip


OFFERS: Final[tuple[Offer, ...]] = (
    _offer("Canonical", "UbuntuServer", "16.04-LTS 18.04-LTS 18_04-lts-gen2",
           "18.04.202306070"),
    _offer("Canonical", "0001-com-ubuntu-server-focal", "20_04-lts 20_04-lts-gen2",
           "20.04.202501290 20.04.202505270"),
    _offer("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts 22_04-lts-gen2",
           "22.04.202509090 22.04.202601140"),
    _offer("Canonical", "ubuntu-24_04-lts", "server server-gen1 minimal",
           "24.04.202509110 24.04.202601150"),
    _offer("Debian", "debian-11", "11 11-gen2", "0.20250703.2162 0.20251112.2294"),
    _offer("Debian", "debian-12", "12 12-gen2", "0.20251112.2294 0.20260112.2355"),
    _offer("Debian", "debian-13", "13 13-gen2", "0.20251117.2299 0.20260112.2355"),
    _offer("RedHat", "RHEL", "8-lvm-gen2 8_10 810-gen2 9-lvm-gen2 9_4 94_gen2 95_gen2 96_gen2",
           "9.4.2025040316 9.6.2025112113", size_gb=64),
    _offer("RedHat", "RHEL-HA", "8_10 810-gen2 9_4 94_gen2 9_6 96_gen2", "9.6.2025112113",
           size_gb=64),
    _offer("RedHat", "rhel-sap-ha", "9_4 94sapha-gen2 96sapha-gen2", "9.6.2025112113", size_gb=64),
    _offer("SUSE", "sles-15-sp5", "gen1 gen2", "2025.06.10"),
    _offer("SUSE", "sles-15-sp6", "gen1 gen2", "2025.06.10 2026.01.12"),
    _offer("SUSE", "sles-sap-15-sp6", "gen1 gen2", "2026.01.12"),
    _offer("SUSE", "opensuse-leap-15-6", "gen1 gen2", "2025.10.07"),
    _offer("Oracle", "Oracle-Linux", "ol810-lvm-gen2 ol94-lvm-gen2 ol96-lvm-gen2", "9.6.1",
           size_gb=37),
    _offer("almalinux", "almalinux-x86_64", "8-gen2 9-gen2 10-gen2", "9.6.202510210"),
    _offer("OpenLogic", "CentOS", "7_9 7_9-gen2 8_5-gen2", "7.9.2023110101"),
    _offer("MicrosoftWindowsServer", "WindowsServer",
           "2016-Datacenter 2019-Datacenter 2019-datacenter-gensecond 2022-datacenter "
           "2022-datacenter-g2 2022-datacenter-azure-edition 2025-datacenter 2025-datacenter-g2",
           "17763.8146.251211 17763.8276.260109", system=WINDOWS, size_gb=127),
    _offer("MicrosoftWindowsDesktop", "windows-11", "win11-23h2-pro win11-24h2-pro",
           "26100.7462.251206", system=WINDOWS, size_gb=127),
)  # fmt: skip


def find(publisher: str, offer: str, sku: str) -> Offer | None:
    """Return the offer that has a SKU, whatever the letter case."""
    wanted = (publisher.casefold(), offer.casefold())
    for each in OFFERS:
        if (each.publisher.casefold(), each.name.casefold()) == wanted:
            return each if sku.casefold() in {one.casefold() for one in each.skus} else None
    return None


def exact(offer: Offer, version: str) -> str | None:
    """Return the version that is meant, `latest` being the newest, or None if there is none."""
    if version.casefold() == "latest":
        return offer.versions[-1]
    return version if version in offer.versions else None


def _absent() -> ArmError:
    return ArmError(404, "NotFound", "Artifact: VMImage was not found.")


def _entries(scene: Scene, tail: str, names: Iterable[str]) -> list[dict[str, str]]:
    location = scene.names["location"]
    base = f"/Subscriptions/{scene.call.subscription}/Providers/Microsoft.Compute/Locations"
    found = [
        {"location": location, "name": name, "id": f"{base}/{location}/Publishers/{tail}{name}"}
        for name in names
    ]
    if not found:
        raise _absent()
    return found


def _of(scene: Scene) -> list[Offer]:
    """Return the offers that the path's names leave over."""
    wanted = {name: text.casefold() for name, text in scene.names.items()}
    return [
        offer
        for offer in OFFERS
        if offer.publisher.casefold() == wanted["publisher"]
        and offer.name.casefold() == wanted.get("offer", offer.name.casefold())
        and ("sku" not in wanted or wanted["sku"] in {each.casefold() for each in offer.skus})
    ]


def _tail(scene: Scene, *words: str) -> str:
    tail = f"{scene.names['publisher']}/ArtifactTypes/VMImage/Offers/"
    return tail + "".join(f"{scene.names.get(word, word)}/" for word in words)


def _publishers(scene: Scene) -> Any:
    return _entries(scene, "", sorted({offer.publisher for offer in OFFERS}))


def _offers(scene: Scene) -> Any:
    return _entries(scene, _tail(scene), sorted(offer.name for offer in _of(scene)))


def _skus(scene: Scene) -> Any:
    names = (sku for offer in _of(scene) for sku in offer.skus)
    return _entries(scene, _tail(scene, "offer", "Skus"), sorted(names))


def _versions(scene: Scene) -> Any:
    numbers = [number for offer in _of(scene) for number in offer.versions]
    query = scene.call.query
    begins = re.search(r"startswith\(name,\s*'([^']*)'\)", query.get("$filter", ""))
    if begins:
        numbers = [number for number in numbers if number.startswith(begins[1])]
    if "desc" in query.get("$orderby", "").casefold():
        numbers.reverse()
    most = query.get("$top", "")
    numbers = numbers[: int(most)] if most.isdecimal() else numbers
    tail = _tail(scene, "offer", "Skus", "sku", "Versions")
    return _entries(scene, tail, numbers) if numbers or not _of(scene) else []


def _version(scene: Scene) -> Any:
    for offer in _of(scene):
        number = exact(offer, scene.names["version"])
        if number:
            sku = scene.names["sku"].casefold()
            (entry,) = _entries(scene, _tail(scene, "offer", "Skus", "sku", "Versions"), [number])
            generation = "V2" if "gen2" in sku or sku.endswith("g2") else "V1"
            return entry | {
                "properties": {
                    "hyperVGeneration": generation,
                    "architecture": "x64",
                    "replicaType": "Managed",
                    "osDiskImage": {
                        "operatingSystem": offer.system,
                        "sizeInGb": offer.size_gb,
                    },
                    "dataDiskImages": [],
                    "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": True},
                }
            }
    raise _absent()


_BASE: Final = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}"
_IMAGE: Final = f"{_BASE}/publishers/{{publisher}}/artifacttypes/vmimage/offers"
_PATHS: Final = (
    (f"{_BASE}/publishers", _publishers),
    (_IMAGE, _offers),
    (f"{_IMAGE}/{{offer}}/skus", _skus),
    (f"{_IMAGE}/{{offer}}/skus/{{sku}}/versions", _versions),
    (f"{_IMAGE}/{{offer}}/skus/{{sku}}/versions/{{version}}", _version),
)
ROUTES: Final = tuple(
    Route(verb="GET", pattern=pattern, versions=versions.COMPUTE, answer=answer)
    for pattern, answer in _PATHS
)
