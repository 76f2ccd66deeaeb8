"""Run somebody's answer on one input: copied arguments, a time limit, nothing leaking out."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Answer, Exercise


class OutOfTime(BaseException):
    """Raised inside an answer that runs too long; not an Exception, so that few catch it."""


@dataclass
class Outcome:
    """What one call of an answer came to: a value, an error, or neither in time."""

    args: tuple[Any, ...]
    value: Any = None
    error: BaseException | None = None
    timed_out: bool = False
    changed_argument: int | None = None
    printed: str = ""


class _Notes(io.StringIO):
    """Keeps the first of what an answer prints, so that an endless loop cannot fill memory."""

    def write(self, text: str) -> int:
        if self.tell() < 2_000:
            super().write(text)
        return len(text)


def _interrupt(thread_id: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), ctypes.py_object(OutOfTime)
    )


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block once `seconds` have passed, and again until it gives in.

    A POSIX main thread uses the alarm signal, which also ends a sleep. Anywhere else a second
    thread plants the exception, which takes effect at the next line of Python.
    """
    on_main = threading.current_thread() is threading.main_thread()
    if hasattr(signal, "setitimer") and on_main:

        def ring(signum: int, frame: object) -> None:
            raise OutOfTime

        previous = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        return

    timer = threading.Timer(seconds, _interrupt, [threading.get_ident()])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _own_randomness() -> Iterator[None]:
    """Seed every generator for the block, and put the caller's states back after it."""
    python, arrays = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        random.seed(0), np.random.seed(0), torch.manual_seed(0)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)


def run(
    exercise: Exercise, answer: Answer, args: tuple[Any, ...], seconds: float | None = None
) -> Outcome:
    """Call `answer` on a deep copy of `args`, for at most `seconds`."""
    given, notes = copy.deepcopy(args), _Notes()
    outcome = Outcome(args)
    try:
        with (
            time_limit(exercise.timeout if seconds is None else max(seconds, 0.01)),
            _own_randomness(),
            contextlib.redirect_stdout(notes),
        ):
            outcome.value = exercise.call(answer, *given)
    except OutOfTime:
        outcome.timed_out = True
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        outcome.error = error
    outcome.printed = notes.getvalue()
    outcome.changed_argument = next(
        (i for i, (a, b) in enumerate(zip(args, given, strict=True)) if _changed(a, b)),
        None,
    )
    return outcome


def _changed(before: Any, after: Any) -> bool:
    """Whether an argument was changed; what equals nothing but itself tells nothing by its copy."""
    return type(before).__eq__ is not object.__eq__ and bool(difference(before, after, 0, 0))


def run_all(exercise: Exercise, answer: Answer) -> list[Outcome]:
    """The outcomes of `answer` on every probe, up to the first that runs out of time."""
    outcomes: list[Outcome] = []
    ends = time.monotonic() + exercise.timeout
    for args in exercise.probes:
        outcomes.append(run(exercise, answer, args, ends - time.monotonic()))
        if outcomes[-1].timed_out:
            break
    return outcomes


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `action()` and the seconds it took."""
    start = time.perf_counter()
    return action(), time.perf_counter() - start
