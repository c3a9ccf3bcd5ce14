"""The Secret of a cluster's keys on a real API server, with the rights that are shipped."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.kube.conftest import ApiServer
from tests.kube.operator_process import rights

from hacluster.kube.connection import connect
from hacluster.kube.secrets import SecretReader
from hacluster.reconcile.ports import Raw

pytestmark = [pytest.mark.kube, pytest.mark.timeout(120)]


Work = Callable[[SecretReader], Awaitable[None]]


@pytest.fixture
def with_vault(api_server: ApiServer, tmp_path: Path) -> Callable[[Work], None]:
    """Give what runs some work with the operator's own rights."""
    kubeconfig = rights(api_server, tmp_path)

    async def run(work: Work) -> None:
        async with connect(kubeconfig) as client:
            await work(SecretReader(client))

    def aside(work: Work) -> None:
        with ThreadPoolExecutor(1) as pool:  # this thread's own event loop is pytest's
            pool.submit(asyncio.run, run(work)).result()

    return aside


def cluster(namespace: str, uid: str = "11111111-2222-3333-4444-555555555555") -> Raw:
    return Raw(body={"metadata": {"namespace": namespace, "name": "web", "uid": uid}})


def kept(api_server: ApiServer, namespace: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        api_server.kubectl.run("get", "secret", name, "--namespace", namespace, "-o", "json")
    )
    return found


def test_it_is_made_once_and_belongs_to_the_object(
    with_vault: Callable[[Work], None], api_server: ApiServer, namespace: str
) -> None:
    async def work(vault: SecretReader) -> None:
        assert await vault.find(namespace, "keys") is None
        await vault.create(cluster(namespace), "keys", {"key.k1": b"\x00one"})
        await vault.create(cluster(namespace), "keys", {"key.k1": b"another"})
        found = await vault.find(namespace, "keys")
        assert found is not None
        assert (dict(found.data), found.owner_name) == ({"key.k1": b"\x00one"}, "web")
        owner = kept(api_server, namespace, "keys")["metadata"]["ownerReferences"]
        assert [(one["kind"], one["uid"]) for one in owner] == [("HAClusterSpec", found.owner)]

    with_vault(work)


def test_a_step_of_a_rotation_replaces_all_or_nothing(
    with_vault: Callable[[Work], None], api_server: ApiServer, namespace: str
) -> None:
    async def work(vault: SecretReader) -> None:
        await vault.create(cluster(namespace), "keys", {"key.k1": b"1", "active": b"k1"})
        old = await vault.find(namespace, "keys")
        assert old is not None
        assert await vault.replace(old, {"key.k2": b"2", "active": b"k2"})
        data = kept(api_server, namespace, "keys")["data"]
        assert {name: base64.b64decode(text) for name, text in data.items()} == {
            "key.k2": b"2",
            "active": b"k2",
        }
        assert not await vault.replace(old, {"active": b"late"})
        assert not await vault.adopt(cluster(namespace), old)
        now = await vault.find(namespace, "keys")
        assert now is not None
        assert await vault.adopt(
            cluster(namespace, uid="22222222-2222-3333-4444-555555555555"), now
        )
        assert len(kept(api_server, namespace, "keys")["metadata"]["ownerReferences"]) == 1

    with_vault(work)


def test_config_maps_are_read_and_no_more_is_allowed(
    with_vault: Callable[[Work], None], api_server: ApiServer, namespace: str
) -> None:
    async def work(vault: SecretReader) -> None:
        api_server.kubectl.run(
            "create", "configmap", "texts", "--from-literal=one=1", "--namespace", namespace
        )
        assert await vault.config_map(namespace, "texts") == {"one": "1"}
        await vault.create(cluster(namespace), "keys", {"a": b"1"})
        core = vault._core
        with pytest.raises(Exception, match="403"):
            await core.delete_namespaced_secret("keys", namespace)
        with pytest.raises(Exception, match="403"):
            await core.list_namespaced_secret(namespace)

    with_vault(work)
