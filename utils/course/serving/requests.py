"""What a client may ask of `course serve`, in the words of OpenAI's API, and what is wrong with it.

A request becomes an `Order`; one that can't raises `ApiError`, which becomes the API's own answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from utils.data.texts.models import ROLES, Message, TextModel
from utils.data.texts.writing import PromptTooLong, Settings, Writing

__all__ = ["ApiError", "Order", "chat_order", "completion_order", "parse_body"]

MOST_CHOICES, MOST_STOPS, MOST_TOKENS = 128, 4, 1 << 31
#: What does not change which text is written: taken, and left alone.
HARMLESS = frozenset(
    "metadata parallel_tool_calls prompt_cache_key reasoning_effort safety_identifier "
    "service_tier store user verbosity".split()
)
#: What this server can't do, and the values of it that ask for nothing.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "best_of": (1,),
    "echo": (False,),
    "frequency_penalty": (0,),
    "function_call": ("none",),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
}
SHARED = frozenset("max_tokens model n seed stop stream stream_options temperature top_p".split())


class ApiError(Exception):
    """An answer that says what is wrong, in the API's own shape."""

    def __init__(
        self, message: str, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status

    def body(self) -> dict[str, Any]:
        """What the client is sent."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        told = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": told}


@dataclass(frozen=True)
class Order:
    """A request that can be met: a text to be written for each of `writings`, in their order."""

    writings: list[Writing]
    n_prompt: int
    stream: bool
    usage_in_stream: bool


def parse_body(body: bytes, content_type: str) -> dict[str, Any]:
    """The object that a request holds."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ApiError(
            f"The content type is {content_type or 'missing'!r}: send JSON, with the header "
            "Content-Type: application/json."
        )
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"The body is not JSON: {error}.") from None
    if not isinstance(content, dict):
        raise ApiError(f"The body is {_kind(content)}: send a JSON object.")
    return {name: value for name, value in content.items() if value is not None}


def completion_order(opened: TextModel, body: Mapping[str, Any]) -> Order:
    """The order that a request to /v1/completions amounts to."""
    _check_names(body, {"prompt"})
    _check_model(opened, body)
    given = body.get("prompt", "")
    prompts = given if _is_batch(given) else [given]
    return _order(opened, body, [_prompt_ids(opened, prompt) for prompt in prompts], "prompt")


def chat_order(opened: TextModel, body: Mapping[str, Any]) -> Order:
    """The order that a request to /v1/chat/completions amounts to."""
    _check_names(body, {"messages", "max_completion_tokens"})
    _check_model(opened, body)
    messages = _messages(body)
    try:
        ids = opened.encode_chat(messages)
    except ValueError as error:
        raise ApiError(str(error), "messages") from None
    renamed = {"max_tokens": body["max_completion_tokens"]} if _longer_name(body) else {}
    return _order(opened, {**body, **renamed}, [ids], "messages")


def _longer_name(body: Mapping[str, Any]) -> bool:
    return "max_completion_tokens" in body


def _check_names(body: Mapping[str, Any], own: set[str]) -> None:
    for name, value in body.items():
        if name in SHARED | HARMLESS | own:
            continue
        if name not in NEUTRAL:
            raise ApiError(f"Unrecognized request argument supplied: {name}", name)
        if value not in NEUTRAL[name]:
            raise ApiError(
                f"This server can't do {name}: leave it out.", name, "unsupported_parameter"
            )


def _check_model(opened: TextModel, body: Mapping[str, Any]) -> None:
    name = body.get("model")
    if not isinstance(name, str):
        raise ApiError(f"Give the model's name: model={opened.name!r}.", "model")
    if name != opened.name:
        message = f"The model {name!r} does not exist; this server has {opened.name!r}."
        raise ApiError(message, "model", "model_not_found", 404)


def _is_batch(prompt: Any) -> bool:
    """A list of prompts; one of numbers is a single prompt, in tokens."""
    return isinstance(prompt, list) and bool(prompt) and isinstance(prompt[0], str | list)


