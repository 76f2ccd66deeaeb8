"""Wrong answers to exercises 3.4 to 3.7, as learners write them."""

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


# 3.7


def _once(n_points: int, draw, widths: list[float], judges: int, seen: bool = False) -> float:
    x, y = draw(n_points)
    new_x, new_y = (x, y) if seen else draw(judges)
    errors = []
    for h in widths:
        weights = (-((new_x[:, None] - x) ** 2) / (2 * h**2)).softmax(1)
        errors.append(float((weights @ y - new_y).square().mean()))
    return widths[errors.index(min(errors))]


def _summed(n: int, draw, widths: list[float], judges: int = 200, table: bool = False) -> float:
    errors = torch.zeros(len(widths))
    for _ in range(5):
        (x, y), (new_x, new_y) = draw(n), draw(judges)
        for i, h in enumerate(widths):
            guess = (-((new_x[:, None] - x) ** 2) / (2 * h**2)).softmax(1) @ y[:, None]
            errors[i] += ((guess if table else guess[:, 0]) - new_y).square().mean()
    return widths[int(errors.argmin())]


GRID_TO_1 = torch.logspace(-2, 0, 16).tolist()
GRID = [0.01 * 1.5**i for i in range(12)]
wrongs(
    "3.7",
    says="You asked the smoother about its own points",
    own_points=lambda n, draw: _once(n, draw, [0.01, *GRID[1:]], 100, seen=True),
)
wrongs(
    "3.7",
    says="You found 1 for every curve",
    only_wide=lambda n, draw: _once(n, draw, [1.0, 2.0, 3.0], 100),
    a_table=lambda n, draw: _summed(n, draw, GRID_TO_1, table=True),
)
wrongs(
    "3.7",
    says="So narrow a kernel hears the noise. Look whether the smoother knows n_points",
    knows_2000=lambda n, draw: _summed(2000, draw, GRID_TO_1),
)
wrongs(
    "3.7",
    says=ANY,
    own_points_fewer=lambda n, draw: _once(n, draw, [0.02, 0.05, 0.1, 0.2], 100, seen=True),
    too_wide=lambda n, draw: _once(n, draw, [0.8, 0.9, 1.0], 100),
    fixed=lambda n, draw: 0.1,
    fixed_narrow=lambda n, draw: 0.05,
    a_tensor_of_all=lambda n, draw: torch.tensor(GRID),
    nothing=lambda n, draw: None,
    text=lambda n, draw: "0.1",
    nan=lambda n, draw: math.nan,
    pair=lambda n, draw: (_once(n, draw, GRID, 200), 0.1),
    raises=lambda n, draw: draw(),
    infinite=lambda n, draw: math.inf,
    zero=lambda n, draw: 0,
    by_number=lambda n, draw: 1 / n,
    two_points=lambda n, draw: 1.0,
    widest=lambda n, draw: max(GRID),
    spacing=lambda n, draw: 4 / n / 2,
    silverman_of_noise=lambda n, draw: float(draw(n)[1].std()),
    place=lambda n, draw: float(GRID.index(_once(n, draw, GRID, 200))),
)
