"""Chapter 04, last part: rotary positions, and attention without the table."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.attention import heads as attention
from utils.llm.machine.costs import Watch

BASE = 10_000.0

# 4.6 · the rotary rotation


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Each pair of columns (2i, 2i + 1) turned by the angle position · 10000^(−2i / D)."""
    return attention.rotary(x, positions)


def _frequencies(width: int) -> Tensor:
    return BASE ** (-torch.arange(0, width, 2) / width)


def _turn(
    x: Tensor,
    positions: Tensor,
    *,
    frequencies: Callable[[int], Tensor] = _frequencies,
    signs: tuple[int, int] = (-1, 1),
) -> Tensor:
    angles = positions[:, None] * frequencies(x.shape[1])
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[:, 0::2], x[:, 1::2]
    first, second = even * cos + signs[0] * odd * sin, odd * cos + signs[1] * even * sin
    return torch.stack([first, second], dim=-1).flatten(-2)


def _halves(x: Tensor, positions: Tensor) -> Tensor:
    angles = positions[:, None] * _frequencies(x.shape[1])
    cos, sin = angles.cos(), angles.sin()
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def _halves_interleaved(x: Tensor, positions: Tensor) -> Tensor:
    return torch.stack(_halves(x, positions).chunk(2, dim=-1), dim=-1).flatten(-2)


def _not_interleaved(x: Tensor, positions: Tensor) -> Tensor:
    turned = rotate(x, positions)
    return torch.cat([turned[:, 0::2], turned[:, 1::2]], dim=-1)


def _one_after_the_other(x: Tensor, positions: Tensor) -> Tensor:
    """The second column is computed from a first that has already been turned."""
    angles = positions[:, None] * _frequencies(x.shape[1])
    cos, sin = angles.cos(), angles.sin()
    turned = x.clone()
    turned[:, 0::2] = turned[:, 0::2] * cos - turned[:, 1::2] * sin
    turned[:, 1::2] = turned[:, 0::2] * sin + turned[:, 1::2] * cos
    return turned


def _swapped(x: Tensor, positions: Tensor) -> Tensor:
    angles = positions[:, None] * _frequencies(x.shape[1])
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[:, 0::2], x[:, 1::2]
    return torch.stack([even * sin - odd * cos, even * cos + odd * sin], dim=-1).flatten(-2)


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


FREQUENCIES_GROW = "Your frequencies grow: the exponent is negative, −2i / D."


def _growing(width: int) -> Tensor:
    return 1 / _frequencies(width)


def _grows(args: tuple[Tensor, Tensor], expected: Tensor, got: Tensor) -> str | None:
    """Angles of many thousands repeat to no fourth digit: so the first case alone must do."""
    wrong = _turn(*args, frequencies=_growing)
    return FREQUENCIES_GROW if torch.allclose(wrong, torch.as_tensor(got), atol=1e-3) else None


