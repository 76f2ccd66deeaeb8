"""Where a training is kept on the way, and from where it is taken up again."""

from __future__ import annotations

import dataclasses
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from utils.llm.training import distributed
from utils.llm.training.config import History, TrainConfig, TrainingError
from utils.llm.training.snapshots import SnapshotError, load_snapshot, save_snapshot

__all__ = ["Keeper"]

# What may differ between a run and the one that goes on from its snapshot: none of it is learned.
_FREE = ("compile", "evaluate_every", "evaluate_windows", "snapshot_every", "accumulation")
# The schedule may be another from here on: for longer, or more gently after a divergence.
_SCHEDULE = ("steps", "learning_rate", "warm_up", "min_rate")


class Keeper:
    """The snapshot of one training, at `path`; of nothing where that is None.

    `ids` is the row of token ids that is learned from: a snapshot knows which it was, and of
    which `run`. Of a model that is frozen in part, it holds what learns.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        config: TrainConfig,
        ids: np.ndarray,
        run: str = "",
    ) -> None:
        self.path = None if path is None else Path(path)
        self.config, self.ids, self.run = config, ids, run
        self.saved_at: int | None = None

    def save(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        history: History,
        dtype: torch.dtype,
    ) -> None:
        """Keep all that the training needs to go on. Raises TrainingError where it can't be."""
        state = distributed.state_of(model, optimizer)
        named = model.named_parameters(remove_duplicate=False)  # a tied one by both its names
        frozen = {name for name, weight in named if not weight.requires_grad}
        state["model"] = {k: value for k, value in state["model"].items() if k not in frozen}
        team, failure = distributed.team(), ""
        if team.leads:
            state |= {
                "config": dataclasses.asdict(self.config),
                "history": dataclasses.asdict(history),
                "precision": str(dtype),
                "corpus": self._corpus_mark(),
                "run": self.run,
            }
            try:
                save_snapshot(self.path, state)
            except OSError as error:
                failure = self._write_failure(error, len(history.losses))
        failed = torch.tensor(float(bool(failure)), device=next(model.parameters()).device)
        if team.mean(failed).item():
            raise TrainingError(failure or "The leading process could not write a checkpoint.")
        self.saved_at = len(history.losses)

    def take_up(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[History, torch.dtype]:
        """Put back weights and optimiser; what happened until then, and in which precision.

        Raises SnapshotError (a ValueError) where the snapshot is of another training.
        """
        if self.path is None:
            raise ValueError("resume needs snapshot, the path of the file to go on from.")
        state = load_snapshot(self.path)
        self._compare(state)
        if not all(weight.requires_grad for weight in model.parameters()):
            state["model"] = {**model.state_dict(), **state["model"]}
        try:
            distributed.set_state(model, optimizer, state)
        except (RuntimeError, ValueError, KeyError) as error:
            raise SnapshotError(
                f"The weights in {self.path} do not fit this model: "
                f"{str(error).strip().splitlines()[-1].strip()}"
            ) from error
        try:
            history = History(**state["history"])
        except TypeError as error:
            raise SnapshotError(f"{self.path}: its history can't be read ({error}).") from error
        if len(history.losses) > self.config.steps:
            raise SnapshotError(
                f"{self.path} is of step {len(history.losses):,} already, and steps is "
                f"{self.config.steps:,}: give more."
            )
        history.stopped = ""
        self.saved_at = len(history.losses)
        return history, getattr(torch, state["precision"].removeprefix("torch."))

    def __str__(self) -> str:
        if self.saved_at is None:
            return "no checkpoint was written yet"
        return f"the last good checkpoint, of step {self.saved_at}, is kept in {self.path}"

    def _compare(self, state: dict[str, Any]) -> None:
        now, then = dataclasses.asdict(self.config), state["config"]
        changed = [
            f"{name} was {then.get(name)!r} and is {value!r}"
            for name, value in now.items()
            if name not in (*_FREE, *_SCHEDULE) and then.get(name) != value
        ]
        if state.get("corpus") != self._corpus_mark():
            changed.append("the corpus is another one")
        if state.get("run", "") != self.run:
            changed.append("it is of another run")
        if changed:
            raise SnapshotError(
                f"{self.path} is of another training: {'; '.join(changed)}. Resume with the "
                "settings that it was begun with, or train without resume."
            )

    def _corpus_mark(self) -> list[int]:
        """Tells one corpus from another: its length, and a checksum of pieces all over it."""
        mark = 0
        for start in np.linspace(0, max(0, len(self.ids) - 4096), 64).astype(np.int64):
            mark = zlib.crc32(self.ids[start : start + 4096].astype("<i8").tobytes(), mark)
        return [len(self.ids), mark]

    def _write_failure(self, error: OSError, step: int) -> str:
        folder = self.path.parent
        why = error.strerror or str(error)
        if not folder.is_dir():
            why = f"the folder {folder} is gone"
        return (
            f"The checkpoint of step {step} could not be written to {self.path}: {why}. "
            f"Training stops here; {self}. Make room for it and resume."
        )
