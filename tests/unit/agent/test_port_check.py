"""`port-check`: the guide's exit codes, on real sockets."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from hacluster_node.cli import port_check

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_listening_port_is_normal(listening: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert port_check.main(["-h", "localhost", "-p", str(listening)]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_closed_port_is_a_communication_error(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert port_check.main(["-p", str(port), "-h", "127.0.0.1"]) == 1
    assert "refused" in capsys.readouterr().err


def test_a_name_that_does_not_resolve_is_a_communication_error() -> None:
    assert port_check.main(["-h", "no.such.host.invalid", "-p", "80"]) == 1


def test_no_answer_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_check, "LIMIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        with socket.create_connection(address), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(address)
            assert port_check.main(["-h", "127.0.0.1", "-p", str(address[1])]) == 2


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="nothing"),
        pytest.param(["-h", "localhost"], id="no port"),
        pytest.param(["-h", "a", "-h", "b"], id="twice"),
        pytest.param(["-h", "a", "-p", "0"], id="port 0"),
        pytest.param(["-h", "a", "-p", "65536"], id="port too high"),
        pytest.param(["-h", "a", "-p", "no-such-service"], id="unknown service"),
        pytest.param(["-h", "a", "-p", "80", "-x"], id="odd"),
        pytest.param(["-h", "", "-p", "80"], id="empty host"),
    ],
)
def test_wrong_arguments_are_code_3(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert port_check.main(words) == 3
    assert capsys.readouterr().err


def test_a_service_name_stands_for_its_port() -> None:
    assert port_check.parse(["-h", "a", "-p", "https"]) == ("a", 443)
