"""Run somebody's answer on one input: copied arguments, a time limit, nothing leaking out."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Answer, Exercise
from utils.course.checking.limits import OutOfTime, time_limit
from utils.course.checking.state import own_randomness
from utils.course.checking.tensors import is_data

__all__ = ["Call", "OutOfTime", "Outcome", "guarded", "run", "run_all", "time_limit", "timed"]

NOT_AGAIN = (
    "Called twice with the same arguments, your function gives two results: something is kept from "
    "call to call (a name outside of it, a list or dict as a default), or left to chance."
)
AGAIN = 0.5  # seconds for a second call, which is made only to compare it with the first
GRACE = 0.5  # seconds after which a limit that does without signals ends what ignores them


@dataclass
class Call:
    """One call of the answer by itself: an exercise's `call` may make several, or change them."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any = None
    error: BaseException | None = None


@dataclass
class Outcome:
    """What one probe of an answer came to: a value, an error, or neither in time."""

    args: tuple[Any, ...]
    value: Any = None
    error: BaseException | None = None
    timed_out: bool = False
    changed_argument: int | None = None
    printed: str = ""
    length: int | None = None  # of a list, a dict or a set, as it came back
    calls: list[Call] = field(default_factory=list)

    @property
    def failed_outside(self) -> bool:
        """Whether the error arose not in the answer but in what the check did with its result."""
        return bool(self.calls) and not any(call.error is self.error for call in self.calls)


class _Notes(io.StringIO):
    """Keeps the first of what an answer prints, so that an endless loop cannot fill memory."""

    def write(self, text: str) -> int:
        if self.tell() < 2_000:
            super().write(text)
        return len(text)


def guarded(action: Callable[[], Any], seconds: float) -> tuple[Any, BaseException | None, str]:
    """The value of `action()`, or its error, which is OutOfTime past `seconds`; what it printed."""
    notes, value, error = _Notes(), None, None
    limit = time_limit(seconds)
    with contextlib.redirect_stdout(notes), contextlib.redirect_stderr(_Notes()):
        try:
            with limit:
                value = action()
        except KeyboardInterrupt:
            raise
        except BaseException as raised:
            error = raised
        finally:
            limit.lift()
    return value, error, notes.getvalue()


def run(
    exercise: Exercise,
    answer: Answer,
    args: tuple[Any, ...],
    seconds: float | None = None,
    copies: bool = False,
) -> Outcome:
    """Call `answer` on a deep copy of `args`, for at most `seconds`.

    With `copies`, the arguments of each call are noted as they were before it.
    """
    given, outcome = copy.deepcopy(args), Outcome(args)
    seconds = exercise.timeout if seconds is None else max(seconds, 0.01)
    began = time.monotonic()
    with own_randomness():
        answer = _noted(answer, outcome.calls, copies)
        value, error, outcome.printed = guarded(lambda: exercise.call(answer, *given), seconds)
    outcome.timed_out = isinstance(error, OutOfTime)
    outcome.value, outcome.error = value, None if outcome.timed_out else error
    outcome.length = len(value) if type(value) in (list, dict, set) else None
    left = max(seconds - (time.monotonic() - began), 0.5)
    outcome.changed_argument = guarded(lambda: _first_changed(args, given), left)[0]
    return outcome


def _noted(answer: Answer, calls: list[Call], copies: bool) -> Answer:
    """The answer, with a note of each call and its result; a class or a module as it is."""
    if isinstance(answer, type | nn.Module) or not callable(answer):
        return answer

    def noted(*args: Any, **kwargs: Any) -> Any:
        call = Call(*copy.deepcopy((args, kwargs))) if copies else Call(args, kwargs)
        calls.append(call)
        del calls[:-20]  # an exercise that calls in a loop keeps no memory
        try:
            call.value = answer(*args, **kwargs)
        except BaseException as error:
            call.error = error
            raise
        return call.value

    with contextlib.suppress(Exception):
        return functools.wraps(answer)(noted)
    return noted


def _first_changed(before: tuple[Any, ...], after: tuple[Any, ...]) -> int | None:
    pairs = enumerate(zip(before, after, strict=True))
    return next((i for i, (a, b) in pairs if _changed(a, b)), None)


def _changed(before: Any, after: Any) -> bool:
    """Whether an argument was changed; what equals nothing but itself tells nothing by its copy."""
    if isinstance(before, list | tuple) and len(before) == len(after):
        return any(map(_changed, before, after))
    if isinstance(before, dict) and before.keys() == after.keys():
        return any(_changed(before[key], after[key]) for key in before)
    if isinstance(before, Tensor) and before.dtype == after.dtype and torch.equal(before, after):
        return False  # as `difference` would find, ten times as fast
    return type(before).__eq__ is not object.__eq__ and bool(difference(before, after, 0, 0))


def compared_values(expected: Outcome, got: Outcome) -> tuple[Any, Any]:
    """The two values to compare and to show: what an exercise's `call` has made of the results.

    Where it could make nothing of the answer's and has handed it through, the reference's result
    stands beside it as the reference returned it: nobody but the check knows what is made of it.
    """
    if len(expected.calls) == len(got.calls) == 1 and got.value is got.calls[0].value:
        returned = expected.calls[0].value
        found = returned is not expected.value and difference(expected.value, got.value)
        if found and found.kind and difference(returned, got.value):
            return returned, got.value
    return expected.value, got.value


def run_all(exercise: Exercise, answer: Answer) -> list[Outcome]:
    """The outcomes of `answer` on every probe, up to the first that runs out of time."""
    outcomes: list[Outcome] = []
    total = time_limit(exercise.timeout + GRACE, alarm=False)
    try:
        with total:
            for args in exercise.probes:
                ends = total.deadline - GRACE
                outcomes.append(run(exercise, answer, args, ends - time.monotonic()))
                if outcomes[-1].timed_out:
                    break
    except OutOfTime:  # raised between two probes
        total.lift()
        outcomes = outcomes or [Outcome(exercise.probes[0])]
        outcomes[-1].timed_out = True
    return outcomes


def differs_again(exercise: Exercise, answer: Answer, before: Outcome) -> bool:
    """Whether a second call with the arguments of `before` plainly gives another result.

    A list that has grown since it came back is one that all calls share.
    """

    def differs() -> bool:
        if before.error or before.timed_out or not is_data(before.value):
            return False
        if before.length is not None and len(before.value) != before.length:
            return True
        value = copy.deepcopy(before.value)  # a call may change what an earlier one has returned
        again = run(exercise, answer, before.args, AGAIN)
        if again.error or again.timed_out or not is_data(again.value):
            return False
        return bool(difference(value, again.value, exercise.rtol, exercise.atol))

    return guarded(differs, exercise.timeout)[0] is True


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `action()` and the seconds it took."""
    start = time.perf_counter()
    return action(), time.perf_counter() - start
