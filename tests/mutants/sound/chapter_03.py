"""Sound answers to the exercises of chapter 03, of odd kinds."""

from __future__ import annotations

import math

import numpy as np
import torch
from mutants.cases import course, sound, sounds
from torch import Tensor, nn


def _loop(query: Tensor, keys: Tensor, bandwidth: float) -> list[float]:
    kernel = []
    for key in keys.tolist():
        gaps = [q - k for q, k in zip(query.tolist(), key, strict=True)]
        kernel.append(math.exp(-sum(gap * gap for gap in gaps) / 2 / bandwidth**2))
    return [each / sum(kernel) for each in kernel]


sounds(
    "3.1",
    tensor_of_a_loop=lambda q, k, h: torch.tensor(_loop(q, k, h)),
    other_names=lambda here, there, width: (
        -((there - here) ** 2).sum(1) / (2 * width * width)
    ).softmax(0),
    numpy64=lambda q, k, h: np.array(_loop(q, k, h)),
    logsumexp=lambda q, k, h: (
        -((q - k) ** 2).sum(1) / (2 * h**2) - (-((q - k) ** 2).sum(1) / (2 * h**2)).logsumexp(0)
    ).exp(),
    einsum=lambda q, k, h: (-torch.einsum("nd,nd->n", q - k, q - k) / (2 * h**2)).softmax(0),
    norm=lambda q, k, h: torch.softmax(-0.5 * ((q - k).norm(dim=1) / h) ** 2, 0),
    float64=lambda q, k, h: (-((q - k).double() ** 2).sum(1) / (2 * h**2)).softmax(0),
    multiplied_out=lambda q, k, h: ((k @ q - (k**2).sum(1) / 2) / h**2).softmax(0),
    linear_module=lambda q, k, h: nn.Softmax(0)(-((q - k) ** 2).sum(1) / (2 * h**2)),
)
sounds(
    "3.2",
    a_list=lambda q, k, v, h: [*course("3.2")(q, k, v, h)],
    numpy=lambda q, k, v, h: tuple(each.numpy() for each in course("3.2")(q, k, v, h)),
    other_names=lambda asked, known, told, width: course("3.2")(asked, known, told, width),
    cdist=lambda q, k, v, h: (
        (-(torch.cdist(q, k) ** 2) / (2 * h**2)).softmax(1) @ v,
        (-(torch.cdist(q, k) ** 2) / (2 * h**2)).softmax(1),
    ),
    vmap=lambda q, k, v, h: (
        torch.vmap(lambda one: course("3.1")(one, k, h))(q) @ v,
        torch.vmap(lambda one: course("3.1")(one, k, h))(q),
    ),
    float64=lambda q, k, v, h: course("3.2")(q.double(), k.double(), v.double(), h),
    broadcast_sum=lambda q, k, v, h: (
        (course("3.2")(q, k, v, h)[1][:, :, None] * v).sum(1),
        course("3.2")(q, k, v, h)[1],
    ),
    recursion=lambda q, k, v, h: _recursive(q, k, v, h),
)


def _recursive(q: Tensor, k: Tensor, v: Tensor, h: float) -> tuple[Tensor, Tensor]:
    row = course("3.1")(q[0], k, h)[None]
    if len(q) == 1:
        return row @ v, row
    out, weights = _recursive(q[1:], k, v, h)
    return torch.cat([row @ v, out]), torch.cat([row, weights])


sounds(
    "3.3",
    functional=lambda s: nn.functional.softmax(s, dim=-1),
    module=nn.Softmax(dim=-1),
    log_and_back=lambda s: s.log_softmax(-1).exp(),
    numpy=lambda s: (
        np.exp(s.numpy() - s.numpy().max(-1, keepdims=True))
        / np.exp(s.numpy() - s.numpy().max(-1, keepdims=True)).sum(-1, keepdims=True)
    ),
    values=lambda s: torch.exp(s - s.max(-1, keepdim=True).values).div(
        torch.exp(s - s.max(-1, keepdim=True).values).sum(-1, keepdim=True)
    ),
    sorted_max=lambda s: (s - s.sort(-1).values[..., -1:]).softmax(-1),
    float64=lambda s: torch.softmax(s.double(), -1),
    other_name=lambda whatever: whatever.softmax(-1),
)
sounds(
    "3.4",
    floats=lambda q, k: tuple(float(each) for each in course("3.4")(q, k)),
    a_list=lambda q, k: [*course("3.4")(q, k)],
    stacked=lambda q, k: torch.stack(course("3.4")(q, k)),
    numpy=lambda q, k: tuple(np.float64(each) for each in course("3.4")(q, k)),
    unbiased_false=lambda q, k: (
        torch.einsum("nd,nd->n", q, k).var(unbiased=False),
        (torch.einsum("nd,nd->n", q, k) / q.size(1) ** 0.5).var(unbiased=False),
    ),
    diagonal=lambda q, k: (
        (q @ k.T).diagonal().var(correction=0),
        (q @ k.T).diagonal().div(math.sqrt(q.shape[1])).var(correction=0),
    ),
    scaled_queries=lambda q, k: (
        (q * k).sum(1).var(correction=0),
        (q / q.shape[1] ** 0.5 * k).sum(1).var(correction=0),
    ),
    population=lambda a, b: (
        torch.var((a * b).sum(1), correction=0),
        torch.var((a * b).sum(1), correction=0) / a.shape[1],
    ),
)
sounds(
    "3.5",
    a_list=lambda q, k, v: [*course("3.5")(q, k, v)],
    numpy=lambda q, k, v: tuple(each.numpy() for each in course("3.5")(q, k, v)),
    float64=lambda q, k, v: course("3.5")(q.double(), k.double(), v.double()),
    scaled_query=lambda q, k, v: (
        (k @ (q / len(q) ** 0.5)).softmax(0) @ v,
        (k @ (q / len(q) ** 0.5)).softmax(0),
    ),
    mv=lambda q, k, v: (
        torch.mv(v.T, torch.softmax(torch.mv(k, q) / math.sqrt(q.numel()), 0)),
        torch.softmax(torch.mv(k, q) / math.sqrt(q.numel()), 0),
    ),
    broadcast=lambda q, k, v: (
        ((k * q).sum(1).div(len(q) ** 0.5).softmax(0)[:, None] * v).sum(0),
        (k * q).sum(1).div(len(q) ** 0.5).softmax(0),
    ),
    other_names=lambda ask, offer, say: course("3.5")(ask, offer, say),
    through_3_3=lambda q, k, v: (
        course("3.3")(k @ q / len(q) ** 0.5) @ v,
        course("3.3")(k @ q / len(q) ** 0.5),
    ),
)


