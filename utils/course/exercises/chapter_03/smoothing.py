"""The first exercises of chapter 03: kernel weights, the smoother, a softmax that survives."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.attention import smoothing

# 3.1 · kernel weights


def _weights_of(kernel: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """Weights by this kernel of (differences (N, D), bandwidth), normalised."""

    def weights(query: Tensor, keys: Tensor, bandwidth: float) -> Tensor:
        values = kernel(query - keys, bandwidth)  # (N,)
        return values / values.sum()

    return weights


def _gauss(query: Tensor, keys: Tensor, bandwidth: float) -> Tensor:
    return torch.exp(-(query - keys).square().sum(dim=-1) / (2 * bandwidth**2))


def _weights_by_a_loop(query: Tensor, keys: Tensor, bandwidth: float) -> Tensor:
    kernel = []
    for key in keys.tolist():
        squared = sum((q - k) ** 2 for q, k in zip(query.tolist(), key, strict=True))
        kernel.append(math.exp(-squared / (2 * bandwidth**2)))
    return torch.tensor([value / sum(kernel) for value in kernel])


def _weights_in_numpy(query: Tensor, keys: Tensor, bandwidth: float) -> np.ndarray:
    squared = ((keys.numpy() - query.numpy()) ** 2).sum(axis=1)
    kernel = np.exp(-squared / (2 * bandwidth**2))
    return kernel / kernel.sum()


def _column(*values: float) -> Tensor:
    return torch.tensor(values)[:, None]


_NOT_SUMMED = "Sum the squared differences along the last axis: one number for each key."


def _weights_by_math(query: Tensor, keys: Tensor, bandwidth: float) -> Tensor:
    kernel: Any = math.exp(-(query - keys).square().sum(dim=-1) / (2 * bandwidth**2))
    return kernel / kernel.sum()


def _explain_weights(args: Any, expected: Any, got: Any) -> str | None:
    _, keys, _ = args
    if got.shape == keys.shape and got.ndim == 2:
        return _NOT_SUMMED
    return None


KERNEL_WEIGHTS = Exercise(
    id="3.1",
    title="Kernel weights",
    minutes=5,
    stars=1,
    reference=smoothing.kernel_weights,
    probes=[
        (torch.tensor([1.0]), _column(1.0, 3.0), 1.0),
        (torch.tensor([1.0]), _column(1.0, 3.0), 2.0),
        (torch.tensor([1.0]), _column(2.5), 0.5),
        (torch.tensor([0.5, -1.0]), torch.tensor([[0.0, -1.0], [1.5, 0.5], [-0.5, -0.4]]), 0.7),
        (uniform(3, seed=1), uniform(7, 3, seed=2), 1.5),
    ],
    mistakes={
        "Your weights do not sum to 1: divide each by the sum of all of them.": _gauss,
        "You divided by the largest weight: divide by the sum, so that they sum to 1.": (
            lambda q, k, h: _gauss(q, k, h) / _gauss(q, k, h).max()
        ),
        "You divided by the number of keys: divide by the sum of the kernel's values.": (
            lambda q, k, h: _gauss(q, k, h) / len(k)
        ),
        "Your distance is not squared: the kernel is exp(−distance² / (2 · bandwidth²)).": (
            _weights_of(lambda gap, h: torch.exp(-gap.norm(dim=-1) / (2 * h**2)))
        ),
        "Your bandwidth multiplies the distance: it must divide it, so that a wide kernel finds "
        "everything near.": _weights_of(lambda gap, h: torch.exp(-gap.square().sum(-1) * h**2 / 2)),
        "Your bandwidth is not squared: divide distance² by 2 · bandwidth².": _weights_of(
            lambda gap, h: torch.exp(-gap.square().sum(-1) / (2 * h))
        ),
        "The 2 under the distance is lost: divide distance² by 2 · bandwidth².": _weights_of(
            lambda gap, h: torch.exp(-gap.square().sum(-1) / h**2)
        ),
        "The bandwidth does nothing: divide the distance by it.": _weights_of(
            lambda gap, h: torch.exp(-gap.square().sum(-1) / 2)
        ),
        "The minus is missing: far keys get the large weights.": _weights_of(
            lambda gap, h: torch.exp(gap.square().sum(-1) / (2 * h**2))
        ),
        "You averaged the squared differences over the D numbers of a key: distance² is "
        "their sum.": _weights_of(lambda gap, h: torch.exp(-gap.square().mean(-1) / (2 * h**2))),
        "You summed the differences before you squared, so they cancel: square each of the D "
        "numbers first.": _weights_of(lambda gap, h: torch.exp(-(gap.sum(-1) ** 2) / (2 * h**2))),
        _NOT_SUMMED: _weights_of(lambda gap, h: torch.exp(-gap.square() / (2 * h**2))),
        "You summed over the keys: sum over the D numbers of each key, dim=-1.": _weights_of(
            lambda gap, h: torch.exp(-gap.square().sum(0) / (2 * h**2))
        ),
        "You compared only the first number of each key: distance² is the sum of the D squared "
        "differences.": _weights_of(lambda gap, h: torch.exp(-gap[:, 0].square() / (2 * h**2))),
        "You summed the D differences, without their signs, before you squared: square each "
        "difference, then sum.": _weights_of(
            lambda gap, h: torch.exp(-gap.abs().sum(-1).square() / (2 * h**2))
        ),
        "math.exp takes a single number: torch.exp takes a tensor of them.": _weights_by_math,
        "You weighed by the distance itself, so far keys get the large weights: put −distance² "
        "through an exponential.": _weights_of(lambda gap, h: gap.norm(dim=-1)),
    },
    alternatives={
        "exp and a sum": lambda q, k, h: _gauss(q, k, h) / _gauss(q, k, h).sum(),
        "softmax": lambda q, k, h: (-(((q - k) / h) ** 2).sum(1) / 2).softmax(dim=0),
        "cdist": lambda q, k, h: (-torch.cdist(q[None], k)[0].square() / (2 * h * h)).softmax(0),
        "a loop": _weights_by_a_loop,
        "numpy": _weights_in_numpy,
        "float64": lambda q, k, h: smoothing.kernel_weights(q.double(), k.double(), h),
    },
    explain=_explain_weights,
)


# 3.2 · the smoother


def _kernel_matrix(queries: Tensor, keys: Tensor, bandwidth: float) -> Tensor:
    return _gauss(queries[:, None], keys, bandwidth)  # (M, N)


def _smoother_with(
    finish: Callable[[Tensor], Tensor],
) -> Callable[..., tuple[Tensor, Tensor]]:
    """A smoother whose weights are made by `finish` from the kernel (M, N)."""

    def smooth(
        queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float
    ) -> tuple[Tensor, Tensor]:
        weights = finish(_kernel_matrix(queries, keys, bandwidth))
        return weights @ values, weights

    return smooth


def _averages_keys(queries: Tensor, keys: Tensor, values: Tensor, h: float) -> Any:
    weights = _kernel_matrix(queries, keys, h)
    weights = weights / weights.sum(1, keepdim=True)
    return weights @ keys, weights


def _nearest(kernel: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(kernel.argmax(1), kernel.shape[1]).float()


def _unweighted(queries: Tensor, keys: Tensor, values: Tensor, h: float) -> Any:
    weights = _kernel_matrix(queries, keys, h)
    weights = weights / weights.sum(1, keepdim=True)
    return values.mean(0).expand(len(queries), -1), weights


def _divides_twice(queries: Tensor, keys: Tensor, values: Tensor, h: float) -> Any:
    weights = _kernel_matrix(queries, keys, h)
    weights = weights / weights.sum(1, keepdim=True)
    return weights @ values / len(keys), weights


def _not_squared(queries: Tensor, keys: Tensor, values: Tensor, h: float) -> Any:
    weights = (-torch.cdist(queries, keys) / (2 * h**2)).softmax(dim=1)
    return weights @ values, weights


def _only_estimates(queries: Tensor, keys: Tensor, values: Tensor, h: float) -> Tensor:
    return smooth(queries, keys, values, h)[0]


def smooth(
    queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float
) -> tuple[Tensor, Tensor]:
    """Estimates (M, C) and weights (M, N) of the smoother."""
    weights = torch.stack([smoothing.kernel_weights(q, keys, bandwidth) for q in queries])
    return weights @ values, weights


def _smooth_by_loops(
    queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float
) -> tuple[Tensor, Tensor]:
    rows = [_weights_by_a_loop(query, keys, bandwidth) for query in queries]
    estimates = []
    for row in rows:
        total = torch.zeros(values.shape[1])
        for weight, value in zip(row, values, strict=True):
            total = total + weight * value
        estimates.append(total)
    return torch.stack(estimates), torch.stack(rows)


def _explain_smoother(args: Any, expected: Any, got: Any) -> str | None:
    """Look at the weights before the estimates: they are computed first."""
    estimates, weights = got
    if estimates.shape == expected[1].shape and weights.shape == expected[0].shape:
        return "The two results are swapped: estimates first, then weights."
    if weights.shape != expected[1].shape:
        return f"The weights have the shape {tuple(weights.shape)}; they need a row a query, " + (
            f"a column a key: {tuple(expected[1].shape)}."
        )
    if not torch.allclose(weights.float(), expected[1], rtol=1e-4, atol=1e-6):
        return "The weights are wrong already, before any averaging."
    return "The weights are right, and the estimates are not: multiply weights with values."


SMOOTHER = Exercise(
    id="3.2",
    title="The smoother",
    minutes=8,
    stars=2,
    reference=smooth,
    probes=[
        (_column(1.0), _column(1.0, 3.0), _column(10.0, 20.0), 1.0),
        (_column(0.0, 1.0, 2.5), _column(1.0, -1.5), _column(-2.0, 3.0), 0.8),
        (uniform(4, 2, seed=3), uniform(6, 2, seed=4), uniform(6, 3, seed=5), 1.3),
        (uniform(5, 3, seed=6), uniform(1, 3, seed=7), uniform(1, 2, seed=8), 0.9),
    ],
    mistakes={
        "You normalised the columns: the weights of one query, a row, must sum to 1.": (
            _smoother_with(lambda kernel: kernel / kernel.sum(dim=0, keepdim=True))
        ),
        "Your weights are not normalised: divide each row by its sum.": _smoother_with(
            lambda kernel: kernel
        ),
        "You divided by the sum of the whole matrix: each row has a sum of its own; "
        "keepdim=True keeps it beside its row.": _smoother_with(
            lambda kernel: kernel / kernel.sum()
        ),
        "Your row sums have lost their axis and no longer stand beside their rows: "
        "sum(dim=1, keepdim=True).": _smoother_with(lambda kernel: kernel / kernel.sum(dim=1)),
        "Your distance is not squared: the kernel is exp(−distance² / (2 · bandwidth²)).": (
            _not_squared
        ),
        "You averaged the keys: the weights come from the keys, what is averaged are the "
        "values.": _averages_keys,
        "You took the value of the nearest key alone: every key has a say, by its weight.": (
            _smoother_with(_nearest)
        ),
        "You averaged all values alike: use the weights.": _unweighted,
        "You divided by the number of keys once more: the weights sum to 1 already, so the sum "
        "of weight · value is the average.": _divides_twice,
        "You returned only the estimates: return the weights too, in second place.": (
            _only_estimates
        ),
        "The two results are in the wrong order: estimates first, then weights.": (
            lambda q, k, v, h: smooth(q, k, v, h)[::-1]
        ),
        "Your softmax stands on top of a kernel that has been exponentiated already: divide by "
        "the sum instead.": _smoother_with(lambda kernel: kernel.softmax(dim=1)),
    },
    alternatives={
        "broadcasting": _smoother_with(lambda kernel: kernel / kernel.sum(1, keepdim=True)),
        "loops": _smooth_by_loops,
        "einsum": lambda q, k, v, h: (
            torch.einsum("mn,nc->mc", smooth(q, k, v, h)[1], v),
            smooth(q, k, v, h)[1],
        ),
        "float64": lambda q, k, v, h: smooth(q.double(), k.double(), v.double(), h),
        "the package": lambda q, k, v, h: (
            smoothing.nadaraya_watson(q, k, v, h),
            smooth(q, k, v, h)[1],
        ),
    },
    parts=("estimates", "weights"),
    explain=_explain_smoother,
)


# 3.3 · a softmax that survives


def _softmax(scores: Tensor, *, less: Any = None, over: Any = None) -> Tensor:
    """exp and a quotient, with something subtracted first, and a sum over something."""
    kernel = torch.exp(scores if less is None else scores - less(scores))
    return kernel / (kernel.sum(dim=-1, keepdim=True) if over is None else over(kernel))


def _row_max(scores: Tensor) -> Tensor:
    return scores.amax(dim=-1, keepdim=True)


def _softmax_by_rows(scores: Tensor) -> Tensor:
    rows = []
    for row in scores.reshape(-1, scores.shape[-1]).tolist():
        kernel = [math.exp(score - max(row)) for score in row]
        rows.append([value / sum(kernel) for value in kernel])
    return torch.tensor(rows).reshape(scores.shape)


def _softmax_in_numpy(scores: Tensor) -> np.ndarray:
    kernel = np.exp(scores.numpy() - scores.numpy().max(axis=-1, keepdims=True))
    return kernel / kernel.sum(axis=-1, keepdims=True)


def _in_place(scores: Tensor) -> Tensor:
    scores -= _row_max(scores)
    return scores.softmax(dim=-1)


SOFTMAX = Exercise(
    id="3.3",
    title="A softmax that survives",
    minutes=8,
    stars=2,
    reference=smoothing.softmax,
    probes=[
        (torch.tensor([7.0]),),
        (torch.tensor([2.0, 1.0, 3.0]),),
        (torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.0, -3.0]]),),
        (uniform(2, 3, 4, seed=9, low=-6, high=6),),
        (torch.tensor([10_000.0, 0.0, 9_999.0]),),
        (torch.tensor([[-200.0, -201.0], [-199.0, -205.0]]),),
        (torch.tensor([[-10_000.0, -10_001.0, -10_002.0], [60.0, -60.0, 59.0], [3.0, 1.0, 0.0]]),),
    ],
    mistakes={
        "e^10000 is too large for any float, and infinity divided by infinity is NaN (not a "
        "number): subtract the largest score before the exponential.": _softmax,
        "You subtracted the largest of all scores: a row far below it becomes 0 / 0. Subtract "
        "from each row its own largest.": partial(_softmax, less=lambda s: s.max()),
        "You subtracted the largest absolute value: in a row of −10,000s that is +10,000. Take the "
        "largest score.": partial(_softmax, less=lambda s: s.abs().amax(dim=-1, keepdim=True)),
        "You subtracted the largest absolute value of all scores: take from each row its own "
        "largest score.": partial(_softmax, less=lambda s: s.abs().amax()),
        "You subtracted the largest score of each column: take the largest of each row, "
        "dim=-1.": partial(_softmax, less=lambda s: s.amax(dim=0, keepdim=True)),
        "You subtracted the mean: where one score is 10,000 above the others, the exponential "
        "still overflows. Subtract the largest.": partial(
            _softmax, less=lambda s: s.mean(dim=-1, keepdim=True)
        ),
        "You subtracted the smallest score: that makes large scores larger still. Subtract the "
        "largest.": partial(_softmax, less=lambda s: s.amin(dim=-1, keepdim=True)),
        "You divided the scores by the largest instead of subtracting it, which changes the "
        "weights: only a difference leaves them as they are.": lambda s: _softmax(s / _row_max(s)),
        "You cut large scores off, so that 10,000 and 9,999 become the same: subtract the largest "
        "score instead.": lambda s: _softmax(s.clamp(-80, 80)),
        "Scores may have any number of axes, and dim=1 is the last of two only: dim=-1 is always "
        "the last.": lambda s: s.softmax(dim=1),
        "You normalised over the first axis: the weights along the last axis must sum to 1, "
        "dim=-1.": lambda s: s.softmax(dim=0),
        "You divided by the sum of everything: each row has a sum of its own, sum(dim=-1, "
        "keepdim=True).": partial(_softmax, less=_row_max, over=lambda e: e.sum()),
        "What you take from each row has lost its axis and no longer stands beside the row: pass "
        "keepdim=True to amax and to sum.": partial(
            _softmax, less=lambda s: s.amax(dim=-1), over=lambda e: e.sum(dim=-1)
        ),
        "Your sum has lost its axis and no longer stands beside its row: pass keepdim=True to sum "
        "too.": partial(_softmax, less=_row_max, over=lambda e: e.sum(dim=-1)),
        "Your largest scores have lost their axis and no longer stand beside their rows: pass "
        "keepdim=True to amax too.": partial(_softmax, less=lambda s: s.amax(dim=-1)),
        "You did not normalise: divide each row by its sum.": lambda s: (s - _row_max(s)).exp(),
        "You took the logarithm as well (that is log_softmax): return the weights.": (
            lambda s: s.log_softmax(dim=-1)
        ),
        "You changed the scores in place, and whoever passed them in will be surprised: write "
        "scores = scores - …, not scores -= ….": _in_place,
        "You replaced what became NaN afterwards, and the weights with it: subtract the largest "
        "score first.": lambda s: _softmax(s).nan_to_num(),
    },
    alternatives={
        "torch's own": lambda s: s.softmax(dim=-1),
        "exp and a sum": partial(_softmax, less=_row_max),
        "through logsumexp": lambda s: (s - s.logsumexp(dim=-1, keepdim=True)).exp(),
        "loops": _softmax_by_rows,
        "numpy": _softmax_in_numpy,
        "float64": lambda s: s.double().softmax(dim=-1),
    },
    rtol=1e-3,  # a score of 10,000 leaves logsumexp three decimals
)
