"""Wrong answers to exercises 3.1 to 3.3, as learners write them."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, course, wrong, wrongs
from torch import Tensor

# 3.1


def _kernel(q: Tensor, k: Tensor, h: float) -> Tensor:
    return torch.exp(-((q - k) ** 2).sum(-1) / (2 * h**2))


wrongs(
    "3.1",
    says="Your weights sum to",
    times_keys=lambda q, k, h: _kernel(q, k, h) * k[:, 0],
    by_n_minus_one=lambda q, k, h: _kernel(q, k, h) / (len(k) + 1),
    by_the_bell=lambda q, k, h: _kernel(q, k, h) / (h * math.sqrt(2 * math.pi)),
)
wrongs(
    "3.1",
    says="Your weights go like exp(",
    cubed_bandwidth=lambda q, k, h: (-((q - k) ** 2).sum(-1) / (2 * h**3)).softmax(0),
    root_of_bandwidth=lambda q, k, h: (-((q - k) ** 2).sum(-1) / (2 * math.sqrt(h))).softmax(0),
)
wrongs(
    "3.1",
    says="Your weights sum to 1, but come from another kernel",
    cauchy=lambda q, k, h: (
        (1 / (1 + ((q - k) ** 2).sum(-1) / h**2)) / (1 / (1 + ((q - k) ** 2).sum(-1) / h**2)).sum()
    ),
    largest_gap=lambda q, k, h: (-((q - k).abs().amax(-1) ** 2) / (2 * h**2)).softmax(0),
    laplace=lambda q, k, h: (-(q - k).norm(dim=-1) / h).softmax(0),
)
wrongs(
    "3.1",
    says="Your weights do not sum to 1",
    no_sum=_kernel,
)
wrongs(
    "3.1",
    says="The minus is missing",
    softmax_no_minus=lambda q, k, h: (((q - k) ** 2).sum(-1) / (2 * h**2)).softmax(0),
)
wrongs(
    "3.1",
    says="You put the kernel's values through a softmax",
    softmax_of_kernel=lambda q, k, h: _kernel(q, k, h).softmax(dim=-1),
)
wrongs(
    "3.1",
    says="Your bandwidth multiplies",
    brackets=lambda q, k, h: (-((q - k) ** 2).sum(-1) / 2 * h**2).softmax(0),
)
wrongs(
    "3.1",
    says="You divide distance² by 4",
    four_not_two=lambda q, k, h: (-((q - k) ** 2).sum(-1) / (4 * h**2)).softmax(0),
    both_squared=lambda q, k, h: (-((q - k) ** 2).sum(-1) / (2 * h) ** 2).softmax(0),
)
wrongs(
    "3.1",
    says=("Your distance is not squared", "Your bandwidth is not squared"),
    neither_squared=lambda q, k, h: (-(q - k).norm(dim=-1) / (2 * h)).softmax(0),
)
wrongs(
    "3.1",
    says="You summed over the keys",
    sum_zero=lambda q, k, h: (
        torch.exp(-((q - k) ** 2).sum(0) / (2 * h**2))
        / torch.exp(-((q - k) ** 2).sum(0) / (2 * h**2)).sum()
    ),
)
wrongs(
    "3.1",
    ("You summed over all keys and numbers at once", "Your weights do not sum to 1"),
    whole_distance=lambda q, k, h: torch.exp(-((q - k) ** 2).sum() / (2 * h**2)),
)
wrongs(
    "3.1",
    keeps_the_axis=lambda q, k, h: torch.exp(-((q - k) ** 2).sum(-1, keepdim=True) / (2 * h**2)),
    caret=lambda q, k, h: torch.exp(-((q - k) ^ 2).sum(-1)),
)


# 3.2


def _matrix(q: Tensor, k: Tensor, h: float) -> Tensor:
    return torch.exp(-((q[:, None] - k) ** 2).sum(-1) / (2 * h**2))


def _rows(q: Tensor, k: Tensor, h: float) -> Tensor:
    return _matrix(q, k, h) / _matrix(q, k, h).sum(1, keepdim=True)


wrongs(
    "3.2",
    says="The weights are right, and the estimates are not",
    doubled=lambda q, k, v, h: (2 * _rows(q, k, h) @ v, _rows(q, k, h)),
    subtracts_mean=lambda q, k, v, h: (_rows(q, k, h) @ (v - v.mean(0)), _rows(q, k, h)),
    squared_weights=lambda q, k, v, h: (_rows(q, k, h) ** 2 @ v, _rows(q, k, h)),
)
wrongs(
    "3.2",
    says="You averaged the keys",
    keys_averaged=lambda q, k, v, h: (
        _rows(q, k, h) @ k[:, : v.shape[1]] if k.shape == v.shape else _rows(q, k, h) @ k,
        _rows(q, k, h),
    ),
)
wrongs(
    "3.2",
    says="You normalised the columns",
    columns=lambda q, k, v, h: (
        (_matrix(q, k, h) / _matrix(q, k, h).sum(0)) @ v,
        _matrix(q, k, h) / _matrix(q, k, h).sum(0),
    ),
)
wrongs(
    "3.2",
    says="Your weights are not normalised",
    kernel_alone=lambda q, k, v, h: (_matrix(q, k, h) @ v, _matrix(q, k, h)),
)
wrongs(
    "3.2",
    says=("You averaged the keys", "The weights of a query must sum to 1", "Your weights are not"),
    two_at_once=lambda q, k, v, h: (_matrix(q, k, h) @ k, _matrix(q, k, h)),
)
wrongs(
    "3.2",
    says="The two results are in the wrong order",
    order=lambda q, k, v, h: (_rows(q, k, h), _rows(q, k, h) @ v),
)
wrongs(
    "3.2",
    says="The estimates follow from your weights",
    cauchy=lambda q, k, v, h: _cauchy(q, k, v, h),
    another_bandwidth=lambda q, k, v, h: course("3.2")(q, k, v, 1.1 * h),
)


wrongs(
    "3.2",
    says="Row 1 of your weights is that of query 0",
    first_for_all=lambda q, k, v, h: (
        _rows(q[:1].expand_as(q), k, h) @ v,
        _rows(q[:1].expand_as(q), k, h),
    ),
)
wrongs(
    "3.2",
    says="Row 0 of your weights is that of query 1",
    backwards=lambda q, k, v, h: (_rows(q.flip(0), k, h) @ v, _rows(q.flip(0), k, h)),
)


def _cauchy(q: Tensor, k: Tensor, v: Tensor, h: float) -> tuple[Tensor, Tensor]:
    kernel = 1 / (1 + ((q[:, None] - k) ** 2).sum(-1) / h**2)
    weights = kernel / kernel.sum(1, keepdim=True)
    return weights @ v, weights


wrongs(
    "3.2",
    says="The weights of a query must sum to 1",
    halved=lambda q, k, v, h: (_rows(q, k, h) @ v, _rows(q, k, h) / 2),
)
wrongs(
    "3.2",
    says="You returned only the estimates",
    estimates=lambda q, k, v, h: _rows(q, k, h) @ v,
)
wrongs(
    "3.2",
    says=ANY,
    only_weights=lambda q, k, v, h: _rows(q, k, h),
    turned=lambda q, k, v, h: (_rows(k, q, h) @ v, _rows(k, q, h)),
    transposed=lambda q, k, v, h: (_rows(q, k, h).T @ v, _rows(q, k, h)),
    all_queries=lambda q, k, v, h: course("3.1")(q, k, h),
    list_of_rows=lambda q, k, v, h: [course("3.1")(a, k, h) @ v for a in q],
    cdist_unsquared=lambda q, k, v, h: ((-torch.cdist(q, k) / (2 * h**2)).softmax(1) @ v, None),
)


# 3.3

wrongs(
    "3.3",
    says="e^10000 is too large",
    plain=lambda s: s.exp() / s.exp().sum(-1, keepdim=True),
    math_e=lambda s: torch.e**s / (torch.e**s).sum(-1, keepdim=True),
)
wrongs(
    "3.3",
    says="You subtracted the largest of all scores",
    global_max=lambda s: (s - s.max()).exp() / (s - s.max()).exp().sum(-1, keepdim=True),
)
wrongs("3.3", says="Scores may have any number of axes", dim_one=lambda s: s.softmax(1))
wrongs("3.3", says="Your softmax runs along the first axis", dim_zero=lambda s: s.softmax(0))
wrongs(
    "3.3", says="You did not normalise", numerator=lambda s: (s - s.amax(-1, keepdim=True)).exp()
)
wrongs(
    "3.3",
    says=("`max` along an axis returns two things",),
    max_object=lambda s: torch.exp(s - s.max(dim=-1, keepdim=True)),
)
wrongs(
    "3.3",
    says="Your sum has lost its axis",
    lost=lambda s: (
        torch.exp(s - s.amax(-1, keepdim=True)) / torch.exp(s - s.amax(-1, keepdim=True)).sum(-1)
    ),
)
wrongs(
    "3.3",
    says="Your rows sum to 1, but each score counts",
    uniform=lambda s: torch.full_like(s, 1 / s.shape[-1]),
    half_temperature=lambda s: (2 * s).softmax(-1),
    tenth=lambda s: (s / 10).softmax(-1),
)
wrongs(
    "3.3",
    says="You took a power of 2",
    base_two=lambda s: (s * math.log(2)).softmax(-1),
)
wrongs("3.3", says="You took the logarithm as well", log=lambda s: s.log_softmax(-1))
wrongs(
    "3.3",
    says="Each row of weights",
    squares=lambda s: s.softmax(-1) ** 2,
    plus_epsilon=lambda s: s.softmax(-1) + 0.01,
    sigmoid=torch.sigmoid,
)
wrongs(
    "3.3",
    says="Your rows sum to 1, but a weight is not",
    renormalised_squares=lambda s: (s**2).softmax(-1),
)
wrongs("3.3", says="Your weights are those of −score", negative=lambda s: (-s).softmax(-1))
wrongs(
    "3.3", says="Your rows sum to 1, but a weight", clamped=lambda s: s.clamp(-50, 50).softmax(-1)
)
wrongs(
    "3.3",
    says=ANY,
    relu=lambda s: s.relu() / s.relu().sum(-1, keepdim=True),
    hard=lambda s: torch.nn.functional.one_hot(s.argmax(-1), s.shape[-1]).float(),
    whole_numbers=lambda s: s.long().softmax(-1),
    flat=lambda s: s.flatten().softmax(0),
)


@wrong("3.3", says="You changed the scores in place")
def in_place(s: Tensor) -> Tensor:
    s -= s.amax(-1, keepdim=True)
    e = s.exp()
    return e / e.sum(-1, keepdim=True)
