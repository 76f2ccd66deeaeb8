"""Exercise 5.1: LayerNorm."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.gpt import norms


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Each token's C numbers brought to mean 0 and variance 1, then scaled and shifted."""
    return norms.layer_norm(x, weight, bias, eps)


def _token_variance(centred: Tensor, x: Tensor) -> Tensor:
    return centred.square().mean(-1, keepdim=True)


def _norm(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    eps: float,
    *,
    centre: Callable[[Tensor], Tensor] = lambda x: x - x.mean(-1, keepdim=True),
    spread: Callable[[Tensor, Tensor], Tensor] = _token_variance,
    root: Callable[[Tensor, float], Tensor] = lambda variance, eps: (variance + eps).sqrt(),
    affine: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x, w, b: x * w + b,
) -> Tensor:
    """LayerNorm with a bend where a wrong turn wants one."""
    centred = centre(x)
    return affine(centred / root(spread(centred, x), eps), weight, bias)


def _over(x: Tensor, weight: Tensor, bias: Tensor, eps: float, *, axes: tuple[int, ...]) -> Tensor:
    return _norm(
        x,
        weight,
        bias,
        eps,
        centre=lambda x: x - x.mean(axes, keepdim=True),
        spread=lambda centred, x: centred.square().mean(axes, keepdim=True),
    )


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "centre": {
        "The mean was added: subtract it.": lambda x: x + x.mean(-1, keepdim=True),
        "The mean has lost its axis, and broadcasting pairs it with the wrong tokens, or fails: "
        "mean(dim=-1, keepdim=True).": lambda x: x - x.mean(-1),
        "You subtracted the median: it is the mean that goes.": lambda x: (
            x - x.median(-1, keepdim=True).values
        ),
        "You subtracted the mean of all tokens: each token has its own.": lambda x: x - x.mean(),
        "You subtracted the sum of a token's numbers: subtract their mean.": lambda x: (
            x - x.sum(-1, keepdim=True)
        ),
    },
    "spread": {
        "You divided the squares by C − 1, as one does to estimate the variance of a population "
        "from a sample. Here the C numbers are all there is: divide by C (`var(-1, "
        "correction=0)`).": lambda centred, x: x.var(-1, keepdim=True),
        "You divided by the root of the mean square of x itself: the variance is the mean square "
        "of what is left when the mean has been subtracted.": lambda centred, x: x.square().mean(
            -1, keepdim=True
        ),
        "You divided by the root of the sum of the squares: the variance is their mean, the sum "
        "divided by C.": lambda centred, x: centred.square().sum(-1, keepdim=True),
        "The variance has lost its axis, and broadcasting pairs it with the wrong tokens, or "
        "fails: keepdim=True.": lambda centred, x: centred.square().mean(-1),
        "You took the variance of all tokens together: each token has its own.": lambda c, x: x.var(
            correction=0
        ),
        "You took the mean distance from the mean for the variance: square the distances first.": (
            lambda centred, x: centred.abs().mean(-1, keepdim=True)
        ),
    },
    "root": {
        "Your ε stands outside the root: √(variance + ε), not √variance + ε.": lambda v, eps: (
            v.sqrt() + eps
        ),
        "You divided by the variance: divide by its root, the standard deviation.": lambda v, eps: (
            v + eps
        ),
        "You took the root twice: what stands under the root is the variance, not the standard "
        "deviation.": lambda v, eps: (v.sqrt() + eps).sqrt(),
        "ε was left out: without it a token of equal numbers is divided by 0.": lambda v, eps: (
            v.sqrt()
        ),
        "Your ε is a small number of your own: use the one that is given.": lambda v, eps: (
            v + 1e-5
        ).sqrt(),
        "ε is no lower bound of the variance: it is added to it.": lambda v, eps: v.clamp(
            min=eps
        ).sqrt(),
        "ε was squared: it is added to the variance as it is.": lambda v, eps: (v + eps**2).sqrt(),
        "ε was subtracted: it is added to the variance.": lambda v, eps: (v - eps).sqrt(),
        "You multiplied by the root of variance + ε: divide by it.": lambda v, eps: (
            1 / (v + eps).sqrt()
        ),
    },
    "affine": {
        "The affine part was forgotten: at the end multiply by weight and add bias.": (
            lambda x, w, b: x
        ),
        "The bias was forgotten.": lambda x, w, b: x * w,
        "The weight was forgotten.": lambda x, w, b: x + b,
        "The bias was added before the weight multiplied: multiply first.": lambda x, w, b: (
            (x + b) * w
        ),
        "You multiplied by 1 + weight, as some models do. Here the weight is the factor itself.": (
            lambda x, w, b: x * (1 + w) + b
        ),
        "Weight and bias have changed places: multiply by weight, add bias.": lambda x, w, b: (
            x * b + w
        ),
        "The bias was subtracted: add it.": lambda x, w, b: x * w - b,
        "You divided by the weight: multiply by it.": lambda x, w, b: x / w + b,
    },
}


