"""Which parts are at work while a model writes: how often and how long, and which one fails."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Watch", "at_work"]

Answer = Callable[..., Any]
_WIDTH = 8  # bytes of a part's id in the file


class Watch:
    """Stands around parts: `calls` and `seconds` by id, a part's seconds without those it calls.

    An error that passes a part for the first time gets its id as `part`. Where `path` names a file,
    it holds the id of the part at work, for whoever finds the process dead.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self._stack: list[tuple[str, float]] = []
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT)

    def over(self, id: str, answer: Answer) -> Answer:
        """The answer, watched."""

        def watched(*args: Any, **settings: Any) -> Any:
            self.calls[id] += 1
            self._turn(id)
            try:
                return answer(*args, **settings)
            except BaseException as error:
                if not hasattr(error, "part"):
                    error.part = id
                raise
            finally:
                self._turn(None)

        watched.__name__ = getattr(answer, "__name__", id)
        return watched

    def over_all(self, space: dict[str, Any], names: Mapping[str, str]) -> None:
        """Watch answers under every name that they have in a program's space."""
        for id, name in names.items():
            answer = space[name]
            watched = self.over(id, answer)
            space.update({key: watched for key, value in space.items() if value is answer})

    def slowest(self) -> str | None:
        """The part that took the most seconds of its own."""
        return max(self.seconds, key=self.seconds.__getitem__, default=None)

    def _turn(self, id: str | None) -> None:
        """A part begins, or the one at work ends."""
        now = time.perf_counter()
        if self._stack:
            before, since = self._stack[-1]
            self.seconds[before] += now - since
        if id is None:
            self._stack.pop()
            if self._stack:
                self._stack[-1] = (self._stack[-1][0], now)
        else:
            self._stack.append((id, now))
        if self._file is not None:
            name = self._stack[-1][0] if self._stack else ""
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, name.ljust(_WIDTH).encode())


def at_work(path: Path) -> str | None:
    """The part that was at work when the process of a `Watch` ended."""
    return path.read_text(encoding="utf-8").strip() or None if path.exists() else None
