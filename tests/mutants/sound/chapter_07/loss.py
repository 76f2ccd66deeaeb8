"""Sound answers to exercise 7.1."""

from __future__ import annotations

import torch
from mutants.cases import sounds
from torch import Tensor
from torch.nn import functional as F


def nll(logits: Tensor, ids: Tensor, **settings: object) -> Tensor:
    """The loss of logits and targets that stand where they belong."""
    return F.cross_entropy(logits.flatten(0, 1), ids.flatten(), **settings)


sounds(
    "7.1",
    middle=lambda x, y: F.cross_entropy(x[:, :-1].transpose(1, 2), y[:, 1:], ignore_index=-1),
    filled_behind=lambda x, y: nll(
        x, torch.cat([y[:, 1:], torch.full_like(y[:, :1], -1)], 1), ignore_index=-1
    ),
    masked=lambda x, y: F.cross_entropy(x[:, :-1][y[:, 1:] >= 0], y[:, 1:][y[:, 1:] >= 0]),
    in_float64=lambda x, y: nll(x[:, :-1].double(), y[:, 1:], ignore_index=-1),
    logsumexp=lambda a, b: (
        lambda s, t, m: (s.logsumexp(-1) - s.gather(-1, t.clamp(min=0)[..., None])[..., 0])[
            m
        ].mean()
    )(a[:, :-1], b[:, 1:], b[:, 1:] >= 0),
    summed=lambda x, y: (
        nll(x[:, :-1], y[:, 1:], ignore_index=-1, reduction="sum") / (y[:, 1:] != -1).sum()
    ),
    weighed=lambda x, y: (
        nll(x[:, :-1], y[:, 1:], ignore_index=-1, reduction="none") / (y[:, 1:] >= 0).sum()
    ).sum(),
)
