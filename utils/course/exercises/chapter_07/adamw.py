"""Chapter 07, one step of AdamW."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_07.calls import members_like
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
        fixed = (0.9, 0.95) if wrong == "fixed betas" else given.betas
        given = given._replace(betas=fixed[::-1] if wrong == "betas" else fixed)
        if wrong in ("l2", "l2 as well"):
            given = given._replace(g=given.g + given.decay * given.p)
        raw = _means(given, wrong)
        fair = _corrected(given, wrong, *raw)
        new = _moved(given, wrong, *(raw if wrong == "raw" else fair))
        return *(fair if wrong == "stored" else raw), *fair, new

    return answer


def _means(given: Given, wrong: str) -> tuple[Tensor, Tensor]:
    _, g, old, square, _, _, betas, *_ = given
    first, second = (1 - beta for beta in betas) if wrong == "exchanged" else betas
    shares = (1.0, 1.0) if wrong == "shares" else (1 - first, 1 - second)
    mean = first * old + shares[0] * g
    squared = {"abs": g.abs(), "mean squared": mean**2, "centred": (g - old) ** 2, "unsquared": g}
    return mean, second * square + shares[1] * squared.get(wrong, g**2)


def _corrected(given: Given, wrong: str, mean: Tensor, square: Tensor) -> tuple[Tensor, Tensor]:
    step = given.step
    counts = {"no correction": 10**9, "from 0": step - 1, "one late": step + 1, "no power": 1}
    shares = [1 - beta ** counts.get(wrong, step) for beta in given.betas]
    return (
        mean if wrong == "square only" else mean / shares[0],
        square if wrong == "mean only" else square / shares[1],
    )


def _moved(given: Given, wrong: str, mean: Tensor, square: Tensor) -> Tensor:
    p, _, _, _, _, rate, _, eps, decay = given
    divisors = {
        "eps inside": (square + eps).sqrt(),
        "no root": square + eps,
        "no eps": square.sqrt(),
        "plain": torch.ones_like(square),
    }
    move = mean / divisors.get(wrong, square.sqrt() + eps)
    move = move if wrong == "no rate" else rate * move
    shrinks = {"no decay": 1.0, "l2": 1.0, "divided decay": 1.0, "whole decay": 1 - decay}
    shrink = shrinks.get(wrong, 1 - rate * decay)
    if wrong == "divided decay":
        return p - rate * (mean + decay * p) / (square.sqrt() + eps)
    if wrong == "after":
        return (p - move) * shrink
    return p * shrink + move if wrong == "uphill" else p * shrink - move


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
    n: int,
    step: int,
    rate: float,
    eps: float,
    decay: float,
    size: float = 2.0,
    betas: tuple[float, float] = (0.9, 0.95),
) -> tuple[object, ...]:
    seed = 10 * n + step
    mean = uniform(n, seed=seed + 1) * (step > 1)
    square = uniform(n, seed=seed + 2, low=0.5, high=4.0) * (step > 1)
    gradient = uniform(n, seed=seed + 3) * size / 2
    return uniform(n, seed=seed), gradient, mean, square, step, rate, betas, eps, decay


PARTS = ("mean", "square", "fair_mean", "fair_square", "parameter")
L2 = (
    "The decay went through the gradient, which is the older Adam with L2: there the division "
    "evens it out. Shrink the parameter by itself."
)


def _explain(args: tuple[object, ...], expected: Steps, got: object) -> str | None:
    """How many were returned, in which order, and whether the mean holds some of the decay."""
    wanted = f"return all five, {', '.join(PARTS[:4])} and the new parameter"
    if isinstance(got, Tensor):
        return f"You returned one tensor: {wanted}."
    if len(got) < len(PARTS):
        return f"You returned {len(got)} of five: {wanted}."
    if _any_order(expected, got):
        return f"Your parts are right, in another order: return {', '.join(PARTS)}."
    given = Given(*args)
    l2 = _bent("l2")(*args)[0]
    wrong = difference(expected[0], got[0])
    return L2 if given.decay and wrong and not difference(l2, got[0]) else None


def _any_order(expected: Steps, got: object) -> bool:
    if len(got) != len(expected):
        return False
    right = [next((i for i, g in enumerate(got) if not difference(e, g)), None) for e in expected]
    return set(right) == set(range(len(expected))) and right != sorted(right)


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
        _probe(3, 2, 0.1, 0.01, 0.1, betas=(0.8, 0.99)),
    ],
    mistakes={
        "eps is inside the root: it is added to the root, √(fair_square) + eps.": _bent(
            "eps inside"
        ),
        "eps is missing: where the gradient is 0, so is the root, and 0 / 0 is no number.": _bent(
            "no eps"
        ),
        "The root is missing: divide by the square root of the mean square.": _bent("no root"),
        L2: _bent("l2"),
        "The decay acts twice: through the gradient, as L2, and on the parameter. Leave the "
        "gradient as it is.": _bent("l2 as well"),
        "The decay was divided by the root, with the step: shrink the parameter by itself, "
        "parameter · (1 − rate · decay).": _bent("divided decay"),
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
        "You used fixed betas: take both from `betas`.": _bent("fixed betas"),
        "β and 1 − β are exchanged: the old mean keeps the share β, the new gradient gets "
        "1 − β.": _bent("exchanged"),
        "The correction lacks the power: divide by 1 − β^step, not by 1 − β at every step.": _bent(
            "no power"
        ),
        "The gradient was not squared: the second mean is that of gradient².": _bent("unsquared"),
        "The step was made from the raw means: make it from fair_mean and fair_square.": _bent(
            "raw"
        ),
        "The step lacks the learning rate: subtract learning_rate · fair_mean / (√fair_square + "
        "eps).": _bent("no rate"),
        "You returned the corrected means as those to go on with: keep mean and square as they "
        "are, or the next step corrects them again.": _bent("stored"),
    },
    alternatives={
        "lerp and addcmul": _by_lerp,
        "in place, as PyTorch's own": _by_step_size,
        "a number at a time": _by_numbers,
        "in float64 on the way": lambda p, g, m, s, *rest: tuple(
            x.to(p.dtype) for x in adamw_step(p.double(), g.double(), m.double(), s.double(), *rest)
        ),
        "a list": lambda *args: [*adamw_step(*args)],
    },
    parts=PARTS,
    explain=_explain,
    call=members_like(PARTS, 0),
)
