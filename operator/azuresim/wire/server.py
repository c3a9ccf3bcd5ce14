"""HTTPS on a listening socket: bytes in, bytes out, nothing about Azure."""

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from aiohttp import ClientError, web
from aiohttp.http_exceptions import BadHttpMessage

from azuresim.errors import ArmError
from azuresim.faults.rules import CutError
from azuresim.wire.answer import Answer, refusal
from azuresim.wire.front import Front
from azuresim.wire.pipeline import Pipeline
from azuresim.wire.request import LARGEST_BODY, Request

PATIENCE_S: Final = 60.0
"""How long a body may take to arrive (source: assumed)."""

LINGER_S: Final = 2.0
"""How long the rest of a refused body is read, so that the client sees the answer."""

STOP_S: Final = 5.0
"""How long a stop waits for requests under way."""

READS: Final = frozenset({"GET", "HEAD"})

HOST: Final = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")

log = logging.getLogger(__name__)


class Server:
    """Serves a pipeline until it is stopped.

    Args:
        pipeline: Answers the requests.
        context: The server's side of TLS.
        patience_s: Real seconds in which a request's body must arrive.
        settle: Waited for before a write is answered: what stands behind the wire follows. Bounded.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        context: ssl.SSLContext,
        patience_s: float = PATIENCE_S,
        settle: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._context = context
        self._settle = settle
        self._patience_s = patience_s
        front = Front(self._handle, access_log=None, auto_decompress=False, lingering_time=LINGER_S)
        self._runner = web.ServerRunner(front, shutdown_timeout=STOP_S)
        self._base = ""

    async def start(self, host: str, port: int) -> str:
        """Listen and return the address clients are to use, `https://host:port`."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._context)
        await site.start()
        actual = self._runner.addresses[0][1]
        self._base = f"https://{host}:{actual}"
        return self._base

    async def stop(self) -> None:
        """Stop listening and let requests under way end."""
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            async with asyncio.timeout(self._patience_s):
                body = await _read(request)
        except TimeoutError:
            return _last(ArmError(408, "RequestTimeout", "The request's body did not arrive."))
        except (ClientError, web.RequestPayloadError, BadHttpMessage) as error:
            log.debug("Failed to read a body", exc_info=error)
            return _last(ArmError(400, "BadRequest", "The request's body is not valid HTTP."))
        asked = Request(
            verb=request.method,
            raw_path=request.rel_url.raw_path,
            query={name.casefold(): value for name, value in request.query.items()},
            headers=request.headers,
            body=body,
            base=self._base_for(request),
        )
        try:
            answer = self._pipeline.serve(asked)
        except CutError as cut:
            await asyncio.sleep(cut.silence_s)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        except Exception:  # the last line: a bug is the client's 500, never its hang
            log.exception("Failed to answer a request")
            message = "The simulator has a bug; its log tells more."
            answer = refusal(ArmError(500, "InternalServerError", message))
        if self._settle is not None and request.method not in READS:
            await self._settle()
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        response = _response(answer)
        if body is None:
            response.force_close()  # the rest of the body was never read
        return response

    def _base_for(self, request: web.BaseRequest) -> str:
        """Return the address the client used, so that links lead back the same way."""
        host = request.headers.get("Host", "")
        return f"https://{host}" if HOST.fullmatch(host) else self._base


async def _read(request: web.BaseRequest) -> bytes | None:
    """Return the body, or None if it is too large to be taken."""
    if (request.content_length or 0) > LARGEST_BODY:
        return None
    chunks, size = [], 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > LARGEST_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _last(error: ArmError) -> web.Response:
    """Return the answer to a request whose end was never seen; nothing can follow it."""
    response = _response(refusal(error))
    response.force_close()
    return response


def _response(answer: Answer) -> web.Response:
    if answer.body is None:
        return web.Response(status=answer.status, headers=answer.headers)
    headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
    return web.Response(status=answer.status, body=orjson.dumps(answer.body), headers=headers)
