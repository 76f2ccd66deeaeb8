"""The first exercises of chapter 01: a line through two points, and how wrong a line is."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm import learning

# 1.1 · a line through two points


def _upright(p: Any, wrong: Wrong) -> Any:
    """What is made of two points with the same x."""
    results = {
        "infinite": (math.inf, -math.inf),
        "flat": (0.0, p[1]),
        "none": None,
        "two nones": (None, None),
        "returned": ValueError("same x"),
    }
    for slip in wrong & results.keys():
        return results[slip]
    raise ValueError("same x")


def _slope(run: float, rise: float, wrong: Wrong) -> float:
    if "not divided" in wrong:
        return rise
    if "size" in wrong:
        run, rise = abs(run), abs(rise)
    if "upside down" in wrong:
        run, rise = rise, run
    slope = rise // run if "floor" in wrong else rise / run
    slope = int(slope) if "whole" in wrong else slope
    return -slope if "crossed" in wrong else slope


def _line(p: Any, q: Any, *, wrong: Wrong = frozenset()) -> Any:
    """The line, with the slips named in `wrong`."""
    (x1, x2), (y1, y2) = (p, q) if "columns" in wrong else zip(p, q, strict=True)
    if "level raises" in wrong and y1 == y2:
        raise ValueError("same y")
    if x1 == x2 and "divides" not in wrong:
        return _upright(p, wrong)
    slope = _slope(x2 - x1, y2 - y1, wrong)
    intercepts = {
        "first y": y1,
        "second y": y2,
        "added": y1 + slope * x1,
        "mixed": y1 - slope * x2,
        "turned round": slope * x1 - y1,
        "no x": y1 - slope,
    }
    intercept = next((intercepts[slip] for slip in wrong & intercepts.keys()), y1 - slope * x1)
    return (intercept, slope) if "turned" in wrong else (slope, intercept)


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


def _second_y_first_x(p: Any, q: Any) -> tuple[float, float]:
    slope, _ = _line(p, q)
    return slope, q[1] - slope * p[0]


def _refuses_one_point_only(infinite: bool) -> Callable[[Any, Any], tuple[float, float]]:
    def line(p: Any, q: Any) -> tuple[float, float]:
        if tuple(p) == tuple(q):
            raise ValueError("same point")
        run, rise = q[0] - p[0], q[1] - p[1]
        slope = math.inf if infinite and not run else rise / run
        return slope, p[1] - slope * p[0]

    return line


_LINE_SAID = {
    "turned": "Right numbers, wrong order: slope first.",
    "floor": "You divided with //, which drops the fraction: a slope can be 1/3, so divide with /.",
    "whole": "You made a whole number of the slope: it can be 1/3. Leave it as the division gives "
    "it.",
    "upside down": "Your slope is upside down: it is the change of y divided by the change of x.",
    "not divided": "Your slope is only the change of y: divide it by the change of x.",
    "size": "Your slope has lost its sign: a line may fall. Leave the differences as they are, "
    "without abs.",
    "crossed": "Your slope has the wrong sign: take both differences in the same order, second "
    "point minus first above and below.",
    "columns": "You unpacked the points crosswise: `p` is (x1, y1) and `q` is (x2, y2), so "
    "`(x1, y1), (x2, y2) = p, q`.",
    "first y": "Your intercept is the y of the first point, which is right only where its x is 0: "
    "go back to x = 0 by subtracting slope · x.",
    "second y": "Your intercept is the y of the second point, which is right only where its x is "
    "0: go back to x = 0 by subtracting slope · x.",
    "added": "You walk away from x = 0: the intercept is y1 minus slope · x1, not plus.",
    "mixed": "Your intercept mixes the two points: the x and the y that you put in must belong to "
    "the same one.",
    "turned round": "Your intercept has the wrong sign: it is y1 − slope · x1, and you took "
    "slope · x1 − y1.",
    "no x": "Your intercept is one step back from y1, not x1 steps: subtract slope · x1.",
    "divides": "Two points with the same x make you divide by zero: look for that case first, and "
    "raise a ValueError.",
    "infinite": "No line of the form slope · x + intercept stands upright: raise a ValueError "
    "there instead of returning an infinite slope.",
    "flat": "Two points with the same x do not have a flat line: raise a ValueError there.",
    "none": "For two points with the same x you return None: raise a ValueError, which nobody can "
    "overlook.",
    "two nones": "For two points with the same x you return a pair of None: raise a ValueError, "
    "which nobody can overlook.",
    "returned": "For two points with the same x you return the ValueError: raise it, so that "
    "nobody can overlook it.",
    "level raises": "Points with the same y have a line, a level one: only the same x has none.",
}
_LINE_APART = [
    "floor | whole | upside down | not divided | size | crossed",
    "columns | first y | second y | added | mixed | turned round | no x | level raises",
    "columns | size | crossed | upside down | not divided | turned",
    "columns | infinite | flat | none | two nones | returned | divides",
    "infinite | flat | none | two nones | returned | divides",
]


def _said_of_line(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names a slope that is the right one with fewer digits, and where the line meets the axis."""
    (slope, intercept), (theirs, other) = map(float, expected), map(float, got)
    crossing = -intercept / slope if slope else math.nan
    if theirs == slope and intercept and math.isclose(other, crossing, rel_tol=1e-5):
        return (
            "That is where the line meets the x axis: the intercept is its y where x is 0, "
            "y1 − slope · x1."
        )
    if theirs != slope and theirs in [round(slope, digits) for digits in range(1, 5)]:
        return "The slope is rounded: return it as the division gives it."
    return None


