"""Exercise 3.1: the weights of a Gaussian kernel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import Steps, at_one_step, at_two_steps
from utils.llm.attention import smoothing


def squared_distance(gap: Tensor) -> Tensor:
    """The sum of the squared differences, along the last axis."""
    return gap.square().sum(dim=-1)


def over_bandwidth(distance2: Tensor, bandwidth: float) -> Tensor:
    """What stands in the exponent of the kernel."""
    return -distance2 / (2 * bandwidth**2)


def _weights(
    query: Tensor,
    keys: Tensor,
    bandwidth: float,
    *,
    distance: Callable[[Tensor], Tensor] = squared_distance,
    exponent: Callable[[Tensor, float], Tensor] = over_bandwidth,
    kernel: Callable[[Tensor], Tensor] = torch.exp,
    finish: Callable[[Tensor], Tensor] = lambda values: values / values.sum(),
) -> Tensor:
    """Kernel weights with a bend where a wrong turn wants one."""
    return finish(kernel(exponent(distance(query - keys), bandwidth)))


NOT_SQUARED = "Your distance is not squared: the kernel is exp(−distance² / (2 · bandwidth²))."
EXPONENTS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "Your bandwidth multiplies the distance: it must divide it, so that a wide kernel finds "
    "everything near; mind the brackets, since `/ 2 * bandwidth**2` divides by 2 alone.": (
        lambda d2, h: -d2 / 2 * h**2
    ),
    "Your bandwidth is not squared: divide distance² by 2 · bandwidth².": (
        lambda d2, h: -d2 / (2 * h)
    ),
    "The 2 under the distance is lost: divide distance² by 2 · bandwidth².": (
        lambda d2, h: -d2 / h**2
    ),
    "You divide distance² by 4 · bandwidth², as (2 · bandwidth)² is: divide by 2 · bandwidth² "
    "only.": lambda d2, h: -d2 / (2 * h) ** 2,
    "The bandwidth does nothing: divide the distance by it.": lambda d2, h: -d2 / 2,
    "The minus is missing: far keys get the large weights.": lambda d2, h: d2 / (2 * h**2),
}
_STEPS: Steps = {
    "distance": {
        NOT_SQUARED: lambda gap: gap.norm(dim=-1),
        "You squared the distance twice: distance² is the sum of the squared differences "
        "already.": lambda gap: squared_distance(gap) ** 2,
        "You averaged the squared differences over the D numbers of a key: distance² is their "
        "sum.": lambda gap: gap.square().mean(dim=-1),
        "You summed the differences before you squared, so they cancel: square each of the D "
        "numbers first.": lambda gap: gap.sum(dim=-1) ** 2,
        "You summed the D differences, without their signs, before you squared: square each "
        "difference, then sum.": lambda gap: gap.abs().sum(dim=-1) ** 2,
        "You summed the differences without their signs: distance² is the sum of their "
        "squares.": lambda gap: gap.abs().sum(dim=-1),
        "Sum the squared differences along the last axis: one number for each key.": (
            lambda gap: gap.square()
        ),
        "You summed over all keys and numbers at once, which leaves one weight: sum along the last "
        "axis, dim=-1, one distance² for each key.": lambda gap: gap.square().sum(),
        "You summed over the keys: sum over the D numbers of each key, dim=-1.": (
            lambda gap: gap.square().sum(dim=0)
        ),
        "You compared only the first number of each key: distance² is the sum of the D squared "
        "differences.": lambda gap: gap[:, 0].square(),
    },
    "exponent": EXPONENTS,
    "kernel": {
        "There is no exponential: put −distance² / (2 · bandwidth²) through torch.exp.": (
            lambda score: score
        ),
        "You took a power of 2: the kernel is a power of e, torch.exp.": torch.exp2,
    },
    "finish": {
        "Your weights do not sum to 1: divide each by the sum of all of them.": lambda k: k,
        "You divided by the largest weight: divide by the sum, so that they sum to 1.": (
            lambda k: k / k.max()
        ),
        "You divided by the number of keys: divide by the sum of the kernel's values.": (
            lambda k: k / len(k)
        ),
        "You put the kernel's values through a softmax, which takes the exponential a second "
        "time: divide them by their sum.": lambda k: k.softmax(dim=0),
        "You divided by the length of the kernel's values, the root of the sum of their squares: "
        "divide by the sum itself.": lambda k: k / k.norm(),
    },
}


def _by_math(query: Tensor, keys: Tensor, bandwidth: float) -> Tensor:
    kernel: Any = math.exp(over_bandwidth(squared_distance(query - keys), bandwidth))
    return kernel / kernel.sum()


def by_a_loop(query: Tensor, keys: Tensor, bandwidth: float) -> Tensor:
    """Kernel weights, number by number."""
    kernel = []
    for key in keys.tolist():
        squared = sum((q - k) ** 2 for q, k in zip(query.tolist(), key, strict=True))
        kernel.append(math.exp(-squared / (2 * bandwidth**2)))
    return torch.tensor([value / sum(kernel) for value in kernel])


def _in_numpy(query: Tensor, keys: Tensor, bandwidth: float) -> np.ndarray:
    squared = ((keys.numpy() - query.numpy()) ** 2).sum(axis=1)
    kernel = np.exp(-squared / (2 * bandwidth**2))
    return kernel / kernel.sum()


def fall_of(weights: Tensor, against: Tensor) -> float | None:
    """The factor f where the weights go like exp(f · against), None where they don't.

    It takes three keys at least: two lie on a line whatever one does.
    """
    weights, against = weights.double(), against.double()
    if len(weights) < 3 or (weights < 1e-30).any() or not weights.isfinite().all():
        return None
    rise, run = weights.log() - weights.log().mean(), against - against.mean()
    factor = float((rise * run).sum() / run.square().sum())
    return factor if torch.allclose(rise, factor * run, rtol=1e-4, atol=1e-4) else None


def _explain_form(args: tuple[Any, ...], expected: Tensor, got: Any) -> str | None:
    """Names weights that stand in a column or in a row of their own."""
    shape = tuple(torch.as_tensor(got).shape)
    if len(shape) > 1 and sorted(shape) == sorted((*expected.shape, *[1] * (len(shape) - 1))):
        return (
            "The weights have an axis of length 1 too many: one number for each key, (N,), as a "
            "sum along the last axis leaves without keepdim."
        )
    return None


def _explain(args: tuple[Tensor, Tensor, float], expected: Tensor, got: Any) -> str | None:
    query, keys, bandwidth = args
    weights = torch.as_tensor(got)
    if (weights < 0).any():
        return "One of your weights is negative, and an exponential never is."
    total = float(weights.sum())
    if abs(total - 1) > 1e-3:
        return f"Your weights sum to {total:.4g}, and must sum to 1."
    factor = fall_of(weights, squared_distance(query - keys))
    if factor is not None:
        return (
            f"Your weights go like exp({factor:.3g} · distance²). The factor should be "
            f"−1 / (2 · bandwidth²), here {-1 / (2 * bandwidth**2):.3g}."
        )
    return (
        "Your weights sum to 1, but come from another kernel: it is exp(−distance² / "
        "(2 · bandwidth²)), and distance² the sum of the D squared differences."
    )


def column(*values: float) -> Tensor:
    """Places on a line, one number each, (N, 1)."""
    return torch.tensor(values)[:, None]


KERNEL_WEIGHTS = Exercise(
    id="3.1",
    title="Kernel weights",
    minutes=5,
    stars=1,
    reference=smoothing.kernel_weights,
    probes=[
        (torch.tensor([1.2]), column(0.5, 2.3, 1.6), 0.7),
        (torch.tensor([1.0]), column(1.0, 3.0), 2.0),
        (torch.tensor([1.0]), column(2.5), 0.5),
        (torch.tensor([0.5, -1.0]), torch.tensor([[0.0, -1.0], [1.5, 0.5], [-0.5, -0.4]]), 0.7),
        (uniform(2, seed=40), uniform(2, 2, seed=41), 1.2),
        (uniform(3, seed=1), uniform(7, 3, seed=2), 1.5),
    ],
    mistakes=at_one_step(_weights, _STEPS)
    | {
        "math.exp takes a single number: torch.exp takes a tensor of them.": _by_math,
        "You weighed by the distance itself, so far keys get the large weights: put −distance² "
        "through an exponential.": lambda q, k, h: _weights(
            q, k, h, distance=lambda gap: gap.norm(dim=-1), exponent=lambda d, h: d, kernel=abs
        ),
    },
    together=at_two_steps(_weights, _STEPS, alone=("kernel",)),
    alternatives={
        "exp and a sum": _weights,
        "softmax": lambda q, k, h: (-(((q - k) / h) ** 2).sum(1) / 2).softmax(dim=0),
        "cdist": lambda q, k, h: (-torch.cdist(q[None], k)[0].square() / (2 * h * h)).softmax(0),
        "a loop": by_a_loop,
        "numpy": _in_numpy,
        "float64": lambda q, k, h: smoothing.kernel_weights(q.double(), k.double(), h),
    },
    explain=_explain,
    explain_form=_explain_form,
)
