"""The input on which an answer failed, to look into it: `case = check.case("4.6")`."""

from __future__ import annotations

import copy
from typing import Any

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Answer, Exercise
from utils.course.checking.running import Call, Outcome, run
from utils.course.checking.show import show
from utils.course.checking.state import kept_state


class Case:
    """One call that went wrong.

    `args` are the arguments, copied anew each time they are asked for, `expected` is what the
    reference makes of them (an exception where it raises one), `got` what the answer made of
    them. `answer` is the learner's own function, which goes by its own name, too:
    `case.rotate(*case.args)`.
    """

    def __init__(
        self, label: str, answer: Answer, args: tuple[Any, ...], expected: Any, got: Any
    ) -> None:
        self.label, self.answer, self._args = label, answer, args
        self.expected, self.got = expected, got
        self._name = getattr(answer, "__name__", "answer")

    @property
    def args(self) -> tuple[Any, ...]:
        """The arguments of the call, fresh: whatever was done to the last copy."""
        return copy.deepcopy(self._args)

    def __getattr__(self, name: str) -> Answer:
        if not name.startswith("_") and name == self._name:
            return self.answer
        raise AttributeError(f"a case has args, expected, got, answer and {self._name}")

    def __repr__(self) -> str:
        call = f"{self._name}({', '.join(show(value, 60) for value in self._args)})"
        said = f"expected {show(self.expected)}, got {show(self.got)}"
        return f"<case of {self.label}: {call}, {said}>"


_failed: dict[str, tuple[Exercise, Answer, Outcome, Outcome]] = {}


def remember(exercise: Exercise, answer: Answer, expected: Outcome, got: Outcome) -> None:
    """Keep the probe on which an answer to this exercise failed last."""
    _failed[exercise.id] = exercise, answer, expected, got


def forget(exercise: Exercise) -> None:
    """The answer to this exercise fails no more, or there is none."""
    _failed.pop(exercise.id, None)


def case(id: str) -> Case:
    """The first input on which the last answer to this exercise failed, smallest first.

    Raises ValueError where no answer to it failed in its last check.
    """
    if id not in _failed:
        known = f"; one failed for {', '.join(_failed)}" if _failed else ""
        raise ValueError(f"no answer to {id!r} failed when it was last checked{known}")
    exercise, answer, expected, got = _failed[id]
    args, wanted, came = got.args, _result(expected), _result(got)
    if exercise.call is not Exercise.call:
        args, wanted, came = _own_call(exercise, answer, got.args) or (args, wanted, came)
    name = exercise.label
    return Case(name, answer, args, wanted, came)


def _own_call(
    exercise: Exercise, answer: Answer, args: tuple[Any, ...]
) -> tuple[tuple[Any, ...], Any, Any] | None:
    """The call of the answer itself, where an exercise does more than to call it."""
    with kept_state():
        theirs = run(exercise, exercise.reference, args, copies=True).calls
        ours = run(exercise, answer, args, copies=True).calls
    for expected, got in zip(theirs, ours, strict=False):
        wanted, came = _result(expected), _result(got)
        if got.error or difference(wanted, came, exercise.rtol, exercise.atol):
            return got.args, wanted, came
    return None


def _result(outcome: Outcome | Call) -> Any:
    return outcome.value if outcome.error is None else outcome.error
