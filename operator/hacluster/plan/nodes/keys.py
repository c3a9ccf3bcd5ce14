"""Master keys in their Secret, and how they are changed without an interruption.

| step | when |
|---|---|
| accept a new key | it is asked for by annotation, or the only key is old |
| let it sign | every node says that it accepts it |
| drop the old one | every node signs with the new one, and runs a configuration signed with it |

Each step is one write of the Secret, from what the nodes say and from nothing remembered. A node
that says nothing stops the rotation where it is, and nothing is lost by that: both keys are good.
With a new key come a new SAS and a new token, for whoever asks for it may have lost them too.
"""

import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from hacluster.model.keys import KEY_BYTES, MOST, ApiToken, MasterKey, MasterKeys, Sas
from hacluster_wire.keys import KeyRing, derive

ROTATE_AFTER: Final = timedelta(days=90)
"""How old the key that signs may become before another one takes its place."""
SAS_LASTS: Final = timedelta(days=6)
"""How long a SAS is good. Azure signs none for more than 7 days; the rest is for clocks."""
RENEW_SAS_AFTER: Final = timedelta(days=2)
"""How old a SAS may become before the next one is made: four days before the old one's end."""
TOKEN_LASTS: Final = timedelta(days=7)
"""What is asked for; an API server may give less."""
SAS_OVERDUE_AFTER: Final = timedelta(days=3)
"""How old a SAS is when something keeps it from being renewed, and a person has to know."""
ACTIVE: Final = "active"
ASKED: Final = "asked"
_KEY: Final = "key."
_MADE: Final = "made."
_SAS: Final = "sas"
_SAS_OF: Final = ("sas.container", "sas.made", "sas.until")
_TOKEN: Final = "token"  # noqa: S105 - a name
_TOKEN_OF: Final = ("token.account", "token.made", "token.until")


class KeysInvalidError(Exception):
    """The Secret does not hold what it must; the text says which key, and no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What one node is known to do about keys."""

    accepts: frozenset[str]
    signs_with: str
    """The id of the key that its report was signed with."""
    runs_signed_with: str
    """The id of the key that signed the configuration it runs; empty if that is not known."""


def first(value: bytes, now: datetime, asked: str = "") -> MasterKeys:
    """Return the keys of a new cluster."""
    return MasterKeys(keys=(MasterKey(id="k1", made=now, value=value),), active="k1", asked=asked)


def next_step(
    keys: MasterKeys, nodes: Iterable[Confirmed | None], now: datetime, asked: str, value: bytes
) -> MasterKeys | None:
    """Return the keys after the next step of a rotation, or None where there is nothing to do.

    Args:
        keys: As they are.
        nodes: What each declared node has confirmed; None for one that said nothing fresh.
        now: The wall clock.
        asked: The annotation's value, empty where there is none.
        value: Random bytes, used if a key is added.
    """
    known = tuple(nodes)
    newest = keys.keys[-1]
    if newest.id != keys.active:
        ready = all(one is not None and newest.id in one.accepts for one in known)
        return replace(keys, active=newest.id) if ready else None
    if len(keys.keys) > 1:
        done = all(
            one is not None and one.signs_with == one.runs_signed_with == keys.active
            for one in known
        )
        return replace(keys, keys=(newest,)) if done else None
    if (asked and asked != keys.asked) or is_aged(keys, now):
        added = MasterKey(id=_following(newest.id), made=now, value=value)
        return replace(keys, keys=(newest, added), asked=asked or keys.asked, sas=None, token=None)
    return None


def is_aged(keys: MasterKeys, now: datetime) -> bool:
    """Say whether the newest key is so old that another one is due."""
    return now - keys.keys[-1].made >= ROTATE_AFTER


def with_sas(keys: MasterKeys, sas: Sas | None) -> MasterKeys:
    """Return the keys with another SAS, or without one."""
    return replace(keys, sas=sas)


def sas_is_due(keys: MasterKeys, container: str, now: datetime) -> bool:
    """Say whether the nodes are to get a SAS: there is none for the container, or an old one."""
    sas = keys.sas
    return sas is None or sas.container != container or now - sas.made >= RENEW_SAS_AFTER


def sas_is_overdue(keys: MasterKeys, now: datetime) -> bool:
    """Say whether a SAS should long have been replaced."""
    return keys.sas is not None and now - keys.sas.made >= SAS_OVERDUE_AFTER


def with_token(keys: MasterKeys, token: ApiToken | None) -> MasterKeys:
    """Return the keys with another token, or without one."""
    return replace(keys, token=token)


def token_is_due(keys: MasterKeys, account: str, now: datetime) -> bool:
    """Say whether the nodes are to get a token: they have none, or a third of its time is over."""
    token = keys.token
    if token is None or token.account != account:
        return True
    return now - token.made >= (token.until - token.made) / 3