def _kept_mean(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return x / (x.var(-1, correction=0, keepdim=True) + eps).sqrt() * weight + bias


def _rms(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight + bias


def _by_distances(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.abs().mean(-1, keepdim=True) + eps) * weight + bias


def _affine_first(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return _norm(x * weight + bias, torch.ones_like(weight), torch.zeros_like(bias), eps)


def _no_keepdim(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return (x - x.mean(-1)) / (x.var(-1, correction=0) + eps).sqrt() * weight + bias


def _by_loops(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    rows = []
    for row in x.reshape(-1, x.shape[-1]).tolist():
        mean = sum(row) / len(row)
        root = math.sqrt(sum((value - mean) ** 2 for value in row) / len(row) + eps)
        affine = zip(row, weight.tolist(), bias.tolist(), strict=True)
        rows.append([(value - mean) / root * w + b for value, w, b in affine])
    return torch.tensor(rows).view(x.shape)


def _in_numpy(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> np.ndarray:
    values = x.numpy()
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = np.einsum("...c,...c->...", centred, centred)[..., None] / values.shape[-1]
    return centred / np.sqrt(variance + eps) * weight.numpy() + bias.numpy()


def _mean_of_squares(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    x = x.double()
    mean = x.mean(-1, keepdim=True)
    variance = x.square().mean(-1, keepdim=True) - mean**2
    return (x - mean) / (variance + eps).sqrt() * weight + bias


def _explain(args: tuple[Any, ...], expected: Tensor, got: Any) -> str | None:
    """Undo weight and bias, and look at what is left of each token."""
    x, weight, bias, eps = args
    centred = (x - x.mean(-1, keepdim=True)).double()
    left = (torch.as_tensor(got).double() - bias) / weight
    if x.shape[-1] < 3 or (centred.abs() < 1e-3).any():
        return None
    factors = left / centred
    own = factors.mean(-1, keepdim=True)
    if torch.allclose(factors, own.expand_as(factors), rtol=1e-3):
        effective = 1 / own**2 - centred.square().mean(-1, keepdim=True)
        if (own > 0).all() and (effective - effective.mean()).abs().max() < 1e-3:
            worked = f"{effective.mean():.2g}" if effective.mean() > 1e-4 else "nearly 0"
            return f"All is right but ε, which works out as {worked}; {eps:g} was given."
        return "Mean, weight and bias are right; what each token is divided by is not."
    if _is_shifted(left, centred, x):
        return (
            "With bias and weight undone, all numbers of a token are off by the same, and not by "
            "its mean: bias is all that is added at the end, and ε stands under the root."
        )
    if (left.mean(-1).abs() > 1e-3).any():
        return (
            "With bias and weight undone, a token's mean is not 0: its own mean goes first, and "
            "weight and bias alone come last."
        )
    return None


def _is_shifted(left: Tensor, centred: Tensor, x: Tensor) -> bool:
    """Whether each token is right but for a number added to it that is no multiple of its mean."""
    shift = left.mean(-1, keepdim=True)
    factors = (left - shift) / centred
    own = factors.mean(-1, keepdim=True)
    is_mean = torch.allclose(shift, own * x.mean(-1, keepdim=True).double(), rtol=1e-3)
    return torch.allclose(factors, own.expand_as(factors), rtol=1e-3) and not is_mean


def _probe(*shape: int, eps: float, seed: int) -> tuple[Tensor, Tensor, Tensor, float]:
    width = shape[-1]
    weight = uniform(width, seed=seed + 1, low=0.3, high=2.0)
    return uniform(*shape, seed=seed, high=4.0), weight, uniform(width, seed=seed + 2), eps


LAYER_NORM = Exercise(
    id="5.1",
    title="LayerNorm",
    minutes=8,
    stars=2,
    reference=layer_norm,
    probes=[
        _probe(1, 2, 4, eps=0.3, seed=511),
        (torch.tensor([[[2.0, 4.0, 6.0, 8.0]]]), torch.ones(4), torch.zeros(4), 4.0),
        (torch.tensor([[[3.0, 3.0]]]), torch.tensor([2.0, 0.5]), torch.tensor([1.0, -1.0]), 1e-5),
        (torch.tensor([[[0.2, 0.5, 0.4, 0.1]]]), torch.ones(4), torch.zeros(4), 0.5),
        _probe(1, 3, 3, eps=0.1, seed=513),
        _probe(2, 3, 4, eps=0.02, seed=514),
        _probe(3, 3, 3, eps=1e-3, seed=516),
        _probe(3, 1, 5, eps=1e-5, seed=517),
    ],
    mistakes=at_one_step(_norm, _STEPS)
    | {
        "Two things: the variance divides by C, not by C − 1 (`std` and `var` do otherwise unless "
        "told), and ε stands inside the root.": lambda x, w, b, eps: _norm(
            x,
            w,
            b,
            eps,
            spread=lambda c, x: x.var(-1, keepdim=True),
            root=lambda v, eps: v.sqrt() + eps,
        ),
        "You took mean and variance over the tokens (axis −2). Each token is normalised by itself, "
        "over its own C numbers: axis −1.": partial(_over, axes=(-2,)),
        "You took one mean and one variance for all tokens of a text. Each token is normalised by "
        "itself, or it learns something of its future.": partial(_over, axes=(-2, -1)),
        "You took one mean and one variance for the whole batch. Each token is normalised by "
        "itself, over its own C numbers: axis −1.": partial(_over, axes=(0, 1, 2)),
        "You took mean and variance over the texts of the batch (axis 0). Each token is normalised "
        "by itself, over its own C numbers: axis −1.": partial(_over, axes=(0,)),
        "You normalised each column over all tokens of the batch: that is batch norm. LayerNorm "
        "takes one token at a time, over its C numbers: axis −1.": partial(_over, axes=(0, 1)),
        "`keepdim=True` is missing: without it the means lose their last axis, and broadcasting "
        "pairs them with the wrong tokens, or fails.": _no_keepdim,
        "The mean was kept: subtract it before you divide.": _kept_mean,
        "This is RMSNorm, which keeps the mean and divides by the root of the mean square. "
        "LayerNorm subtracts the mean first.": _rms,
        "You divided by the mean distance from the mean: square the distances, average, and take "
        "the root.": _by_distances,
        "Weight and bias came first and were normalised away: they come last.": _affine_first,
        "Brackets are missing: ε stands under the root with the variance, and weight multiplies "
        "what is divided, not ε.": lambda x, w, b, eps: (
            _norm(x, torch.ones_like(w), b, eps, root=lambda v, eps: v.sqrt()) + eps * w
        ),
        "Only the mean was subtracted: divide by the root of variance + ε as well.": (
            lambda x, w, b, eps: (x - x.mean(-1, keepdim=True)) * w + b
        ),
    },
    together=at_two_steps(_norm, _STEPS),
    alternatives={
        "loops": _by_loops,
        "axis 2, counted from the front": partial(_over, axes=(2,)),
        "numpy": _in_numpy,
        "torch's own": lambda x, w, b, eps: F.layer_norm(x, x.shape[-1:], w, b, eps),
        "mean of squares minus square of mean, float64": _mean_of_squares,
    },
    explain=_explain,
    atol=1e-5,
)