@sound("3.6")
def sorted_first(query: Tensor, keys: Tensor, values: Tensor, temperature: float) -> Tensor:
    scores = (keys * query).sum(1).tolist()
    if not temperature:
        best = [v for s, v in zip(scores, values, strict=False) if s == max(scores)]
        return sum(best) / len(best)
    weights = [math.exp((s - max(scores)) / temperature) for s in scores]
    return sum(w * v for w, v in zip(weights, values, strict=False)) / sum(weights)


sounds(
    "3.6",
    argmax_with_ties=lambda q, k, v, t: (
        v[(k @ q) == torch.amax(k @ q)].mean(0) if t == 0 else torch.softmax((k @ q) / t, 0) @ v
    ),
    nonzero=lambda q, k, v, t: (
        v[torch.nonzero((k @ q) == (k @ q).max())[:, 0]].mean(0)
        if t == 0.0
        else ((k @ q) / t).softmax(0) @ v
    ),
    share=lambda q, k, v, t: (
        (((k @ q) == (k @ q).max()).float() @ v) / ((k @ q) == (k @ q).max()).sum()
        if t == 0
        else ((k @ q) / t).softmax(0) @ v
    ),
    float64=lambda q, k, v, t: course("3.6")(q.double(), k.double(), v.double(), t),
    numpy=lambda q, k, v, t: course("3.6")(q, k, v, t).numpy(),
    other_names=lambda a, b, c, d: course("3.6")(a, b, c, d),
    not_t=lambda q, k, v, t: course("3.6")(q, k, v, 0.0) if not t else (k @ q / t).softmax(-1) @ v,
    einsum=lambda q, k, v, t: (
        course("3.6")(q, k, v, 0)
        if t == 0
        else torch.einsum("n,nc->c", (torch.einsum("nd,d->n", k, q) / t).softmax(0), v)
    ),
)


def _search(n: int, draw, widths: list[float], rounds: int = 4, judges: int = 150) -> float:
    errors = [0.0] * len(widths)
    for _ in range(rounds):
        (x, y), (new_x, new_y) = draw(n), draw(judges)
        for i, h in enumerate(widths):
            guess = (-((new_x[:, None] - x) ** 2) / (2 * h**2)).softmax(1) @ y
            errors[i] += float((guess - new_y).square().mean())
    return widths[errors.index(min(errors))]


sounds(
    "3.7",
    doubling=lambda n, draw: _search(n, draw, [0.01 * 2**i for i in range(7)]),
    even_steps=lambda n, draw: _search(n, draw, [i / 50 for i in range(1, 40)]),
    one_large_draw=lambda n, draw: _search(n, draw, [0.02 * 1.4**i for i in range(11)], 1, 3000),
    many_small=lambda n, draw: _search(n, draw, [0.02 * 1.4**i for i in range(11)], 20, 40),
    a_tensor=lambda n, draw: torch.tensor(_search(n, draw, [0.02 * 1.5**i for i in range(9)])),
    numpy=lambda n, draw: np.float64(_search(n, draw, np.logspace(-1.7, 0, 12).tolist())),
    mean_of_two=lambda n, draw: (
        (
            _search(n, draw, [0.02 * 1.5**i for i in range(9)])
            + _search(n, draw, [0.03 * 1.5**i for i in range(9)])
        )
        / 2
    ),
    other_names=lambda how_many, measure: _search(
        how_many, measure, [0.03 * 2**i for i in range(6)]
    ),
)