def token_is_overdue(keys: MasterKeys, now: datetime) -> bool:
    """Say whether a token should long have been replaced: half of its time is over."""
    token = keys.token
    return token is not None and now - token.made >= (token.until - token.made) / 2


def document_ring(keys: MasterKeys, node: str) -> KeyRing:
    """Return the keys for the documents of one node."""
    derived = {key: derive(value, "document", node) for key, value in keys.masters.items()}
    return KeyRing(keys=derived, active=keys.active)


def fingerprint(keys: MasterKeys) -> str:
    """Return what tells two sets of keys apart, and nothing about the keys."""
    marks = [keys.active]
    for key, value in sorted(keys.masters.items()):
        mark = hmac.new(value, b"hacluster/1\0fingerprint", hashlib.sha256).hexdigest()
        marks.append(f"{key}={mark}")
    if keys.sas is not None:
        marks.append(f"{_SAS}={hashlib.sha256(keys.sas.text.encode()).hexdigest()}")
    if keys.token is not None:
        marks.append(f"{_TOKEN}={hashlib.sha256(keys.token.text.encode()).hexdigest()}")
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]


def to_data(keys: MasterKeys) -> dict[str, bytes]:
    """Return what the Secret holds."""
    data = {ACTIVE: keys.active.encode(), ASKED: keys.asked.encode()}
    for one in keys.keys:
        data[f"{_KEY}{one.id}"] = one.value
        data[f"{_MADE}{one.id}"] = one.made.isoformat().encode()
    if (sas := keys.sas) is not None:
        told = (sas.container, sas.made.isoformat(), sas.until.isoformat())
        data |= {name: value.encode() for name, value in zip(_SAS_OF, told, strict=True)}
        data[_SAS] = sas.text.encode()
    if (token := keys.token) is not None:
        told = (token.account, token.made.isoformat(), token.until.isoformat())
        data |= {name: value.encode() for name, value in zip(_TOKEN_OF, told, strict=True)}
        data[_TOKEN] = token.text.encode()
    return data


def from_data(data: Mapping[str, bytes]) -> MasterKeys:
    """Return the keys that the Secret holds.

    Raises:
        KeysInvalidError: it does not hold what `to_data` makes.
    """
    names = [name.removeprefix(_KEY) for name in data if name.startswith(_KEY)]
    try:
        active, asked = data[ACTIVE].decode(), data.get(ASKED, b"").decode()
        keys = tuple(
            MasterKey(
                id=name,
                made=datetime.fromisoformat(data[f"{_MADE}{name}"].decode()),
                value=data[f"{_KEY}{name}"],
            )
            for name in sorted(names, key=_number)
        )
        sas, token = _sas(data), _token(data)
    except (KeyError, ValueError, binascii.Error):
        raise KeysInvalidError("a value is missing or is not what we wrote") from None
    if not 1 <= len(keys) <= MOST or active not in names:
        raise KeysInvalidError(f"it holds {len(keys)} master keys, and {ACTIVE} names none of them")
    if any(len(one.value) != KEY_BYTES or one.made.tzinfo is None for one in keys):
        raise KeysInvalidError(f"a master key is not {KEY_BYTES} bytes long, or has no date")
    return MasterKeys(keys=keys, active=active, asked=asked, sas=sas, token=token)


def _sas(data: Mapping[str, bytes]) -> Sas | None:
    """Return the SAS that a Secret holds.

    Raises:
        KeyError: a part of it is missing.
        ValueError: a part of it is not what we wrote.
    """
    if _SAS not in data:
        return None
    container, made, until = _bounded(data, _SAS_OF)
    return Sas(container=container, made=made, until=until, text=data[_SAS].decode())


def _token(data: Mapping[str, bytes]) -> ApiToken | None:
    """Return the token that a Secret holds; raises as `_sas`."""
    if _TOKEN not in data:
        return None
    account, made, until = _bounded(data, _TOKEN_OF)
    return ApiToken(account=account, made=made, until=until, text=data[_TOKEN].decode())


def _bounded(data: Mapping[str, bytes], names: tuple[str, ...]) -> tuple[str, datetime, datetime]:
    what, made, until = (data[name].decode() for name in names)
    dates = datetime.fromisoformat(made), datetime.fromisoformat(until)
    if any(one.tzinfo is None for one in dates):
        raise ValueError(names[1])
    return what, *dates


def _following(name: str) -> str:
    return f"k{_number(name) + 1}"


def _number(name: str) -> int:
    """Return the number of a key's id.

    Raises:
        ValueError: it is not one of ours.
    """
    if not name.startswith("k"):
        raise ValueError(name)
    return int(name[1:])
