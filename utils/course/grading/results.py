"""What came of running a learner's notebooks: plain data, and the exit code it amounts to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

Status = Literal["right", "wrong", "raised", "timed out", "missing", "not attempted", "not run"]
STATUSES: tuple[Status, ...] = get_args(Status)
FAULTS: frozenset[Status] = frozenset({"wrong", "raised", "timed out", "missing"})

Kind = Literal["raised", "timed out", "kernel died", "missing package"]
COULD_NOT_RUN: frozenset[Kind] = frozenset({"timed out", "kernel died", "missing package"})

FINE, WRONG, UNABLE, INTERRUPTED = 0, 1, 2, 130

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str, limit: int = 4000) -> str:
    r"""Text that any report can hold: no colour codes, no control characters, no lone surrogates.

    >>> clean("\x1b[31mred\x1b[0m\x00 and\r\nblack")
    'red and\nblack'
    """
    text = _UNPRINTABLE.sub("", _ESCAPE.sub("", text))
    return text if len(text) <= limit else text[: limit - 2] + " …"


def one_line(text: str, limit: int = 300) -> str:
    """The same text on one line, shortened where it is very long."""
    return clean(" ".join(clean(text).split()), limit)


@dataclass
class ExerciseResult:
    """What `check` said of one exercise; `cell` is the code cell that checks it, if any does."""

    id: str
    title: str
    status: Status
    diagnosis: str | None = None
    seconds: float = 0.0
    cell: int | None = None

    @property
    def label(self) -> str:
        return f"{self.id} {self.title}".strip()


@dataclass
class CellFailure:
    """A code cell that failed, numbered as a fresh Run All numbers it, from 1.

    `line` is the line of the cell that was running, `follows` an earlier failed cell that this
    failure only follows from.
    """

    cell: int
    heading: str
    kind: Kind
    error: str
    line: int | None = None
    follows: int | None = None

    @property
    def place(self) -> str:
        line = f", line {self.line}" if self.line else ""
        return f"Cell {self.cell}{line}" + (f" (under “{self.heading}”)" if self.heading else "")


@dataclass
class NotebookReport:
    """One notebook's run.

    `problem` says why it could not run to its end where no single cell is to blame. `warnings` say
    of which exercises the answer was not seen, and why: they alone make nothing wrong.
    """

    path: Path
    name: str
    cells: int = 0
    cells_run: int = 0
    seconds: float = 0.0
    problem: str | None = None
    interrupted: bool = False
    exercises: list[ExerciseResult] = field(default_factory=list)
    failures: list[CellFailure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: nothing wrong; 1: something wrong; 2: could not run; 130: interrupted."""
        if self.interrupted:
            return INTERRUPTED
        if self.problem or any(f.kind in COULD_NOT_RUN for f in self.failures):
            return UNABLE
        faults = any(e.status in FAULTS for e in self.exercises)
        return WRONG if faults or self.failures else FINE

    def first_failures(self) -> list[CellFailure]:
        """The failures that follow from no other."""
        return [failure for failure in self.failures if failure.follows is None]

    def followers(self, cell: int) -> list[int]:
        """The cells that failed only because this one did."""
        return [failure.cell for failure in self.failures if failure.follows == cell]


def exit_code(reports: Iterable[NotebookReport]) -> int:
    """The worst of all: 2 outranks 1, and 1 outranks 0; 130 where the run was interrupted."""
    return max((report.exit_code for report in reports), default=UNABLE)


def tally(reports: Iterable[NotebookReport]) -> Counter[Status]:
    """How many exercises of all notebooks came out each way."""
    return Counter(exercise.status for report in reports for exercise in report.exercises)


def totals(reports: Iterable[NotebookReport]) -> str:
    """One line: `3 right · 1 wrong · 7 not attempted`."""
    counts = tally(reports)
    said = [f"{counts[status]} {status}" for status in STATUSES if counts[status]]
    return " · ".join(said) or "no exercise"
