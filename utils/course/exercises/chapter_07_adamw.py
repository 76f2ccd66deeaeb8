"""Chapter 07, one step of AdamW."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from utils.course.exercise import Exercise
from utils.course.exercises.probing import uniform

Steps = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]

# 7.4 · one AdamW step


def adamw_step(
    parameter: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    learning_rate: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> Steps:
    """mean, square, fair_mean, fair_square and the new parameter; step counts from 1."""
    first, second = betas
    mean = first * mean + (1 - first) * gradient
    square = second * square + (1 - second) * gradient**2
    fair_mean = mean / (1 - first**step)
    fair_square = square / (1 - second**step)
    shrunk = parameter * (1 - learning_rate * weight_decay)
    new = shrunk - learning_rate * fair_mean / (fair_square.sqrt() + eps)
    return mean, square, fair_mean, fair_square, new


class Given(NamedTuple):
    """What a step of AdamW is made from."""

    p: Tensor
    g: Tensor
    mean: Tensor
    square: Tensor
    step: int
    rate: float
    betas: tuple[float, float]
    eps: float
    decay: float


def _taking(answer: Callable[[Given], Steps]) -> Callable[..., Steps]:
    """The same answer, called as the exercise calls it: with one argument for each."""

    return lambda *arguments: answer(Given(*arguments))


def _bent(wrong: str) -> Callable[..., Steps]:
    """The step with one wrong turn, by name."""

    @_taking
    def answer(given: Given) -> Steps:
        p, g, mean, square, step, rate, betas, eps, decay = given
        first, second = betas[::-1] if wrong == "betas" else betas
        if wrong == "l2":
            g, decay = g + decay * p, 0.0
        new_share = (1.0, 1.0) if wrong == "shares" else (1 - first, 1 - second)
        old = mean
        mean = first * mean + new_share[0] * g
        squared = {"abs": g.abs(), "mean squared": mean**2, "centred": (g - old) ** 2}
        square = second * square + new_share[1] * squared.get(wrong, g**2)
        count = {"no correction": 10**9, "from 0": step - 1, "one late": step + 1}.get(wrong, step)
        fair_mean, fair_square = mean / (1 - first**count), square / (1 - second**count)
        if wrong == "mean only":
            fair_square = square
        if wrong == "square only":
            fair_mean = mean
        divisor = fair_square.sqrt() + eps
        if wrong in ("eps inside", "no root", "no eps"):
            root = {"eps inside": (fair_square + eps).sqrt(), "no root": fair_square + eps}
            divisor = root.get(wrong, fair_square.sqrt())
        move = rate * fair_mean / divisor
        shrink = {"no decay": 1.0, "whole decay": 1 - decay}.get(wrong, 1 - rate * decay)
        new = p * shrink + move if wrong == "uphill" else p * shrink - move
        if wrong == "after":
            new = (p - move) * shrink
        if wrong == "plain":
            new = p * shrink - rate * fair_mean
        if wrong == "stored":
            mean, square = fair_mean, fair_square
        return mean, square, fair_mean, fair_square, new

    return answer


@_taking
def _by_lerp(given: Given) -> Steps:
    p, g, mean, square, step, rate, betas, eps, decay = given
    mean = mean.lerp(g, 1 - betas[0])
    square = (square * betas[1]).addcmul(g, g, value=1 - betas[1])
    fair = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
    return mean, square, *fair, p - rate * (fair[0] / (fair[1].sqrt() + eps) + decay * p)


@_taking
def _by_step_size(given: Given) -> Steps:
    """As PyTorch's own does it: in place, the first correction drawn into the size of the step."""
    p, g, mean, square, step, rate, betas, eps, decay = given
    weight, mean, square = p.clone(), mean.clone(), square.clone()
    weight.mul_(1 - rate * decay)
    mean.lerp_(g, 1 - betas[0])
    square.mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
    missing = [1 - beta**step for beta in betas]
    divisor = (square.sqrt() / missing[1] ** 0.5).add_(eps)
    weight.addcdiv_(mean, divisor, value=-rate / missing[0])
    return mean, square, mean / missing[0], square / missing[1], weight


