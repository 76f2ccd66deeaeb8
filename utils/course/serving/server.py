"""The server behind `course serve`: OpenAI's API, as far as a model that writes text needs it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from utils.course.serving.answers import ChatAnswer, CompletionAnswer, usage
from utils.course.serving.requests import (
    ApiError,
    Order,
    OrderOf,
    chat_order,
    completion_order,
    parse_body,
)
from utils.data.texts.models import TextModel
from utils.data.texts.writing import Writing

__all__ = ["make_app"]

MOST_BYTES = 1 << 20
LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})
_END = object()


def make_app(opened: TextModel) -> Starlette:
    """An ASGI application that writes with this model, for clients on this machine.

    Requests take turns, a token each. A client that goes away takes its request with it.
    """
    api = _Api(opened)
    routes = [
        Route("/", api.greet),
        Route("/v1/models", api.models),
        Route("/v1/models/{name:path}", api.model),
        Route("/v1/completions", api.complete, methods=["POST"]),
        Route("/v1/chat/completions", api.chat, methods=["POST"]),
    ]
    handlers: dict[Any, Callable[..., Any]] = {
        ApiError: lambda request, error: _told(error),
        HTTPException: _http_error,
        Exception: lambda request, error: _told(ApiError(_internal(error), status=500)),
    }
    return Starlette(
        routes=routes, exception_handlers=handlers, middleware=[Middleware(_LocalOnly)]
    )


def _told(error: ApiError) -> JSONResponse:
    return JSONResponse(error.body(), status_code=error.status)


def _internal(error: Exception) -> str:
    return f"The server failed: {type(error).__name__}: {error}"


def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    said = f"There is no {request.method} {request.url.path} here: {error.detail}."
    return _told(ApiError(said, status=error.status_code))


class _Api:
    def __init__(self, opened: TextModel) -> None:
        self.opened, self.began = opened, int(time.time())
        self._turn: anyio.CapacityLimiter | None = None

    async def greet(self, request: Request) -> Response:
        """What a person sees who opens the address in a browser."""
        base = f"{request.base_url}v1"
        return PlainTextResponse(
            f"{self.opened.name} is served here. Point a client of OpenAI's API at {base}\n"
            f"Endpoints: {base}/chat/completions {base}/completions {base}/models\n"
        )

    async def models(self, request: Request) -> Response:
        """The one model that there is, in a list."""
        return JSONResponse({"object": "list", "data": [self._described()]})

    async def model(self, request: Request) -> Response:
        """The one model, by its name."""
        name = request.path_params["name"]
        if name != self.opened.name:
            message = f"The model {name!r} does not exist; this server has {self.opened.name!r}."
            raise ApiError(message, "model", "model_not_found", 404)
        return JSONResponse(self._described())

    def _described(self) -> dict[str, Any]:
        owner = "gpt-by-building"
        return {
            "id": self.opened.name, "object": "model", "created": self.began, "owned_by": owner
        }  # fmt: skip

    async def complete(self, request: Request) -> Response:
        """Go on with a text."""
        return await self._answer(request, completion_order, CompletionAnswer(self.opened.name))

    async def chat(self, request: Request) -> Response:
        """Answer the last message of a conversation."""
        return await self._answer(request, chat_order, ChatAnswer(self.opened.name))

    async def _answer(
        self, request: Request, order_of: OrderOf, shape: CompletionAnswer
    ) -> Response:
        body = parse_body(await _body(request), request.headers.get("content-type", ""))
        order = order_of(self.opened, body)
        if order.stream:
            return StreamingResponse(
                self._events(request, order, shape),
                media_type="text/event-stream",
                headers={"Cache-Control": "no-cache"},
            )
        for writing in order.writings:
            async for _ in self._pieces(request, writing):
                pass
        choices = [shape.choice(i, writing) for i, writing in enumerate(order.writings)]
        return JSONResponse(shape.wrap(shape.whole, choices) | {"usage": usage(order)})

    async def _pieces(self, request: Request, writing: Writing) -> AsyncIterator[str]:
        """The pieces of a text as they come; nothing more once the client has gone."""
        if self._turn is None:  # needs the loop that the server runs in
            self._turn = anyio.CapacityLimiter(1)
        pieces: Iterator[str] = iter(writing)
        try:
            while not await request.is_disconnected():
                piece = await anyio.to_thread.run_sync(next, pieces, _END, limiter=self._turn)
                if piece is _END:
                    return
                yield piece
        finally:
            writing.stop()

    async def _events(
        self, request: Request, order: Order, shape: CompletionAnswer
    ) -> AsyncIterator[str]:
        try:
            for i, writing in enumerate(order.writings):
                for first in shape.opening(i):
                    yield _event(shape.wrap(shape.chunk, [first]))
                async for piece in self._pieces(request, writing):
                    yield _event(shape.wrap(shape.chunk, [shape.piece(i, piece)]))
                yield _event(shape.wrap(shape.chunk, [shape.ending(i, writing)]))
            if order.usage_in_stream:
                yield _event(shape.wrap(shape.chunk, []) | {"usage": usage(order)})
        except Exception as error:  # the status is sent already: the stream itself must say it
            yield _event(ApiError(_internal(error), status=500).body())
        yield "data: [DONE]\n\n"


class _LocalOnly:
    """A page of another site, whose name was made to mean this machine, must not get through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name in LOCAL:
            await self._app(scope, receive, send)
            return
        refusal = ApiError(f"This server answers to localhost, not to {host!r}.", status=403)
        await _told(refusal)(scope, receive, send)


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise ApiError(f"The body is larger than {MOST_BYTES:,} bytes.", status=413)
    return body


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"
