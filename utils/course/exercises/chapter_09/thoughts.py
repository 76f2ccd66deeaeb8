"""Chapter 09, second part: what is written before the answer, and what is learned from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.data.puzzles import sums as puzzles
from utils.llm.reasoning import votes as reasoning

# 9.1 · write the scratchpad


def scratchpad(question: str) -> str:
    """Each digit of a question, and after it the sum so far modulo ten."""
    return puzzles.scratchpad(question)


def _pad(
    question: str,
    *,
    total: Callable[[list[int], int], object],
    line: Callable[[int, object], str] = lambda digit, total: f"{digit}{total}",
) -> str:
    digits = [int(digit) for digit in question[:-1]]
    return "".join(line(digit, total(digits, i)) for i, digit in enumerate(digits))


def _so_far(digits: list[int], i: int) -> int:
    return sum(digits[: i + 1]) % 10


def _pad_by_accumulate(question: str) -> str:
    digits = [int(digit) for digit in question.rstrip("=")]
    sums = accumulate(digits, lambda total, digit: (total + digit) % 10)
    return "".join(f"{digit}{total}" for digit, total in zip(digits, sums, strict=True))


def _pad_by_numpy(question: str) -> str:
    digits = np.array(list(question[:-1]), dtype=int)
    return "".join(map(str, np.stack([digits, digits.cumsum() % 10], axis=1).ravel()))


SCRATCHPAD = Exercise(
    id="9.1",
    title="Write the scratchpad",
    minutes=6,
    stars=1,
    reference=scratchpad,
    probes=[("7=",), ("47=",), ("479=",), ("0050=",), ("99999=",), ("86712475=",)],
    mistakes={
        "The sums run over ten: keep the last digit only, % 10.": lambda q: _pad(
            q, total=lambda d, i: sum(d[: i + 1])
        ),
        "Each sum is written before its digit: first the digit, then the sum so far.": (
            lambda q: _pad(q, total=_so_far, line=lambda digit, total: f"{total}{digit}")
        ),
        "The sum lags one behind: it must count the digit before it, too.": lambda q: _pad(
            q, total=lambda d, i: sum(d[:i]) % 10
        ),
        "You wrote the sums and left the digits out. The copied digit says which one is being "
        "added.": lambda q: _pad(q, total=_so_far, line=lambda digit, total: str(total)),
        "You copied the digits and left the sums out: they are the work.": lambda q: _pad(
            q, total=_so_far, line=lambda digit, total: str(digit)
        ),
        "Each line adds only the digit before it and its own. The sum runs from the first digit "
        "on.": lambda q: _pad(q, total=lambda d, i: sum(d[max(0, i - 1) : i + 1]) % 10),
        "All digits come first, then all sums: write each sum right after its digit.": lambda q: (
            q[:-1] + _pad(q, total=_so_far, line=lambda d, total: str(total))
        ),
        "The question stands in front: return only what is written after it.": (
            lambda q: q + puzzles.scratchpad(q)
        ),
        "The answer stands at the end: the scratchpad stops after the last sum.": (
            lambda q: puzzles.answer_text(q)
        ),
    },
    alternatives={"accumulate": _pad_by_accumulate, "numpy": _pad_by_numpy},
)

# 9.2 · parse an answer


def parse_answer(text: str) -> int | None:
    """The answer to the last question of a text, or None."""
    return puzzles.parse_answer(text)


def _first_colon(text: str) -> int | None:
    found = re.search(r":(\d);", text)
    return int(found[1]) if found else None


def _last_colon(text: str) -> int | None:
    found = re.findall(r":(\d);", text)
    return int(found[-1]) if found else None


def _last_digit(text: str) -> int | None:
    found = re.findall(r"\d", text.rpartition("=")[2])
    return int(found[-1]) if found else None


def _unfinished(text: str) -> int | None:
    found = re.search(r":(\d)", text.rpartition("=")[2].partition(";")[0])
    return int(found[1]) if found else None


def _zero_is_nothing(text: str) -> int | None:
    return puzzles.parse_answer(text) or None


def _several_digits(text: str) -> int | None:
    found = re.search(r":(\d+);", text.rpartition("=")[2])
    return int(found[1]) if found else None


def _as_text(text: str) -> str | None:
    found = puzzles.parse_answer(text)
    return None if found is None else str(found)


def _by_hand(text: str) -> int | None:
    last = text.split("=")[-1]
    if ";" not in last:
        return None
    before = last[: last.index(";")]
    if len(before) < 2 or before[-2] != ":" or before[-1] not in "0123456789":
        return None
    return int(before[-1])


def _by_regex(text: str) -> int | None:
    found = re.search(r"=[^=;]*:([0-9]);[^=]*$", text)
    return int(found.group(1)) if found else None


PARSE_ANSWER = Exercise(
    id="9.2",
    title="Parse an answer",
    minutes=8,
    stars=2,
    reference=parse_answer,
    probes=[
        ("7=:7;",),
        ("47=4471:1;",),
        ("55=5550:0;",),
        ("47=4471",),
        ("12=:3;47=",),
        ("12=:3;47=4471:1;",),
        ("12=:3;47=4471:",),
        ("47=4471:1",),
        ("47=:11;",),
        ("47=4471;",),
        ("47=4471:1;;:9;",),
        ("47=44✓72✗71✓:1;",),
        ("47=:;",),
    ],
    mistakes={
        "You took an answer from the prompt: an example in front of the question has an answer, "
        "too. Look only behind the last `=`.": _first_colon,
        "Where the model gave no answer you took that of the example before. Look only behind "
        "the last `=`, and return None where nothing is there.": _last_colon,
        "Any last digit will do for you. An answer stands between `:` and `;`; a line of the "
        "scratchpad is none.": _last_digit,
        "You took an answer that wasn't finished: without a `;` the model was still "
        "writing.": _unfinished,
        "The answer 0 became None: `or` takes 0 for nothing.": _zero_is_nothing,
        "An answer is one digit: with two there is none.": _several_digits,
        "Return a number: the character '0' equals no sum.": _as_text,
        "No answer must give None: −1 would be counted as a vote.": lambda text: (
            -1 if puzzles.parse_answer(text) is None else puzzles.parse_answer(text)
        ),
    },
    alternatives={"slices": _by_hand, "one regular expression": _by_regex},
)

# 9.6 · best of n


def best_of_n(candidates: Sequence[Any], score: Callable[[Any], float]) -> Any:
    """The candidate with the highest score, the first of equal ones."""
    return reasoning.best_of_n(candidates, score)


def minus_distance(candidate: int) -> float:
    """A score that is never above 0: how near a number is to 10."""
    return -abs(candidate - 10.0)


def length(candidate: str) -> int:
    """How many characters there are."""
    return len(candidate)


def _last_best(candidates: Sequence[Any], score: Callable[[Any], float]) -> Any:
    return max(reversed(candidates), key=score)


def _from_zero(candidates: Sequence[Any], score: Callable[[Any], float]) -> Any:
    best, highest = None, 0.0
    for candidate in candidates:
        if score(candidate) > highest:
            best, highest = candidate, score(candidate)
    return best


def _by_argmax(candidates: Sequence[Any], score: Callable[[Any], float]) -> Any:
    return candidates[int(np.argmax([score(candidate) for candidate in candidates]))]


def _by_sorting(candidates: Sequence[Any], score: Callable[[Any], float]) -> Any:
    return sorted(candidates, key=lambda candidate: -score(candidate))[0]


BEST_OF_N = Exercise(
    id="9.6",
    title="Best of n",
    minutes=5,
    stars=1,
    reference=best_of_n,
    probes=[
        (["a"], length),
        (["a", "bbb", "cc"], length),
        ([3, 30], minus_distance),
        ([8, 12, 40], minus_distance),
        (["dd", "ccc", "aaa", "b"], length),
        ([40, 12, 30, 8, 9, 11, 5], minus_distance),
    ],
    mistakes={
        "You returned the score: return the candidate that has it.": lambda c, score: max(
            map(score, c)
        ),
        "You returned its place: return the candidate itself.": lambda c, score: max(
            range(len(c)), key=lambda i: score(c[i])
        ),
        "This is the worst of n.": lambda c, score: min(c, key=score),
        "The largest candidate won, not the one with the highest score: give max the "
        "key.": lambda c, score: max(c),
        "Of equal scores the first should win, and yours is the last.": _last_best,
        "Your search begins at a score of 0, and scores may all lie below (a logarithm of a chance "
        "does). Begin with the first candidate's.": _from_zero,
        "This is the commonest, a vote: the score has no say in it.": lambda c, score: (
            reasoning.majority_vote(c).winners[0]
        ),
    },
    alternatives={"argmax": _by_argmax, "sorted": _by_sorting},
)

# 9.7 · group advantages


def group_advantages(rewards: Tensor) -> Tensor:
    """(reward − mean) / deviation within each group; 0 where a group is all alike."""
    return reasoning.group_advantages(rewards)


def _advantages(
    rewards: Tensor,
    *,
    dim: int | None = 1,
    centre: bool = True,
    correction: int = 0,
    even: float = 0.0,
) -> Tensor:
    kept = {} if dim is None else {"dim": dim, "keepdim": True}
    better = rewards - rewards.mean(**kept) if centre else rewards
    deviation = rewards.std(correction=correction, **kept)
    found = better / deviation
    return torch.where(found.isfinite(), found, even)


def _alternative_by_loop(rewards: Tensor) -> Tensor:
    rows = []
    for row in rewards.tolist():
        mean = sum(row) / len(row)
        deviation = (sum((r - mean) ** 2 for r in row) / len(row)) ** 0.5
        rows.append([(r - mean) / deviation if deviation > 1e-6 else 0.0 for r in row])
    return torch.tensor(rows)


GROUP_ADVANTAGES = Exercise(
    id="9.7",
    title="Group advantages",
    minutes=8,
    stars=2,
    reference=group_advantages,
    probes=[
        (torch.tensor([[1.0, 0.0]]),),
        (torch.tensor([[1.0, 1.0]]),),
        (torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]]),),
        (torch.tensor([[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]),),
        (torch.tensor([[2.0, 5.0, 2.0], [-1.0, 0.5, 3.0]]),),
    ],
    mistakes={
        "The mean is taken over all questions. Each group is compared with itself: an easy "
        "question must not make a hard one look bad.": lambda r: _advantages(r, dim=None),
        "You compared the answers across questions, down the columns: a group is a row, "
        "dim=1.": lambda r: _advantages(r, dim=0),
        "The baseline is missing: subtract the mean of the group, or a wrong answer never becomes "
        "less likely.": lambda r: _advantages(r, centre=False),
        "The division by the deviation is missing.": lambda r: r - r.mean(dim=1, keepdim=True),
        "This divides by G − 1, as torch's std does unless told otherwise: correction=0 gives the "
        "group's own.": lambda r: _advantages(r, correction=1),
        "A group whose rewards are all alike gave 0 / 0: there is nothing to learn from it, so "
        "make its advantages 0.": lambda r: (
            (r - r.mean(dim=1, keepdim=True)) / r.std(dim=1, correction=0, keepdim=True)
        ),
        "The sign is turned round: better than the mean is positive.": lambda r: (
            -reasoning.group_advantages(r)
        ),
        "You divided by the variance: the deviation is its square root.": lambda r: torch.where(
            r.var(dim=1, correction=0, keepdim=True) > 1e-9,
            (r - r.mean(dim=1, keepdim=True)) / r.var(dim=1, correction=0, keepdim=True),
            0.0,
        ),
    },
    alternatives={
        "a loop": _alternative_by_loop,
        "a small number below": lambda r: (
            (r - r.mean(1, keepdim=True)) / (r.std(1, correction=0, keepdim=True) + 1e-6)
        ),
        "float64": lambda r: reasoning.group_advantages(r.double()),
    },
    atol=1e-5,
)
