"""Storage accounts, their keys and their containers through the real SDK."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.storage import StorageManagementClient
from tests.sim.simulator import Simulator, running

pytestmark = pytest.mark.sim

ACCOUNT = {
    "location": "eastus",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "properties": {"minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False},
}


@pytest.fixture(scope="module")
def storage(shared_sim: Simulator) -> Iterator[Any]:
    """A client for storage accounts."""
    with shared_sim.client(StorageManagementClient) as client:
        yield client


@pytest.fixture
def account(storage: Any, group: str) -> Iterator[str]:
    """The name of an account of the test's own."""
    name = f"t{hashlib.sha256(group.encode()).hexdigest()[:20]}"
    storage.storage_accounts.begin_create(group, name, ACCOUNT).result()
    yield name
    storage.storage_accounts.delete(group, name)


def test_an_account_lives(storage: Any, group: str, account: str) -> None:
    accounts = storage.storage_accounts
    seen = accounts.get_properties(group, account)
    assert seen.sku.tier == "Standard"
    endpoints = seen["properties"]["primaryEndpoints"]
    assert endpoints["blob"] == f"https://{account}.blob.core.windows.net/"
    assert "keys" not in seen["properties"]
    changed = accounts.update(
        group, account, {"tags": {"a": "1"}, "properties": {"allowSharedKeyAccess": False}}
    )
    assert changed["properties"]["allowSharedKeyAccess"] is False
    assert changed["properties"]["minimumTlsVersion"] == "TLS1_2"
    assert account in {each.name for each in accounts.list()}
    assert [each.name for each in accounts.list_by_resource_group(group)] == [account]


def test_a_creation_is_watched_through_location(
    storage: Any, shared_sim: Simulator, group: str
) -> None:
    path = (
        f"{shared_sim.subscription}/resourceGroups/{group}/providers/Microsoft.Storage"
        "/storageAccounts/watched?api-version=2024-01-01"
    )
    made = shared_sim.send("PUT", path, ACCOUNT)
    assert (made.status, made.body) == (202, None)
    assert made.header("Azure-AsyncOperation") is None
    watch = made.header("Location") or ""
    assert "/asyncoperations/" in watch
    assert shared_sim.send("GET", watch).body["name"] == "watched"
    assert shared_sim.send("PUT", path, ACCOUNT).status == 200
    storage.storage_accounts.delete(group, "watched")


@pytest.mark.parametrize(
    ("cloud", "region", "suffix"),
    [
        ("AzureUSGovernment", "usgovvirginia", "core.usgovcloudapi.net"),
        ("AzureChina", "chinanorth3", "core.chinacloudapi.cn"),
    ],
    ids=["US Government", "China"],
)
def test_endpoints_are_those_of_the_cloud(
    tmp_path: Path, cloud: str, region: str, suffix: str
) -> None:
    with running(tmp_path, "--cloud", cloud) as sim:
        group = f"{sim.subscription}/resourceGroups/g"
        sim.send("PUT", f"{group}?api-version=2021-04-01", {"location": region})
        account = f"{group}/providers/Microsoft.Storage/storageAccounts/abroad"
        path = f"{account}?api-version=2024-01-01"
        assert sim.send("PUT", path, {**ACCOUNT, "location": region}).status == 202
        endpoints = sim.send("GET", path).body["properties"]["primaryEndpoints"]
    assert endpoints["blob"] == f"https://abroad.blob.{suffix}/"


def test_a_name_is_there_once(storage: Any, group: str, account: str) -> None:
    check = storage.storage_accounts.check_name_availability
    asked = {"name": account, "type": "Microsoft.Storage/storageAccounts"}
    told = check(asked)
    assert (told.name_available, told.reason) == (False, "AlreadyExists")
    assert check({**asked, "name": "nobodyhasthis"}).name_available
    assert check({**asked, "name": "No-Good"}).reason == "AccountNameInvalid"
    with pytest.raises(HttpResponseError, match="AccountNameInvalid"):
        storage.storage_accounts.begin_create(group, "No-Good", ACCOUNT)


