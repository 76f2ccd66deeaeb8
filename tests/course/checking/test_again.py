"""What comes of a second call: of an answer that keeps something, and of the course's own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from utils.course.checking.check import RIGHT, judge
from utils.course.checking.exercise import Exercise


def exercise(reference: Callable[..., Any], *probes: Any) -> Exercise:
    return Exercise("9.9", "Odd", 1, 1, reference, [(probe,) for probe in probes], {})


def said(asked: Exercise, answer: Callable[..., Any]) -> str:
    return judge(asked, answer).diagnosis or ""


_words_so_far: list[int] = []


def sum_of_all_so_far(numbers: list[int]) -> int:
    _words_so_far.extend(numbers)
    return sum(_words_so_far)


def kept_in_a_default(numbers: list[int], counts: dict[int, int] = {}) -> dict[int, int]:  # noqa: B006
    for number in numbers:
        counts[number] = counts.get(number, 0) + 1
    return counts


def written_until_full(most: int, new: list[int] = []) -> list[int]:  # noqa: B006
    while len(new) < most:
        new.append(len(new))
    return new


def counted(numbers: list[int]) -> dict[int, int]:
    return {number: numbers.count(number) for number in numbers}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (exercise(sum, [1, 2], [4], [5]), sum_of_all_so_far),
        (exercise(counted, [1, 2, 1], [4]), kept_in_a_default),
        (exercise(lambda most: [*range(most)], 2, 5, 0), written_until_full),
    ],
)
def test_what_is_kept_from_call_to_call_is_told(
    asked: Exercise, answer: Callable[..., Any]
) -> None:
    assert said(asked, answer).startswith("Called twice with the same arguments")


def test_a_wrong_answer_that_keeps_nothing_is_not_told_that_it_does() -> None:
    for answer in (len, max, lambda numbers: object(), lambda numbers: float("nan")):
        assert "Called twice" not in said(exercise(sum, [1, 2], [4], [5]), answer)


def test_a_function_of_math_that_was_given_a_tensor_is_named() -> None:
    asked = exercise(torch.tanh, torch.tensor([1.0, 2.0]))
    assert "torch has its own for tensors" in said(asked, lambda x: math.tanh(x))
    without = lambda x: float(torch.tanh(x))  # noqa: E731
    assert "torch has its own" not in said(asked, without)


def test_the_reference_is_asked_once_and_again_only_where_the_machine_was_too_busy() -> None:
    asked: list[int] = []

    def reference(n: int) -> int:
        asked.append(n)
        if len(asked) == 1:
            time.sleep(5)
        return n + 1

    slow = replace(exercise(reference, 1, 2), timeout=0.3)
    assert judge(slow, lambda n: n + 1).status != RIGHT
    assert [judge(slow, lambda n: n + 1).status for _ in range(2)] == [RIGHT, RIGHT]
    assert asked == [1, 2, 1]
