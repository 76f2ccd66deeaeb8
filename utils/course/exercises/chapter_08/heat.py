"""Chapter 08, what is done to the scores: temperature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

# 8.2 · temperature


def heat(logits: Tensor, temperature: float) -> Tensor:
    """The chances at this temperature; at 0 all on the largest logit.  (..., V) -> (..., V)"""
    if temperature == 0:
        return _all_on_the_largest(logits)
    return (logits / temperature).softmax(dim=-1)


def _all_on_the_largest(logits: Tensor) -> Tensor:
    return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).float()


def _heated(
    warm: Callable[[Tensor, float], Tensor], cold: Callable[[Tensor], Tensor] = _all_on_the_largest
) -> Callable[[Tensor, float], Tensor]:
    return lambda logits, t: warm(logits, t) if t else cold(logits)


def rescaled(chances: Tensor) -> Tensor:
    """Divided by their sum, so that they sum to 1."""
    return chances / chances.sum(-1, keepdim=True)


def _shared(logits: Tensor) -> Tensor:
    return rescaled((logits == logits.amax(-1, keepdim=True)).float())


def _in_the_whole_batch(logits: Tensor) -> Tensor:
    return F.one_hot(logits.argmax(), logits.numel()).float().view(logits.shape)


_WARM: dict[str, Callable[[Tensor, float], Tensor]] = {
    "multiplied": lambda x, t: (x * t).softmax(-1),
    "divided after": lambda x, t: x.softmax(-1) / t,
    "multiplied after": lambda x, t: x.softmax(-1) * t,
    "undone": lambda x, t: x.softmax(-1),
    "two softmaxes": lambda x, t: (x.softmax(-1) / t).softmax(-1),
    "softmax twice": lambda x, t: (x / t).softmax(-1).softmax(-1),
    "logits": lambda x, t: x / t,
    "logarithms": lambda x, t: (x / t).log_softmax(-1),
    "overflow": lambda x, t: rescaled((x / t).exp()),
    "not rescaled": lambda x, t: (x / t - (x / t).amax(-1, keepdim=True)).exp(),
    "down the batch": lambda x, t: (x / t).softmax(0),
    "squared": lambda x, t: (x / t**2).softmax(-1),
    "one hotter": lambda x, t: (x / (1 + t)).softmax(-1),
    "over the batch": lambda x, t: (x / t).flatten().softmax(-1).view(x.shape),
    "always greedy": lambda x, t: _all_on_the_largest(x),
}
_COLD: dict[str, Callable[[Tensor], Tensor]] = {
    "not cold": lambda x: x.softmax(-1),
    "level": lambda x: torch.full_like(x, 1 / x.shape[-1]),
    "shared": _shared,
    "whole batch": _in_the_whole_batch,
    "ids": lambda x: x.argmax(-1),
    "whole numbers": lambda x: F.one_hot(x.argmax(-1), x.shape[-1]),
    "logits at 0": lambda x: x,
    "largest logit": lambda x: torch.where(x == x.amax(-1, keepdim=True), x, 0.0),
    "0 / 0": lambda x: (x / torch.tensor(0.0)).softmax(-1),
    "last": lambda x: _all_on_the_largest(x.flip(-1)).flip(-1),
    "least": lambda x: F.one_hot(x.argmin(-1), x.shape[-1]).float(),
    "zeros": torch.zeros_like,
}


def _bent(logits: Tensor, temperature: float, *, wrong: Wrong = frozenset()) -> Tensor:
    """Heat, with a bend where a wrong turn wants one, above 0 or at it."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Any:
        return next((slips[slip] for slip in wrong & slips.keys()), usual)

    warm = chosen(_WARM, lambda x, t: (x / t).softmax(-1))
    return _heated(warm, chosen(_COLD, _all_on_the_largest))(logits, temperature)


