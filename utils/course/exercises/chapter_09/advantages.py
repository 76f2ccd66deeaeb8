"""Exercise 9.7: how much better each answer is than the others of its group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm import reasoning

ALIKE = [0.1, 0.05, 0.07, 0.03, 0.09, 0.011]  # seven times each: sums that are rounded on the way


def group_advantages(rewards: Tensor) -> Tensor:
    """(reward − mean) / deviation within each group; 0 where a group is all alike."""
    return reasoning.group_advantages(rewards)


def _slipped(rewards: Tensor, wrong: Wrong) -> Tensor:
    axis = {} if "everyone" in wrong else {"dim": 0 if "columns" in wrong else 1, "keepdim": True}
    better = rewards if "bare" in wrong else rewards - rewards.mean(**axis)
    if "turned" in wrong:
        better = -better
    if "undivided" in wrong:
        return better
    axis = {} if "all spread" in wrong else axis
    spread = rewards.std(correction=1 if "sample" in wrong else 0, **axis)
    if "squared" in wrong:
        spread = spread.square()
    if "median" in wrong:
        better = rewards - rewards.median(dim=1, keepdim=True).values
    if "nothing" in wrong:
        return better / spread
    return torch.where(spread > 1e-6, better / spread.clamp(min=1e-6), 0.0)


SAID = {
    "everyone": "The mean is taken over all questions. Each group is compared with itself: an easy "
    "question must not make a hard one look bad.",
    "columns": "You compared the answers across questions, down the columns: a group is a row, "
    "dim=1.",
    "bare": "The baseline is missing: subtract the mean of the group, or a wrong answer never "
    "becomes less likely.",
    "all spread": "The deviation is taken over all questions: each group has its own, as it "
    "has its own mean.",
    "undivided": "The division by the deviation is missing.",
    "sample": "This divides by G − 1, as torch's std does unless told otherwise: correction=0 "
    "gives the group's own.",
    "nothing": "A group whose rewards are all alike gave 0 / 0: there is nothing to learn from it, "
    "so make its advantages 0.",
    "turned": "The sign is turned round: better than the mean is positive.",
    "squared": "You divided by the variance: the deviation is its square root.",
    "median": "You subtracted the median: the baseline is the mean of the group.",
}
APART = [
    "everyone | columns | all spread",
    "undivided | all spread",
    "undivided | bare",  # what returns its argument does
    "undivided | sample",
    "undivided | nothing",
    "undivided | squared",
    "median | bare",
    "median | everyone",
    "median | columns",
    "median | turned",
]


def _rounded(divide: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def answer(rewards: Tensor) -> Tensor:
        better = rewards - rewards.mean(dim=1, keepdim=True)
        return divide(better, better.square().mean(dim=1, keepdim=True).sqrt())

    return answer


def _by_std(divide: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def answer(rewards: Tensor) -> Tensor:
        better = rewards - rewards.mean(dim=1, keepdim=True)
        return divide(better, rewards.std(dim=1, correction=0, keepdim=True))

    return answer


def _others(rewards: Tensor) -> Tensor:
    others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    return (rewards - others) / (rewards.std(1, correction=0, keepdim=True) + 1e-6)


def _none_if_any_is_alike(rewards: Tensor) -> Tensor:
    deviation = rewards.std(1, correction=0, keepdim=True)
    if (deviation < 1e-6).any():
        return torch.zeros_like(rewards)
    return (rewards - rewards.mean(1, keepdim=True)) / deviation


def _axis_lost(rewards: Tensor) -> Tensor:
    better = rewards - rewards.mean(dim=1)
    return better / (rewards.std(dim=1, correction=0) + 1e-6)


def _explain(args: tuple[Any, ...], expected: Tensor, got: Any) -> str | None:
    """Which number was added to the deviation, where all that departs is one."""
    (rewards,) = args
    better = rewards - rewards.mean(dim=1, keepdim=True)
    spread = rewards.std(dim=1, correction=0, keepdim=True)
    told = (better.abs() > 1e-3) & (spread > 1e-3)
    added = (better / torch.as_tensor(got) - spread)[told]
    if not len(added) or not added.mean() > 1e-3 or added.std() > 0.01 * added.mean():
        return None
    return (
        f"You added {added.mean():.2g} to the deviation: where rewards lie close together that is "
        "as much as their deviation. A millionth will do."
    )


def _over_the_range(rewards: Tensor) -> Tensor:
    span = rewards.amax(1, keepdim=True) - rewards.amin(1, keepdim=True)
    better = rewards - rewards.mean(1, keepdim=True)
    return torch.where(span > 0, better / span.clamp(min=1e-6), 0.0)


def _by_loop(rewards: Tensor) -> Tensor:
    rows = []
    for row in rewards.tolist():
        mean = sum(row) / len(row)
        deviation = (sum((r - mean) ** 2 for r in row) / len(row)) ** 0.5
        rows.append([(r - mean) / deviation if deviation > 1e-6 else 0.0 for r in row])
    return torch.tensor(rows)


def _by_largest_and_smallest(rewards: Tensor) -> Tensor:
    alike = rewards.amax(1, keepdim=True) == rewards.amin(1, keepdim=True)
    better = rewards - rewards.mean(1, keepdim=True)
    return (better / rewards.std(1, correction=0, keepdim=True)).masked_fill(alike, 0)


GROUP_ADVANTAGES = Exercise(
    id="9.7",
    title="Group advantages",
    minutes=7,
    stars=2,
    reference=group_advantages,
    probes=[
        (torch.tensor([[1.0, 0.0, 0.0, 0.0, 1.0]]),),
        (torch.tensor([[1.0, 1.0, 1.0]]),),
        (torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]]),),
        (torch.tensor([[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]),),
        (torch.tensor([[2.0, 5.0, 2.0], [-1.0, 0.5, 3.0]]),),
        (torch.tensor([[0.96, 0.97, 1.0, 0.96], [0.5, 0.5, 0.5, 0.51]]),),
        (torch.tensor(ALIKE)[:, None].repeat(1, 7),),
        (torch.full((1, 7), 0.1),),
        (torch.full((1, 8), 0.3),),
    ],
    mistakes={
        **alone(_slipped, SAID),
        "Rewards that are all alike don't come out at a deviation of exactly 0: the mean of seven "
        "times 0.1 is rounded. Ask for a deviation above a millionth.": _rounded(
            lambda better, spread: torch.where(spread > 0, better / spread, 0.0)
        ),
        "A hundred-millionth below the line is as small as the rounding itself: add a millionth, "
        "or ask for a deviation above one.": _rounded(
            lambda better, spread: better / (spread + 1e-8)
        ),
        "Your small number below the line is too large: where rewards lie close together, it is as "
        "much as their deviation.": _rounded(lambda better, spread: better / (spread + 1e-2)),
        "A small deviation was taken for none: only rewards that are all alike have nothing to "
        "teach.": _rounded(lambda better, spread: torch.where(spread > 0.1, better / spread, 0.0)),
        "Rewards that are all alike don't come out at a deviation of exactly 0, not by `std` "
        "either: ask for a deviation above a millionth.": _by_std(
            lambda better, spread: torch.where(spread > 0, better / spread, 0.0)
        ),
        "The baseline is missing, and with it what makes rewards that are all alike come out at 0: "
        "subtract the mean of the group.": lambda rewards: (
            rewards / (rewards.std(1, correction=0, keepdim=True) + 1e-6)
        ),
        "You divided by the variance, and a small number: the deviation is its square "
        "root.": _by_std(lambda better, spread: better / (spread.square() + 1e-6)),
        "Each answer was compared with the mean of the others: the group's own mean holds the "
        "answer's reward too.": _others,
        "All groups became 0 where one of them is all alike: only that one "
        "does.": _none_if_any_is_alike,
        "The mean has lost its axis, (B,), and meets the columns: keepdim=True leaves it (B, 1), "
        "for the deviation too.": _axis_lost,
        "You divided by the mean distance from the mean: the deviation is the root of the mean "
        "square.": lambda rewards: (
            (rewards - rewards.mean(1, keepdim=True))
            / ((rewards - rewards.mean(1, keepdim=True)).abs().mean(1, keepdim=True) + 1e-6)
        ),
        "You divided by largest minus smallest: the deviation is the root of the mean "
        "square.": _over_the_range,
    },
    together=in_pairs(_slipped, SAID, APART),
    alternatives={
        "a loop": _by_loop,
        "a small number below": _rounded(lambda better, spread: better / (spread + 1e-6)),
        "largest and smallest": _by_largest_and_smallest,
        "float64": lambda rewards: reasoning.group_advantages(rewards.double()),
    },
    explain=_explain,
    atol=0.04,
)
