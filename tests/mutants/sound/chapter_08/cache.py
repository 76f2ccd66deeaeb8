"""Sound answers to exercise 8.8."""

from __future__ import annotations

from mutants.cases import sounds
from torch import Tensor


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


sounds(
    "8.8",
    whole=lambda *a: filled(*a),
    a_list=lambda *a: [*filled(*a)],
    cloned=lambda *a: tuple(x.clone() for x in filled(*a)),
)
