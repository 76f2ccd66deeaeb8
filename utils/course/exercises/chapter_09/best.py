"""Exercise 9.6: the best of n, by a verifier's score."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from utils.course.checking.exercise import Exercise
from utils.llm.reasoning import votes

Score = Callable[[Any], float]


def best_of_n(candidates: Sequence[Any], score: Score) -> Any:
    """The candidate with the highest score, the first of equal ones."""
    return votes.best_of_n(candidates, score)


def minus_distance(candidate: int) -> float:
    """A score that is never above 0: how near a number is to 10."""
    return -abs(candidate - 10.0)


def tenth(candidate: int) -> float:
    """A score whose differences are small."""
    return candidate / 10


def length(candidate: str) -> int:
    """How many characters there are."""
    return len(candidate)


def _from(start: float, candidates: Sequence[Any], score: Score) -> Any:
    best, highest = None, start
    for candidate in candidates:
        if score(candidate) > highest:
            best, highest = candidate, score(candidate)
    return best


def _last_best(candidates: Sequence[Any], score: Score) -> Any:
    return max(reversed(candidates), key=score)


def _by_argmax(candidates: Sequence[Any], score: Score) -> Any:
    return candidates[int(np.argmax([score(candidate) for candidate in candidates]))]


def _by_sorting(candidates: Sequence[Any], score: Score) -> Any:
    return sorted(candidates, key=lambda candidate: -score(candidate))[0]


def _against_the_neighbour(candidates: Sequence[Any], score: Score) -> Any:
    best = candidates[0]
    for one, other in zip(candidates, candidates[1:], strict=False):
        if score(other) > score(one):
            best = other
    return best


def _place(candidates: Sequence[Any], score: Score) -> int:
    return max(range(len(candidates)), key=lambda i: score(candidates[i]))


def _pair(candidates: Sequence[Any], score: Score) -> tuple[Any, float]:
    best = votes.best_of_n(candidates, score)
    return best, score(best)


_BELOW = (
    "Your search begins at a score of {}, and all scores may lie below (a logarithm of a chance "
    "does). Begin with the first candidate's, or with −inf."
)

BEST_OF_N = Exercise(
    id="9.6",
    title="Best of n",
    minutes=2,
    stars=1,
    reference=best_of_n,
    probes=[
        (["dd", "ccc", "b"], length),
        (["a"], length),
        (["a", "bb", "bb", "ccc"], length),
        ([3, 30], minus_distance),
        ([10, 11], minus_distance),
        ([3, 7, 9], tenth),
        ([30, 10, 20, 5], tenth),
        ([8, 12, 40], minus_distance),
        (["dd", "ccc", "aaa", "b"], length),
        ([40, 12, 30, 8, 9, 11, 5], minus_distance),
        ([-990, 999, 2000], minus_distance),
    ],
    mistakes={
        "You returned the score: return the candidate that has it.": (
            lambda candidates, score: max(map(score, candidates))
        ),
        "You returned its place: return the candidate itself.": _place,
        "You returned the candidate and its score: return the candidate alone.": _pair,
        "You returned a list of it: return the candidate itself.": (
            lambda candidates, score: [votes.best_of_n(candidates, score)]
        ),
        "This is the worst of n.": lambda candidates, score: min(candidates, key=score),
        "The largest candidate won, not the one with the highest score: give max the "
        "key.": lambda candidates, score: max(candidates),
        "Of equal scores the first should win, and yours is the last.": _last_best,
        _BELOW.format("0"): partial(_from, 0.0),
        _BELOW.format("−1"): partial(_from, -1.0),
        _BELOW.format("−100"): partial(_from, -100.0),
        "This is the commonest, a vote: the score has no say in it.": (
            lambda candidates, score: votes.majority_vote(candidates).winners[0]
        ),
        "This is the first candidate, whatever the others' scores are.": (
            lambda candidates, score: candidates[0]
        ),
        "Each candidate is compared with its neighbour: compare it with the best so "
        "far.": _against_the_neighbour,
        "Of equal scores the larger candidate won: the first should, whatever it is.": (
            lambda candidates, score: max((score(c), c) for c in candidates)[1]
        ),
        "You returned all that have the highest score, in a list: return the first of "
        "them.": lambda candidates, score: [
            c for c in candidates if score(c) == max(map(score, candidates))
        ],
        "The scores were rounded on the way: 0.7 and 0.9 are not equal.": (
            lambda candidates, score: max(candidates, key=lambda c: round(score(c)))
        ),
        "The score that is farthest from 0 won: a score of −3 is less than one of −1.": (
            lambda candidates, score: max(candidates, key=lambda c: abs(score(c)))
        ),
    },
    together={
        (
            "You returned its place: return the candidate itself.",
            "Of equal scores the first should win, and yours is the last.",
        ): lambda candidates, score: max(
            reversed(range(len(candidates))), key=lambda i: score(candidates[i])
        ),
        (
            "You returned the score: return the candidate that has it.",
            "This is the worst of n.",
        ): lambda candidates, score: min(map(score, candidates)),
    },
    alternatives={
        "argmax": _by_argmax,
        "sorted": _by_sorting,
        "from minus infinity": partial(_from, -math.inf),
    },
)
