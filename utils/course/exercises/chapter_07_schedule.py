"""Chapter 07, how large a step is: the schedule, the clipping, the accumulation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from utils.course.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.optimizer import clip_by_global_norm
from utils.llm.schedule import cosine_with_warm_up

# 7.2 · warm-up and cosine


def learning_rate(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    """The rate of `step`, counted from 0: a line up to the peak, then half a cosine down."""
    return cosine_with_warm_up(step, steps, peak, warm_up, min_rate)


def _rate(
    step: int,
    steps: int,
    peak: float,
    warm_up: int,
    min_rate: float,
    *,
    first: int = 1,
    over: int = 0,
    offset: int | None = None,
    last: int = 0,
    turn: float = math.pi,
    hold: bool = True,
    straight: bool = False,
    least: str = "between",
) -> float:
    """The schedule, with a bend where a wrong turn wants one."""
    if step < warm_up:
        return peak * (step + first) / (warm_up + over)
    if hold and step >= steps:
        return min_rate
    start = warm_up if offset is None else offset
    progress = (step - start) / max(1, steps - start - last)
    share = 1 - progress if straight else 0.5 * (1 + math.cos(turn * progress))
    if least == "added":
        return min_rate + peak * share
    if least == "below":
        return max(min_rate, peak * share)
    return (0.0 if least == "forgotten" else min_rate) + (
        peak - (0.0 if least == "forgotten" else min_rate)
    ) * share


def _bent(**changes: object) -> object:
    return lambda *args: _rate(*args, **changes)


def _no_warm_up(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    return _rate(step, steps, peak, 0, min_rate)


def _warmed_from_the_least(
    step: int, steps: int, peak: float, warm_up: int, min_rate: float
) -> float:
    if step < warm_up:
        return min_rate + (peak - min_rate) * (step + 1) / warm_up
    return _rate(step, steps, peak, warm_up, min_rate)


def _by_table(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    rise = [peak * (i + 1) / warm_up for i in range(warm_up)]
    angles = np.linspace(0, np.pi, steps - warm_up + 1)
    fall = min_rate + (peak - min_rate) * (1 + np.cos(angles)) / 2
    return [*rise, *fall.tolist()][min(step, steps)]


def _by_squared_cosine(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    if step < warm_up:
        return peak / warm_up * (step + 1)
    progress = min(1.0, (step - warm_up) / (steps - warm_up))
    return min_rate + (peak - min_rate) * math.cos(math.pi / 2 * progress) ** 2


LEARNING_RATE = Exercise(
    id="7.2",
    title="Warm-up and cosine",
    minutes=10,
    stars=2,
    reference=learning_rate,
    probes=[
        (0, 6, 1.0, 2, 0.0),
        (1, 6, 1.0, 2, 0.0),
        (2, 6, 1.0, 2, 0.0),
        (4, 6, 1.0, 2, 0.0),
        (5, 6, 1.0, 2, 0.2),
        (0, 4, 0.5, 0, 0.1),
        (3, 4, 0.5, 0, 0.1),
        (6, 6, 1.0, 2, 0.2),
        (9, 6, 1.0, 2, 0.2),
        (2, 10, 0.3, 5, 0.03),
        (7, 40, 0.004, 3, 0.001),
    ],
    mistakes={
        "The warm-up is off by one: step 0 is the first step and climbs already, to peak / "
        "warm_up; at 0 it would learn nothing.": _bent(first=0),
        "The warm-up is off by one: its last step, number warm_up − 1, has reached the peak. "
        "Divide by warm_up.": _bent(over=1),
        "There is no warm-up: below step number warm_up the rate climbs in a line.": _no_warm_up,
        "The cosine counts from step 0, so there is a jump where the warm-up ends: count its "
        "progress from warm_up on.": _bent(offset=0),
        "The cosine counts from step 0, and goes on behind the end: its progress is "
        "(step − warm_up) / (steps − warm_up), and 1 at most.": _bent(offset=0, hold=False),
        "The cosine is off by one: it would reach min_rate at step number steps, one behind the "
        "last.": _bent(last=1),
        "This cosine goes down and up again: half of it is wanted, an angle from 0 to π.": _bent(
            turn=2 * math.pi
        ),
        "This is a quarter of a cosine's wave, and ends halfway: the angle goes from 0 to π.": (
            _bent(turn=math.pi / 2)
        ),
        "Beyond the end the cosine climbs again: from step number steps on, the rate stays at "
        "min_rate.": _bent(hold=False),
        "It falls in a straight line: from the peak on, half a cosine is wanted.": _bent(
            straight=True
        ),
        "min_rate was added on top, so the peak is too high: the cosine goes from peak to "
        "min_rate, a way of peak − min_rate.": _bent(least="added"),
        "The cosine was cut off at min_rate: it should arrive there only at the end.": _bent(
            least="below"
        ),
        "min_rate is forgotten: the cosine ends there, not at 0.": _bent(least="forgotten"),
        "The warm-up starts from min_rate: in this course it climbs from 0.": (
            _warmed_from_the_least
        ),
        "The angle is in degrees: math.cos wants radians, π for half a turn.": _bent(turn=180.0),
    },
    alternatives={
        "a table": _by_table,
        "a squared cosine": _by_squared_cosine,
        "torch": lambda *args: torch.tensor(_rate(*args), dtype=torch.float64),
    },
)

# 7.3 · clipping

Gradients = Sequence[Tensor]


def clip(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], Tensor]:
    """The gradients, shortened together to a norm of at most max_norm; and their norm before."""
    return clip_by_global_norm(gradients, max_norm)


def _norm(gradients: Gradients) -> Tensor:
    return torch.stack([g.norm() for g in gradients]).norm()


def _scaled(gradients: Gradients, max_norm: float, norm: Tensor) -> list[Tensor]:
    factor = (max_norm / norm).clamp(max=1.0)
    return [g * factor for g in gradients]


def _with_norm(norm: object) -> object:
    """Clip by another norm, and tell that one."""

    def answer(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], Tensor]:
        found = norm(gradients)
        return _scaled(gradients, max_norm, found), found

    return answer


def _flat(gradients: Gradients) -> Tensor:
    return torch.cat([g.flatten() for g in gradients])


def _by_torch(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], Tensor]:
    holders = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for holder, g in zip(holders, gradients, strict=True):
        holder.grad = g.clone()
    norm = torch.nn.utils.clip_grad_norm_(holders, max_norm)
    return [holder.grad for holder in holders], norm


def _by_loop(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], float]:
    norm = math.sqrt(sum(x * x for g in gradients for x in g.flatten().tolist()))
    if norm <= max_norm:
        return list(gradients), norm
    return [g * max_norm / norm for g in gradients], norm


CLIP = Exercise(
    id="7.3",
    title="Clip by the global norm",
    minutes=8,
    stars=2,
    reference=clip,
    probes=[
        ([torch.tensor([3.0]), torch.tensor([4.0])], 1.0),
        ([torch.tensor([0.3]), torch.tensor([-0.4])], 1.0),
        ([torch.tensor([0.0, 0.0])], 1.0),
        ([uniform(3, seed=1), uniform(2, 4, seed=2, low=-9.0, high=9.0)], 2.5),
        ([uniform(2, 2, seed=3), torch.tensor(5.0), uniform(1, 3, seed=4)], 0.5),
        ([uniform(4, seed=5), uniform(3, seed=6)], 100.0),
    ],
    mistakes={
        "A gradient below the limit was made longer: clip only where the norm is above "
        "max_norm.": lambda gs, most: (
            [g * most / _norm(gs).clamp(min=1e-12) for g in gs],
            _norm(gs),
        ),
        "A gradient below the limit was made longer, and one of zeros became 0 / 0: clip only "
        "where the norm is above max_norm.": lambda gs, most: (
            [g * most / _norm(gs) for g in gs],
            _norm(gs),
        ),
        "You clipped each tensor by itself, which bends the direction: one norm over all of them, "
        "one factor for all.": lambda gs, most: (
            [_scaled([g], most, g.norm())[0] for g in gs],
            _norm(gs),
        ),
        "You clipped each number by itself, which bends the direction: multiply all by one "
        "factor.": lambda gs, most: ([g.clamp(-most, most) for g in gs], _norm(gs)),
        "The norms were added: the squares of all numbers are added, and then comes the root.": (
            _with_norm(lambda gs: sum(g.norm() for g in gs))
        ),
        "The root is missing: the norm is the square root of the sum of squares.": _with_norm(
            lambda gs: _norm(gs) ** 2
        ),
        "You took the longest tensor's norm: the norm of all is the root of all squares' sum.": (
            _with_norm(lambda gs: max(g.norm() for g in gs))
        ),
        "You took the largest number for the norm: square all, sum, and take the root.": (
            _with_norm(lambda gs: _flat(gs).abs().max())
        ),
        "Absolute values were added: the norm is the root of the sum of squares.": _with_norm(
            lambda gs: _flat(gs).abs().sum()
        ),
        "This is a mean: the norm has no division by how many numbers there are.": _with_norm(
            lambda gs: _flat(gs).square().mean().sqrt()
        ),
        "The norm told is that after clipping: tell the one before, which says how often you "
        "clip.": lambda gs, most: (clip(gs, most)[0], _norm(clip(gs, most)[0])),
        "Long gradients were brought to the norm 1: bring them to max_norm.": lambda gs, most: (
            [g / _norm(gs) if _norm(gs) > most else g for g in gs],
            _norm(gs),
        ),
        "The norm was measured, but nothing was clipped: a gradient is returned as it was.": (
            lambda gs, most: (list(gs), _norm(gs))
        ),
        "A long gradient was thrown away: shorten it, its direction is still the best there is.": (
            lambda gs, most: ([g * (_norm(gs) <= most) for g in gs], _norm(gs))
        ),
        "The factor is upside down: max_norm / norm is below 1 where there is something to "
        "clip.": lambda gs, most: (
            [g * _norm(gs) / most if _norm(gs) > most else g for g in gs],
            _norm(gs),
        ),
    },
    alternatives={
        "PyTorch's own": _by_torch,
        "a loop over numbers": _by_loop,
        "flattened": lambda gs, most: (
            [g * min(1.0, most / max(_flat(gs).norm().item(), 1e-9)) for g in gs],
            _flat(gs).norm(),
        ),
        "float64": lambda gs, most: clip([g.double() for g in gs], most),
    },
    parts=("clipped", "norm"),
)

# 7.5 · accumulation


class Gradient:
    """Of the mean squared error of a line through rows (x₁ … x_C, y), for a few rows at a time."""

    __name__ = "gradient"

    def __init__(self, weights: Tensor, room: int) -> None:
        self.weights, self.room = weights, room

    def __call__(self, rows: Tensor) -> Tensor:
        """The mean over the rows, (C,). MemoryError for more of them than there is room for."""
        if len(rows) > self.room:
            raise MemoryError(f"{len(rows)} rows at once, and there is room for {self.room}")
        if not len(rows):
            raise ValueError("the mean over no rows at all")
        x, y = rows[:, :-1], rows[:, -1]
        return 2 * ((x @ self.weights - y)[:, None] * x).mean(0)

    def __repr__(self) -> str:
        return "gradient"


def accumulate(gradient: Gradient, rows: Tensor, size: int) -> Tensor:
    """The gradient of the mean over all rows, with at most `size` of them in memory at once."""
    return sum(gradient(part) * len(part) for part in rows.split(size)) / len(rows)


def _each(gradient: Gradient, rows: Tensor, size: int) -> list[Tensor]:
    return [gradient(part) for part in rows.split(size)]


def _drops_the_rest(gradient: Gradient, rows: Tensor, size: int) -> Tensor:
    return torch.stack([gradient(p) for p in rows.split(size) if len(p) == size]).mean(0)


def _by_halves(gradient: Gradient, rows: Tensor, size: int) -> Tensor:
    if len(rows) <= size:
        return gradient(rows)
    cut = len(rows) // 2
    left, right = (_by_halves(gradient, part, size) for part in (rows[:cut], rows[cut:]))
    return (cut * left + (len(rows) - cut) * right) / len(rows)


def _by_index(gradient: Gradient, rows: Tensor, size: int) -> Tensor:
    total = torch.zeros(rows.shape[1] - 1)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        total += gradient(part) * (len(part) / len(rows))
    return total


def _rows(n: int, columns: int, size: int) -> tuple[Gradient, Tensor, int]:
    seed = 100 * n + 10 * columns + size
    return Gradient(uniform(columns, seed=seed), size), uniform(n, columns + 1, seed=seed + 1), size


ACCUMULATE = Exercise(
    id="7.5",
    title="Accumulate",
    minutes=8,
    stars=2,
    reference=accumulate,
    probes=[
        (Gradient(torch.tensor([0.0]), 1), torch.tensor([[1.0, 1.0], [1.0, 3.0]]), 1),
        (Gradient(torch.tensor([1.0]), 2), torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]), 2),
        _rows(4, 2, 2),
        _rows(7, 3, 3),
        _rows(5, 2, 4),
        _rows(3, 2, 8),
    ],
    mistakes={
        "The parts were added and never divided: the mean over a batch is not the sum of its "
        "parts' means.": lambda g, rows, size: sum(_each(g, rows, size)),
        "This is the mean of the parts' means, so a row of a short last part counts for more: "
        "weigh each part by its number of rows.": lambda g, rows, size: torch.stack(
            _each(g, rows, size)
        ).mean(0),
        "Only the last part is left, as if the gradient were set to zero before each part: set it "
        "to zero once a step.": lambda g, rows, size: _each(g, rows, size)[-1],
        "Only the first part was used: go on to the end of the batch.": lambda g, rows, size: _each(
            g, rows, size
        )[0],
        "You divided by `size`: divide the weighted sum by the number of all rows.": (
            lambda g, rows, size: sum(g(p) * len(p) for p in rows.split(size)) / size
        ),
        "You divided by `size`, the rows of a part, and not by how many parts there are: weigh "
        "each part by its rows, and divide by all rows.": lambda g, rows, size: (
            sum(_each(g, rows, size)) / size
        ),
        "You divided by the number of rows, but each part is a mean already: multiply it by its "
        "number of rows first.": lambda g, rows, size: sum(_each(g, rows, size)) / len(rows),
        "The sum over the rows was not divided: the loss is a mean, and so is its gradient.": (
            lambda g, rows, size: sum(g(p) * len(p) for p in rows.split(size))
        ),
        "The last part, shorter than the others, was dropped: its rows count as well.": (
            _drops_the_rest
        ),
        "You asked for all rows at once: take at most `size` at a time, rows.split(size).": (
            lambda g, rows, size: g(rows)
        ),
        "You counted every part as a full one: the last may have fewer rows than `size`.": (
            lambda g, rows, size: sum(_each(g, rows, size)) * size / len(rows)
        ),
    },
    alternatives={
        "by halves": _by_halves,
        "slices in a loop": _by_index,
        "a row at a time": lambda g, rows, size: torch.stack([g(row[None]) for row in rows]).mean(
            0
        ),
        "float64": lambda g, rows, size: accumulate(
            Gradient(g.weights.double(), g.room), rows.double(), size
        ),
    },
)
