"""Template expressions mean what ARM's documents say, and no text breaks their reader."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azuresim.errors import ArmError
from azuresim.resources.expressions import concat, evaluate, resource_id

FUNCTIONS = {
    "concat": concat,
    "parameters": lambda name: {"n": "net", "list": ["a", "b"], "o": {"Key": {"x": 1}}}[name],
    "resourceid": lambda *words: resource_id("/g", *words),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("[[literal]", "[literal]"),
        ("[parameters('n')]", "net"),
        ("[ concat( 'a', parameters('n'), '-', 7 ) ]", "anet-7"),
        ("[concat('it''s', '')]", "it's"),
        ("[parameters('list')[1]]", "b"),
        ("[parameters('o').key['X']]", 1),
        ("[CONCAT(parameters('list'), parameters('list'))]", ["a", "b", "a", "b"]),
        ("[resourceId('N.S/as/bs', 'x', 'y')]", "/g/providers/N.S/as/x/bs/y"),
        ({"a": ["[parameters('n')]"]}, {"a": ["net"]}),
        (5, 5),
    ],
)
def test_an_expression_means(text: Any, value: Any) -> None:
    assert evaluate(text, FUNCTIONS) == value


@pytest.mark.parametrize(
    "text",
    ["[no()]", "[concat(]", "[concat('a']", "['a' 'b']", "[parameters('z')]", "[concat]", "[]",
     "[parameters('list')[9]]", "[resourceId('A.B/c')]", "[" + "concat(" * 99 + ")" * 99 + "]",
     "[parameters()]", "[parameters(parameters('list'))]", "['a'.b]"],
)  # fmt: skip
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ArmError, match="InvalidTemplate"):
        evaluate(text, FUNCTIONS)


@given(text=st.text("concatpmers()[]'., 019n-{}", max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(ArmError):
        evaluate(f"[{text}]", FUNCTIONS)
