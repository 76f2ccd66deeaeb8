"""`check`: what a learner's answer is told, and which function the chapter goes on with."""

from __future__ import annotations

import ast
import inspect
import json
import linecache
import os
import textwrap
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import beartype
import jaxtyping

from utils.course.checking import registry
from utils.course.checking.compare import Difference, difference, show
from utils.course.checking.exercise import Answer, Exercise
from utils.course.checking.running import Outcome, run, run_all, timed

NOT_ATTEMPTED, RIGHT, WRONG = "not attempted", "right", "wrong"
RAISED, TIMED_OUT = "raised", "timed out"
GOES_ON = "The chapter goes on with the course's version."


class WrongAnswer(Exception):
    """Raised for a wrong or missing answer where `COURSE_STRICT=1` asks for it."""


@dataclass(frozen=True)
class Verdict:
    """What `judge` found: a status, and for anything but a right answer what to tell."""

    status: str
    diagnosis: str | None = None


def check(id: str, answer: Answer) -> Answer:
    """Check an answer on the exercise's probes, say what was found, return what to go on with.

    Returns `answer` itself where it is right, and the reference where it is missing or wrong, so
    that the chapter runs on. Nothing that the answer does is raised here, except under
    `COURSE_STRICT=1`. Where `COURSE_REPORT` names a file, a line of JSON is appended to it.

    Raises ValueError for an id that no exercise has.
    """
    exercise = registry.exercise(id)
    verdict, seconds = timed(lambda: judge(exercise, answer))
    _report(exercise, verdict, seconds)
    message = _message(exercise, verdict)
    if verdict.status != RIGHT and os.environ.get("COURSE_STRICT") == "1":
        raise WrongAnswer(message)
    print(message)
    return answer if verdict.status == RIGHT else exercise.reference


def _message(exercise: Exercise, verdict: Verdict) -> str:
    if verdict.status == RIGHT:
        return f"✅ {exercise.label}"
    if verdict.status == NOT_ATTEMPTED:
        why = f" ({verdict.diagnosis})" if verdict.diagnosis else ""
        return f"⬜ {exercise.label}: not attempted yet{why}. {GOES_ON}"
    return f"❌ {exercise.label}: {verdict.diagnosis}\n   {GOES_ON}"


def _code_below_the_stub(answer: Answer) -> str | None:
    """A remark for a learner who wrote an answer and left the line that raises above it."""
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(answer))).body
        kinds = [type(statement) for statement in function.body]
    except Exception:  # no source to look at, or not a plain function
        return None
    below = ast.Raise in kinds and kinds[-1] is not ast.Raise
    return "the `raise` line still stands above your code: delete it" if below else None


def _report(exercise: Exercise, verdict: Verdict, seconds: float) -> None:
    path = os.environ.get("COURSE_REPORT")
    if not path:
        return
    line = {"id": exercise.id, "title": exercise.title, **asdict(verdict)}
    with Path(path).open("a", encoding="utf-8") as file:
        # In ASCII: an answer may hold half a character, which UTF-8 cannot write.
        file.write(json.dumps({**line, "seconds": round(seconds, 3)}) + "\n")


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """The verdict on an answer: attempted, finished, of the right kind, and right, in this order.

    A wrong answer whose results are those of a listed mistake on every probe is told that
    mistake's sentence; any other is told the first difference.
    """
    if not callable(answer):
        return Verdict(
            WRONG, f"expected the function itself, got {show(answer)}; pass it without calling it."
        )
    got = run_all(exercise, answer)
    if isinstance(got[0].error, NotImplementedError):
        return Verdict(NOT_ATTEMPTED, _code_below_the_stub(answer))
    expected = [run(exercise, exercise.reference, outcome.args) for outcome in got]
    faults = [_fault(e, g, exercise) for e, g in zip(expected, got, strict=True)]
    if not any(faults):
        return _annotations(exercise, answer)
    return _diagnose(exercise, answer, expected, got, faults)


def _fault(expected: Outcome, got: Outcome, exercise: Exercise) -> Difference | None:
    """How one outcome departs from the expected one, None where it does not."""
    if got.timed_out or expected.timed_out:
        return None if got.timed_out and expected.timed_out else Difference("no result in time")
    if got.error or expected.error:
        if expected.error and isinstance(got.error, type(expected.error)):
            return None
        if isinstance(got.value, BaseException):
            return Difference(f"it returned the {type(got.value).__name__}: raise it instead")
        wanted = f"expected a {type(expected.error).__name__}, " if expected.error else ""
        came = f"got {show(got.value)}" if not got.error else f"it raised {_one_line(got.error)}"
        return Difference(wanted + came)
    found = difference(expected.value, got.value, exercise.rtol, exercise.atol)
    if found:
        return found
    if got.changed_argument is not None and expected.changed_argument is None:
        return Difference("the result is right, but the argument was changed on the way")
    return None


