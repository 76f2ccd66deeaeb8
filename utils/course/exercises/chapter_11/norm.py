"""Exercise 11.1: RMSNorm."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_11.learning import (
    THROUGH_NUMPY,
    learned,
    the_same,
    through_numpy,
)
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.gpt import norms


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Each token of x (..., C) divided by its root mean square, then scaled column by column."""
    return norms.rms_norm(x, weight, eps)


def _norm(
    x: Tensor,
    weight: Tensor,
    eps: float,
    *,
    centre: Callable[[Tensor], Tensor] = lambda x: x,
    spread: Callable[[Tensor], Tensor] = lambda x: x.square().mean(-1, keepdim=True),
    root: Callable[[Tensor, float], Tensor] = lambda mean, eps: (mean + eps).sqrt(),
    scale: Callable[[Tensor, Tensor], Tensor] = lambda x, w: x * w,
) -> Tensor:
    """RMSNorm with a bend where a wrong turn wants one."""
    centred = centre(x)
    return scale(centred / root(spread(centred), eps), weight)


def _over(x: Tensor, weight: Tensor, eps: float, *, axes: Any) -> Tensor:
    return _norm(x, weight, eps, spread=lambda x: x.square().mean(axes, keepdim=True))


MEAN_SUBTRACTED = (
    "The mean was subtracted, as LayerNorm does: RMSNorm leaves it in, and only divides."
)
_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "centre": {
        MEAN_SUBTRACTED: lambda x: x - x.mean(-1, keepdim=True),
        "The sign of x is lost: it is x itself that is divided, not its square or its size.": (
            lambda x: x.abs()
        ),
    },
    "spread": {
        "You summed the squares: it is their mean, the sum divided by C.": lambda x: x.square().sum(
            -1, keepdim=True
        ),
        "You divided the sum of the squares by C − 1: all C numbers count, divide by C.": (
            lambda x: x.square().sum(-1, keepdim=True) / (x.shape[-1] - 1)
        ),
        "You took the variance: that measures from the mean. RMSNorm takes the mean of the squares "
        "of x as it is.": lambda x: x.var(-1, correction=0, keepdim=True),
        "You took the variance, and with C − 1 below: RMSNorm takes the mean of the squares of x "
        "as it is.": lambda x: x.var(-1, keepdim=True),
        "You squared the mean: first square, then take the mean.": lambda x: x.mean(
            -1, keepdim=True
        ).square(),
        "You took the mean of the sizes |x|: square them first.": lambda x: x.abs().mean(
            -1, keepdim=True
        ),
        "You took the mean of x, where plus and minus cancel: square it first.": lambda x: x.mean(
            -1, keepdim=True
        ),
        "The mean has lost its axis, and broadcasting pairs it with the wrong tokens, or fails: "
        "mean(dim=-1, keepdim=True).": lambda x: x.square().mean(-1),
        "You took the largest square in place of their mean.": lambda x: x.square().amax(
            -1, keepdim=True
        ),
        "You divided the sum of the squares by √C: the mean divides by C.": lambda x: (
            x.square().sum(-1, keepdim=True) / x.shape[-1] ** 0.5
        ),
    },
    "root": {
        "ε stands outside the root: it is added to the mean square, √(mean + ε).": (
            lambda mean, eps: mean.sqrt() + eps
        ),
        "ε was left out, and a token of zeros becomes 0 / 0: √(mean + ε).": lambda mean, eps: (
            mean.sqrt()
        ),
        "Your ε is a small number of your own: use the `eps` that is given.": lambda mean, eps: (
            mean + 1e-5
        ).sqrt(),
        "ε was subtracted: it is added to the mean square.": lambda mean, eps: (mean - eps).sqrt(),
        "ε was squared: it is added to the mean square as it is.": lambda mean, eps: (
            mean + eps**2
        ).sqrt(),
        "ε is no lower bound: it is added to the mean square.": lambda mean, eps: mean.clamp(
            min=eps
        ).sqrt(),
        "ε is no lower bound of the root: it is added to the mean square, below the root.": (
            lambda mean, eps: mean.sqrt().clamp(min=eps)
        ),
        "The root is missing: divide by √(mean + ε).": lambda mean, eps: mean + eps,
        "You multiplied by √(mean + ε): divide by it, or multiply by torch.rsqrt.": (
            lambda mean, eps: 1 / (mean + eps).sqrt()
        ),
        "You multiplied by the mean square + ε: divide by its root.": lambda mean, eps: (
            1 / (mean + eps)
        ),
    },
    "scale": {
        "The weight was left out: multiply by it at the end.": lambda x, w: x,
        "The weight was added: multiply by it.": lambda x, w: x + w,
        "You multiplied by 1 + weight, as Gemma does. Here the weight is the factor itself.": (
            lambda x, w: x * (1 + w)
        ),
        "You divided by the weight: multiply by it.": lambda x, w: x / w,
        "The weight was subtracted: multiply by it.": lambda x, w: x - w,
        "The weight was multiplied twice: once is enough.": lambda x, w: x * w * w,
        "The weight's numbers were summed up with @: multiply column by column, with *.": (
            lambda x, w: x @ w
        ),
    },
}


