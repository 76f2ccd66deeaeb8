"""Chapter 05: the size of a block."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from torch import nn

from utils.course.checking.exercise import Exercise

# 5.5 · count a block's parameters


def block_parameters(d_model: int, n_heads: int) -> tuple[int, int, int]:
    """Numbers that are learned in the two norms, in attention, and in the feed-forward layer."""
    return _count(d_model, n_heads)


def _count(
    c: int,
    heads: int,
    *,
    norms_: Callable[[int], int] = lambda c: 2 * (c + c),
    attention: Callable[[int, int], int] = lambda c, heads: 4 * (c * c + c),
    forward: Callable[[int], int] = lambda c: (c * 4 * c + 4 * c) + (4 * c * c + c),
) -> tuple[int, int, int]:
    return norms_(c), attention(c, heads), forward(c)


def _count_modules(c: int, heads: int) -> list[int]:
    parts: list[list[nn.Module]] = [
        [nn.LayerNorm(c, device="meta") for _ in range(2)],
        [nn.Linear(c, 3 * c, device="meta"), nn.Linear(c, c, device="meta")],
        [nn.Linear(c, 4 * c, device="meta"), nn.Linear(4 * c, c, device="meta")],
    ]
    return [sum(p.numel() for layer in part for p in layer.parameters()) for part in parts]


def _count_head_by_head(c: int, heads: int) -> np.ndarray:
    width = c // heads
    of_a_head = 3 * (c * width + width) + width * c
    return np.array([4 * c, heads * of_a_head + c, 8 * c**2 + 5 * c])


def _without_biases(c: int, heads: int) -> tuple[int, int, int]:
    return _count(c, heads, attention=lambda c, h: 4 * c * c, forward=lambda c: 8 * c * c)


BLOCK_PARAMETERS = Exercise(
    id="5.5",
    title="Count a block's parameters",
    minutes=8,
    stars=2,
    reference=block_parameters,
    probes=[(2, 1), (6, 3), (8, 2), (768, 12), (1600, 25)],
    mistakes={
        "The biases of the matrices are missing, in attention and in the feed-forward "
        "layer.": _without_biases,
        "The biases of attention are missing: 3C for queries, keys and values, C for the last "
        "projection.": partial(_count, attention=lambda c, h: 4 * c * c),
        "The biases of the feed-forward layer are missing: 4C inside, C at the end.": partial(
            _count, forward=lambda c: 8 * c * c
        ),
        "The second bias of the feed-forward layer has C numbers, not 4C: it is added to the "
        "output.": partial(_count, forward=lambda c: 8 * c * c + 8 * c),
        "The second bias of the feed-forward layer is missing: C more.": partial(
            _count, forward=lambda c: 8 * c * c + 4 * c
        ),
        "Both biases of the feed-forward layer were given C numbers: the first belongs to the 4C "
        "hidden ones.": partial(_count, forward=lambda c: 8 * c * c + 2 * c),
        "You counted the matrices of attention once a head. The heads share the columns of the "
        "same matrices: how many there are makes no difference.": partial(
            _count, attention=lambda c, h: 3 * h * (c * c + c) + c * c + c
        ),
        "You multiplied attention by the number of heads. They share the columns of the same four "
        "matrices: how many heads there are makes no difference.": partial(
            _count, attention=lambda c, h: 4 * h * (c * c + c)
        ),
        "Attention has four biases, one a matrix: 4C in all.": partial(
            _count, attention=lambda c, h: 4 * c * c + c
        ),
        "Attention's last projection is missing: C² + C more.": partial(
            _count, attention=lambda c, h: 3 * (c * c + c)
        ),
        "You counted attention as one matrix: it has four, for queries, keys, values, and the "
        "projection that mixes the heads.": partial(_count, attention=lambda c, h: c * c + c),
        "You took the matrices of a single head, (C, D): there are n_heads of each.": partial(
            _count, attention=lambda c, h: 3 * (c * c // h + c // h) + c * c // h + c
        ),
        "The feed-forward layer has two matrices, one into the 4C hidden numbers and one "
        "back.": partial(_count, forward=lambda c: 4 * c * c + 4 * c),
        "Your hidden layer is as wide as the stream: it is four times as wide.": partial(
            _count, forward=lambda c: 2 * (c * c + c)
        ),
        "The block has two norms, each with a weight and a bias of C numbers: 4C, and you counted "
        "half of them.": partial(_count, norms_=lambda c: 2 * c),
        "A norm learns a weight and a bias for each column, not one of each for all.": partial(
            _count, norms_=lambda c: 4
        ),
        "A norm doesn't learn a matrix: a weight and a bias for each column, 2C.": partial(
            _count, norms_=lambda c: 2 * (c * c + c)
        ),
        "You returned the sum: return the three counts, norms, attention, "
        "feed_forward.": lambda c, h: sum(_count(c, h)),
        "You returned them backwards: the order is norms, attention, feed_forward.": lambda c, h: (
            _count(c, h)[::-1]
        ),
        "The norms come first: norms, attention, feed_forward.": lambda c, h: (
            *_count(c, h)[1:],
            _count(c, h)[0],
        ),
    },
    alternatives={
        "from the modules": _count_modules,
        "head by head, numpy": _count_head_by_head,
        "closed formulas": lambda c, h: (4 * c, 4 * c**2 + 4 * c, 8 * c**2 + 5 * c),
    },
    parts=("norms", "attention", "feed_forward"),
    rtol=0.0,
    atol=0.0,
)