LINE = Exercise(
    id="1.1",
    title="A line through two points",
    minutes=4,
    stars=1,
    reference=learning.line_through,
    probes=[
        ((2.0, 7.0), (5.0, 1.0)),
        ((1.5, -2.0), (-2.5, -5.0)),
        ((0.0, 1.0), (4.0, -2.0)),
        ((3.0, 1.0), (7.0, 8.5)),
        ((2.0, 5.0), (6.0, 5.0)),
        ((0.0, 0.5), (3.0, 1.5)),
        ((0.5, 0.25), (0.5001, 1.25)),
        # Upright: an x that is a power of two, or 0, makes the determinant 0 by every LAPACK,
        # where 3 leaves 1.7e-16 on some.
        ((2.0, 1.0), (2.0, 4.0)),
        ((0.0, 1.0), (0.0, 3.0)),
        ((2.0, 2.0), (2.0, 2.0)),
    ],
    mistakes=alone(_line, _LINE_SAID)
    | {
        "Your intercept takes the y of the second point and the x of the first: both must belong "
        "to the same one.": _second_y_first_x,
        "You raise a ValueError only where the two points are one: whenever the x is the same no "
        "line of this form goes through both.": _refuses_one_point_only(infinite=False),
        "You raise a ValueError only where the two points are one: whenever the x is the same no "
        "line of this form goes through both, and an infinite slope is no answer.": (
            _refuses_one_point_only(infinite=True)
        ),
    },
    together=in_pairs(_line, _LINE_SAID, _LINE_APART),
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
    explain=_said_of_line,
)


# 1.2 · mean squared error


def _mse(predicted: Tensor, wanted: Tensor, *, wrong: Wrong = frozenset()) -> Any:
    """The mean squared error, with the slips named in `wrong`."""
    error = predicted + wanted if "sum of both" in wrong else predicted - wanted
    error = (
        error.mean() if "too early" in wrong else error.sum() if "summed early" in wrong else error
    )
    bends = {
        "no square": lambda e: e,
        "size": torch.abs,
        "doubled": lambda e: 2 * e,
        "squares apart": lambda e: predicted.square() - wanted.square(),
    }
    bend = next((bends[slip] for slip in wrong & bends.keys()), torch.square)
    each = bend(error)
    ways = {
        "each": lambda: each,
        "sum": each.sum,
        "one less": lambda: each.sum() / (len(predicted) - 1),
        "largest": each.max,
        "middle": each.median,
    }
    loss = next((ways[slip] for slip in wrong & ways.keys()), each.mean)()
    loss = loss / 2 if "half" in wrong else loss
    return loss.sqrt() if "root" in wrong else loss