def test_a_key_is_renewed_and_the_other_stays(storage: Any, group: str, account: str) -> None:
    accounts = storage.storage_accounts
    before = {key.key_name: key.value for key in accounts.list_keys(group, account)["keys"]}
    answer = accounts.regenerate_key(group, account, {"keyName": "key1"})
    after = {key.key_name: key.value for key in answer["keys"]}
    assert after["key2"] == before["key2"]
    assert after["key1"] != before["key1"]
    assert len(base64.b64decode(after["key1"])) == 64
    with pytest.raises(HttpResponseError):
        accounts.regenerate_key(group, account, {"keyName": "key9"})


def test_signatures_are_made_with_the_key(storage: Any, group: str, account: str) -> None:
    accounts = storage.storage_accounts
    wish = {
        "signedServices": "b",
        "signedResourceTypes": "sco",
        "signedPermission": "rw",
        "signedExpiry": "2030-01-01T00:00:00Z",
    }
    token = accounts.list_account_sas(group, account, wish)["accountSasToken"]
    fields = {name: values[0] for name, values in parse_qs(token).items()}
    text = f"{account}\nrw\nb\nsco\n\n2030-01-01T00:00:00Z\n\n\n{fields['sv']}\n\n"
    (key, _) = accounts.list_keys(group, account)["keys"]
    digest = hmac.new(base64.b64decode(key.value), text.encode(), hashlib.sha256).digest()
    assert fields["sig"] == base64.b64encode(digest).decode()
    service = accounts.list_service_sas(
        group,
        account,
        {
            "canonicalizedResource": f"/blob/{account}/c",
            "signedResource": "c",
            "signedPermission": "r",
            "signedExpiry": "2030-01-01T00:00:00Z",
        },
    )
    assert "sig=" in service["serviceSasToken"]


def test_a_container_lives_and_dies(storage: Any, group: str, account: str) -> None:
    containers = storage.blob_containers
    body = {"properties": {"publicAccess": "None", "metadata": {"owner": "me"}}}
    containers.create(group, account, "state", body)
    containers.create(group, account, "state", body)
    seen = containers.get(group, account, "STATE")
    assert seen["properties"]["metadata"] == {"owner": "me"}
    assert seen["properties"]["leaseState"] == "Available"
    changed = containers.update(
        group, account, "state", {"properties": {"metadata": {"owner": "you"}}}
    )
    assert changed["properties"]["metadata"] == {"owner": "you"}
    containers.create(group, account, "other", {})
    assert [each.name for each in containers.list(group, account)] == ["other", "state"]
    assert [each.name for each in containers.list(group, account, filter="st")] == ["state"]
    containers.delete(group, account, "state")
    with pytest.raises(ResourceNotFoundError, match="ContainerNotFound"):
        containers.get(group, account, "state")


@pytest.mark.parametrize("name", ["No", "a", "-ab", "a--b"])
def test_a_container_has_a_plain_name(storage: Any, group: str, account: str, name: str) -> None:
    with pytest.raises((HttpResponseError, ValueError)):
        storage.blob_containers.create(group, account, name, {})
    assert list(storage.blob_containers.list(group, account)) == []


def test_public_access_is_for_accounts_that_allow_it(
    storage: Any, group: str, account: str
) -> None:
    body = {"properties": {"publicAccess": "Blob"}}
    with pytest.raises(HttpResponseError, match="PublicAccessNotPermitted"):
        storage.blob_containers.create(group, account, "open", body)


def test_the_blob_service_is_there(storage: Any, group: str, account: str) -> None:
    services = storage.blob_services
    wish = {"properties": {"isVersioningEnabled": True}}
    services.set_service_properties(group, account, wish)
    seen = services.get_service_properties(group, account)
    assert seen["properties"]["isVersioningEnabled"] is True
    assert [each.name for each in services.list(group, account)] == ["default"]
