"""Exercise 4.6: the rotary rotation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention import heads as attention

BASE = 10_000.0


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Each pair of columns (2i, 2i + 1) turned by the angle position · 10000^(−2i / D)."""
    return attention.rotary(x, positions)


def _frequencies(width: int) -> Tensor:
    return BASE ** (-torch.arange(0, width, 2) / width)


def _neighbours(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[:, 0::2], x[:, 1::2]


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    first, second = x.chunk(2, dim=-1)
    return first, second


def _turned(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return a * cos - b * sin, a * sin + b * cos


def _interleave(first: Tensor, second: Tensor) -> Tensor:
    return torch.stack([first, second], dim=-1).flatten(-2)


def _turn(
    x: Tensor,
    positions: Tensor,
    *,
    place: Callable[[Tensor], Tensor] = lambda positions: positions,
    frequencies: Callable[[int], Tensor] = _frequencies,
    pair: Callable[[Tensor], tuple[Tensor, Tensor]] = _neighbours,
    turn: Callable[..., tuple[Tensor, Tensor]] = _turned,
    join: Callable[[Tensor, Tensor], Any] = _interleave,
) -> Any:
    """The rotation with a bend where a wrong turn wants one."""
    angles = place(positions)[:, None] * frequencies(x.shape[1])
    return join(*turn(*pair(x), angles.cos(), angles.sin()))


FREQUENCIES_GROW = "Your frequencies grow: the exponent is negative, −2i / D."


def _growing(width: int) -> Tensor:
    return 1 / _frequencies(width)


def _after_the_first(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    first = a * cos - b * sin
    return first, first * sin + b * cos


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "place": {
        "Your positions are off by one: position 0 is not turned at all.": lambda p: p + 1,
        "You counted the positions from 0 yourself: turn by the positions that are given.": (
            lambda p: torch.arange(len(p))
        ),
    },
    "frequencies": {
        "Every pair was turned by the same angle: pair i turns by position · 10000^(−2i / D), so "
        "later pairs turn more slowly.": lambda width: torch.ones(width // 2),
        "Your frequencies fall half as fast as they should: the exponent of pair i is −2i / D, not "
        "−i / D.": lambda width: BASE ** (-torch.arange(width // 2) / width),
        "Your frequencies fall twice as fast as they should: the exponent of pair i is −2i / D, "
        "and torch.arange(0, D, 2) counts 2i already.": lambda width: (
            BASE ** (-2 * torch.arange(0, width, 2) / width)
        ),
        FREQUENCIES_GROW: _growing,
        "The exponent is not divided by D, or with `//`, which drops what is behind the point: it "
        "is −2i / D.": lambda width: BASE ** -torch.arange(0, width, 2).float(),
        "Your base is 1000: it is 10000, four zeros.": lambda width: (
            1000.0 ** (-torch.arange(0, width, 2) / width)
        ),
        "The first pair has the exponent −2: pairs are counted from i = 0, so its exponent is "
        "0 and its speed 1.": lambda width: BASE ** (-torch.arange(2, width + 1, 2) / width),
        "The base is e, as torch.exp takes it: it is 10000.": lambda width: torch.exp(
            -torch.arange(0, width, 2) / width
        ),
        "The angles are in radians, and you turned them from degrees into radians once more: leave "
        "the factor π / 180 away.": lambda width: _frequencies(width) * math.pi / 180,
        "The angles have a factor 2π: they are in radians already.": lambda width: (
            _frequencies(width) * 2 * math.pi
        ),
    },
    "pair": {
        "You paired column i with column i + D/2: here neighbours make a pair, x[:, 0::2] and "
        "x[:, 1::2].": _halves,
        "The members of each pair have changed places: the first is column 2i, x[:, 0::2].": (
            lambda x: (x[:, 1::2], x[:, 0::2])
        ),
    },
    "turn": {
        "You turned the other way: the first of a pair becomes a · cos − b · sin, the second "
        "a · sin + b · cos.": lambda a, b, cos, sin: (a * cos + b * sin, b * cos - a * sin),
        "The second of a pair was computed from a first that had already been turned: keep the old "
        "one until both are done.": _after_the_first,
        "Sine and cosine are swapped: cos 0 = 1, so position 0 keeps all as it is.": (
            lambda a, b, cos, sin: (a * sin - b * cos, a * cos + b * sin)
        ),
        "Both sines have the same sign. A rotation has one plus and one minus, or it changes "
        "lengths.": lambda a, b, cos, sin: (a * cos + b * sin, b * cos + a * sin),
        "Both sines are subtracted. A rotation has one plus and one minus, or it changes "
        "lengths.": lambda a, b, cos, sin: (a * cos - b * sin, b * cos - a * sin),
        "Only half of a rotation: a · cos and b · sin mix nothing. Each of the two takes part of "
        "both, a · cos − b · sin and a · sin + b · cos.": lambda a, b, cos, sin: (a * cos, b * sin),
        "The second of each pair is left as it was: it becomes a · sin + b · cos.": (
            lambda a, b, cos, sin: (a * cos - b * sin, b)
        ),
        "In the second of a pair a and b are swapped: it is a · sin + b · cos.": (
            lambda a, b, cos, sin: (a * cos - b * sin, b * sin + a * cos)
        ),
    },
    "join": {
        "The turned columns were put back in another order, all first members before all second "
        "ones: a pair stays where it was.": lambda a, b: torch.cat([a, b], dim=-1),
        "The pairs are turned, and still apart: flatten(-2) joins the last two axes, (T, D).": (
            lambda a, b: torch.stack([a, b], dim=-1)
        ),
        "The pairs were flattened whole, into one long row: flatten(-2) joins the last two axes "
        "alone, (T, D).": lambda a, b: torch.stack([a, b], dim=-1).flatten(),
        "You returned the two halves as a pair: interleave them into one tensor, (T, D).": (
            lambda a, b: (a, b)
        ),
        "The columns of each pair have changed places on the way back: the first stays in column "
        "2i.": lambda a, b: _interleave(b, a),
    },
}


def _halves_all_the_way(x: Tensor, positions: Tensor) -> Tensor:
    return _turn(x, positions, pair=_halves, join=lambda a, b: torch.cat([a, b], dim=-1))


def _added(x: Tensor, positions: Tensor) -> Tensor:
    angles = positions[:, None] * _frequencies(x.shape[1])
    return x + _interleave(angles.sin(), angles.cos())


def _by_complex_numbers(x: Tensor, positions: Tensor) -> Tensor:
    numbers = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    angles = positions[:, None] * _frequencies(x.shape[1])
    return torch.view_as_real(numbers * torch.polar(torch.ones_like(angles), angles)).flatten(-2)


def _by_matrices(x: Tensor, positions: Tensor) -> np.ndarray:
    turned = np.zeros(x.shape)
    for t, position in enumerate(positions.tolist()):
        for i in range(0, x.shape[1], 2):
            angle = position * BASE ** (-i / x.shape[1])
            matrix = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
            turned[t, i : i + 2] = np.array(matrix) @ x[t, i : i + 2].numpy()
    return turned


def _explain(args: tuple[Tensor, Tensor], expected: Tensor, got: Any) -> str | None:
    """What holds of a rotation, and whether it holds: position 0, lengths, the first pair."""
    x, positions = args
    found = torch.as_tensor(got).float()
    if torch.allclose(found, x, atol=1e-6):
        return "x came back unturned."
    if x.shape[1] > 2 and torch.allclose(
        found, _turn(x, positions, frequencies=_growing), atol=1e-3
    ):  # angles of many thousands, later on, repeat to no fourth digit
        return FREQUENCIES_GROW
    lengths = x.unflatten(-1, (-1, 2)).norm(dim=-1)
    kept = torch.allclose(found.unflatten(-1, (-1, 2)).norm(dim=-1), lengths, atol=1e-3)
    if not kept:
        return "A rotation keeps the length of every pair (2i, 2i + 1), and yours does not."
    if x.shape[1] > 2 and torch.allclose(found[:, :2], expected[:, :2], atol=1e-3):
        return "The first pair is right, and a later one isn't: pair i turns at 10000^(−2i / D)."
    if (positions == 0).any():
        still = positions == 0
        if not torch.allclose(found[still], x[still], atol=1e-3):
            return "At position 0 nothing is turned, and your rows there change."
    return "Every pair keeps its length, but the angles are others: position · 10000^(−2i / D)."


ROTATE = Exercise(
    id="4.6",
    title="The rotary rotation",
    minutes=12,
    stars=3,
    reference=rotate,
    probes=[
        (torch.tensor([[1.0, -0.5, 2.0, 0.7], [0.3, 1.5, -1.0, 2.5]]), torch.tensor([2, 1])),
        (torch.tensor([[1.0, 2.0]]), torch.tensor([0])),
        (torch.tensor([[1.0, 2.0]]), torch.tensor([1])),
        (uniform(2, 4, seed=460), torch.tensor([0, 1])),
        (uniform(3, 6, seed=461), torch.tensor([5, 0, 2])),
        (uniform(4, 4, seed=463), torch.tensor([7, 0, 3, 30])),
        (uniform(5, 8, seed=462), torch.tensor([3, 4, 17, 40, 63])),
        (uniform(2, 12, seed=464), torch.tensor([300, 9])),
    ],
    mistakes={
        "You paired column i with column i + D/2, as many libraries do, and put them back so: here "
        "neighbours make a pair, 2i and 2i + 1.": _halves_all_the_way,
        "You added sines and cosines to x: that is the sinusoidal way. Here x is turned, and "
        "nothing is added.": _added,
    }
    | at_one_step(_turn, _STEPS),
    together=at_two_steps(_turn, _STEPS),
    alternatives={
        "sines and cosines": _turn,
        "complex numbers": _by_complex_numbers,
        "matrices in a loop, numpy": _by_matrices,
        "float64": lambda x, p: rotate(x.double(), p),
    },
    explain=_explain,
    atol=1e-4,
)
