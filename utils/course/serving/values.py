"""Single values of a request, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = [
    "ApiError",
    "as_whole",
    "kind",
    "number",
    "parse_body",
    "shown",
    "stops",
    "truth",
    "whole",
]

MOST_STOPS, MOST_TOKENS = 4, 1 << 31
_SHOWN = 80  # characters of a wrong value that its refusal repeats


class ApiError(Exception):
    """An answer that says what is wrong, in the API's own shape."""

    def __init__(
        self, message: str, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status

    def body(self) -> dict[str, Any]:
        """What the client is sent."""
        otherwise = "server_error" if self.status >= 500 else "invalid_request_error"
        sort = {429: "rate_limit_error"}.get(self.status, otherwise)
        told = {"message": str(self), "type": sort, "param": self.param, "code": self.code}
        return {"error": told}


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
        raise ApiError(f"The body is {kind(content)}: send a JSON object.")
    return {name: value for name, value in content.items() if value is not None}


def whole(body: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """A whole number within limits; None where it is not given."""
    value = as_whole(body.get(name))
    if value is None:
        return None
    if type(value) is not int or not least <= value <= most:
        between = f"at least {least}" if most >= MOST_TOKENS else f"from {least} to {most}"
        between = "" if name == "seed" else f", {between}"
        raise ApiError(f"{name} is {shown(value)}: give a whole number{between}.", name)
    return value


def as_whole(value: Any) -> Any:
    """2 for 2.0, which JSON doesn't tell apart; all else as it is."""
    return int(value) if type(value) is float and value.is_integer() else value


def number(
    body: Mapping[str, Any], name: str, otherwise: float, most: float, least: float = 0
) -> float:
    """A number within limits."""
    value = body.get(name, otherwise)
    # No `float(value)` before it is known to be small: a whole number can have 400 digits.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        raise ApiError(f"{name} is {shown(value)}: give a number from {least:g} to {most:g}.", name)
    return float(value)


def truth(body: Mapping[str, Any], name: str) -> bool:
    """True or false; false where it is not given."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise ApiError(f"{name} is {shown(value)}: give true or false.", name)
    return value


def stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts that end an answer."""
    given = body.get("stop", [])
    texts = [given] if isinstance(given, str) else given
    are_texts = isinstance(texts, list) and all(isinstance(s, str) and s for s in texts)
    if not are_texts or len(texts) > MOST_STOPS:
        raise ApiError(
            f"stop is {shown(given)}: give a text, or a list of {MOST_STOPS} at most, none of them "
            "empty.",
            "stop",
        )
    return tuple(texts)


def shown(value: Any) -> str:
    """A value as a refusal repeats it: not all of it, where it is long.

    >>> shown([1, "a"]), shown("b" * 100)[-6:]
    ("[1, 'a']", 'bbbbb…')
    """
    try:
        text = repr(value)
    except RecursionError:
        return f"{kind(value)}, deeply nested"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}


def kind(value: Any) -> str:
    """What kind of value that is, in JSON's words."""
    return _KINDS.get(type(value), "a number" if isinstance(value, int | float) else "null")
