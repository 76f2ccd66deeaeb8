"""What `check` says and returns, in the order in which feedback is promised."""

from __future__ import annotations

import contextlib
import json
import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from utils.course import check
from utils.course.checking import registry
from utils.course.checking.check import RAISED, RIGHT, TIMED_OUT, WRONG, WrongAnswer, examine, judge
from utils.course.checking.compare import Remark, difference, show
from utils.course.checking.exercise import Exercise


def softmax(x: Tensor) -> Tensor:
    return x.softmax(-1)


ROWS = Exercise(
    id="9.9",
    title="Softmax by row",
    minutes=5,
    stars=1,
    reference=softmax,
    probes=[
        (torch.tensor([[1.0]]),),
        (torch.tensor([[1.0, 2.0], [3.0, 5.0]]),),
        (torch.arange(6.0).reshape(2, 3) ** 2,),
    ],
    mistakes={
        "The softmax runs down the columns: sum over the last dimension.": lambda x: x.softmax(0),
        "The softmax is not normalised: divide by the sum.": lambda x: x.exp(),
        "The row lost a dimension: keep both.": lambda x: x.softmax(-1).sum(-1),
    },
    alternatives={"numpy": lambda x: np.exp(x.numpy()) / np.exp(x.numpy()).sum(-1, keepdims=True)},
    timeout=0.5,
)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Exercise:
    monkeypatch.setitem(registry.exercises(), "9.9", ROWS)
    return ROWS


def check_result(answer: object, *args: object) -> object:
    """What the function that the chapter goes on with returns."""
    return examine(ROWS, answer).goes_on(*args)


def say(answer: object, exercise: Exercise = ROWS) -> str:
    return judge(exercise, answer).diagnosis or ""


def test_the_words_of_the_three_outcomes(rows, capsys):
    def right(x):
        return x.softmax(1)

    def unwritten(x):
        raise NotImplementedError("Exercise 9.9: your turn")

    assert check("9.9", right) is right
    assert check("9.9", unwritten) is softmax
    assert check("9.9", lambda x: x.exp()) is softmax
    out = capsys.readouterr().out
    assert out == (
        "✅ 9.9 Softmax by row\n"
        "⬜ 9.9 Softmax by row: not attempted yet. "
        "The chapter goes on with the course's version.\n"
        "❌ 9.9 Softmax by row: The softmax is not normalised: divide by the sum.\n"
        "   for softmax([[1]])\n"
        "   expected: [[1]]\n"
        "   got:      [[2.718]]\n"
        "   The chapter goes on with the course's version.\n"
    )


def test_an_answer_below_the_stub_is_told_why_it_does_not_count(rows, capsys):
    def answer(x):
        """Softmax."""
        raise NotImplementedError("Exercise 9.9: your turn")
        return x.softmax(-1)

    check("9.9", answer)
    said = capsys.readouterr().out
    assert said.startswith(
        "⬜ 9.9 Softmax by row: not attempted yet (the `raise` line still stands"
    )


def test_an_error_that_is_returned_is_told_so():
    def positive(x):
        if x < 0:
            raise ValueError("negative")
        return x

    exercise = Exercise("9.7", "Positive", 5, 1, positive, [(1.0,), (-1.0,)], {})
    assert "it returned the ValueError: raise it instead" in say(
        lambda x: x if x > 0 else ValueError("negative"), exercise
    )


def test_an_answer_that_raises_is_told_its_own_line():
    def answer(x):
        scale = 0
        return x / [scale][1]

    verdict = judge(ROWS, answer)
    assert verdict.status == RAISED
    line = answer.__code__.co_firstlineno + 2
    assert "it raised IndexError: list index out of range" in verdict.diagnosis
    assert f"in line {line} of your cell: return x / [scale][1]" in verdict.diagnosis


def test_raising_comes_before_shape_and_shape_before_value():
    def raises_late(x):
        if x.numel() > 4:
            raise KeyError("late")
        return x.softmax(-1)

    assert judge(ROWS, raises_late).status == RAISED
    assert "expected the shape (2, 2), got (2, 2, 1)" in say(
        lambda x: x.softmax(-1) if x.numel() == 1 else x.softmax(-1)[..., None]
    )


def test_a_named_mistake_of_another_shape_gets_its_sentence_and_the_shapes():
    said = say(lambda x: x.softmax(-1).sum(1))
    assert said.startswith("The row lost a dimension: keep both.")
    assert "expected the shape (1, 1), got (1,)" in said


def test_a_mistake_nobody_listed_is_told_in_the_fields_words():
    assert "does not sum to 1 but to 2" in say(lambda x: 2 * x.softmax(-1) if x.numel() > 1 else x)
    assert "NaN (not a number) at [0, 0]" in say(lambda x: x.softmax(-1) * float("nan"))
    assert "expected the dtype float, got int" in say(lambda x: x.softmax(-1).round().int())


