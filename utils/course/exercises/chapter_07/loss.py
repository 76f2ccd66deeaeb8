"""Chapter 07, the loss: every place is asked at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_07.calls import trained_through
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

FILLING = -1

# 7.1 · the shifted loss


def shifted_loss(logits: Tensor, ids: Tensor) -> Tensor:
    """Mean −ln p of each token given those before it; the id −1 is filling and no target."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), ignore_index=FILLING)


_SHIFTS: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "not shifted": lambda x, y: (x, y),
    "wrong way": lambda x, y: (x[:, 1:], y[:, :-1]),
    "inputs": lambda x, y: (x[:, :-1], y[:, :-1]),
    "both late": lambda x, y: (x[:, 1:], y[:, 1:]),
    "rolled": lambda x, y: (x, y.roll(-1, dims=1)),
    "flattened first": lambda x, y: (x.flatten(0, 1)[None, :-1], y.flatten()[None, 1:]),
    "texts": lambda x, y: (x[:-1], y[1:]) if len(x) > 1 else (x[:, :-1], y[:, 1:]),
}
_LOGS: dict[str, Callable[[Tensor], Tensor]] = {
    "raw": lambda x: x,
    "two softmaxes": lambda x: x.softmax(-1).log_softmax(-1),
    "no logarithm": lambda x: x.softmax(-1),
    "along tokens": lambda x: x.log_softmax(1),
    "along texts": lambda x: x.log_softmax(0),
    "underflow": lambda x: x.softmax(-1).log(),
    "overflow": lambda x: (x.exp() / x.exp().sum(-1, keepdim=True)).log(),
}
_MASKS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "counted as 0": lambda targets, inputs: torch.ones_like(targets, dtype=torch.bool),
    "mask of inputs": lambda targets, inputs: inputs != FILLING,
    "mask without 0": lambda targets, inputs: targets > 0,
}
_MEANS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "mean of means": lambda paid, there, ids: ((paid * there).sum(1) / there.sum(1))[
        there.any(1)
    ].mean(),
    "empty texts": lambda paid, there, ids: (
        (paid * there).sum(1) / there.sum(1).clamp(min=1)
    ).mean(),
    "all places": lambda paid, there, ids: (paid * there).mean(),
    "B and T": lambda paid, there, ids: (paid * there).sum() / ids.numel(),
    "texts counted": lambda paid, there, ids: (paid * there).sum() / len(ids),
    "tokens counted": lambda paid, there, ids: (paid * there).sum() / (ids != FILLING).sum(),
    "sum": lambda paid, there, ids: (paid * there).sum(),
    "last place": lambda paid, there, ids: paid[:, -1][there[:, -1]].mean(),
    "a row": lambda paid, there, ids: (paid * there).sum(1) / there.sum(1),
}
_MADE: dict[str, Callable[[Tensor], Tensor]] = {
    "sign": lambda loss: -loss,
    "bits": lambda loss: loss / math.log(2),
    "perplexity": lambda loss: loss.exp(),
    "cut off": lambda loss: loss.detach(),
}


