"""Small servers on loopback that stand at the wire's other end, strict about what they take."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass
class Request:
    """What arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def as_json(status: int, body: Any, **headers: str) -> Answer:
    return Answer(status, json.dumps(body).encode(), headers)


@contextlib.contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[str]:
    """Serve `answer` over HTTP on loopback and yield the base address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle_one_request()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = answer(Request(self.command, self.path, headers, body))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name.replace("_", "-"), value)
            if found.status != 304:
                self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.body)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Token:
    """A token source that is never empty."""

    def __init__(self) -> None:
        self.doubted: list[str] = []

    def token(self, timeout: float) -> str:
        assert timeout > 0
        return "token"

    def doubt(self, value: str) -> None:
        self.doubted.append(value)


class Records:
    """One record with a version: as a blob with an ETag, and as a Lease."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.version = 0
        self.lease: Any = None

    def as_blob(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer token":
            return Answer(403, b"", {"x-ms-error-code": "AuthenticationFailed"})
        etag = f'"{self.version}"'
        if request.method == "GET":
            if self.content is None:
                return Answer(404, b"", {"x-ms-error-code": "BlobNotFound"})
            return Answer(200, self.content, {"ETag": etag})
        if request.headers.get("if-none-match") == "*" and self.content is not None:
            return Answer(409, b"", {"x-ms-error-code": "BlobAlreadyExists"})
        wanted = request.headers.get("if-match")
        if wanted is not None and (self.content is None or wanted != etag):
            return Answer(412, b"", {"x-ms-error-code": "ConditionNotMet"})
        self.content, self.version = request.body, self.version + 1
        return Answer(201, b"", {"ETag": f'"{self.version}"'})

    def as_lease(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer token":
            return Answer(401)
        if request.method == "GET":
            return as_json(404, {}) if self.lease is None else as_json(200, self.lease)
        body = request.json
        if request.method == "POST":
            if self.lease is not None:
                return as_json(409, {"reason": "AlreadyExists"})
        elif self.lease is None:
            return as_json(404, {})
        elif body["metadata"]["resourceVersion"] != str(self.version):
            return as_json(409, {"reason": "Conflict"})
        else:
            assert request.method == "PATCH"
            assert request.headers["content-type"] == "application/merge-patch+json"
            kept = self.lease["metadata"]
            body["metadata"] = {**kept, **body["metadata"]}
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.lease = body
        return as_json(201 if request.method == "POST" else 200, body)
