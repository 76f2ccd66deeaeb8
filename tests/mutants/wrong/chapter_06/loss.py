"""Wrong answers to exercise 6.6."""

from __future__ import annotations

import math

from mutants.cases import ANY, wrongs
from torch import Tensor
from torch.nn import functional as F


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The cross-entropy of all places."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


wrongs(
    "6.6",
    says="The loss is in bits: take natural logarithms,",
    bits=lambda x, y: (loss(x, y) / math.log(2), math.log(x.shape[-1])),
)
wrongs(
    "6.6",
    says="Both are in bits: take natural logarithms",
    all_bits=lambda x, y: (loss(x, y) / math.log(2), math.log2(x.shape[-1])),
)
wrongs(
    "6.6",
    says="ln V is in bits: take the natural logarithm,",
    guess_two=lambda x, y: (loss(x, y), math.log2(x.shape[-1])),
)
wrongs(
    "6.6",
    says="A fair guess is one among V tokens, and what",
    guess_v=lambda x, y: (loss(x, y), x.shape[-1]),
)
wrongs(
    "6.6",
    says="The chance of a fair guess is 1 / V. Its loss",
    guess_chance=lambda x, y: (loss(x, y), 1 / x.shape[-1]),
)
wrongs(
    "6.6",
    says="A fair guess is one among V tokens, and V is",
    guess_places=lambda x, y: (loss(x, y), math.log(x.shape[1])),
)
wrongs(
    "6.6",
    says="The guess is below 0: it pays −ln(1 / V),",
    guess_minus=lambda x, y: (loss(x, y), -math.log(x.shape[-1])),
)
wrongs(
    "6.6",
    says="The two are in the other order: first the",
    turned=lambda x, y: (math.log(x.shape[-1]), loss(x, y)),
)
wrongs(
    "6.6",
    says="Only the loss came back: return the guess as",
    alone=lambda x, y: loss(x, y),
)
wrongs(
    "6.6",
    says="There are two softmaxes: F.cross_entropy",
    softmax_first=lambda x, y: (loss(x.softmax(-1), y), math.log(x.shape[-1])),
)
wrongs(
    "6.6",
    says="The losses were summed: take the mean over",
    summed=lambda x, y: (
        (F.cross_entropy(x.flatten(0, 1), y.flatten(), reduction="sum"), math.log(x.shape[-1]))
    ),
    sum_and_v=lambda x, y: (
        (F.cross_entropy(x.flatten(0, 1), y.flatten(), reduction="sum"), x.shape[-1])
    ),
)
wrongs(
    "6.6",
    says=ANY,
    each=lambda x, y: (
        (F.cross_entropy(x.flatten(0, 1), y.flatten(), reduction="none"), math.log(x.shape[-1]))
    ),
    shifted=lambda x, y: (loss(x[:, :-1], y[:, 1:]), math.log(x.shape[-1])),
    perplexed=lambda x, y: (loss(x, y).exp(), x.shape[-1]),
)
wrongs(
    "6.6",
    says="You divided by the number of texts: take the",
    per_text=lambda x, y: (
        (
            F.cross_entropy(x.flatten(0, 1), y.flatten(), reduction="sum") / len(y),
            math.log(x.shape[-1]),
        )
    ),
)
wrongs(
    "6.6",
    says="The sign is missing: a loss is −ln",
    negative=lambda x, y: (-loss(x, y), math.log(x.shape[-1])),
)
wrongs(
    "6.6",
    says="That is the chance itself, with a minus: a",
    chance=lambda x, y: ((-x.softmax(-1).gather(-1, y[..., None]).mean(), math.log(x.shape[-1]))),
)
wrongs(
    "6.6",
    says="You averaged the chances, and then took the",
    mean_then_log=lambda x, y: (
        (-x.softmax(-1).gather(-1, y[..., None]).mean().log(), math.log(x.shape[-1]))
    ),
)
wrongs(
    "6.6",
    says="The logits themselves were averaged: make",
    raw_logits=lambda x, y: ((-x.gather(-1, y[..., None]).mean(), math.log(x.shape[-1]))),
)
wrongs(
    "6.6",
    says="The arguments are in the other order:",
    swapped_arguments=lambda x, y: (
        (F.cross_entropy(y.flatten(), x.flatten(0, 1)), math.log(x.shape[-1]))
    ),
)
wrongs(
    "6.6",
    says="F.cross_entropy expects the vocabulary on the",
    not_flat=lambda x, y: (F.cross_entropy(x, y), math.log(x.shape[-1])),
)
wrongs(
    "6.6",
    says="Only the last place was counted: every place",
    last_place=lambda x, y: (loss(x[:, -1:], y[:, -1:]), math.log(x.shape[-1])),
)
wrongs(
    "6.6",
    says="The chances don't sum to 1 over the",
    along_tokens=lambda x, y: (
        (-x.log_softmax(1).gather(-1, y[..., None]).mean(), math.log(x.shape[-1]))
    ),
)
