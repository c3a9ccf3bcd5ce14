"""The sizes machines come in: an excerpt of Azure's catalog, the same in every region.

Cores, memory and disks follow Microsoft's pages; temporary disks are simplified.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

GIB: Final = 1024
OS_DISK_MB: Final = 1_047_552
CORES: Final = (2, 4, 8, 16, 32, 48, 64, 96)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One size.

    Attributes:
        name: For example `Standard_D2s_v3`.
        family: What quotas count it under.
        cores: Virtual processors.
        memory_mb: Memory.
        disks: Most data disks.
        temporary_mb: Size of the temporary disk; 0 for none.
        premium: Takes premium disks.
    """

    name: str
    family: str
    cores: int
    memory_mb: int
    disks: int
    temporary_mb: int
    premium: bool

    def shown(self) -> dict[str, Any]:
        """Return it as lists of sizes show it."""
        return {
            "name": self.name,
            "numberOfCores": self.cores,
            "osDiskSizeInMB": OS_DISK_MB,
            "resourceDiskSizeInMB": self.temporary_mb,
            "memoryInMB": self.memory_mb,
            "maxDataDiskCount": self.disks,
        }

    def capabilities(self) -> list[dict[str, str]]:
        """Return what the list of SKUs tells of it."""
        told = {
            "MaxResourceVolumeMB": self.temporary_mb,
            "OSVhdSizeMB": OS_DISK_MB,
            "vCPUs": self.cores,
            "MemoryPreservingMaintenanceSupported": True,
            "HyperVGenerations": "V1,V2",
            "MemoryGB": f"{self.memory_mb / GIB:g}",
            "MaxDataDiskCount": self.disks,
            "CpuArchitectureType": "x64",
            "LowPriorityCapable": True,
            "PremiumIO": self.premium,
            "vCPUsAvailable": self.cores,
            "vCPUsPerCore": 2 if self.cores > 1 else 1,
            "EphemeralOSDiskSupported": self.premium and self.temporary_mb > 0,
            "EncryptionAtHostSupported": self.premium,
            "AcceleratedNetworkingEnabled": self.cores > 1,
            "RdmaEnabled": False,
            "MaxNetworkInterfaces": 2 if self.cores < 8 else 4 if self.cores < 16 else 8,
        }
        return [{"name": name, "value": str(value)} for name, value in told.items()]


_D: Final = (
    "_v3 s_v3 _v4 s_v4 d_v4 ds_v4 as_v4 _v5 s_v5 d_v5 ds_v5 as_v5 ads_v5 ls_v5 s_v6 ds_v6 as_v6 "
    "ads_v6 ls_v6"
)
_E: Final = "_v3 s_v3 _v4 s_v4 ds_v4 as_v4 _v5 s_v5 ds_v5 as_v5 ads_v5 s_v6 ds_v6 as_v6 ads_v6"
_SERIES: Final = (("D", _D, 4), ("E", _E, 8), ("F", "s_v2 as_v6", 2), ("B", "s_v2 as_v2", 4))
"""Letter, what follows the number of cores, and GiB of memory to a core."""

_ODD: Final = (
    ("B1ls", "standardBSFamily", 1, 512, 2), ("B1s", "standardBSFamily", 1, 1024, 2),
    ("B1ms", "standardBSFamily", 1, 2048, 2), ("B2s", "standardBSFamily", 2, 4096, 4),
    ("B2ms", "standardBSFamily", 2, 8192, 4), ("B4ms", "standardBSFamily", 4, 16384, 8),
    ("B8ms", "standardBSFamily", 8, 32768, 16), ("B12ms", "standardBSFamily", 12, 49152, 16),
    ("B16ms", "standardBSFamily", 16, 65536, 32), ("B20ms", "standardBSFamily", 20, 81920, 32),
    ("A1_v2", "standardAv2Family", 1, 2048, 2), ("A2_v2", "standardAv2Family", 2, 4096, 4),
    ("A4_v2", "standardAv2Family", 4, 8192, 8), ("A8_v2", "standardAv2Family", 8, 16384, 16),
    ("D1_v2", "standardDv2Family", 1, 3584, 4), ("D2_v2", "standardDv2Family", 2, 7168, 8),
    ("D3_v2", "standardDv2Family", 4, 14336, 16), ("D4_v2", "standardDv2Family", 8, 28672, 32),
    ("DS1_v2", "standardDSv2Family", 1, 3584, 4), ("DS2_v2", "standardDSv2Family", 2, 7168, 8),
    ("DS3_v2", "standardDSv2Family", 4, 14336, 16), ("DS4_v2", "standardDSv2Family", 8, 28672, 32),
    ("DS5_v2", "standardDSv2Family", 16, 57344, 64),
)  # fmt: skip


def _all() -> Iterator[Size]:
    for short, family, cores, memory_mb, disks in _ODD:
        yield Size(
            name=f"Standard_{short}",
            family=family,
            cores=cores,
            memory_mb=memory_mb,
            disks=disks,
            temporary_mb=cores * 8 * GIB,
            premium=short.startswith(("B", "DS")),
        )
    for letter, tails, ratio in _SERIES:
        for tail in tails.split():
            for cores in CORES:
                yield _regular(letter, tail, cores, ratio)


def _regular(letter: str, tail: str, cores: int, ratio: int) -> Size:
    traits, _, generation = tail.partition("_")
    low_memory = "l" in traits
    has_temporary = "d" in traits or generation in {"v2", "v3"}
    return Size(
        name=f"Standard_{letter}{cores}{tail}",
        family=f"standard{letter}{traits.upper()}{generation}Family",
        cores=cores,
        memory_mb=cores * (2 if low_memory else ratio) * GIB,
        disks=min(32, cores * 2),
        temporary_mb=cores * 8 * GIB if has_temporary else 0,
        premium="s" in traits,
    )


SIZES: Final[dict[str, Size]] = {size.name.casefold(): size for size in _all()}
"""All sizes by their case-folded names."""


def find(name: str) -> Size | None:
    """Return the size of a name, in whatever letter case."""
    return SIZES.get(name.casefold())
