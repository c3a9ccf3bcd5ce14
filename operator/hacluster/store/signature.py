"""A user delegation SAS of a container, in the layout of one pinned version of the service.

The library signs in its own newest version only, which neither every cloud nor the emulator has.
The layout is that of sv=2020-12-06 and later ("Create a user delegation SAS",
https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas).
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

from azure.storage.blob import UserDelegationKey

RIGHTS: Final = "rw"
"""Read, and write whole blobs: all that the agent does. It neither lists nor deletes."""


def signature(
    key: UserDelegationKey,
    *,
    account: str,
    container: str,
    since: datetime,
    until: datetime,
    version: str,
) -> str:
    """Return the query string, without its question mark."""
    fields = {
        "sp": RIGHTS,
        "st": _stamp(since),
        "se": _stamp(until),
        "skoid": str(key.signed_oid),
        "sktid": str(key.signed_tid),
        "skt": str(key.signed_start),
        "ske": str(key.signed_expiry),
        "sks": str(key.signed_service),
        "skv": str(key.signed_version),
        "spr": "https",
        "sv": version,
        "sr": "c",
    }
    dates = (fields["sp"], fields["st"], fields["se"], f"/blob/{account}/{container}")
    of_key = tuple(fields[name] for name in ("skoid", "sktid", "skt", "ske", "sks", "skv"))
    # Left empty: three ids of agents, the address; then snapshot, encryption scope, five headers.
    rest = ("", "", "", "", fields["spr"], fields["sv"], fields["sr"], *("",) * 7)
    text = "\n".join((*dates, *of_key, *rest))
    made = hmac.new(base64.b64decode(str(key.value)), text.encode(), hashlib.sha256).digest()
    return urlencode({**fields, "sig": base64.b64encode(made).decode()})


def account_of(url: str) -> str:
    """Return the account of a container's URL: in its host's name, or an emulator's path."""
    parts = urlsplit(url)
    first, _, container = parts.path.strip("/").partition("/")
    return first if container else str(parts.hostname).partition(".")[0]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
