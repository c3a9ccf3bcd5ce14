"""What answers before there is a request: bytes that are no HTTP, refused in ARM's shape."""

import logging
from typing import Final

import orjson
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from azuresim.errors import ArmError

log = logging.getLogger(__name__)

WORDS: Final = {
    400: ("BadRequest", "The request is not valid HTTP."),
    408: ("RequestTimeout", "The request did not arrive in time."),
    500: ("InternalServerError", "The simulator has a bug; its log tells more."),
}


class Handler(RequestHandler):
    """One connection's protocol, with refusals like those of the requests that were understood."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what failed outside the pipeline and close the connection.

        Raises:
            ConnectionError: If part of an answer is out already.
        """
        del message  # it quotes the client's bytes
        if status >= 500:
            log.error("Failed to answer a request", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("A part of the answer was sent already.")
        code, text = WORDS.get(status, WORDS[400] if status < 500 else WORDS[500])
        body = orjson.dumps(ArmError(status, code, text).body())
        response = web.Response(status=status, body=body, content_type="application/json")
        response.force_close()
        return response


class Front(web.Server):
    """Makes a `Handler` for each connection."""

    def __call__(self) -> RequestHandler:
        """Return the protocol for a new connection."""
        return Handler(self, loop=self._loop, **self._kwargs)
