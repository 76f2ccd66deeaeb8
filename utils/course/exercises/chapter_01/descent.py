"""The middle of chapter 01: the gradient of a line's loss by hand, and the way down it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm import learning

# 1.3 · the gradient by hand


def _error(slope: float, intercept: float, x: Tensor, y: Tensor, wrong: Wrong) -> Tensor:
    if "no y" in wrong:
        return slope * x + intercept
    error = slope * x - y if "no intercept" in wrong else slope * x + intercept - y
    if "squared" in wrong:
        error = error.square()
    if "size" in wrong:
        error = error.abs()
    return -error if "flipped" in wrong else error


def _by_slope(error: Tensor, x: Tensor, y: Tensor, wrong: Wrong) -> Tensor:
    inner = {"no x": x**0, "y for x": y, "x squared": x.square()}
    factor = next((inner[slip] for slip in wrong & inner.keys()), x)
    if "apart" in wrong:
        return error.mean() * factor.mean()
    each = error * factor
    if "each" in wrong:
        return each
    return each.sum() if wrong & {"sums", "slope sum"} else each.mean()


def _by_intercept(error: Tensor, x: Tensor, wrong: Wrong) -> Tensor:
    each = error * x if "x too many" in wrong else error
    if "each" in wrong:
        return each
    return each.sum() if wrong & {"sums", "intercept sum"} else each.mean()


def _gradient(
    slope: float, intercept: float, x: Tensor, y: Tensor, *, wrong: Wrong = frozenset()
) -> tuple[Tensor, Tensor]:
    """The gradient, with the slips named in `wrong`."""
    error = _error(slope, intercept, x, y, wrong)
    by_slope, by_intercept = _by_slope(error, x, y, wrong), _by_intercept(error, x, wrong)
    by_slope = by_slope if wrong & {"no 2", "no 2 in slope"} else 2 * by_slope
    by_intercept = by_intercept if wrong & {"no 2", "no 2 in intercept"} else 2 * by_intercept
    by_slope = -by_slope if "slope flipped" in wrong else by_slope
    by_intercept = -by_intercept if "intercept flipped" in wrong else by_intercept
    return (by_intercept, by_slope) if "crossed" in wrong else (by_slope, by_intercept)


_GRADIENT_SAID = {
    "each": "You return one number per example: take the mean.",
    "no 2": "The 2 is lost: the derivative of error² is 2 · error.",
    "no 2 in slope": "The derivative by the slope lacks the 2 that the other has: the derivative "
    "of error² is 2 · error, and both are made of it.",
    "no 2 in intercept": "The derivative by the intercept lacks the 2 that the other has: the "
    "derivative of error² is 2 · error, and both are made of it.",
    "flipped": "Every sign is flipped: the error is prediction minus y, not y minus prediction.",
    "slope flipped": "The derivative by the slope has the wrong sign: a nudge of the slope moves "
    "the prediction by + x.",
    "intercept flipped": "The derivative by the intercept has the wrong sign: a nudge of the "
    "intercept moves the prediction by + 1.",
    "sums": "You summed over the examples: the loss is a mean, and so is its gradient.",
    "slope sum": "The derivative by the slope is still a sum: average it too.",
    "intercept sum": "The derivative by the intercept is still a sum: average it too.",
    "no x": "The derivative by the slope lacks its inner factor: a nudge of the slope moves the "
    "prediction x times as much, so multiply each error by its x.",
    "y for x": "The derivative by the slope has y where x belongs: a nudge of the slope moves the "
    "prediction x times as much.",
    "x squared": "The derivative by the slope has a factor x too many: each error is multiplied by "
    "its x once.",
    "apart": "You averaged the errors and the x apart: multiply each error by its own x, then "
    "average.",
    "crossed": "The two derivatives are right but in the wrong order: slope first, then intercept.",
    "x too many": "The derivative by the intercept has a factor x too many: a nudge of the "
    "intercept moves every prediction by the same amount.",
    "no y": "You took the prediction for the error: subtract y from it.",
    "no intercept": "Your prediction lacks the intercept: it is slope · x + intercept.",
    "squared": "You left the errors squared: the derivative of error² is 2 · error.",
    "size": "You took the sizes of the errors: they keep their sign, which says which way to go.",
}
_GRADIENT_APART = [
    "each | sums | slope sum | intercept sum | apart",
    "no 2 | no 2 in slope | no 2 in intercept",
    "flipped | slope flipped | intercept flipped | size",
    "no x | y for x | x squared | apart | x too many | crossed",
    "no y | no intercept | squared | size",
    "no y | flipped",
]


def _said_of_gradient(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names the slope of the loss measured over a step in one direction."""
    (right, rest), (theirs, other) = map(float, expected), map(float, got)
    step, bend = other - rest, float(args[2].square().mean())
    if abs(step) > 1e-3 and math.isclose(theirs - right, step * bend, rel_tol=0.02):
        return (
            f"You measured the loss over a step of {step:.2g}, on one side, and it bends on the "
            "way: the derivative is 2 · error · x, and 2 · error, on average."
        )
    return None


