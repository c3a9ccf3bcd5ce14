"""Signed documents that travel through the cluster's store: configuration, orders and status.

A document is two parts in one UTF-8 text: a header line (a JSON object) and, after the
newline, the content (a JSON object, exactly the bytes that were signed):

    {"cluster":"c1","format":"hacluster-config/1","generation":7,"key":"k1","node":"n1","signature":"…"}
    {"…": "…"}

The signature covers every header field and the content, so a document can neither be
passed off as another node's, nor as another kind, nor as another generation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Mapping

from hacluster_wire.errors import WireError

if TYPE_CHECKING:
    from hacluster_wire.keys import KeyRing

CONFIGURATION = "hacluster-config/1"
STATUS = "hacluster-status/1"
ORDERS = "hacluster-orders/1"
MAX_BYTES = 1 << 20  # A configuration of 1 MiB is a mistake or an attack.
_HEADER = frozenset({"cluster", "format", "generation", "key", "node", "signature"})


@dataclass(frozen=True)
class Document:
    """One configuration or a list of orders for a node, or one status from it.

    Attributes:
        format: `CONFIGURATION`, `ORDERS` or `STATUS`.
        cluster: the cluster's id.
        node: the node it is for, or from.
        generation: grows with every change; a reader never goes back.
        content: the JSON object itself.
        key: the id of the key that signed it; only of one that was opened.
    """

    format: str
    cluster: str
    node: str
    generation: int
    content: Mapping[str, Any]
    key: str = field(default="", compare=False)


def seal(document: Document, keys: KeyRing) -> bytes:
    """Return the signed text of a document.

    Raises:
        WireError: the text would exceed `MAX_BYTES`.
    """
    content = json.dumps(document.content, indent=1, sort_keys=True, ensure_ascii=False).encode()
    header: dict[str, Any] = {
        "format": document.format,
        "cluster": document.cluster,
        "node": document.node,
        "generation": document.generation,
        "key": keys.active,
    }
    header["signature"] = keys.sign(_signed(header, content)).hex()
    line = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text = line + b"\n" + content
    if len(text) > MAX_BYTES:
        raise WireError("size", f"a document has at most {MAX_BYTES} bytes")
    return text


def open_sealed(text: bytes, keys: KeyRing, expected: str, cluster: str, node: str) -> Document:
    """Return the document that `text` holds, verified.

    Args:
        text: what was read from the store or the disk.
        keys: the accepted document keys of that node.
        expected: the format the caller wants.
        cluster: the caller's cluster id.
        node: the node the document must be for, or from.

    Raises:
        WireError: with code `size`, `format`, `cluster`, `node`, `signature` or `content`.
    """
    if len(text) > MAX_BYTES:
        raise WireError("size", f"a document has at most {MAX_BYTES} bytes")
    line, newline, content = text.partition(b"\n")
    if not newline:
        raise WireError("format", "the document has no header line")
    header = _header(line)
    for name, want in (("format", expected), ("cluster", cluster), ("node", node)):
        if header[name] != want:
            raise WireError(name, f"the document's {name} is not {want!r}")
    if not keys.verify(header["key"], _signed(header, content), _signature(header)):
        raise WireError("signature", "no accepted key signed the document")
    found = _object(content, "content")
    return Document(expected, cluster, node, header["generation"], found, header["key"])


def claimed_generation(text: bytes) -> int:
    """Return the generation that a document claims to have, whoever wrote it; 0 if it has none.

    Only good for writing a higher one: nothing is verified.
    """
    try:
        return int(_header(text.partition(b"\n")[0])["generation"])
    except WireError:
        return 0


def _header(line: bytes) -> dict[str, Any]:
    header = _object(line, "format")
    if set(header) != _HEADER:
        raise WireError("format", "the document's header has missing or unknown fields")
    generation = header["generation"]
    if type(generation) is not int or not 0 <= generation < 1 << 63:
        raise WireError("format", "the document's generation is not a whole number from 0")
    if not all(isinstance(header[name], str) for name in _HEADER - {"generation"}):
        raise WireError("format", "a field of the document's header is not text")
    return header


def _signature(header: Mapping[str, Any]) -> bytes:
    try:
        return bytes.fromhex(header["signature"])
    except ValueError:
        raise WireError("signature", "the document's signature is not hexadecimal") from None


def _signed(header: Mapping[str, Any], content: bytes) -> bytes:
    names = ("format", "cluster", "node", "generation", "key")
    parts = [str(header[name]).encode() for name in names] + [content]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _object(text: bytes, code: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError(code, f"the document's {code} is not JSON") from None
    if not isinstance(value, dict):
        raise WireError(code, f"the document's {code} is not a JSON object")
    return value
