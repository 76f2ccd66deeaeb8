"""Chapter 10: a frozen matrix and the road beside it, made one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.tuning import lora

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


def _merged(
    weight: Tensor,
    a: Tensor,
    b: Tensor,
    alpha: float,
    *,
    scale: Callable[[Tensor, Tensor, float], float] = lambda a, b, alpha: alpha / len(a),
    add: Callable[[Tensor, Tensor, float], Tensor] = lambda w, change, s: w + s * change,
    product: Callable[[Tensor, Tensor], Tensor] = lambda a, b: b @ a,
) -> Tensor:
    return add(weight, product(a, b), scale(a, b, alpha))


SCALES: dict[str, Callable[[Tensor, Tensor, float], float]] = {
    "The scale is missing: alpha / r times B · A.": lambda a, b, alpha: 1.0,
    "It is scaled twice: alpha / r once.": lambda a, b, alpha: (alpha / len(a)) ** 2,
    "You multiplied by alpha and didn't divide by r.": lambda a, b, alpha: alpha,
    "You divided by r and didn't multiply by alpha.": lambda a, b, alpha: 1 / len(a),
    "You multiplied by alpha and by r: divide by r.": lambda a, b, alpha: alpha * len(a),
    "You divided by √r; that is another paper's (rsLoRA). Here it is alpha / r.": (
        lambda a, b, alpha: alpha / len(a) ** 0.5
    ),
    "The scale is upside down: alpha / r.": lambda a, b, alpha: len(a) / alpha,
    "`//` drops what is behind the point: alpha / r.": lambda a, b, alpha: alpha // len(a),
    "You took r from the wrong axis: A is (r, n_in), so r = len(a).": (
        lambda a, b, alpha: alpha / a.shape[1]
    ),
    "You divided by n_out, which len(b) and len(weight) are: r is len(a).": (
        lambda a, b, alpha: alpha / len(b)
    ),
}
SUMS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "It is merged twice: what was learned is added once.": lambda w, change, s: w + 2 * s * change,
    "The change alone is not the layer: add it to W.": lambda w, change, s: s * change,
    "The scale went over W too: only what was learned is scaled.": (
        lambda w, change, s: s * (w + change)
    ),
    "The change was subtracted: that is how a merge is undone.": (
        lambda w, change, s: w - s * change
    ),
    "The change is the share by which W grew in yours: add it as it is.": lambda w, change, s: (
        w * (1 + s * change)
    ),
    "The change was multiplied with W: add it.": lambda w, change, s: w * (s * change),
}
WRONG_WAY = "A and B stand the wrong way round: B is (n_out, r) and A is (r, n_in), so b @ a."


def _roads(n_out: int, n_in: int, rank: int, alpha: float) -> tuple[Tensor, Tensor, Tensor, float]:
    seed = 1040 + 100 * n_out + 10 * n_in + rank
    sizes = ((n_out, n_in), (rank, n_in), (n_out, rank))
    return *(uniform(*size, seed=seed + i) for i, size in enumerate(sizes)), alpha


MERGE = Exercise(
    id="10.4",
    title="LoRA merged",
    minutes=4,
    stars=1,
    reference=merge,
    probes=[
        _roads(3, 3, 2, 7.0),
        _roads(1, 1, 1, 2.0),
        _roads(2, 4, 3, 8.0),
        _roads(4, 4, 3, 16.0),
        _roads(5, 7, 4, 2.0),
    ],
    mistakes={
        **{said: partial(_merged, scale=scale) for said, scale in SCALES.items()},
        **{said: partial(_merged, add=add) for said, add in SUMS.items()},
        WRONG_WAY: lambda w, a, b, alpha: w + alpha / len(a) * (a @ b),
        "The product lies on its side, (n_in, n_out), as a.T @ b.T and (b @ a).T do: B · A is "
        "b @ a, (n_out, n_in).": lambda w, a, b, alpha: w + alpha / len(a) * (a.T @ b.T),
        "The sum lies on its side: W + α / r · B · A is (n_out, n_in), as W is.": (
            lambda w, a, b, alpha: merge(w, a, b, alpha).T
        ),
        "alpha was squared: alpha / r, once.": lambda w, a, b, alpha: (
            w + alpha**2 / len(a) * (b @ a)
        ),
        "The change lies on its side: B · A has the shape of W, (n_out, n_in).": partial(
            _merged, product=lambda a, b: (b @ a).T if len(b) == a.shape[1] else b @ a
        ),
        "The change is left unscaled, and W scaled: only what was learned is scaled.": partial(
            _merged, add=lambda w, change, s: s * w + change
        ),
    },
    together={
        (one, other): partial(_merged, scale=scale, add=add)
        for one, scale in SCALES.items()
        for other, add in SUMS.items()
    },
    alternatives={
        "rank by rank": _merge_by_loop,
        "asked with unit vectors": _merge_by_asking,
        "addmm": lambda w, a, b, alpha: torch.addmm(w, b, a, alpha=alpha / len(a)),
    },
    atol=1e-5,
)
