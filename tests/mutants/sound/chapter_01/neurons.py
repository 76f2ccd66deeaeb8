"""Sound answers of odd kinds to exercises 1.5 to 1.7."""

from __future__ import annotations

import torch
from mutants.cases import sounds
from torch.nn import functional


def sides(z, y):
    return (1 - 2 * y) * z


sounds(
    "1.5",
    softplus=lambda z, y: (torch.sigmoid(z), functional.softplus(sides(z, y))),
    threshold_of_softplus=lambda z, y: (z.sigmoid(), functional.softplus(z) - y * z),
    logaddexp=lambda z, y: (z.sigmoid(), torch.logaddexp(sides(z, y), 0 * z)),
    logsumexp=lambda z, y: (
        z.sigmoid(),
        torch.logsumexp(torch.stack([sides(z, y), torch.zeros_like(z)]), dim=0),
    ),
    two_branches=lambda z, y: (
        z.sigmoid(),
        torch.where(y == 1, -functional.logsigmoid(z), -functional.logsigmoid(-z)),
    ),
    two_terms=lambda z, y: (
        z.sigmoid(),
        -y * functional.logsigmoid(z) - (1 - y) * functional.logsigmoid(-z),
    ),
    a_list=lambda score, target: [
        torch.sigmoid(score),
        functional.softplus(sides(score, target)),
    ],
    float64=lambda z, y: (z.double().sigmoid(), functional.softplus(sides(z.double(), y))),
    hyperbolic=lambda z, y: (0.5 + 0.5 * torch.tanh(z / 2), functional.softplus(sides(z, y))),
    cross_entropy=lambda z, y: (
        z.sigmoid(),
        functional.cross_entropy(torch.stack([0 * z, z], 1), y.long(), reduction="none"),
    ),
)


def back(weights, bias, x, label):
    error = torch.sigmoid(x @ weights + bias) - label
    return error, x.T @ error / len(x), error.mean()


sounds(
    "1.6",
    plain=back,
    a_list=lambda *given: list(back(*given)),
    row_first=lambda w, b, x, y: (
        (e := (x @ w + b).sigmoid() - y),
        e @ x / len(y),
        e.sum() / len(y),
    ),
    einsum=lambda w, b, x, y: (
        (e := torch.sigmoid(torch.einsum("nd,d->n", x, w) + b) - y),
        torch.einsum("n,nd->d", e, x) / len(e),
        e.mean(),
    ),
    mv=lambda w, b, x, y: ((e := torch.sigmoid(x.mv(w) + b) - y), x.T.mv(e) / len(x), e.mean()),
    columns=lambda w, b, x, y: (
        (e := torch.sigmoid(x @ w + b) - y),
        torch.stack([(e * column).mean() for column in x.T]),
        e.mean(),
    ),
    bias_as_float=lambda w, b, x, y: (*back(w, b, x, y)[:2], float(back(w, b, x, y)[2])),
    other_names=lambda w, c, inputs, labels: back(w, c, inputs, labels),
    float64=lambda w, b, x, y: back(w.double(), b, x.double(), y.double()),
    linear=lambda w, b, x, y: (
        (e := functional.linear(x, w[None])[:, 0].add(b).sigmoid() - y),
        (e[:, None] * x).mean(0),
        e.mean(),
    ),
)


sounds(
    "1.7",
    clamp=lambda x, w1, b1, w2, b2: ((z := x @ w1 + b1), (h := z.clamp(min=0)), h @ w2 + b2),
    masked=lambda x, w1, b1, w2, b2: ((z := x @ w1 + b1), (h := z * (z > 0)), h @ w2 + b2),
    addmm=lambda x, w1, b1, w2, b2: (
        (z := torch.addmm(b1, x, w1)),
        (h := z.relu()),
        torch.addmm(b2, h, w2),
    ),
    where=lambda x, w1, b1, w2, b2: (
        (z := x @ w1 + b1),
        (h := torch.where(z > 0, z, torch.zeros_like(z))),
        h @ w2 + b2,
    ),
    module=lambda x, w1, b1, w2, b2: (
        (z := x @ w1 + b1),
        (h := torch.nn.ReLU()(z)),
        functional.linear(h, w2.T, b2),
    ),
    a_list=lambda x, w1, b1, w2, b2: [(z := x @ w1 + b1), z.relu(), z.relu() @ w2 + b2],
    half_of_both=lambda x, w1, b1, w2, b2: (
        (z := x @ w1 + b1),
        (h := (z + z.abs()) / 2),
        h @ w2 + b2,
    ),
    float64=lambda x, w1, b1, w2, b2: (
        (z := x.double() @ w1.double() + b1),
        z.relu(),
        z.relu() @ w2.double() + b2,
    ),
    clone_first=lambda x, w1, b1, w2, b2: (
        (z := x @ w1 + b1),
        (h := z.clone().relu_()),
        h @ w2 + b2,
    ),
)
