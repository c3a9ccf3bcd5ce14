"""The A record of a group: put with If-Match, its epoch in the metadata, emptied after use.

The set itself stays when its address is withdrawn: rights that are given at the set go with it,
and the next node needs them. Azure shows an empty set to nobody.

Two nodes may both believe for a moment that they are to write: the one that lost the lease
just now, and the new one. The epoch decides. A record with a higher epoch than ours is never
overwritten, and the ETag read before makes sure that nothing came between (rule 9).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Tuple

from hacluster_node.errors import Broken, Refused
from hacluster_node.net import dns

if TYPE_CHECKING:
    from hacluster_node.net.arm import Answer, ResourceManager

EPOCH = "haclusterEpoch"
_API_VERSION = {"Public": "2018-05-01", "Private": "2024-06-01"}
AZURE_RESOLVER = "168.63.129.16"  # answers for private zones, from inside the network only
_ATTEMPTS = 4
_PAUSES_S = (0.5, 1.0, 2.0)
"""How long to rest, at most, before another try while Azure throttles or does not answer."""


@dataclass(frozen=True)
class Record:
    """One record set, and what it should hold while this node is active.

    Attributes:
        zone_id: the zone's ARM id.
        name: the record set's name relative to the zone.
        address: this node's address.
        ttl_s: the record's time to live.
        visibility: `Public` or `Private`.
    """

    zone_id: str
    name: str
    address: str
    ttl_s: int
    visibility: str

    @classmethod
    def of(cls, options: Mapping[str, Any], address: str) -> Record:
        """Return the record of an AzureDNS resource's options."""
        ttl = int(options["ttlSeconds"])
        return cls(options["zoneId"], options["recordSet"], address, ttl, options["visibility"])

    @property
    def path(self) -> str:
        """Return the record set's path with its api-version."""
        return f"{self.zone_id}/A/{self.name}?api-version={_API_VERSION[self.visibility]}"

    @property
    def full_name(self) -> str:
        """Return the name that clients resolve."""
        zone = self.zone_id.rstrip("/").rpartition("/")[2]
        return zone if self.name == "@" else f"{self.name}.{zone}"


def put(arm: ResourceManager, record: Record, epoch: int, timeout_s: float) -> None:
    """Make the record hold this node's address under `epoch`.

    What Azure throttles, or does not answer, is tried again a few times.

    Raises:
        Refused: HAN-A03, it carries a higher epoch.
        Broken: HAN-A01 or HAN-A02; it may or may not have been written.
    """
    _tried(lambda left_s: _put_once(arm, record, epoch, left_s), timeout_s)


def _put_once(arm: ResourceManager, record: Record, epoch: int, left_s: float) -> None:
    deadline = time.monotonic() + left_s
    for _ in range(_ATTEMPTS):
        seen = arm.request("GET", record.path, _left(deadline))
        _must_not_be_newer(seen, epoch)
        condition = {"If-Match": seen.etag} if seen.status == 200 else {"If-None-Match": "*"}
        body = _body(record, epoch, seen, (record.address,))
        if arm.request("PUT", record.path, _left(deadline), body, condition).status != 412:
            return
    raise Broken("HAN-A02", f"{record.full_name} was changed by others {_ATTEMPTS} times in a row")


def withdraw(arm: ResourceManager, record: Record, epoch: int, timeout_s: float) -> None:
    """Empty the record if it is still ours; another node's newer one is left alone.

    What Azure throttles, or does not answer, is tried again a few times.

    Raises:
        Broken: HAN-A01 or HAN-A02; it may or may not have been emptied.
    """
    _tried(lambda left_s: _withdraw_once(arm, record, epoch, left_s), timeout_s)


def _withdraw_once(arm: ResourceManager, record: Record, epoch: int, left_s: float) -> None:
    deadline = time.monotonic() + left_s
    for _ in range(_ATTEMPTS):
        seen = arm.request("GET", record.path, _left(deadline))
        is_ours = _addresses(seen) == (record.address,) and _epoch(seen) <= epoch
        if seen.status == 404 or not is_ours:
            return
        body, condition = _body(record, epoch, seen, ()), {"If-Match": seen.etag}
        if arm.request("PUT", record.path, _left(deadline), body, condition).status != 412:
            return
    raise Broken("HAN-A02", f"{record.full_name} was changed by others {_ATTEMPTS} times in a row")


