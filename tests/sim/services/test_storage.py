"""From an account made at ARM to a blob: the real SDKs, by the names clients use in Azure."""

from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob.aio import BlobServiceClient
from tests.sim.resources.bodies import interface, machine
from tests.sim.services.conftest import World

pytestmark = [pytest.mark.sim, pytest.mark.timeout(180)]
ACCOUNT = {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "location": "eastus"}


def made_account(world: World, group: str, name: str) -> Any:
    with world.client(StorageManagementClient) as storage:
        return storage.storage_accounts.begin_create(group, name, ACCOUNT).result()


def made_machine(world: World, group: str) -> str:
    """Return the id of a machine with an identity of its own."""
    with (
        world.client(NetworkManagementClient) as network,
        world.client(ComputeManagementClient) as compute,
    ):
        body = machine(interface(network, group))
        body["identity"] = {"type": "SystemAssigned"}
        found = compute.virtual_machines.begin_create_or_update(group, "one", body).result()
        return str(found.id)


async def test_a_blob_is_put_with_a_token_of_the_machine(through_proxy: World, group: str) -> None:
    world = through_proxy
    account = made_account(world, group, "meeting1")
    with world.client(StorageManagementClient) as storage:
        storage.blob_containers.create(group, "meeting1", "witness", {})
    world.is_asked_by(made_machine(world, group))
    ca_file = world.ready["caFile"]
    async with (
        ManagedIdentityCredential() as credential,
        BlobServiceClient(
            account.primary_endpoints.blob, credential, connection_verify=ca_file
        ) as blobs,
    ):
        blob = blobs.get_blob_client("witness", "record")
        first = await blob.upload_blob(b"one", overwrite=False)
        await blob.upload_blob(
            b"two",
            overwrite=True,
            etag=first["etag"],
            match_condition=MatchConditions.IfNotModified,
        )
        with pytest.raises(ResourceModifiedError):
            await blob.upload_blob(
                b"three",
                overwrite=True,
                etag=first["etag"],
                match_condition=MatchConditions.IfNotModified,
            )
        assert await (await blob.download_blob()).readall() == b"two"