_MSE_SAID = {
    "each": "You return one number per example: take the mean.",
    "sum": "You took the sum of the squares: divide it by the number of examples.",
    "too early": "You averaged the errors before you squared, so errors above and below cancel: "
    "square each error first.",
    "summed early": "You summed the errors before you squared, so errors above and below cancel: "
    "square each error first.",
    "no square": "You averaged the errors themselves, without squaring: errors above and below "
    "cancel.",
    "size": "You averaged the sizes of the errors (that is the mean absolute error): square them "
    "instead.",
    "doubled": "You doubled each error: square it, `** 2` or times itself.",
    "squares apart": "You squared predictions and targets apart: first the difference, then the "
    "square.",
    "sum of both": "You added what was wanted to the prediction: an error is their difference.",
    "root": "You took the square root at the end (that is the RMSE): leave it out.",
    "half": "You halved the loss, as many books do to lose a 2 later: here it is the plain mean.",
    "one less": "You divide by N − 1: divide by N.",
    "largest": "That is the largest of the squared errors: take their mean.",
    "middle": "That is the middle one of the squared errors, the median: take their mean.",
}
_MSE_APART = [
    "each | sum | one less | largest | middle | too early | summed early",
    "no square | size | doubled | squares apart | root",
    "sum of both | squares apart",
    "too early | summed early | no square | size | doubled | squares apart | root",
    "each | largest | middle | root",
    "doubled | half",
]


def _mse_by_a_loop(predicted: Tensor, wanted: Tensor) -> float:
    total = 0.0
    for p, w in zip(predicted.tolist(), wanted.tolist(), strict=True):
        total += (p - w) ** 2
    return total / len(predicted)


MSE = Exercise(
    id="1.2",
    title="Mean squared error",
    minutes=2,
    stars=1,
    reference=learning.mean_squared_error,
    probes=[
        (torch.tensor([1.0, 3.0, -0.5]), torch.tensor([2.0, 1.0, 2.5])),
        (torch.tensor([4.0]), torch.tensor([1.5])),
        (torch.tensor([0.5, -1.0, 2.0]), torch.tensor([0.5, -1.0, 2.0])),
        (uniform(7, seed=1), uniform(7, seed=2)),
    ],
    mistakes=alone(_mse, _MSE_SAID)
    | {
        "You compared every prediction with every target, N · N pairs (a column less a row is a "
        "table): each prediction has its own target.": lambda p, w: (
            (p[:, None] - w).square().mean()
        ),
        "`**` binds closer than `-`, so only the target is squared: put the difference in "
        "brackets, (predicted - wanted) ** 2.": lambda p, w: (p - w**2).mean(),
        "You divided each error by what was wanted: square the plain error.": lambda p, w: (
            ((p - w) / w).square().mean()
        ),
        "That is the squared error of the first example alone: take the mean over all.": (
            lambda p, w: (p[0] - w[0]) ** 2
        ),
        "You cut each error to a whole number: leave int() out.": lambda p, w: (
            (p - w).trunc().square().mean()
        ),
        "You cut predictions and targets to whole numbers: leave int() out.": lambda p, w: (
            (p.trunc() - w.trunc()).square().mean()
        ),
        "You cut each squared error to a whole number: leave int() out.": lambda p, w: (
            (p - w).square().trunc().mean()
        ),
    },
    together=in_pairs(_mse, _MSE_SAID, _MSE_APART),
    alternatives={
        "a loop": _mse_by_a_loop,
        "numpy": lambda p, w: np.mean((p.numpy() - w.numpy()) ** 2),
        "torch's own": nn.functional.mse_loss,
        "float64": lambda p, w: (p.double() - w.double()).pow(2).mean(),
        "a dot product": lambda p, w: (p - w) @ (p - w) / len(p),
        "fractions": lambda p, w: float(
            sum(
                (Fraction(a) - Fraction(b)) ** 2
                for a, b in zip(p.tolist(), w.tolist(), strict=True)
            )
            / len(p)
        ),
    },
)
