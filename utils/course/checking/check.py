"""`check`: what a learner's answer is told, and which function the chapter goes on with."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from utils.course.checking import registry, reporting
from utils.course.checking.case import case, forget, remember
from utils.course.checking.diagnose import Findings, compared, named, told, told_briefly
from utils.course.checking.exercise import Answer, Exercise
from utils.course.checking.kinds import handed_on
from utils.course.checking.own_code import has_code_below_the_stub, is_stub
from utils.course.checking.running import guarded, run_all, timed
from utils.course.checking.show import show
from utils.course.checking.state import kept_state

NOT_ATTEMPTED, RIGHT, WRONG = "not attempted", "right", "wrong"
RAISED, TIMED_OUT = "raised", "timed out"
GOES_ON = "The chapter goes on with the course's version."
BELOW_THE_STUB = "the `raise` line still stands above your code: delete it"


class WrongAnswer(Exception):
    """Raised for a wrong or missing answer where `COURSE_STRICT=1` asks for it."""


@dataclass(frozen=True)
class Verdict:
    """What `judge` found: a status, and for anything but a right answer what to tell."""

    status: str
    diagnosis: str | None = None


@dataclass(frozen=True)
class Judged:
    """A verdict, the function to go on with, and a word on how it differs from the answer."""

    verdict: Verdict
    goes_on: Answer
    remark: str = ""


_last: dict[str, Verdict] = {}


def check(id: str, answer: Answer) -> Answer:
    """Check an answer on the exercise's probes, say what was found, return what to go on with.

    Returns `answer` where it is right (in a function that hands its results on in the reference's
    kind, where they are of another), and the reference where it is missing or wrong, so that the
    chapter runs on. Nothing that the answer does is raised here, except under `COURSE_STRICT=1`.
    Where `COURSE_REPORT` names a file, a line of JSON is appended to it. After a wrong answer,
    `check.case(id)` gives the input on which it failed.

    Raises ValueError for an id that no exercise has.
    """
    exercise = registry.exercise(id)
    judged, seconds = timed(lambda: examine(exercise, answer))
    _last[exercise.id] = judged.verdict
    _report(exercise, judged.verdict, seconds)
    message = _message(exercise, judged)
    if judged.verdict.status != RIGHT and os.environ.get("COURSE_STRICT") == "1":
        raise WrongAnswer(message)
    print(message)
    return judged.goes_on


def require(id: str) -> None:
    """Raise WrongAnswer unless the exercise's last answer was right: a grade in one line."""
    verdict = _last.get(id)
    if verdict is None or verdict.status != RIGHT:
        raise WrongAnswer(f"{id}: {verdict.status if verdict else 'its check did not run'}")


check.case, check.require = case, require


def _message(exercise: Exercise, judged: Judged) -> str:
    verdict = judged.verdict
    if verdict.status == RIGHT:
        remark = f" ({judged.remark})" if judged.remark else ""
        return f"✅ {exercise.label}{remark}"
    if verdict.status == NOT_ATTEMPTED:
        why = f" ({verdict.diagnosis})" if verdict.diagnosis else ""
        return f"⬜ {exercise.label}: not attempted yet{why}. {GOES_ON}"
    return f"❌ {exercise.label}: {verdict.diagnosis}\n   {GOES_ON}"


def _report(exercise: Exercise, verdict: Verdict, seconds: float) -> None:
    line = {"id": exercise.id, "title": exercise.title, "seconds": round(seconds, 3)}
    reporting.report(line | _sealed(verdict))


def _sealed(verdict: Verdict) -> dict[str, Any]:
    """A verdict, and which function of the checks is no more what it was when they were loaded."""
    return asdict(verdict) | {"changed": reporting.broken(_SEALED)}


def judge_sealed(id: str, answer: Any) -> dict[str, Any]:
    """The verdict on an answer as plain data, with what stands in a judge's place in `changed`."""
    return _sealed(judge(registry.exercise(id), answer))


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """The verdict on an answer: attempted, finished, of the right kind, and right, in this order.

    A wrong answer whose results are those of a listed mistake on every probe is told that
    mistake's sentence; any other is told the first difference.
    """
    return examine(exercise, answer).verdict


def examine(exercise: Exercise, answer: Any) -> Judged:
    """The verdict on an answer, and what to go on with: the reference unless it is right."""
    forget(exercise)
    if not callable(answer):
        shown = guarded(lambda: show(answer), exercise.timeout)[0]
        return _wrong(exercise, WRONG, f"expected the function itself, got {shown}; {_UNCALLED}")
    with kept_state():  # so that nothing replaced by the answer has a say in the comparison
        got = run_all(exercise, answer)
    if is_stub(got[0].error, answer):
        below = BELOW_THE_STUB if has_code_below_the_stub(answer) else None
        return _wrong(exercise, NOT_ATTEMPTED, below)
    with kept_state():
        found = compared(exercise, answer, got)
        if any(found.faults):
            return _wrong(exercise, _status(found), _diagnosis(found))
        handed, error, _ = guarded(
            lambda: handed_on(exercise, answer, found.expected, got), exercise.timeout
        )
    return Judged(Verdict(RIGHT), *((answer,) if error else handed))


_UNCALLED = "pass it without calling it."


def _wrong(exercise: Exercise, status: str, diagnosis: str | None) -> Judged:
    return Judged(Verdict(status, diagnosis), exercise.reference)


def _status(found: Findings) -> str:
    outcome, wanted = found.got[found.first], found.expected[found.first]
    remember(found.exercise, found.answer, wanted, outcome)
    if outcome.timed_out:
        return TIMED_OUT
    return RAISED if outcome.error and not wanted.error else WRONG


def _diagnosis(found: Findings) -> str:
    """What to tell; looking at a result may raise, hang or print, as anything of an answer's."""
    sentence, seconds = named(found), found.exercise.timeout
    said, error, _ = guarded(lambda: told(found, sentence), seconds)
    if error:
        said, error, _ = guarded(lambda: told_briefly(found), seconds)
    return "what it returns can't be looked at." if error else said


# The checks as they were loaded: a notebook that puts something else in their place is told of.
_SEALED = reporting.seal(__package__)
