"""Chapter 07, accumulation: a batch in parts."""

from __future__ import annotations

import torch
from torch import Tensor

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_07.calls import result_like
from utils.course.exercises.probing import uniform

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


def _full(rows: Tensor, size: int) -> list[Tensor]:
    return [part for part in rows.split(size) if len(part) == size]


def _drops_the_rest(gradient: Gradient, rows: Tensor, size: int) -> Tensor:
    return torch.stack([gradient(part) for part in _full(rows, size)]).mean(0)


def _explain(args: tuple[object, ...], expected: Tensor, got: object) -> str | None:
    """Whether a short last part is missing, whatever the sum of the others was divided by."""
    gradient, rows, size = args
    parts = _full(rows, size)
    rest = len(rows) - size * len(parts)
    if not rest or not isinstance(got, Tensor | float | int):
        return None
    total = sum((size * gradient(part) for part in parts), torch.zeros_like(expected))
    divisors = [len(rows), size * len(parts), size * (len(parts) + 1), len(rows) * size]
    left_out = any(n and not difference(total / n, got) for n in divisors)
    return DROPPED if left_out or (not parts and not torch.as_tensor(got).any()) else None


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


DROPPED = "The last part, shorter than the others, was dropped: its rows count as well."

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
        DROPPED: _drops_the_rest,
        "You weighed each part by its numbers, `numel`: a row holds several. Weigh by its rows, "
        "len(part).": lambda g, rows, size: (
            sum(g(p) * p.numel() for p in rows.split(size)) / len(rows)
        ),
        "`chunk(size)` cuts into that many parts: `split(size)` cuts into parts of that many "
        "rows.": lambda g, rows, size: sum(g(p) * len(p) for p in rows.chunk(size)) / len(rows),
        "`chunk(size)` cuts into that many parts, and they were not weighed: `split(size)` cuts "
        "into parts of that many rows.": lambda g, rows, size: (
            sum(g(p) for p in rows.chunk(size)) / len(rows.chunk(size))
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
        "in float64 on the way": lambda g, rows, size: (
            sum(g(p).double() * len(p) for p in rows.split(size)) / len(rows)
        ).to(rows.dtype),
    },
    explain=_explain,
    call=result_like(accumulate, 1),
)
