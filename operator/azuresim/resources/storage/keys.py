"""Keys of a storage account, and the signatures made with them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from azuresim.clock import timestamp
from azuresim.errors import bad_request
from azuresim.resources.call import Call
from azuresim.state.records import Record

NAMES: Final = ("key1", "key2")
SIGNED_VERSION: Final = "2022-11-02"
"""Version of the storage services that signatures are made for."""


def new_key() -> str:
    """Return a key as Azure makes them: 64 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(64)).decode()


def new_keys(call: Call) -> dict[str, dict[str, str]]:
    """Return both keys of a new account."""
    return {name: {"value": new_key(), "created": timestamp(call.now)} for name in NAMES}


def shown(keys: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the answer of listKeys."""
    return {
        "keys": [
            {
                "creationTime": key["created"],
                "keyName": name,
                "value": key["value"],
                "permissions": "FULL",
            }
            for name, key in keys.items()
        ]
    }


def list_keys(_call: Call, record: Record, _child: str, _given: Any) -> dict[str, Any]:
    """Answer listKeys."""
    return shown(record.body()["properties"]["keys"])


def regenerate(call: Call, record: Record, _child: str, given: Any) -> dict[str, Any]:
    """Answer regenerateKey: one key is made anew, the other stays.

    Raises:
        ArmError: If there is no key of that name.
    """
    name = given.get("keyName") if isinstance(given, dict) else None
    if name not in NAMES:
        message = f"Values for request parameters are invalid: keyName. {ascii(name)[:60]}"
        raise bad_request("InvalidValuesForRequestParameters", message)
    body = record.body()
    fresh = {"value": new_key(), "created": timestamp(call.now)}
    body["properties"]["keys"][name] = fresh
    body["properties"]["keyCreationTime"][name] = fresh["created"]
    call.tx.save(record.with_body(body, etag=call.new_guid()))
    return shown(body["properties"]["keys"])


def account_sas(_call: Call, record: Record, _child: str, given: Any) -> dict[str, Any]:
    """Answer ListAccountSas (source of the string that is signed: document)."""
    wish = _wish(given, ("signedServices", "signedResourceTypes", "signedPermission",
                         "signedExpiry"))  # fmt: skip
    fields = (
        record.name,
        wish["signedPermission"],
        wish["signedServices"],
        wish["signedResourceTypes"],
        wish.get("signedStart", ""),
        wish["signedExpiry"],
        wish.get("signedIp", ""),
        wish.get("signedProtocol", ""),
        SIGNED_VERSION,
        "",  # encryption scope
    )
    signature = _sign(record, wish, "".join(f"{field}\n" for field in fields))
    names = (("sv", SIGNED_VERSION), ("ss", wish["signedServices"]),
             ("srt", wish["signedResourceTypes"]), ("sp", wish["signedPermission"]),
             ("st", wish.get("signedStart")), ("se", wish["signedExpiry"]),
             ("sip", wish.get("signedIp")), ("spr", wish.get("signedProtocol")),
             ("sig", signature))  # fmt: skip
    return {"accountSasToken": urlencode([(name, text) for name, text in names if text])}


def service_sas(_call: Call, record: Record, _child: str, given: Any) -> dict[str, Any]:
    """Answer ListServiceSas for blobs and containers (source: document)."""
    wish = _wish(given, ("canonicalizedResource", "signedResource"))
    fields = (
        wish.get("signedPermission", ""),
        wish.get("signedStart", ""),
        wish.get("signedExpiry", ""),
        wish["canonicalizedResource"],
        wish.get("signedIdentifier", ""),
        wish.get("signedIp", ""),
        wish.get("signedProtocol", ""),
        SIGNED_VERSION,
        wish["signedResource"],
        "",  # snapshot
        "",  # encryption scope
        wish.get("rscc", ""),
        wish.get("rscd", ""),
        wish.get("rsce", ""),
        wish.get("rscl", ""),
        wish.get("rsct", ""),
    )
    signature = _sign(record, wish, "\n".join(fields))
    names = (("sv", SIGNED_VERSION), ("sr", wish["signedResource"]),
             ("st", wish.get("signedStart")), ("se", wish.get("signedExpiry")),
             ("sp", wish.get("signedPermission")), ("sip", wish.get("signedIp")),
             ("spr", wish.get("signedProtocol")), ("si", wish.get("signedIdentifier")),
             *((name, wish.get(name)) for name in ("rscc", "rscd", "rsce", "rscl", "rsct")),
             ("sig", signature))  # fmt: skip
    return {"serviceSasToken": urlencode([(name, text) for name, text in names if text])}


def _wish(given: Any, needed: tuple[str, ...]) -> dict[str, str]:
    wish = {name: str(text) for name, text in (given if isinstance(given, dict) else {}).items()}
    missing = [name for name in needed if not wish.get(name)]
    if missing:
        message = f"Values for request parameters are invalid: {', '.join(missing)}."
        raise bad_request("InvalidValuesForRequestParameters", message)
    return wish


def _sign(record: Record, wish: Mapping[str, str], text: str) -> str:
    keys = record.body()["properties"]["keys"]
    key = keys.get(wish.get("keyToSign", NAMES[0]), keys[NAMES[0]])["value"]
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
