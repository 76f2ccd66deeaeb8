"""What a wrong answer is told is true of it, and what a right one is handed on as is usable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from utils.course import check
from utils.course.checking import registry
from utils.course.checking.check import RIGHT, examine, judge
from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.checking.show import apart, show


def exercise(reference: Callable[..., Any], *probes: Any, **more: Any) -> Exercise:
    given = [probe if isinstance(probe, tuple) else (probe,) for probe in probes]
    return Exercise("9.9", "Odd", 1, 1, reference, given, **{"mistakes": {}} | more)


def said(asked: Exercise, answer: Callable[..., Any]) -> str:
    return judge(asked, answer).diagnosis or ""


A, B = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.tensor([[0.5, -2.0, 1.0]])


# A mistake that raises


def times_transposed(x: Tensor, w: Tensor) -> Tensor:
    return x @ w.T


PRODUCT = exercise(
    lambda x, w: x @ w,
    (torch.ones(2, 3), torch.ones(3, 4)),
    (torch.ones(5, 2), torch.ones(2, 3)),
    mistakes={"Your weights are transposed.": times_transposed},
)


def test_an_error_of_the_same_operation_gets_the_sentence() -> None:
    assert said(PRODUCT, lambda x, w: torch.matmul(x, w.T)).startswith("Your weights")


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, w: w @ x,
        lambda x, w: (x @ w) @ (x @ w),
        lambda x, w: x + w,
        lambda x, w: torch.zeros(1).expand(3, 3).requires_grad_().add_(1),
    ],
)
def test_another_error_of_the_same_type_does_not(answer: Callable[..., Any]) -> None:
    text = said(PRODUCT, answer)
    assert text.startswith("it raised RuntimeError")
    assert "in line" in text


# Remarks, and what the exercise says


@pytest.mark.parametrize(
    ("reference", "answer", "remark"),
    [
        (lambda x: (x.sum(), x.mean()), lambda x: (2 * x.sum(), x.mean()), "twice"),
        (lambda x: (x.sum(), x.mean()), lambda x: (x.sum() + 1, x.mean()), ""),
        (lambda x: {"a": float(x.sum())}, lambda x: {"a": -float(x.sum())}, "sign is flipped"),
        (lambda x: {"a": float(x.sum())}, lambda x: {"a": float(x.sum() ** 2)}, ""),
        (lambda x: [x, x + 1], lambda x: [x, -x - 1], "every sign is flipped"),
        (lambda x: x, lambda x: 3 * x, "every number is 3 times"),
        (lambda x: x, lambda x: x * x.abs().max(), ""),
    ],
)
def test_a_remark_is_said_where_every_probe_bears_it_out(reference, answer, remark) -> None:
    asked = exercise(reference, torch.tensor([1.0, 4.0]), torch.zeros(2), torch.tensor([3.0, 2.0]))
    text = said(asked, answer)
    assert remark in text
    if not remark:
        assert not any(word in text for word in ("twice", "half", "times what", "flipped"))


def test_a_remark_that_one_right_result_belies_is_not_said() -> None:
    asked = exercise(lambda n: float(n), 2, 3, 4, 5)
    assert "twice" not in said(asked, lambda n: float(n) if n == 5 else 2.0 * n)


def test_explain_speaks_of_numbers_only() -> None:
    asked = exercise(lambda x: x * 2, A, B, explain=lambda args, expected, got: "EXPLAINED")
    assert "EXPLAINED" in said(asked, lambda x: x * 3)
    formed = replace(asked, explain_form=lambda args, expected, got: "FORM")
    assert "FORM" in said(formed, lambda x: x[0])
    assert "FORM" not in said(formed, lambda x: x * 3)
    for other in (lambda x: x[0], lambda x: (x * 3).int(), lambda x: x / 0 * 0, lambda x: [x]):
        assert "EXPLAINED" not in said(asked, other)


def test_two_mistakes_at_once_are_told_both() -> None:
    asked = exercise(
        lambda x: x * 2 + 1,
        A,
        B,
        mistakes={"No factor.": lambda x: x + 1, "No shift.": lambda x: x * 2},
        together={("No factor.", "No shift."): lambda x: x},
    )
    assert said(asked, lambda x: x.clone()).startswith("No factor.\n   No shift.\n")
    assert said(asked, lambda x: x * 2).startswith("No shift.\n   for")


def test_of_two_pairs_of_mistakes_that_look_alike_only_what_both_hold_is_said() -> None:
    asked = exercise(
        lambda x: x * 2 + 1,
        A,
        B,
        mistakes={
            "No factor.": lambda x: x + 1,
            "No shift.": lambda x: x * 2,
            "Divided.": lambda x: x / 2 + 1,
        },
        together={
            ("No factor.", "No shift."): lambda x: x,
            ("Divided.", "No shift."): lambda x: x + 0,
        },
    )
    assert said(asked, lambda x: x.clone()).startswith("No shift.\n   for")


THREE = exercise(lambda x: (x, x.exp(), x.sum()), A, B, parts=("scores", "weights", "out"))


def test_results_in_another_order_and_a_missing_one_are_named() -> None:
    text = said(THREE, lambda x: (x.exp(), x, x.sum()))
    assert "another order: expected `scores`, `weights`, `out`, got `weights`, `scores`" in text
    assert "`weights` is missing" in said(THREE, lambda x: (x, x.sum()))
    assert "expected 3 items, got 2 items" in said(THREE, lambda x: (x, x.mean()))


def test_how_many_inputs_are_right_is_said() -> None:
    asked = exercise(lambda x: x.sum(0), torch.ones(1, 2), torch.ones(3, 2), torch.ones(5, 1))
    assert "right for 1 of 3 inputs" in said(asked, lambda x: x[0])
    assert "right for" not in said(asked, lambda x: x[0] + 9)


def no_return(x):
    x = x + 1


def some_return(x):
    if x.numel() > 100:
        return x


def bare_return(x):
    if x.numel() < 100:
        return
    return x


def all_return(x):
    for _ in range(3):
        x = x + 1
    return {}.get("none")


@pytest.mark.parametrize("answer", [no_return, some_return, bare_return])
def test_a_missing_return_is_asked_for(answer) -> None:
    assert "is there a `return` on every path?" in said(exercise(lambda x: x, A), answer)


@pytest.mark.parametrize("answer", [all_return, lambda x: None, print])
def test_a_computed_none_is_not_taken_for_one(answer) -> None:
    assert "`return`" not in said(exercise(lambda x: x, A), answer)


# Both results, told apart


@pytest.mark.parametrize(
    ("expected", "got", "lines"),
    [
        (0.31718, 0.31722, ("0.31718", "0.31722")),
        (124439808, 124439809, ("124439808", "124439809")),
        (1.0, 1, None),
        (list(range(60)), [*range(59), 7], ("59 at index 59", "7 at index 59")),
        ("a" * 90 + "b", "a" * 90 + "c", ("…" + "a" * 20 + "b'", "…" + "a" * 20 + "c'")),
    ],
)
def test_what_differs_is_shown(expected, got, lines) -> None:
    found = difference(expected, got)
    assert (found and apart(expected, got, found.path)) == lines


def test_the_row_of_a_large_tensor_that_departs_is_shown() -> None:
    expected = torch.zeros(7, 5)
    got = expected.clone()
    got[3, 2] = 1e-3
    shown = apart(expected, got, difference(expected, got).path)
    assert shown == ("[0, 0, 0, 0, 0] at [3]", "[0, 0, 0.001, 0, 0] at [3]")


RESULTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=100)
    | st.builds(torch.tensor, st.lists(st.floats(width=32), max_size=20)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(RESULTS, RESULTS)
def test_any_two_results_are_compared_and_never_shown_alike(expected, got) -> None:
    assert difference(expected, expected) is None
    found = difference(expected, got)
    shown = apart(expected, got, found.path) if found else None
    assert shown is None or shown[0] != shown[1]
    assert len(show(got)) <= 76


# What goes on


def goes_on(asked: Exercise, answer: Callable[..., Any]) -> tuple[Callable[..., Any], str]:
    judged = examine(asked, answer)
    assert judged.verdict.status == RIGHT, judged.verdict.diagnosis
    return judged.goes_on, judged.remark


def doubled(x: Tensor) -> Tensor:
    return 2 * x


DOUBLED = exercise(doubled, A, B)


@pytest.mark.parametrize(
    ("answer", "remark"),
    [
        (lambda x: 2 * x.double(), "your float64 results are handed on as float32"),
        (lambda x: 2 * np.array(x.tolist()), "your NumPy results are handed on as float32"),
    ],
)
def test_a_right_result_is_handed_on_in_the_references_kind(answer, remark) -> None:
    handed, told = goes_on(DOUBLED, answer)
    assert told == remark
    assert handed(A).dtype == torch.float32
    assert handed(A.double()).dtype == torch.float64
    assert handed(x=A).equal(2 * A)


def test_a_gradient_finds_its_way_through_what_is_handed_on() -> None:
    handed, _ = goes_on(DOUBLED, lambda x: 2 * x.double())
    leaf = A.clone().requires_grad_()
    handed(leaf).sum().backward()
    assert leaf.grad.equal(torch.full_like(A, 2))


def test_numpy_is_handed_on_for_what_asks_for_a_gradient() -> None:
    _, told = goes_on(DOUBLED, lambda x: 2 * x.numpy())
    assert told == "your NumPy results are handed on as float32, without a gradient"
    handed, told = goes_on(DOUBLED, lambda x: torch.from_numpy(2 * x.numpy()))
    assert told == "your results are handed on without a gradient"
    asking = A.clone().requires_grad_()
    assert handed(asking).equal(2 * A)
    assert handed(x=asking).equal(2 * A)
    assert not handed(asking).requires_grad


def test_a_result_cut_off_from_an_argument_that_asks_for_a_gradient_is_refused() -> None:
    asked = exercise(doubled, A, B.clone().requires_grad_())
    assert "autograd finds no way back" in said(asked, lambda x: 2 * x.detach())
    assert "autograd finds no way back" in said(asked, lambda x: 2 * x.detach().numpy())
    assert goes_on(asked, lambda x: x + x)


def test_a_gradient_that_is_lost_in_part_is_refused() -> None:
    asking = A.clone().requires_grad_(), A.mT.clone().requires_grad_()
    asked = exercise(lambda x, y: x * y, (A, A.mT), asking)
    assert "part of the gradient is lost" in said(asked, lambda x, y: x.detach() * y)
    assert "part of the gradient is lost" in said(asked, lambda x, y: x * y * x / x.detach())
    assert goes_on(asked, lambda x, y: (x.double() * y).float())


def test_lists_tuples_and_numbers_are_handed_on_as_the_reference_has_them() -> None:
    asked = exercise(lambda n: (float(n), [n] * n), 1, 3)
    handed, told = goes_on(asked, lambda n: [np.float64(n), (n,) * n])
    assert told == "your list results are handed on as tuple"
    number, items = handed(2)
    assert (type(number), type(items)) == (float, list)


def test_an_answer_of_the_same_kind_and_names_is_handed_on_itself() -> None:
    def answer(x):
        return x + x

    assert goes_on(DOUBLED, answer) == (answer, "")

    def renamed(numbers):
        return numbers + numbers

    handed, told = goes_on(DOUBLED, renamed)
    assert told == ""
    assert handed(x=A).equal(handed(numbers=A))


def test_an_empty_list_says_nothing_about_the_others() -> None:
    asked = exercise(lambda n: [(i, i) for i in range(n)], 0, 2)
    handed, _ = goes_on(asked, lambda n: [[i, i] for i in range(n)])
    assert handed(2) == [(0, 0), (1, 1)]


# The failing case


def test_the_failing_case_can_be_called_again(monkeypatch, capsys) -> None:
    monkeypatch.setitem(registry.exercises(), "9.9", exercise(doubled, torch.ones(0), A, B))

    def mine(x):
        return x.mul_(3)

    check("9.9", mine)
    case = check.case("9.9")
    assert case.args[0].equal(A)
    assert case.expected.equal(2 * A)
    assert case.got.equal(3 * A)
    assert case.mine is case.answer is mine
    case.mine(*case.args)
    assert case.args[0].equal(A)
    assert "mine([[1, 2], [3, 5]])" in repr(case)
    check("9.9", doubled)
    with pytest.raises(ValueError, match=r"no answer to '9.9' failed"):
        check.case("9.9")


def test_the_case_of_an_exercise_that_calls_in_its_own_way(monkeypatch, capsys) -> None:
    def call(answer, n):
        return [answer(torch.full((n,), float(i))).sum().item() for i in range(3)]

    monkeypatch.setitem(registry.exercises(), "9.9", exercise(doubled, 2, 3, call=call))
    check("9.9", lambda x: 2 * x if x.max() < 2 else x / [])
    case = check.case("9.9")
    assert case.args[0].equal(torch.full((2,), 2.0))
    assert case.expected.equal(torch.full((2,), 4.0))
    assert isinstance(case.got, TypeError)


def test_a_number_for_an_id_is_told_so() -> None:
    with pytest.raises(ValueError, match=r'ids are text: write check\("8.1", …\)'):
        check(8.1, doubled)


# What an exercise's own call makes of a result


def test_what_only_the_check_has_made_of_a_result_is_not_asked_of_the_answer() -> None:
    def with_its_double(answer, x):
        result = answer(x)
        return (result, 2 * result) if isinstance(result, Tensor) else result

    told = said(exercise(lambda x: x.sum(), A, B, call=with_its_double), lambda x: [x.sum().item()])
    assert "tuple" not in told
    assert "expected: 11\n" in told


def squared(x: Tensor) -> Tensor:
    return x ^ 2


def scaled(x: Tensor) -> Tensor:
    return x * (1.5 ^ 2)


def test_a_caret_is_told_of() -> None:
    asked = exercise(lambda x: x**2, A, B)  # the line of an answer is shown: not on one with these
    assert "a power is written `**`" in said(asked, squared)
    assert "a power is written `**`" in said(asked, scaled)
