"""The bootstrap: what Run Command runs on a bare machine, against a real server."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from hacluster_node import build
from hacluster_node.install import bootstrap
from hacluster_node.install.bootstrap import Bootstrap, FailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Cloud(ThreadingHTTPServer):
    """A metadata service and a container in one."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.package = b""
        self.asked: list[str] = []
        self.refuse = 0


class Answers(BaseHTTPRequestHandler):
    server: Cloud

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path.startswith("/metadata/"):
            assert self.headers["Metadata"] == "true"
            self.answer(200, json.dumps({"access_token": "tok"}).encode())
        elif self.server.refuse:
            self.server.refuse -= 1
            self.answer(403, b"")
        else:
            assert self.headers["Authorization"] == "Bearer tok"
            self.answer(200, self.server.package)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    target = tmp_path_factory.mktemp("build") / "agent.pyz"
    build.build(target)
    return target.read_bytes()


@pytest.fixture
def cloud(package: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setattr(bootstrap, "PAUSE_S", 0.01)
    with Cloud() as server:
        server.package = package
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def environment(cloud: Cloud, digest: str, **more: str) -> dict[str, str]:
    base = f"http://127.0.0.1:{cloud.server_port}"
    store = {"container": f"{base}/box", "access": "ManagedIdentity", "clientId": "id"}
    file = {"cluster": "c", "node": "n", "store": {**store, "metadata": base}, "keys": {"k": "s3"}}
    return {"HACLUSTER_PACKAGE": digest, "HACLUSTER_NODE_FILE": json.dumps(file), **more}


def test_a_bare_machine_gets_the_agent_and_its_file(
    cloud: Cloud, package: bytes, tmp_path: Path
) -> None:
    digest = hashlib.sha256(package).hexdigest()
    cloud.refuse = 2
    made = Bootstrap(environment(cloud, digest, HACLUSTER_CA="pem"), tmp_path)
    made._ca = ""  # the server speaks plain HTTP
    assert made.run() == f"installed agent {digest[:16]} on n"
    file = tmp_path / "etc/hacluster/node.json"
    assert json.loads(file.read_text())["keys"] == {"k": "s3"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    current = tmp_path / "usr/lib/hacluster-node/current"
    assert (current.resolve().name, (current / "__main__.py").is_file()) == (digest[:16], True)
    assert f"/box/agent/{digest}.pyz" in cloud.asked
    assert any("client_id=id" in path for path in cloud.asked)


def test_again_it_only_brings_the_file(cloud: Cloud, package: bytes, tmp_path: Path) -> None:
    digest = hashlib.sha256(package).hexdigest()
    Bootstrap(environment(cloud, digest), tmp_path).run()
    cloud.asked.clear()
    assert Bootstrap(environment(cloud, digest), tmp_path).run() == f"kept agent {digest[:16]} on n"
    assert cloud.asked == []


def test_another_package_than_asked_for_is_not_installed(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="somebody has changed the blob"):
        Bootstrap(environment(cloud, "0" * 64), tmp_path).run()
    assert not (tmp_path / "usr/lib/hacluster-node/current").exists()


def test_it_gives_up_and_says_what_was_refused(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "GIVE_UP_S", 0.1)
    cloud.refuse = 10_000
    with pytest.raises(FailedError, match=r"/box/agent/0+\.pyz answered 403"):
        Bootstrap(environment(cloud, "0" * 64), tmp_path).run()


def test_with_other_keys_or_another_sas_the_identity_is_the_same() -> None:
    node = {"node": "n", "store": {"container": "x"}, "keys": {"active": "k1"}}
    same = bootstrap.identity({**node, "keys": {"active": "k2"}})
    assert bootstrap.identity(node) == same
    assert bootstrap.identity({**node, "store": {"container": "y"}}) != same
    assert bootstrap.identity({**node, "store": {"container": "x", "sas": "sig=1"}}) == same
    by = [
        bootstrap.identity({**node, "kubernetes": {"server": server, "token": token}})
        for server, token in (("https://k", "1"), ("https://k", "2"), ("https://j", "2"))
    ]
    assert by[0] == by[1] != by[2]


SYSTEMCTL = """#!/bin/sh
echo x >> "$0.asked"
set -- $(sed -n "$(wc -l < "$0.asked")p" "$0.story") activating 0
echo "MainPID=$2"
echo "ActiveState=$1"
"""


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that tells one line of a story each time, and a journal."""
    programs = {"systemctl": SYSTEMCTL, "journalctl": "#!/bin/sh\necho HAN-G01\n"}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(bootstrap, "LOOK_S", 0.0)
    return tmp_path / "systemctl.story"


def test_a_service_that_is_started_anew_is_waited_for(
    story: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "SETTLE_S", 0.0)
    story.write_text("active 5\nactivating 0\nactive 7\nactive 7\n")
    bootstrap.settle("hacluster-node.service")
    asked = story.with_name("systemctl.asked").read_text()
    assert len(asked.splitlines()) == len(story.read_text().splitlines())


def test_a_service_that_does_not_keep_running_is_told_with_its_last_words(
    story: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "SETTLED_WITHIN_S", 0.2)
    story.write_text("active 5\nactive 6\n")
    with pytest.raises(FailedError, match=r"does not keep running \(activating\).*: HAN-G01"):
        bootstrap.settle("hacluster-node.service")
