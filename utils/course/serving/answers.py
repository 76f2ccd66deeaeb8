"""The answers of `course serve` in the shapes of OpenAI's API, whole or in chunks."""

from __future__ import annotations

import time
import uuid
from typing import Any

from utils.course.serving.requests import Order
from utils.data.texts.writing import Writing

__all__ = ["ChatAnswer", "CompletionAnswer", "usage"]

Json = dict[str, Any]


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

    def __init__(self, model: str) -> None:
        self._model, self._id = model, f"{self.prefix}-{uuid.uuid4().hex}"
        self._created = int(time.time())

    def wrap(self, kind: str, choices: list[Json]) -> Json:
        """The envelope around choices."""
        told = {"id": self._id, "object": kind, "created": self._created, "model": self._model}
        return told | {"choices": choices}

    def choice(self, index: int, writing: Writing) -> Json:
        """A whole text."""
        return self._choice(index, {"text": writing.text}, writing.finish_reason)

    def opening(self, index: int) -> list[Json]:
        """What a stream says before the first piece."""
        return []

    def piece(self, index: int, text: str) -> Json:
        """A piece of a text."""
        return self._choice(index, {"text": text}, None)

    def ending(self, index: int, writing: Writing) -> Json:
        """What a stream says after the last piece."""
        return self._choice(index, {"text": ""}, writing.finish_reason)

    @staticmethod
    def _choice(index: int, content: Json, reason: str | None) -> Json:
        return {"index": index, **content, "logprobs": None, "finish_reason": reason}


class ChatAnswer(CompletionAnswer):
    """An answer of /v1/chat/completions."""

    prefix, whole, chunk = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def choice(self, index: int, writing: Writing) -> Json:
        message = {"role": "assistant", "content": writing.text, "refusal": None}
        return self._choice(index, {"message": message}, writing.finish_reason)

    def opening(self, index: int) -> list[Json]:
        return [self._choice(index, {"delta": {"role": "assistant", "content": ""}}, None)]

    def piece(self, index: int, text: str) -> Json:
        return self._choice(index, {"delta": {"content": text}}, None)

    def ending(self, index: int, writing: Writing) -> Json:
        return self._choice(index, {"delta": {}}, writing.finish_reason)
