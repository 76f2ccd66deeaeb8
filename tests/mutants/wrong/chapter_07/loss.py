"""Wrong answers to exercise 7.1."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, wrongs
from torch import Tensor
from torch.nn import functional as F


def nll(logits: Tensor, ids: Tensor, **settings: object) -> Tensor:
    """The loss of logits and targets that stand where they belong."""
    return F.cross_entropy(logits.flatten(0, 1), ids.flatten(), **settings)


wrongs(
    "7.1",
    says="The targets are not shifted: place t is asked",
    not_shifted=lambda x, y: nll(x, y, ignore_index=-1),
    no_shift_no_ignore=lambda x, y: nll(x, y),
    no_shift_softmaxed=lambda x, y: nll(x.softmax(-1), y, ignore_index=-1),
    summed_unshifted=lambda x, y: nll(x, y, ignore_index=-1, reduction="sum"),
)
wrongs(
    "7.1",
    says="The id −1 is filling, and no token has it:",
    no_ignore=lambda x, y: nll(x[:, :-1], y[:, 1:]),
)
wrongs(
    "7.1",
    says="You shifted the wrong way: each place is",
    wrong_way=lambda x, y: nll(x[:, 1:], y[:, :-1], ignore_index=-1),
)
wrongs(
    "7.1",
    says="The last place is gone from the logits and",
    same_cut=lambda x, y: nll(x[:, :-1], y[:, :-1], ignore_index=-1),
)
wrongs(
    "7.1",
    says="Targets with the id 0 were left out: 0 is a",
    ignore_zero=lambda x, y: nll(x[:, :-1], y[:, 1:].clamp(min=0), ignore_index=0),
)
wrongs(
    "7.1",
    says="Filling was counted as token 0: leave out the",
    clamped=lambda x, y: nll(x[:, :-1], y[:, 1:].clamp(min=0)),
)
wrongs(
    "7.1",
    says="There are two softmaxes: F.cross_entropy",
    softmax_first=lambda x, y: nll(x[:, :-1].softmax(-1), y[:, 1:], ignore_index=-1),
)
wrongs(
    "7.1",
    says="A chance too small for a float becomes 0, and",
    log_of_softmax=lambda x, y: F.nll_loss(
        x[:, :-1].softmax(-1).log().flatten(0, 1), y[:, 1:].flatten(), ignore_index=-1
    ),
)
wrongs(
    "7.1",
    says="F.nll_loss expects logarithms of chances:",
    raw=lambda x, y: F.nll_loss(x[:, :-1].flatten(0, 1), y[:, 1:].flatten(), ignore_index=-1),
)
wrongs(
    "7.1",
    says="The losses were summed: divide by the number",
    summed=lambda x, y: nll(x[:, :-1], y[:, 1:], ignore_index=-1, reduction="sum"),
)
wrongs(
    "7.1",
    says=ANY,
    per_text=lambda x, y: torch.stack(
        [nll(a[None, :-1], b[None, 1:], ignore_index=-1) for a, b in zip(x, y, strict=True)]
    ).mean(),
    all_flat=lambda x, y: F.cross_entropy(x[:, :-1].flatten(), y[:, 1:].flatten(), ignore_index=-1),
)
wrongs(
    "7.1",
    says="Filling costs nothing here, but it is counted",
    over_places=lambda x, y: nll(x[:, :-1], y[:, 1:], ignore_index=-1, reduction="none").mean(),
)
wrongs(
    "7.1",
    says="The loss is right, but no gradient flows",
    item=lambda x, y: nll(x[:, :-1], y[:, 1:], ignore_index=-1).item(),
    number=lambda x, y: float(nll(x[:, :-1], y[:, 1:], ignore_index=-1)),
)
wrongs(
    "7.1",
    says="The loss is in bits: take the natural",
    bits=lambda x, y: nll(x[:, :-1], y[:, 1:], ignore_index=-1) / math.log(2),
)
wrongs(
    "7.1",
    says="The sign is missing: a target costs −ln",
    negative=lambda x, y: -nll(x[:, :-1], y[:, 1:], ignore_index=-1),
)
wrongs(
    "7.1",
    says="`view` refuses: logits[:, :-1] leaves out a",
    viewed=lambda x, y: F.cross_entropy(
        x[:, :-1].view(-1, x.shape[-1]), y[:, 1:].reshape(-1), ignore_index=-1
    ),
)
wrongs(
    "7.1",
    says="F.cross_entropy expects the vocabulary on the",
    not_flat=lambda x, y: F.cross_entropy(x[:, :-1], y[:, 1:], ignore_index=-1),
)
wrongs(
    "7.1",
    says="The arguments are in the other order:",
    turned_arguments=lambda x, y: F.cross_entropy(
        y[:, 1:].flatten(), x[:, :-1].flatten(0, 1), ignore_index=-1
    ),
)
wrongs(
    "7.1",
    says="`roll` goes round in a circle: the last place",
    rolled=lambda x, y: nll(x, y.roll(-1, 1), ignore_index=-1),
)
wrongs(
    "7.1",
    says="You flattened before you shifted, so the last",
    flat_first=lambda x, y: F.cross_entropy(x.flatten(0, 1)[:-1], y.flatten()[1:], ignore_index=-1),
)

wrongs(
    "7.1",
    says="This is the mean of the texts' means, in which a",
    means_of_texts=lambda x, y: (
        F.cross_entropy(x[:, :-1].mT, y[:, 1:], ignore_index=-1, reduction="none").sum(1)
        / (y[:, 1:] >= 0).sum(1).clamp(min=1)
    ).mean(),
)
wrongs(
    "7.1",
    says="`gather` finds no token with the id −1",
    gathered=lambda x, y: -x[:, :-1].log_softmax(-1).gather(-1, y[:, 1:][..., None]).mean(),
)
