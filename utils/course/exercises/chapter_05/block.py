"""Chapter 05: the block, and a layer that takes the place of its norms."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.gpt import norms

Layer = Callable[[Tensor], Tensor]

# 5.4 · the pre-norm block


def pre_norm_block(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    """The stream after attention, and after the feed-forward layer, (B, T, C) both."""
    after_attention = x + attend(norm_1(x))
    return after_attention, after_attention + feed_forward(norm_2(after_attention))


def same(x: Tensor) -> Tensor:
    """A layer that changes nothing."""
    return x


def double(x: Tensor) -> Tensor:
    """Work that multiplies by 2."""
    return 2 * x


def plus_one(x: Tensor) -> Tensor:
    """Work that adds 1."""
    return x + 1


def mean_so_far(x: Tensor) -> Tensor:
    """Attention of a kind: each token gets the mean of all up to itself, turned a little."""
    count = torch.arange(1.0, x.shape[-2] + 1)[:, None]
    return (x.cumsum(-2) / count).roll(1, dims=-1)


def bend(x: Tensor) -> Tensor:
    """A feed-forward layer of a kind: a curve through each number."""
    return torch.relu(x) - 0.3 * x.square()


def norm_a(x: Tensor) -> Tensor:
    """LayerNorm with a weight and a bias of its own."""
    width = x.shape[-1]
    return norms.layer_norm(x, torch.linspace(0.5, 1.5, width), torch.linspace(-0.2, 0.6, width))


def norm_b(x: Tensor) -> Tensor:
    """LayerNorm with another weight and another bias."""
    width = x.shape[-1]
    return norms.layer_norm(x, torch.linspace(2.0, 0.7, width), torch.linspace(0.5, -0.4, width))


def _branches(
    first: Callable[[Tensor, Layer, Layer], Tensor],
    second: Callable[[Tensor, Layer, Layer], Tensor] | None = None,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """A block from what it does at its first and at its second branch: (x, norm, work) -> x."""

    def block(
        x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
    ) -> tuple[Tensor, Tensor]:
        middle = first(x, norm_1, attend)
        return middle, (second or first)(middle, norm_2, feed_forward)

    return block


def _sound(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return x + work(norm(x))


def _no_residual(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return work(norm(x))


def _no_norm(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return x + work(x)


def _normed_stream(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    x = norm(x)
    return x + work(x)


def _post(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return norm(x + work(x))


def _norm_behind(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return x + norm(work(x))


def _norm_around(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return norm(x + work(norm(x)))


def _rearranged(
    change: Callable[..., tuple[object, ...]],
) -> Callable[..., tuple[Tensor, Tensor]]:
    return lambda *args: pre_norm_block(*change(*args))


def _parallel(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    after_attention = x + attend(norm_1(x))
    return after_attention, after_attention + feed_forward(norm_2(x))


def _second_from_the_start(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    after_attention = x + attend(norm_1(x))
    return after_attention, x + feed_forward(norm_2(after_attention))


def _second_sees_no_first(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    return x + attend(norm_1(x)), x + feed_forward(norm_2(x))


def _x_added_twice(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    middle, out = pre_norm_block(x, norm_1, attend, norm_2, feed_forward)
    return middle, x + out


def _in_place_on_a_copy(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    stream = x.clone()
    stream += attend(norm_1(stream))
    middle = stream.clone()
    stream += feed_forward(norm_2(stream))
    return middle, stream


def _as_a_loop(x: Tensor, *layers: Layer) -> list[Tensor]:
    found = []
    for norm, work in zip(layers[::2], layers[1::2], strict=True):
        x = torch.add(work(norm(x)), x)
        found.append(x)
    return found


PRE_NORM_BLOCK = Exercise(
    id="5.4",
    title="The pre-norm block",
    minutes=8,
    stars=2,
    reference=pre_norm_block,
    probes=[
        (torch.tensor([[[1.0, 2.0]]]), same, double, same, plus_one),
        (torch.tensor([[[1.0, 3.0]]]), norm_a, double, same, plus_one),
        (uniform(2, 3, 4, seed=540), norm_a, mean_so_far, norm_b, bend),
        (uniform(3, 5, 6, seed=541, high=5.0), norm_b, mean_so_far, norm_a, bend),
        (uniform(4, 1, 3, seed=542), norm_a, mean_so_far, norm_b, bend),
    ],
    mistakes={
        "Both residuals are lost: what a branch finds is *added* to the stream.": _branches(
            _no_residual
        ),
        "The residual around attention is lost: add what attention found to x.": _branches(
            _no_residual, _sound
        ),
        "The residual around the feed-forward layer is lost: add what it found to the "
        "stream.": _branches(_sound, _no_residual),
        "This is the post-norm block of 2017: the norm stands behind the sum, on the stream "
        "itself. In a pre-norm block it stands at the entrance of the branch.": _branches(_post),
        "You normalised the stream itself: the norm makes the branch's input, and what is added "
        "to is the untouched x.": _branches(_normed_stream),
        "The norm stands behind the work: it belongs before, at the entrance of the "
        "branch.": _branches(_norm_behind),
        "The branch is right, and then you normalised the sum too: the stream stays as it "
        "is.": _branches(_norm_around),
        "The two branches both read x, side by side. Some models do that; here the feed-forward "
        "layer reads what attention has written.": _parallel,
        "The feed-forward layer's result was added to the old x, and what attention found is "
        "lost.": _second_from_the_start,
        "The feed-forward layer reads the old x and is added to it: what attention found is "
        "lost.": _second_sees_no_first,
        "x was added twice: after attention the stream already holds it.": _x_added_twice,
        "The norms are swapped: norm_1 belongs to attention, norm_2 to the feed-forward "
        "layer.": _rearranged(lambda x, m, a, n, f: (x, n, a, m, f)),
        "You used norm_1 for both branches: the second has its own.": _rearranged(
            lambda x, m, a, n, f: (x, m, a, m, f)
        ),
        "The feed-forward layer came first: attention does.": _rearranged(
            lambda x, m, a, n, f: (x, n, f, m, a)
        ),
        "The feed-forward layer came first, each branch behind the other's norm: attention comes "
        "first.": _rearranged(lambda x, m, a, n, f: (x, m, f, n, a)),
        "The norms are missing: a branch reads norm(x).": _branches(_no_norm),
        "norm_1 is missing: attention reads norm_1(x).": _branches(_no_norm, _sound),
        "norm_2 is missing: the feed-forward layer reads a normalised stream.": _branches(
            _sound, _no_norm
        ),
        "The feed-forward layer is missing.": lambda x, m, a, n, f: (x + a(m(x)), x + a(m(x))),
        "You returned the last stream twice: keep the one after attention under a name of its own "
        "(`out += …` would change it too).": lambda *args: (pre_norm_block(*args)[1],) * 2,
        "You returned the output first: `after_attention, out`.": lambda *args: pre_norm_block(
            *args
        )[::-1],
        "You returned what the branches found: return the stream after each.": (
            lambda x, m, a, n, f: (a(m(x)), f(n(x + a(m(x)))))
        ),
    },
    alternatives={
        "in place, on a copy": _in_place_on_a_copy,
        "a loop over the branches": _as_a_loop,
        "one branch a function": _branches(_sound),
    },
    parts=("after_attention", "out"),
    atol=1e-5,
)

# 5.6 · Dynamic Tanh


def dynamic_tanh(x: Tensor, alpha: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """tanh(α x), scaled and shifted column by column."""
    return norms.dynamic_tanh(x, alpha, weight, bias)


def _by_exponentials(x: Tensor, alpha: Tensor, weight: Tensor, bias: Tensor) -> np.ndarray:
    turned = float(alpha) * x.double().numpy()
    up, down = np.exp(turned), np.exp(-turned)
    return (up - down) / (up + down) * weight.numpy() + bias.numpy()


def _number_by_number(x: Tensor, alpha: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    out = torch.empty_like(x)
    for index in np.ndindex(*x.shape):
        column = index[-1]
        bent = math.tanh(float(alpha) * float(x[index]))
        out[index] = weight[column] * bent + bias[column]
    return out


def _of_normed(x: Tensor, alpha: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return torch.tanh(alpha * centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt())


def _tanh_probe(*shape: int, alpha: float, seed: int) -> tuple[Tensor, ...]:
    width = shape[-1]
    weight = uniform(width, seed=seed + 1, low=0.3, high=2.0)
    x = uniform(*shape, seed=seed, low=-5.0, high=6.0)
    return x, torch.tensor(alpha), weight, uniform(width, seed=seed + 2)


DYNAMIC_TANH = Exercise(
    id="5.6",
    title="Dynamic Tanh",
    minutes=5,
    stars=1,
    reference=dynamic_tanh,
    probes=[
        (torch.tensor([[1.0, -2.0]]), torch.tensor(0.5), torch.ones(2), torch.zeros(2)),
        _tanh_probe(1, 3, alpha=0.8, seed=560),
        _tanh_probe(3, 3, alpha=0.5, seed=563),
        _tanh_probe(2, 3, 4, alpha=1.5, seed=566),
    ],
    mistakes={
        "α stands outside: it belongs under the tanh, where it says how far from 0 the bend "
        "begins.": lambda x, a, w, b: a * torch.tanh(x) * w + b,
        "α was left out.": lambda x, a, w, b: torch.tanh(x) * w + b,
        "You divided by α: multiply.": lambda x, a, w, b: torch.tanh(x / a) * w + b,
        "α was added: it is a factor.": lambda x, a, w, b: torch.tanh(x + a) * w + b,
        "Weight and bias stand under the tanh: they come behind it, or nothing larger than 1 "
        "could come out.": lambda x, a, w, b: torch.tanh(a * x * w + b),
        "The weight stands under the tanh: it comes behind it.": lambda x, a, w, b: (
            torch.tanh(a * x * w) + b
        ),
        "The bias stands under the tanh: it comes behind it.": lambda x, a, w, b: (
            torch.tanh(a * x + b) * w
        ),
        "The bias was added before the weight multiplied: multiply first.": lambda x, a, w, b: (
            (torch.tanh(a * x) + b) * w
        ),
        "The affine part was forgotten: multiply by weight, add bias.": lambda x, a, w, b: (
            torch.tanh(a * x)
        ),
        "The bias was forgotten.": lambda x, a, w, b: torch.tanh(a * x) * w,
        "The weight was forgotten.": lambda x, a, w, b: torch.tanh(a * x) + b,
        "The tanh was forgotten: without it this is a straight line.": lambda x, a, w, b: (
            a * x * w + b
        ),
        "You normalised first. Dynamic Tanh takes no mean and no variance: every number goes its "
        "own way.": lambda x, a, w, b: _of_normed(x, a, w, b) * w + b,
        "You subtracted the token's mean first. Dynamic Tanh takes no mean.": lambda x, a, w, b: (
            torch.tanh(a * (x - x.mean(-1, keepdim=True))) * w + b
        ),
        "You cut off at −1 and 1: tanh comes near them in a curve, and has no "
        "corner.": lambda x, a, w, b: (a * x).clamp(-1, 1) * w + b,
        "This is a sigmoid, between 0 and 1: tanh goes from −1 to 1.": lambda x, a, w, b: (
            torch.sigmoid(a * x) * w + b
        ),
    },
    alternatives={
        "exponentials, numpy": _by_exponentials,
        "number by number": _number_by_number,
        "a sigmoid, stretched": lambda x, a, w, b: (2 * torch.sigmoid(2 * a * x) - 1) * w + b,
        "float64": lambda x, a, w, b: torch.tanh(a.double() * x) * w + b,
    },
    atol=1e-5,
)
