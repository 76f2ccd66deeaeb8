"""An error that an answer raises or returns by itself, in words of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from utils.course.checking.check import judge
from utils.course.checking.exercise import Exercise


def root(n: int) -> int:
    if n < 0:
        raise ValueError("no root")
    return n // 2


def no_root_of_nought(n: int) -> int:
    if n <= 0:
        raise ValueError("nought")
    return n // 2


def returned(n: int) -> int | ValueError:
    return ValueError("no root") if n < 0 else n // 2


def returned_and_doubled(n: int) -> int | ValueError:
    return ValueError("no root") if n < 0 else n


ROOT = Exercise(
    id="9.9",
    title="Odd",
    minutes=1,
    stars=1,
    reference=root,
    probes=[(4,), (0,), (-2,)],
    mistakes={
        "Nought has a root.": no_root_of_nought,
        "Raise the error.": returned,
        "Raise the error, and halve.": returned_and_doubled,
    },
)


def said(answer: Callable[..., Any]) -> str:
    return judge(ROOT, answer).diagnosis or ""


def own_words(n: int) -> int:
    if n < 1:
        raise ValueError(f"{n} is too small")
    return n // 2


def another_error(n: int) -> int:
    if n < 1:
        raise ValueError("too small") if n else KeyError("nought")
    return n // 2


def raised_by_a_call(n: int) -> int:
    return n // 2 if n else int("nought")


def test_an_answer_may_say_in_its_own_words_what_it_refuses() -> None:
    assert said(own_words).startswith("Nought has a root.")


@pytest.mark.parametrize("answer", [another_error, raised_by_a_call])
def test_an_error_of_another_kind_or_of_a_call_is_another_mistake(answer) -> None:
    assert said(answer).startswith("it raised")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda n: ValueError("below 0") if n < 0 else n // 2, "Raise the error."),
        (lambda n: ValueError("below 0") if n < 0 else n, "Raise the error, and halve."),
    ],
)
def test_a_returned_error_is_known_in_whatever_words(answer, sentence: str) -> None:
    assert said(answer).splitlines()[0] == sentence


def test_a_returned_error_that_is_not_listed_is_told_to_be_raised() -> None:
    text = said(lambda n: ValueError("odd") if n < 0 else n + 1 - n // 2)
    assert "raise it instead" in said(lambda n: KeyError("odd") if n < 0 else n // 2)
    assert text.startswith("expected 2, got 3")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: x @ x, "must be equally long: here 3 and 2"),
        (lambda x: x + x.mean(dim=1), "or one of them is 1: here 3 and 2"),
        (lambda x: (x > 1).softmax(dim=0), "`.float()` makes them of whole ones"),
        (lambda x: x**2 ^ 2, "a power is written `**`"),
        (lambda x: torch.ones(2, 3, requires_grad=True).add_(x), "make a new one, `a = a + b`"),
    ],
)
def test_an_error_that_is_easily_misread_gets_a_line(answer, hint: str) -> None:
    asked = Exercise("9.9", "Odd", 1, 1, lambda x: x, [(torch.ones(2, 3),)], {})
    assert hint in (judge(asked, answer).diagnosis or "")


def test_one_of_several_results_that_came_back_alone_is_named() -> None:
    asked = Exercise(
        "9.9", "Odd", 1, 1, lambda n: (n / 2, n + 1), [(1,), (4,)], {}, parts=("half", "next")
    )
    assert (judge(asked, lambda n: n + 1).diagnosis or "").startswith("`next` came back alone")
    assert "alone" not in (judge(asked, lambda n: 2.0).diagnosis or "")
