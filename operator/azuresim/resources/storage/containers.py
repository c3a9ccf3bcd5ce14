"""The blob service of an account and the containers in it."""

from typing import Any, Final

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.errors import ArmError, bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, Placed, Reply, ResourceType, Source
from azuresim.resources.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Text,
    Words,
    read_only,
    shape,
)
from azuresim.resources.storage.accounts import KIND as ACCOUNT
from azuresim.resources.storage.habits import CONTAINERS, STORAGE
from azuresim.state.records import Record

SERVICE_KIND: Final = f"{ACCOUNT}/blobServices"
CONTAINER_KIND: Final = f"{SERVICE_KIND}/containers"
RETENTION: Final = shape(
    enabled=Flag(default=False),
    days=Number(low=1, high=365),
    allowPermanentDelete=Flag(),
)


def _check_service(call: Call, draft: Draft) -> None:
    del call
    if draft.is_new:
        message = "The only blob service of an account is 'default'."
        raise bad_request("InvalidValuesForRequestParameters", message)


def _keep_service(call: Call, record: Record) -> None:
    del call
    message = f"The blob service '{record.name}' cannot be deleted."
    raise ArmError(405, "MethodNotAllowed", message)


def _show_service(call: Call, record: Record, wire: dict[str, Any]) -> None:
    account = call.get(record.id.rsplit("/", 2)[0])
    if account is not None:
        wire["sku"] = account.body()["sku"]


SERVICE: Final = ResourceType(
    kind=SERVICE_KIND,
    family=STORAGE,
    versions=versions.STORAGE,
    properties=shape(
        changeFeed=Anything(sticky=True),
        restorePolicy=Anything(sticky=True),
        containerDeleteRetentionPolicy=RETENTION,
        cors=shape(corsRules=Items(of=Anything(), default=[])),
        defaultServiceVersion=Text(sticky=True),
        deleteRetentionPolicy=RETENTION,
        isVersioningEnabled=Flag(sticky=True),
        automaticSnapshotPolicyEnabled=Flag(sticky=True),
        lastAccessTimeTrackingPolicy=Anything(sticky=True),
    ),
    placed=Placed.NOWHERE,
    tagged=False,
    stateful=False,
    create=Reply(status=200, duration="at once"),
    update=Reply(status=200, duration="at once"),
    delete=Reply(status=405, duration="at once"),
    duration="at once",
    patch="",
    check=_check_service,
    show=_show_service,
    remove=_keep_service,
    facts=(Fact("the service 'default' comes and goes with its account", Source.DOCUMENT),),
)


def _check(call: Call, draft: Draft) -> None:
    name = ids.name_of(draft.id)
    if "--" in name:
        message = "The specified resource name contains invalid characters."
        raise bad_request("ContainerOperationFailure", message)
    account = call.get(draft.id.split("/blobServices/")[0])
    properties = account.body()["properties"] if account else {}
    if draft.properties["publicAccess"] != "None" and not properties.get("allowBlobPublicAccess"):
        message = "Public access is not permitted on this storage account."
        raise ArmError(409, "PublicAccessNotPermitted", message)
    draft.properties["lastModifiedTime"] = timestamp(call.now)


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    """Tell less in the answer to a write than to a GET (source: recording)."""
    del record
    if call.verb == "PUT":
        kept = ("metadata", "deleted", "remainingRetentionDays", "hasImmutabilityPolicy",
                "hasLegalHold")  # fmt: skip
        shown = wire["properties"]
        wire["properties"] = {name: shown[name] for name in kept if name in shown}


def _listed(call: Call, record: Record) -> bool:
    """Whether a list shows a container: those that begin as asked."""
    return record.name.startswith(call.query.get("$filter", ""))


def _unknown(name: str, group: str, subscription: str) -> ArmError:
    del name, group, subscription
    return ArmError(404, "ContainerNotFound", "The specified container does not exist.")


CONTAINER: Final = ResourceType(
    kind=CONTAINER_KIND,
    family=CONTAINERS,
    versions=versions.STORAGE,
    properties=shape(
        deleted=read_only(default=False),
        remainingRetentionDays=read_only(default=0),
        defaultEncryptionScope=Text(default="$account-encryption-key"),
        denyEncryptionScopeOverride=Flag(default=False),
        publicAccess=Choice(words=("None", "Blob", "Container"), default="None", sticky=True),
        leaseStatus=read_only("Unlocked"),
        leaseState=read_only("Available"),
        lastModifiedTime=read_only(),
        metadata=Words(most=100, sticky=True),
        immutableStorageWithVersioning=Anything(sticky=True),
        hasImmutabilityPolicy=read_only(default=False),
        hasLegalHold=read_only(default=False),
    ),
    placed=Placed.NOWHERE,
    tagged=False,
    stateful=False,
    create=Reply(status=201, duration="at once"),
    update=Reply(status=200, duration="at once"),
    patched=Reply(status=200, duration="at once"),
    delete=Reply(status=200, duration="at once"),
    duration="at once",
    patch="merge",
    name_pattern=r"[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])|\$(?:root|web|logs)",
    next_etag=lambda old: f"0x8D{(int(old[4:], 16) if old else 0x1000_0000_0000) + 0x1F3:X}",
    check=_check,
    show=_show,
    listed=_listed,
    unknown=_unknown,
    facts=(
        Fact("the answer to a PUT tells less than GET", Source.RECORDING),
        Fact("public access only where the account allows it", Source.DOCUMENT),
    ),
    missing=("legal holds", "immutability policies", "leases"),
)
