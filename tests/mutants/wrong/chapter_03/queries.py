"""Wrong answers to exercises 3.4 to 3.6, as learners write them."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, course, wrongs
from torch import Tensor

# 3.4


def _scores(q: Tensor, k: Tensor) -> Tensor:
    return (q * k).sum(-1)


wrongs(
    "3.4",
    says="You divided by N − 1",
    default_var=lambda q, k: (_scores(q, k).var(), (_scores(q, k) / q.shape[1] ** 0.5).var()),
)
wrongs(
    "3.4",
    says="Your second variance has no scale",
    same=lambda q, k: (_scores(q, k).var(correction=0),) * 2,
)
wrongs(
    "3.4",
    says="You divided the scores by d",
    by_d=lambda q, k: (
        _scores(q, k).var(correction=0),
        (_scores(q, k) / q.shape[1]).var(correction=0),
    ),
)
wrongs(
    "3.4",
    says="You divided the variance by √d",
    root_of_variance=lambda q, k: (
        _scores(q, k).var(correction=0),
        _scores(q, k).var(correction=0) / q.shape[1] ** 0.5,
    ),
)
wrongs(
    "3.4",
    says=("The first variance divides by N", "The first variance is right"),
    mixed=lambda q, k: (_scores(q, k).var(correction=0), (_scores(q, k) / q.shape[1] ** 0.5).var()),
)
wrongs(
    "3.4",
    says="You scored every query against every key",
    all_pairs=lambda q, k: (
        (q @ k.T).var(correction=0),
        (q @ k.T / q.shape[1] ** 0.5).var(correction=0),
    ),
)
wrongs(
    "3.4",
    says=("You scored every query against every key", "You divided by N − 1"),
    all_pairs_by_n=lambda q, k: ((q @ k.T).var(), (q @ k.T / q.shape[1] ** 0.5).var()),
)
wrongs(
    "3.4",
    says="You returned the standard deviation",
    std=lambda q, k: (
        _scores(q, k).std(correction=0),
        (_scores(q, k) / q.shape[1] ** 0.5).std(correction=0),
    ),
)
wrongs("3.4", says="The two are in the wrong order", swapped=lambda q, k: course("3.4")(q, k)[::-1])
wrongs(
    "3.4",
    says="The first variance is right",
    fixed_width=lambda q, k: (
        _scores(q, k).var(correction=0),
        (_scores(q, k) / 8).var(correction=0),
    ),
)
wrongs(
    "3.4",
    says="The scale is right",
    cubes=lambda q, k: (_scores(q, k).abs().mean() * q.shape[1], _scores(q, k).abs().mean()),
)
wrongs(
    "3.4",
    says="The second variance is right",
    only_second=lambda q, k: (course("3.4")(q, k)[1] * 3, course("3.4")(q, k)[1]),
)
wrongs(
    "3.4",
    says=ANY,
    var_of_queries=lambda q, k: (q.var(correction=0), (q / q.shape[1] ** 0.5).var(correction=0)),
    sums=lambda q, k: (_scores(q, k).sum(), (_scores(q, k) / q.shape[1] ** 0.5).sum()),
    one_number=lambda q, k: _scores(q, k).var(correction=0),
    tensors=lambda q, k: (_scores(q, k), _scores(q, k) / q.shape[1] ** 0.5),
    zeros=lambda q, k: (0, 0),
    whole=lambda q, k: (round(float(_scores(q, k).var(correction=0))), 0),
    nothing=lambda q, k: None,
)


# 3.5


def _weights(q: Tensor, k: Tensor) -> Tensor:
    return (k @ q / math.sqrt(len(q))).softmax(0)


wrongs(
    "3.5",
    says="There is no scale",
    unscaled=lambda q, k, v: (
        (k @ q).softmax(0) @ v,
        (k @ q).softmax(0),
    ),
)
wrongs(
    "3.5",
    says="You divided the scores by d",
    by_d=lambda q, k, v: (
        (k @ q / len(q)).softmax(0) @ v,
        (k @ q / len(q)).softmax(0),
    ),
)
wrongs(
    "3.5",
    says="You divided by √T",
    by_root_t=lambda q, k, v: (
        (k @ q / len(k) ** 0.5).softmax(0) @ v,
        (k @ q / len(k) ** 0.5).softmax(0),
    ),
)
wrongs(
    "3.5",
    says="You divided the output by √d",
    late=lambda q, k, v: ((k @ q).softmax(0) @ v / len(q) ** 0.5, (k @ q).softmax(0)),
)
wrongs(
    "3.5",
    says="You divided by √d after the softmax",
    weights_scaled=lambda q, k, v: (
        (k @ q).softmax(0) / len(q) ** 0.5 @ v,
        (k @ q).softmax(0) / len(q) ** 0.5,
    ),
)
wrongs(
    "3.5",
    says="Your weights are a softmax of",
    cold=lambda q, k, v: ((3 * k @ q).softmax(0) @ v, (3 * k @ q).softmax(0)),
)
wrongs(
    "3.5",
    says="The weights are right, and the output is not",
    doubled=lambda q, k, v: (2 * _weights(q, k) @ v, _weights(q, k)),
    centred=lambda q, k, v: (_weights(q, k) @ (v - v.mean(0)), _weights(q, k)),
    squares=lambda q, k, v: (_weights(q, k) ** 2 @ v, _weights(q, k)),
)
wrongs(
    "3.5",
    says="You averaged the values without the weights",
    plain=lambda q, k, v: (
        v.mean(0),
        _weights(q, k),
    ),
)
wrongs(
    "3.5",
    says="In second place stand the scores",
    scores=lambda q, k, v: (_weights(q, k) @ v, k @ q / len(q) ** 0.5),
)
wrongs(
    "3.5",
    says="The two results are in the wrong order",
    swapped=lambda q, k, v: (
        _weights(q, k),
        _weights(q, k) @ v,
    ),
)
wrongs("3.5", says="You returned only the output", output=lambda q, k, v: _weights(q, k) @ v)
wrongs(
    "3.5",
    says="Large scores overflow",
    by_hand=lambda q, k, v: (
        (k @ q / len(q) ** 0.5).exp() / (k @ q / len(q) ** 0.5).exp().sum() @ v,
        (k @ q / len(q) ** 0.5).exp() / (k @ q / len(q) ** 0.5).exp().sum(),
    ),
)
wrongs(
    "3.5",
    says=("There is no scale", "Your weights are exponentials"),
    raw_exponentials=lambda q, k, v: ((k @ q).exp() @ v, (k @ q).exp()),
)
wrongs(
    "3.5",
    says="The weights sum to 1, but differ",
    distance=lambda q, k, v: (
        (-(k - q).norm(dim=1)).softmax(0) @ v,
        (-(k - q).norm(dim=1)).softmax(0),
    ),
    absolute=lambda q, k, v: (
        (k @ q).abs().softmax(0) @ v,
        (k @ q).abs().softmax(0),
    ),
)
wrongs(
    "3.5",
    says=ANY,
    first_key=lambda q, k, v: (v[0], torch.ones(len(k)) / len(k)),
    by_features=lambda q, k, v: ((k * q).softmax(1) @ v, (k * q).softmax(1)),
    turned=lambda q, k, v: (v @ _weights(q, k), _weights(q, k)),
    no_values=lambda q, k, v: (_weights(q, k) @ k, _weights(q, k)),
    query_first=lambda q, k, v: ((q @ k).softmax(0) @ v, (q @ k).softmax(0)),
    negative=lambda q, k, v: ((-k @ q).softmax(0) @ v, (-k @ q).softmax(0)),
)


# 3.6


def _cold(q: Tensor, k: Tensor, v: Tensor, t: float, otherwise: Tensor) -> Tensor:
    return otherwise if t == 0 else (k @ q / t).softmax(0) @ v


wrongs(
    "3.6",
    says="At temperature 0 you divide by zero",
    no_case=lambda q, k, v, t: (k @ q / t).softmax(0) @ v,
)
wrongs(
    "3.6",
    says="Where several keys fit equally well at temperature 0, you return the value of the first",
    argmax=lambda q, k, v, t: _cold(q, k, v, t, v[(k @ q).argmax()]),
)
wrongs(
    "3.6",
    says="At temperature 0 the best key counts alone",
    clamp=lambda q, k, v, t: (k @ q / max(t, 1e-6)).softmax(0) @ v,
    tinier=lambda q, k, v, t: (k @ q / max(t, 1e-9)).softmax(0) @ v,
)
wrongs(
    "3.6",
    says=("At temperature 0 the best key counts alone",),
    isclose=lambda q, k, v, t: _cold(q, k, v, t, v[torch.isclose(k @ q, (k @ q).max())].mean(0)),
    rounded=lambda q, k, v, t: _cold(
        q, k, v, t, v[(k @ q).round(decimals=6) == (k @ q).max().round(decimals=6)].mean(0)
    ),
)
wrongs(
    "3.6",
    says="You take a temperature below a half for 0",
    below_half=lambda q, k, v, t: course("3.6")(q, k, v, 0.0 if t < 0.5 else t),
)
wrongs(
    "3.6",
    says=("You divided by √d as well",),
    scaled=lambda q, k, v, t: course("3.6")(q / len(q) ** 0.5, k, v, t),
)
wrongs(
    "3.6",
    says="You multiplied by the temperature",
    times=lambda q, k, v, t: (
        _cold(q, k, v, t, course("3.6")(q, k, v, 0.0)) if t == 0 else (k @ q * t).softmax(0) @ v
    ),
)
wrongs(
    "3.6",
    says="The temperature does nothing but at 0",
    ignored=lambda q, k, v, t: course("3.6")(q, k, v, 0.0) if t == 0 else (k @ q).softmax(0) @ v,
)
wrongs(
    "3.6",
    says="You always take the best key",
    hard=lambda q, k, v, t: course("3.6")(q, k, v, 0.0),
)
wrongs("3.6", says="You blended the keys", keys=lambda q, k, v, t: course("3.6")(q, k, k, t))
wrongs(
    "3.6",
    says="At temperature 0 you average everything",
    mean_at_zero=lambda q, k, v, t: _cold(q, k, v, t, v.mean(0)),
)
wrongs(
    "3.6",
    says="Above temperature 0 the weights are",
    tenfold=lambda q, k, v, t: course("3.6")(q, k, v, 10 * t),
    cubed=lambda q, k, v, t: course("3.6")(q, k, v, t**3),
)
wrongs(
    "3.6",
    says="A mean lies between",
    sums=lambda q, k, v, t: _cold(q, k, v, t, v[(k @ q).argmax()]) if t == 0 else 3 * v.sum(0),
)
wrongs(
    "3.6",
    says=ANY,
    softened=lambda q, k, v, t: (k @ q / (t + 1e-3)).softmax(0) @ v,
    weights=lambda q, k, v, t: (k @ q / (t or 1)).softmax(0),
    one_key=lambda q, k, v, t: v[0],
    zero_is_mean=lambda q, k, v, t: v.mean(0),
    by_distance=lambda q, k, v, t: (-(k - q).norm(dim=1) / (t or 1e-9)).softmax(0) @ v,
    raises=lambda q, k, v, t: {0: v}[t],
    double_divide=lambda q, k, v, t: _cold(q, k, v, t, v[(k @ q).argmax()]) / (t or 1),
)
