"""The records of a set as the wire has them: one line for each type of record."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import dnslib

LONGEST_STRING: Final = 255

Item = Mapping[str, Any]
MAKERS: Final[Mapping[str, Callable[[Item], Any]]] = {
    "A": lambda item: dnslib.A(item["ipv4Address"]),
    "AAAA": lambda item: dnslib.AAAA(item["ipv6Address"]),
    "CAA": lambda item: dnslib.CAA(item["flags"], item["tag"], item["value"]),
    "CNAME": lambda item: dnslib.CNAME(_name(item["cname"])),
    "MX": lambda item: dnslib.MX(_name(item["exchange"]), item["preference"]),
    "NS": lambda item: dnslib.NS(_name(item["nsdname"])),
    "PTR": lambda item: dnslib.PTR(_name(item["ptrdname"])),
    "SRV": lambda item: dnslib.SRV(
        item["priority"], item["weight"], item["port"], _name(item["target"])
    ),
    "TXT": lambda item: dnslib.TXT([part for text in item["value"] for part in _strings(text)]),
}


def made(kind: str, held: Any, minimum: str) -> Iterator[Any]:
    """Yield the records that a set holds; one that is not whole, or no DNS name, is left out.

    Args:
        kind: Type of record, such as `A`.
        held: What the set's property holds: a list, or a single record.
        minimum: What the dialect calls a SOA's minimum time to live.
    """
    for item in held if isinstance(held, list) else [held]:
        try:
            yield _soa(item, minimum) if kind == "SOA" else MAKERS[kind](item)
        except (KeyError, TypeError, ValueError, dnslib.DNSError):
            continue


def _soa(item: Item, minimum: str) -> Any:
    names = ("serialNumber", "refreshTime", "retryTime", "expireTime", minimum)
    return dnslib.SOA(item["host"], item["email"], [int(item[name]) for name in names])


def _name(text: str) -> str:
    if not text:
        raise ValueError("an empty name")
    return text


def _strings(text: str) -> Iterator[bytes]:
    """Yield a text in pieces that fit into a TXT record."""
    raw = text.encode()
    for at in range(0, max(len(raw), 1), LONGEST_STRING):
        yield raw[at : at + LONGEST_STRING]
