"""Chapter 08, the cache: keys and values that are kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_08.appending import (
    BEHIND_THE_ROOM,
    NEW_ALONE,
    WHOLE_ROOM,
    KeysAndValues,
    appended,
)
from utils.course.exercises.probing import uniform

# 8.8 · append


def append(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    """Write k and v (B, H, n, D) behind what is kept; all keys and values so far, (B, H, T, D).

    Raises ValueError where they don't fit.
    """
    return _append(cache, k, v)


def _append(
    cache: Any,
    k: Tensor,
    v: Tensor,
    *,
    start: Callable[[Any, int], int] = lambda cache, n: cache.length,
    tokens: Callable[[Tensor], int] = lambda k: k.shape[2],
    room: Callable[[Any], float] = lambda cache: cache.keys.shape[2],
    moves: Callable[[int], int] = lambda n: n,
    returns: Callable[[Any, int], slice] = lambda cache, n: slice(cache.length),
) -> KeysAndValues:
    """Append with a bend where a wrong turn wants one."""
    n = tokens(k)
    if cache.length + n > room(cache):
        raise ValueError(f"{n} more tokens do not fit")
    first = start(cache, n)
    cache.keys[:, :, first : first + n] = k
    cache.values[:, :, first : first + n] = v
    cache.length += moves(n)
    shown = returns(cache, n)
    return cache.keys[:, :, shown], cache.values[:, :, shown]


def _bent(**changes: Any) -> Callable[..., KeysAndValues]:
    return lambda *args: _append(*args, **changes)


_append_unchecked = _bent(room=lambda cache: math.inf)


def _joined(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    """New memory for each token: right in what it returns, and all is copied each time."""
    if cache.length + k.shape[2] > cache.keys.shape[2]:
        raise ValueError("no room")
    keys = torch.cat([cache.keys[:, :, : cache.length], k], dim=2)
    values = torch.cat([cache.values[:, :, : cache.length], v], dim=2)
    left = cache.keys.shape[2] - keys.shape[2]
    cache.keys, cache.values = (torch.nn.functional.pad(x, (0, 0, 0, left)) for x in (keys, values))
    cache.length += k.shape[2]
    return keys, values


def _joined_behind_the_room(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    cache.keys = torch.cat([cache.keys, k], dim=2)
    cache.values = torch.cat([cache.values, v], dim=2)
    cache.length += k.shape[2]
    return cache.keys, cache.values


def _joined_for_good(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    """The cache holds just what there is, so that it grows: no room is ever full."""
    cache.keys = torch.cat([cache.keys[:, :, : cache.length], k], dim=2)
    cache.values = torch.cat([cache.values[:, :, : cache.length], v], dim=2)
    cache.length += k.shape[2]
    return cache.keys, cache.values


def _written_backwards(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    return _append(cache, k.flip(2), v.flip(2))


def _oldest_dropped(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    over = cache.length + k.shape[2] - cache.keys.shape[2]
    if over > 0:
        cache.keys[:, :, :-over] = cache.keys[:, :, over:].clone()
        cache.values[:, :, :-over] = cache.values[:, :, over:].clone()
        cache.length -= over
    return _append(cache, k, v)


def _moved_first(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    cache.length += k.shape[2]
    if cache.length > cache.keys.shape[2]:
        raise ValueError("full")
    cache.length -= k.shape[2]
    return _append(cache, k, v)


def _written_first(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    start, left = cache.length, cache.keys.shape[2] - cache.length
    cache.keys[:, :, start : start + k.shape[2]] = k[:, :, :left]
    cache.values[:, :, start : start + k.shape[2]] = v[:, :, :left]
    return _append(cache, k, v)


def _moved_and_written_first(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    for i in range(k.shape[2]):
        if cache.length == cache.keys.shape[2]:
            raise ValueError("full")
        _append(cache, k[:, :, i : i + 1], v[:, :, i : i + 1])
    return cache.keys[:, :, : cache.length], cache.values[:, :, : cache.length]


def _only_when_full(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    if cache.length >= cache.keys.shape[2]:
        raise ValueError("full")
    return _append_unchecked(cache, k, v)


def _left_to_torch(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    try:
        return _append_unchecked(cache, k, v)
    except RuntimeError as error:
        raise ValueError("full") from error


def _filled_up(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    left = cache.keys.shape[2] - cache.length
    if k.shape[2] > left:
        raise ValueError("full")
    for memory, new in ((cache.keys, k), (cache.values, v)):
        memory[:, :, cache.length :] = new[:, :, -1:].expand(-1, -1, left, -1)
    return _append(cache, k, v)


def _values_forgotten(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    return _append(cache, k, torch.zeros_like(v))


def _joined_without_room(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    if cache.length + k.shape[2] > cache.keys.shape[2]:
        raise ValueError("no room")
    return _joined_for_good(cache, k, v)


def _joined_and_forgotten(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    start, cache.length = cache.length, cache.length + k.shape[2]
    if cache.length > cache.keys.shape[2]:
        cache.length = start
        raise ValueError("no room")
    keys, values = cache.keys[:, :, :start], cache.values[:, :, :start]
    return torch.cat([keys, k], dim=2), torch.cat([values, v], dim=2)


def _one_by_one(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    if k.shape[2] > cache.keys.shape[2] - cache.length:
        raise ValueError("there is not so much room")
    for i in range(k.shape[2]):
        cache.keys[:, :, cache.length] = k[:, :, i]
        cache.values[:, :, cache.length] = v[:, :, i]
        cache.length = cache.length + 1
    return cache.keys[:, :, : cache.length], cache.values[:, :, : cache.length]


def _narrowed(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    start, n = cache.length, k.shape[-2]
    if n > cache.keys.size(-2) - start:
        raise ValueError("too many")
    for memory, new in ((cache.keys, k), (cache.values, v)):
        memory.narrow(-2, start, n).copy_(new)
    cache.length = start + n
    return [memory.narrow(2, 0, start + n) for memory in (cache.keys, cache.values)]


def _by_index(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    places = torch.arange(cache.length, cache.length + k.shape[2])
    if len(places) and places[-1] >= cache.keys.shape[2]:
        raise ValueError("no place")
    cache.keys.index_copy_(2, places, k)
    cache.values.index_copy_(2, places, v)
    cache.length += len(places)
    return cache.keys[:, :, : cache.length].clone(), cache.values[:, :, : cache.length].clone()


OVERWRITTEN = (
    "Behind the new tokens the rest of the room was written over: they go from cache.length to the "
    "new end, cache.keys[:, :, cache.length : end]."
)
NOT_KEPT = "What is returned is right, but it was not written into the cache's own memory."


def explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Name the append, and what departs first after it."""
    names = ("the keys", "the values", "cache.length")
    _, chunks = args
    if isinstance(got, str):
        return got
    for i, (wanted, found) in enumerate(zip(expected[0], got[0], strict=True)):
        n = chunks[i][0].shape[2]
        for name, *pair in zip(names, wanted, found, strict=True):
            if departs := difference(*pair):
                tokens = "1 token" if n == 1 else f"{n} tokens"
                return f"append number {i + 1}, of {tokens}: {name}: {departs.text}"
    end = expected[0][-1][2]
    written = torch.equal(got[1][..., :end, :], expected[1][..., :end, :])
    return OVERWRITTEN if written else NOT_KEPT


