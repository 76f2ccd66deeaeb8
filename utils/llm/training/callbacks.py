"""Who is told what a training does: a line of progress, a CSV file, TensorBoard, a function."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from utils.llm.machine.files import replacing
from utils.llm.training.config import History, StopTraining, TrainConfig, TrainingError

__all__ = [
    "CSVLog",
    "Callback",
    "Progress",
    "Report",
    "TensorBoard",
    "TimeLimit",
    "as_callback",
    "time_left",
]


@dataclass(frozen=True)
class Report:
    """What a callback gets: the model, the settings, and all that has happened so far.

    `val_loss` is there after the steps that were evaluated, else None. Losses are in nats.
    """

    model: nn.Module
    config: TrainConfig
    history: History
    val_loss: float | None = None

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.history.losses)

    @property
    def loss(self) -> float:
        """Of the last step's batch; NaN before the first."""
        return self.history.losses[-1] if self.history.losses else math.nan


class Callback:
    """Does nothing, at three moments. To stop the training, raise StopTraining in `on_step`."""

    def on_start(self, report: Report) -> None:
        """Before the first step, or the first after resuming."""

    def on_step(self, report: Report) -> None:
        """After every step, and after its evaluation where there is one."""

    def on_end(self, report: Report) -> None:
        """When the training is over, in whatever way."""


class _Function(Callback):
    def __init__(self, function: Callable[[Report], object]) -> None:
        self.on_step = function  # type: ignore[method-assign]


def as_callback(given: Callback | Callable[[Report], object]) -> Callback:
    """A callback as it is; a function as a callback that is called after every step."""
    if isinstance(given, Callback):
        return given
    if isinstance(given, type) or not callable(given):
        raise TypeError(f"{given!r} is no callback; give a Callback() or a function of a report.")
    return _Function(given)


def time_left(seconds: float) -> str:
    """A duration for people.

    >>> time_left(42), time_left(200), time_left(7300)
    ('42 s', '3 min 20 s', '2 h 1 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Progress(Callback):
    """One line: how far, the losses, how fast, and how long it will take yet.

    In a terminal the line is written over; elsewhere a new one comes `lines` times in all, so that
    a log stays short. `bits=True` shows bits per token, else nats; `unit` is another unit, and
    `scales` what nats per token of the batches and of the validation part are multiplied by.
    """

    def __init__(
        self,
        lines: int = 10,
        bits: bool = False,
        unit: str = "",
        scales: tuple[float, float] | None = None,
    ) -> None:
        size = 1 / math.log(2) if bits else 1.0
        self.lines, self.unit = max(1, lines), unit or ("bits" if bits else "nats")
        self.scales = scales or (size, size)
        self._began = (0, 0.0)
        self._shown = self._val = None

    def on_start(self, report: Report) -> None:
        self._began = (report.step, report.history.seconds)
        self._val = report.history.val_loss[-1] if report.history.val_loss else None

    def on_step(self, report: Report) -> None:
        if report.val_loss is not None:
            self._val = report.val_loss
        here, steps = report.step, report.config.steps
        live = sys.stdout.isatty()
        part = here * self.lines // steps
        if live or part != self._shown or here == steps:
            self._shown = part
            text = self.line(report)
            print(f"\r{text:<79}" if live else text, end="" if live else "\n", flush=True)

    def on_end(self, report: Report) -> None:
        if sys.stdout.isatty():
            print(flush=True)

    def line(self, report: Report) -> str:
        """What is shown after a step."""
        history, (batches, held_out) = report.history, self.scales
        done = report.step - self._began[0]
        spent = history.seconds - self._began[1]
        left = spent / max(1, done) * (report.config.steps - report.step)
        recent = history.losses[-20:]
        words = [
            f"step {report.step:,} of {report.config.steps:,}",
            f"{sum(recent) / len(recent) * batches:.3f} {self.unit}",
        ]
        if self._val is not None:
            words.append(f"validation {self._val * held_out:.3f}")
        words.append(f"{history.tokens_per_second:,.0f} tokens/s")
        words.append(f"{time_left(left)} left")
        return " · ".join(words)


class CSVLog(Callback):
    """A table of every step: step, loss, rate, norm, val_loss. Losses in nats.

    Rows are added `every` so many steps, after each evaluation, and at the end. A training that
    is resumed writes the table anew from its history, so no step is missing or there twice.
    """

    COLUMNS = ("step", "loss", "rate", "norm", "val_loss")

    def __init__(self, path: str | os.PathLike[str], every: int = 10) -> None:
        self.path, self.every, self._written = Path(path), every, 0

    def on_start(self, report: Report) -> None:
        self._written = 0
        head = _rows([self.COLUMNS]) + self._new_rows(report)
        with self._explained(), replacing(self.path) as file:
            file.write(head.encode())

    def on_step(self, report: Report) -> None:
        if report.step % self.every == 0 or report.val_loss is not None:
            self._add(report)

    def on_end(self, report: Report) -> None:
        if report.history.stopped != "not saved":  # the disk has had its say
            self._add(report)

    def _add(self, report: Report) -> None:
        with self._explained(), self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(self._new_rows(report))

    def _new_rows(self, report: Report) -> str:
        history, first = report.history, self._written
        evaluated = dict(zip(history.steps, history.val_loss, strict=True))
        columns = (history.losses[first:], history.rates[first:], history.norms[first:])
        self._written = len(history.losses)
        steps = enumerate(zip(*columns, strict=True), first + 1)
        return _rows([(step, *row, evaluated.get(step, "")) for step, row in steps])

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or error
            raise TrainingError(f"The log {self.path} can't be written: {why}.") from error


def _rows(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


class TensorBoard(Callback):
    """Losses, learning rate and gradient norm for TensorBoard, in a folder of event files.

    Raises ImportError, with the command that installs it, where TensorBoard is missing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoard is not installed here; run: pip install tensorboard",
                name="tensorboard",
            ) from error
        self._make, self._writer = lambda: SummaryWriter(os.fspath(folder)), None

    def on_start(self, report: Report) -> None:
        self._writer = self._make()

    def on_step(self, report: Report) -> None:
        history, write = report.history, self._writer.add_scalar
        write("loss/train", report.loss, report.step)
        write("learning rate", history.rates[-1], report.step)
        write("gradient norm", history.norms[-1], report.step)
        if report.val_loss is not None:
            write("loss/validation", report.val_loss, report.step)

    def on_end(self, report: Report) -> None:
        self._writer.close()


class TimeLimit(Callback):
    """Ends a training in good order when it has computed for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_step(self, report: Report) -> None:
        if report.history.seconds >= self.seconds:
            raise StopTraining(f"the time limit of {self.seconds:g} s was reached")