def _gradient_by_autograd(
    slope: float, intercept: float, x: Tensor, y: Tensor
) -> tuple[Tensor, ...]:
    point = torch.tensor([slope, intercept], requires_grad=True)
    (gradient,) = torch.autograd.grad((point[0] * x + point[1] - y).square().mean(), point)
    return tuple(gradient)


def _gradient_by_a_loop(
    slope: float, intercept: float, x: Tensor, y: Tensor
) -> tuple[float, float]:
    by_slope = by_intercept = 0.0
    for xi, yi in zip(x.tolist(), y.tolist(), strict=True):
        error = slope * xi + intercept - yi
        by_slope += 2 * error * xi / len(x)
        by_intercept += 2 * error / len(x)
    return by_slope, by_intercept


def _from_error(build: Any) -> Any:
    """A gradient built from the errors and x."""
    return lambda slope, intercept, x, y: build(slope * x + intercept - y, x)


GRADIENT = Exercise(
    id="1.3",
    title="The gradient by hand",
    minutes=7,
    stars=2,
    reference=learning.line_gradient,
    probes=[
        (2.0, 1.0, torch.tensor([1.0, 3.0, -2.0]), torch.tensor([2.0, 9.0, 1.0])),
        (1.5, -1.0, torch.tensor([4.0]), torch.tensor([2.0])),
        (-0.5, 2.0, uniform(4, seed=3), uniform(4, seed=4)),
        (1.5, -1.0, uniform(7, seed=5), uniform(7, seed=6)),
    ],
    mistakes=alone(_gradient, _GRADIENT_SAID)
    | {
        "Your prediction adds the intercept to x before the slope multiplies: it is slope · x + "
        "intercept.": lambda slope, intercept, x, y: learning.line_gradient(
            slope, slope * intercept, x, y
        ),
        "The derivative by the slope has the slope where x belongs: a nudge of the slope moves the "
        "prediction x times as much.": lambda slope, intercept, x, y: (
            2 * slope * (slope * x + intercept - y).mean(),
            learning.line_gradient(slope, intercept, x, y)[1],
        ),
        "The derivative by the intercept has the intercept in it: a nudge of it moves the "
        "prediction by the same amount, whatever the intercept is.": (
            lambda slope, intercept, x, y: (
                learning.line_gradient(slope, intercept, x, y)[0],
                2 * intercept * (slope * x + intercept - y).mean(),
            )
        ),
    },
    together=in_pairs(_gradient, _GRADIENT_SAID, _GRADIENT_APART),
    alternatives={
        "autograd": _gradient_by_autograd,
        "a loop": _gradient_by_a_loop,
        "matrices": _from_error(lambda e, x: tuple(2 / len(x) * torch.stack([x, x**0]) @ e)),
        "float64": _from_error(lambda e, x: (2 * (e.double() * x).mean(), 2 * e.double().mean())),
    },
    parts=("derivative by the slope", "derivative by the intercept"),
    explain=_said_of_gradient,
)


# 1.4 · descent


def _walk(
    slope: float,
    intercept: float,
    x: Tensor,
    y: Tensor,
    learning_rate: float,
    n_steps: int,
    wrong: Wrong,
) -> list[tuple[float, float]]:
    """The points of the path, with the slips that change where it leads."""
    point, path = torch.tensor([slope, intercept]), [(slope, intercept)]
    used = torch.zeros(2)
    for step in range(n_steps + ("one too many" in wrong) - ("one too few" in wrong)):
        gradient = torch.stack(learning.line_gradient(*point, x, y))
        if "no 2" in wrong:
            gradient = gradient / 2
        if "sum" in wrong:
            gradient = gradient * len(x)
        if "stale" in wrong and step:
            gradient = used
        if "all at once" in wrong:
            gradient = used + gradient
        used = gradient
        if "equal" in wrong:
            gradient = gradient / gradient.norm()
        moves = (0, 1) if "slope first" in wrong else (1, 0)
        rate = 1.0 if "no rate" in wrong else learning_rate
        rate = -rate if "uphill" in wrong else rate
        step_by = rate * gradient
        if wrong & {"slope first", "intercept first"}:
            moved = point.clone()
            moved[moves[0]] -= step_by[moves[0]]
            step_by = rate * torch.stack(learning.line_gradient(*moved, x, y))
            moved[moves[1]] -= step_by[moves[1]]
            step_by = point - moved
        if "slope only" in wrong:
            step_by = step_by * torch.tensor([1.0, 0.0])
        if "intercept only" in wrong:
            step_by = step_by * torch.tensor([0.0, 1.0])
        point = point - step_by
        path.append(tuple(point.tolist()))
    return path


