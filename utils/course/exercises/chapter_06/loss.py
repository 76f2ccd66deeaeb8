"""Chapter 06, last part: the loss before the first step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

# 6.6 · the loss at initialisation


def first_loss(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """The mean of −ln p(target) over all B · T places, and what a fair guess among V pays."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()), math.log(logits.shape[-1])


def _paid(logits: Tensor, targets: Tensor) -> Tensor:
    """−ln p of each target, (B, T)."""
    return -logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]


def _by_softmax(logits: Tensor, targets: Tensor) -> Tensor:
    """exp, divide, log: sound for small logits, infinite for large ones."""
    chances = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return -chances.gather(-1, targets[..., None])[..., 0].log()


def _shuffled(logits: Tensor, targets: Tensor) -> Tensor:
    return _paid(logits.transpose(0, 1).reshape(*targets.shape, -1), targets)


_COSTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "two softmaxes": lambda x, y: _paid(x.softmax(-1), y),
    "along tokens": lambda x, y: -x.log_softmax(1).gather(-1, y[..., None])[..., 0],
    "along texts": lambda x, y: -x.log_softmax(0).gather(-1, y[..., None])[..., 0],
    "likeliest": lambda x, y: _paid(x, x.argmax(-1)),
    "shuffled": _shuffled,
    "overflow": _by_softmax,
    "underflow": lambda x, y: -x.softmax(-1).gather(-1, y[..., None])[..., 0].log(),
    "raw": lambda x, y: -x.gather(-1, y[..., None])[..., 0],
    "chance": lambda x, y: -(-_paid(x, y)).exp(),
    "surprise": lambda x, y: 1 - (-_paid(x, y)).exp(),
    "entropy": lambda x, y: -(x.softmax(-1) * x.log_softmax(-1)).sum(-1),
    "shifted": lambda x, y: _paid(x[:, :-1], y[:, 1:]) if y.shape[1] > 1 else _paid(x, y),
    "all tokens": lambda x, y: -x.log_softmax(-1),
}
_MEANS: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": lambda paid: paid.sum(),
    "by texts": lambda paid: paid.sum() / len(paid),
    "by places": lambda paid: paid.sum() / paid.shape[1],
    "last place": lambda paid: paid[:, -1].mean(),
    "first place": lambda paid: paid[:, 0].mean(),
    "last text": lambda paid: paid[-1].mean(),
    "a row": lambda paid: paid.mean(-1),
    "each place": lambda paid: paid,
    "mean of chances": lambda paid: -(-paid).exp().mean().log(),
    "perplexity": lambda paid: paid.mean().exp(),
}
_GUESSES: dict[str, Callable[[Tensor], Any]] = {
    "of places": lambda x: math.log(x.shape[1]),
    "of texts": lambda x: math.log(x.shape[0]),
    "of all": lambda x: math.log(x.numel()),
    "of all places": lambda x: math.log(x.shape[0] * x.shape[1]),
    "1 / V": lambda x: 1 / x.shape[-1],
    "V": lambda x: x.shape[-1],
    "guess in bits": lambda x: math.log2(x.shape[-1]),
    "guess in tens": lambda x: math.log10(x.shape[-1]),
    "below 0": lambda x: -math.log(x.shape[-1]),
}


