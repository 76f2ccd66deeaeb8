"""Chapter 07, accumulation: a batch in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

# 7.5 · accumulation


class Gradient:
    """Of the mean squared error of a line through rows (x₁ … x_C, y), for a few rows at a time.

    With 2 · C weights, of a parabola: a gradient is as long as the weights are, not as the rows.
    """

    __name__ = "gradient"

    def __init__(self, weights: Tensor, room: int) -> None:
        self.weights, self.room = weights, room

    def __call__(self, rows: Tensor) -> Tensor:
        """The mean over the rows, as long as the weights are.

        Raises MemoryError for more rows than there is room for, and ValueError for none.
        """
        if len(rows) > self.room:
            raise MemoryError(f"{len(rows)} rows at once, and there is room for {self.room}")
        if not len(rows):
            raise ValueError("the mean over no rows at all")
        x, y = rows[:, :-1].float(), rows[:, -1]
        x = torch.cat([x, x**2], 1)[:, : len(self.weights)]
        return 2 * ((x @ self.weights - y)[:, None] * x).mean(0)

    def __repr__(self) -> str:
        return "gradient"


def accumulate(gradient: Gradient, rows: Tensor, size: int) -> Tensor:
    """The gradient of the mean over all rows, with at most `size` of them in memory at once."""
    return sum(gradient(part) * len(part) for part in rows.split(size)) / len(rows)


_PARTS: dict[str, Callable[[Tensor, int], list[Tensor]]] = {
    "dropped": lambda rows, size: [part for part in rows.split(size) if len(part) == size],
    "first": lambda rows, size: [rows[:size]],
    "last": lambda rows, size: [rows.split(size)[-1]],
    "chunk": lambda rows, size: list(rows.chunk(size)),
    "one more": lambda rows, size: list(rows.split(size + 1)),
    "at once": lambda rows, size: [rows],
    "overlapping": lambda rows, size: [rows[i : i + size] for i in range(len(rows))],
    "first twice": lambda rows, size: [rows[:size], *rows.split(size)],
    "all but the first": lambda rows, size: list(rows.split(size))[1:] or [rows],
}
_WEIGHTS: dict[str, Callable[[Tensor, int], float]] = {
    "mean of means": lambda part, size: 1,
    "unweighed": lambda part, size: 1,
    "sum of means": lambda part, size: 1,
    "means by size": lambda part, size: 1,
    "full weight": lambda part, size: size,
    "numel": lambda part, size: part.numel(),
    "halved": lambda part, size: 1 / len(part),
}
_DIVISORS: dict[str, Callable[[Tensor, list[Tensor], int], float]] = {
    "mean of means": lambda rows, parts, size: len(parts),
    "sum of means": lambda rows, parts, size: 1,
    "means by size": lambda rows, parts, size: size,
    "by size": lambda rows, parts, size: size,
    "by parts": lambda rows, parts, size: len(parts),
    "undivided": lambda rows, parts, size: 1,
    "whole parts": lambda rows, parts, size: max(1, len(rows) // size),
    "one row too few": lambda rows, parts, size: max(1, len(rows) - 1),
}


def _accumulate(
    gradient: Gradient, rows: Tensor, size: int, *, wrong: Wrong = frozenset()
) -> Tensor:
    """The gradient, with a bend where a wrong turn wants one."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Any:
        return next((slips[slip] for slip in wrong & slips.keys()), usual)

    parts = chosen(_PARTS, lambda rows, size: rows.split(size))(rows, size)
    weight = chosen(_WEIGHTS, lambda part, size: len(part))
    total = torch.zeros_like(gradient.weights)
    for part in parts:
        total = total + gradient(part) * weight(part, size)
    counted = rows if wrong.isdisjoint({"first", "last"}) else parts[0]
    return total / chosen(_DIVISORS, lambda rows, parts, size: len(counted))(rows, parts, size)


def _halving(gradient: Gradient, rows: Tensor, size: int) -> Tensor:
    first, *others = map(gradient, rows.split(size))
    for other in others:
        first = (first + other) / 2
    return first


def _first_unweighed(gradient: Gradient, rows: Tensor, size: int) -> Tensor:
    first, *others = rows.split(size)
    return gradient(first) + sum(gradient(part) * len(part) / len(rows) for part in others)


