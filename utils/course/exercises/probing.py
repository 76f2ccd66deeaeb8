"""What exercises share: numbers to probe with, a look at the gradient, freedom among equals."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.compare import Remark, difference, show


def uniform(*shape: int, seed: int, low: float = -2.0, high: float = 2.0) -> Tensor:
    """Numbers between low and high, rounded to one decimal so that a message can show them."""
    generator = torch.Generator().manual_seed(seed)
    return (low + (high - low) * torch.rand(*shape, generator=generator)).round(decimals=1)


def differentiable(answer: Callable[..., Any], *args: Tensor) -> Any:
    """Call an answer that the chapter will train through: its last result must have a gradient.

    Where the last member of what it returns is cut off from the arguments, a remark is added to
    the members, so that the result departs from a sound one by that, and by nothing else.
    """
    result = answer(*(arg.requires_grad_() for arg in args))
    cut_off = (
        isinstance(result, tuple | list)
        and len(result) > 0
        and isinstance(result[-1], Tensor)
        and not result[-1].requires_grad
    )
    return (*result, Remark("autograd finds no way back")) if cut_off else result


def within(low: float, high: float, hold: str) -> Callable[..., Any]:
    """How to call an answer that measures: any number from `low` to `high` is as good as another.

    One outside is told what was measured, what would be right, and `hold`, what the experiment is
    to hold still; never a cause, which a number alone can't show. What is no number is told so.

    >>> Exercise(
    ...     "7.9", "How many steps", 15, 2, reference=steps_to_half, probes=[(0,), (1,), (2,)],
    ...     call=within(80, 140, "hold the batch still, and change the rate alone."), …
    ... )
    """

    def call(answer: Callable[..., Any], *args: Any) -> Any:
        result = answer(*args)
        measured = number(result)
        if measured is None or math.isnan(measured):
            return result
        if low <= measured <= high:
            return (low + high) / 2
        return outside(measured, low, high, hold)

    return call


def outside(measured: float, low: float, high: float, hold: str) -> Remark:
    """What is said of a measurement that is not between two bounds, and is not explained."""
    return Remark(
        f"You measured {show(measured)}, and what lies between {show(low)} and {show(high)} is "
        f"right here: {hold}"
    )


def number(result: Any) -> float | None:
    """A number, or a tensor or array of one, as a float; None for anything else."""
    if isinstance(result, Tensor | np.ndarray | np.generic) and math.prod(result.shape) == 1:
        result = result.item()
    real = isinstance(result, numbers.Real) and not isinstance(result, bool)
    return float(result) if real else None


def counting(answer: Callable[..., Any], *args: Any) -> Any:
    """Call an answer that counts: a float that is a whole number stands for the number."""
    result = answer(*args)
    if isinstance(result, dict):
        return {name: _whole(count) for name, count in result.items()}
    return _whole(result)


def _whole(count: Any) -> Any:
    return int(count) if isinstance(count, float) and count.is_integer() else count


def free_among_equals(
    reference: Callable[..., Any], tokens: Callable[[Tensor], Tensor], finish: Callable[..., Any]
) -> Any:
    """How to call an answer that may keep any of equal tokens at the border.

    Where its row holds as much as the reference's, and only other ones of equal tokens, it has done
    as well, and the reference's result stands for it. `tokens` says which tokens of a result are
    kept, `finish(values, kept)` makes a whole result of them: what stands for those that are cut
    counts as well.
    """

    def call(answer: Callable[..., Any], values: Tensor, amount: float) -> Any:
        given = values.clone()
        got = answer(values, amount)
        if not isinstance(got, Tensor | np.ndarray) or got.shape != given.shape:
            return got
        result, expected = torch.as_tensor(got).to(given.dtype), reference(given, amount)
        kept, wanted = tokens(result), tokens(expected)
        as_many = torch.equal(_in_order(given, kept), _in_order(given, wanted))
        sound = difference(finish(given, kept), result) is None
        return expected if as_many and sound else got

    return call


def number_kept(wanted: Tensor, kept: Tensor) -> str | None:
    """A remark on the first row that keeps too many tokens or too few; None where there is none."""
    counts = wanted.sum(-1), kept.sum(-1)
    wrong = (counts[0] != counts[1]).nonzero()
    if wanted.shape != kept.shape or not len(wrong):
        return None
    row = tuple(wrong[0].tolist())
    n_wanted, n_kept = (int(count[row]) for count in counts)
    where = f" in row {list(row)}" if row else ""
    tokens = "1 token is" if n_kept == 1 else f"{n_kept} tokens are"
    return f"{tokens} left{where}, and {n_wanted} should be."


def _in_order(values: Tensor, kept: Tensor) -> Tensor:
    return values.masked_fill(~kept, -math.inf).sort(-1).values
