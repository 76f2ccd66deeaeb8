"""What a client may ask of `course serve`, in the words of OpenAI's API, and what is wrong with it.

A request becomes an `Order`; one that can't raises `ApiError`, which becomes the API's own answer.
What chapter 08 teaches beyond OpenAI's own settings is named as vLLM and llama.cpp name it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from utils.course.serving.values import (
    MOST_TOKENS,
    ApiError,
    as_whole,
    kind,
    number,
    shown,
    stops,
    truth,
    whole,
)
from utils.data.texts.models import ROLES, Message, TextModel
from utils.data.texts.writing import PromptTooLong, Settings, Writing

__all__ = ["Order", "chat_order", "completion_order"]

#: Texts that one request may ask for, its prompts times n.
MOST_CHOICES = 128
MOST_MESSAGES = 2048
MOST_LOGPROBS, MOST_TOP_LOGPROBS = 5, 20
PENALTIES = (0.01, 10.0)
MOST_NAMES = ("max_completion_tokens", "max_tokens")
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
    "modalities": (["text"],),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
}
SHARED = frozenset(
    "logprobs max_tokens min_p model n repeat_penalty repetition_penalty seed stop stream "
    "stream_options temperature top_k top_p".split()
)


@dataclass(frozen=True)
class Order:
    """A request that can be met: a text to be written for each of `writings`, in their order."""

    writings: list[Writing]
    n_prompt: int
    stream: bool
    usage_in_stream: bool


def completion_order(opened: TextModel, body: Mapping[str, Any]) -> Order:
    """The order that a request to /v1/completions amounts to."""
    _check_names(body, {"prompt"})
    _check_model(opened, body)
    given = body.get("prompt", "")
    prompts = given if _is_batch(given) else [given]
    _check_amount(body, len(prompts))
    alternatives = whole(body, "logprobs", 0, MOST_LOGPROBS)
    ids = [_prompt_ids(opened, prompt) for prompt in prompts]
    return _order(opened, body, ids, "prompt", alternatives)


def chat_order(opened: TextModel, body: Mapping[str, Any]) -> Order:
    """The order that a request to /v1/chat/completions amounts to."""
    _check_names(body, {"messages", "max_completion_tokens", "top_logprobs"})
    _check_model(opened, body)
    _check_amount(body, 1)
    alternatives = _chat_logprobs(body)
    messages = _messages(body)
    try:
        ids = opened.encode_chat(messages)
    except ValueError as error:
        raise ApiError(str(error), "messages") from None
    return _order(opened, body, [ids], "messages", alternatives)


def _chat_logprobs(body: Mapping[str, Any]) -> int | None:
    wanted, count = truth(body, "logprobs"), whole(body, "top_logprobs", 0, MOST_TOP_LOGPROBS)
    if count and not wanted:
        raise ApiError("top_logprobs needs logprobs to be true.", "top_logprobs")
    return count or 0 if wanted else None


def _check_names(body: Mapping[str, Any], own: set[str]) -> None:
    for name, value in body.items():
        if name in SHARED | HARMLESS | own:
            continue
        if name not in NEUTRAL:
            raise ApiError(f"Unrecognized request argument supplied: {shown(name)[1:-1]}", name)
        same = isinstance(value, bool) == isinstance(NEUTRAL[name][0], bool)
        if not same or value not in NEUTRAL[name]:
            raise ApiError(
                f"This server can't do {name}: leave it out.", name, "unsupported_parameter"
            )


def _check_model(opened: TextModel, body: Mapping[str, Any]) -> None:
    name = body.get("model")
    if not isinstance(name, str):
        raise ApiError(f"Give the model's name: model={opened.name!r}.", "model")
    if name != opened.name:
        message = f"The model {shown(name)} does not exist; this server has {opened.name!r}."
        raise ApiError(message, "model", "model_not_found", 404)


def _check_amount(body: Mapping[str, Any], n_prompts: int) -> None:
    """Before any is read: reading them takes time as well."""
    n = whole(body, "n", 1, MOST_CHOICES) or 1
    if n_prompts * n > MOST_CHOICES:
        raise ApiError(
            f"{n_prompts:,} prompts and n={n} are {n_prompts * n:,} texts: ask for {MOST_CHOICES} "
            "at once at most.",
            "n" if n_prompts == 1 else "prompt",
        )


def _is_batch(prompt: Any) -> bool:
    """A list of prompts; one of numbers is a single prompt, in tokens."""
    return isinstance(prompt, list) and bool(prompt) and isinstance(prompt[0], str | list)


def _prompt_ids(opened: TextModel, prompt: Any) -> list[int]:
    if isinstance(prompt, list):
        return _checked_ids(opened, prompt)
    if not isinstance(prompt, str):
        raise ApiError(f"A prompt is text or a list of tokens, not {kind(prompt)}.", "prompt")
    try:
        return opened.encode(prompt)
    except ValueError as error:
        raise ApiError(str(error), "prompt") from None


def _checked_ids(opened: TextModel, ids: Sequence[Any]) -> list[int]:
    size, ids = opened.model.config.vocab_size, [as_whole(i) for i in ids]
    for i in ids:
        if type(i) is not int or not 0 <= i < size:
            raise ApiError(
                f"{shown(i)} is no token: they are numbers from 0 to {size - 1}.", "prompt"
            )
    if not ids:
        raise ApiError("A prompt is an empty list: give a token, or a text.", "prompt")
    return ids


def _messages(body: Mapping[str, Any]) -> list[Message]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError("messages must be a list with one message at least.", "messages")
    if len(messages) > MOST_MESSAGES:
        raise ApiError(
            f"These are {len(messages):,} messages: send the last {MOST_MESSAGES:,} at most.",
            "messages",
        )
    return [_message(message, f"messages[{i}]") for i, message in enumerate(messages)]


def _message(message: Any, place: str) -> Message:
    if not isinstance(message, dict):
        raise ApiError(f"{place} is {kind(message)}: give an object.", place)
    given = message.get("role")
    role = "system" if given == "developer" else given
    if not isinstance(role, str) or role not in ROLES:
        known = ", ".join(ROLES)
        raise ApiError(f"{place} has the role {shown(given)}: give one of {known}.", place)
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
    opened: TextModel,
    body: Mapping[str, Any],
    prompts: list[list[int]],
    param: str,
    alternatives: int | None,
) -> Order:
    seed, n = whole(body, "seed", -(1 << 63), (1 << 63) - 1), whole(body, "n", 1, MOST_CHOICES)
    shared = {**_settings(body), "alternatives": alternatives}
    options = body.get("stream_options", {})
    if not isinstance(options, dict):
        raise ApiError("stream_options must be an object.", "stream_options")
    try:
        writings = [
            Writing(opened, ids, Settings(**shared, seed=_moved(seed, choice)))
            for ids in prompts
            for choice in range(n or 1)
        ]
    except PromptTooLong as error:
        raise ApiError(str(error), param, "context_length_exceeded") from None
    usage = truth(options, "include_usage")
    return Order(writings, sum(map(len, prompts)), truth(body, "stream"), usage)


def _settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """How texts are to be written, of what is the same for all of them."""
    k = whole(body, "top_k", -1, MOST_TOKENS) or 0
    # Where a setting has two names, both are read: the one that gives way can be wrong as well.
    newer, older = (whole(body, name, 1, MOST_TOKENS) for name in MOST_NAMES)
    penalty = number(body, "repetition_penalty", 1.0, *reversed(PENALTIES))
    return {
        "max_tokens": older if newer is None else newer,
        "temperature": number(body, "temperature", 1.0, 2.0),
        "top_p": number(body, "top_p", 1.0, 1.0),
        "min_p": number(body, "min_p", 0.0, 1.0),
        "top_k": max(k, 0),  # 0 and -1 keep all tokens
        "repetition_penalty": number(body, "repeat_penalty", penalty, *reversed(PENALTIES)),
        "stop": stops(body),
    }


def _moved(seed: int | None, choice: int) -> int | None:
    """Each choice of a request has chances of its own."""
    return None if seed is None else (seed + choice) % (1 << 63)


OrderOf = Callable[[TextModel, Mapping[str, Any]], Order]
