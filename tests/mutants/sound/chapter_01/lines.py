"""Sound answers of odd kinds to exercises 1.1 to 1.3."""

from __future__ import annotations

import functools
from fractions import Fraction

import numpy as np
import torch
from mutants.cases import sound, sounds
from torch.nn import functional


def line(p, q):
    if p[0] == q[0]:
        raise ValueError("no line")
    m = (q[1] - p[1]) / (q[0] - p[0])
    return m, p[1] - m * p[0]


@sound("1.1")
def by_fractions(p, q):
    (x1, y1), (x2, y2) = [tuple(map(Fraction, point)) for point in (p, q)]
    if x1 == x2:
        raise ValueError("no line")
    m = (y2 - y1) / (x2 - x1)
    return float(m), float(y1 - m * x1)


@sound("1.1")
def by_the_error(p, q):
    try:
        m = (p[1] - q[1]) / (p[0] - q[0])
    except ZeroDivisionError:
        raise ValueError("upright") from None
    return m, q[1] - m * q[0]


@sound("1.1")
def other_names(first, second):
    return line(second, first)


@sound("1.1")
def kramer(p, q):
    det = p[0] - q[0]
    if not det:
        raise ValueError
    return (p[1] - q[1]) / det, (p[0] * q[1] - q[0] * p[1]) / det


sounds(
    "1.1",
    a_list=lambda p, q: list(line(p, q)),
    an_array=lambda p, q: np.array(line(p, q)),
    a_tensor=lambda p, q: torch.tensor(line(p, q), dtype=torch.float64),
    numbers_of_numpy=lambda p, q: tuple(map(np.float64, line(p, q))),
    two_tensors=lambda p, q: tuple(torch.tensor(v, dtype=torch.float64) for v in line(p, q)),
)


sounds(
    "1.2",
    numpy=lambda p, w: ((p.numpy() - w.numpy()) ** 2).mean(),
    mean_of_list=lambda p, w: (
        sum((a - b) ** 2 for a, b in zip(p.tolist(), w.tolist(), strict=True)) / len(p)
    ),
    other_way=lambda wanted, predicted: ((wanted - predicted) ** 2).mean(),
    norm=lambda p, w: (p - w).norm() ** 2 / len(p),
    functional=lambda p, w: functional.mse_loss(p, w, reduction="sum") / p.numel(),
    power=lambda p, w: torch.pow(p - w, 2).sum() / p.shape[0],
    einsum=lambda p, w: torch.einsum("n,n->", p - w, p - w) / len(p),
    float64=lambda p, w: (p - w).double().square().mean().item(),
    variance=lambda p, w: (p - w).var(unbiased=False) + (p - w).mean() ** 2,
    reduced=lambda p, w: functools.reduce(lambda t, e: t + e * e, (p - w).tolist(), 0.0) / len(p),
)


def error(a, b, x, y):
    return a * x + b - y


sounds(
    "1.3",
    plain=lambda a, b, x, y: (2 * (error(a, b, x, y) * x).mean(), 2 * error(a, b, x, y).mean()),
    dot=lambda a, b, x, y: (
        2 * error(a, b, x, y) @ x / len(x),
        2 * error(a, b, x, y).sum() / len(x),
    ),
    other_sign=lambda a, b, x, y: (
        -2 * ((y - a * x - b) * x).mean(),
        -2 * (y - a * x - b).mean(),
    ),
    floats=lambda a, b, x, y: (
        float(2 * (error(a, b, x, y) * x).mean()),
        float(2 * error(a, b, x, y).mean()),
    ),
    one_tensor=lambda a, b, x, y: torch.stack(
        [(2 * error(a, b, x, y) * x).mean(), 2 * error(a, b, x, y).mean()]
    ),
    numpy=lambda a, b, x, y: (
        2 * np.mean(error(a, b, x.numpy(), y.numpy()) * x.numpy()),
        2 * np.mean(error(a, b, x.numpy(), y.numpy())),
    ),
    moments=lambda a, b, x, y: (
        2 * (a * (x * x).mean() + b * x.mean() - (x * y).mean()),
        2 * (a * x.mean() + b - y.mean()),
    ),
    a_list=lambda a, b, x, y: [(2 * error(a, b, x, y) * x).mean(), (2 * error(a, b, x, y)).mean()],
    func=lambda a, b, x, y: torch.func.grad(
        lambda m, c: ((m * x + c - y) ** 2).mean(), argnums=(0, 1)
    )(torch.tensor(a), torch.tensor(b)),
)
