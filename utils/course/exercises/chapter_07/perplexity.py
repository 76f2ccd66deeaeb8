"""Chapter 07, what a loss means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

# 7.6 · perplexity and bits per word


def perplexity(losses: Tensor, n_words: int) -> tuple[Tensor, Tensor]:
    """Perplexity a token, and bits a word, from the loss in nats of every token of a text."""
    return losses.mean().exp(), losses.sum() / math.log(2) / n_words


_FIRST: dict[str, Callable[[Tensor, int], Tensor]] = {
    "2 to nats": lambda losses, n: 2 ** losses.mean(),
    "mean of exps": lambda losses, n: losses.exp().mean(),
    "sum of exps": lambda losses, n: losses.exp().sum(),
    "whole text": lambda losses, n: losses.sum().exp(),
    "chance": lambda losses, n: (-losses.mean()).exp(),
    "e to bits": lambda losses, n: (losses.mean() / math.log(2)).exp(),
    "a word": lambda losses, n: (losses.sum() / n).exp(),
    "mean itself": lambda losses, n: losses.mean(),
    "first token": lambda losses, n: losses[0].exp(),
    "each token": lambda losses, n: losses.exp(),
    "10 to nats": lambda losses, n: 10 ** losses.mean(),
    "median": lambda losses, n: losses.median().exp(),
}
_SECOND: dict[str, Callable[[Tensor, int], Tensor]] = {
    "nats": lambda losses, n: losses.sum() / n,
    "times ln 2": lambda losses, n: losses.sum() * math.log(2) / n,
    "a token": lambda losses, n: losses.mean() / math.log(2),
    "divided twice": lambda losses, n: losses.mean() / math.log(2) / n,
    "a text": lambda losses, n: losses.sum() / math.log(2),
    "times words": lambda losses, n: losses.sum() / math.log(2) * n,
    "log of losses": lambda losses, n: losses.sum().log2() / n,
    "logs summed": lambda losses, n: losses.log2().sum() / n,
    "below 0": lambda losses, n: -losses.sum() / math.log(2) / n,
    "tens": lambda losses, n: losses.sum() / math.log(10) / n,
    "by half": lambda losses, n: losses.sum() / 2 / n,
    "whole": lambda losses, n: losses.sum() / math.log(2) // n,
    "log10": lambda losses, n: losses.sum() / math.log10(2) / n,
}


def _numbers(losses: Tensor, n_words: int, *, wrong: Wrong = frozenset()) -> Any:
    """The two, with a bend where a wrong turn wants one."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Tensor:
        answer = next((slips[slip] for slip in wrong & slips.keys()), usual)
        return answer(losses, n_words)

    first = chosen(_FIRST, lambda losses, n: losses.mean().exp())
    second = chosen(_SECOND, lambda losses, n: losses.sum() / math.log(2) / n)
    if "only perplexity" in wrong:
        return first
    return (second, first) if "swapped" in wrong else (first, second)


_SAID = {
    "2 to nats": "You took 2 to the power of nats: the loss is in nats, so its base is e.",
    "mean of exps": "This is the mean of the perplexities: first the mean of the losses, then the "
    "exponential.",
    "sum of exps": "This is the sum of the perplexities: first the mean of the losses, then the "
    "exponential.",
    "whole text": "This is the perplexity of the whole text: take the mean of the losses, not the "
    "sum.",
    "chance": "This is the chance, and the perplexity is one over it: the exponential of the loss "
    "without a minus.",
    "e to bits": "e to the power of bits: convert the loss to bits for the second number only.",
    "a word": "This is a perplexity per word: the exponential of the mean over tokens is asked "
    "for, as a token is what the model chooses.",
    "mean itself": "The exponential is forgotten: the perplexity is e to the power of the mean "
    "loss.",
    "first token": "This is the perplexity of the first token: take the mean over all.",
    "each token": "This is a perplexity for each token: take the mean of the losses first.",
    "10 to nats": "You took 10 to the power of nats: the loss is in nats, so its base is e.",
    "median": "This is the median token's: take the mean of the losses.",
    "nats": "The second number is in nats: divide by ln 2.",
    "times ln 2": "The losses were multiplied by ln 2, or divided by log2(e): a bit is smaller "
    "than a nat, so there are more of them. Divide by ln 2.",
    "a token": "These are bits per token: divide the sum by the number of words.",
    "divided twice": "You divided the mean by the number of words: it has been divided once "
    "already. Take the sum.",
    "a text": "These are the bits of the whole text: divide by the number of its words.",
    "times words": "You multiplied by the number of words: divide.",
    "log of losses": "The logarithm was taken twice: losses are logarithms already.",
    "logs summed": "You took log2 of each loss: losses are logarithms already, of base e. Divide "
    "by ln 2.",
    "below 0": "The second number is below 0: losses are −ln p, without another minus.",
    "tens": "You divided by ln 10: a bit is a halving, so divide by ln 2.",
    "by half": "You divided by 2: a nat is 1 / ln 2 bits, so divide by ln 2.",
    "whole": "`//` leaves a whole number of bits: divide by `/`.",
    "log10": "You divided by log10(2): a nat is 1 / ln 2 bits, and ln is math.log.",
    "swapped": "The two are swapped: perplexity first.",
    "only perplexity": "Only the perplexity came back: return both, perplexity and bits a word.",
}
_OFTEN = (
    "2 to nats",
    "mean of exps",
    "whole text",
    "chance",
    "e to bits",
    "a word",
    "mean itself",
    "nats",
    "times ln 2",
    "a token",
    "a text",
    "divided twice",
    "swapped",
)
_APART = [" | ".join(slip for slip in _OFTEN if slip in slips) for slips in (_FIRST, _SECOND)]

PERPLEXITY = Exercise(
    id="7.6",
    title="Perplexity and bits per word",
    minutes=4,
    stars=1,
    reference=perplexity,
    probes=[
        (torch.tensor([0.5, 3.0, 1.25]), 2),
        (torch.tensor([0.0, 2.0]), 1),
        (torch.tensor([2.5]), 1),
        (torch.tensor([0.5, 3.0, 1.0, 0.2]), 3),
        (uniform(12, seed=76, low=0.0, high=4.0), 9),
    ],
    mistakes=alone(_numbers, _SAID),
    together=in_pairs(_numbers, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
    alternatives={
        "in plain Python": lambda losses, n: (
            math.exp(sum(losses.tolist()) / len(losses)),
            sum(losses.tolist()) / math.log(2) / n,
        ),
        "bits first": lambda losses, n: (
            2 ** (losses / math.log(2)).mean(),
            (losses / math.log(2)).sum() / n,
        ),
        "log2 of e": lambda losses, n: (
            losses.double().mean().exp(),
            losses.double().sum() * math.log2(math.e) / n,
        ),
        "a geometric mean": lambda losses, n: (
            losses.exp().prod() ** (1 / len(losses)),
            losses.sum() / n / math.log(2),
        ),
    },
    parts=("perplexity", "bits per word"),
)
