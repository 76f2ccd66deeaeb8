"""Chapter 07, one step of AdamW."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

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


def _stepped(*arguments: Any, wrong: Wrong = frozenset()) -> Any:
    """The step, with a bend where a wrong turn wants one."""
    given = Given(*arguments)
    first, second = (0.9, 0.95) if "fixed betas" in wrong else given.betas
    betas = {"betas": (second, first), "first beta": (first, first), "second beta": (second,) * 2}
    chosen = next((betas[slip] for slip in wrong & betas.keys()), (first, second))
    given = given._replace(betas=chosen)
    if wrong & {"l2", "l2 as well"}:
        given = given._replace(g=given.g + given.decay * given.p)
    raw = _means(given, wrong)
    fair = _corrected(given, wrong, *raw)
    new = _moved(given, wrong, raw, fair)
    found = *(fair if "stored" in wrong else raw), *fair, new
    if "as the package" in wrong:
        return new, *raw
    return new if "parameter alone" in wrong else found


def _means(given: Given, wrong: Wrong) -> tuple[Tensor, Tensor]:
    _, g, old, square, _, _, betas, *_ = given
    first, second = (1 - beta for beta in betas) if "exchanged" in wrong else betas
    shares = (1.0, 1.0) if "shares" in wrong else (1 - first, 1 - second)
    mean = first * old + shares[0] * g
    squares = {"abs": g.abs(), "mean squared": mean**2, "centred": (g - old) ** 2, "unsquared": g}
    squared = next((squares[slip] for slip in wrong & squares.keys()), g**2)
    if "share squared" in wrong:
        return mean, second * square + (shares[1] * g) ** 2
    if "one mean forgotten" in wrong:
        return g, squared
    return mean, second * square + shares[1] * squared


def _corrected(given: Given, wrong: Wrong, mean: Tensor, square: Tensor) -> tuple[Tensor, Tensor]:
    step = given.step
    counts = {"no correction": 10**9, "from 0": step - 1, "one late": step + 1, "no power": 1}
    power = next((counts[slip] for slip in wrong & counts.keys()), step)
    shares = [1 - beta**power for beta in given.betas]
    if "times step" in wrong:
        shares = [1 - beta * step for beta in given.betas]
    shares = shares[::-1] if "corrections swapped" in wrong else shares
    if "power alone" in wrong:
        shares = [beta**step for beta in given.betas]
    if "corrections multiplied" in wrong:
        return mean * shares[0], square * shares[1]
    return (
        mean if "square only" in wrong else mean / shares[0],
        square if "mean only" in wrong else square / shares[1],
    )


Pair = tuple[Tensor, Tensor]


def _moved(given: Given, wrong: Wrong, raw: Pair, fair: Pair) -> Tensor:
    p, g, _, _, _, rate, _, eps, decay = given
    mean = raw[0] if wrong & {"raw", "raw mean"} else g if "gradient" in wrong else fair[0]
    square = raw[1] if wrong & {"raw", "raw square"} else fair[1]
    divisors = {
        "eps inside": (square + eps).sqrt(),
        "no root": square + eps,
        "no eps": square.sqrt(),
        "plain": torch.ones_like(square),
        "root of mean": mean.abs().sqrt() + eps,
    }
    divisor = next((divisors[slip] for slip in wrong & divisors.keys()), square.sqrt() + eps)
    move = mean * divisor if "multiplied" in wrong else mean / divisor
    move = move if "no rate" in wrong else rate * move
    shrinks = {
        "no decay": 1.0,
        "l2": 1.0,
        "whole decay": 1 - decay,
        "decay added": 1 + rate * decay,
        "shrunk to it": rate * decay,
    }
    shrink = next((shrinks[slip] for slip in wrong & shrinks.keys()), 1 - rate * decay)
    if "divided decay" in wrong:
        return p - rate * (mean + decay * p) / (square.sqrt() + eps)
    if "decay subtracted" in wrong:
        return p - rate * decay - move
    if "after" in wrong:
        return (p - move) * shrink
    if "move alone" in wrong:
        return move
    return p * shrink + move if "uphill" in wrong else p * shrink - move


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
    numbers = (x.flatten().tolist() for x in (p, g, mean, square))
    for w, each, m, s in zip(*numbers, strict=True):
        m += (1 - betas[0]) * (each - m)
        s += (1 - betas[1]) * (each * each - s)
        fair = m / (1 - betas[0] ** step), s / (1 - betas[1] ** step)
        moved = w - rate * decay * w - rate * fair[0] / (fair[1] ** 0.5 + eps)
        found.append((m, s, *fair, moved))
    return tuple(torch.tensor(part).view_as(p) for part in zip(*found, strict=True))


def _probe(
    n: int | tuple[int, int],
    step: int,
    rate: float,
    eps: float,
    decay: float,
    size: float = 2.0,
    betas: tuple[float, float] = (0.9, 0.95),
) -> tuple[object, ...]:
    shape = (n,) if isinstance(n, int) else n
    seed = 10 * shape[0] + step
    mean = uniform(*shape, seed=seed + 1) * (step > 1)
    square = uniform(*shape, seed=seed + 2, low=0.5, high=4.0) * (step > 1)
    gradient = uniform(*shape, seed=seed + 3) * size / 2
    return uniform(*shape, seed=seed), gradient, mean, square, step, rate, betas, eps, decay


PARTS = ("mean", "square", "fair_mean", "fair_square", "parameter")
L2 = (
    "The decay went through the gradient, which is the older Adam with L2: there the division "
    "evens it out. Shrink the parameter by itself."
)


def _explain(args: tuple[object, ...], expected: Steps, got: object) -> str | None:
    """Whether the parts stand in another order, or the mean holds some of the decay."""
    if _any_order(expected, got):
        return f"Your parts are right, in another order: return {', '.join(PARTS)}."
    given = Given(*args)
    l2 = _stepped(*args, wrong=frozenset(["l2"]))[0]
    wrong = difference(expected[0], got[0])
    return L2 if given.decay and wrong and not difference(l2, got[0]) else None


def _any_order(expected: Steps, got: object) -> bool:
    if len(got) != len(expected):
        return False
    right = [next((i for i, g in enumerate(got) if not difference(e, g)), None) for e in expected]
    return set(right) == set(range(len(expected))) and right != sorted(right)


_SAID = {
    "eps inside": "eps is inside the root: it is added to the root, √(fair_square) + eps.",
    "no eps": "eps is missing: where the gradient is 0, so is the root, and 0 / 0 is no number.",
    "no root": "The root is missing: divide by the square root of the mean square.",
    "l2": L2,
    "l2 as well": "The decay acts twice: through the gradient, as L2, and on the parameter. Leave "
    "the "
    "gradient as it is.",
    "divided decay": "The decay was divided by the root, with the step: shrink the parameter by "
    "itself, "
    "parameter · (1 − rate · decay).",
    "no decay": "The decay is forgotten: multiply the parameter by 1 − learning_rate · "
    "weight_decay.",
    "whole decay": "The decay lacks the learning rate: shrink by learning_rate · weight_decay.",
    "after": "You shrank the parameter after the step, and the step with it: shrink the old one.",
    "no correction": "The correction of the bias is forgotten: both means start at 0 and are too "
    "small at "
    "first. Divide by 1 − βᵗ.",
    "from 0": "The correction counts steps from 0: the first step has step = 1, and divides by "
    "1 − β.",
    "one late": "The correction is one step late: use β to the power of step, not step + 1.",
    "mean only": "Only the mean was corrected: the mean square starts at 0 too.",
    "square only": "Only the mean square was corrected: the mean starts at 0 too.",
    "betas": "The two betas are swapped: the first is the mean's, the second the square's.",
    "shares": "The new gradient has the weight 1: a running mean gives it 1 − β.",
    "abs": "You averaged the absolute gradient: the second mean is that of its square.",
    "mean squared": "You squared the running mean: the second mean is that of the gradient's "
    "square.",
    "centred": "You averaged a variance: the mean is not subtracted before squaring.",
    "uphill": "You walked uphill: subtract the step.",
    "plain": "The division is missing: this is momentum alone, its steps as long as the gradients.",
    "fixed betas": "You used fixed betas: take both from `betas`.",
    "exchanged": "β and 1 − β are exchanged: the old mean keeps the share β, the new gradient gets "
    "1 − β.",
    "no power": "The correction lacks the power: divide by 1 − β^step, not by 1 − β at every step.",
    "unsquared": "The gradient was not squared: the second mean is that of gradient².",
    "raw": "The step was made from the raw means: make it from fair_mean and fair_square.",
    "no rate": "The step lacks the learning rate: subtract learning_rate · fair_mean / "
    "(√fair_square + "
    "eps).",
    "stored": "You returned the corrected means as those to go on with: keep mean and square as "
    "they "
    "are, or the next step corrects them again.",
    "first beta": "Both means were made with the first beta: the square has the second.",
    "second beta": "Both means were made with the second beta: the mean has the first.",
    "corrections swapped": "The two corrections are swapped: the mean is divided by 1 − β₁^step, "
    "the square by 1 − β₂^step.",
    "times step": "β was multiplied by step: it is taken to its power, 1 − β^step.",
    "power alone": "You divided by β^step: divide by 1 − β^step.",
    "corrections multiplied": "You multiplied by 1 − β^step: the means are too small at first, so "
    "divide.",
    "gradient": "The step was made from the gradient itself: make it from fair_mean.",
    "raw mean": "The step was made from the raw mean: make it from fair_mean.",
    "raw square": "The step was made from the raw square: make it from fair_square.",
    "root of mean": "You divided by the root of the mean: divide by that of fair_square.",
    "multiplied": "You multiplied by √fair_square + eps: divide by it.",
    "share squared": "1 − β₂ was squared with the gradient: (1 − β₂) · gradient², the share "
    "outside.",
    "one mean forgotten": "The old means are forgotten: keep the share β of each.",
    "decay added": "The parameter grew by the decay: it shrinks, 1 − rate · decay.",
    "shrunk to it": "The parameter was multiplied by rate · decay: by 1 − rate · decay.",
    "decay subtracted": "rate · decay was subtracted from the parameter: multiply it by 1 − rate · "
    "decay, so that a large one shrinks by more.",
    "move alone": "You returned the step: return the parameter after it.",
    "as the package": "You returned the new parameter and the two means: all five are asked for, "
    "mean, square, fair_mean, fair_square and the parameter.",
    "parameter alone": "You returned the new parameter alone: all five are asked for.",
}
_OFTEN = (
    "betas",
    "first beta",
    "shares",
    "unsquared",
    "no correction",
    "from 0",
    "no power",
    "raw",
    "eps inside",
    "no root",
    "uphill",
    "no decay",
    "l2",
    "whole decay",
)
_APART = [
    "betas | first beta",
    "no correction | from 0 | no power",
    "raw | no correction",
    "eps inside | no root",
    "no decay | l2 | whole decay",
]


_ONE = torch.tensor([1.0])

ADAMW = Exercise(
    id="7.4",
    title="One step of AdamW",
    minutes=8,
    stars=2,
    reference=adamw_step,
    probes=[
        _probe(2, 3, 0.03, 0.02, 0.6),
        (_ONE, torch.tensor([4.0]), 0 * _ONE, 0 * _ONE, 1, 0.1, (0.9, 0.95), 1e-8, 0.0),
        (_ONE, torch.tensor([-3.0]), 2 * _ONE, 5 * _ONE, 2, 0.1, (0.9, 0.95), 1e-8, 0.5),
        (_ONE, torch.tensor([0.0]), 0 * _ONE, 0 * _ONE, 1, 0.1, (0.9, 0.95), 1e-3, 0.1),
        _probe(3, 1, 0.01, 0.1, 0.5),
        _probe(4, 7, 0.2, 0.3, 0.8),
        _probe(5, 3, 0.1, 0.05, 0.0, size=0.2),
        _probe(3, 2, 0.1, 0.01, 0.1, betas=(0.8, 0.99)),
        _probe((2, 3), 5, 0.05, 0.02, 0.2),
    ],
    mistakes=alone(_stepped, _SAID),
    together=in_pairs(_stepped, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
    alternatives={
        "lerp and addcmul": _by_lerp,
        "in place, as PyTorch's own": _by_step_size,
        "a number at a time": _by_numbers,
        "in float64 on the way": lambda p, g, m, s, *rest: tuple(
            x.to(p.dtype) for x in adamw_step(p.double(), g.double(), m.double(), s.double(), *rest)
        ),
        "in NumPy": lambda *args: [x.numpy() for x in adamw_step(*args)],
        "a list": lambda *args: [*adamw_step(*args)],
    },
    parts=PARTS,
    explain=_explain,
)