@_taking
def _by_numbers(given: Given) -> Steps:
    """A number at a time."""
    p, g, mean, square, step, rate, betas, eps, decay = given
    found = []
    for w, each, m, s in zip(*(x.tolist() for x in (p, g, mean, square)), strict=True):
        m += (1 - betas[0]) * (each - m)
        s += (1 - betas[1]) * (each * each - s)
        fair = m / (1 - betas[0] ** step), s / (1 - betas[1] ** step)
        moved = w - rate * decay * w - rate * fair[0] / (fair[1] ** 0.5 + eps)
        found.append((m, s, *fair, moved))
    return tuple(torch.tensor(part) for part in zip(*found, strict=True))


def _probe(
    n: int, step: int, rate: float, eps: float, decay: float, size: float = 2.0
) -> tuple[object, ...]:
    seed = 10 * n + step
    mean = uniform(n, seed=seed + 1) * (step > 1)
    square = uniform(n, seed=seed + 2, low=0.5, high=4.0) * (step > 1)
    gradient = uniform(n, seed=seed + 3) * size / 2
    return uniform(n, seed=seed), gradient, mean, square, step, rate, (0.9, 0.95), eps, decay


_ONE = torch.tensor([1.0])

ADAMW = Exercise(
    id="7.4",
    title="One step of AdamW",
    minutes=15,
    stars=3,
    reference=adamw_step,
    probes=[
        (_ONE, torch.tensor([4.0]), 0 * _ONE, 0 * _ONE, 1, 0.1, (0.9, 0.95), 1e-8, 0.0),
        (_ONE, torch.tensor([-3.0]), 2 * _ONE, 5 * _ONE, 2, 0.1, (0.9, 0.95), 1e-8, 0.5),
        (_ONE, torch.tensor([0.0]), 0 * _ONE, 0 * _ONE, 1, 0.1, (0.9, 0.95), 1e-3, 0.1),
        _probe(3, 1, 0.01, 0.1, 0.5),
        _probe(4, 7, 0.2, 0.3, 0.8),
        _probe(5, 3, 0.1, 0.05, 0.0, size=0.2),
    ],
    mistakes={
        "eps is inside the root: it is added to the root, √(fair_square) + eps.": _bent(
            "eps inside"
        ),
        "eps is missing: where the gradient is 0, so is the root, and 0 / 0 is no number.": _bent(
            "no eps"
        ),
        "The root is missing: divide by the square root of the mean square.": _bent("no root"),
        "The decay went through the gradient, which is the older Adam with L2: there the division "
        "evens it out. Shrink the parameter by itself.": _bent("l2"),
        "The decay is forgotten: multiply the parameter by 1 − learning_rate · weight_decay.": (
            _bent("no decay")
        ),
        "The decay lacks the learning rate: shrink by learning_rate · weight_decay.": _bent(
            "whole decay"
        ),
        "You shrank the parameter after the step, and the step with it: shrink the old one.": (
            _bent("after")
        ),
        "The correction of the bias is forgotten: both means start at 0 and are too small at "
        "first. Divide by 1 − βᵗ.": _bent("no correction"),
        "The correction counts steps from 0: the first step has step = 1, and divides by "
        "1 − β.": _bent("from 0"),
        "The correction is one step late: use β to the power of step, not step + 1.": _bent(
            "one late"
        ),
        "Only the mean was corrected: the mean square starts at 0 too.": _bent("mean only"),
        "Only the mean square was corrected: the mean starts at 0 too.": _bent("square only"),
        "The two betas are swapped: the first is the mean's, the second the square's.": _bent(
            "betas"
        ),
        "The new gradient has the weight 1: a running mean gives it 1 − β.": _bent("shares"),
        "You averaged the absolute gradient: the second mean is that of its square.": _bent("abs"),
        "You squared the running mean: the second mean is that of the gradient's square.": _bent(
            "mean squared"
        ),
        "You averaged a variance: the mean is not subtracted before squaring.": _bent("centred"),
        "You walked uphill: subtract the step.": _bent("uphill"),
        "The division is missing: this is momentum alone, its steps as long as the gradients.": (
            _bent("plain")
        ),
        "You returned the corrected means as those to go on with: keep mean and square as they "
        "are, or the next step corrects them again.": _bent("stored"),
    },
    alternatives={
        "lerp and addcmul": _by_lerp,
        "in place, as PyTorch's own": _by_step_size,
        "a number at a time": _by_numbers,
        "float64": lambda p, g, m, s, *rest: adamw_step(
            p.double(), g.double(), m.double(), s.double(), *rest
        ),
        "a list": lambda *args: [*adamw_step(*args)],
    },
    parts=("mean", "square", "fair_mean", "fair_square", "parameter"),
)
