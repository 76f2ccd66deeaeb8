"""The server behind `course serve`: OpenAI's API, as far as a model that writes text needs it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from utils.course.serving.answers import ChatAnswer, CompletionAnswer, usage
from utils.course.serving.doors import Json, LocalOnly, read_body, refusal, written
from utils.course.serving.requests import Order, OrderOf, chat_order, completion_order
from utils.course.serving.schema import document
from utils.course.serving.values import ApiError, parse_body, shown
from utils.data.texts.models import TextModel
from utils.data.texts.writing import Writing

__all__ = ["make_app"]

MOST_WAITING = 1024  # texts, over all requests
ARRIVAL = 20.0  # seconds that a request may take to arrive
PAGE = Path(__file__).with_name("page.html")
#: The page runs its own script, and talks to this server alone.
PAGE_RULES = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_END = object()


def make_app(
    opened: TextModel, allow_origins: Sequence[str] = (), arrival: float = ARRIVAL
) -> Starlette:
    """An ASGI application that writes with this model, for clients on this machine.

    Requests take turns, a token each. A client that goes away takes its request with it. Pages of
    `allow_origins` may call it from a browser, beside its own page at /. A request must be here
    after `arrival` seconds. Set `app.state.closing` before it is shut down: what is being written
    then ends at the next token.
    """
    api = _Api(opened, arrival)
    routes = [
        Route("/", api.greet),
        Route("/openapi.json", api.describe),
        Route("/v1/models", api.models),
        Route("/v1/models/{name:path}", api.model),
        Route("/v1/completions", api.complete, methods=["POST"]),
        Route("/v1/chat/completions", api.chat, methods=["POST"]),
    ]
    handlers: dict[Any, Callable[..., Any]] = {
        ApiError: lambda request, error: refusal(error),
        HTTPException: _http_error,
        ClientDisconnect: lambda request, error: Response(status_code=400),  # nobody reads it
        Exception: lambda request, error: refusal(ApiError(_internal(error), status=500)),
    }
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(allow_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
    )
    middleware = [Middleware(LocalOnly), *([cors] if allow_origins else [])]
    app = Starlette(routes=routes, exception_handlers=handlers, middleware=middleware)
    app.state.closing = False
    return app


def _internal(error: Exception) -> str:
    return f"The server failed: {type(error).__name__}: {error}"


def _http_error(request: Request, error: HTTPException) -> Response:
    said = f"There is no {request.method} {request.url.path} here: {error.detail}."
    answer = refusal(ApiError(said, status=error.status_code))
    answer.headers.update(error.headers or {})
    return answer


class _Api:
    def __init__(self, opened: TextModel, arrival: float) -> None:
        self.opened, self.began, self.arrival = opened, int(time.time()), arrival
        self.waiting = 0

    @cached_property  # as it needs the loop that the server runs in
    def _turn(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(1)

    @cached_property
    def _reader(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(1)

    async def greet(self, request: Request) -> Response:
        """A page to chat in, for browsers; for others, where what is."""
        if "text/html" in request.headers.get("accept", ""):
            headers = {"Content-Security-Policy": PAGE_RULES}
            return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers=headers)
        base = f"{request.base_url}v1"
        return PlainTextResponse(
            f"{self.opened.name} is served here. Point a client of OpenAI's API at {base}, or a "
            f"browser at {request.base_url} to chat.\n"
            f"Endpoints: {base}/chat/completions {base}/completions {base}/models "
            f"{request.base_url}openapi.json\n"
        )

    async def describe(self, request: Request) -> Response:
        """What this server understands, as OpenAPI has it."""
        return Json(document(self.opened))

    async def models(self, request: Request) -> Response:
        """The one model that there is, in a list."""
        return Json({"object": "list", "data": [self._described()]})

    async def model(self, request: Request) -> Response:
        """The one model, by its name."""
        name = request.path_params["name"]
        if name != self.opened.name:
            message = f"The model {shown(name)} does not exist; this server has "
            raise ApiError(f"{message}{self.opened.name!r}.", "model", "model_not_found", 404)
        return Json(self._described())

    def _described(self) -> dict[str, Any]:
        owner = "gpt-by-building"
        return {
            "id": self.opened.name, "object": "model", "created": self.began, "owned_by": owner
        }  # fmt: skip

    async def complete(self, request: Request) -> Response:
        """Go on with a text."""
        return await self._answer(request, completion_order, CompletionAnswer(self.opened))

    async def chat(self, request: Request) -> Response:
        """Answer the last message of a conversation."""
        return await self._answer(request, chat_order, ChatAnswer(self.opened))

    async def _answer(
        self, request: Request, order_of: OrderOf, shape: CompletionAnswer
    ) -> Response:
        raw = await read_body(request, self.arrival)
        body = parse_body(raw, request.headers.get("content-type", ""))
        # Long prompts take a while to read; the others go on meanwhile.
        order = await anyio.to_thread.run_sync(order_of, self.opened, body, limiter=self._reader)
        if self.waiting + len(order.writings) > MOST_WAITING:
            raise ApiError("Too many texts are waiting to be written: try again later.", status=429)
        if order.stream:
            return StreamingResponse(
                self._events(request, order, shape),
                media_type="text/event-stream",
                headers={"Cache-Control": "no-cache"},
            )
        async for _ in self._texts(request, order):
            pass
        if request.app.state.closing:
            raise ApiError("The server was ended.", status=503)
        choices = [shape.choice(i, writing) for i, writing in enumerate(order.writings)]
        return Json(shape.wrap(shape.whole, choices) | {"usage": usage(order)})

    async def _texts(self, request: Request, order: Order) -> AsyncIterator[tuple[int, str | None]]:
        """The pieces of all texts as they come, each with its place; None ends a text."""
        left = len(order.writings)
        self.waiting += left
        try:
            for i, writing in enumerate(order.writings):
                async for piece in self._pieces(request, writing):
                    yield i, piece
                yield i, None
                left, self.waiting = left - 1, self.waiting - 1
        finally:
            self.waiting -= left

    async def _pieces(self, request: Request, writing: Writing) -> AsyncIterator[str]:
        """The pieces of a text; nothing more once the client has gone."""
        pieces: Iterator[str] = iter(writing)
        try:
            while not (request.app.state.closing or await request.is_disconnected()):
                piece = await anyio.to_thread.run_sync(next, pieces, _END, limiter=self._turn)
                if piece is _END:
                    return
                yield piece
        finally:
            writing.stop()

    async def _events(
        self, request: Request, order: Order, shape: CompletionAnswer
    ) -> AsyncIterator[str]:
        begun = -1
        try:
            async for i, piece in self._texts(request, order):
                writing = order.writings[i]
                for first in shape.opening(i) if i > begun else ():
                    yield _event(shape.wrap(shape.chunk, [first]))
                begun = i
                choice = (
                    shape.ending(i, writing) if piece is None else shape.piece(i, piece, writing)
                )
                yield _event(shape.wrap(shape.chunk, [choice]))
            if request.app.state.closing:
                raise ApiError("The server was ended.", status=503)
            if order.usage_in_stream:
                yield _event(shape.wrap(shape.chunk, []) | {"usage": usage(order)})
        except ApiError as error:
            yield _event(error.body())
        except Exception as error:  # the status is sent already: the stream itself must say it
            yield _event(ApiError(_internal(error), status=500).body())
        yield "data: [DONE]\n\n"


def _event(content: dict[str, Any]) -> str:
    return f"data: {written(content).decode()}\n\n"
