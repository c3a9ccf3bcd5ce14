"""One exchange has one bound, however slowly a server drips; tokens are there before needed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.unit.agent.servers import Answer, Request, as_json, serving

from hacluster_node.net.http import Client, Unanswered, Unreachable
from hacluster_node.net.tokens import ManagedIdentity, NoToken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = 0.3


@contextlib.contextmanager
def raw(converse: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection after the other with a function that writes bytes."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)

        def serve() -> None:
            while not stopping.is_set():
                with contextlib.suppress(OSError):
                    sock, _ = server.accept()
                    with sock:
                        converse(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        stopping.set()
        thread.join()


def drip(sock: socket.socket) -> None:
    sock.recv(1000)
    for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100:
        sock.sendall(bytes((letter,)))
        time.sleep(0.02)


def hang(sock: socket.socket) -> None:
    sock.recv(1000)
    sock.recv(1000)


def hang_up(sock: socket.socket) -> None:
    sock.recv(1000)


def too_much(sock: socket.socket) -> None:
    sock.recv(1000)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")
    while True:
        sock.sendall(b"x" * 65536)


@pytest.mark.parametrize("converse", [drip, hang, hang_up, too_much], ids=lambda f: f.__name__)
def test_what_is_not_answered_whole_in_time_is_unanswered(
    converse: Callable[[socket.socket], None],
) -> None:
    with raw(converse) as base:
        begun = time.monotonic()
        with pytest.raises(Unanswered):
            Client(base).request("PUT", "/", {}, b"x", timeout=T)
        assert time.monotonic() - begun < T + 0.3


def test_a_refused_connection_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable):
        Client(f"http://127.0.0.1:{port}").request("GET", "/", {}, timeout=T)


def test_a_name_without_address_is_unreachable_within_the_bound() -> None:
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="not resolved"):
        Client("http://no.such.host.invalid").request("GET", "/", {}, timeout=T)
    assert time.monotonic() - begun < T + 0.3


def test_the_connection_is_used_again() -> None:
    connections = set()

    def answer(request: Request) -> Answer:
        connections.add(threading.get_ident())
        return Answer(200, request.path.encode())

    with serving(answer) as base:
        client = Client(base + "/prefix")
        bodies = [client.request("GET", f"/{n}", {}).body for n in range(5)]
        client.close()
    assert bodies == [b"/prefix/0", b"/prefix/1", b"/prefix/2", b"/prefix/3", b"/prefix/4"]
    assert len(connections) == 1


def test_a_line_break_in_a_header_is_never_sent() -> None:
    with serving(lambda _: Answer(200)) as base, pytest.raises(Unanswered, match="line break"):
        Client(base).request("GET", "/", {"X": "a\r\nEvil: b"})


@pytest.mark.parametrize("base", ["ftp://x", "x", "https://"])
def test_an_address_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        Client(base)


class Service:
    """An instance metadata service whose mood can change."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = 200

    def __call__(self, request: Request) -> Answer:
        assert request.headers["metadata"] == "true"
        assert "client_id=me" in request.path
        self.asked += 1
        if self.answer != 200:
            return Answer(self.answer)
        return as_json(200, {"access_token": f"t{self.asked}", "expires_in": "1000"})


def soon(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 2
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_token_is_fetched_once_and_again_at_half_of_its_life() -> None:
    service, now = Service(), [0.0]
    with serving(service) as base:
        identity = ManagedIdentity("https://r/", "me", base, lambda: now[0])
        assert [identity.token(1), identity.token(1)] == ["t1", "t1"]
        now[0] = 501.0
        assert identity.token(1) in ("t1", "t2")
        soon(lambda: identity.token(1) == "t2")
    assert service.asked == 2


def test_who_has_a_valid_token_is_never_stopped_by_a_service_that_is_away() -> None:
    service, now = Service(), [0.0]
    with serving(service) as base:
        identity = ManagedIdentity("https://r/", "me", base, lambda: now[0])
        identity.token(1)
        service.answer = 500
        for moment in (600.0, 800.0, 960.0):
            now[0] = moment
            begun = time.monotonic()
            assert identity.token(1) == "t1"
            assert time.monotonic() - begun < 0.2
        now[0] = 975.0
        with pytest.raises(NoToken, match="500"):
            identity.token(0.5)


def test_a_doubted_token_is_replaced_but_stays_in_use_meanwhile() -> None:
    service, now = Service(), [0.0]
    with serving(service) as base:
        identity = ManagedIdentity("https://r/", "me", base, lambda: now[0])
        identity.doubt(identity.token(1))
        now[0] = 10.0
        assert identity.token(1) in ("t1", "t2")
        soon(lambda: identity.token(1) == "t2")


@pytest.mark.parametrize("body", [{}, {"access_token": "x"}, {"expires_in": "x"}, []])
def test_an_answer_without_a_token_is_no_token(body: object) -> None:
    with serving(lambda _: as_json(200, body)) as base, pytest.raises(NoToken):
        ManagedIdentity("https://r/", "", base).token(1)
