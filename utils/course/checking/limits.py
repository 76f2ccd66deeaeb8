"""A limit on the seconds that somebody's code may take."""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

AGAIN = 0.1  # seconds until code that caught OutOfTime is told again


class OutOfTime(BaseException):
    """Raised inside an answer that runs too long; not an Exception, so that few catch it."""


class time_limit:
    """Raise OutOfTime in the block once `seconds` have passed, and again until it gives in.

    A POSIX main thread uses the alarm signal, which also ends a sleep. Anywhere else, and with
    `alarm=False`, a second thread plants the exception, which takes effect at the next line of
    Python. Nothing is raised while the limit itself is being lifted, so it should be the innermost
    of several contexts: theirs are then left in order. Limits nest. What torch loads when it is
    first needed does not count.
    """

    def __init__(self, seconds: float, alarm: bool = True) -> None:
        self.seconds = max(seconds, 0.001)
        on_main = threading.current_thread() is threading.main_thread()
        self.by_signal = alarm and on_main and hasattr(signal, "setitimer")
        self.over, self.paused, self.rings = False, False, 0
        self.lock, self.lifted = threading.Lock(), threading.Event()

    def __enter__(self) -> None:
        self.deadline = time.monotonic() + self.seconds
        self.frame, self.tracing = sys._getframe(1), sys.gettrace()
        self.outer_import = builtins.__import__
        if self.by_signal:
            self.previous = signal.getsignal(signal.SIGALRM)
        _limits().append(self)
        builtins.__import__ = _import
        if self.by_signal:
            signal.signal(signal.SIGALRM, self._ring)
            self._arm()
        else:
            self.thread = threading.get_ident()
            threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, *error: object) -> None:
        self.over = True
        try:
            self.lift()
        except OutOfTime:  # an outer limit's, planted a moment ago
            self.lift()
            raise

    def lift(self) -> None:
        """Lift the limit, and any within it that an outer one's OutOfTime kept from being lifted.

        To be called once more where a limit may end by OutOfTime of another thread's planting,
        which can strike on the way into `__exit__`.
        """
        limits = _limits()
        while self in limits:
            limits[-1].over = True
            limits[-1]._put_back(limits[:-1])
            limits.pop()

    def _put_back(self, outer: list[time_limit]) -> None:
        builtins.__import__ = self.outer_import
        if not self.by_signal:
            with self.lock:  # nothing is planted from here on
                self.lifted.set()
            _take_what_was_planted(self.rings)
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.previous)
        if self.rings > 2:
            sys.settrace(self.tracing)
        if outer:
            outer[-1]._arm()

    def _arm(self) -> None:
        if self.by_signal and not self.paused:
            ends = min(limit.deadline for limit in _limits() if limit.by_signal)
            signal.setitimer(signal.ITIMER_REAL, max(ends - time.monotonic(), 0.001))

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        if self.over or frame is None:
            return
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        if frame.f_code in _OWN:
            return
        self.rings += 1
        if self.rings > 2:
            self._raise_at_next_line(frame)
        raise OutOfTime

    def _raise_at_next_line(self, frame: FrameType | None) -> None:
        """End a loop that catches everything: raise where it catches, too.

        Not on the way there, when an exception is told: a tracer that raises is taken off.
        """

        def trace(frame: FrameType, event: str, arg: Any) -> Any:
            if event != "exception" and not self.over and frame.f_code not in _OWN:
                raise OutOfTime
            return trace

        sys.settrace(trace)
        while frame is not None and frame is not self.frame:
            frame.f_trace = trace
            frame = frame.f_back

    def _watch(self) -> None:
        wait = self.seconds
        while not self.lifted.wait(wait):
            with self.lock:
                wait = AGAIN if self.paused else self.deadline - time.monotonic()
                if self.lifted.is_set() or wait > 0:
                    continue
                wait = AGAIN
                frame = sys._current_frames().get(self.thread)
                if frame is not None and frame.f_code not in _OWN:
                    self.rings += 1
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self.thread), ctypes.py_object(OutOfTime)
                    )


_OWN = {function.__code__ for function in (time_limit.__enter__, time_limit.__exit__)}
_local = threading.local()


def _limits() -> list[time_limit]:
    """The limits that this thread's code runs under, outermost first."""
    if not hasattr(_local, "limits"):
        _local.limits = []
    return _local.limits


def _take_what_was_planted(n: int) -> None:
    """Let an exception that another thread has planted, and that still waits, be raised here."""
    for _ in range(n):
        with contextlib.suppress(OutOfTime):
            for _ in range(100):  # it is raised where a loop turns back
                pass


@contextlib.contextmanager
def _paused() -> Iterator[None]:
    """Stop the clock of every limit of this thread."""
    limits = [limit for limit in _limits() if not limit.paused]
    began = time.monotonic()
    for limit in limits:
        limit.paused = True
    if any(limit.by_signal for limit in limits):
        signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        for limit in limits:
            limit.deadline += time.monotonic() - began
            limit.paused = False
        for limit in limits[-1:]:
            limit._arm()


_python_import = builtins.__import__


def _import(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> Any:
    """`import` with the clock stopped while torch loads what it first needs now."""
    package = (globals or {}).get("__package__") or "" if level else name
    if package.partition(".")[0] != "torch" or not _limits():
        return _python_import(name, globals, locals, fromlist, level)
    with _paused():
        return _python_import(name, globals, locals, fromlist, level)