def _descend(
    slope: float,
    intercept: float,
    x: Tensor,
    y: Tensor,
    learning_rate: float,
    n_steps: int,
    *,
    wrong: Wrong = frozenset(),
) -> Any:
    """Descent, with the slips named in `wrong`: in the walk, or in what was kept of it."""
    path = _walk(slope, intercept, x, y, learning_rate, n_steps, wrong)
    kept = {
        "no start": path[1:],
        "no end": path[:-1],
        "start twice": [*path[:1], *path[:-1]] if n_steps else path,
        "one for all": path[-1:] * len(path),
        "one for all later": path[:1] + path[-1:] * (len(path) - 1),
        "crossed": [(b, a) for a, b in path],
    }
    rows = next((kept[slip] for slip in wrong & kept.keys()), path)
    if "last" in wrong:
        return torch.tensor(rows[-1])
    if "list" in wrong:
        return rows
    tensor = torch.tensor(rows).reshape(-1, 2)  # (points, 2), also where there are none
    return tensor.T if "turned" in wrong else tensor


_NO_START = "The start is missing: the path has n_steps + 1 points, the first where you began."
_TOO_SOON = "The walk ends before n_steps steps: take all of them, however small they become."
_ELSEWHERE = "Your path begins elsewhere: its first row is the start that is given, as it is."
_DESCENT_SAID = {
    "uphill": "You walk uphill: the gradient points where the loss grows, so subtract it.",
    "slope first": "You moved the slope before you computed the derivative by the intercept: take "
    "both derivatives at the old point, then move both.",
    "intercept first": "You moved the intercept before you computed the derivative by the slope: "
    "take both derivatives at the old point, then move both.",
    "stale": "You computed the gradient once and kept walking in that direction: compute it anew "
    "at every step.",
    "no rate": "The learning rate does nothing: multiply the gradient by it before you subtract.",
    "no start": _NO_START,
    "no end": "The last point is missing: each step ends with an append, after both numbers have "
    "moved.",
    "start twice": "The start stands twice and the last point not at all: move first, then append.",
    "one too many": "One step too many: take n_steps of them, which with the start makes "
    "n_steps + 1 points.",
    "one too few": "One step too few: take n_steps of them, which with the start makes "
    "n_steps + 1 points.",
    "slope only": "Only the slope moves: the intercept has a derivative too, and takes its own "
    "step.",
    "intercept only": "Only the intercept moves: the slope has a derivative too, and takes its own "
    "step.",
    "no 2": "Your steps are half as long as they should be: the derivative of error² is 2 · error. "
    "Call your line_gradient.",
    "sum": "Your gradient is a sum over the examples: the loss is a mean, and so is its gradient. "
    "Call your line_gradient.",
    "equal": "You made all steps equally long: multiply by the gradient as it is.",
    "all at once": "`backward` adds to `.grad`: reset it at every step.",
    "one for all later": "From the second step on, `slope -= …` changes the very tensor that "
    "already lies in `path`: write `slope = slope - …`, or append `float(slope)`.",
    "one for all": "All points of your path are the last one: you stored one tensor many times and "
    "changed it in place. Make a new one each step, or store a clone().",
    "turned": "Your path is turned: one row a point, columns slope and intercept.",
    "crossed": "Your columns are in the wrong order: slope first, then intercept.",
    "last": "You returned only the last point: return the whole path, one row a point.",
    "list": "The path is right, but it is a list: make a tensor of it, torch.tensor(path).",
}