def _counted_from_the_front(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return _over(x, weight, eps, axes=2)


def _mean_subtracted_above(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight


def _weight_first(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return _norm(x * weight, torch.ones_like(weight), eps)


def _weight_below(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return x * weight / ((x * weight).square().mean(-1, keepdim=True) + eps).sqrt() * weight


def _in_place(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    x /= (x.square().mean(-1, keepdim=True) + eps).sqrt()
    return x * weight


def _token_by_token(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    rows = [
        row / (sum(value * value for value in row) / len(row) + eps) ** 0.5 * weight
        for row in x.reshape(-1, x.shape[-1])
    ]
    return torch.stack(rows).view(x.shape)


ROUNDED = (
    "The numbers are right to some three digits, and no further: were they rounded, or computed in "
    "16 bits?"
)


def _explain(args: tuple[Any, ...], expected: Tensor, got: Any) -> str | None:
    """Undo the weight, and look at what each token was divided by."""
    x, weight, eps = (arg.detach() if isinstance(arg, Tensor) else arg for arg in args)
    found = torch.as_tensor(got).detach().double()
    if the_same(expected, found) or x.shape[-1] < 2:
        return None
    if (x.abs() < 1e-3).any() or (weight.abs() < 1e-3).any():
        return None
    factors = found / weight / x
    own = factors.mean(-1, keepdim=True)
    if not torch.allclose(factors, own.expand_as(factors), rtol=1e-3):
        return None
    effective = 1 / own**2 - x.double().square().mean(-1, keepdim=True)
    even = effective.numel() > 1 and (effective - effective.mean()).abs().max() < 1e-3
    other = not math.isclose(effective.mean(), eps, rel_tol=0.02, abs_tol=1e-4)
    if (own > 0).all() and even and other:
        worked = f"{effective.mean():.2g}" if effective.mean().abs() > 1e-4 else "nearly 0"
        return f"All is right but ε, which works out as {worked}; {eps:g} was given."
    if torch.allclose(found, expected.detach().double(), rtol=5e-3, atol=1e-3):
        return ROUNDED
    return (
        "Each token is divided by one number and scaled by the weight, as it should be; but that "
        "number is not the root of its mean square + ε."
    )


def _probe(*shape: int, eps: float, seed: int) -> tuple[Tensor, Tensor, float]:
    weight = uniform(shape[-1], seed=seed + 1, low=0.3, high=1.9)
    return uniform(*shape, seed=seed, high=4.0), weight, eps


RMS_NORM = Exercise(
    id="11.1",
    title="RMSNorm",
    minutes=5,
    stars=1,
    reference=rms_norm,
    probes=[
        _probe(1, 2, 3, eps=0.3, seed=1111),
        (torch.tensor([[[0.3, 0.1, -0.2, 0.25]]]), torch.tensor([1.0, 0.5, 2.0, 1.5]), 0.5),
        _probe(2, 3, 4, eps=0.02, seed=1112),
        (torch.tensor([[[0.0, 0.0], [1.5, -0.5]]]), torch.tensor([2.0, 0.5]), 1e-5),
        _probe(5, eps=0.1, seed=1113),
        _probe(3, 3, 3, eps=1e-3, seed=1114),
        _probe(2, 3, 1, 5, eps=1e-6, seed=1115),
        _probe(3, 1, 7, eps=1e-4, seed=1116),
        learned(*_probe(2, 2, 5, eps=0.05, seed=1117)),
    ],
    mistakes=at_one_step(_norm, _STEPS)
    | {
        "You took the mean over the tokens (axis −2). Each token is divided by its own root mean "
        "square, over its C numbers: axis −1.": partial(_over, axes=-2),
        "You took the mean over axis 1, the tokens. Each token is divided by its own root mean "
        "square, over its C numbers: axis −1.": partial(_over, axes=1),
        "You took the mean over axis 0. Each token is divided by its own root mean square, over "
        "its C numbers: axis −1.": partial(_over, axes=0),
        "You took one mean for all tokens. Each is divided by its own root mean square, over its C "
        "numbers: axis −1.": lambda x, w, eps: _norm(x, w, eps, spread=lambda x: x.square().mean()),
        "You counted the axis from the front. x may have any number of axes before its columns, "
        "which are the last: axis −1.": _counted_from_the_front,
        "The mean was subtracted above the line: RMSNorm divides x as it is.": (
            _mean_subtracted_above
        ),
        "The weight came first and changes the root mean square: it comes last.": _weight_first,
        "You divided by the root mean square of x · weight: x alone is measured.": _weight_below,
        "Nothing was divided: x · weight is only the last step.": lambda x, w, eps: x * w,
        "x was changed in place: `/=` writes into the argument, which the residual stream still "
        "needs. Make a new tensor, x / root.": _in_place,
        THROUGH_NUMPY: through_numpy(rms_norm),
    },
    together=at_two_steps(_norm, _STEPS),
    alternatives={
        "torch's own": lambda x, w, eps: F.rms_norm(x, x.shape[-1:], w, eps),
        "the norm of the vector": lambda x, w, eps: (
            w * x / (x.norm(dim=-1, keepdim=True) ** 2 / x.shape[-1] + eps) ** 0.5
        ),
        "token by token": _token_by_token,
        "einsum, float64": lambda x, w, eps: (
            x.double()
            * (torch.einsum("...c,...c->...", x, x)[..., None].double() / x.shape[-1] + eps).rsqrt()
            * w
        ),
    },
    explain=_explain,
    atol=1e-5,
)
