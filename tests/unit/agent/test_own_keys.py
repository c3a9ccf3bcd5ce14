"""New keys are taken up from the node's own file by everything that runs."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent.configurations import GOOD

from hacluster_node.errors import Refused
from hacluster_node.settings import node_file
from hacluster_node.settings.own_keys import OwnKeys
from hacluster_node.settings.stored import Stored
from hacluster_wire.documents import CONFIGURATION, Document, seal
from hacluster_wire.keys import KeyRing, Secret

if TYPE_CHECKING:
    from pathlib import Path


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def write(path: Path, active: str, *letters: str, **more: Any) -> None:
    accepted = [{"id": one, "heartbeat": key(one), "document": key(one)} for one in letters]
    store = {"container": "https://account.blob.core.windows.net/box"}
    file = {
        "cluster": "Cluster1",
        "node": "node-1",
        "store": store,
        "stateDirectory": str(path.parent),
        "keys": {"active": active, "accepted": accepted},
        **more,
    }
    draft = path.with_name("draft")
    draft.write_text(json.dumps(file))
    draft.replace(path)


def sealed(letter: str) -> bytes:
    ring = KeyRing(keys={letter: Secret(letter.encode() * 32)}, active=letter)
    return seal(Document(CONFIGURATION, "Cluster1", "node-1", 1, GOOD), ring)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "node.json"
    write(made, "a", "a")
    return made


def test_a_rotation_is_taken_up_step_by_step(path: Path) -> None:
    node = node_file.read(path)
    keys, stored = OwnKeys(node), Stored(node)
    with pytest.raises(Refused):
        stored.verified(sealed("b"))
    write(path, "a", "a", "b")
    assert set(keys.now().document.keys) == {"a", "b"}
    for letter in "ab":
        stored.verified(sealed(letter))
    write(path, "b", "b")
    assert keys.now().heartbeat.active == "b"
    with pytest.raises(Refused):
        stored.verified(sealed("a"))


def test_the_same_file_is_the_same_ring(path: Path) -> None:
    keys = OwnKeys(node_file.read(path))
    assert keys.now().heartbeat is keys.now().heartbeat


def test_a_broken_or_foreign_file_changes_nothing(path: Path) -> None:
    keys = OwnKeys(node_file.read(path))
    path.write_text("{")
    assert set(keys.now().document.keys) == {"a"}
    write(path, "b", "b", node="node-2")
    assert set(keys.now().document.keys) == {"a"}
    path.unlink()
    assert set(keys.now().document.keys) == {"a"}
    write(path, "b", "b")
    assert set(keys.now().document.keys) == {"b"}


def test_another_sas_is_taken_up_and_a_broken_file_keeps_the_last(path: Path) -> None:
    def by(sas: str) -> dict[str, str]:
        return {"container": "https://a.blob.core.windows.net/box", "access": "SAS", "sas": sas}

    write(path, "a", "a", store=by("sig=1"))
    keys = OwnKeys(node_file.read(path))
    assert keys.sas() == "sig=1"
    write(path, "a", "a", store=by("sig=22"))
    assert keys.sas() == "sig=22"
    path.write_text("{")
    assert keys.sas() == "sig=22"
    assert set(keys.now().document.keys) == {"a"}


def test_another_token_is_taken_up(path: Path) -> None:
    def by(token: str) -> dict[str, str]:
        return {"server": "https://api.example:6443", "ca": "PEM", "token": token}

    write(path, "a", "a", kubernetes=by("hunter2"))
    node = node_file.read(path)
    assert node.kubernetes == node_file.Kubernetes("https://api.example:6443", "PEM", "hunter2")
    assert "hunter2" not in repr(node)
    keys = OwnKeys(node)
    write(path, "a", "a", kubernetes=by("second"))
    assert keys.token() == "second"


def test_a_lease_without_any_api_server_is_refused(path: Path) -> None:
    witness = {"type": "KubernetesLease", "namespace": "default", "name": "web-hacluster"}
    content = {**GOOD, "partition": {"profile": "Balanced", "witness": witness}}
    ring = KeyRing(keys={"a": Secret(b"a" * 32)}, active="a")
    text = seal(Document(CONFIGURATION, "Cluster1", "node-1", 1, content), ring)
    with pytest.raises(Refused, match=r"partition\.witness\.server: missing"):
        Stored(node_file.read(path)).verified(text)
    write(path, "a", "a", kubernetes={"server": "https://api.example:6443", "token": "t"})
    assert Stored(node_file.read(path)).verified(text).witness["name"] == "web-hacluster"
