"""Storage accounts: names that are one in the world, keys, endpoints."""

import re
from typing import Any, Final

import orjson

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.errors import ArmError, bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.clouds import cloud_of
from azuresim.resources.contract import (
    Action,
    Fact,
    Reply,
    ResourceType,
    Source,
    Style,
)
from azuresim.resources.identities.assigned import Identity
from azuresim.resources.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Shape,
    Text,
    generated,
    read_only,
    shape,
)
from azuresim.resources.storage import keys
from azuresim.resources.storage.habits import STORAGE
from azuresim.resources.subscriptions import Route, Scene
from azuresim.state.records import Record

KIND: Final = "Microsoft.Storage/storageAccounts"
NAME: Final = re.compile(r"[a-z0-9]{3,24}")
SKUS: Final = (
    "Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Premium_LRS",
    "Premium_ZRS", "Standard_GZRS", "Standard_RAGZRS",
)  # fmt: skip
KINDS: Final = ("Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage")
SERVICES: Final = ("dfs", "web", "blob", "queue", "table", "file")
ZONE_OF_WEB: Final = "z13"
NO_TLS_SINCE: Final = "2023-01-01"
"""From this api-version on accounts want TLS 1.2 and no public blobs by default (assumed)."""


def _services(call: Call) -> dict[str, Any]:
    enabled = {"keyType": "Account", "enabled": True, "lastEnabledTime": timestamp(call.now)}
    return {"services": {"file": enabled, "blob": enabled}, "keySource": "Microsoft.Storage"}


PROPERTIES: Final = shape(
    dnsEndpointType=Choice(words=("Standard", "AzureDnsZone"), sticky=True),
    defaultToOAuthAuthentication=Flag(sticky=True),
    publicNetworkAccess=Choice(words=("Enabled", "Disabled", "SecuredByPerimeter"), sticky=True),
    keyCreationTime=read_only(),
    allowCrossTenantReplication=Flag(sticky=True, default=False),
    privateEndpointConnections=read_only([]),
    isSftpEnabled=Flag(sticky=True),
    isLocalUserEnabled=Flag(sticky=True),
    isNfsV3Enabled=Flag(immutable="InvalidRequestPropertyValue"),
    isHnsEnabled=Flag(immutable="InvalidRequestPropertyValue"),
    minimumTlsVersion=Choice(words=("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"), sticky=True),
    allowBlobPublicAccess=Flag(sticky=True),
    allowSharedKeyAccess=Flag(sticky=True),
    allowedCopyScope=Text(sticky=True),
    largeFileSharesState=Choice(words=("Enabled", "Disabled"), sticky=True),
    networkAcls=Shape(
        members={
            "bypass": Text(default="AzureServices"),
            "virtualNetworkRules": Items(of=Anything(), default=[]),
            "ipRules": Items(of=Anything(), default=[]),
            "defaultAction": Choice(words=("Allow", "Deny"), default="Allow"),
        },
        sticky=True,
    ),
    supportsHttpsTrafficOnly=Flag(sticky=True, default=True),
    encryption=generated(_services),
    accessTier=Choice(words=("Hot", "Cool", "Cold", "Premium"), sticky=True, default="Hot"),
    azureFilesIdentityBasedAuthentication=Anything(sticky=True),
    customDomain=Anything(sticky=True),
    keyPolicy=Anything(sticky=True),
    sasPolicy=Anything(sticky=True),
    routingPreference=Anything(sticky=True),
    immutableStorageWithVersioning=Anything(sticky=True),
    creationTime=generated(lambda call: timestamp(call.now)),
    primaryEndpoints=read_only(),
    primaryLocation=read_only(),
    statusOfPrimary=read_only("available"),
    keys=Anything(read_only=True, secret=True, default=keys.new_keys),
)


def _check(call: Call, draft: Draft) -> None:
    name = ids.name_of(draft.id)
    if draft.before is None:
        _check_name(call, name)
        _make(call, draft, name)
    elif draft.before["kind"] != draft.body["kind"]:
        _check_kind(draft.before["kind"], draft.body["kind"])
    draft.body.setdefault("tags", {})  # always shown (source: recording)
    draft.body["sku"]["tier"] = draft.body["sku"]["name"].split("_")[0]


def _check_name(call: Call, name: str) -> None:
    if not NAME.fullmatch(name):
        raise bad_request("AccountNameInvalid", _bad_name(name))
    if taken(call, name):
        message = f"The account {name} is already in another resource group in this subscription."
        raise ArmError(409, "StorageAccountInAnotherResourceGroup", message)


