"""What stands between the network and the API: who is let in, how long one may take to knock."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import anyio
import h11
import uvicorn
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from utils.course.serving.values import ApiError

__all__ = ["Json", "LocalOnly", "Server", "read_body", "refusal", "written"]

MOST_BYTES = 1 << 20
LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEADERS = 10.0  # seconds that the head of a request may take


def written(content: Any) -> bytes:
    """JSON in UTF-8. Half a pair of surrogates, which UTF-8 can't write, is escaped."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")  # \ud83d, as JSON has it too


class Json(JSONResponse):
    """An answer in JSON, whatever characters a client has sent."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return written(content)


def refusal(error: ApiError) -> Json:
    """The answer that an error becomes."""
    # What was not read of a request that came too slowly must not be read as the next one.
    headers = {408: {"Connection": "close"}, 429: {"Retry-After": "1"}}.get(error.status)
    return Json(error.body(), status_code=error.status, headers=headers)


async def read_body(request: Request, seconds: float) -> bytes:
    """All that a request holds. Raises ApiError where it is too much, or takes too long to come."""
    body = bytearray()
    with anyio.move_on_after(seconds):
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BYTES:
                raise ApiError(f"The body is larger than {MOST_BYTES:,} bytes.", status=413)
        return bytes(body)
    raise ApiError(f"The body was not here after {seconds:g} seconds.", status=408)


class LocalOnly:
    """A page of another site, whose name was made to mean this machine, must not get through.

    What is cut off because the server ends, ends without a word.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name not in LOCAL:
            said = f"This server answers to localhost, not to {host!r}."
            await refusal(ApiError(said, status=403))(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if not scope["app"].state.closing:
                raise
            if not begun:
                await refusal(ApiError("The server was ended.", status=503))(scope, receive, send)


class Watched(H11Protocol):
    """A connection that is closed where the head of a request doesn't come in time."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unwatch()

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:  # the head is here; `read_body` times the rest
            self._unwatch()
        elif self._limit is None:
            self._limit = self.loop.call_later(HEADERS, self.transport.abort)

    def _unwatch(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


class Server(uvicorn.Server):
    """Ends at Ctrl-C as soon as a token is done, in silence."""

    def __init__(self, app: Any) -> None:
        self._app = app
        super().__init__(
            uvicorn.Config(
                app,
                http=Watched,
                log_level="warning",
                lifespan="off",
                timeout_graceful_shutdown=2,
                server_header=False,
            )
        )

    def handle_exit(self, sig: int, frame: Any) -> None:
        """What a signal does."""
        self._app.state.closing = True
        super().handle_exit(sig, frame)

    def run(self, sockets: Any = None) -> None:
        """Serve until a signal comes."""
        with contextlib.suppress(KeyboardInterrupt):
            super().run(sockets)
