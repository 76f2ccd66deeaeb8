"""The answers of `course serve` in the shapes of OpenAI's API, whole or in chunks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from typing import Any

from utils.course.serving.requests import Order
from utils.data.texts.models import TextModel
from utils.data.texts.writing import Chance, Writing

__all__ = ["ChatAnswer", "CompletionAnswer", "usage"]

Json = dict[str, Any]
LEAST_LOGPROB = -9999.0  # instead of −inf, which JSON can't write


def usage(order: Order) -> dict[str, int]:
    """How many tokens were read and written."""
    written = sum(len(writing.ids) for writing in order.writings)
    return {
        "prompt_tokens": order.n_prompt,
        "completion_tokens": written,
        "total_tokens": order.n_prompt + written,
    }


class CompletionAnswer:
    """An answer of /v1/completions; all of its chunks have one id."""

    prefix, whole, chunk = "cmpl", "text_completion", "text_completion"

    def __init__(self, opened: TextModel) -> None:
        self._opened, self._id = opened, f"{self.prefix}-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._told: dict[int, int] = {}  # tokens of a choice whose chances were sent

    def wrap(self, kind: str, choices: list[Json]) -> Json:
        """The envelope around choices."""
        told = {"id": self._id, "object": kind, "created": self._created}
        return told | {"model": self._opened.name, "choices": choices}

    def choice(self, index: int, writing: Writing) -> Json:
        """A whole text."""
        return self._choice(index, {"text": writing.text}, writing, writing.finish_reason)

    def opening(self, index: int) -> list[Json]:
        """What a stream says before the first piece."""
        return []

    def piece(self, index: int, text: str, writing: Writing) -> Json:
        """A piece of a text."""
        return self._choice(index, {"text": text}, writing)

    def ending(self, index: int, writing: Writing) -> Json:
        """What a stream says after the last piece."""
        return self._choice(index, {"text": ""}, writing, writing.finish_reason)

    def _choice(
        self, index: int, content: Json, writing: Writing, reason: str | None = None
    ) -> Json:
        told = self._told.get(index, 0)
        fresh = writing.chances[told : len(writing.ids)]
        self._told[index] = told + len(fresh)
        wanted = writing.settings.alternatives is not None
        logprobs = self._logprobs(fresh) if wanted else None
        return {"index": index, **content, "logprobs": logprobs, "finish_reason": reason}

    def _logprobs(self, chances: Iterable[Chance]) -> Json:
        told: Json = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        place = 0
        for chance in chances:
            text = self._text(chance.token)
            told["tokens"].append(text)
            told["token_logprobs"].append(_written(chance.logprob))
            top = {self._text(token): _written(value) for token, value in chance.likeliest}
            told["top_logprobs"].append(top)
            told["text_offset"].append(place)
            place += len(text)
        return told

    def _bytes(self, token: int) -> bytes:
        encoding = self._opened.encoding
        if encoding is None:
            return self._opened.decode([token]).encode()
        try:
            return encoding.decode_single_token_bytes(token)
        except KeyError:  # a row of the model that its tokenizer does not know
            return b""

    def _text(self, token: int) -> str:
        return self._bytes(token).decode(errors="replace")


class ChatAnswer(CompletionAnswer):
    """An answer of /v1/chat/completions."""

    prefix, whole, chunk = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def choice(self, index: int, writing: Writing) -> Json:
        message = {"role": "assistant", "content": writing.text, "refusal": None}
        return self._choice(index, {"message": message}, writing, writing.finish_reason)

    def opening(self, index: int) -> list[Json]:
        delta = {"role": "assistant", "content": ""}
        return [{"index": index, "delta": delta, "logprobs": None, "finish_reason": None}]

    def piece(self, index: int, text: str, writing: Writing) -> Json:
        return self._choice(index, {"delta": {"content": text}}, writing)

    def ending(self, index: int, writing: Writing) -> Json:
        return self._choice(index, {"delta": {}}, writing, writing.finish_reason)

    def _logprobs(self, chances: Iterable[Chance]) -> Json:
        content = [
            self._token(chance.token, chance.logprob)
            | {"top_logprobs": [self._token(token, value) for token, value in chance.likeliest]}
            for chance in chances
        ]
        return {"content": content, "refusal": None}

    def _token(self, token: int, logprob: float) -> Json:
        told = {"token": self._text(token), "logprob": _written(logprob)}
        return told | {"bytes": list(self._bytes(token))}


def _written(logprob: float) -> float:
    return max(logprob, LEAST_LOGPROB)
