"""From an account made at ARM to a blob: the real SDKs, by the names clients use in Azure."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ClientAuthenticationError, ResourceModifiedError
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob.aio import BlobServiceClient
from tests.sim.resources.bodies import interface, machine
from tests.sim.services.conftest import World, lead_clients, made_group, world_at
from tests.sim.simulator import Simulator

from azuresim.fabric.azurite import MARK, end_leftovers

pytestmark = [pytest.mark.sim, pytest.mark.timeout(180)]
ACCOUNT = {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "location": "eastus"}


def made_account(world: Simulator, group: str, name: str) -> Any:
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


def keys_of(world: World, group: str, name: str) -> list[str]:
    with world.client(StorageManagementClient) as storage:
        listed = storage.storage_accounts.list_keys(group, name)["keys"]
        return [str(key["value"]) for key in listed]


def blobs_of(world: World, name: str, credential: Any) -> BlobServiceClient:
    """Return a client that knows an account as clients of Azure do."""
    return BlobServiceClient(
        f"https://{name}.blob.core.windows.net",
        credential,
        connection_verify=world.ready["caFile"],
        retry_total=8,
        retry_backoff_factor=0.2,
    )


def containers_at_arm(world: World, group: str, name: str) -> list[str]:
    with world.client(StorageManagementClient) as storage:
        return [str(each.name) for each in storage.blob_containers.list(group, name)]


async def eventually(look: Callable[[], Any], wanted: Any) -> None:
    """Wait until what is seen is as wanted."""

    def wait() -> None:
        deadline = time.monotonic() + 60
        while (seen := look()) != wanted:
            assert time.monotonic() < deadline, f"{seen!r} instead of {wanted!r}"
            time.sleep(0.2)

    await asyncio.to_thread(wait)


async def test_containers_are_the_same_on_both_sides(through_proxy: World, group: str) -> None:
    world, name = through_proxy, "bothsides"
    made_account(world, group, name)
    with world.client(StorageManagementClient) as storage:
        storage.blob_containers.create(group, name, "from-arm", {})
        async with blobs_of(world, name, keys_of(world, group, name)[0]) as blobs:
            assert [each.name async for each in blobs.list_containers()] == ["from-arm"]
            storage.blob_containers.create(group, name, "later", {})
            await blobs.get_blob_client("later", "there-at-once").upload_blob(b"x")
            await blobs.create_container("from-data")
            await blobs.delete_container("later")
            wanted = ["from-arm", "from-data"]
            await eventually(lambda: containers_at_arm(world, group, name), wanted)
            storage.blob_containers.delete(group, name, "from-arm")
            assert [each.name async for each in blobs.list_containers()] == ["from-data"]


async def test_a_new_key_is_good_and_the_old_one_is_not(through_proxy: World, group: str) -> None:
    world, name = through_proxy, "newkeys"
    made_account(world, group, name)
    old = keys_of(world, group, name)
    async with blobs_of(world, name, old[0]) as blobs:
        await blobs.create_container("data")
        await blobs.get_blob_client("data", "kept").upload_blob(b"x")
    with world.client(StorageManagementClient) as storage:
        storage.storage_accounts.regenerate_key(group, name, {"keyName": "key1"})
    new = keys_of(world, group, name)
    assert new[0] != old[0]
    for key in (new[0], old[1]):
        async with blobs_of(world, name, key) as blobs:
            kept = await blobs.get_blob_client("data", "kept").download_blob()
            assert await kept.readall() == b"x"
    async with blobs_of(world, name, old[0]) as blobs:
        with pytest.raises(ClientAuthenticationError):
            await blobs.get_blob_client("data", "kept").download_blob()


async def test_a_later_account_of_the_same_name_is_empty(through_proxy: World, group: str) -> None:
    world, name = through_proxy, "twice"
    made_account(world, group, name)
    async with blobs_of(world, name, keys_of(world, group, name)[0]) as blobs:
        await blobs.create_container("data")
    with world.client(StorageManagementClient) as storage:
        storage.storage_accounts.delete(group, name)
    proxy = urlsplit(world.ready["proxy"])
    assert through(proxy.port, f"{name}.blob.core.windows.net:443").startswith(b"HTTP/1.1 403 ")
    made_account(world, group, name)
    async with blobs_of(world, name, keys_of(world, group, name)[0]) as blobs:
        assert [each.name async for each in blobs.list_containers()] == []
    assert containers_at_arm(world, group, name) == []


def through(port: int | None, target: str, verb: str = "CONNECT") -> bytes:
    """Ask the proxy for something, and return its answer."""
    with socket.create_connection(("127.0.0.1", port or 0), timeout=60) as caller:
        caller.sendall(f"{verb} {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        return caller.recv(4096)


@pytest.mark.parametrize(
    ("verb", "target", "status"),
    [
        ("CONNECT", "example.com:443", 403),
        ("CONNECT", "127.0.0.1:22", 403),
        ("CONNECT", "management.azure.com:22", 403),
        ("CONNECT", "nobody.blob.core.windows.net:443", 403),
        ("GET", "http://management.azure.com/", 403),
        ("CONNECT", "management.azure.com:443", 200),
        ("CONNECT", "login.microsoftonline.com:443", 200),
    ],
)
def test_the_proxy_leads_to_the_simulators_own_names_only(
    world: World, verb: str, target: str, status: int
) -> None:
    answer = through(urlsplit(world.ready["proxy"]).port, target, verb)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_without_azurite_an_account_leads_nowhere_and_is_told_so(sim: Simulator) -> None:
    made_group(sim, "web")
    made_account(sim, "web", "nowhere")
    port = urlsplit(sim.ready["proxy"]).port
    answer = through(port, "nowhere.blob.core.windows.net:443")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"--azurite" in answer


def azurites(world: World) -> list[int]:
    """Return the processes of a world's accounts."""
    mark = f"{MARK}={world.directory.resolve()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


async def test_blobs_survive_killed_processes_and_nothing_is_left_in_the_end(
    tmp_path: Path, azurite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_at(tmp_path / "sim", azurite)
    await asyncio.to_thread(world.start)
    try:
        made_group(world, "web")
        made_account(world, "web", "survivor")
        key = keys_of(world, "web", "survivor")[0]
        lead_clients(world, monkeypatch)
        async with blobs_of(world, "survivor", key) as blobs:
            await blobs.create_container("data")
            blob = blobs.get_blob_client("data", "kept")
            tag = (await blob.upload_blob(b"x"))["etag"]
            (first,) = azurites(world)
            os.kill(first, signal.SIGTERM)
            assert (await blob.get_blob_properties())["etag"] == tag
            (second,) = azurites(world)
            assert second != first
            proxy = world.ready["proxy"]
            world.kill()
            await asyncio.to_thread(world.start)
            assert world.ready["proxy"] == proxy
            assert (await blob.get_blob_properties())["etag"] == tag
            (third,) = azurites(world)
            assert third != second
    finally:
        world.stop()
    assert azurites(world) == []


def test_a_leftover_of_a_killed_simulator_is_ended_and_nothing_else(tmp_path: Path) -> None:
    def sleeper(directory: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sleep", "600"], env={**os.environ, MARK: str(directory)})

    ours, theirs = sleeper(tmp_path / "one"), sleeper(tmp_path / "one-more")
    try:
        assert end_leftovers(tmp_path / "one") == 1
        assert ours.wait(60) == -signal.SIGTERM
        assert theirs.poll() is None
    finally:
        for each in (ours, theirs):
            each.kill()
            each.wait(60)