def _shifted(logits: Tensor, ids: Tensor, *, wrong: Wrong = frozenset()) -> Tensor:
    """The loss, with a bend where a wrong turn wants one."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Any:
        return next((slips[slip] for slip in wrong & slips.keys()), usual)

    scores, targets = chosen(_SHIFTS, lambda x, y: (x[:, :-1], y[:, 1:]))(logits, ids)
    if "softmax before the cut" in wrong:
        scores = logits.log_softmax(1)[:, :-1]
    logs = chosen(_LOGS, lambda x: x if "softmax before the cut" in wrong else x.log_softmax(-1))
    logs = logs(scores)
    if "not ignored" in wrong:
        return F.nll_loss(logs.flatten(0, 1), targets.flatten())
    there = chosen(_MASKS, lambda targets, inputs: targets != FILLING)
    there = there(targets, ids[:, : targets.shape[1]] if len(targets) == len(ids) else targets)
    safe = targets.clamp(min=0)
    if "last token" in wrong:
        safe, there = targets % logits.shape[-1], torch.ones_like(there)
    paid = -logs.gather(-1, safe[..., None])[..., 0]
    loss = chosen(_MEANS, lambda paid, there, ids: paid[there].mean())(paid, there, ids)
    return chosen(_MADE, lambda loss: loss)(loss)


_SAID = {
    "not shifted": "The targets are not shifted: place t is asked for token t + 1, so "
    "logits[:, :-1] goes with ids[:, 1:].",
    "wrong way": "You shifted the wrong way: each place is asked for the token before it, which "
    "it has already read.",
    "inputs": "The last place is gone from the logits and from the ids, so each place is asked for "
    "the token that it has just read: logits[:, :-1] goes with ids[:, 1:].",
    "both late": "The first place is gone from the logits and from the ids, so each place is asked "
    "for the token that it has just read: logits[:, :-1] goes with ids[:, 1:].",
    "rolled": "`roll` goes round in a circle: the last place is asked for the text's first token. "
    "Leave the last place out.",
    "flattened first": "You flattened before you shifted, so the last place of a text is asked for "
    "the first token of the next: shift first.",
    "texts": "The texts were shifted against each other: the places are the second axis, "
    "logits[:, :-1] and ids[:, 1:].",
    "raw": "F.nll_loss expects logarithms of chances: give it log_softmax(-1) of the logits, or "
    "use F.cross_entropy, which does both.",
    "two softmaxes": "There are two softmaxes: F.cross_entropy takes the logits, and makes the "
    "chances itself.",
    "no logarithm": "These are chances: a target costs −ln p, so take log_softmax.",
    "along tokens": "The softmax ran along the places of a text: chances sum to 1 over the "
    "vocabulary, dim=-1.",
    "softmax before the cut": "The softmax ran along the axis of the tokens: chances sum to 1 over "
    "the vocabulary, which is the last axis.",
    "along texts": "The softmax ran along the batch: chances sum to 1 over the vocabulary, dim=-1.",
    "underflow": "A chance too small for a float becomes 0, and its logarithm is infinite: take "
    "log_softmax of the logits, or F.cross_entropy.",
    "overflow": "A large logit overflows: exp(200) is too large for a float, and inf / inf is no "
    "number. log_softmax(-1) subtracts the largest logit first.",
    "not ignored": "The id −1 is filling, and no token has it: leave such targets out, "
    "ignore_index=-1.",
    "counted as 0": "Filling was counted as token 0: leave out the targets that are −1.",
    "last token": "Filling was counted as the last token, since the index −1 counts from the end: "
    "leave out the targets that are −1.",
    "mask of inputs": "The mask looks at the inputs, so the last token of a short text is asked "
    "for the filling behind it: mask by the targets, ids[:, 1:] != -1.",
    "mask without 0": "Targets with the id 0 were left out: 0 is a token like any other, only −1 "
    "is filling.",
    "mean of means": "This is the mean over the batch of each text's mean, so a token of a short "
    "text counts for more: sum over all targets, and divide once.",
    "empty texts": "This is the mean of the texts' means, in which a short text's tokens count for "
    "more, and a text without targets for 0: sum over all targets, and divide once.",
    "all places": "Filling costs nothing here, but it is counted in the divisor: divide by the "
    "number of real targets.",
    "B and T": "The divisor is B · T, and there are fewer targets: a text has one less than "
    "tokens, and filling is none.",
    "texts counted": "You divided by the number of texts: divide by the number of all their "
    "targets.",
    "tokens counted": "You divided by the number of all tokens that are no filling: the first of a "
    "text is nobody's target. Count the targets that are not −1.",
    "sum": "The losses were summed: divide by the number of targets that are not −1.",
    "last place": "Only the last place was asked: every place but the last of a text has a target.",
    "a row": "This is a loss for each text: return one number, the mean over all targets.",
    "sign": "The sign is missing: a target costs −ln p.",
    "bits": "The loss is in bits: take the natural logarithm, as PyTorch does.",
    "perplexity": "That is e to the loss, the perplexity: leave the mean of −ln p as it is.",
    "cut off": "The loss is right, but no gradient flows through it: leave it a tensor, without "
    ".item() or .detach().",
}
_OFTEN = (
    "not shifted",
    "wrong way",
    "inputs",
    "flattened first",
    "raw",
    "two softmaxes",
    "not ignored",
    "counted as 0",
    "mask without 0",
    "mean of means",
    "all places",
    "sum",
    "sign",
)
_APART = [
    "not shifted | wrong way | inputs | flattened first",
    "raw | two softmaxes",
    "not ignored | counted as 0 | mask without 0",
    "mean of means | all places | sum | not ignored",
    "flattened first | mean of means | all places",
    "not ignored | sign",
    "counted as 0 | all places | mean of means",
]


def _mask_of_inputs_for_zeros(logits: Tensor, ids: Tensor) -> Tensor:
    """F.cross_entropy without reduction gives filling a cost of 0, and the mask lets it in."""
    scores, targets = logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()
    paid = F.cross_entropy(scores, targets, ignore_index=FILLING, reduction="none")
    return paid[(ids[:, :-1] != FILLING).flatten()].mean()


def _by_loop(logits: Tensor, ids: Tensor) -> Tensor:
    paid = []
    for scores, row in zip(logits.double(), ids.tolist(), strict=True):
        for place, token in enumerate(row[1:]):
            if token != FILLING:
                paid.append(scores[place].logsumexp(0) - scores[place, token])
    return sum(paid) / len(paid)


def _by_picking(logits: Tensor, ids: Tensor) -> Tensor:
    rows, places = (ids[:, 1:] != FILLING).nonzero(as_tuple=True)
    return -logits.log_softmax(-1)[rows, places, ids[rows, places + 1]].mean()


def _texts(v: int, *lengths: int, size: float = 2.0) -> tuple[Tensor, Tensor]:
    """Logits and ids of texts of these lengths, filled up behind."""
    b, t = len(lengths), max(lengths)
    dice = torch.Generator().manual_seed(10 * v + t)
    ids = torch.randint(v, (b, t), generator=dice)
    filled = torch.arange(t) >= torch.tensor(lengths)[:, None]
    return uniform(b, t, v, seed=v + t, low=-size, high=size), ids.masked_fill(filled, FILLING)


SHIFTED_LOSS = Exercise(
    id="7.1",
    title="The shifted loss",
    minutes=6,
    stars=2,
    reference=shifted_loss,
    probes=[
        (
            torch.tensor([[[0.3, 1.2, -0.4], [-1.1, 0.6, 0.2], [0.9, -0.5, 1.4]]]),
            torch.tensor([[2, 0, 1]]),
        ),
        _texts(4, 3, 3),
        _texts(5, 6, 2, 4),
        _texts(3, 2, 5, 5, 3, size=8.0),
        (torch.tensor([[[200.0, 199.0, 0.0], [0.0, 0.0, 0.0]]]), torch.tensor([[1, 0]])),
        (torch.tensor([[[200.0, 0.0, 3.0], [0.0, 0.0, 0.0]]]), torch.tensor([[0, 1]])),
        _texts(4, 5, 1),
    ],
    mistakes=alone(_shifted, _SAID)
    | {
        "`view` refuses: logits[:, :-1] leaves out a place of each text, so its numbers don't lie "
        "in one piece. `flatten` and `reshape` copy where they must.": lambda x, y: F.cross_entropy(
            x[:, :-1].view(-1, x.shape[-1]), y[:, 1:].reshape(-1), ignore_index=FILLING
        ),
        "F.cross_entropy expects the vocabulary on the second axis: flatten batch and time, "
        "logits[:, :-1].flatten(0, 1), and the targets as well.": lambda x, y: F.cross_entropy(
            x[:, :-1], y[:, 1:], ignore_index=FILLING
        ),
        "The arguments are in the other order: F.cross_entropy(logits, targets).": (
            lambda x, y: F.cross_entropy(
                y[:, 1:].flatten(), x[:, :-1].flatten(0, 1), ignore_index=FILLING
            )
        ),
        "This is the mean of each text's mean: a token of a short text counts for more, and a text "
        "without targets has none, 0 / 0. Sum over all targets, and divide once.": lambda x, y: (
            torch.stack(
                [
                    F.cross_entropy(scores[:-1], row[1:], ignore_index=FILLING)
                    for scores, row in zip(x, y, strict=True)
                ]
            ).mean()
        ),
        "`gather` finds no token with the id −1, which is filling: leave such targets out before "
        "you look them up.": lambda x, y: (
            -x[:, :-1].log_softmax(-1).gather(-1, y[:, 1:, None]).mean()
        ),
        "The mask looks at the inputs, ids[:, :-1]: it is the target that may be filling, "
        "ids[:, 1:] != -1.": _mask_of_inputs_for_zeros,
    },
    together=in_pairs(_shifted, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
    alternatives={
        "a loop over texts and places": _by_loop,
        "picked by index": _by_picking,
        "float64": lambda x, y: shifted_loss(x.double(), y),
        "masked and summed": _shifted,
    },
    call=trained_through(shifted_loss),
)
