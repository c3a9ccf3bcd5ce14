"""The store's records, read once: bodies by kind and key."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, Final

from azuresim import ids
from azuresim.state.records import Record

Body = Mapping[str, Any]

MACHINES: Final = "microsoft.compute/virtualmachines"
NETWORKS: Final = "microsoft.network/virtualnetworks"
INTERFACES: Final = "microsoft.network/networkinterfaces"
GROUPS: Final = "microsoft.network/networksecuritygroups"
BALANCERS: Final = "microsoft.network/loadbalancers"
PUBLIC_ADDRESSES: Final = "microsoft.network/publicipaddresses"
PUBLIC_PREFIXES: Final = "microsoft.network/publicipprefixes"
GATEWAYS: Final = "microsoft.network/natgateways"
KINDS: Final = (
    MACHINES, NETWORKS, INTERFACES, GROUPS, BALANCERS, PUBLIC_ADDRESSES, PUBLIC_PREFIXES, GATEWAYS,
)  # fmt: skip
"""What the data plane is made from."""


class Bodies:
    """All bodies the data plane is made from.

    Args:
        records: Of the kinds in `KINDS`; others are left out.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._kinds: dict[str, dict[str, Body]] = {kind: {} for kind in KINDS}
        for record in records:
            if record.kind in self._kinds:
                self._kinds[record.kind][record.key] = record.body()

    def of(self, kind: str) -> Mapping[str, Body]:
        """Return the bodies of a kind by key, sorted."""
        return dict(sorted(self._kinds[kind].items()))

    def get(self, kind: str, reference: Any) -> Body | None:
        """Return the body a reference `{"id": ...}` leads to, or None."""
        return self._kinds[kind].get(key_of(reference)) if reference else None


def key_of(reference: Any) -> str:
    """Return the key a reference leads to; empty for none."""
    return ids.key(str(reference["id"])) if reference else ""


def public_addresses(bodies: Bodies, *references: Any) -> tuple[str, ...]:
    """Return the IPv4 addresses of public addresses and prefixes, in their order."""
    found: list[str] = []
    for reference in references:
        body = bodies.get(PUBLIC_ADDRESSES, reference)
        if body is not None:
            properties = body["properties"]
            # A static one has its address once it is ready; it is drawn before.
            found.append(str(properties.get("ipAddress") or properties.get("drawnAddress") or ""))
        found += _prefix(bodies.get(PUBLIC_PREFIXES, reference))
    return tuple(each for each in found if each and ":" not in each)


def _prefix(body: Body | None) -> list[str]:
    if body is None or ":" in body["properties"].get("ipPrefix", ":"):
        return []

    return [str(each) for each in ipaddress.IPv4Network(body["properties"]["ipPrefix"])]
