"""Chapter 08, the cache: keys and values that are kept."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from utils.course.compare import difference
from utils.course.exercise import Exercise
from utils.course.exercises.probing import uniform

KeysAndValues = tuple[Tensor, Tensor]

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
    axis: int = 2,
    room: Callable[[Any], float] = lambda cache: cache.keys.shape[2],
    moves: Callable[[int], int] = lambda n: n,
    returns: Callable[[Any, int], slice] = lambda cache, n: slice(cache.length),
) -> KeysAndValues:
    """Append with a bend where a wrong turn wants one."""
    n = k.shape[axis]
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


def _checked_too_late(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    cache.length += k.shape[2]
    if cache.length >= cache.keys.shape[2]:
        raise ValueError("full")
    cache.length -= k.shape[2]
    return _append(cache, k, v)


def _one_by_one(cache: Any, k: Tensor, v: Tensor) -> KeysAndValues:
    for i in range(k.shape[2]):
        if cache.length == cache.keys.shape[2]:
            raise ValueError("the room is full")
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


def appended(answer: Callable[..., Any], room: int, chunks: list[KeysAndValues]) -> Any:
    """Append chunk after chunk to an empty cache: what came back, and what is in its memory."""
    batch, heads, _, width = chunks[0][0].shape
    memory = torch.zeros(2, batch, heads, room, width)
    cache = SimpleNamespace(keys=memory[0], values=memory[1], length=0)
    found = []
    for k, v in chunks:
        got = answer(cache, k, v)
        if not isinstance(got, tuple | list) or len(got) != 2:
            return got
        keys, values = (x.clone() if isinstance(x, Tensor) else x for x in got)
        found.append((keys, values, cache.length))
    return found, memory


WHOLE_ROOM = (
    "The whole room was returned, empty places too, and zeros take part in a softmax: return the "
    "first cache.length tokens."
)
BEHIND_THE_ROOM = (
    "The new tokens were put behind the whole room, and its zeros stand between: write them into "
    "it, at cache.length."
)
NEW_ALONE = "Only the new tokens were returned: the next query looks at all of them."


def explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Name the append, and what departs first after it."""
    names = ("the keys", "the values", "cache.length")
    room, chunks = args
    for i, (wanted, found) in enumerate(zip(expected[0], got[0], strict=True)):
        n, n_returned = chunks[i][0].shape[2], found[0].shape[2]
        lengths = {room: WHOLE_ROOM, room + n: BEHIND_THE_ROOM, n: NEW_ALONE}
        if n_returned != wanted[0].shape[2] and n_returned in lengths:
            return lengths[n_returned]
        for name, *pair in zip(names, wanted, found, strict=True):
            if departs := difference(*pair):
                tokens = "1 token" if n == 1 else f"{n} tokens"
                return f"append number {i + 1}, of {tokens}: {name}: {departs.text}"
    return "What is returned is right, but it was not written into the cache's own memory."


def _chunks(b: int, h: int, d: int, room: int, *lengths: int) -> tuple[int, list[KeysAndValues]]:
    chunks = []
    for i, n in enumerate(lengths):
        k, v = uniform(2, b, h, n, d, seed=1000 * b + 100 * h + 10 * d + i)
        chunks.append((k, v))
    return room, chunks


APPEND = Exercise(
    id="8.8",
    title="Append to the cache",
    minutes=10,
    stars=2,
    reference=append,
    probes=[
        _chunks(1, 1, 1, 3, 1, 1),
        _chunks(1, 1, 2, 4, 3, 1),
        _chunks(2, 3, 2, 6, 2, 3, 1),
        _chunks(1, 2, 3, 5, 1, 1, 1),
        _chunks(1, 1, 1, 2, 2, 1),
        _chunks(3, 1, 4, 3, 2, 2),
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
        WHOLE_ROOM: _bent(returns=lambda cache, n: slice(None)),
        NEW_ALONE: _bent(returns=lambda cache, n: slice(cache.length - n, cache.length)),
        "The tokens were written at the front, over the old ones: begin at cache.length.": _bent(
            start=lambda cache, n: 0
        ),
        "The tokens were written at the end of the room: begin at cache.length.": _bent(
            start=lambda cache, n: cache.keys.shape[2] - n
        ),
        "`torch.cat` takes new memory for all tokens, each time: write into the room that the "
        "cache has, cache.keys[:, :, start:end] = k.": _joined,
        "`torch.cat` takes new memory for all tokens, each time, and so the room is never full: "
        "write into cache.keys[:, :, start:end].": _joined_for_good,
        BEHIND_THE_ROOM: _joined_behind_the_room,
        "Keys and values are swapped in what you return: keys first.": lambda cache, k, v: _append(
            cache, k, v
        )[::-1],
        "Keys went to the values, and values to the keys.": lambda cache, k, v: _append(
            cache, v, k
        ),
        "The keys were written twice, the values not at all.": lambda cache, k, v: _append(
            cache, k, k
        ),
        "Heads were counted for tokens: the tokens' axis is the third, k.shape[2].": _bent(axis=1),
        "Texts were counted for tokens: the tokens' axis is the third, k.shape[2].": _bent(axis=0),
        "The new tokens came in backwards: keep their order.": _written_backwards,
        "Nobody looked whether there is room. A single token too many vanishes in silence, since "
        "the slice beyond the end is empty: raise ValueError.": _bent(room=lambda cache: 1e9),
        "The room was refused before it was full: its last place may be taken.": _checked_too_late,
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
