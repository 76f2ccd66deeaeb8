"""Exercise 11.8: what keys and values take in memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import counting


def cache_bytes(
    n_layers: int, n_kv_heads: int, d_head: int, n_tokens: int, bytes_per_number: int
) -> int:
    """The bytes of a cache: a key and a value for each token, in each layer and head of theirs."""
    return 2 * n_layers * n_kv_heads * d_head * n_tokens * bytes_per_number


Sizes = tuple[int, int, int, int, int]


def _bytes(
    *sizes: int,
    both: int = 2,
    powers: tuple[int, int, int, int, int] = (1, 1, 1, 1, 1),
    finish: Callable[[int], Any] = lambda n: n,
) -> Any:
    """The bytes with a bend where a wrong turn wants one."""
    factors = [size**power for size, power in zip(sizes, powers, strict=True)]
    return finish(both * math.prod(factors))


def _but(place: int, power: int = 0) -> dict[str, Any]:
    return {"powers": tuple(power if i == place else 1 for i in range(5))}


_SLIPS: dict[str, dict[str, Any]] = {
    "You counted keys or values alone: both are kept, so twice as much.": {"both": 1},
    "You counted three matrices: queries are not kept, keys and values are.": {"both": 3},
    "Your number is twice what it should be: keys and values, once each.": {"both": 4},
    "The layers are missing: each has a cache of its own.": _but(0),
    "The heads are missing: each head of the keys has its own columns.": _but(1),
    "d_head is missing: a key is a vector of so many numbers.": _but(2),
    "The tokens are missing: each token read leaves a key and a value.": _but(3),
    "The bytes of a number are missing: what you count is numbers.": _but(4),
    "Heads were counted twice: n_kv_heads · d_head is all of a key's width.": _but(1, 2),
    "d_head was counted twice: a key is a vector of d_head numbers.": _but(2, 2),
    "The tokens were counted twice: that would be the attention weights, which nobody keeps.": (
        _but(3, 2)
    ),
    "You counted bits: a byte has eight.": {"finish": lambda n: 8 * n},
    "You divided by 8: bytes_per_number is in bytes already.": {"finish": lambda n: n // 8},
    "You gave kibibytes: give bytes.": {"finish": lambda n: n / 1024},
    "You gave megabytes: give bytes.": {"finish": lambda n: n / 1e6},
    "You gave mebibytes: give bytes.": {"finish": lambda n: n / 2**20},
    "You gave kilobytes: give bytes.": {"finish": lambda n: n / 1000},
    "It came back as text: return the number.": {"finish": str},
}


def _always(width: int) -> Callable[..., int]:
    return lambda *sizes: _bytes(*sizes[:4], width)


def _added(*sizes: int) -> int:
    return 2 * sum(sizes)


def _weights(layers: int, heads: int, width: int, tokens: int, each: int) -> int:
    """The attention weights, which nobody keeps."""
    return layers * heads * tokens**2 * each


def _one_fewer(layers: int, heads: int, width: int, tokens: int, each: int) -> int:
    return _bytes(layers, heads, width, tokens - 1, each)


def _layer_by_layer(
    n_layers: int, n_kv_heads: int, d_head: int, n_tokens: int, bytes_per_number: int
) -> int:
    total = 0
    for _ in range(n_layers):
        keys = values = n_kv_heads * d_head * n_tokens
        total += (keys + values) * bytes_per_number
    return total


CACHE_BYTES = Exercise(
    id="11.8",
    title="The cache",
    minutes=4,
    stars=1,
    reference=cache_bytes,
    probes=[
        (3, 5, 7, 11, 4),
        (1, 1, 1, 1, 2),
        (2, 3, 16, 50, 2),
        (30, 3, 64, 8192, 2),
        (5, 2, 8, 13, 1),
        (4, 7, 5, 1, 8),
    ],
    mistakes={said: partial(_bytes, **slip) for said, slip in _SLIPS.items()}
    | {
        "Every number takes 4 bytes in yours: take bytes_per_number.": _always(4),
        "Every number takes 2 bytes in yours: take bytes_per_number.": _always(2),
        "n_tokens² stands where d_head · n_tokens should: each token leaves d_head numbers a head, "
        "whatever the others do.": partial(_bytes, powers=(1, 1, 0, 2, 1)),
        "d_head and n_tokens were added: each token leaves d_head numbers a head, so multiply.": (
            lambda layers, heads, width, tokens, each: 2 * layers * heads * (width + tokens) * each
        ),
        "d_head and the heads were added: each head keeps d_head numbers a token, so multiply.": (
            lambda layers, heads, width, tokens, each: 2 * layers * (heads + width) * tokens * each
        ),
        "The layers were added, and not multiplied: each keeps so much.": (
            lambda layers, heads, width, tokens, each: 2 * (layers + heads * width * tokens * each)
        ),
        "d_head was divided by the heads: it is the width of one head already.": (
            lambda layers, heads, width, tokens, each: 2 * layers * width * tokens * each // heads
        ),
        "The sizes were added: each multiplies the others.": _added,
        "You counted the attention weights, T × T of them: what is kept is keys and values.": (
            _weights
        ),
        "The last token is missing: every token read leaves a key and a value.": _one_fewer,
    },
    together={
        (one, other): partial(_bytes, **_SLIPS[one], **_SLIPS[other])
        for one, other in combinations(_SLIPS, 2)
        if not _SLIPS[one].keys() & _SLIPS[other].keys()
    },
    alternatives={
        "layer by layer": _layer_by_layer,
        "a product of a list": lambda *sizes: math.prod([*sizes, 2]),
    },
    call=counting,
)