def test_the_smallest_input_that_shows_it_is_shown():
    assert "for softmax([[1, 2], [3, 5]])" in say(lambda x: x.softmax(0))


def test_an_endless_loop_and_a_long_sleep_run_out_of_time():
    def endless(x):
        while True:
            with contextlib.suppress(Exception):
                pass

    for answer in (endless, lambda x: time.sleep(60)):
        start = time.monotonic()
        assert judge(ROWS, answer).status == TIMED_OUT
        assert time.monotonic() - start < 30  # half of the sleep


def test_time_runs_out_on_another_thread_too():
    from concurrent.futures import ThreadPoolExecutor

    def endless(x):
        while True:
            pass

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(judge, ROWS, endless).result(timeout=20).status == TIMED_OUT


def test_none_and_uncalled_and_called_answers():
    assert "expected [[1]], got None\n" in say(lambda x: None)
    assert "expected the function itself" in say(torch.ones(2))
    assert judge(ROWS, lambda: 1).status == RAISED


def test_exit_and_printing_stay_inside(capsys):
    def answer(x):
        print("scores", x.tolist())
        raise SystemExit(3)

    verdict = judge(ROWS, answer)
    assert verdict.status == RAISED
    assert "your code printed: 'scores [[1.0]]'" in verdict.diagnosis
    assert capsys.readouterr().out == ""


def test_changing_the_argument_is_told():
    def in_place(x):
        x.sub_(x.max(-1, keepdim=True).values).exp_()
        return x / x.sum(-1, keepdim=True)

    verdict = judge(ROWS, in_place)
    assert verdict.status == WRONG
    assert "work on a copy of `x`" in verdict.diagnosis


def test_an_argument_changed_beside_one_that_equals_only_itself_is_told_so():
    class Model:
        """Its copy differs from it, as that of any object without a comparison of its own."""

    def in_place(model, x):
        x += 1
        return x

    exercise = replace(
        ROWS, reference=lambda model, x: x + 1, probes=[(Model(), torch.zeros(2))], mistakes={}
    )
    assert judge(exercise, lambda model, x: 1 + x).status == RIGHT
    assert say(in_place, exercise).startswith("the result is right, but the argument was changed")


def test_a_list_changed_beside_a_list_of_what_equals_only_itself_is_told_so():
    def fills_up(texts, blocks):
        lengths = [len(text) for text in texts]
        for text in texts:
            text += [0] * (max(lengths) - len(text))
        return lengths

    exercise = replace(
        ROWS,
        reference=lambda texts, blocks: [len(text) for text in texts],
        probes=[([[1, 2], [3]], [object()])],
        mistakes={},
    )
    assert judge(exercise, exercise.reference).status == RIGHT
    assert "work on a copy of `texts`" in judge(exercise, fills_up).diagnosis


def test_the_callers_random_state_is_left_alone():
    def answer(x):
        torch.rand(3), random.random(), np.random.rand()
        return x.softmax(-1)

    torch.manual_seed(1), random.seed(1), np.random.seed(1)
    expected = torch.rand(1).item(), random.random(), np.random.rand()
    torch.manual_seed(1), random.seed(1), np.random.seed(1)
    assert judge(ROWS, answer).status == RIGHT
    assert (torch.rand(1).item(), random.random(), np.random.rand()) == expected


def test_no_right_answer_is_refused_for_its_annotation():
    def rows(x: Float[Tensor, "T V"]) -> Float[Tensor, "T V"]:
        return np.asarray(x.softmax(-1), dtype=np.float64)

    assert judge(ROWS, rows).status == RIGHT
    assert check_result(rows, torch.ones(2, 3)).dtype == torch.float32


def test_strict_raises_and_reports_are_written(rows, monkeypatch, tmp_path: Path, capsys):
    report = tmp_path / "report.jsonl"
    monkeypatch.setenv("COURSE_REPORT", str(report))
    monkeypatch.setenv("COURSE_STRICT", "1")
    check("9.9", softmax)
    with pytest.raises(WrongAnswer, match="divide by the sum"):
        check("9.9", lambda x: x.exp())
    lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert [line["status"] for line in lines] == [RIGHT, WRONG]
    assert lines[0]["id"] == "9.9"
    assert lines[0]["diagnosis"] is None
    assert lines[1]["diagnosis"].startswith("The softmax is not normalised")


def test_an_unknown_id_names_its_neighbours():
    with pytest.raises(ValueError, match=r"no exercise has the id '2\.33'; did you mean"):
        check("2.33", softmax)