def _with_gradient(change: Any) -> Any:
    """Descent along what `change(gradient, x, y, step, point)` makes of the gradient."""

    def answer(
        slope: float, intercept: float, x: Tensor, y: Tensor, learning_rate: float, n_steps: int
    ) -> Tensor:
        point, path = torch.tensor([slope, intercept]), [(slope, intercept)]
        for step in range(n_steps):
            gradient = torch.stack(learning.line_gradient(*point, x, y))
            point = point - learning_rate * change(gradient, x, y, step, point)
            path.append(tuple(point.tolist()))
        return torch.tensor(path)

    return answer


_DESCENT_BY_THEMSELVES = {
    "Your learning rate shrinks from step to step: it stays as it is given.": _with_gradient(
        lambda gradient, x, y, step, point: gradient / (step + 1)
    ),
    "Each of your steps looks at one example only: the gradient is a mean over all of them.": (
        _with_gradient(
            lambda gradient, x, y, step, point: torch.stack(
                learning.line_gradient(*point, x[step % len(x)][None], y[step % len(x)][None])
            )
        )
    ),
}
_DESCENT_APART = [
    "no start | no end | start twice | one for all | one for all later | crossed",
    "last | list | turned | no start | no end | start twice | one for all | one for all later",
    "one too many | one too few | no start | no end | start twice",
    "slope first | intercept first | stale | equal | all at once | slope only | intercept only",
    "slope first | intercept first | no 2 | sum",
    "no rate | sum | no 2 | equal",
    "slope only | intercept only | crossed",
    "last | one for all | one for all later | one too few | no end",
]


def _said_of_path(args: tuple[Any, ...], expected: Tensor, got: Any) -> str | None:
    """Names a path without its start, however long, one that ends early, and one from elsewhere."""
    if not torch.as_tensor(got).is_floating_point():  # what it begins with is cut, not chosen
        return None
    rows = torch.as_tensor(got).float()
    n = len(expected) - 1
    if rows.ndim != 2 or rows.shape[1] != 2 or not len(rows):
        return None
    if n and len(rows) in (n, n + 1) and torch.allclose(rows[:n], expected[1:], 1e-4):
        return _NO_START
    if len(rows) <= n and torch.allclose(rows, expected[: len(rows)], 1e-4):
        return f"{_TOO_SOON} (Yours end after {len(rows) - 1}.)"
    begun, one_for_all = torch.tensor(args[:2]), (rows == rows[-1]).all()
    starts = [rows[0], rows[0].flip(0), rows[:, 0][:2]]  # as it is, crossed, turned
    known = any(torch.allclose(start, begun, 1e-4) for start in starts if len(start) == 2)
    return None if known or one_for_all else _ELSEWHERE


def _descend_by_autograd(
    slope: float, intercept: float, x: Tensor, y: Tensor, learning_rate: float, n_steps: int
) -> Tensor:
    point = torch.tensor([slope, intercept], requires_grad=True)
    path = [point.detach().clone()]
    optimiser = torch.optim.SGD([point], lr=learning_rate)
    for _ in range(n_steps):
        optimiser.zero_grad()
        (point[0] * x + point[1] - y).square().mean().backward()
        optimiser.step()
        path.append(point.detach().clone())
    return torch.stack(path)


_FOUR_X, _FOUR_Y = torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.tensor([1.3, 2.7, 5.4, 6.8])

DESCENT = Exercise(
    id="1.4",
    title="Descent",
    minutes=10,
    stars=2,
    reference=learning.descend,
    probes=[
        (0.5, -1.0, torch.tensor([2.0, -1.0, 0.5]), torch.tensor([3.0, 1.0, 2.0]), 0.25, 1),
        (0.0, 0.0, _FOUR_X, _FOUR_Y, 0.1, 3),
        (-1.0, 3.0, uniform(5, seed=7), uniform(5, seed=8), 0.3, 6),
        (2.0, -1.0, _FOUR_X, _FOUR_Y, 0.1, 0),
        (2.0, 1.0, torch.tensor([1.0, 3.0]), torch.tensor([3.0, 7.0]), 0.25, 3),  # at the bottom
    ],
    mistakes=alone(_descend, _DESCENT_SAID) | _DESCENT_BY_THEMSELVES,
    together=in_pairs(_descend, _DESCENT_SAID, _DESCENT_APART),
    alternatives={
        "autograd and SGD": _descend_by_autograd,
        "plain numbers": lambda a, b, x, y, rate, n: torch.tensor(
            _walk(a, b, x, y, rate, n, frozenset())
        ),
        "float64": lambda a, b, x, y, rate, n: learning.descend(
            a, b, x.double(), y.double(), rate, n
        ),
    },
    explain=_said_of_path,
    explain_form=_said_of_path,
)
