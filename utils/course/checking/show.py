"""Results in few characters, and two of them so that one sees where they differ."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

LIMIT = 76
DEPTH = 8  # a list may hold itself


def show(value: Any, limit: int = LIMIT, digits: int = 4) -> str:
    """A value in few characters, floats to four digits: `[0.7311, 0.2689]`. Never raises."""
    try:
        text = _show(value, limit, digits, DEPTH)
    except Exception:  # somebody's own `repr` may do anything
        text = f"{a_kind(value)} that can't be shown"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def apart(
    expected: Any, got: Any, path: tuple[Step, ...] = (), limit: int = LIMIT
) -> tuple[str, str] | None:
    """Both results with as many digits as tell them apart; None where nothing does.

    Where a whole result is too long, or shows no difference, the part is shown that `path`, from
    the outside in, leads to, and its place.
    """
    cut = None
    for n in range(len(path) + 1):
        if n:
            try:
                expected, got = path[n - 1].into(expected), path[n - 1].into(got)
            except Exception:  # the two are not of one form
                break
        where = f" at {place(path[:n])}" if n else ""
        shown = _told_apart(expected, got, limit)
        if shown and not any(text.endswith("…") for text in shown):
            return shown[0] + where, shown[1] + where
        cut = cut or shown
    shown = _kinds_apart(expected, got) or _window(expected, got, limit) or cut
    return (shown[0] + where, shown[1] + where) if shown and n else shown


def _told_apart(expected: Any, got: Any, limit: int) -> tuple[str, str] | None:
    for digits in range(4, 18):
        shown = show(expected, limit, digits), show(got, limit, digits)
        if shown[0] != shown[1]:
            return shown
    return None


def _kinds_apart(expected: Any, got: Any) -> tuple[str, str] | None:
    kinds = a_kind(expected), a_kind(got)
    shown = show(expected), show(got)
    if kinds[0] == kinds[1] or shown[0] != shown[1]:
        return None
    return f"{shown[0]} ({kinds[0]})", f"{shown[1]} ({kinds[1]})"


def _window(expected: Any, got: Any, limit: int) -> tuple[str, str] | None:
    """Two long texts from a little before the first character in which they differ."""
    texts = show(expected, 100_000, 17), show(got, 100_000, 17)
    pairs = enumerate(itertools.zip_longest(*texts))
    first = next((i for i, (a, b) in pairs if a != b), None)
    if first is None:
        return None
    start, end = max(first - 20, 0), max(first - 20, 0) + limit - 2
    before = "…" if start else ""
    shown = [before + text[start:end] + ("…" if len(text) > end else "") for text in texts]
    return shown[0], shown[1]


class Step:
    """One step from a result to a part of it: an item, a key, or a place in a tensor."""

    def __init__(self, how: str, key: Any, name: str = "") -> None:
        self.how, self.key, self.name = how, key, name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and (self.how, self.key) == (other.how, other.key)

    __hash__ = None

    def __str__(self) -> str:
        return self.name or f"{self.how} {show(self.key)}".strip()

    def into(self, value: Any) -> Any:
        """The part of `value` that this step leads to."""
        return value[self.key]


def place(path: Iterable[Step]) -> str:
    """Where a part lies: `index 1, key 'a', [0, 2]`."""
    steps = list(path)
    inside = [step.key for step in steps if not step.how]
    named = [str(step) for step in steps if step.how]
    return ", ".join(named + [show(inside)] * bool(inside))


def a_kind(value: Any) -> str:
    """What a value is, with its article: `a tensor of shape (2, 3)`, `an int`, `None`."""
    if isinstance(value, Tensor | np.ndarray):
        name = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{name} of shape {tuple(value.shape)}"
    names = {"int": "an int", "NoneType": "None"}
    name = type(value).__name__
    return names.get(name, f"an {name}" if name[0] in "aeiou" else f"a {name}")


def _show(value: Any, room: int, digits: int, depth: int) -> str:
    if depth == 0:
        return "…"
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        return _float(float(value), digits)
    if isinstance(value, int | np.integer):
        return _whole(int(value))
    if isinstance(value, Tensor | np.ndarray):
        return _array(value, room, digits, depth)
    if isinstance(value, Mapping):
        shown = (
            f"{_show(k, room, digits, depth - 1)}: {_show(v, room, digits, depth - 1)}"
            for k, v in value.items()
        )
        return "{" + _joined(shown, room) + "}"
    if isinstance(value, tuple | list):
        shown = (_show(v, room, digits, depth - 1) for v in value)
        inner = _joined(shown, room)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return repr(value)


def _joined(texts: Iterable[str], room: int) -> str:
    """Texts with commas between them, no more than a reader will see."""
    kept, length = [], 0
    for text in texts:
        kept.append(text)
        length += len(text) + 2
        if length > room:
            return ", ".join([*kept, "…"])
    return ", ".join(kept)


def _float(value: float, digits: int) -> str:
    if value.is_integer() and abs(value) < 1e16:
        return str(int(value))  # a whole number in full; and 0 for −0
    return f"{value:.{digits}g}"


def _whole(value: int) -> str:
    n_digits = int(abs(value).bit_length() * math.log10(2)) + 1
    return str(value) if n_digits < 4000 else f"a whole number of some {n_digits} digits"


def _array(value: Tensor | np.ndarray, room: int, digits: int, depth: int) -> str:
    if isinstance(value, Tensor):
        value = value.detach()
        if value.is_meta or value.layout != torch.strided:
            return repr(value)
    if value.ndim == 0:
        return _show(value.item(), room, digits, depth)
    if math.prod(value.shape) > 16:
        return a_kind(value).split(" ", 1)[1]
    return _show(value.tolist(), room, digits, depth)
