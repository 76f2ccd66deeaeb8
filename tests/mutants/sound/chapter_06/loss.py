"""Sound answers to exercise 6.6."""

from __future__ import annotations

import math

import torch
from mutants.cases import sounds
from torch import Tensor
from torch.nn import functional as F


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The cross-entropy of all places."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


sounds(
    "6.6",
    middle=lambda x, y: ((F.cross_entropy(x.transpose(1, 2), y), math.log(x.size(-1)))),
    nll=lambda x, y: ((F.nll_loss(x.log_softmax(-1).transpose(1, 2), y), math.log(x.size(-1)))),
    in_numpy=lambda x, y: (loss(x, y).numpy(), math.log(x.shape[-1])),
    in_float64=lambda x, y: (
        (loss(x.double(), y), torch.tensor(x.shape[-1], dtype=torch.float64).log())
    ),
    item=lambda x, y: (loss(x, y).item(), -math.log(1 / x.shape[-1])),
    a_list=lambda x, y: [loss(x, y), math.log(x.shape[-1])],
    weighed=lambda x, y: (
        (
            F.cross_entropy(x.flatten(0, 1), y.flatten(), reduction="none").mean(),
            math.log2(x.shape[-1]) * math.log(2),
        )
    ),
    logsumexp=lambda x, y: (
        ((x.logsumexp(-1) - x.gather(-1, y[..., None])[..., 0]).mean(), math.log(x.shape[-1]))
    ),
    one_hot=lambda x, y: (
        (-(F.one_hot(y, x.shape[-1]) * x.log_softmax(-1)).sum(-1).mean(), math.log(x.shape[-1]))
    ),
)
