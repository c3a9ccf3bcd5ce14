"""Master keys: how they change, and what is refused in their Secret."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hacluster.model.keys import ApiToken, MasterKeys, Sas
from hacluster.plan.nodes import keys
from hacluster.plan.nodes.keys import Confirmed, KeysInvalidError, next_step

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = keys.first(b"1" * 32, NOW)
NEW = b"2" * 32


def step(
    held: MasterKeys, *nodes: Confirmed | None, asked: str = "", now: datetime = NOW
) -> MasterKeys | None:
    return next_step(held, nodes, now, asked, NEW)


def node(accepts: str, signs: str, runs: str) -> Confirmed:
    return Confirmed(accepts=frozenset(accepts.split()), signs_with=signs, runs_signed_with=runs)


def test_at_rest_nothing_is_done() -> None:
    assert step(FIRST, node("k1", "k1", "k1")) is None
    assert step(FIRST, None, now=NOW + keys.ROTATE_AFTER - timedelta(days=1)) is None


def test_a_rotation_goes_step_by_step_as_the_nodes_confirm() -> None:
    accepting = step(FIRST, None, asked="please")
    assert accepting is not None
    assert (accepting.ids, accepting.active, accepting.asked) == (("k1", "k2"), "k1", "please")
    assert accepting.keys[1].value == NEW
    old, both = node("k1", "k1", "k1"), node("k1 k2", "k1", "k1")
    for waiting in ((both, old), (both, None)):
        assert step(accepting, *waiting, asked="please") is None
    signing = step(accepting, both, both, asked="please")
    assert signing is not None
    assert (signing.ids, signing.active) == (("k1", "k2"), "k2")
    done = node("k1 k2", "k2", "k2")
    for late in (both, None, node("k1 k2", "k2", "k1"), node("k1 k2", "k2", "")):
        assert step(signing, done, late, asked="please") is None
    end = step(signing, done, done, asked="please")
    assert end is not None
    assert (end.ids, end.active) == (("k2",), "k2")
    assert step(end, done, done, asked="please") is None
    again = step(end, done, asked="once more")
    assert again is not None
    assert again.ids == ("k2", "k3")


def test_an_old_key_is_replaced_by_itself() -> None:
    aged = step(FIRST, None, now=NOW + keys.ROTATE_AFTER)
    assert aged is not None
    assert aged.ids == ("k1", "k2")


def test_what_is_kept_is_read_again() -> None:
    held = step(FIRST, None, asked="x")
    assert held is not None
    assert keys.from_data(keys.to_data(held)) == held


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key.k1", None),
        ("key.k1", b"short"),
        ("made.k1", None),
        ("made.k1", b"yesterday"),
        ("made.k1", b"2026-01-01T00:00:00"),
        ("active", None),
        ("active", b"k9"),
        ("key.other", b"1" * 32),
    ],
)
def test_a_secret_that_is_not_ours_is_refused_without_its_values(
    name: str, value: bytes | None
) -> None:
    data = keys.to_data(FIRST) | ({} if value is None else {name: value})
    if value is None:
        del data[name]
    with pytest.raises(KeysInvalidError) as caught:
        keys.from_data(data)
    assert "1111" not in str(caught.value)


def test_keys_are_in_no_repr_and_in_no_fingerprint() -> None:
    assert "1111" not in repr(FIRST)
    other = replace(FIRST, keys=(replace(FIRST.keys[0], value=NEW),))
    assert keys.fingerprint(FIRST) != keys.fingerprint(other)
    assert keys.fingerprint(FIRST) == keys.fingerprint(keys.from_data(keys.to_data(FIRST)))


def sas(made: datetime = NOW, text: str = "sp=rw&sig=hunter2") -> Sas:
    return Sas(container="https://x/box", made=made, until=made + keys.SAS_LASTS, text=text)


def test_a_sas_is_kept_beside_the_keys_and_tells_nothing() -> None:
    held = keys.with_sas(FIRST, sas())
    assert keys.from_data(keys.to_data(held)) == held
    assert keys.from_data(keys.to_data(FIRST)).sas is None
    assert "hunter2" not in repr(held)
    marks = {keys.fingerprint(one) for one in (FIRST, held, keys.with_sas(FIRST, sas(text="y")))}
    assert len(marks) == 3


@pytest.mark.parametrize("name", ["sas.container", "sas.made", "sas.until"])
def test_half_a_sas_is_refused(name: str) -> None:
    data = dict(keys.to_data(keys.with_sas(FIRST, sas())))
    del data[name]
    with pytest.raises(KeysInvalidError):
        keys.from_data(data)
    with pytest.raises(KeysInvalidError):
        keys.from_data({**data, name: b"yesterday" if name != "sas.container" else b"\xff"})


def test_a_sas_is_due_long_before_its_end() -> None:
    held = keys.with_sas(FIRST, sas())
    assert keys.sas_is_due(FIRST, "https://x/box", NOW)
    assert keys.sas_is_due(held, "https://x/another", NOW)
    assert not keys.sas_is_due(held, "https://x/box", NOW + timedelta(days=1, hours=23))
    assert keys.sas_is_due(held, "https://x/box", NOW + timedelta(days=2))
    assert not keys.sas_is_overdue(held, NOW + timedelta(days=2))
    assert keys.sas_is_overdue(held, NOW + timedelta(days=3))
    azure_signs_at_most = timedelta(days=7)
    assert keys.RENEW_SAS_AFTER < keys.SAS_OVERDUE_AFTER < keys.SAS_LASTS < azure_signs_at_most


def test_with_a_new_key_comes_a_new_sas() -> None:
    accepting = step(keys.with_sas(FIRST, sas()), asked="lost")
    assert accepting is not None
    assert keys.sas_is_due(accepting, "https://x/box", NOW)


def test_a_token_is_kept_beside_the_keys_and_due_after_a_third_of_its_time() -> None:
    hour = timedelta(hours=1)
    token = ApiToken(account="web", made=NOW, until=NOW + 3 * hour, text="hunter2")
    held = keys.with_token(FIRST, token)
    assert keys.from_data(keys.to_data(held)) == held
    assert keys.fingerprint(held) != keys.fingerprint(FIRST)
    assert "hunter2" not in repr(held)
    assert not keys.token_is_due(held, "web", NOW + hour / 2)
    assert keys.token_is_due(held, "web", NOW + hour)
    assert not keys.token_is_overdue(held, NOW + hour)
    assert keys.token_is_overdue(held, NOW + 1.5 * hour)
    assert not keys.token_is_overdue(FIRST, NOW + 9 * hour)
    assert keys.token_is_due(held, "other", NOW)
    assert keys.token_is_due(FIRST, "web", NOW)
    accepting = step(held, asked="lost")
    assert accepting is not None
    assert accepting.token is None
    with pytest.raises(KeysInvalidError):
        keys.from_data({**keys.to_data(held), "token.until": b"soon"})