def _diagnose(
    exercise: Exercise,
    answer: Answer,
    expected: list[Outcome],
    got: list[Outcome],
    faults: list[Difference | None],
) -> Verdict:
    first = next(i for i, fault in enumerate(faults) if fault)
    outcome, wanted, fault = got[first], expected[first], faults[first]
    sentence = _named_mistake(exercise, got)
    if outcome.timed_out:
        text = sentence or f"no result after {exercise.timeout:g} s: does a loop ever end?"
        return Verdict(TIMED_OUT, _with_input(text, exercise, answer, outcome))
    if outcome.error and not wanted.error:
        if isinstance(outcome.error, NotImplementedError):
            return Verdict(NOT_ATTEMPTED)
        where = _where(outcome.error, answer)
        lines = [sentence or f"it raised {_one_line(outcome.error)}", *where]
        if sentence:
            lines.append(f"it raised {_one_line(outcome.error)}")
        return Verdict(RAISED, _with_input("\n   ".join(lines), exercise, answer, outcome))
    same = all(each.remark == fault.remark for each in faults if each)
    said = fault.text if same else fault.values  # what looks so once may be chance
    text = sentence or _explanation(exercise, wanted, outcome) or said
    results = "" if wanted.error else _results(wanted.value, outcome.value)
    if fault.text.startswith("the result is right"):
        place = _argument_name(exercise, answer, outcome)
        text = sentence or f"{fault.text}: work on a copy of {place}."
    elif sentence and fault.kind:
        results = f"\n   {fault.text}" + results
    return Verdict(WRONG, _with_input(text, exercise, answer, outcome) + results)


def _named_mistake(exercise: Exercise, got: list[Outcome]) -> str | None:
    """The sentence of the listed mistake that does what the answer did on every probe."""
    for sentence, wrong in exercise.mistakes.items():
        for outcome in got:
            theirs = run(exercise, wrong, outcome.args)
            same_change = theirs.changed_argument == outcome.changed_argument
            if _fault(theirs, outcome, exercise) or not same_change:
                break
        else:
            return sentence
    return None


def _explanation(exercise: Exercise, expected: Outcome, got: Outcome) -> str | None:
    """What the exercise itself has to say, or the first named part that departs."""
    if expected.error or got.error:
        return None
    if exercise.explain:
        try:
            said = exercise.explain(got.args, expected.value, got.value)
        except Exception:  # a result of another kind than `explain` was written for
            said = None
        if said:
            return said
    pairs = zip(exercise.parts, _members(expected.value), _members(got.value), strict=False)
    for name, e, g in pairs:
        found = difference(e, g, exercise.rtol, exercise.atol)
        if found:
            return f"the first part that departs is `{name}`: {found.text}"
    return None


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, tuple | list) else []


def _with_input(text: str, exercise: Exercise, answer: Answer, outcome: Outcome) -> str:
    arguments = ", ".join(show(value, 60) for value in outcome.args)
    name = getattr(exercise.reference, "__name__", "answer")
    name = getattr(answer, "__name__", name) if name == "<lambda>" else name
    lines = f"{text}\n   for {name}({arguments})"
    if outcome.printed.strip():
        lines += f"\n   your code printed: {show(outcome.printed.strip().splitlines()[0])}"
    return lines


def _results(expected: Any, got: Any) -> str:
    return f"\n   expected: {show(expected)}\n   got:      {show(got)}"


def _argument_name(exercise: Exercise, answer: Answer, outcome: Outcome) -> str:
    try:
        names = list(inspect.signature(exercise.reference).parameters)
        return f"`{names[outcome.changed_argument]}`"
    except (IndexError, TypeError, ValueError):
        return "the argument"


def _one_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _where(error: BaseException, answer: Answer) -> list[str]:
    """The line of the learner's own code in which an error arose, as one line of text or none."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    own = getattr(code, "co_filename", None)
    frames = traceback.extract_tb(error.__traceback__)
    mine = [f for f in frames if f.filename == own or "ipykernel" in f.filename]
    if not mine:
        return []
    frame = mine[-1]
    source = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return [f"in line {frame.lineno} of your cell: {source}"]


def _annotations(exercise: Exercise, answer: Answer) -> Verdict:
    """A right answer whose jaxtyping annotations hold is right; one that lies is told so."""
    try:
        hints = inspect.get_annotations(answer, eval_str=True)
    except Exception:  # annotations that name something unknown are no fault of the answer's
        hints = {}
    if not any(hasattr(hint, "dim_str") for hint in hints.values()):
        return Verdict(RIGHT)
    typed = jaxtyping.jaxtyped(answer, typechecker=beartype.beartype)
    for args in exercise.probes[:3]:
        outcome = run(exercise, typed, args)
        if isinstance(outcome.error, jaxtyping.TypeCheckError):
            shapes = {name: getattr(hint, "__name__", hint) for name, hint in hints.items()}
            said = f"the result is right, but it breaks its own annotation: {shapes}"
            return Verdict(WRONG, _with_input(said, exercise, answer, outcome))
    return Verdict(RIGHT)