ROTATE = Exercise(
    id="4.6",
    title="The rotary rotation",
    minutes=12,
    stars=3,
    reference=rotate,
    probes=[
        (torch.tensor([[1.0, 2.0]]), torch.tensor([0])),
        (torch.tensor([[1.0, 2.0]]), torch.tensor([1])),
        (uniform(2, 4, seed=460), torch.tensor([0, 1])),
        (uniform(3, 6, seed=461), torch.tensor([5, 0, 2])),
        (uniform(5, 8, seed=462), torch.tensor([3, 4, 17, 40, 63])),
    ],
    mistakes={
        "Your positions are off by one: position 0 is not turned at all.": lambda x, p: _turn(
            x, p + 1
        ),
        "You turned the other way: the first of a pair becomes a · cos − b · sin, the second "
        "a · sin + b · cos.": partial(_turn, signs=(1, -1)),
        "You paired column i with column i + D/2, as many libraries do: here neighbours make a "
        "pair, 2i and 2i + 1.": _halves,
        "You paired column i with column i + D/2, and put them back as neighbours: a pair is 2i "
        "and 2i + 1 from the start, x[:, 0::2] and x[:, 1::2].": _halves_interleaved,
        "The turned columns were put back in another order, all first members before all "
        "second ones: a pair stays where it was.": _not_interleaved,
        "Every pair was turned by the same angle: pair i turns by position · 10000^(−2i / D), so "
        "later pairs turn more slowly.": partial(
            _turn, frequencies=lambda width: torch.ones(width // 2)
        ),
        "Your frequencies fall half as fast as they should: the exponent of pair i is −2i / D, "
        "not −i / D.": partial(
            _turn, frequencies=lambda width: BASE ** (-torch.arange(width // 2) / width)
        ),
        "Your frequencies fall twice as fast as they should: the exponent of pair i is −2i / D, "
        "and torch.arange(0, D, 2) counts 2i already.": partial(
            _turn, frequencies=lambda width: BASE ** (-2 * torch.arange(0, width, 2) / width)
        ),
        FREQUENCIES_GROW: partial(_turn, frequencies=_growing),
        "The angles are in radians, and you turned them from degrees into radians once more: "
        "leave the factor π / 180 away.": partial(
            _turn, frequencies=lambda width: _frequencies(width) * math.pi / 180
        ),
        "You counted the positions from 0 yourself: turn by the positions that are given.": (
            lambda x, p: _turn(x, torch.arange(len(x)))
        ),
        "The second of a pair was computed from a first that had already been turned: keep the "
        "old one until both are done.": _one_after_the_other,
        "Sine and cosine are swapped: cos 0 = 1, so position 0 keeps all as it is.": _swapped,
        "Both sines have the same sign. A rotation has one plus and one minus, or it changes "
        "lengths.": partial(_turn, signs=(1, 1)),
        "You added sines and cosines to x: that is the sinusoidal way. Here x is turned, and "
        "nothing is added.": lambda x, p: (
            x + _turn(torch.tensor([0.0, 1.0]).repeat(x.shape[1] // 2).expand(x.shape), -p)
        ),
    },
    alternatives={
        "sines and cosines": _turn,
        "complex numbers": _by_complex_numbers,
        "matrices in a loop, numpy": _by_matrices,
        "float64": lambda x, p: rotate(x.double(), p),
    },
    explain=_grows,
    atol=1e-4,
)

# 4.7 · linear attention


TABLE = Remark("by way of a table of T × T")
GROWTH = Remark("by way of work that grows as T²")


def watched(answer: Callable[..., Any], *args: Tensor) -> Any:
    """Call an answer and watch what it makes: a remark stands for a result that took T² numbers.

    A long input is given in half first. Twice the tokens may touch twice the numbers, not four
    times as many.
    """
    n_tokens = len(args[0])
    if n_tokens < 100:
        return answer(*args)
    with Watch() as half:
        answer(*(x[: n_tokens // 2].clone() for x in args))
    with Watch() as whole:
        result = answer(*args)
    if whole.largest_numbers >= n_tokens**2:
        return TABLE
    return GROWTH if whole.touched > 2.5 * half.touched else result


def linear_attention(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    """Σ over j ≤ i of (φ(qᵢ)·φ(kⱼ)) vⱼ, divided by the sum of the same weights, in O(T)."""
    return attention.linear_attention(phi_q, phi_k, v, feature_map=lambda x: x, causal=True)


def _linear(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    *,
    total: Callable[[Tensor], Tensor] = lambda x: x.cumsum(0),
    total_keys: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    sums = total(phi_k[:, :, None] * v[:, None, :])  # (T, M, Dv)
    keys = (total_keys or total)(phi_k)  # (T, M)
    return torch.einsum("tm,tmd->td", phi_q, sums) / (phi_q * keys).sum(-1, keepdim=True)


def _everything(x: Tensor) -> Tensor:
    return x.sum(0, keepdim=True).expand(x.shape)


def _table(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    weights = (phi_q @ phi_k.T).tril()
    return weights @ v / weights.sum(-1, keepdim=True)


def _softmax_table(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    allowed = torch.ones(len(v), len(v), dtype=torch.bool).tril()
    return (phi_q @ phi_k.T).masked_fill(~allowed, -torch.inf).softmax(-1) @ v


def _over_all_before(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    rows = []
    for i, query in enumerate(phi_q):
        weights = phi_k[: i + 1] @ query
        rows.append(weights @ v[: i + 1] / weights.sum())
    return torch.stack(rows)


def _without_keepdim(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    sums = (phi_k[:, :, None] * v[:, None, :]).cumsum(0)
    return torch.einsum("tm,tmd->td", phi_q, sums) / (phi_q * phi_k.cumsum(0)).sum(-1)


def _by_recurrence(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    state, total = torch.zeros(phi_k.shape[1], v.shape[1]), torch.zeros(phi_k.shape[1])
    rows = []
    for query, key, value in zip(phi_q, phi_k, v, strict=True):
        state, total = state + torch.outer(key, value), total + key
        rows.append(query @ state / (query @ total))
    return torch.stack(rows)


def _features(t: int, m: int, dv: int) -> tuple[Tensor, Tensor, Tensor]:
    seed = 470 + t
    positive = partial(uniform, t, m, low=0.1, high=2.0)
    return positive(seed=seed), positive(seed=seed + 1), uniform(t, dv, seed=seed + 2)


LINEAR_ATTENTION = Exercise(
    id="4.7",
    title="Linear attention",
    minutes=15,
    stars=3,
    reference=linear_attention,
    probes=[_features(1, 2, 1), _features(2, 1, 2), _features(5, 3, 4), _features(200, 4, 3)],
    mistakes={
        "Your numbers are right, but on the way you made a table of T × T. Multiply keys with "
        "values first, and let the queries come last.": _table,
        "Your numbers are right, but for twice the tokens you handle four times the numbers: a "
        "loop goes over all earlier tokens for each one, or makes a tensor longer token by token. "
        "Keep a running sum.": _over_all_before,
        "The divisor lost its axis, and broadcasting put it beside the wrong numbers: "
        "sum(-1, keepdim=True).": _without_keepdim,
        "Your sums run over the features: the running sum goes along the tokens, "
        "cumsum(0).": partial(_linear, total=lambda x: x.cumsum(1)),
        "A feature map was applied once more: phi_q and phi_k are features "
        "already.": lambda q, k, v: attention.linear_attention(q, k, v, causal=True),
        "An exponential was applied: phi_q and phi_k are features already.": lambda q, k, v: (
            _linear(q.exp(), k.exp(), v)
        ),
        "Every token sees the whole text: the sum must stop at the token itself, so use a "
        "running sum (cumsum).": partial(_linear, total=_everything),
        "The values are summed up to the token, but their weights over the whole text: both "
        "sums stop at the token.": partial(_linear, total_keys=_everything),
        "The weights don't sum to 1: divide by φ(q) · Σ φ(k).": lambda q, k, v: torch.einsum(
            "tm,tmd->td", q, (k[:, :, None] * v[:, None]).cumsum(0)
        ),
        "You divided by the number of tokens so far: divide by the sum of the weights, "
        "φ(q) · Σ φ(k).": lambda q, k, v: (
            torch.einsum("tm,tmd->td", q, (k[:, :, None] * v[:, None]).cumsum(0))
            / torch.arange(1, len(q) + 1)[:, None]
        ),
        "A token doesn't see itself, and the first one sees nothing: the running sum includes "
        "the token's own key and value.": partial(_linear, total=lambda x: x.cumsum(0) - x),
        "Your running sum goes from the back: each token sees itself and its future.": partial(
            _linear, total=lambda x: x.flip(0).cumsum(0).flip(0)
        ),
        "This is the softmax of the products: here the product φ(q) · φ(k) is itself the "
        "weight, before the division.": _softmax_table,
    },
    alternatives={
        "running sums": _linear,
        "a recurrence, token by token": _by_recurrence,
        "float64": lambda *args: _linear(*(arg.double() for arg in args)),
    },
    call=watched,
)
