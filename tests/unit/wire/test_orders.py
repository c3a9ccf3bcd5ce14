"""Orders on the wire: what is not wholly understood is refused, or left out of a report."""

from __future__ import annotations

from typing import Any

import pytest

from hacluster_wire.errors import WireError
from hacluster_wire.orders import (
    MAX_ORDERS,
    Order,
    Result,
    content_of,
    parse_orders,
    parse_results,
    plain_results,
)

ORDER = Order("id-1", "Move", "g", "", "n2", 1_800_000_000.5)
PLAIN: dict[str, Any] = content_of([ORDER])["orders"][0]


def test_orders_come_out_as_they_went_in() -> None:
    stop = Order("id-2", "Stop", node="n1", until=1.0)
    assert parse_orders(content_of([ORDER, stop])) == (ORDER, stop)
    assert parse_orders(content_of([])) == ()


@pytest.mark.parametrize(
    "items",
    [
        pytest.param(None, id="no list"),
        pytest.param(["x"], id="no object"),
        pytest.param([{**PLAIN, "id": "a b"}], id="bad id"),
        pytest.param([{**PLAIN, "id": "x" * 65}], id="long id"),
        pytest.param([PLAIN, PLAIN], id="id twice"),
        pytest.param([{**PLAIN, "group": 5}], id="name is no text"),
        pytest.param([{**PLAIN, "node": "n" * 300}], id="long name"),
        pytest.param([{**PLAIN, "until": "soon"}], id="no time"),
        pytest.param([{**PLAIN, "until": float("nan")}], id="not a number"),
        pytest.param([{**PLAIN, "until": True}], id="truth is no time"),
        pytest.param([{**PLAIN, "id": str(n)} for n in range(MAX_ORDERS + 1)], id="too many"),
    ],
)
def test_one_bad_order_spoils_the_document(items: Any) -> None:
    with pytest.raises(WireError) as caught:
        parse_orders({"orders": items})
    assert caught.value.code == "content"


def test_results_are_read_tolerantly() -> None:
    good = Result("id-1", "Succeeded", "done", 5.0)
    bad = [{}, 7, {**plain_results([good])[0], "phase": "Perhaps"}]
    assert parse_results({"orders": [*bad, *plain_results([good])]}) == (good,)
    assert parse_results({}) == ()
