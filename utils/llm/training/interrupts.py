"""Ctrl-C that waits for the end of a step, so that no weight is left half changed.

A batch system's SIGTERM is heard as Ctrl-C is, and the SIGHUP of a terminal that was closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Asked:
    """Whether somebody has asked for the end; true after the first signal."""

    def __init__(self) -> None:
        self.stop = False

    def __bool__(self) -> bool:
        return self.stop


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Asked]:
    """In this block the first Ctrl-C only sets a flag; a second one interrupts at once.

    So do SIGTERM, and SIGHUP where it is not ignored (as under nohup).

    Signals reach Python's main thread alone, so in another thread there is nothing to defer.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            _speak_to_nobody()
        if asked:
            raise KeyboardInterrupt
        asked.stop = True

    before = {}
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _speak_to_nobody() -> None:
    """The terminal is gone: what is still said must not end the training."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if os.isatty(stream.fileno()):
                os.dup2(nothing, stream.fileno())
    os.close(nothing)