def _chunks(b: int, h: int, d: int, room: int, *lengths: int) -> tuple[int, list[KeysAndValues]]:
    chunks = []
    for i, n in enumerate(lengths):
        k, v = uniform(2, b, h, n, d, seed=1000 * b + 100 * h + 10 * d + i)
        chunks.append((k, v))
    return room, chunks


APPEND = Exercise(
    id="8.8",
    title="Append to the cache",
    minutes=8,
    stars=2,
    reference=append,
    probes=[
        _chunks(1, 2, 1, 5, 1, 1),
        _chunks(1, 1, 2, 4, 3, 1),
        _chunks(2, 3, 2, 6, 2, 3, 1),
        _chunks(1, 2, 3, 5, 1, 1, 1),
        _chunks(1, 1, 1, 2, 2, 1),
        _chunks(3, 1, 4, 3, 2, 2),
        _chunks(2, 1, 2, 5, 2, 2),
    ],
    mistakes={
        "cache.length stayed where it was, so the next tokens overwrite these: move it on.": _bent(
            moves=lambda n: 0, returns=lambda cache, n: slice(cache.length + n)
        ),
        "cache.length stayed where it was, and what you return ends before the new tokens: move it "
        "on by n.": _bent(moves=lambda n: 0),
        "cache.length moved on by 1, but n tokens came, k.shape[2].": _bent(moves=lambda n: 1),
        "What you return ends before the new tokens: a token looks at itself as well, so move "
        "cache.length on first.": _bent(returns=lambda cache, n: slice(cache.length - n)),
        OVERWRITTEN: _filled_up,
        WHOLE_ROOM: _bent(returns=lambda cache, n: slice(None)),
        NEW_ALONE: _bent(returns=lambda cache, n: slice(cache.length - n, cache.length)),
        "The tokens were written at the front, over the old ones: begin at cache.length.": _bent(
            start=lambda cache, n: 0
        ),
        "The tokens were written at the end of the room: begin at cache.length.": _bent(
            start=lambda cache, n: cache.keys.shape[2] - n
        ),
        "New memory is taken for all tokens, each time, as `torch.cat` does: write into the room "
        "that the cache has, cache.keys[:, :, start:end] = k.": _joined,
        "What you return is right for once, but nothing was kept: write into the cache, "
        "cache.keys[:, :, start:end] = k.": _joined_and_forgotten,
        "The new memory holds just what there is, as `torch.cat` makes it, and the next token "
        "finds no room in it: write into the room that the cache has, "
        "cache.keys[:, :, start:end] = k.": (_joined_without_room),
        "New memory is taken for all tokens, each time, and so the room is never full: "
        "write into cache.keys[:, :, start:end].": _joined_for_good,
        BEHIND_THE_ROOM: _joined_behind_the_room,
        "Of n new tokens only the last was kept: write all of them, from cache.length to "
        "cache.length + n.": lambda cache, k, v: _append(cache, k[:, :, -1:], v[:, :, -1:]),
        "Keys and values are swapped in what you return: keys first.": lambda cache, k, v: _append(
            cache, k, v
        )[::-1],
        "The values were not written: keep both, keys and values.": _values_forgotten,
        "cache.length moved on before the tokens were written, so that they came behind their "
        "place: keep the old length, and begin there.": _bent(
            start=lambda cache, n: cache.length + n
        ),
        "Keys went to the values, and values to the keys.": lambda cache, k, v: _append(
            cache, v, k
        ),
        "The keys were written twice, the values not at all.": lambda cache, k, v: _append(
            cache, k, k
        ),
        "Heads were counted for tokens: the tokens' axis is the third, k.shape[2].": _bent(
            tokens=lambda k: k.shape[1]
        ),
        "Texts were counted for tokens: the tokens' axis is the third, k.shape[2].": _bent(
            tokens=lambda k: k.shape[0]
        ),
        "The width D was counted for tokens: the tokens' axis is the third, k.shape[2].": _bent(
            tokens=lambda k: k.shape[3]
        ),
        "There may be several new tokens, and you made a place for 1: the new end is "
        "cache.length + k.shape[2].": _bent(tokens=lambda k: 1),
        "Of several new tokens only the first was kept: there are k.shape[2].": (
            lambda cache, k, v: _append(cache, k[:, :, :1], v[:, :, :1])
        ),
        "The new tokens came in backwards: keep their order.": _written_backwards,
        "Nobody looked whether there is room. A single token too many vanishes in silence, since "
        "the slice beyond the end is empty: raise ValueError.": _append_unchecked,
        "The room was refused before it was full: its last place may be taken.": _bent(
            room=lambda cache: cache.keys.shape[2] - 1
        ),
        "The room was refused only once it was full: what must fit is the new end, "
        "cache.length + k.shape[2].": _only_when_full,
        "You left it to PyTorch to notice. A single token too many vanishes in silence, since the "
        "slice beyond the end is empty: compare the new end with the room.": _left_to_torch,
        "The append was refused, but cache.length had moved on already: look whether there is room "
        "before you change anything.": _moved_first,
        "The append was refused, but what still fitted had been written already: look whether "
        "there is room before you change anything.": _written_first,
        "The append was refused, but some of its tokens had been kept already: look whether there "
        "is room for all of them before you change anything.": _moved_and_written_first,
        "The oldest tokens were dropped to make room. Those that stay were computed with them, at "
        "other places: raise ValueError.": _oldest_dropped,
    },
    alternatives={
        "one by one": _one_by_one,
        "narrow": _narrowed,
        "index_copy": _by_index,
    },
    call=appended,
    explain=explain,
)
