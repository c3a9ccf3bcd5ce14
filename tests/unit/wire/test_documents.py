"""Signed documents: nothing but the right document, for the right node, is believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hacluster_wire.documents import CONFIGURATION, STATUS, Document, open_sealed, seal
from hacluster_wire.errors import WireError
from hacluster_wire.keys import KeyRing, Secret

KEYS = KeyRing(keys={"k1": Secret(b"1" * 32)}, active="k1")
DOCUMENT = Document(CONFIGURATION, "c1", "n1", 7, {"groups": [{"name": "größe"}]})


def opened(text: bytes, expected: str = CONFIGURATION, node: str = "n1") -> Document:
    return open_sealed(text, KEYS, expected, "c1", node)


def code(text: bytes, expected: str = CONFIGURATION, node: str = "n1") -> str:
    with pytest.raises(WireError) as caught:
        opened(text, expected, node)
    return caught.value.code


def test_what_is_sealed_opens() -> None:
    assert opened(seal(DOCUMENT, KEYS)) == DOCUMENT


def test_a_document_is_not_passed_off_as_another() -> None:
    text = seal(DOCUMENT, KEYS)
    assert code(text, STATUS) == "format"
    assert code(text, node="n2") == "node"
    assert code(seal(replace(DOCUMENT, cluster="c2"), KEYS)) == "cluster"
    assert code(text.replace(b'"node":"n1"', b'"node":"n2"'), node="n2") == "signature"
    assert code(text.replace(b'"generation":7', b'"generation":8')) == "signature"


def test_each_changed_byte_is_refused() -> None:
    text = seal(DOCUMENT, KEYS)
    for at in range(len(text)):
        code(text[:at] + bytes((text[at] ^ 1,)) + text[at + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="no content"),
        pytest.param(b"[]\n{}", id="header not an object"),
        pytest.param(b"{}\n{}", id="header without fields"),
        pytest.param(b"[" * 100_000 + b"\n{}", id="deep"),
        pytest.param(b"x" * (1 << 20) + b"\n", id="too long"),
    ],
)
def test_what_is_not_a_document_is_refused(text: bytes) -> None:
    code(text)


@pytest.mark.parametrize("generation", [-1, 1.5, True, "7", 1 << 63, None])
def test_a_generation_is_a_whole_number(generation: object) -> None:
    text = seal(replace(DOCUMENT, generation=generation), KEYS)  # type: ignore[arg-type] # on purpose
    assert code(text) == "format"


def test_an_oversized_document_is_not_made() -> None:
    with pytest.raises(WireError, match="at most"):
        seal(replace(DOCUMENT, content={"x": "y" * (1 << 20)}), KEYS)
