"""Chapter 05: the layers of a block, each on its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm import gpt
from utils.llm.gpt import norms

# 5.1 · LayerNorm


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Each token's C numbers brought to mean 0 and variance 1, then scaled and shifted."""
    return norms.layer_norm(x, weight, bias, eps)


def _norm(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    eps: float,
    *,
    axes: tuple[int, ...] = (-1,),
    unbiased: bool = False,
    centre: bool = True,
    root: Callable[[Tensor, float], Tensor] = lambda variance, eps: (variance + eps).sqrt(),
    affine: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x, w, b: x * w + b,
) -> Tensor:
    """LayerNorm with a bend where a wrong turn wants one."""
    mean = x.mean(axes, keepdim=True)
    variance = x.var(axes, correction=int(unbiased), keepdim=True)
    return affine((x - mean if centre else x) / root(variance, eps), weight, bias)


def _outside(variance: Tensor, eps: float) -> Tensor:
    return variance.sqrt() + eps


def _rms(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight + bias


def _by_the_sum(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().sum(-1, keepdim=True) + eps).sqrt() * weight + bias


def _by_distances(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.abs().mean(-1, keepdim=True) + eps) * weight + bias


def _squares_for_variance(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    return (x - mean) / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight + bias


def _norm_by_loops(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    rows = []
    for row in x.reshape(-1, x.shape[-1]).tolist():
        mean = sum(row) / len(row)
        root = math.sqrt(sum((value - mean) ** 2 for value in row) / len(row) + eps)
        affine = zip(row, weight.tolist(), bias.tolist(), strict=True)
        rows.append([(value - mean) / root * w + b for value, w, b in affine])
    return torch.tensor(rows).view(x.shape)


def _norm_in_numpy(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> np.ndarray:
    values = x.numpy()
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = np.einsum("...c,...c->...", centred, centred)[..., None] / values.shape[-1]
    return centred / np.sqrt(variance + eps) * weight.numpy() + bias.numpy()


def _norm_probe(*shape: int, eps: float, seed: int) -> tuple[Tensor, Tensor, Tensor, float]:
    width = shape[-1]
    weight = uniform(width, seed=seed + 1, low=0.3, high=2.0)
    return uniform(*shape, seed=seed, high=4.0), weight, uniform(width, seed=seed + 2), eps


LAYER_NORM = Exercise(
    id="5.1",
    title="LayerNorm",
    minutes=12,
    stars=2,
    reference=layer_norm,
    probes=[
        (torch.tensor([[[2.0, 4.0, 6.0, 8.0]]]), torch.ones(4), torch.zeros(4), 1e-5),
        (torch.tensor([[[3.0, 3.0]]]), torch.tensor([2.0, 0.5]), torch.tensor([1.0, -1.0]), 1e-5),
        (torch.tensor([[[2.0, 4.0, 6.0, 8.0]]]), torch.ones(4), torch.zeros(4), 0.1),
        _norm_probe(1, 3, 3, eps=0.1, seed=511),
        _norm_probe(2, 3, 4, eps=0.1, seed=514),
        _norm_probe(3, 1, 5, eps=1e-5, seed=517),
    ],
    mistakes={
        "You divided the squares by C − 1, as one does to estimate the variance of a population "
        "from a sample. Here the C numbers are all there is: divide by C "
        "(`var(-1, correction=0)`).": partial(_norm, unbiased=True),
        "Your ε stands outside the root: √(variance + ε), not √variance + ε.": partial(
            _norm, root=_outside
        ),
        "Two things: the variance divides by C, not by C − 1 (`std` and `var` do otherwise unless "
        "told), and ε stands inside the root.": partial(_norm, unbiased=True, root=_outside),
        "You took mean and variance over the tokens (axis −2). Each token is normalised by itself, "
        "over its own C numbers: axis −1.": partial(_norm, axes=(-2,)),
        "You took one mean and one variance for all tokens of a text. Each token is normalised by "
        "itself, or it learns something of its future.": partial(_norm, axes=(-2, -1)),
        "You took one mean and one variance for the whole batch. Each token is normalised by "
        "itself, over its own C numbers: axis −1.": partial(_norm, axes=(0, 1, 2)),
        "You took mean and variance over the texts of the batch (axis 0). Each token is normalised "
        "by itself, over its own C numbers: axis −1.": partial(_norm, axes=(0,)),
        "You normalised each column over all tokens of the batch: that is batch norm. LayerNorm "
        "takes one token at a time, over its C numbers: axis −1.": partial(_norm, axes=(0, 1)),
        "`keepdim=True` is missing: without it the means lose their last axis, and broadcasting "
        "pairs them with the wrong tokens, or fails.": lambda x, w, b, eps: (
            (x - x.mean(-1)) / (x.var(-1, correction=0) + eps).sqrt() * w + b
        ),
        "The mean was kept: subtract it before you divide.": partial(_norm, centre=False),
        "This is RMSNorm, which keeps the mean and divides by the root of the mean square. "
        "LayerNorm subtracts the mean first.": _rms,
        "You divided by the root of the mean square of x itself: the variance is the mean square "
        "of what is left when the mean has been subtracted.": _squares_for_variance,
        "You divided by the root of the sum of the squares: the variance is their mean, the sum "
        "divided by C.": _by_the_sum,
        "You divided by the mean distance from the mean: square the distances, average, and take "
        "the root.": _by_distances,
        "You divided by the variance: divide by its root, the standard deviation.": partial(
            _norm, root=lambda variance, eps: variance + eps
        ),
        "You took the root twice: what stands under the root is the variance, not the standard "
        "deviation.": partial(_norm, root=lambda variance, eps: (variance.sqrt() + eps).sqrt()),
        "ε was left out: without it a token of equal numbers is divided by 0.": partial(
            _norm, root=lambda variance, eps: variance.sqrt()
        ),
        "Your ε is fixed at 1e-5: use the one that is given.": lambda x, w, b, eps: _norm(
            x, w, b, 1e-5
        ),
        "The affine part was forgotten: at the end multiply by weight and add bias.": partial(
            _norm, affine=lambda x, w, b: x
        ),
        "The bias was forgotten.": partial(_norm, affine=lambda x, w, b: x * w),
        "The weight was forgotten.": partial(_norm, affine=lambda x, w, b: x + b),
        "The bias was added before the weight multiplied: multiply first.": partial(
            _norm, affine=lambda x, w, b: (x + b) * w
        ),
        "You multiplied by 1 + weight, as some models do. Here the weight is the factor "
        "itself.": partial(_norm, affine=lambda x, w, b: x * (1 + w) + b),
        "Weight and bias came first and were normalised away: they come last.": (
            lambda x, w, b, eps: _norm(x * w + b, torch.ones_like(w), torch.zeros_like(b), eps)
        ),
    },
    alternatives={
        "loops": _norm_by_loops,
        "axis 2, counted from the front": partial(_norm, axes=(2,)),
        "numpy": _norm_in_numpy,
        "torch's own": lambda x, w, b, eps: F.layer_norm(x, x.shape[-1:], w, b, eps),
        "mean of squares minus square of mean, float64": lambda x, w, b, eps: (
            (x.double() - x.double().mean(-1, keepdim=True))
            / (
                x.double().square().mean(-1, keepdim=True)
                - x.double().mean(-1, keepdim=True) ** 2
                + eps
            ).sqrt()
            * w
            + b
        ),
    },
    atol=1e-5,
)

# 5.2 · GELU


def gelu(x: Tensor) -> Tensor:
    """x times roughly the chance that a standard normal number is below x, by a tanh."""
    return gpt.gelu(x)


def _gelu(
    x: Tensor,
    *,
    outer: Callable[[Tensor, Tensor], Tensor] = lambda x, t: 0.5 * x * (1 + t),
    scale: float = math.sqrt(2 / math.pi),
    inner: Callable[[Tensor], Tensor] = lambda x: x + 0.044715 * x**3,
) -> Tensor:
    return outer(x, torch.tanh(scale * inner(x)))


def _gelu_by_loop(x: Tensor) -> Tensor:
    def one(value: float) -> float:
        turned = math.sqrt(2 / math.pi) * (value + 0.044715 * value**3)
        return value * (1 + math.tanh(turned)) / 2

    return torch.tensor([one(value) for value in x.flatten().tolist()]).view(x.shape)


def _gelu_in_numpy(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


GELU = Exercise(
    id="5.2",
    title="GELU",
    minutes=6,
    stars=1,
    reference=gelu,
    probes=[
        (torch.tensor([1.0, -1.0]),),
        (torch.tensor([0.0]),),
        (uniform(2, 3, seed=520, low=-3.0, high=3.0),),
        (torch.linspace(-10, 10, 41),),
    ],
    mistakes={
        "This is ReLU: zero for every negative number. GELU bends smoothly, and dips below 0 "
        "between.": torch.relu,
        "This is the exact GELU, x · Φ(x). GPT-2 was trained with the tanh formula, which differs "
        "from it in the fourth decimal, and weights want the function they were trained "
        "with.": F.gelu,
        "This is the quick form, x · σ(1.702 x). It is off by up to 0.02: use the tanh "
        "formula.": lambda x: x * torch.sigmoid(1.702 * x),
        "This is SiLU, x · σ(x), which other models use.": F.silu,
        "The factor ½ is missing: for a large x the bracket is 2, and GELU(x) should be "
        "x.": partial(_gelu, outer=lambda x, t: x * (1 + t)),
        "The x in front is missing: without it this is the chance alone, between 0 and 1.": partial(
            _gelu, outer=lambda x, t: 0.5 * (1 + t)
        ),
        "The 1 in the bracket is missing: ½ · x · (1 + tanh …).": partial(
            _gelu, outer=lambda x, t: 0.5 * x * t
        ),
        "The 1 was added in the wrong place: ½ · x · (1 + tanh …).": partial(
            _gelu, outer=lambda x, t: 0.5 * x + t
        ),
        "You left out the root: the factor is √(2/π) = 0.798, not 2/π = 0.637.": partial(
            _gelu, scale=2 / math.pi
        ),
        "Your factor is √(π/2): it is √(2/π) = 0.798.": partial(
            _gelu, scale=math.sqrt(math.pi / 2)
        ),
        "The factor √(2/π) is missing.": partial(_gelu, scale=1.0),
        "The root reaches only the 2: √(2/π), not √2 / π.": partial(
            _gelu, scale=math.sqrt(2) / math.pi
        ),
        "Your x is squared: it is x³, which keeps the sign.": partial(
            _gelu, inner=lambda x: x + 0.044715 * x**2
        ),
        "The factor 0.044715 belongs to x³ alone.": partial(
            _gelu, inner=lambda x: 0.044715 * (x + x**3)
        ),
        "The cube is missing: √(2/π) · (x + 0.044715 · x³).": partial(_gelu, inner=lambda x: x),
        "Your bracket closes too early: √(2/π) multiplies x³ as well.": partial(
            _gelu, scale=1.0, inner=lambda x: math.sqrt(2 / math.pi) * x + 0.044715 * x**3
        ),
        "The sign before the tanh is wrong: ½ · x · (1 + tanh …).": partial(
            _gelu, outer=lambda x, t: 0.5 * x * (1 - t)
        ),
        "You cubed 0.044715 together with x: only x is cubed.": partial(
            _gelu, inner=lambda x: x + (0.044715 * x) ** 3
        ),
    },
    alternatives={
        "torch's own": partial(F.gelu, approximate="tanh"),
        "as a sigmoid": lambda x: (
            x * torch.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
        ),
        "numpy": lambda x: _gelu_in_numpy(x.numpy()),
        "a loop": _gelu_by_loop,
        "float64": lambda x: _gelu(x.double()),
    },
    atol=1e-5,
)

# 5.3 · the feed-forward layer


def feed_forward(
    x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor
) -> tuple[Tensor, Tensor]:
    """The hidden numbers (B, T, F), and the output (B, T, C)."""
    return _forward(x, w_in, b_in, w_out, b_out)


def _forward(
    x: Tensor,
    w_in: Tensor,
    b_in: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    *,
    bend: Callable[[Tensor], Tensor] = gelu,
    before: Callable[[Tensor], Tensor] = lambda x: x,
    after: Callable[[Tensor, Tensor], Tensor] = lambda x, out: out,
) -> tuple[Tensor, Tensor]:
    hidden = bend(before(x) @ w_in + b_in)
    return hidden, after(x, hidden @ w_out + b_out)


def _token_by_token(x: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
    rows = [_forward(token, *weights) for text in x for token in text]
    hidden, out = (torch.stack(part) for part in zip(*rows, strict=True))
    return hidden.view(*x.shape[:2], -1), out.view(x.shape)


def _bias_after_the_bend(
    x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor
) -> tuple[Tensor, Tensor]:
    hidden = gelu(x @ w_in) + b_in
    return hidden, hidden @ w_out + b_out


def _in_numpy(
    x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    inner = np.einsum("btc,cf->btf", x.numpy(), w_in.numpy()) + b_in.numpy()
    hidden = _gelu_in_numpy(inner)
    return hidden, np.einsum("btf,fc->btc", hidden, w_out.numpy()) + b_out.numpy()


def _forward_probe(b: int, t: int, c: int, f: int, high: float = 1.0) -> tuple[Tensor, ...]:
    seed = 5300 + 100 * b + 10 * t + c
    shapes = ((b, t, c), (c, f), (f,), (f, c), (c,))
    return tuple(
        uniform(*shape, seed=seed + i, low=-high, high=high) for i, shape in enumerate(shapes)
    )


FEED_FORWARD = Exercise(
    id="5.3",
    title="The feed-forward layer",
    minutes=8,
    stars=1,
    reference=feed_forward,
    probes=[
        (
            torch.tensor([[[1.0, -1.0]]]),
            torch.eye(2),
            torch.zeros(2),
            torch.tensor([[1.0, 2.0], [0.0, 1.0]]),
            torch.tensor([0.0, 1.0]),
        ),
        _forward_probe(1, 2, 1, 3),
        _forward_probe(2, 3, 3, 3, 1.5),
        _forward_probe(3, 5, 2, 8, 2.0),
    ],
    mistakes={
        "You bent with ReLU: GPT-2's feed-forward layer uses GELU.": partial(
            _forward, bend=torch.relu
        ),
        "The bend is missing. Two matrices in a row, with nothing between, are a single "
        "matrix.": partial(_forward, bend=lambda hidden: hidden),
        "You used PyTorch's exact GELU: take the tanh form of 5.2 "
        '(`F.gelu(…, approximate="tanh")`).': partial(_forward, bend=F.gelu),
        "The bend came first: x goes through w_in before it is bent.": partial(
            _forward, before=gelu, bend=lambda hidden: hidden
        ),
        "The bend came last: it belongs between the two matrices.": partial(
            _forward, bend=lambda hidden: hidden, after=lambda x, out: gelu(out)
        ),
        "The output was bent as well: nothing follows the second matrix, or the layer could "
        "hardly subtract.": partial(_forward, after=lambda x, out: gelu(out)),
        "You added x: that is the residual, and it is added by the block, not here.": partial(
            _forward, after=lambda x, out: x + out
        ),
        "b_in was added after the bend: it shifts where the bend is, so it comes "
        "before.": _bias_after_the_bend,
        "The bias b_in was dropped.": lambda x, w, b, o, c: _forward(x, w, 0 * b, o, c),
        "The bias b_out was dropped.": lambda x, w, b, o, c: _forward(x, w, b, o, 0 * c),
        "Both biases were dropped.": lambda x, w, b, o, c: _forward(x, w, 0 * b, o, 0 * c),
        "`hidden` is what it was before the bend: return what goes into w_out.": (
            lambda x, w, b, o, c: (x @ w + b, _forward(x, w, b, o, c)[1])
        ),
        "You returned the output first: `hidden, out`.": lambda *args: _forward(*args)[::-1],
        "You used the matrices transposed, as nn.Linear stores them: here `w_in` is (C, F) and "
        "comes behind x, x @ w_in.": lambda x, w, b, o, c: _forward(x, w.T, b, o.T, c),
    },
    alternatives={
        "token by token": _token_by_token,
        "numpy's einsum": _in_numpy,
        "torch's own": lambda x, w, b, o, c: (
            F.gelu(F.linear(x, w.T, b), approximate="tanh"),
            F.linear(F.gelu(F.linear(x, w.T, b), approximate="tanh"), o.T, c),
        ),
        "float64": lambda *args: _forward(*(arg.double() for arg in args)),
    },
    parts=("hidden", "out"),
    atol=1e-5,
)
