"""Exercise 9.9: how many votes are enough, measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import within
from utils.llm.reasoning import majority_vote, predicted_maj_at_k

ENOUGH = 0.95
TOO_FEW = (
    "Too few. A tie must count 1 / m, not as a win, and the wrong answers share the rest evenly. "
    "Hold that still and change k alone. And draw some thousand votes for each k: with a few, a "
    "lucky k passes early."
)
TOO_MANY = (
    "Too many. A tie must count 1 / m and not as a loss, and the wrong answers share the rest "
    "evenly. Hold that still and change k alone, from 1 upwards, in steps of one."
)


@cache
def _right(share: float, n_wrong: int, k: int) -> float:
    shares = {0: share} | dict.fromkeys(range(1, n_wrong + 1), (1 - share) / n_wrong)
    return predicted_maj_at_k(shares, 0, k)


@cache
def votes_needed(share: float, n_wrong: int) -> int:
    """How many must vote until the vote is right 95 times in 100: computed, not sampled."""
    low, high = 1, 128
    while low < high:
        middle = (low + high) // 2
        enough = _right(share, n_wrong, middle) >= ENOUGH
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


def _sampled(share: float, n_wrong: int, *, ties: str = "shared", votes: int = 4000) -> int:
    generator = np.random.default_rng(0)
    chances = [share] + [(1 - share) / n_wrong] * n_wrong
    for k in range(1, 200):
        counts = generator.multinomial(k, chances, size=votes)
        winners = counts == counts.max(axis=1, keepdims=True)
        ours, rivals = winners[:, 0], winners.sum(axis=1)
        credit = {"shared": ours / rivals, "won": ours, "lost": ours & (rivals == 1)}[ties]
        if credit.mean() >= ENOUGH:
            return k
    return 200


def _passes(share: float, n_wrong: int) -> int:
    return next(k for k in range(1, 200) if 1 - (1 - share) ** k >= ENOUGH)


def _one_rival(share: float, n_wrong: int) -> int:
    return _sampled(share / (share + (1 - share) / n_wrong), 1)


def _by_majority_vote(share: float, n_wrong: int) -> int:
    generator = torch.Generator().manual_seed(0)
    chances = torch.tensor([share] + [(1 - share) / n_wrong] * n_wrong)
    low, high = 1, 65
    while low < high:
        k = (low + high) // 2
        drawn = torch.multinomial(chances.expand(1500, -1), k, True, generator=generator).tolist()
        votes = [majority_vote(answers).winners for answers in drawn]
        right = sum((0 in winners) / len(winners) for winners in votes) / len(votes)
        low, high = (low, k) if right >= ENOUGH else (k + 1, high)
    return low


def _near(answer: Callable[..., Any], share: float, n_wrong: int) -> Any:
    """Any number near the exact one is as good: what chance may do to an honest experiment."""
    exact = votes_needed(share, n_wrong)
    near = within(0.91 * exact, 1.055 * exact, TOO_FEW, TOO_MANY)
    found = near(answer, share, n_wrong)
    return exact if isinstance(found, float) else found


VOTES_NEEDED = Exercise(
    id="9.9",
    title="How many votes are enough",
    minutes=10,
    stars=2,
    reference=votes_needed,
    probes=[(0.3, 9), (0.4, 9), (0.5, 4), (0.25, 19)],
    mistakes={
        TOO_FEW: partial(_sampled, ties="won"),
        TOO_MANY: partial(_sampled, ties="lost"),
        "This is pass@k: one right answer among the k is no vote. It must be the "
        "favourite.": _passes,
        "You let the right answer vote against a single wrong one. All the wrong ones are in the "
        "race, and where two of them tie with it, it counts a third.": _one_rival,
    },
    alternatives={"sampled": _sampled, "by halves, with the vote of 9.3": _by_majority_vote},
    call=_near,
    timeout=20.0,
)
