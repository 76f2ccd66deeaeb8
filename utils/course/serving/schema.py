"""What `course serve` understands, as an OpenAPI document that other programs can read."""

from __future__ import annotations

from typing import Any

from utils.course.serving.requests import (
    HARMLESS,
    MOST_CHOICES,
    MOST_LOGPROBS,
    MOST_MESSAGES,
    MOST_TOP_LOGPROBS,
    NEUTRAL,
    PENALTIES,
)
from utils.course.serving.values import MOST_STOPS, MOST_TOKENS
from utils.data.texts.models import ROLES, TextModel

__all__ = ["document"]

Json = dict[str, Any]
STREAM = "text/event-stream"


def document(opened: TextModel) -> Json:
    """The OpenAPI document of a server that has this model."""
    name = opened.name
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"course serve: {name}",
            "version": "1",
            "description": "The parts of OpenAI's API that a model that writes text needs.",
        },
        "paths": {
            "/v1/models": {"get": _reading("The models that there are", _listed())},
            "/v1/models/{name}": {
                "get": _reading("The model of that name", _model(), 404)
                | {"parameters": [_named("name", name)]}
            },
            "/v1/completions": {
                "post": _writing("Go on with a text", _completion(opened), _completed())
            },
            "/v1/chat/completions": {
                "post": _writing("Answer a conversation", _chat(opened), _chatted())
            },
        },
        "components": {"schemas": {"Error": _error()}},
    }


def _reading(summary: str, answer: Json, *refusals: int) -> Json:
    return {"summary": summary, "responses": {"200": _told(summary, answer), **_refused(*refusals)}}


def _writing(summary: str, asked: Json, answer: Json) -> Json:
    told = _told("The texts; with stream, events that end with [DONE]", answer)
    told["content"][STREAM] = {}  # a schema is read as the whole stream's, or as each event's
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": {"200": told, **_refused(400, 404, 408, 413, 429, 500, 503)},
    }


def _told(summary: str, schema: Json) -> Json:
    return {"description": summary, "content": {"application/json": {"schema": schema}}}


def _refused(*statuses: int) -> Json:
    wrong = {"$ref": "#/components/schemas/Error"}
    said = {403: "Not asked from this machine", 405: "Not with this method"}
    return {
        str(status): _told(said.get(status, "What is wrong"), wrong)
        for status in sorted({403, 405, *statuses})
    }


def _named(name: str, value: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"enum": [value]}}


def _object(properties: Json, *required: str, closed: bool = False) -> Json:
    shape = {"type": "object", "properties": properties, "required": list(required)}
    return shape | ({"additionalProperties": False} if closed else {})


def _list(items: Json, **more: Any) -> Json:
    return {"type": "array", "items": items, **more}


def _or_null(schema: Json) -> Json:
    """Null stands for what is left out."""
    return {"anyOf": [schema, {"type": "null"}]}


def _whole(least: int, most: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}


def _number(least: float, most: float) -> Json:
    return {"type": "number", "minimum": least, "maximum": most}


TEXT: Json = {"type": "string"}
TRUTH: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}


def _shared(opened: TextModel) -> Json:
    """What both kinds of request can hold."""
    stop = {"type": "string", "minLength": 1}
    options: Json = {
        "max_tokens": _whole(1, MOST_TOKENS),
        "min_p": _number(0, 1),
        "n": _whole(1, MOST_CHOICES),
        "repeat_penalty": _number(*PENALTIES),
        "repetition_penalty": _number(*PENALTIES),
        "seed": _whole(-(1 << 63), (1 << 63) - 1),
        "stop": {"anyOf": [TEXT | {"minLength": 1}, _list(stop, maxItems=MOST_STOPS)]},
        "stream": TRUTH,
        "stream_options": _object({"include_usage": TRUTH}),
        "temperature": _number(0, 2),
        "top_k": _whole(-1, MOST_TOKENS),
        "top_p": _number(0, 1),
        **{name: {"enum": list(values)} for name, values in NEUTRAL.items()},
        **{name: {} for name in HARMLESS},
    }
    return {name: _or_null(schema) for name, schema in options.items()} | {
        "model": {"enum": [opened.name]}
    }


def _completion(opened: TextModel) -> Json:
    tokens = _list(_whole(0, opened.model.config.vocab_size - 1), minItems=1)
    several = [_list(TEXT, minItems=1), _list(tokens, minItems=1)]
    prompt = {"anyOf": [TEXT, tokens, *several, {"type": "null"}]}
    asked = {"prompt": prompt, "logprobs": _or_null(_whole(0, MOST_LOGPROBS))}
    return _object(_shared(opened) | asked, "model", closed=True)


def _chat(opened: TextModel) -> Json:
    part = _object({"type": {"const": "text"}, "text": TEXT}, "type", "text")
    content = {"anyOf": [TEXT, _list(part)]}
    message = _object({"role": {"enum": [*ROLES, "developer"]}, "content": content}, "role")
    asked: Json = {
        "messages": _list(message | {"required": ["role", "content"]}, minItems=1)
        | {"maxItems": MOST_MESSAGES},
        "max_completion_tokens": _or_null(_whole(1, MOST_TOKENS)),
        "logprobs": _or_null(TRUTH),
        "top_logprobs": _or_null(_whole(0, MOST_TOP_LOGPROBS)),
    }
    return _object(_shared(opened) | asked, "model", "messages", closed=True)


def _answer(kind: str, choice: Json) -> Json:
    told = {
        "index": COUNT,
        "finish_reason": {"enum": ["stop", "length"]},
        "logprobs": {"type": ["object", "null"]},
    }
    usage = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), COUNT)
    answer = {
        "id": TEXT,
        "object": {"const": kind},
        "created": COUNT,
        "model": TEXT,
        "choices": _list(_object(told | choice, *told, *choice), minItems=1),
        "usage": _object(usage, *usage),
    }
    return _object(answer, *answer)


def _completed() -> Json:
    return _answer("text_completion", {"text": TEXT})


def _chatted() -> Json:
    message: Json = {"role": {"const": "assistant"}, "content": TEXT, "refusal": {"type": "null"}}
    return _answer("chat.completion", {"message": _object(message, *message)})


def _model() -> Json:
    told = {"id": TEXT, "object": {"const": "model"}, "created": COUNT, "owned_by": TEXT}
    return _object(told, *told)


def _listed() -> Json:
    told = {"object": {"const": "list"}, "data": _list(_model())}
    return _object(told, *told)


def _error() -> Json:
    maybe = {"type": ["string", "null"]}
    inside = {"message": TEXT, "type": TEXT, "param": maybe, "code": maybe}
    return _object({"error": _object(inside, *inside)}, "error")