def _bad_name(name: str) -> str:
    return (
        f"{ascii(name)[1:81]} is not a valid storage account name. Storage account name must be "
        "between 3 and 24 characters in length and use numbers and lower-case letters only."
    )


def taken(call: Call, name: str) -> bool:
    """Whether there is an account of a name, in any group."""
    container = f"/subscriptions/{call.subscription}".casefold()
    folded = name.casefold()
    members = call.tx.members(container, KIND.casefold())
    return any(record.name.casefold() == folded for record in members)


def _make(call: Call, draft: Draft, name: str) -> None:
    """Fill in what follows from name and place, and make the blob service."""
    properties = draft.properties
    is_strict = call.version >= NO_TLS_SINCE
    properties.setdefault("minimumTlsVersion", "TLS1_2" if is_strict else "TLS1_0")
    properties.setdefault("allowBlobPublicAccess", not is_strict)
    created = {key: value["created"] for key, value in properties["keys"].items()}
    properties["keyCreationTime"] = created
    suffix = cloud_of(draft.body["location"]).storage
    properties["primaryEndpoints"] = {
        service: f"https://{name}.{_host(service)}.{suffix}/" for service in SERVICES
    }
    properties["primaryLocation"] = draft.body["location"]
    service = Record(
        id=f"{draft.id}/blobServices/default",
        kind=f"{KIND}/blobServices".casefold(),
        etag=call.new_guid(),
        data=orjson.dumps(
            {"properties": {"cors": {"corsRules": []}, "deleteRetentionPolicy": NO_RETENTION}}
        ),
    )
    call.tx.save(service)


NO_RETENTION: Final = {"allowPermanentDelete": False, "enabled": False}


def _host(service: str) -> str:
    return f"{ZONE_OF_WEB}.web" if service == "web" else service


def _check_kind(old: str, new: str) -> None:
    if (old, new) not in {("Storage", "StorageV2"), ("BlobStorage", "StorageV2")}:
        message = (
            f"The property 'kind' was specified in the input, but it cannot be updated: {new}."
        )
        raise bad_request("PropertyCannotBeUpdated", message)


def _available(scene: Scene) -> dict[str, Any]:
    name = scene.body.get("name") if isinstance(scene.body, dict) else None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return {
            "nameAvailable": False,
            "reason": "AccountNameInvalid",
            "message": _bad_name(str(name)),
        }
    if taken(scene.call, name):
        message = f"The storage account named {name} is already taken."
        return {"nameAvailable": False, "reason": "AlreadyExists", "message": message}
    return {"nameAvailable": True}


DONE: Final = Reply(status=200)

TYPE: Final = ResourceType(
    kind=KIND,
    family=STORAGE,
    versions=versions.STORAGE,
    properties=PROPERTIES,
    beside=shape(
        sku=Shape(
            members={"name": Choice(words=SKUS, required=True), "tier": read_only()}, required=True
        ),
        kind=Choice(words=KINDS, required=True),
        identity=Identity(),
        extendedLocation=Anything(sticky=True),
        zones=Items(of=Text(), sticky=True),
    ),
    create=Reply(status=202, style=Style.LOCATION, silent=True),
    update=Reply(status=200, duration="at once"),
    patched=Reply(status=200, duration="at once"),
    delete=Reply(status=200, duration="at once"),
    creating="Creating",
    duration="storage account",
    patch="merge",
    name_pattern=".*",
    check=_check,
    actions={
        "listKeys": Action(run=keys.list_keys, reply=DONE),
        "regenerateKey": Action(run=keys.regenerate, reply=DONE),
        "ListAccountSas": Action(run=keys.account_sas, reply=DONE),
        "ListServiceSas": Action(run=keys.service_sas, reply=DONE),
    },
    facts=(
        Fact("a creation answers 202 without a body, watched through Location", Source.RECORDING),
        Fact("PUT of an existing one, PATCH and DELETE are over at once", Source.RECORDING),
        Fact("a name is there once, 3 to 24 small letters and digits", Source.DOCUMENT),
        Fact("signatures are made with the account's keys and are valid", Source.DOCUMENT),
        Fact("blobs are Azurite's, where there is one", Source.ASSUMED),
        Fact("TLS 1.2 and no public blobs by default, from 2023-01-01 on", Source.ASSUMED),
    ),
    missing=(
        "rights on blobs", "private endpoints", "customer keys", "failover", "management policies",
        "file, queue and table services", "local users",
    ),
)  # fmt: skip

ROUTES: Final = (
    Route(
        verb="POST",
        pattern="/subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability",
        versions=versions.STORAGE,
        answer=_available,
    ),
)