def _loss(logits: Tensor, targets: Tensor, *, wrong: Wrong = frozenset()) -> Any:
    """Loss and guess, with a bend where a wrong turn wants one."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Any:
        return next((slips[slip] for slip in wrong & slips.keys()), usual)

    paid = chosen(_COSTS, _paid)(logits, targets)
    loss = chosen(_MEANS, lambda paid: paid.mean())(paid)
    guess = chosen(_GUESSES, lambda x: math.log(x.shape[-1]))(logits)
    loss = loss / math.log(2) if wrong & {"loss in bits", "both in bits"} else loss
    guess = guess / math.log(2) if "both in bits" in wrong else guess
    loss = -loss if "sign" in wrong else loss
    if "only the loss" in wrong:
        return loss
    return (guess, loss) if "guess first" in wrong else (loss, guess)


_SAID = {
    "two softmaxes": "There are two softmaxes: F.cross_entropy takes the logits, and makes the "
    "chances itself.",
    "along tokens": "The chances don't sum to 1 over the vocabulary: the softmax runs along the "
    "last axis, dim=-1.",
    "along texts": "The softmax ran along the batch: chances sum to 1 over the vocabulary, dim=-1.",
    "likeliest": "You asked for the token that the model likes best: take the chance of the "
    "target.",
    "shuffled": "Logits and targets were flattened in different orders: logits.flatten(0, 1) goes "
    "with targets.flatten().",
    "overflow": "Large logits overflow in exp(): use log_softmax, logsumexp or F.cross_entropy.",
    "underflow": "A chance too small for a float becomes 0, and its logarithm is infinite: take "
    "log_softmax, or F.cross_entropy.",
    "raw": "The logits themselves were averaged: make them chances first.",
    "chance": "That is the chance itself, with a minus: a loss is its logarithm, −ln p.",
    "surprise": "That is 1 − p: a loss is −ln p.",
    "entropy": "That is the entropy of what the model says, whatever came: the loss is −ln of the "
    "target's chance alone.",
    "shifted": "The targets are the next tokens already: logits at a place go with the target at "
    "that place, without another shift.",
    "all tokens": "You averaged −ln p over the whole vocabulary: take the target's alone.",
    "sum": "The losses were summed: take the mean over all B · T places.",
    "by texts": "You divided by the number of texts: take the mean over all B · T places.",
    "by places": "You divided by the places of a text: take the mean over all B · T places.",
    "last place": "Only the last place was counted: every place of a text predicts its next token.",
    "first place": "Only the first place was counted: every place predicts its next token.",
    "last text": "Only the last text was counted: take the mean over all B · T places.",
    "a row": "This is a loss for each text: take the mean over all B · T places.",
    "each place": "This is a loss for each place: take the mean over all B · T places.",
    "mean of chances": "You averaged the chances, and then took the logarithm: first the logarithm "
    "of each.",
    "perplexity": "That is e to the loss, the perplexity: leave the mean of −ln p as it is.",
    "of places": "A fair guess is one among V tokens, and V is the last axis of the logits, not "
    "the number of places.",
    "of texts": "A fair guess is one among V tokens, and V is the last axis of the logits, not the "
    "size of the batch.",
    "of all": "A fair guess is one among V tokens, and V is the last axis of the logits, not how "
    "many numbers they hold.",
    "of all places": "A fair guess is one among V tokens, and V is the last axis of the logits, "
    "not the number of targets.",
    "1 / V": "The chance of a fair guess is 1 / V. Its loss is the logarithm, ln V.",
    "V": "A fair guess is one among V tokens, and what it pays is the logarithm, ln V.",
    "guess in bits": "ln V is in bits: take the natural logarithm, math.log(V).",
    "guess in tens": "The guess is by a logarithm of base 10: take the natural one, math.log(V).",
    "below 0": "The guess is below 0: it pays −ln(1 / V), which is ln V.",
    "loss in bits": "The loss is in bits: take natural logarithms, as PyTorch does.",
    "both in bits": "Both are in bits: take natural logarithms here.",
    "sign": "The sign is missing: a loss is −ln p.",
    "guess first": "The two are in the other order: first the loss, then the guess.",
    "only the loss": "Only the loss came back: return the guess as well, `loss, guess`.",
}
_OFTEN = (
    "two softmaxes",
    "along tokens",
    "raw",
    "chance",
    "sum",
    "by texts",
    "last place",
    "mean of chances",
    "of places",
    "1 / V",
    "V",
    "guess in bits",
    "sign",
    "guess first",
)
_APART = [
    "two softmaxes | along tokens | raw | chance",
    "chance | raw | mean of chances | sign",
    "sum | by texts | last place | mean of chances",
    "of places | 1 / V | V | guess in bits",
]


def _by_loop(logits: Tensor, targets: Tensor) -> tuple[float, float]:
    total = 0.0
    for text, wanted in zip(logits.double(), targets.tolist(), strict=True):
        for scores, target in zip(text, wanted, strict=True):
            total += (scores.logsumexp(0) - scores[target]).item()
    return total / targets.numel(), math.log(logits.shape[-1])


def _with_logits(b: int, t: int, v: int, size: float = 2.0) -> tuple[Tensor, Tensor]:
    seed = 100 * b + 10 * t + v
    dice = torch.Generator().manual_seed(seed)
    targets = torch.randint(v, (b, t), generator=dice)
    return uniform(b, t, v, seed=seed, low=-size, high=size), targets


FIRST_LOSS = Exercise(
    id="6.6",
    title="The first loss",
    minutes=5,
    stars=1,
    reference=first_loss,
    probes=[
        (torch.tensor([[[1.2, 0.3, -1.0], [0.4, -0.7, 2.1]]]), torch.tensor([[0, 1]])),
        _with_logits(2, 3, 5),
        _with_logits(1, 1, 4),
        _with_logits(4, 2, 7, size=5.0),
        (torch.tensor([[[150.0, 3.0, -2.0]], [[1.0, 0.0, 5.0]]]), torch.tensor([[1], [2]])),
        _with_logits(2, 2, 3, size=500.0),
    ],
    mistakes=alone(_loss, _SAID)
    | {
        "A shift too many: the targets are the next tokens already, and a text of one place has "
        "none left.": lambda x, y: (
            F.cross_entropy(x[:, :-1].flatten(0, 1), y[:, 1:].flatten()),
            math.log(x.shape[-1]),
        ),
        "These are perplexities, e to the power of what is asked for: return the loss and the "
        "guess, in nats.": lambda x, y: (_paid(x, y).mean().exp(), x.shape[-1]),
        "The arguments are in the other order: F.cross_entropy(logits, targets).": lambda x, y: (
            F.cross_entropy(y.flatten(), x.flatten(0, 1)),
            math.log(x.shape[-1]),
        ),
        "F.cross_entropy expects the vocabulary on the second axis: flatten batch and time, "
        "logits.flatten(0, 1), and the targets as well.": lambda x, y: (
            F.cross_entropy(x, y),
            math.log(x.shape[-1]),
        ),
    },
    together=in_pairs(_loss, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
    alternatives={
        "log_softmax and gather": lambda x, y: (_paid(x, y).mean(), math.log(x.shape[-1])),
        "cross_entropy with the classes in the middle": lambda x, y: (
            F.cross_entropy(x.mT, y),
            math.log(x.shape[-1]),
        ),
        "logsumexp in loops, float64": _by_loop,
        "sums over lists": lambda x, y: (
            sum(_paid(x, y).flatten().tolist()) / y.numel(),
            -math.log(1 / x.shape[-1]),
        ),
        "nll of the logarithms": lambda x, y: (
            F.nll_loss(x.flatten(0, 1).log_softmax(-1), y.flatten()),
            torch.tensor(x.shape[-1]).log(),
        ),
    },
    parts=("loss", "guess"),
    rtol=1e-4,
)
