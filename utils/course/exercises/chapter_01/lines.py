"""The first exercises of chapter 01, on lines: elimination, loss, gradient, descent."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm import learning

# 1.1 · a line through two points


def _line(p: Any, q: Any, *, wrong: str = "") -> tuple[float, float]:
    """The line, or one of its wrong turns."""
    (x1, y1), (x2, y2) = p, q
    if x1 == x2 and wrong not in ("divides", "infinite", "flat"):
        raise ValueError("same x")
    if wrong == "infinite" and x1 == x2:
        return math.inf, -math.inf
    if wrong == "flat" and x1 == x2:
        return 0.0, y1
    slope = (x2 - x1) / (y2 - y1) if wrong == "upside down" else (y2 - y1) / (x2 - x1)
    slope = {"crossed": -slope, "floor": (y2 - y1) // (x2 - x1)}.get(wrong, slope)
    if wrong == "turned":
        return y1 - slope * x1, slope
    starts = {"first y": y1, "added": y1 + slope * x1, "mixed": y1 - slope * x2}
    return slope, starts.get(wrong, y1 - slope * x1)


def _line_by_solving(singular: Callable[[Tensor], Any]) -> Any:
    """An answer by a linear solver, which leaves out the systems that `singular` names."""

    def answer(p: Any, q: Any) -> tuple[float, float]:
        system = torch.tensor([[p[0], 1.0], [q[0], 1.0]], dtype=torch.float64)
        if singular(system):
            raise ValueError("same x")
        slope, intercept = torch.linalg.solve(system, torch.tensor([p[1], q[1]]).double())
        return slope.item(), intercept.item()

    return answer


def _line_by_a_solver_that_fails(p: Any, q: Any) -> tuple[float, float]:
    try:
        return _line_by_solving(lambda system: False)(p, q)
    except RuntimeError as error:
        raise ValueError("same x") from error


LINE = Exercise(
    id="1.1",
    title="A line through two points",
    minutes=5,
    stars=1,
    reference=learning.line_through,
    probes=[
        ((1.0, 3.0), (2.0, 5.0)),
        ((3.0, 7.0), (1.0, 3.0)),
        ((-2.0, 7.5), (3.0, -2.5)),
        ((2.0, 5.0), (6.0, 5.0)),
        ((0.0, 0.0), (3.0, 1.0)),
        ((0.0, 1.0), (4.0, -2.0)),
        ((0.0, 0.0), (0.0001, 1.0)),
        # Upright: an x that is a power of two, or 0, makes the determinant 0 by every LAPACK,
        # where 3 leaves 1.7e-16 on some.
        ((2.0, 1.0), (2.0, 4.0)),
        ((0.0, 1.0), (0.0, 3.0)),
        ((2.0, 2.0), (2.0, 2.0)),
    ],
    mistakes={
        "Right numbers, wrong order: slope first.": partial(_line, wrong="turned"),
        "You divided with //, which drops the fraction: a slope can be 1/3, so divide with /.": (
            partial(_line, wrong="floor")
        ),
        "Your slope is upside down: it is the change of y divided by the change of x.": partial(
            _line, wrong="upside down"
        ),
        "Your slope has the wrong sign: take both differences in the same order, second point "
        "minus first above and below.": partial(_line, wrong="crossed"),
        "Your intercept is the y of the first point, which is right only where its x is 0: go "
        "back to x = 0 by subtracting slope · x.": partial(_line, wrong="first y"),
        "You walk away from x = 0: the intercept is y1 minus slope · x1, not plus.": partial(
            _line, wrong="added"
        ),
        "Your intercept mixes the two points: the x and the y that you put in must belong to "
        "the same one.": partial(_line, wrong="mixed"),
        "Two points with the same x make you divide by zero: look for that case first, and raise "
        "a ValueError.": partial(_line, wrong="divides"),
        "No line of the form slope · x + intercept stands upright: raise a ValueError there "
        "instead of returning an infinite slope.": partial(_line, wrong="infinite"),
        "Two points with the same x do not have a flat line: raise a ValueError there.": partial(
            _line, wrong="flat"
        ),
    },
    alternatives={
        "a linear solver": _line_by_solving(lambda system: system.det() == 0),
        "a solver and a small determinant": _line_by_solving(
            lambda system: system.det().abs() < 1e-9
        ),
        "a solver and the rank": _line_by_solving(
            lambda system: torch.linalg.matrix_rank(system) < 2
        ),
        "a solver's own failure": _line_by_a_solver_that_fails,
        "numpy's solver": lambda p, q: tuple(
            np.linalg.solve([[p[0], 1.0], [q[0], 1.0]], [p[1], q[1]])
        ),
    },
    parts=("slope", "intercept"),
)


# 1.2 · mean squared error


def _mse_by_a_loop(predicted: Tensor, wanted: Tensor) -> float:
    total = 0.0
    for p, w in zip(predicted.tolist(), wanted.tolist(), strict=True):
        total += (p - w) ** 2
    return total / len(predicted)


MSE = Exercise(
    id="1.2",
    title="Mean squared error",
    minutes=3,
    stars=1,
    reference=learning.mean_squared_error,
    probes=[
        (torch.tensor([1.0, 3.0]), torch.tensor([2.0, 1.0])),
        (torch.tensor([0.5, -1.0, 2.0]), torch.tensor([0.5, -1.0, 2.0])),
        (uniform(7, seed=1), uniform(7, seed=2)),
    ],
    mistakes={
        "You return one number per example: take the mean.": lambda p, w: (p - w).square(),
        "You took the sum of the squares: divide it by the number of examples.": (
            lambda p, w: (p - w).square().sum()
        ),
        "You averaged the errors before you squared, so errors above and below cancel: square "
        "each error first.": lambda p, w: (p - w).mean().square(),
        "You averaged the errors themselves, without squaring: errors above and below cancel.": (
            lambda p, w: (p - w).mean()
        ),
        "You averaged the sizes of the errors (that is the mean absolute error): square them "
        "instead.": lambda p, w: (p - w).abs().mean(),
        "You took the square root at the end (that is the RMSE): leave it out.": (
            lambda p, w: (p - w).square().mean().sqrt()
        ),
        "You halved the loss, as many books do to lose a 2 later: here it is the plain mean.": (
            lambda p, w: (p - w).square().mean() / 2
        ),
        "You divide by N − 1: divide by N.": lambda p, w: (p - w).square().sum() / (len(p) - 1),
    },
    alternatives={
        "a loop": _mse_by_a_loop,
        "numpy": lambda p, w: np.mean((p.numpy() - w.numpy()) ** 2),
        "torch's own": nn.functional.mse_loss,
        "float64": lambda p, w: (p.double() - w.double()).pow(2).mean(),
        "a dot product": lambda p, w: (p - w) @ (p - w) / len(p),
    },
)


# 1.3 · its gradient


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
    minutes=8,
    stars=2,
    reference=learning.line_gradient,
    probes=[
        (2.0, 1.0, torch.tensor([1.0, 3.0]), torch.tensor([2.0, 9.0])),
        (1.0, -1.0, torch.tensor([4.0]), torch.tensor([2.0])),
        (-0.5, 2.0, uniform(3, seed=3), uniform(3, seed=4)),
        (1.5, -1.0, uniform(7, seed=5), uniform(7, seed=6)),
    ],
    mistakes={
        "You return one number per example: take the mean.": _from_error(
            lambda e, x: (2 * e * x, 2 * e)
        ),
        "The 2 is lost: the derivative of error² is 2 · error.": _from_error(
            lambda e, x: ((e * x).mean(), e.mean())
        ),
        "Every sign is flipped: the error is prediction minus y, not y minus prediction.": (
            _from_error(lambda e, x: (-2 * (e * x).mean(), -2 * e.mean()))
        ),
        "You summed over the examples: the loss is a mean, and so is its gradient.": _from_error(
            lambda e, x: (2 * (e * x).sum(), 2 * e.sum())
        ),
        "The derivative by the intercept is still a sum: average it too.": _from_error(
            lambda e, x: (2 * (e * x).mean(), 2 * e.sum())
        ),
        "The derivative by the slope lacks its inner factor: a nudge of the slope moves the "
        "prediction x times as much, so multiply each error by its x.": _from_error(
            lambda e, x: (2 * e.mean(), 2 * e.mean())
        ),
        "You averaged the errors and the x apart: multiply each error by its own x, then "
        "average.": (_from_error(lambda e, x: (2 * e.mean() * x.mean(), 2 * e.mean()))),
        "The two derivatives are right but in the wrong order: slope first, then intercept.": (
            _from_error(lambda e, x: (2 * e.mean(), 2 * (e * x).mean()))
        ),
        "The derivative by the intercept has a factor x too many: a nudge of the intercept moves "
        "every prediction by the same amount.": _from_error(
            lambda e, x: (2 * (e * x).mean(), 2 * (e * x).mean())
        ),
    },
    alternatives={
        "autograd": _gradient_by_autograd,
        "a loop": _gradient_by_a_loop,
        "matrices": _from_error(lambda e, x: tuple(2 / len(x) * torch.stack([x, x**0]) @ e)),
        "float64": _from_error(lambda e, x: (2 * (e.double() * x).mean(), 2 * e.double().mean())),
    },
    parts=("derivative by the slope", "derivative by the intercept"),
)


# 1.4 · descent


def _descend(
    slope: float,
    intercept: float,
    x: Tensor,
    y: Tensor,
    learning_rate: float,
    n_steps: int,
    *,
    wrong: str = "",
) -> Tensor:
    """Descent with plain numbers, or one of its wrong turns."""
    path = [(slope, intercept)]
    by_slope, by_intercept = learning.line_gradient(slope, intercept, x, y)
    rate = {"ascent": -learning_rate, "no rate": 1.0}.get(wrong, learning_rate)
    for _ in range(n_steps + (wrong == "one too many")):
        if wrong != "stale":
            by_slope, by_intercept = learning.line_gradient(slope, intercept, x, y)
        slope = slope - rate * by_slope.item()
        if wrong == "one after the other":
            _, by_intercept = learning.line_gradient(slope, intercept, x, y)
        intercept = intercept - rate * by_intercept.item()
        path.append((slope, intercept))
    return _as_kept(path, wrong)


def _as_kept(path: list[tuple[float, float]], wrong: str) -> Tensor:
    """The path as a tensor (points, 2), or as somebody kept it who lost some of it."""
    if wrong == "last":
        return torch.tensor(path[-1])
    kept = {
        "no start": path[1:],
        "aliased": path[-1:] * len(path),
        "aliased later": path[:1] + path[-1:] * (len(path) - 1),
        "crossed": [(intercept, slope) for slope, intercept in path],
    }.get(wrong, path)
    rows = torch.tensor(kept).reshape(-1, 2)  # (points, 2), also where there are none
    return rows.T if wrong == "turned" else rows


def _descend_with(change: Any) -> Any:
    """Descent whose gradient, (2,), was changed by change(gradient, the one used before)."""

    def answer(
        slope: float, intercept: float, x: Tensor, y: Tensor, learning_rate: float, n_steps: int
    ) -> Tensor:
        path, used = [torch.tensor([slope, intercept])], torch.zeros(2)
        for _ in range(n_steps):
            used = change(torch.stack(learning.line_gradient(*path[-1], x, y)), used)
            path.append(path[-1] - learning_rate * used)
        return torch.stack(path)

    return answer


_NO_START = "The start is missing: the path has n_steps + 1 points, the first where you began."


def _said_of_path(args: tuple[Any, ...], expected: Tensor, got: Any) -> str | None:
    """Names a path without its start also where an answer without any step has another shape."""
    rows = torch.as_tensor(got)
    late = rows.shape == expected[1:].shape and torch.allclose(rows.float(), expected[1:], 1e-4)
    return _NO_START if late else None


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
    minutes=8,
    stars=2,
    reference=learning.descend,
    probes=[
        (0.0, 0.0, torch.tensor([1.0]), torch.tensor([3.0]), 0.25, 1),
        (0.0, 0.0, _FOUR_X, _FOUR_Y, 0.1, 2),
        (-1.0, 3.0, uniform(5, seed=7), uniform(5, seed=8), 0.3, 6),
        (2.0, -1.0, _FOUR_X, _FOUR_Y, 0.1, 0),
    ],
    mistakes={
        "You walk uphill: the gradient points where the loss grows, so subtract it.": partial(
            _descend, wrong="ascent"
        ),
        "You moved the slope before you computed the derivative by the intercept: take both "
        "derivatives at the old point, then move both.": partial(
            _descend, wrong="one after the other"
        ),
        "You computed the gradient once and kept walking in that direction: compute it anew at "
        "every step.": partial(_descend, wrong="stale"),
        "The learning rate does nothing: multiply the gradient by it before you subtract.": partial(
            _descend, wrong="no rate"
        ),
        _NO_START: partial(_descend, wrong="no start"),
        "One step too many: take n_steps of them, which with the start makes n_steps + 1 points.": (
            partial(_descend, wrong="one too many")
        ),
        "You made all steps equally long: multiply by the gradient as it is.": _descend_with(
            lambda gradient, used: gradient / gradient.norm()
        ),
        "`backward` adds to `.grad`: reset it at every step.": _descend_with(
            lambda gradient, used: used + gradient
        ),
        "From the second step on, `slope -= …` changes the very tensor that already lies in "
        "`path`: write `slope = slope - …`, or append `float(slope)`.": partial(
            _descend, wrong="aliased later"
        ),
        "Your path is turned: one row a point, columns slope and intercept.": partial(
            _descend, wrong="turned"
        ),
        "Your columns are in the wrong order: slope first, then intercept.": partial(
            _descend, wrong="crossed"
        ),
        "All points of your path are the last one: you stored one tensor many times and changed "
        "it in place. Make a new one each step, or store a clone().": partial(
            _descend, wrong="aliased"
        ),
        "You returned only the last point: return the whole path, one row a point.": partial(
            _descend, wrong="last"
        ),
    },
    alternatives={
        "autograd and SGD": _descend_by_autograd,
        "plain numbers": _descend,
        "float64": lambda a, b, x, y, rate, n: learning.descend(
            a, b, x.double(), y.double(), rate, n
        ),
    },
    explain=_said_of_path,
)