def _tried(deed: Callable[[float], None], timeout_s: float) -> None:
    """Do something with the record; again after a rest, if ARM throttles or is away.

    Args:
        deed: gets the seconds that are left.
        timeout_s: for everything together.
    """
    deadline = time.monotonic() + timeout_s
    for pause_s in _PAUSES_S:
        try:
            return deed(_left(deadline))
        except Broken as error:
            if error.code != "HAN-A02" or time.monotonic() + pause_s >= deadline:
                raise
        time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
    return deed(_left(deadline))


def check(arm: ResourceManager, record: Record, epoch: int, timeout_s: float) -> str:
    """Compare the record at ARM and at the zone's own name servers with what it should be.

    While ARM refuses or does not answer, nothing is known to be wrong, and no other node could
    write the record either: that is told, and is no failure.

    Raises:
        Broken: HAN-M01, it is missing, holds another address, or no name server answers.
        Refused: HAN-A03, it carries a higher epoch.
    """
    deadline = time.monotonic() + timeout_s
    try:
        seen = arm.request("GET", record.path, _left(deadline))
        servers = _servers(arm, record, _left(deadline))
    except Broken as error:
        return f"{record.full_name} could not be looked at: {error}"
    if _epoch(seen) > epoch > 0:
        raise Refused("HAN-A03", f"{record.full_name} is at epoch {_epoch(seen)}, ours is {epoch}")
    held = _addresses(seen)
    if held != (record.address,):
        found = ", ".join(held) or "nothing"
        raise Broken("HAN-M01", f"{record.full_name} holds {found}, not {record.address}")
    return _resolved(record, servers, deadline)


def _resolved(record: Record, servers: Tuple[str, ...], deadline: float) -> str:
    """Take the word of the first name server that answers."""
    failures: List[str] = []
    for server in servers:
        try:
            answer = dns.addresses(record.full_name, server, _left(deadline) / len(servers))
        except Broken as error:
            failures.append(error.detail)
            continue
        if answer == [record.address]:
            return f"{record.full_name} is {record.address} at {server}"
        found = ", ".join(answer) or "nothing"
        raise Broken("HAN-M01", f"{server} answers {found} for {record.full_name}")
    raise Broken("HAN-M01", f"no name server answers: {'; '.join(failures)}")


def _servers(arm: ResourceManager, record: Record, timeout_s: float) -> Tuple[str, ...]:
    """Return the zone's name servers, as its own record set names them.

    Reading that set needs no right on the rest of the zone.
    """
    if record.visibility == "Private":
        return (AZURE_RESOLVER,)
    version = _API_VERSION[record.visibility]
    apex = arm.request("GET", f"{record.zone_id}/NS/@?api-version={version}", timeout_s)
    names = _properties(apex).get("NSRecords") or []
    return tuple(str(item.get("nsdname")).rstrip(".") for item in names)


def _must_not_be_newer(seen: Answer, epoch: int) -> None:
    if _epoch(seen) > epoch:
        raise Refused("HAN-A03", f"the record is at epoch {_epoch(seen)}, ours is {epoch}")


def _body(
    record: Record, epoch: int, seen: Answer, addresses: Tuple[str, ...]
) -> Mapping[str, Any]:
    """Return the set with these addresses; whatever else marks it, such as its owner, stays."""
    metadata = {**(_properties(seen).get("metadata") or {}), EPOCH: str(epoch)}
    held = [{"ipv4Address": address} for address in addresses]
    if record.visibility == "Private":
        return {"properties": {"ttl": record.ttl_s, "metadata": metadata, "aRecords": held}}
    return {"properties": {"TTL": record.ttl_s, "metadata": metadata, "ARecords": held}}


def _properties(answer: Answer) -> Mapping[str, Any]:
    found = answer.body.get("properties")
    return found if isinstance(found, dict) else {}


def _epoch(answer: Answer) -> int:
    text = str((_properties(answer).get("metadata") or {}).get(EPOCH, "0"))
    return int(text) if text.isdigit() else 0


def _addresses(answer: Answer) -> Tuple[str, ...]:
    properties = _properties(answer)
    held = properties.get("ARecords") or properties.get("aRecords") or []
    return tuple(sorted(str(item.get("ipv4Address")) for item in held))


def _left(deadline: float) -> float:
    return max(0.1, deadline - time.monotonic())
