"""Wrong answers to exercise 8.2."""

from __future__ import annotations

import torch
from mutants.cases import wrongs
from torch import Tensor
from torch.nn import functional as F


def cold(logits: Tensor) -> Tensor:
    """All on the largest."""
    return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()


wrongs(
    "8.2",
    says="You multiplied by the temperature, or took",
    multiplied=lambda x, t: (x * t).softmax(-1) if t else cold(x),
    multiplied_whole=lambda x, t: (
        (x * t).softmax(-1) if t else F.one_hot(x.argmax(-1), x.shape[-1])
    ),
)
wrongs(
    "8.2",
    says="You divided by the temperature after the",
    after=lambda x, t: x.softmax(-1) / t if t else cold(x),
)
wrongs(
    "8.2",
    says="There were two softmaxes, so logits no",
    twice=lambda x, t: (x.softmax(-1) / t).softmax(-1) if t else cold(x),
)
wrongs(
    "8.2",
    says="The temperature has no effect: it was left",
    no_heat=lambda x, t: x.softmax(-1) if t else cold(x),
    no_heat_shared=lambda x, t: x.softmax(-1),
    minus=lambda x, t: (x - t).softmax(-1) if t else cold(x),
)
wrongs(
    "8.2",
    says="At temperature 0 equal logits share the pie:",
    small=lambda x, t: (x / max(t, 1e-6)).softmax(-1),
    shared=lambda x, t: (
        (x / t).softmax(-1)
        if t
        else (x == x.amax(-1, keepdim=True)) / (x == x.amax(-1, keepdim=True)).sum(-1, keepdim=True)
    ),
)
wrongs(
    "8.2",
    says="At temperature 0 you divided by 0: put",
    nan=lambda x, t: (x / torch.tensor(float(t))).softmax(-1),
)
wrongs(
    "8.2",
    says="Temperature 0 was taken for no temperature at",
    divided_by_zero=lambda x, t: (x / t).softmax(-1) if t else (x / 1).softmax(-1),
)
wrongs(
    "8.2",
    says="At temperature 0 you returned ids: return",
    ids=lambda x, t: (x / t).softmax(-1) if t else x.argmax(-1),
)
wrongs(
    "8.2",
    says="At temperature 0 you returned whole numbers,",
    whole=lambda x, t: (x / t).softmax(-1) if t else F.one_hot(x.argmax(-1), x.shape[-1]),
)
wrongs(
    "8.2",
    says="At temperature 0 all levels out here: that",
    all_equal=lambda x, t: (x / t).softmax(-1) if t else torch.ones_like(x) / x.shape[-1],
)
wrongs(
    "8.2",
    says="The softmax ran down the batch, across the",
    down=lambda x, t: (x / t).softmax(0) if t else cold(x),
)
wrongs(
    "8.2",
    says="These are logits: a softmax makes chances of",
    logits=lambda x, t: x / t if t else cold(x),
)
wrongs(
    "8.2",
    says="Large logits overflow in exp(): use softmax,",
    bare_exp=lambda x, t: (x / t).exp() / (x / t).exp().sum(-1, keepdim=True) if t else cold(x),
)
wrongs(
    "8.2",
    says="These are logarithms of chances: softmax, not",
    log=lambda x, t: (x / t).log_softmax(-1) if t else cold(x),
)
wrongs(
    "8.2",
    says="At temperature 0 one token of the whole batch",
    batch_largest=lambda x, t: (
        (x / t).softmax(-1)
        if t
        else F.one_hot(x.flatten().argmax(), x.numel()).float().view(x.shape)
    ),
)
wrongs(
    "8.2",
    says="You divided by the square of the temperature:",
    squared=lambda x, t: (x / t**2).softmax(-1) if t else cold(x),
)