_SAID = {
    "dropped": "The last part, shorter than the others, was dropped: its rows count as well.",
    "first": "Only the first part was used: go on to the end of the batch.",
    "last": "Only the last part is left, as if the gradient were set to zero before each part: set "
    "it to zero once a step.",
    "chunk": "`chunk(size)` cuts into that many parts: `split(size)` cuts into parts of that many "
    "rows.",
    "one more": "Your parts have a row more than there is room for: `size` rows at most.",
    "at once": "You asked for all rows at once: take at most `size` at a time, rows.split(size).",
    "overlapping": "Your parts overlap, so most rows count more than once: step on by `size`.",
    "first twice": "The first part counts twice: each row once.",
    "all but the first": "The first part is missing: begin at row 0.",
    "mean of means": "This is the mean of the parts' means, so a row of a short last part counts "
    "for more: weigh each part by its number of rows.",
    "unweighed": "You divided by the number of rows, but each part is a mean already: multiply it "
    "by its number of rows first.",
    "sum of means": "The parts were added and never divided: the mean over a batch is not the sum "
    "of its parts' means.",
    "means by size": "You divided by `size`, the rows of a part, and not by how many parts there "
    "are: weigh each part by its rows, and divide by all rows.",
    "full weight": "You counted every part as a full one: the last may have fewer rows than "
    "`size`.",
    "numel": "You weighed each part by its numbers, `numel`: a row holds several. Weigh by its "
    "rows, len(part).",
    "halved": "You divided each part by its number of rows, and it is a mean already: multiply.",
    "by size": "You divided by `size`: divide the weighted sum by the number of all rows.",
    "by parts": "You divided the weighted sum by the number of parts: divide by that of all rows.",
    "undivided": "The sum over the rows was not divided: the loss is a mean, and so is its "
    "gradient.",
    "whole parts": "You divided by the number of whole parts: divide the weighted sum by the "
    "number of all rows.",
    "one row too few": "You divided by one row too few: by the number of all rows.",
}
DROPPED = _SAID["dropped"]
_APART = [
    "dropped | first | chunk",
    "mean of means | unweighed | sum of means | means by size | full weight | numel",
    "mean of means | sum of means | means by size | by size | by parts | undivided",
    "first | mean of means | full weight | numel | by size | by parts",
    "first | unweighed | sum of means | means by size | undivided",
    "dropped | full weight | by size",
    "unweighed | by size | by parts",
]
_OFTEN = (
    "dropped",
    "first",
    "chunk",
    "mean of means",
    "unweighed",
    "sum of means",
    "means by size",
    "full weight",
    "numel",
    "by size",
    "by parts",
    "undivided",
)


def _explain(args: tuple[object, ...], expected: Tensor, got: object) -> str | None:
    """Whether a short last part is missing, whatever the sum of the others was divided by."""
    gradient, rows, size = args
    parts = _PARTS["dropped"](rows, size)
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
    total = 0
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
    minutes=6,
    stars=2,
    reference=accumulate,
    probes=[
        _rows(5, 2, 2),
        (Gradient(torch.tensor([0.7]), 2), torch.tensor([[1.0, 0.3], [2.0, 0.1], [3.0, 0.4]]), 2),
        _rows(2, 1, 1),
        _rows(4, 2, 2),
        _rows(7, 3, 3),
        _rows(5, 2, 4),
        _rows(3, 2, 8),
        (Gradient(uniform(4, seed=75), 2), torch.tensor([[1, 2, 0], [0, 1, 3], [2, 0, 1]]), 2),
    ],
    mistakes=alone(_accumulate, _SAID)
    | {
        "You divided by the number of parts times `size`, which counts rows that the last part "
        "lacks: by the number of all rows.": lambda g, rows, size: (
            sum(g(part) * len(part) for part in rows.split(size)) / (len(rows.split(size)) * size)
        ),
        "You halved the mean so far and the new part's each time, so the last part counts as much "
        "as all before it: weigh each part by its rows.": _halving,
        "The first part's gradient went in unweighed: it is a mean of its rows like the others, so "
        "begin at 0.": _first_unweighed,
    },
    together=in_pairs(_accumulate, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
    alternatives={
        "by halves": _by_halves,
        "slices in a loop": _by_index,
        "a row at a time": lambda g, rows, size: torch.stack([g(row[None]) for row in rows]).mean(
            0
        ),
        "in float64 on the way": lambda g, rows, size: (
            sum(g(p).double() * len(p) for p in rows.split(size)) / len(rows)
        ).float(),
    },
    explain=_explain,
)
