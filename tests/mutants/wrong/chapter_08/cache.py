"""Wrong answers to exercise 8.8."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, wrongs
from torch import Tensor


def written(
    model: object,
    ids: list[int],
    most: int,
    choose: object,
    stop: int,
    read: object = lambda ids, new: ids + new,
    pick: object = lambda logits: logits[0, -1],
    out: object = lambda ids, new: new,
    ends: bool = True,
) -> object:
    """The loop, with a line of the learner's own."""
    new: list[int] = []
    for _ in range(most):
        token = choose(pick(model(torch.tensor([read(ids, new)]))))
        if token == stop and ends:
            break
        new.append(token)
    return out(ids, new)


def filled(
    cache: object,
    k: Tensor,
    v: Tensor,
    end: object = lambda cache, k: cache.length + k.shape[2],
    room: object = lambda cache: cache.keys.shape[2],
    moved: object = lambda end: end,
    shown: object = lambda cache, end: slice(end),
) -> tuple:
    """The append, with a line of the learner's own."""
    stop = end(cache, k)
    if stop > room(cache):
        raise ValueError("there is no room")
    cache.keys[:, :, cache.length : stop] = k
    cache.values[:, :, cache.length : stop] = v
    part = shown(cache, stop)
    cache.length = moved(stop)
    return cache.keys[:, :, part], cache.values[:, :, part]


def unpacked(cache: object, k: Tensor, v: Tensor) -> tuple:
    """Takes a tensor of four axes for one of three."""
    _batch, _heads, _n = k.shape
    return filled(cache, k, v)


def to_the_end(cache: object, k: Tensor, v: Tensor) -> tuple:
    """Writes into all of the rest."""
    end = cache.length + k.shape[2]
    if end > cache.keys.shape[2]:
        raise ValueError("full")
    cache.keys[:, :, cache.length :] = k[:, :, -1:]
    cache.values[:, :, cache.length :] = v[:, :, -1:]
    cache.keys[:, :, cache.length : end], cache.values[:, :, cache.length : end] = k, v
    cache.length = end
    return cache.keys[:, :, :end], cache.values[:, :, :end]


wrongs(
    "8.8",
    says=ANY,
    unpack=unpacked,
)
wrongs(
    "8.8",
    says="Behind the new tokens the rest of the room",
    rest_filled=to_the_end,
)
wrongs(
    "8.8",
    says="Append number",
    heads=lambda *a: filled(*a, room=lambda cache: cache.keys.shape[1]),
    texts=lambda *a: filled(*a, room=lambda cache: len(cache.keys)),
)
wrongs(
    "8.8",
    says="There may be several new tokens, and you made",
    one_token=lambda *a: filled(*a, end=lambda cache, k: cache.length + 1),
)
wrongs(
    "8.8",
    says="Nobody looked whether there is room. A single",
    no_check=lambda *a: filled(*a, room=lambda cache: math.inf),
)
wrongs(
    "8.8",
    says="The room was refused before it was full: its",
    one_short=lambda *a: filled(*a, room=lambda cache: cache.keys.shape[2] - 1),
)
wrongs(
    "8.8",
    says="cache.length stayed where it was, so the next",
    stays=lambda cache, *a: filled(cache, *a, moved=lambda end, n=cache.length: n),
)
wrongs(
    "8.8",
    says="The whole room was returned, empty places",
    everything=lambda *a: filled(*a, shown=lambda cache, end: slice(None)),
)
wrongs(
    "8.8",
    says="Only the new tokens were returned: the next",
    new_alone=lambda *a: filled(*a, shown=lambda cache, end: slice(cache.length, end)),
)
wrongs(
    "8.8",
    says="What you return ends before the new tokens: a",
    before=lambda *a: filled(*a, shown=lambda cache, end: slice(cache.length)),
)
wrongs(
    "8.8",
    says="Keys and values are swapped in what you",
    turned=lambda *a: filled(*a)[::-1],
)
wrongs(
    "8.8",
    says="The keys were written twice, the values not",
    keys_twice=lambda cache, k, v: filled(cache, k, k),
)
wrongs(
    "8.8",
    says="Keys went to the values, and values to the",
    exchanged=lambda cache, k, v: filled(cache, v, k),
)
wrongs(
    "8.8",
    says="The new tokens came in backwards: keep their",
    flipped=lambda cache, k, v: filled(cache, k.flip(2), v.flip(2)),
)
wrongs(
    "8.8",
    says="Of several new tokens only the first was",
    first_token=lambda cache, k, v: filled(cache, k[:, :, :1], v[:, :, :1]),
)
wrongs(
    "8.8",
    says="append number 1, of 1 token: cache.length:",
    joined=lambda cache, k, v: (
        (
            torch.cat([cache.keys[:, :, : cache.length], k], 2),
            torch.cat([cache.values[:, :, : cache.length], v], 2),
        )
    ),
)
