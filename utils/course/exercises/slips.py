"""Wrong answers from one function that takes its slips by name, alone and two at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import combinations
from typing import Any

Wrong = frozenset[str]
Pair = tuple[str, str]


def alone(answer: Callable[..., Any], said: Mapping[str, str]) -> dict[str, Any]:
    """The `mistakes` of an exercise: `said` names a slip and gives the sentence on it.

    The answer takes its slips as the keyword `wrong`, a set of their names.
    """
    return {said[slip]: partial(answer, wrong=frozenset([slip])) for slip in said}


def in_pairs(
    answer: Callable[..., Any], said: Mapping[str, str], apart: Iterable[str]
) -> dict[Pair, Any]:
    """The `together` of an exercise: any two slips at once.

    A line of `apart` names slips, between bars, of which nobody can make two, or cannot be seen to.
    """
    groups = [frozenset(line.split(" | ")) for line in apart]
    unknown = frozenset().union(*groups) - said.keys()
    if unknown:
        raise ValueError(f"no slip is called {sorted(unknown)[0]!r}: mend the line that names it")
    return {
        (said[a], said[b]): partial(answer, wrong=frozenset([a, b]))
        for a, b in combinations(said, 2)
        if not any({a, b} <= group for group in groups)
    }