def _prompt_ids(opened: TextModel, prompt: Any) -> list[int]:
    if isinstance(prompt, list):
        return _checked_ids(opened, prompt)
    if not isinstance(prompt, str):
        raise ApiError(f"A prompt is text or a list of tokens, not {_kind(prompt)}.", "prompt")
    try:
        return opened.encode(prompt)
    except ValueError as error:
        raise ApiError(str(error), "prompt") from None


def _checked_ids(opened: TextModel, ids: Sequence[Any]) -> list[int]:
    size = opened.model.config.vocab_size
    for i in ids:
        if type(i) is not int or not 0 <= i < size:
            raise ApiError(f"{i!r} is no token: they are numbers from 0 to {size - 1}.", "prompt")
    if not ids:
        raise ApiError("A prompt is an empty list: give a token, or a text.", "prompt")
    return list(ids)


def _messages(body: Mapping[str, Any]) -> list[Message]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError("messages must be a list with one message at least.", "messages")
    return [_message(message, f"messages[{i}]") for i, message in enumerate(messages)]


def _message(message: Any, place: str) -> Message:
    if not isinstance(message, dict):
        raise ApiError(f"{place} is {_kind(message)}: give an object.", place)
    role = {"developer": "system"}.get(message.get("role"), message.get("role"))
    if role not in ROLES:
        raise ApiError(f"{place} has the role {role!r}: give one of {', '.join(ROLES)}.", place)
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part(part, place) for part in content)
    if not isinstance(content, str):
        raise ApiError(f"{place} has no content that is text.", f"{place}.content")
    return {"role": role, "content": content}


def _part(part: Any, place: str) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return part["text"]
    raise ApiError(f"{place} has content that is not text, and the model reads text.", place)


def _order(
    opened: TextModel, body: Mapping[str, Any], prompts: list[list[int]], param: str
) -> Order:
    seed, n = _whole(body, "seed", -(1 << 63), 1 << 63), _whole(body, "n", 1, MOST_CHOICES) or 1
    shared = {
        "max_tokens": _whole(body, "max_tokens", 1, MOST_TOKENS),
        "temperature": _number(body, "temperature", 1.0, 2.0),
        "top_p": _number(body, "top_p", 1.0, 1.0),
        "stop": _stops(body),
    }
    options = body.get("stream_options", {})
    if not isinstance(options, dict):
        raise ApiError("stream_options must be an object.", "stream_options")
    try:
        writings = [
            Writing(opened, ids, Settings(**shared, seed=_moved(seed, choice)))
            for ids in prompts
            for choice in range(n)
        ]
    except PromptTooLong as error:
        raise ApiError(str(error), param, "context_length_exceeded") from None
    usage = _truth(options, "include_usage")
    return Order(writings, sum(map(len, prompts)), _truth(body, "stream"), usage)


def _moved(seed: int | None, choice: int) -> int | None:
    """Each choice of a request has chances of its own."""
    return None if seed is None else (seed + choice) % (1 << 63)


def _whole(body: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not least <= value <= most:
        between = f"at least {least}" if most >= MOST_TOKENS else f"from {least} to {most}"
        between = "" if name == "seed" else f", {between}"
        raise ApiError(f"{name} is {value!r}: give a whole number{between}.", name)
    return value


def _number(body: Mapping[str, Any], name: str, otherwise: float, most: float) -> float:
    value = body.get(name, otherwise)
    sound = isinstance(value, int | float) and not isinstance(value, bool)
    if not sound or not math.isfinite(value) or not 0 <= value <= most:
        raise ApiError(f"{name} is {value!r}: give a number from 0 to {most:g}.", name)
    return float(value)


def _truth(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise ApiError(f"{name} is {value!r}: give true or false.", name)
    return value


def _stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    given = body.get("stop", [])
    stops = [given] if isinstance(given, str) else given
    are_texts = isinstance(stops, list) and all(isinstance(s, str) and s for s in stops)
    if not are_texts or len(stops) > MOST_STOPS:
        raise ApiError(
            f"stop is {given!r}: give a text, or a list of {MOST_STOPS} at most, none of them "
            "empty.",
            "stop",
        )
    return tuple(stops)


_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a number" if isinstance(value, int | float) else "null")


OrderOf = Callable[[TextModel, Mapping[str, Any]], Order]
