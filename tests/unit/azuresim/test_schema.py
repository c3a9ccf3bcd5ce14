from typing import Any

import pytest

from azuresim.errors import ArmError
from azuresim.resources.call import Call
from azuresim.resources.children import Children
from azuresim.resources.schema import (
    MISSING,
    Choice,
    Flag,
    Items,
    Number,
    Place,
    Ref,
    Shape,
    Text,
    generated,
    read_only,
    shape,
)
from azuresim.state.database import Database
from azuresim.state.store import Store

NET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/net"


@pytest.fixture
def call(tmp_path: Any) -> Any:
    database = Database(tmp_path)
    store = Store(database, lambda _record: ())
    yield Call(tx=store.transaction(), now=0.0, version="2025-05-01", subscription="s", tenant="t")
    database.close()


def _stored(body: Shape, given: Any, call: Call, kept: Any = MISSING) -> Any:
    return body.settle(given, kept, Place(call, "properties"))


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        (Text(), "a", "a"),
        (Number(), 3, 3),
        (Number(), "3", 3),
        (Flag(), True, True),
        (Flag(), "False", False),
        (Choice(words=("Tcp", "Udp")), "TCP", "Tcp"),
        (Items(of=Text()), ["a"], ["a"]),
        (Ref(), {"id": NET, "properties": {}}, {"id": NET}),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_good_value_is_stored_in_azures_form(
    field: Any, given: Any, stored: Any, call: Call
) -> None:
    assert _stored(shape(a=field), {"A": given}, call) == {"a": stored}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        (Text(), 1),
        (Text(longest=1), "ab"),
        (Number(), True),
        (Number(), 1.5),
        (Number(low=4), 3),
        (Number(), "9" * 40),
        (Flag(), 1),
        (Choice(words=("Tcp",)), "Udp"),
        (Choice(words=("Tcp",)), ["Tcp"]),
        (Items(of=Text()), "a"),
        (Items(of=Text()), [None, 1]),
        (Ref(), "x"),
        (Ref(), {"id": "net"}),
        (Ref(kind="Microsoft.Network/natGateways"), {"id": NET}),
        (Shape(members={}), []),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_bad_value_is_a_400_that_names_the_place(field: Any, given: Any, call: Call) -> None:
    with pytest.raises(ArmError) as caught:
        _stored(shape(a=field), {"a": given}, call)
    assert caught.value.status == 400
    assert "properties.a" in str(caught.value.body())


def test_what_only_the_service_sets_is_made_once_and_kept(call: Call) -> None:
    body = shape(guid=generated(Call.new_guid), state=read_only())
    first = _stored(body, {"guid": "mine", "state": "mine"}, call)
    assert first["guid"] != "mine"
    assert "state" not in first
    assert _stored(body, {"guid": "mine"}, call, kept=first) == first


def test_a_put_brings_back_defaults_and_keeps_what_is_sticky(call: Call) -> None:
    body = shape(minutes=Number(default=4), access=Flag(sticky=True))
    kept = _stored(body, {"minutes": 9, "access": False}, call)
    assert _stored(body, {}, call, kept=kept) == {"minutes": 4, "access": False}


def test_an_immutable_value_may_be_repeated_and_not_changed(call: Call) -> None:
    body = shape(zone=Text(immutable="ZoneChanged"))
    kept = _stored(body, {"zone": "1"}, call)
    assert _stored(body, {"zone": "1"}, call, kept=kept) == kept
    assert _stored(body, {}, call, kept=kept) == kept
    with pytest.raises(ArmError, match="ZoneChanged"):
        _stored(body, {"zone": "2"}, call, kept=kept)


def test_unknown_members_are_dropped_or_refused(call: Call) -> None:
    assert _stored(shape(a=Text()), {"b": 1, "a": "x"}, call) == {"a": "x"}
    call.strict = True
    with pytest.raises(ArmError, match="InvalidRequestFormat"):
        _stored(shape(a=Text()), {"b": 1}, call)


def test_secrets_and_what_is_newer_are_not_shown() -> None:
    body = shape(password=Text(secret=True), new=Text(since="2025-01-01"), old=Text())
    stored = {"password": "p", "new": "n", "old": "o"}
    assert body.show(stored, "2024-01-01") == {"old": "o"}
    assert body.show(stored, "2025-01-01") == {"new": "n", "old": "o"}


def test_children_are_named_once_and_own_their_references(call: Call) -> None:
    children = Children(
        kind="A.B/parents/kids", item=shape(to=Ref(shows="kids")), kept_since="2025-01-01"
    )
    place = Place(call, "kids")
    given = [{"name": "b"}, {"name": "a", "properties": {"to": {"id": NET}}}]
    stored = children.settle(given, MISSING, place)
    assert [item["name"] for item in stored] == ["a", "b"]
    (link,) = children.links(stored, "/parent")
    assert (link.source, link.target) == ("/parent/kids/a", NET.casefold())
    assert children.settle(MISSING, stored, place) == stored
    with pytest.raises(ArmError, match="Cannot parse"):
        children.settle([{"name": "a"}, {"name": "A"}], MISSING, place)


def test_a_null_in_a_list_is_refused(call: Any) -> None:
    body = shape(a=Items(of=shape(b=Text())), c=Items(of=Text()))
    for given in ({"a": [{"b": "x"}, None]}, {"c": [None]}):
        with pytest.raises(ArmError, match="InvalidRequestFormat"):
            _stored(body, given, call)
