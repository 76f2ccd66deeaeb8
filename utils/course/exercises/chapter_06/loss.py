"""Chapter 06, last part: the loss before the first step."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform

# 6.6 · the loss at initialisation


def first_loss(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """The mean of −ln p(target) over all B · T places, and what a fair guess among V pays."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()), math.log(logits.shape[-1])


def _paid(logits: Tensor, targets: Tensor) -> Tensor:
    """−ln p of each target, (B, T)."""
    return -logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]


def _with(loss: Tensor, logits: Tensor, guess: float | None = None) -> tuple[Tensor, float]:
    return loss, math.log(logits.shape[-1]) if guess is None else guess


def _in_bits(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    loss, guess = first_loss(logits, targets)
    return loss / math.log(2), guess / math.log(2)


def _guess(what: int) -> object:
    """The right loss, and beside it the logarithm of another number than V."""

    def answer(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
        return _with(_paid(logits, targets).mean(), logits, math.log(logits.shape[what]))

    return answer


def _by_softmax(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """exp, divide, log: sound for small logits, infinite for large ones."""
    chances = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return _with(-chances.gather(-1, targets[..., None]).log().mean(), logits)


def _twice_softmaxed(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    return first_loss(logits.softmax(-1), targets)


def _log_of_the_mean(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    return _with(-(-_paid(logits, targets)).exp().mean().log(), logits)


def _of_the_likeliest(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    return first_loss(logits, logits.argmax(-1))


def _softmax_along_tokens(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    return _with(-logits.log_softmax(1).gather(-1, targets[..., None]).mean(), logits)


def _shuffled(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    b, t, v = logits.shape
    return _with(F.cross_entropy(logits.transpose(0, 1).reshape(b * t, v), targets.ravel()), logits)


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
    minutes=8,
    stars=2,
    reference=first_loss,
    probes=[
        (torch.zeros(1, 1, 4), torch.tensor([[2]])),
        (torch.tensor([[[1.0, 0.0, -1.0]]]), torch.tensor([[0]])),
        _with_logits(1, 3, 2),
        _with_logits(2, 3, 5),
        _with_logits(4, 2, 7, size=5.0),
        _with_logits(2, 2, 3, size=500.0),
    ],
    mistakes={
        "Both are in bits: take natural logarithms here.": _in_bits,
        "The loss is in bits: take natural logarithms, as PyTorch does.": lambda x, y: _with(
            _paid(x, y).mean() / math.log(2), x
        ),
        "ln V is in bits: take the natural logarithm, math.log(V).": lambda x, y: _with(
            _paid(x, y).mean(), x, math.log2(x.shape[-1])
        ),
        "The losses were summed: take the mean over all B · T places.": lambda x, y: _with(
            _paid(x, y).sum(), x
        ),
        "The sign is missing: a loss is −ln p.": lambda x, y: _with(-_paid(x, y).mean(), x),
        "There are two softmaxes: F.cross_entropy takes the logits, and makes the chances "
        "itself.": _twice_softmaxed,
        "You averaged the chances, and then took the logarithm: first the logarithm of each.": (
            _log_of_the_mean
        ),
        "The chances don't sum to 1 over the vocabulary: the softmax runs along the last axis, "
        "dim=-1.": _softmax_along_tokens,
        "You asked for the token that the model likes best: take the chance of the target.": (
            _of_the_likeliest
        ),
        "Logits and targets were flattened in different orders: logits.flatten(0, 1) goes with "
        "targets.flatten().": _shuffled,
        "Large logits overflow in exp(): use log_softmax, logsumexp or F.cross_entropy.": (
            _by_softmax
        ),
        "Only the last place was counted: every place of a text predicts its next token.": (
            lambda x, y: _with(_paid(x, y)[:, -1].mean(), x)
        ),
        "The logits themselves were averaged: make them chances first.": lambda x, y: _with(
            -x.gather(-1, y[..., None]).mean(), x
        ),
        "A fair guess is one among V tokens, and V is the last axis of the logits, not the "
        "number of places.": _guess(1),
        "A fair guess is one among V tokens, and V is the last axis of the logits, not the size "
        "of the batch.": _guess(0),
        "That is the chance itself, with a minus: a loss is its logarithm, −ln p.": (
            lambda x, y: _with(-(-_paid(x, y)).exp().mean(), x)
        ),
        "That is e to the loss, the perplexity: leave the mean of −ln p as it is.": (
            lambda x, y: _with(_paid(x, y).mean().exp(), x)
        ),
        "The two are in the other order: first the loss, then the guess.": lambda x, y: first_loss(
            x, y
        )[::-1],
        "The chance of a fair guess is 1 / V. Its loss is the logarithm, ln V.": lambda x, y: _with(
            _paid(x, y).mean(), x, 1 / x.shape[-1]
        ),
    },
    alternatives={
        "log_softmax and gather": lambda x, y: _with(_paid(x, y).mean(), x),
        "cross_entropy with the classes in the middle": lambda x, y: _with(
            F.cross_entropy(x.mT, y), x
        ),
        "logsumexp in loops, float64": _by_loop,
        "sums over lists": lambda x, y: (
            sum(_paid(x, y).flatten().tolist()) / y.numel(),
            -math.log(1 / x.shape[-1]),
        ),
        "nll of the logarithms": partial(
            lambda x, y: _with(F.nll_loss(x.flatten(0, 1).log_softmax(-1), y.flatten()), x)
        ),
    },
    parts=("loss", "guess"),
    rtol=1e-4,
)