def test_a_part_that_departs_is_named():
    def steps(x):
        return x * 2, x * 2 + 1, (x * 2 + 1).sum()

    exercise = Exercise(
        "9.8", "Steps", 5, 1, steps, [(torch.tensor([1.0, 2.0]),)], {}, parts=("q", "scores", "out")
    )

    def answer(x):
        return x * 2, x * 2 - 1, (x * 2 - 1).sum()

    assert "the first part that departs is `scores`" in say(answer, exercise)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ([1, 2], (1, 2)),
        ((1.5, 2.0), torch.tensor([1.5, 2.0])),
        (1.0, 1),
        (0.5, torch.tensor(0.5, dtype=torch.float64)),
        (torch.tensor([0.1, 0.2]), np.array([0.1, 0.2])),
        (torch.tensor([1 / 3]), torch.tensor([1 / 3], dtype=torch.bfloat16)),
        (torch.tensor([-torch.inf, 1.0]), torch.tensor([-1e9, 1.0])),
        (torch.tensor([torch.nan]), torch.tensor([torch.nan])),
        ({"a": 0.5}, {"a": 0.500001}),
        (True, np.bool_(True)),
    ],
)
def test_sound_alternatives_are_equal(expected, got):
    assert difference(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        (torch.ones(2, 3), torch.ones(3, 2), "expected the shape (2, 3), got (3, 2) (transposed?)"),
        (torch.tensor([-torch.inf]), torch.tensor([0.0]), "at [0]: expected -inf, got 0"),
        (torch.tensor([1.0, -2.0]), torch.tensor([-1.0, 2.0]), "every sign is flipped"),
        (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 6.0]), "every number is 3 times"),
        (torch.eye(2), torch.ones(2, 2), "the future leaks: row 0 looks at column 1"),
        (torch.ones(3, 3).tril() > 0, torch.ones(3, 3) > 0, "the future leaks: row 0 looks at"),
        (torch.tensor([[0.0, 0.0], [2, 1]]), torch.tensor([[0, 2.0], [0, 1]]), "at [0, 1]"),
        (torch.tensor(2.0), torch.tensor([2.0, 1.0]), "is a sum or a mean missing?"),
        (torch.ones(3), torch.zeros(3), "at [0]: expected 1, got 0"),
        ((1, 2), np.ones((2, 2)), "expected a tuple, got an array of shape (2, 2)"),
        (torch.eye(2), torch.tensor([[1, torch.nan], [0, 1]]), "NaN (not a number) at [0, 1]"),
        (torch.ones(2).bool(), torch.ones(2), "got ones and zeros (dtype float)"),
        (torch.ones(2).bool(), torch.ones(2).byte(), "got ones and zeros (dtype int)"),
        (torch.ones(2).bool(), torch.tensor([0, -torch.inf]), "got numbers to add to the scores"),
        (torch.ones(2).bool(), torch.tensor([0, 7]), "(dtype bool), got numbers (dtype int)"),
        (torch.ones(2), torch.ones(2).int(), "got int, whose whole numbers keep no fraction"),
        (torch.ones(2), Remark("by a detour"), "by a detour"),
        ([1, 2, 3], [1, 2], "expected 3 items, got 2 items"),
        ([1, 2], [1, 5, 6], "at index 1: expected 2, got 5 (and 2 items expected, got 3)"),
        ({"a": 1}, {"b": 1}, "the key 'a' is missing"),
        (1, True, "expected an int, got a bool"),
        (3, 3.0, "expected an int, got a float"),
        (0.5, torch.tensor([0.5, 0.5]), "is a sum or a mean missing?"),
        (2.0, -2.0, "the sign is flipped"),
        (2.0, 4.0, "twice what it should be: expected 2, got 4"),
        (0.31718, 0.31722, "expected 0.31718, got 0.31722"),
        (torch.tensor([0.31718]), torch.tensor([0.31722]), "at [0]: expected 0.31718, got 0.31722"),
        ((1.0, 2.0), 1.0, "expected a tuple, got a float"),
        ((1.0, 2.0), torch.ones(1), "expected 2 items, got 1 item"),
        ((torch.ones(2), 2.0), (2.0, 2.0, 3.0), "expected 2 items, got 3 items"),
        (1.0, float("nan"), "expected 1, got nan"),
    ],
)
def test_differences_are_said_in_words(expected, got, said):
    assert said in difference(expected, got).text


def test_show_is_short_and_rounded():
    assert show([0.123456, 1]) == "[0.1235, 1]"
    assert show(torch.ones(5, 7)) == "tensor of shape (5, 7)"
    assert len(show(list(range(100)))) <= 76


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda n: 2.0 * n, "twice what it should be: expected 1, got 2"),
        (lambda n: n + 1.0, "expected 1, got 2"),  # twice as much for one probe, by chance
    ],
)
def test_what_a_result_looks_like_is_said_where_all_results_look_so(answer, said):
    exercise = Exercise(
        id="9.7",
        title="As it is",
        minutes=1,
        stars=1,
        reference=lambda n: float(n),
        probes=[(1,), (3,), (5,)],
        mistakes={},
    )
    text = judge(exercise, answer).diagnosis
    assert said in text
    assert ("twice" in said) == ("twice" in text)
