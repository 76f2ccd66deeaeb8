"""Exercise 11.2: rotary positions, for all heads of a batch and any base."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_11.learning import (
    THROUGH_NUMPY,
    learned,
    the_same,
    through_numpy,
)
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention import heads as attention

Two = tuple[Tensor, Tensor]


def rotate(x: Tensor, positions: Tensor, base: float) -> Tensor:
    """Each pair (2i, 2i + 1) of x (B, H, T, D) turned by the angle position · base^(−2i / D)."""
    return attention.rotary(x, positions, base=base)


def _frequencies(width: int, base: float) -> Tensor:
    return base ** (-torch.arange(0, width, 2) / width)


def _halves(x: Tensor) -> Two:
    first, second = x.chunk(2, dim=-1)
    return first, second


def _interleave(first: Tensor, second: Tensor) -> Tensor:
    return torch.stack([first, second], dim=-1).flatten(-2)


def _turn(
    x: Tensor,
    positions: Tensor,
    base: float,
    *,
    place: Callable[[Tensor], Tensor] = lambda positions: positions,
    frequencies: Callable[[int, float], Tensor] = _frequencies,
    pair: Callable[[Tensor], Two] = lambda x: (x[..., 0::2], x[..., 1::2]),
    turn: Callable[[Tensor, Tensor, Tensor, Tensor], Two] = lambda a, b, cos, sin: (
        a * cos - b * sin,
        a * sin + b * cos,
    ),
    join: Callable[[Tensor, Tensor], Any] = _interleave,
) -> Any:
    """The rotation with a bend where a wrong turn wants one."""
    angles = place(positions)[:, None] * frequencies(x.shape[-1], base)
    return join(*turn(*pair(x), angles.cos(), angles.sin()))


def _first_already_turned(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> Two:
    first = a * cos - b * sin
    return first, first * sin + b * cos


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "place": {
        "Your positions are one too large: position 0 is not turned at all.": lambda p: p + 1,
        "You counted the positions from 0 yourself: with a cache they go on from the tokens "
        "before, so turn by those that are given.": lambda p: torch.arange(len(p)),
    },
    "frequencies": {
        "Your base is 10000, as GPT's papers have it: take the `base` that is given. SmolLM2's is "
        "100000.": lambda width, base: _frequencies(width, 10_000.0),
        "Every pair was turned by the same angle: pair i turns by position · base^(−2i / D), so "
        "later pairs turn more slowly.": lambda width, base: torch.ones(width // 2),
        "Your exponent falls half as fast as it should: that of pair i is −2i / D, not −i / D.": (
            lambda width, base: base ** (-torch.arange(width // 2) / width)
        ),
        "Your exponent falls twice as fast as it should: that of pair i is −2i / D, and "
        "torch.arange(0, D, 2) counts 2i already.": lambda width, base: (
            base ** (-2 * torch.arange(0, width, 2) / width)
        ),
        "Your frequencies grow: the exponent is negative, −2i / D.": lambda width, base: (
            base ** (torch.arange(0, width, 2) / width)
        ),
        "The exponent is not divided by D: it is −2i / D.": lambda width, base: (
            base ** -torch.arange(0, width, 2).float()
        ),
        "The first pair has the exponent −2 / D: pairs are counted from i = 0, and the first turns "
        "by the position itself.": lambda width, base: (
            base ** (-torch.arange(2, width + 1, 2) / width)
        ),
        "The angles have a factor 2π: they are in radians already.": lambda width, base: (
            _frequencies(width, base) * 2 * math.pi
        ),
        "The angles are in radians, and you turned them from degrees into radians once more.": (
            lambda width, base: _frequencies(width, base) * math.pi / 180
        ),
        "Your pairs come last to first: pair 0, of the columns 0 and 1, turns fastest.": (
            lambda width, base: _frequencies(width, base).flip(0)
        ),
    },
    "pair": {
        "You paired column i with column i + D/2, and put them back side by side: neighbours make "
        "a pair, x[..., 0::2] and x[..., 1::2].": _halves,
        "The members of each pair have changed places: the first is column 2i.": (
            lambda x: (x[..., 1::2], x[..., 0::2])
        ),
    },
    "turn": {
        "You turned the other way: the first of a pair becomes a · cos − b · sin, the second "
        "a · sin + b · cos.": lambda a, b, cos, sin: (a * cos + b * sin, b * cos - a * sin),
        "The second of a pair was computed from a first that had already been turned: keep the old "
        "one until both are done.": _first_already_turned,
        "Sine and cosine are swapped: cos 0 = 1, so position 0 keeps all as it is.": (
            lambda a, b, cos, sin: (a * sin - b * cos, a * cos + b * sin)
        ),
        "Both sines are added. A rotation has one plus and one minus, or it changes lengths.": (
            lambda a, b, cos, sin: (a * cos + b * sin, a * sin + b * cos)
        ),
        "Both sines are subtracted. A rotation has one plus and one minus, or it changes "
        "lengths.": lambda a, b, cos, sin: (a * cos - b * sin, b * cos - a * sin),
        "The second of each pair is left as it was: it becomes a · sin + b · cos.": (
            lambda a, b, cos, sin: (a * cos - b * sin, b)
        ),
        "The first of each pair is left as it was: it becomes a · cos − b · sin.": (
            lambda a, b, cos, sin: (a, a * sin + b * cos)
        ),
        "In the second of a pair a and b are swapped: it is a · sin + b · cos.": (
            lambda a, b, cos, sin: (a * cos - b * sin, b * sin + a * cos)
        ),
    },
    "join": {
        "The turned columns were put back in another order, all first members before all second "
        "ones: a pair stays where it was.": lambda a, b: torch.cat([a, b], dim=-1),
        "The pairs are turned, and still apart: flatten(-2) joins the last two axes.": (
            lambda a, b: torch.stack([a, b], dim=-1)
        ),
        "You returned two tensors, the first members and the second ones: interleave them into one "
        "of the shape of x.": lambda a, b: (a, b),
        "The columns of each pair have changed places on the way back: the first stays in column "
        "2i.": lambda a, b: _interleave(b, a),
    },
}


def _halves_all_the_way(x: Tensor, positions: Tensor, base: float) -> Tensor:
    return _turn(x, positions, base, pair=_halves, join=lambda a, b: torch.cat([a, b], dim=-1))


def _along_the_heads(x: Tensor, positions: Tensor, base: float) -> Tensor:
    return _turn(x.transpose(1, 2), positions, base).transpose(1, 2)


def _first_head_alone(x: Tensor, positions: Tensor, base: float) -> Tensor:
    return torch.cat([_turn(x[:, :1], positions, base), x[:, 1:]], dim=1)


def _in_place(x: Tensor, positions: Tensor, base: float) -> Tensor:
    x[..., 0::2], x[..., 1::2] = _turn(x.clone(), positions, base, join=lambda a, b: (a, b))
    return x


def _by_complex_numbers(x: Tensor, positions: Tensor, base: float) -> Tensor:
    angles = positions[:, None] * _frequencies(x.shape[-1], base)
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * torch.exp(1j * angles.double())).flatten(-2).to(x.dtype)


def _by_repeated_angles(x: Tensor, positions: Tensor, base: float) -> Tensor:
    """As Hugging Face writes it, with the pairs side by side."""
    angles = torch.outer(positions.float(), _frequencies(x.shape[-1], base)).repeat_interleave(2, 1)
    quarter = torch.stack([-x[..., 1::2], x[..., 0::2]], dim=-1).flatten(-2)
    return x * angles.cos() + quarter * angles.sin()


def _by_matrices(x: Tensor, positions: Tensor, base: float) -> Tensor:
    width, columns = x.shape[-1], []
    for i in range(0, width, 2):
        angle = positions * base ** (-i / width)  # (T,)
        matrix = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=-1)
        pair = x[..., i : i + 2, None]  # (B, H, T, 2, 1)
        columns.append((matrix.view(-1, 2, 2).to(x.dtype) @ pair)[..., 0])
    return torch.cat(columns, dim=-1)


def _explain(args: tuple[Any, ...], expected: Tensor, got: Any) -> str | None:
    """What holds of a rotation, and whether it holds: position 0, lengths, the first pair."""
    x, positions, _ = args
    x, found = x.detach().double(), torch.as_tensor(got).detach().double()
    if the_same(expected, found):
        return None
    if torch.allclose(found, x, atol=1e-6):
        return "x came back unturned."
    lengths = x.unflatten(-1, (-1, 2)).norm(dim=-1)
    if not torch.allclose(found.unflatten(-1, (-1, 2)).norm(dim=-1), lengths, atol=1e-3):
        return "A rotation keeps the length of every pair (2i, 2i + 1), and yours does not."
    still = positions == 0
    if still.any() and not torch.allclose(found[:, :, still], x[:, :, still], atol=1e-3):
        return "At position 0 nothing is turned, and your tokens there change."
    firsts = found[..., :2], expected.detach().double()[..., :2]
    if x.shape[-1] > 2 and torch.allclose(*firsts, atol=1e-3):
        return "The first pair is right, and a later one isn't: pair i turns at base^(−2i / D)."
    return "Every pair keeps its length, but the angles are others: position · base^(−2i / D)."


def _probe(*shape: int, at: list[int], base: float) -> tuple[Tensor, Tensor, float]:
    return uniform(*shape, seed=1120 + sum(shape)), torch.tensor(at), base


ROTARY = Exercise(
    id="11.2",
    title="Rotary positions",
    minutes=8,
    stars=2,
    reference=rotate,
    probes=[
        (
            torch.tensor([[[[1.0, -0.5, 2.0, 0.7], [0.3, 1.5, -1.0, 2.5]]]]),
            torch.tensor([2, 1]),
            50.0,
        ),
        _probe(1, 1, 1, 2, at=[3], base=100.0),
        _probe(1, 2, 3, 4, at=[0, 1, 2], base=10_000.0),
        _probe(2, 3, 2, 6, at=[5, 0], base=500.0),
        _probe(1, 4, 4, 4, at=[7, 0, 3, 30], base=100_000.0),
        _probe(2, 2, 5, 8, at=[3, 4, 17, 40, 63], base=1_000.0),
        _probe(2, 1, 1, 12, at=[300], base=100_000.0),
        _probe(1, 2, 2, 4, at=[1, 6], base=300.0),
        learned(*_probe(2, 1, 3, 6, at=[2, 4, 9], base=700.0)),
    ],
    mistakes={
        "You paired column i with column i + D/2, as Hugging Face keeps Llama's weights: here, and "
        "in a Llama's GGUF file, neighbours make a pair, 2i and 2i + 1.": _halves_all_the_way,
        "The angles went along the heads' axis: x is (B, H, T, D), and the positions are those of "
        "the tokens, axis 2.": _along_the_heads,
        "Only the first head was turned: all of them are.": _first_head_alone,
        "x was changed in place: make a new tensor.": _in_place,
        "Heads and tokens have changed places in what you return: (B, H, T, D).": (
            lambda x, positions, base: rotate(x, positions, base).transpose(1, 2)
        ),
        THROUGH_NUMPY: through_numpy(rotate),
    }
    | at_one_step(_turn, _STEPS),
    together=at_two_steps(_turn, _STEPS),
    alternatives={
        "complex numbers": _by_complex_numbers,
        "every angle twice": _by_repeated_angles,
        "matrices in a loop": _by_matrices,
        "float64": lambda x, positions, base: rotate(x.double(), positions, base),
    },
    explain=_explain,
    atol=1e-4,
)
