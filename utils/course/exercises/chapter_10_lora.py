"""Chapter 10: a frozen matrix with a small road beside it, and both in one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from utils.course.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm import lora

# 10.3 · LoRA forward

Layer = Callable[[Tensor], Tensor]
Made = tuple[Tensor, Tensor, Layer]
Start = Callable[..., Tensor]


def lora_layer(weight: Tensor, rank: int, alpha: float) -> Made:
    """A (r, n_in) random, B (n_out, r) zero, and the function x -> x · Wᵀ + α / r · x · Aᵀ · Bᵀ."""
    return _layer(weight, rank, alpha)


def _random(*shape: int) -> Tensor:
    return torch.randn(*shape) / shape[-1] ** 0.5


def _scale(rank: int, alpha: float, weight: Tensor) -> float:
    return alpha / rank


def _layer(
    weight: Tensor,
    rank: int,
    alpha: float,
    *,
    start_a: Start = _random,
    start_b: Start = torch.zeros,
    scale: Callable[[int, float, Tensor], float] = _scale,
    frozen: float = 1.0,
    learns: tuple[bool, bool] = (True, True),
) -> Made:
    n_out, n_in = weight.shape
    a = start_a(rank, n_in).requires_grad_(learns[0])
    b = start_b(n_out, rank).requires_grad_(learns[1])
    factor = scale(rank, alpha, weight)

    def forward(x: Tensor) -> Tensor:
        return frozen * (x @ weight.T) + factor * (x @ a.T) @ b.T

    return a, b, forward


def _whole_product(weight: Tensor, rank: int, alpha: float) -> Made:
    a, b, _ = _layer(weight, rank, alpha)
    return a, b, lambda x: x @ (weight + alpha / rank * b @ a).T


def _by_einsum(weight: Tensor, rank: int, alpha: float) -> Made:
    a = torch.empty(rank, weight.shape[1]).uniform_(-0.3, 0.3).requires_grad_()
    b = torch.zeros(len(weight), rank, requires_grad=True)

    def forward(x: Tensor) -> Tensor:
        beside = torch.einsum("...i,ri,or->...o", x, a, b) * (alpha / rank)
        return torch.einsum("...i,oi->...o", x, weight) + beside

    return a, b, forward


def _by_the_package(weight: Tensor, rank: int, alpha: float) -> Made:
    a, b, _ = _layer(weight, rank, alpha)
    return a, b, partial(lora.lora_forward, weight=weight, a=a, b=b, alpha=alpha)


def watched(
    answer: Callable[..., Any], weight: Tensor, rank: int, alpha: float, x: Tensor
) -> dict[str, Any]:
    """What a layer does before training, what could learn, and what it does with other A and B."""
    torch.manual_seed(rank)
    made = answer(weight, rank, alpha)
    if not isinstance(made, tuple | list) or len(made) != 3 or not callable(made[2]):
        return made
    a, b, forward = made
    if not all(isinstance(m, Tensor) for m in (a, b)):
        return made
    before = forward(x)
    found: dict[str, Any] = {
        "shape of A": tuple(a.shape),
        "shape of B": tuple(b.shape),
        "before training": before.detach(),
        "A asks for a gradient": a.requires_grad,
        "B asks for a gradient": b.requires_grad,
    }
    if tuple(a.shape) != (rank, weight.shape[1]) or tuple(b.shape) != (len(weight), rank):
        return found
    found["A is random"] = bool(a.std() > 0) if a.numel() > 1 else bool(a != 0)
    found["B is zero"] = not bool(b.any())
    with torch.no_grad():
        a.copy_(uniform(*a.shape, seed=1031))
        b.copy_(uniform(*b.shape, seed=1032))
    return found | {"with other A and B": forward(x).detach()}


LORA = Exercise(
    id="10.3",
    title="LoRA forward",
    minutes=12,
    stars=2,
    reference=lora_layer,
    probes=[
        (uniform(2, 2, seed=1030), 1, 1.0, uniform(1, 2, seed=1)),
        (uniform(3, 4, seed=1033), 2, 8.0, uniform(2, 4, seed=2)),
        (uniform(6, 5, seed=1034), 4, 2.0, uniform(3, 2, 5, seed=3)),
        (uniform(4, 8, seed=1035), 3, 16.0, uniform(8, seed=4)),
    ],
    mistakes={
        "A and B are both zero: then neither gets a gradient, and nothing is ever learned. One of "
        "them, A, must be random.": partial(_layer, start_a=torch.zeros),
        "A and B are both random, so the layer is changed before it has learned anything: B "
        "starts at zero.": partial(_layer, start_b=_random),
        "A is zero and B is random: it is a sound start, too, but here it is agreed to be the "
        "other way round.": partial(_layer, start_a=torch.zeros, start_b=_random),
        "A asks for no gradient: it learns as well as B.": partial(_layer, learns=(False, True)),
        "B asks for no gradient, and stays zero for ever.": partial(_layer, learns=(True, False)),
        "The scale is missing: the road beside counts alpha / r times.": partial(
            _layer, scale=lambda r, alpha, w: 1.0
        ),
        "It is scaled twice: alpha / r goes into the sum once.": partial(
            _layer, scale=lambda r, alpha, w: (alpha / r) ** 2
        ),
        "You multiplied by alpha and didn't divide by r.": partial(
            _layer, scale=lambda r, alpha, w: alpha
        ),
        "You divided by √r; that is another paper's (rsLoRA). Here it is alpha / r.": partial(
            _layer, scale=lambda r, alpha, w: alpha / r**0.5
        ),
        "You divided by n_in: r is the number of columns in between.": partial(
            _layer, scale=lambda r, alpha, w: alpha / w.shape[1]
        ),
        "The scale is upside down: alpha / r.": partial(
            _layer, scale=lambda r, alpha, w: r / alpha
        ),
        "The frozen road is missing: x · Wᵀ stays, and the other is added to it.": partial(
            _layer, frozen=0.0
        ),
        "The scale went over the frozen road too: it belongs to the one beside it.": (
            lambda w, r, alpha: _layer(w, r, alpha, frozen=alpha / r)
        ),
    },
    alternatives={
        "einsum, A even": _by_einsum,
        "the package's": _by_the_package,
        "one product": _whole_product,
    },
    call=watched,
    atol=1e-5,
)

# 10.4 · LoRA merged


def merge(weight: Tensor, a: Tensor, b: Tensor, alpha: float) -> Tensor:
    """W + α / r · B · A, the matrix that does what both roads do."""
    return lora.merged_weight(weight, a, b, alpha)


def _merge_by_loop(weight: Tensor, a: Tensor, b: Tensor, alpha: float) -> Tensor:
    merged = weight.double().clone()
    for r in range(len(a)):
        merged += alpha / len(a) * torch.outer(b[:, r], a[r]).double()
    return merged


def _merge_by_asking(weight: Tensor, a: Tensor, b: Tensor, alpha: float) -> Tensor:
    """The columns of a matrix are what it makes of the unit vectors."""
    return lora.lora_forward(torch.eye(weight.shape[1]), weight, a, b, alpha).T


def _if_square(weight: Tensor, change: Tensor) -> Tensor:
    return weight + (change.T if change.shape[0] == change.shape[1] else change)


def _roads(n_out: int, n_in: int, rank: int, alpha: float) -> tuple[Tensor, Tensor, Tensor, float]:
    seed = 1040 + 100 * n_out + 10 * n_in + rank
    sizes = ((n_out, n_in), (rank, n_in), (n_out, rank))
    return *(uniform(*size, seed=seed + i) for i, size in enumerate(sizes)), alpha


MERGE = Exercise(
    id="10.4",
    title="LoRA merged",
    minutes=6,
    stars=1,
    reference=merge,
    probes=[
        _roads(1, 1, 1, 2.0),
        _roads(2, 2, 1, 1.0),
        _roads(3, 2, 2, 8.0),
        _roads(4, 4, 3, 16.0),
        _roads(5, 7, 4, 2.0),
    ],
    mistakes={
        "It is merged twice: what was learned is added once.": lambda w, a, b, alpha: (
            w + 2 * alpha / len(a) * b @ a
        ),
        "The scale is missing: alpha / r times B · A.": lambda w, a, b, alpha: w + b @ a,
        "It is scaled twice: alpha / r once.": lambda w, a, b, alpha: (
            w + (alpha / len(a)) ** 2 * b @ a
        ),
        "You multiplied by alpha and didn't divide by r.": lambda w, a, b, alpha: w + alpha * b @ a,
        "The change alone is not the layer: add it to W.": lambda w, a, b, alpha: (
            alpha / len(a) * b @ a
        ),
        "The scale went over W too: only what was learned is scaled.": lambda w, a, b, alpha: (
            alpha / len(a) * (w + b @ a)
        ),
        "The change was subtracted: that is how a merge is undone.": lambda w, a, b, alpha: (
            w - alpha / len(a) * b @ a
        ),
        "The change lies on its side: B · A has the shape of W, (n_out, n_in).": (
            lambda w, a, b, alpha: _if_square(w, alpha / len(a) * b @ a)
        ),
        "You took r from the wrong axis: A is (r, n_in), so r = len(a).": lambda w, a, b, alpha: (
            w + alpha / a.shape[1] * b @ a
        ),
    },
    alternatives={
        "rank by rank": _merge_by_loop,
        "asked with unit vectors": _merge_by_asking,
        "addmm": lambda w, a, b, alpha: torch.addmm(w, b, a, alpha=alpha / len(a)),
    },
    atol=1e-5,
)
