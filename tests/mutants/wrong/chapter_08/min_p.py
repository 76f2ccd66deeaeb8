"""Wrong answers to exercise 8.9."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrongs
from torch import Tensor


def kept(chances: Tensor, p: float, stays: object, least: int = 1) -> Tensor:
    """A nucleus by a rule of the learner's own."""
    sizes, ids = chances.sort(-1, descending=True)
    mask = stays(sizes, sizes.cumsum(-1), p)
    mask[..., :least] = True
    left = sizes * mask
    return torch.zeros_like(chances).scatter(-1, ids, left / left.sum(-1, keepdim=True))


wrongs(
    "8.9",
    says="You compared the chances with p itself: the",
    by_p=lambda x, p: x.masked_fill(x.softmax(-1) < p, -torch.inf),
)
wrongs(
    "8.9",
    says="You took p times the largest logit. It is the",
    by_logit=lambda x, p: x.masked_fill(x < p * x.amax(-1, keepdim=True), -torch.inf),
)
wrongs(
    "8.9",
    says="You allowed logits to be p lower than the",
    by_difference=lambda x, p: x.masked_fill(x < x.amax(-1, keepdim=True) - p, -torch.inf),
)
wrongs(
    "8.9",
    says="The largest chance of the whole batch sets",
    batch=lambda x, p: x.masked_fill(x.softmax(-1) < p * x.softmax(-1).max(), -torch.inf),
)
wrongs(
    "8.9",
    says="What just reaches the bar stays: at p = 1 it",
    strict=lambda x, p: x.masked_fill(
        x.softmax(-1) <= p * x.softmax(-1).amax(-1, keepdim=True), -torch.inf
    ),
)
wrongs(
    "8.9",
    says="The others are 0 here, and a logit of 0 has a",
    zeros=lambda x, p: x.masked_fill(x.softmax(-1) < p * x.softmax(-1).amax(-1, keepdim=True), 0.0),
)
wrongs(
    "8.9",
    says="These are chances: return logits, the softmax",
    chances=lambda x, p: course("8.9")(x, p).softmax(-1),
)
wrongs(
    "8.9",
    says="These are chances, 0 for those that are cut:",
    chances_zero=lambda x, p: (
        x.softmax(-1) * (x.softmax(-1) >= p * x.softmax(-1).amax(-1, keepdim=True))
    ),
)
wrongs(
    "8.9",
    says="These are chances, −inf for those that are",
    masked_chances=lambda x, p: x.softmax(-1).masked_fill(
        x.softmax(-1) < p * x.softmax(-1).amax(-1, keepdim=True), -torch.inf
    ),
)
wrongs(
    "8.9",
    says="These are ln of chances, not yet rescaled:",
    logarithms=lambda x, p: course("8.9")(x.log_softmax(-1), p),
)
wrongs(
    "8.9",
    says="You cut what reaches the bar, and kept the",
    other_way=lambda x, p: x.masked_fill(
        x.softmax(-1) >= p * x.softmax(-1).amax(-1, keepdim=True), -torch.inf
    ),
)
wrongs(
    "8.9",
    says="This says which are kept: return their",
    flags=lambda x, p: x.softmax(-1) >= p * x.softmax(-1).amax(-1, keepdim=True),
)
wrongs(
    "8.9",
    says="The softmax ran down the batch, across the",
    down=lambda x, p: x.masked_fill(
        x.softmax(0) < p * x.softmax(0).amax(0, keepdim=True), -torch.inf
    ),
)
wrongs(
    "8.9",
    says=ANY,
    no_keepdim=lambda x, p: x.masked_fill(x.softmax(-1) < p * x.softmax(-1).amax(-1), -torch.inf),
)
wrongs(
    "8.9",
    says="You allowed chances to be 1 − p of the",
    one_minus=lambda x, p: course("8.9")(x, 1 - p),
)
wrongs(
    "8.9",
    says="Only the logits that are kept came back: the",
    squeezed=lambda x, p: x[x.softmax(-1) >= p * x.softmax(-1).amax(-1, keepdim=True)],
)
