"""What is looked at while `course train` trains: the best weights so far, and what is recalled."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import nn

from utils.course.training.folder import write_json
from utils.data.storyworld import scores as story_scores
from utils.data.storyworld import world as storyworld
from utils.llm.training.callbacks import Callback, Report
from utils.llm.training.config import History, StopTraining, TrainingError

__all__ = ["Best", "GoesOn", "RecallLog", "best_look", "log_spaced"]

_SCORED = 100  # stories on which recall is measured on the way
_APART = 1.02  # so many times the best: more than chance


class Best(Callback):
    """Keeps the weights of the best look at the validation part, and ends learning by heart.

    `save` is given the model after each look that is better than all before; `path` is where it
    puts it. After `patience` looks without a better one the training ends; 0 means never.
    `scales` make of nats per token, of batches and of validation, what is said in `unit`.
    """

    def __init__(
        self,
        save: Callable[[nn.Module], None],
        path: Path,
        patience: int,
        unit: str,
        scales: tuple[float, float],
    ) -> None:
        self.save, self.path, self.patience = save, path, patience
        self.unit, self.scales = unit, scales
        self.parted = False

    def on_start(self, report: Report) -> None:
        if report.history.val_loss and not self.path.is_file():
            self.save(report.model)

    def on_step(self, report: Report) -> None:
        if report.val_loss is None:
            return
        history = report.history
        best = best_look(history)
        if best == len(history.val_loss) - 1:
            try:
                self.save(report.model)
            except OSError as error:
                why = error.strerror or error
                raise TrainingError(f"{self.path} can't be written: {why}.") from error
            return
        self._say_where_they_part(history, best)
        waited = len(history.val_loss) - 1 - best
        if self.patience and waited >= self.patience:
            raise StopTraining(f"{waited} looks without a better one")

    def _say_where_they_part(self, history: History, best: int) -> None:
        rises = history.val_loss[-1] > _APART * history.val_loss[best]
        if self.parted or not rises or history.train_loss[-1] >= history.train_loss[best]:
            return
        self.parted = True
        batches, held_out = self.scales
        print(
            f"{chr(10) if sys.stdout.isatty() else ''}step {history.steps[-1]:,}: validation parts "
            f"from training, {history.val_loss[-1] * held_out:.3f} against "
            f"{history.train_loss[-1] * batches:.3f} {self.unit}: it learns by heart now. The "
            f"weights of step {history.steps[best]:,} are kept.",
            flush=True,
        )


class GoesOn(Callback):
    """Where a training goes on: says from where, and `keep`s what it was told anew.

    Not before the snapshot was taken up: what that refuses shall leave nothing changed.
    """

    def __init__(self, keep: Callable[[], None]) -> None:
        self.keep = keep

    def on_start(self, report: Report) -> None:
        config, step = report.config, report.step
        self.keep()
        if not step:
            return
        if step < config.steps:
            print(
                f"goes on from step {step:,} of {config.steps:,}, with the learning rates of "
                f"{config.steps:,} steps: {config.rate(step):.3g} now, {config.min_rate:g} at the "
                "end",
                flush=True,
            )
        else:
            print(f"all {step:,} steps are done: --resume --steps with more goes on", flush=True)


def best_look(history: History) -> int:
    """Which evaluation found the lowest loss, the first of equals; counted from 0."""
    losses = [math.inf if math.isnan(loss) else loss for loss in history.val_loss]
    return losses.index(min(losses))


def log_spaced(steps: int, count: int = 10) -> list[int]:
    """So many steps up to the last, each about the same multiple of the one before.

    >>> log_spaced(1000, 4)
    [10, 46, 215, 1000]
    """
    first = min(10, steps)
    ratio = (steps / first) ** (1 / max(1, count - 1))
    return sorted({min(steps, round(first * ratio**i)) for i in range(count)} | {steps})


class RecallLog(Callback):
    """Keeps, at some steps of a training on stories, what the model has learned to recall.

    The file is a JSON list: step, bits per word on held-out stories, and for each kind of recall
    the share of right guesses.
    """

    def __init__(self, path: Path, steps: int) -> None:
        self.path, self.at = path, set(log_spaced(steps))
        self.stories = storyworld.stories(_SCORED, seed=2)
        self.rows: list[dict[str, Any]] = []

    def on_start(self, report: Report) -> None:
        with suppress(OSError, ValueError):
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            self.rows = [row for row in rows if row["step"] <= report.step]

    def on_step(self, report: Report) -> None:
        if report.step not in self.at:
            return
        bits = story_scores.bits_per_word(report.model, self.stories)
        recall = story_scores.recall_accuracy(report.model, self.stories)
        shares = {kind: round(share, 4) for kind, share in recall.items()}
        self.rows.append({"step": report.step, "bits_per_word": round(bits, 4), "recall": shares})
        try:
            write_json(self.path, self.rows)
        except OSError as error:
            raise TrainingError(f"{self.path} can't be written: {error.strerror}.") from error
