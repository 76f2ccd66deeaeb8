"""Wrong answers from one function that has a keyword for each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations
from typing import Any

#: For each step of an answer, by its keyword, the ways to go wrong there and a sentence on each.
Steps = Mapping[str, Mapping[str, Any]]


def at_one_step(answer: Callable[..., Any], steps: Steps) -> dict[str, Callable[..., Any]]:
    """The `mistakes` of an exercise: one step goes wrong, the others are sound."""
    return {
        sentence: partial(answer, **{step: way})
        for step, ways in steps.items()
        for sentence, way in ways.items()
    }


def at_two_steps(
    answer: Callable[..., Any], steps: Steps, alone: tuple[str, ...] = ("give",)
) -> dict[tuple[str, str], Callable[..., Any]]:
    """The `together` of an exercise: two different steps go wrong.

    The steps of `alone` are left out: what is given back in another form is told by its form.
    """
    return {
        (one, other): partial(answer, **{first: way, second: another})
        for first, second in combinations([step for step in steps if step not in alone], 2)
        for one, way in steps[first].items()
        for other, another in steps[second].items()
    }
