"""Wrong answers to exercise 8.4."""

from __future__ import annotations

import torch
from mutants.cases import course, wrongs
from torch import Tensor


def kept(chances: Tensor, p: float, stays: object, least: int = 1) -> Tensor:
    """A nucleus by a rule of the learner's own."""
    sizes, ids = chances.sort(-1, descending=True)
    mask = stays(sizes, sizes.cumsum(-1), p)
    mask[..., :least] = True
    left = sizes * mask
    return torch.zeros_like(chances).scatter(-1, ids, left / left.sum(-1, keepdim=True))


wrongs(
    "8.4",
    says="The token that crosses p was cut, unless it",
    crossing_lost=lambda c, p: kept(c, p, lambda sizes, sums, p: sums <= p),
)
wrongs(
    "8.4",
    says="One too many is kept: where the slices reach",
    one_more=lambda c, p: kept(c, p, lambda sizes, sums, p: sums - sizes <= p),
)
wrongs(
    "8.4",
    says="At p = 0 nothing is left: keep one token at",
    none_left=lambda c, p: kept(c, p, lambda sizes, sums, p: sums - sizes < p, least=0),
)
wrongs(
    "8.4",
    says="You kept the slices above p times the",
    min_p=lambda c, p: kept(c, p, lambda sizes, sums, p: sizes >= p * sizes[..., :1]),
)
wrongs(
    "8.4",
    says="You kept the slices that are larger than p,",
    by_size=lambda c, p: kept(c, p, lambda sizes, sums, p: sizes >= p),
)
wrongs(
    "8.4",
    says="The slices kept have 1 − p together: p is",
    other=lambda c, p: course("8.4")(c, 1 - p),
)
wrongs(
    "8.4",
    says="Only the likeliest token is left: that is",
    greedy=lambda c, p: course("8.4")(c, 0.0),
)
wrongs(
    "8.4",
    says="These are logits, −inf where a token is cut:",
    logits=lambda c, p: course("8.4")(c, p).log(),
)
wrongs(
    "8.4",
    says="What is left does not sum to 1: divide by its",
    not_rescaled=lambda c, p: c * (course("8.4")(c, p) > 0),
)
wrongs(
    "8.4",
    says="The slices that stay are all equally large:",
    level=lambda c, p: (course("8.4")(c, p) > 0) / (course("8.4")(c, p) > 0).sum(-1, keepdim=True),
)
wrongs(
    "8.4",
    says="3 tokens are left, and 2 should",
    softmaxed=lambda c, p: course("8.4")(c, p).softmax(-1),
    unchanged=lambda c, p: c,
)
wrongs(
    "8.4",
    says="You added the slices up in the order of the",
    by_ids=lambda c, p: (lambda left: left / left.sum(-1, keepdim=True))(
        c * (c.cumsum(-1) - c < p)
    ),
)
wrongs(
    "8.4",
    says="The right slices, in falling order: put each",
    in_order=lambda c, p: course("8.4")(c, p).sort(-1, descending=True).values,
)
wrongs(
    "8.4",
    says="A chance lies between 0 and 1, and here are",
    cut_logits=lambda c, p: c.log().masked_fill(course("8.4")(c, p) == 0, -torch.inf),
    cut_to_minus_inf=lambda c, p: (lambda left: left.masked_fill(left == 0, -torch.inf))(
        course("8.4")(c, p)
    ),
    cut_to_a_large_negative=lambda c, p: (lambda left: left.masked_fill(left == 0, -1e9))(
        course("8.4")(c, p)
    ),
    cut_below_0=lambda c, p: (lambda left: left.masked_fill(left == 0, -0.01))(course("8.4")(c, p)),
)
