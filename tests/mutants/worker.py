"""The process in which answers are tried: one may hang or end it, and the next gets a new one.

It reads an order a line as JSON, and writes a line of JSON for each, what came of it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from mutants.answers import build
from mutants.cases import load
from mutants.trial import KILLED, Trial, attempt

PATIENCE = 60.0  # until a process says its first word, and behind an answer's own time limit
MEMORY = 6 << 30  # bytes: a list that doubles for ever ends itself, and not its neighbours


@dataclass(frozen=True)
class Order:
    """An answer to try: the `index`-th case of `chapter`, or what `code` calls `function`."""

    exercise: str
    name: str
    chapter: str = ""
    index: int = 0
    code: str = ""
    function: str = ""
    says: tuple[str, ...] = ("any",)
    timeout: float | None = None
    plain: bool = False


def carry_out(order: Mapping[str, Any]) -> Trial:
    """Try one answer, here."""
    given = Order(**{**order, "says": tuple(order["says"])})
    if not given.code:
        answer = load(given.chapter)[given.index].answer
    else:
        try:
            answer = build(given.code, given.function, given.exercise)
        except BaseException as error:  # a cell that fails before it comes to its check
            return Trial(given.exercise, given.name, "rejected", f"its cell failed: {error!r}")
    return attempt(given.exercise, given.name, answer, given.says, given.timeout, given.plain)


def main() -> None:
    """Carry out orders until there are no more."""
    warnings.simplefilter("ignore")
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # what an answer prints is no message of ours
    if os.name == "posix":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    for line in sys.stdin:
        trial = carry_out(json.loads(line))
        told.write(json.dumps(asdict(trial)) + "\n")
        told.flush()


class Worker:
    """A process that tries one answer after another, started anew where one ended it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def try_(self, order: Order) -> Trial:
        """What came of an answer; `KILLED` where the process died or fell silent."""
        process = self._running()
        timer = threading.Timer(PATIENCE + (order.timeout or 5.0), process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
            process.stdin.flush()
            return Trial(**json.loads(process.stdout.readline()))
        except (OSError, ValueError):
            self.close()
            return Trial(order.exercise, order.name, KILLED, "it ended the process, or hung")
        finally:
            timer.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1", "COURSE_STRICT": "0"},
            )
        return self.process

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def try_all(orders: Iterable[Order], jobs: int = 1) -> Iterator[Trial]:
    """What came of every order, in their order; `jobs` processes share the work."""
    free: queue.Queue[Worker] = queue.Queue()
    workers = [Worker() for _ in range(jobs)]
    for worker in workers:
        free.put(worker)

    def one(order: Order) -> Trial:
        worker = free.get()
        try:
            return worker.try_(order)
        finally:
            free.put(worker)

    begun: deque[Future[Trial]] = deque()
    try:
        with ThreadPoolExecutor(jobs) as pool:
            for order in orders:  # asked for one at a time: they may end when time is up
                begun.append(pool.submit(one, order))
                if len(begun) > jobs:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
    finally:
        for worker in workers:
            worker.close()


if __name__ == "__main__":
    main()
