"""What counts as a difference, and what is sent to end it."""

from typing import Any

import pytest

from hacluster.model.ids import ArmId
from hacluster.plan.diff import ABSENT, differences, is_at, overlay, without_none
from hacluster.plan.steps import Change, Pending

ID = "/subscriptions/s/resourceGroups/G/providers/Microsoft.Network/subnets/one"


def nobody(_: str) -> bool:
    return False


def mine(item: str) -> bool:
    return item.endswith("/mine")


SAME: list[tuple[str, Any, Any]] = [
    ("what Azure adds", {"a": 1}, {"a": 1, "etag": "x", "provisioningState": "Succeeded"}),
    ("letter case of an id", {"id": ID}, {"id": ID.upper()}),
    ("letter case of a mapping's id", {"map": {ID: {}}}, {"map": {ID.upper(): {"clientId": "c"}}}),
    ("order of words", {"zones": ["1", "2"]}, {"zones": ["2", "1"]}),
    ("order of named items", [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]),
    ("order of references", [{"id": ID}, {"id": f"{ID}2"}], [{"id": f"{ID}2".upper()}, {"id": ID}]),
    ("a foreign named item", [{"name": "a"}], [{"name": "a"}, {"name": "b", "id": "/x/theirs"}]),
    ("a foreign reference", [], [{"id": "/x/theirs"}]),
    ("the spelling of a region", {"location": "japaneast"}, {"location": "Japan East"}),
    ("nothing and an empty list", {"a": []}, {}),
    ("nothing and null", {"a": None}, {"a": None}),
    ("nothing and absence", {"a": None}, {}),
    ("a value not known yet", {"a": Pending(ArmId("/x"), "p")}, {"a": "anything"}),
    (
        "rows",
        {"p": [{"actions": ["a", "b"]}]},
        {"p": [{"actions": ["b", "a"]}]},
    ),
    ("1 and 1.0", {"a": 1}, {"a": 1.0}),
]


@pytest.mark.parametrize(("want", "have"), [one[1:] for one in SAME], ids=[one[0] for one in SAME])
def test_it_is_no_difference(want: Any, have: Any) -> None:
    assert list(differences(want, have, nobody)) == []


DIFFERENT: list[tuple[str, Any, Any, Change]] = [
    ("a value", {"a": {"b": 1}}, {"a": {"b": 2}}, Change("a.b", 1, 2)),
    ("a missing value", {"a": 1}, {}, Change("a", 1, ABSENT)),
    ("a missing item", {"l": [{"name": "a"}]}, {"l": []}, Change("l[a]", {"name": "a"}, ABSENT)),
    ("a value in an item", [{"name": "a", "v": 1}], [{"name": "A", "v": 2}], Change("[a].v", 1, 2)),
    ("other words", {"zones": ["1"]}, {"zones": ["1", "2"]}, Change("zones", ["1"], ["1", "2"])),
    ("something to be gone", {"a": None}, {"a": {"id": "x"}}, Change("a", None, {"id": "x"})),
    ("words to be gone", {"a": []}, {"a": ["x"]}, Change("a", [], ["x"])),
    ("letter case of a path", {"at": "/Up"}, {"at": "/up"}, Change("at", "/Up", "/up")),
    ("more rows", {"p": [{"a": 1}]}, {"p": []}, Change("p", [{"a": 1}], [])),
    ("a row", {"p": [{"a": 1}]}, {"p": [{"a": 2}]}, Change("p[0].a", 1, 2)),
    ("another kind of value", {"a": {"b": 1}}, {"a": "text"}, Change("a", {"b": 1}, "text")),
    ("true and 1 as text", {"a": True}, {"a": "true"}, Change("a", True, "true")),
]


@pytest.mark.parametrize(
    ("want", "have", "change"), [one[1:] for one in DIFFERENT], ids=[one[0] for one in DIFFERENT]
)
def test_it_is_a_difference(want: Any, have: Any, change: Change) -> None:
    assert list(differences(want, have, nobody)) == [change]


def test_an_item_of_ours_that_is_no_longer_wanted_is_a_difference() -> None:
    item = {"name": "old", "id": "/x/mine"}
    assert list(differences([], [item], mine)) == [Change("[old]", ABSENT, item)]


def test_an_attached_disk_is_known_by_its_own_id() -> None:
    disk = {"name": "data", "managedDisk": {"id": "/x/mine"}}
    assert list(differences({"d": []}, {"d": [disk]}, mine)) == [Change("d[data]", ABSENT, disk)]


def test_overlay_keeps_what_is_not_stated_and_drops_what_only_azure_sets() -> None:
    have = {"a": 1, "keep": {"deep": 2}, "etag": "e", "type": "Microsoft.Network/x"}
    assert overlay({"a": 3}, have, nobody) == {"a": 3, "keep": {"deep": 2}}


def test_overlay_keeps_an_identitys_type() -> None:
    have = {"identity": {"type": "UserAssigned"}}
    assert overlay({}, have, nobody) == have


def test_overlay_keeps_foreign_items_and_drops_ours() -> None:
    have = [
        {"name": "want", "v": 1, "more": True, "etag": "e"},
        {"name": "theirs", "id": "/x/theirs", "etag": "e"},
        {"name": "old", "id": "/x/mine"},
    ]
    assert overlay([{"name": "want", "v": 2}, {"name": "new"}], have, mine) == [
        {"name": "want", "v": 2, "more": True},
        {"name": "new"},
        {"name": "theirs", "id": "/x/theirs"},
    ]


def test_overlay_leaves_kept_paths_as_azure_has_them() -> None:
    have = {"zones": ["1"], "rules": [{"name": "r", "floating": True, "port": 1}]}
    want = {"zones": ["2"], "size": 1, "rules": [{"name": "r", "floating": False, "port": 2}]}
    assert overlay(want, have, nobody, {"zones", "rules[].floating", "gone"}) == {
        "zones": ["1"],
        "size": 1,
        "rules": [{"name": "r", "floating": True, "port": 2}],
    }
    assert overlay({"zones": ["2"]}, {}, nobody, {"zones"}) == {}


def test_overlay_replaces_a_key_that_is_an_id_in_another_case() -> None:
    assert overlay({ID: {}}, {ID.upper(): {"kept": "c"}}, nobody) == {ID: {"kept": "c"}}


def test_overlay_takes_away_what_must_be_gone() -> None:
    assert without_none(overlay({"a": None, "l": [{"x": None}]}, {"a": 1}, nobody)) == {"l": [{}]}


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("properties.rules[a.b].name", "properties.rules[].name", True),
        ("properties.rules[a[0]].name", "properties.rules[].name", True),
        ("properties.osDisk.size", "properties.osDisk", True),
        ("properties.osDiskSize", "properties.osDisk", False),
        ("properties.rules[x]", "properties.rules", True),
        ("properties", "properties.rules", False),
    ],
)
def test_patterns_name_a_place_and_all_below(path: str, pattern: str, *, expected: bool) -> None:
    assert is_at(path, {pattern}) is expected


def test_nothing_shows_itself_as_such() -> None:
    assert repr(ABSENT) == "(absent)"
