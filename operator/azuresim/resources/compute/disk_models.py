"""What disks of a kind and size can do, after Microsoft's table of disk types."""

from bisect import bisect_left
from typing import Any, Final

GIB: Final = 1 << 30
STEPS: Final = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32767)
"""Sizes in GiB up to which a disk counts as one model."""

Rates = tuple[tuple[int, int], ...]
_STANDARD: Final[Rates] = ((500, 60),) * 11 + ((1300, 300), (2000, 500), (2000, 500))
_STANDARD_SSD: Final[Rates] = ((500, 100),) * 11 + ((2000, 400), (4000, 600), (6000, 750))
_PREMIUM: Final[Rates] = (
    (120, 25), (120, 25), (120, 25), (120, 25), (240, 50), (500, 100), (1100, 125), (2300, 150),
    (5000, 200), (7500, 250), (7500, 250), (16000, 500), (18000, 750), (20000, 900),
)  # fmt: skip
RATES: Final[dict[str, Rates]] = {
    "Standard_LRS": _STANDARD,
    "StandardSSD_LRS": _STANDARD_SSD,
    "StandardSSD_ZRS": _STANDARD_SSD,
    "Premium_LRS": _PREMIUM,
    "Premium_ZRS": _PREMIUM,
    "PremiumV2_LRS": ((3000, 125),) * 14,
    "UltraSSD_LRS": ((500, 100),) * 14,
}
"""Operations and MB a second, by kind and step."""

TIERS: Final = ("P1", "P2", "P3", "P4", "P6", "P10", "P15", "P20", "P30", "P40", "P50", "P60",
                "P70", "P80")  # fmt: skip
SETTABLE: Final = frozenset({"PremiumV2_LRS", "UltraSSD_LRS"})
"""Kinds whose rates the owner sets."""


def _step(size_gb: int) -> int:
    return min(bisect_left(STEPS, size_gb), len(STEPS) - 1)


def rates(sku: str, size_gb: int) -> tuple[int, int]:
    """Return operations a second and MB a second."""
    return RATES[sku][_step(size_gb)]


def tier(sku: str, size_gb: int) -> str | None:
    """Return the performance tier of a premium disk, None for others."""
    return TIERS[_step(size_gb)] if sku in {"Premium_LRS", "Premium_ZRS"} else None


def most_shares(sku: str, size_gb: int) -> int:
    """Return how many machines may have such a disk at once (source: document)."""
    if sku == "Standard_LRS":
        return 1
    if sku in SETTABLE:
        return 15
    return 3 if size_gb <= 512 else 5 if size_gb <= 4096 else 10


def derived(sku: str, size_gb: int) -> dict[str, Any]:
    """Return the properties that follow from kind and size."""
    operations, megabytes = rates(sku, size_gb)
    known: dict[str, Any] = {
        "diskIOPSReadWrite": operations,
        "diskMBpsReadWrite": megabytes,
        "diskSizeBytes": size_gb * GIB,
    }
    named = tier(sku, size_gb)
    return known | ({"tier": named} if named else {})
