"""Every exercise of the course is held to the same promises."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from helpers.signatures import LONG, under_the_notebooks_signature

from utils.course.checking import registry
from utils.course.checking.check import NOT_ATTEMPTED, RIGHT, TIMED_OUT, check, examine, judge
from utils.course.checking.exercise import Exercise
from utils.course.checking.running import run

EXERCISES = list(registry.exercises().values())
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)


def _timed(exercise: Exercise, *others: Any) -> Any:
    """Parameters of a test, which is slow where the exercise's answers are."""
    return pytest.param(exercise, *others, marks=[pytest.mark.slow] * (exercise.id in LONG))


def stub(*args: Any) -> None:
    raise NotImplementedError("Exercise 0.0: your turn")


def piece_of_work() -> None:
    """Some 12 ms of Python and of small tensors: the measure that a machine sets for itself."""
    x = torch.ones(40, 40)
    for _ in range(2000):
        x = x + 1
    sum(i * i for i in range(50_000))


def seconds(action: Callable[[], Any]) -> float:
    """The seconds of this process alone, on one thread: others wait for each other by spinning."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = time.process_time()
    action()
    spent = time.process_time() - start
    torch.set_num_threads(threads)
    return spent


def disturb(value: Any) -> Any:
    """The same kind of value, a little wrong at its last place."""
    if isinstance(value, torch.Tensor):
        changed = value.detach().clone()
        if value.dtype == torch.bool and changed.numel():
            changed.view(-1)[-1] ^= True
        elif changed.numel():
            changed.view(-1)[-1] += 1 if not value.is_floating_point() else 0.05
        return changed
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1 if isinstance(value, int) else value + 0.05 * (1 + abs(value))
    if isinstance(value, dict):
        return {**value, "never": 1} if not value else {**value, [*value][-1]: -1}
    if isinstance(value, tuple | list):
        return [*value[:-1], disturb(value[-1])] if len(value) else [0]
    if isinstance(value, str | bytes):
        return value + value[-1:] if value else value + type(value)(b"x" if value == b"" else "x")
    return object()


def other_answers(exercise: Exercise) -> dict[str, Callable[..., Any]]:
    """Answers that nobody should get a tick for."""
    reference, first = exercise.reference, exercise.probes[0]

    def disturbed(*args: Any) -> Any:
        return disturb(reference(*args))

    def only_small(*args: Any) -> Any:
        value = reference(*args)
        return value if _size(args) < max(map(_size, exercise.probes)) else disturb(value)

    answers = {
        "returns nothing": lambda *args: None,
        "returns its argument": lambda *args: args[0],
        "returns a string": lambda *args: "answer",
        "returns an object": lambda *args: object(),
        "returns the first probe's result": lambda *args: reference(*copy.deepcopy(first)),
        "raises": lambda *args: 1 / 0,
        "takes no argument": lambda: None,
        "exits": lambda *args: exit(),
    }
    if exercise.call is Exercise.call:
        answers |= {"is off at the last place": disturbed, "fails on the largest": only_small}
    return answers


def _size(args: tuple[Any, ...]) -> int:
    return len(repr(args))


@every_exercise
def test_it_is_described_for_a_learner(exercise: Exercise) -> None:
    assert 1 <= exercise.stars <= 3
    assert 1 <= exercise.minutes <= 30
    assert len(exercise.probes) >= 3
    assert len(exercise.mistakes) >= 3
    assert exercise.alternatives, "an exercise lists a sound answer of another kind"
    for sentence in exercise.mistakes:
        assert sentence.endswith((".", "?")), sentence


@every_exercise
def test_the_reference_passes_within_the_budget(
    exercise: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(exercise.id, exercise.reference) is exercise.reference
    assert capsys.readouterr().out == f"✅ {exercise.id} {exercise.title}\n"

    # The slowest takes 8 pieces; 40 are the half second of a budget, on a processor of two cores.
    def fits() -> bool:
        spent = seconds(lambda: judge(exercise, exercise.reference))
        return spent < 40 * seconds(piece_of_work)

    assert any(fits() for _ in range(3))


@every_exercise
def test_the_stub_reads_as_not_attempted(
    exercise: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(exercise, stub).status == NOT_ATTEMPTED
    assert check(exercise.id, stub) is exercise.reference
    assert capsys.readouterr().out.startswith(f"⬜ {exercise.label}: not attempted yet.")


@pytest.mark.parametrize("exercise", [_timed(e) for e in EXERCISES], ids=lambda e: e.id)
def test_sound_alternatives_pass_and_are_handed_on_fit_for_the_chapter(exercise: Exercise) -> None:
    for name, alternative in exercise.alternatives.items():
        answer = under_the_notebooks_signature(exercise.id, alternative)
        judged = examine(exercise, answer)
        assert judged.verdict.status == RIGHT, f"{name}: {judged.verdict.diagnosis}"
        for args in exercise.probes:
            expected = run(exercise, exercise.reference, args)
            got = run(exercise, judged.goes_on, args)
            for theirs, ours in zip(expected.calls, got.calls, strict=False):
                if theirs.error is None:
                    assert kind(theirs.value) == kind(ours.value), name


def kind(value: Any) -> Any:
    """What a chapter relies on beside the numbers: classes, and the dtypes of tensors."""
    if isinstance(value, torch.Tensor):
        return torch.Tensor, value.dtype
    if type(value) in (tuple, list):
        return type(value), [kind(item) for item in value]
    return Callable if callable(value) else type(value)


@pytest.mark.parametrize(
    ("exercise", "sentence"),
    [_timed(e, sentence) for e in EXERCISES for sentence in e.mistakes],
    ids=lambda value: value.id if isinstance(value, Exercise) else value[:40],
)
def test_a_named_mistake_is_told_its_own_sentence(exercise: Exercise, sentence: str) -> None:
    verdict = judge(exercise, exercise.mistakes[sentence])
    assert verdict.status not in (RIGHT, NOT_ATTEMPTED)
    assert (verdict.diagnosis or "").startswith(sentence)


@every_exercise
@pytest.mark.slow
def test_nothing_else_passes(exercise: Exercise, capsys: pytest.CaptureFixture[str]) -> None:
    for name, answer in other_answers(exercise).items():
        verdict = judge(exercise, answer)
        assert verdict.status not in (RIGHT, NOT_ATTEMPTED), name
        assert verdict.diagnosis, name
        assert not any(s == verdict.diagnosis.split("\n")[0] for s in exercise.mistakes), name
    chapter = exercise.id.split(".")[0] + "."
    others = [e for e in EXERCISES if e.id.startswith(chapter) and e.id != exercise.id]
    silent = replace(exercise, mistakes={}, together={}, explain=None)  # only whether it falls
    for other in others:
        assert judge(silent, other.reference).status != RIGHT, other.label


def test_one_exercise_that_never_ends_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    def endless(*args: Any) -> None:
        while True:
            pass

    exercise = replace(EXERCISES[0], timeout=0.3)
    verdict = judge(exercise, endless)
    assert verdict.status == TIMED_OUT
    assert "does a loop ever end?" in (verdict.diagnosis or "")