_SAID = {
    "multiplied": "You multiplied by the temperature, or took the chances to its power: divide the "
    "logits, or heat makes the pie steeper.",
    "divided after": "You divided by the temperature after the softmax, and the pie no longer sums "
    "to 1: divide the logits, before.",
    "multiplied after": "You multiplied the chances by the temperature, and the pie no longer sums "
    "to 1: divide the logits, before the softmax.",
    "undone": "The temperature has no effect: it was left out, subtracted, or undone by dividing "
    "by the sum. Divide the logits by it, before the softmax.",
    "two softmaxes": "There were two softmaxes, so logits no further apart than 0 and 1: divide "
    "the logits themselves.",
    "softmax twice": "There is a softmax too many, and it levels the pie: one, after the division.",
    "logits": "These are logits: a softmax makes chances of them.",
    "logarithms": "These are logarithms of chances: softmax, not log_softmax.",
    "overflow": "Large logits overflow in exp(): use softmax, or lower them by their largest "
    "first.",
    "not rescaled": "What is left does not sum to 1: divide by its sum, or take a softmax.",
    "down the batch": "The softmax ran down the batch, across the texts: the chances of one row "
    "sum to 1, so along the last axis, dim=-1.",
    "squared": "You divided by the square of the temperature: divide by it once.",
    "one hotter": "You divided by 1 + temperature: at temperature 1 the pie stays as it is, so "
    "divide by the temperature itself.",
    "over the batch": "The softmax went over the whole batch: each row sums to 1, dim=-1.",
    "always greedy": "This is greedy at every temperature: above 0 divide, and take a softmax.",
    "not cold": "Temperature 0 was taken for no temperature at all, 1: it is greedy.",
    "level": "At temperature 0 all levels out here: that would be an endless temperature.",
    "shared": "At temperature 0 equal logits share the pie: one token takes it all, of equal ones "
    "that with the lowest id.",
    "whole batch": "At temperature 0 one token of the whole batch got it all: each row has one of "
    "its own, dim=-1.",
    "ids": "At temperature 0 you returned ids: return chances, 1 for that token and 0 for the "
    "others.",
    "whole numbers": "At temperature 0 you returned whole numbers, as `one_hot` makes them: "
    "chances are floats, so .float() behind it.",
    "logits at 0": "At temperature 0 you returned the logits: return chances, 1 for the largest "
    "and 0 for the others.",
    "largest logit": "At temperature 0 the largest keeps its logit: its chance is 1.",
    "0 / 0": "At temperature 0 you divided by 0: put everything on the largest logit there.",
    "last": "At temperature 0 the last of equal logits got it all: that with the lowest id does.",
    "least": "At temperature 0 the least likely token got it all: argmax, not argmin.",
    "zeros": "At temperature 0 nobody has a chance: put everything on the largest logit.",
}
_OFTEN = (
    "multiplied",
    "divided after",
    "undone",
    "two softmaxes",
    "logits",
    "overflow",
    "down the batch",
    "not cold",
    "level",
    "shared",
    "whole batch",
    "ids",
    "whole numbers",
    "0 / 0",
)
_APART = [
    *(" | ".join(slip for slip in _OFTEN if slip in slips) for slips in (_WARM, _COLD)),
    "multiplied | level",
]


def _by_numpy(logits: Tensor, t: float) -> np.ndarray:
    scores = logits.numpy()
    if t == 0:
        return np.eye(scores.shape[-1])[scores.argmax(-1)]
    scores = np.exp((scores - scores.max(-1, keepdims=True)) / t)
    return scores / scores.sum(-1, keepdims=True)


HEAT = Exercise(
    id="8.2",
    title="Temperature",
    minutes=6,
    stars=1,
    reference=heat,
    probes=[
        (torch.tensor([0.3, 1.4, -0.6]), 2.0),
        (torch.tensor([0.3, -1.0, 0.7]), 0.5),
        (torch.tensor([1.0, 3.0, 2.0]), 0),
        (torch.tensor([[1.0, 2.0, 2.0], [5.0, -1.0, 4.0]]), 0),
        (torch.tensor([[1.0, 4.0, 4.0], [0.0, -3.0, 2.0]]), 0.03125),
        (uniform(3, 6, seed=821), 1.0),
        (uniform(2, 3, 4, seed=822), 1.5),
        (uniform(2, 5, seed=823, low=-8.0, high=8.0), 0.25),
    ],
    mistakes=alone(_bent, _SAID)
    | {
        "You multiplied by the temperature, which at 0 levels everything: divide the logits, and "
        "at 0 put everything on the largest.": lambda x, t: (x * t).softmax(-1),
        "You divided by the temperature after the softmax, even by 0: divide the logits, and at 0 "
        "put everything on the largest.": lambda x, t: x.softmax(-1) / torch.tensor(float(t)),
        "`//` leaves whole numbers of the logits: divide by `/`.": lambda x, t: (
            (x // t).softmax(-1) if t else heat(x, t)
        ),
        "You took powers of the logits, as one may of the chances: divide the logits, or take the "
        "power behind the softmax.": lambda x, t: (
            x ** (1 / t) / (x ** (1 / t)).sum(-1, keepdim=True) if t else heat(x, t)
        ),
        "You divided by the temperature even where it is 0, which Python refuses: put everything "
        "on the largest logit there.": lambda x, t: (x * (1 / t)).softmax(-1),
    },
    together=in_pairs(_bent, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
    alternatives={
        "numpy": _by_numpy,
        "powers of the chances": _heated(
            lambda x, t: rescaled(x.double().softmax(-1) ** (1 / t)),
            lambda x: torch.zeros_like(x).scatter(-1, x.argmax(-1, keepdim=True), 1.0),
        ),
        "logsumexp": _heated(lambda x, t: (x / t - (x / t).logsumexp(-1, keepdim=True)).exp()),
    },
)
