"""Exercise 3.3: a softmax that survives."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_03.weights import fall_of
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import Steps, at_one_step, at_two_steps
from utils.llm.attention import smoothing


def _row_max(scores: Tensor) -> Tensor:
    return scores.amax(dim=-1, keepdim=True)


def _softmax(
    scores: Tensor,
    *,
    less: Callable[[Tensor], Any] = _row_max,
    kernel: Callable[[Tensor], Tensor] = torch.exp,
    over: Callable[[Tensor], Any] = lambda e: e.sum(dim=-1, keepdim=True),
) -> Tensor:
    """exp and a quotient, with something subtracted first, and a sum over something."""
    values = kernel(scores - less(scores))
    return values / over(values)


_STEPS: Steps = {
    "less": {
        "e^10000 is too large for any float, and infinity divided by infinity is NaN (not a "
        "number): subtract the largest score before the exponential.": lambda s: 0.0,
        "You subtracted the largest of all scores: a row far below it becomes 0 / 0. Subtract "
        "from each row its own largest.": lambda s: s.max(),
        "You subtracted the largest absolute value: in a row of −10,000s that is +10,000. Take the "
        "largest score.": lambda s: s.abs().amax(dim=-1, keepdim=True),
        "You subtracted the largest absolute value of all scores: take from each row its own "
        "largest score.": lambda s: s.abs().amax(),
        "You subtracted the largest score of each column: take the largest of each row, dim=-1.": (
            lambda s: s.amax(dim=0, keepdim=True)
        ),
        "You subtracted the mean: where one score is 10,000 above the others, the exponential "
        "still overflows. Subtract the largest.": lambda s: s.mean(dim=-1, keepdim=True),
        "You subtracted the smallest score: that makes large scores larger still. Subtract the "
        "largest.": lambda s: s.amin(dim=-1, keepdim=True),
        "Your largest scores have lost their axis and no longer stand beside their rows: pass "
        "keepdim=True to amax too.": lambda s: s.amax(dim=-1),
        "`max` along an axis returns two things, the values and their places: take its .values, or "
        "use amax.": lambda s: s.max(dim=-1, keepdim=True),
        "You subtracted the sum of the row: subtract its largest score.": lambda s: s.sum(
            dim=-1, keepdim=True
        ),
    },
    "kernel": {
        "There is no exponential: softmax is e to the power of each score, over their sum.": (
            lambda s: s
        ),
        "You turned the scores round, largest minus score: the largest score must get the largest "
        "weight.": lambda s: torch.exp(-s),
        "You took a power of 2: softmax takes powers of e, torch.exp.": torch.exp2,
    },
    "over": {
        "You did not normalise: divide each row by its sum.": lambda e: 1.0,
        "You divided by the sum of everything: each row has a sum of its own, sum(dim=-1, "
        "keepdim=True).": lambda e: e.sum(),
        "Your sum has lost its axis and no longer stands beside its row: pass keepdim=True to sum "
        "too.": lambda e: e.sum(dim=-1),
        "You normalised over the first axis: the weights along the last axis must sum to 1, "
        "dim=-1.": lambda e: e.sum(dim=0, keepdim=True),
        "You divided by the number of scores: divide by the sum of the exponentials.": (
            lambda e: e.shape[-1]
        ),
    },
}


def _by_rows(scores: Tensor) -> Tensor:
    rows = []
    for row in scores.reshape(-1, scores.shape[-1]).tolist():
        kernel = [math.exp(score - max(row)) for score in row]
        rows.append([value / sum(kernel) for value in kernel])
    return torch.tensor(rows).reshape(scores.shape)


def _in_numpy(scores: Tensor) -> np.ndarray:
    kernel = np.exp(scores.numpy() - scores.numpy().max(axis=-1, keepdims=True))
    return kernel / kernel.sum(axis=-1, keepdims=True)


def _in_place(scores: Tensor) -> Tensor:
    scores -= _row_max(scores)
    return scores.softmax(dim=-1)


def _explain(args: tuple[Tensor], expected: Tensor, got: Any) -> str | None:
    (scores,), weights = args, torch.as_tensor(got)
    if (weights < 0).any():
        return "One of your weights is negative, and an exponential never is."
    if ((weights.sum(dim=-1) - 1).abs() > 1e-3).any():
        return "Each row of weights, along the last axis, must sum to 1: divide it by its own sum."
    rows = zip(
        weights.reshape(-1, weights.shape[-1]), scores.reshape(-1, scores.shape[-1]), strict=True
    )
    factors = [fall_of(row, against) for row, against in rows]
    if factors[0] is not None and all(
        f is not None and abs(f - factors[0]) < 1e-3 for f in factors
    ):
        return (
            f"Your rows sum to 1, but each score counts {factors[0]:.3g} times in the exponent: "
            "it counts once."
        )
    return "Your rows sum to 1, but a weight is not e^score over the sum of its row's e^scores."


SOFTMAX = Exercise(
    id="3.3",
    title="A softmax that survives",
    minutes=9,
    stars=2,
    reference=smoothing.softmax,
    probes=[
        (torch.tensor([2.0, 0.5, 3.0]),),
        (torch.tensor([7.0]),),
        (torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.0, -3.0]]),),
        (uniform(3, 3, seed=45),),
        (uniform(2, 3, 4, seed=9, low=-6, high=6),),
        (torch.tensor([10_000.0, 0.0, 9_999.0]),),
        (torch.tensor([[-200.0, -201.0], [-199.0, -205.0]]),),
        (torch.tensor([[-10_000.0, -10_001.0, -10_002.0], [60.0, -60.0, 59.0], [3.0, 1.0, 0.0]]),),
    ],
    mistakes=at_one_step(_softmax, _STEPS)
    | {
        "You divided the scores by the largest instead of subtracting it, which changes the "
        "weights: only a difference leaves them as they are.": lambda s: (s / _row_max(s)).softmax(
            dim=-1
        ),
        "You cut large scores off, so that 10,000 and 9,999 become the same: subtract the largest "
        "score instead.": lambda s: s.clamp(-80, 80).softmax(dim=-1),
        "Scores may have any number of axes, and dim=1 is the last of two only: dim=-1 is always "
        "the last.": lambda s: s.softmax(dim=1),
        "Your softmax runs along the first axis: the weights along the last axis must sum to 1, "
        "dim=-1.": lambda s: s.softmax(dim=0),
        "Your softmax runs over all scores together: each row has weights of its own, dim=-1.": (
            lambda s: s.flatten().softmax(dim=0).view(s.shape)
        ),
        "What you take from each row has lost its axis and no longer stands beside the row: pass "
        "keepdim=True to amax and to sum.": partial(
            _softmax, less=lambda s: s.amax(dim=-1), over=lambda e: e.sum(dim=-1)
        ),
        "Your weights are those of −score: the largest score must get the largest weight.": (
            lambda s: (-s).softmax(dim=-1)
        ),
        "You took the logarithm as well (that is log_softmax): return the weights.": (
            lambda s: s.log_softmax(dim=-1)
        ),
        "You changed the scores in place, and whoever passed them in will be surprised: write "
        "scores = scores - …, not scores -= ….": _in_place,
        "You replaced what became NaN afterwards, and the weights with it: subtract the largest "
        "score first.": lambda s: (s.exp() / s.exp().sum(dim=-1, keepdim=True)).nan_to_num(),
    },
    together=at_two_steps(_softmax, _STEPS),
    alternatives={
        "torch's own": lambda s: s.softmax(dim=-1),
        "exp and a sum": _softmax,
        "through logsumexp": lambda s: (s - s.logsumexp(dim=-1, keepdim=True)).exp(),
        "loops": _by_rows,
        "numpy": _in_numpy,
        "float64": lambda s: s.double().softmax(dim=-1),
    },
    explain=_explain,
    rtol=1e-3,  # a score of 10,000 leaves logsumexp three decimals
)
