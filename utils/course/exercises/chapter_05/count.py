"""Exercise 5.5: the size of a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from utils.course.checking.exercise import Exercise
from utils.course.exercises.steps import at_one_step, at_two_steps

Counts = tuple[int, int, int]


def block_parameters(d_model: int, n_heads: int) -> Counts:
    """Numbers that are learned in the two norms, in attention, and in the feed-forward layer."""
    return _count(d_model, n_heads)


def _count(
    c: int,
    heads: int,
    *,
    norms: Callable[[int], int] = lambda c: 2 * (c + c),
    attention: Callable[[int, int], int] = lambda c, heads: 4 * (c * c + c),
    forward: Callable[[int], int] = lambda c: (c * 4 * c + 4 * c) + (4 * c * c + c),
    give: Callable[[Counts], Any] = lambda counts: counts,
) -> Any:
    """The three counts with a bend where a wrong turn wants one."""
    return give((norms(c), attention(c, heads), forward(c)))


_NAMES = "norms, attention, feed_forward"
_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "norms": {
        "The block has two norms, each with a weight and a bias of C numbers: 4C, and you counted "
        "half of them.": lambda c: 2 * c,
        "A norm learns a weight and a bias for each column, not one of each for all.": (
            lambda c: 4
        ),
        "A norm doesn't learn a matrix: a weight and a bias for each column, 2C.": lambda c: (
            2 * (c * c + c)
        ),
        "Each of the two norms has a weight and a bias of C numbers: 4C, and you counted one "
        "number a column.": lambda c: c,
        "There are two norms, not four: 2 · (C + C).": lambda c: 8 * c,
        "A norm learns something too: a weight and a bias for each column, 2C.": lambda c: 0,
    },
    "attention": {
        "The biases of attention are missing: 3C for queries, keys and values, C for the last "
        "projection.": lambda c, h: 4 * c * c,
        "You counted the matrices of attention once a head. The heads share the columns of the "
        "same matrices: how many there are makes no difference.": lambda c, h: (
            3 * h * (c * c + c) + c * c + c
        ),
        "You multiplied attention by the number of heads. They share the columns of the same four "
        "matrices: how many heads there are makes no difference.": lambda c, h: 4 * h * (c * c + c),
        "Attention has four biases, one a matrix, 4C in all, and you counted one.": lambda c, h: (
            4 * c * c + c
        ),
        "Attention has four biases, one a matrix, 4C in all, and you counted three.": (
            lambda c, h: 4 * c * c + 3 * c
        ),
        "Attention has four biases, one a matrix, 4C in all, and you counted two.": lambda c, h: (
            4 * c * c + 2 * c
        ),
        "Attention's last projection is missing: C² + C more.": lambda c, h: 3 * (c * c + c),
        "Attention's last projection and all its biases are missing: 4 · (C² + C).": (
            lambda c, h: 3 * c * c
        ),
        "You counted attention as one matrix: it has four, for queries, keys, values, and the "
        "projection that mixes the heads.": lambda c, h: c * c + c,
        "You took the matrices of a single head, (C, D): there are n_heads of each.": (
            lambda c, h: 3 * (c * c // h + c // h) + c * c // h + c
        ),
        "You divided the four matrices by the number of heads: each head has its share, and there "
        "are n_heads of them.": lambda c, h: 4 * (c * c + c) // h,
    },
    "forward": {
        "The biases of the feed-forward layer are missing: 4C inside, C at the end.": lambda c: (
            8 * c * c
        ),
        "The second bias of the feed-forward layer has C numbers, not 4C: it is added to the "
        "output.": lambda c: 8 * c * c + 8 * c,
        "The second bias of the feed-forward layer is missing: C more.": lambda c: (
            8 * c * c + 4 * c
        ),
        "The first bias of the feed-forward layer is missing: 4C more.": lambda c: 8 * c * c + c,
        "Both biases of the feed-forward layer were given C numbers: the first belongs to the 4C "
        "hidden ones.": lambda c: 8 * c * c + 2 * c,
        "The feed-forward layer has two matrices, one into the 4C hidden numbers and one back; the "
        "second, with its bias, is missing.": lambda c: 4 * c * c + 4 * c,
        "Your hidden layer is as wide as the stream: it is four times as wide.": lambda c: (
            2 * (c * c + c)
        ),
        "Your hidden layer is 2C wide: it is 4C wide.": lambda c: 4 * c * c + 3 * c,
        "Between the two matrices stands no third: (C · 4C + 4C) + (4C · C + C).": lambda c: (
            8 * c * c + 5 * c + 16 * c * c
        ),
    },
    "give": {
        "You returned the sum: return the three counts, norms, attention, feed_forward.": sum,
        "You returned them backwards: the order is norms, attention, feed_forward.": lambda n: n[
            ::-1
        ],
        "The norms come first: norms, attention, feed_forward.": lambda n: (*n[1:], n[0]),
        "Attention and feed-forward layer have changed places: norms, attention, feed_forward.": (
            lambda n: (n[0], n[2], n[1])
        ),
    },
}


def _count_modules(c: int, heads: int) -> list[int]:
    parts: list[list[nn.Module]] = [
        [nn.LayerNorm(c, device="meta") for _ in range(2)],
        [nn.Linear(c, 3 * c, device="meta"), nn.Linear(c, c, device="meta")],
        [nn.Linear(c, 4 * c, device="meta"), nn.Linear(4 * c, c, device="meta")],
    ]
    return [sum(p.numel() for layer in part for p in layer.parameters()) for part in parts]


def _head_by_head(c: int, heads: int) -> np.ndarray:
    width = c // heads
    of_a_head = 3 * (c * width + width) + width * c
    return np.array([4 * c, heads * of_a_head + c, 8 * c**2 + 5 * c])


def _explain_form(args: tuple[int, int], expected: Counts, got: Any) -> str | None:
    """Names a single number, whatever was added up in it."""
    if isinstance(got, int | float | np.integer):
        right = ", and the sum is right" * (int(got) == sum(expected))
        return f"You returned one number{right}: three counts are asked for, {_NAMES}."
    return None


def _explain(args: tuple[int, int], expected: Counts, got: Any) -> str | None:
    """The first count that is wrong, and by how much."""
    c, _ = args
    formulas = ("2 · (C + C)", "4 · (C · C + C)", "(C · 4C + 4C) + (4C · C + C)")
    names = ("norms", "attention", "feed_forward")
    for name, formula, wanted, given in zip(names, formulas, expected, got, strict=True):
        if int(given) != wanted:
            less, gap = int(given) < wanted, abs(int(given) - wanted)
            turned = f"{gap // c}C" if gap % c == 0 and gap < c * c else f"{gap:,}"
            return f"`{name}` is {turned} too {'small' if less else 'large'}: it is {formula}."
    return None


BLOCK_PARAMETERS = Exercise(
    id="5.5",
    title="Count a block's parameters",
    minutes=6,
    stars=2,
    reference=block_parameters,
    probes=[(6, 3), (2, 1), (8, 2), (768, 12), (1600, 25)],
    mistakes=at_one_step(_count, _STEPS)
    | {
        "The biases of the matrices are missing, in attention and in the feed-forward "
        "layer.": lambda c, h: (4 * c, 4 * c * c, 8 * c * c),
    },
    together=at_two_steps(_count, _STEPS),
    alternatives={
        "from the modules": _count_modules,
        "head by head, numpy": _head_by_head,
        "closed formulas": lambda c, h: (4 * c, 4 * c**2 + 4 * c, 8 * c**2 + 5 * c),
    },
    parts=("norms", "attention", "feed_forward"),
    explain=_explain,
    explain_form=_explain_form,
    rtol=0.0,
    atol=0.0,
)
