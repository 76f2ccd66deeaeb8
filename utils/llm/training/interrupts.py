"""Ctrl-C that waits for the end of a step, so that no weight is left half changed."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Asked:
    """Whether somebody has asked for the end; true after the first Ctrl-C."""

    def __init__(self) -> None:
        self.stop = False

    def __bool__(self) -> bool:
        return self.stop


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Asked]:
    """In this block the first Ctrl-C only sets a flag; a second one interrupts at once.

    Signals reach Python's main thread alone, so in another thread there is nothing to defer.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.stop = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
