"""Exercise 9.9: how many votes are enough, measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from utils.course.checking.compare import show
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import number
from utils.llm.reasoning import majority_vote, predicted_maj_at_k

ENOUGH = 0.95
TIE_WON = (
    "That is how many it takes where a tie counts as a win: a tie of m counts 1 / m, since only "
    "one of the m is right."
)
TIE_LOST = (
    "That is how many it takes where a tie counts as a loss: a tie of m counts 1 / m, since one of "
    "the m is right."
)
ONE_IN_TEN = "That is how many it takes to be right 90 times in 100: 95 are asked for."
TOO_FEW = (
    "Too few: the right answer wins too easily in yours (it has the chance `share` against "
    "`n_wrong` others, and a tie of m counts 1 / m), or you ask for less than 0.95, or hold so few "
    "votes for each k that luck gets there first: hold some thousand."
)
TOO_MANY = (
    "Too many: the right answer wins too seldom in yours (the `n_wrong` others have 1 − `share` "
    "together, equally likely each, and a tie of m counts 1 / m), or you ask for more than 0.95, "
    "or your k leaves some out: it grows from 1 in steps of one."
)
NEVER = (
    "Nothing came back: in your vote no k got to 0.95, or the `return` is missing. The right "
    "answer has the chance `share`, each of the `n_wrong` others (1 − share) / n_wrong, and the "
    "most votes win, however few they are."
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


def _sampled(
    share: float, n_wrong: int, *, ties: str = "shared", enough: float = ENOUGH, votes: int = 4000
) -> int:
    generator = np.random.default_rng(0)
    chances = [share] + [(1 - share) / n_wrong] * n_wrong
    for k in range(1, 200):
        counts = generator.multinomial(k, chances, size=votes)
        winners = counts == counts.max(axis=1, keepdims=True)
        ours, rivals = winners[:, 0], winners.sum(axis=1)
        credit = {"shared": ours / rivals, "won": ours, "lost": ours & (rivals == 1)}[ties]
        if credit.mean() >= enough:
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
    """The exact number for any near it: what chance may do to an honest experiment."""
    result = answer(share, n_wrong)
    measured, exact = number(result), votes_needed(share, n_wrong)
    if measured is None or math.isnan(measured):
        return result
    low, high = _bounds(exact)
    return float(exact) if low <= measured <= high else measured


def _bounds(exact: float) -> tuple[float, float]:
    return 0.91 * exact, 1.055 * exact


def _said(args: tuple[Any, ...], expected: float, got: float) -> str:
    if 0 <= got <= 1:
        return f"You returned {show(got)}, a share: return k, how many must vote."
    low, high = _bounds(expected)
    right = f"{math.ceil(low)} to {math.floor(high)} are right here"
    return f"You measured {show(got)}, and {right}. {TOO_FEW if got < low else TOO_MANY}"


def _said_of_form(args: tuple[Any, ...], expected: float, got: Any) -> str | None:
    return NEVER if got is None else None


VOTES_NEEDED = Exercise(
    id="9.9",
    title="How many votes are enough",
    minutes=10,
    stars=2,
    reference=votes_needed,
    probes=[(0.3, 9), (0.4, 9), (0.5, 4), (0.25, 19)],
    mistakes={
        TIE_WON: partial(_sampled, ties="won"),
        TIE_LOST: partial(_sampled, ties="lost"),
        ONE_IN_TEN: partial(_sampled, enough=0.9),
        "Nine wrong answers share the rest, whatever `n_wrong` says: that is how many it takes "
        "against nine.": lambda share, n_wrong: _sampled(share, 9),
        "Your k doubles, and the first that gets to 0.95 may lie between: let it grow in steps of "
        "one.": lambda share, n_wrong: 1 << (votes_needed(share, n_wrong) - 1).bit_length(),
        "You return 18 whatever you are asked: that is for a share of 0.5 and four wrong "
        "answers.": lambda share, n_wrong: 18,
        "This is pass@k: one right answer among the k is no vote. It must be the "
        "favourite.": _passes,
        "You let the right answer vote against a single wrong one. All the wrong ones are in the "
        "race, and where two of them tie with it, it counts a third.": _one_rival,
    },
    alternatives={"sampled": _sampled, "by halves, with the vote of 9.3": _by_majority_vote},
    call=_near,
    explain=_said,
    explain_form=_said_of_form,
    rtol=0.035,
    atol=0.7,
    timeout=20.0,
)
