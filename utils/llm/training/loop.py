"""Training a language model: next-token loss, AdamW, and all that keeps a long run safe.

    history = train(model, train_ids, val_ids, TrainConfig(steps=300))

The same seed gives the same batches and the same dropout, whether a run is stopped and resumed in
between or not. On a CPU in float32 the weights are equal to the bit.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.machine.precision import autocast, choose_precision
from utils.llm.training import distributed
from utils.llm.training.batches import Ids, RandomWindows, as_row
from utils.llm.training.callbacks import Callback, Report, as_callback
from utils.llm.training.config import History, StopTraining, TrainConfig, TrainingError
from utils.llm.training.evaluation import context_of, evaluate
from utils.llm.training.interrupts import deferred_interrupt
from utils.llm.training.keeping import Keeper
from utils.llm.training.optimizer import make_adamw, parameter_groups

__all__ = ["History", "StopTraining", "TrainConfig", "TrainingError", "evaluate", "train"]


def train(
    model: nn.Module,
    train_ids: Ids,
    val_ids: Ids | None,
    config: TrainConfig,
    callbacks: Iterable[Callback | Callable[[Report], object]] = (),
    *,
    snapshot: str | os.PathLike[str] | None = None,
    resume: bool = False,
    run: str = "",
) -> History:
    """Train the model in place, on the device where it is, and tell what happened.

    `train_ids` is one long row of token ids, a tensor or a memory map (`batches.open_tokens`);
    `val_ids` another, or None. A callback is told of every step (see `callbacks`); a plain
    function will do. With `snapshot`, a path, the state of the training is kept there every
    `config.snapshot_every` steps and at the end; with `resume` it goes on from there, and more
    steps or another learning rate hold from there on. A snapshot is of the `run` of that name.
    Inside a process group (torchrun) the work is shared. The global random state is left alone.

    Ctrl-C ends the training after the present step, with what was learned and a snapshot; so do
    SIGTERM and SIGHUP.
    Raises TrainingError (a RuntimeError) where it can't go on: the loss or the gradient is no
    number, or the snapshot can't be written; ValueError for settings or a corpus that don't fit.
    """
    loop = _Loop(model, train_ids, val_ids, config, callbacks, snapshot, run)
    if resume:
        loop.resume()
    return loop.run()


class _Loop:
    """One training under way."""

    def __init__(
        self,
        model: nn.Module,
        train_ids: Ids,
        val_ids: Ids | None,
        config: TrainConfig,
        callbacks: Iterable[Callback | Callable[[Report], object]],
        snapshot: str | os.PathLike[str] | None,
        run: str,
    ) -> None:
        self.model, self.config, self.history = model, config, History()
        self.team = distributed.team()
        self.callbacks = [as_callback(each) for each in callbacks] if self.team.leads else []
        self.context_length = config.context_length or context_of(model)
        self.windows = RandomWindows(
            train_ids, self.context_length, config.seed, config.start_token
        )
        self.val_ids = None if val_ids is None else as_row(val_ids)
        if self.val_ids is not None and len(self.val_ids) < 2:
            raise ValueError("val_ids hold nothing to predict: give two tokens or more, or None.")
        if config.batch_size % (self.team.size * config.accumulation):
            raise ValueError(
                f"batch_size {config.batch_size} can't be shared evenly by {self.team.size} "
                f"processes in {config.accumulation} parts each; make it a multiple."
            )
        self.device = next(model.parameters()).device
        self.dtype = choose_precision(config.precision, self.device)
        self.optimizer = make_adamw(
            parameter_groups(model, config.weight_decay), config.learning_rate, config.betas
        )
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.forward = distributed.replicate(
            torch.compile(model) if config.compile else model, model
        )
        # beside a large vocabulary the loss is a good part of the step: compiled, it is read once
        self.cross_entropy = torch.compile(_cross_entropy) if config.compile else _cross_entropy
        self.keeper = Keeper(snapshot, config, self.windows.ids, run)

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.history.losses)

    def run(self) -> History:
        config = self.config
        self._tell("start")
        self.model.train()
        devices = [self.device] if self.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices), deferred_interrupt() as asked:
                while self.step < config.steps and not self.history.stopped:
                    self._one_step(bool(asked))
        finally:
            self.model.eval()
            self.optimizer.zero_grad()
            self._tell("end")
        if self.history.stopped == "interrupted" and self.team.leads:
            print(
                f"Interrupted after {self.step} of {config.steps} steps; what was learned is kept."
            )
        return self.history

    def _one_step(self, asked: bool) -> None:
        began = time.perf_counter()
        torch.manual_seed(self._seed())
        loss, norm, stop = self._gradient(asked)
        self._check(loss, norm)
        rate = self.config.rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad()
        history = self.history
        history.losses.append(loss)
        history.norms.append(norm)
        history.rates.append(rate)
        history.tokens += self.config.batch_size * self.context_length
        history.seconds += time.perf_counter() - began
        if stop:
            history.stopped = "interrupted"
        self._after_step()

    def _after_step(self) -> None:
        """Evaluate, report and save, where it is time to."""
        config, history, val_loss = self.config, self.history, None
        if self.val_ids is not None and (config.evaluates_after(self.step) or history.stopped):
            val_loss = self._evaluate()
            history.train_loss.append(history.recent_loss())
            history.val_loss.append(val_loss)
            history.steps.append(self.step)
        try:
            self._tell("step", val_loss)
        except StopTraining as reason:
            history.stopped = str(reason) or "stopped by a callback"
        if self.team.size > 1:
            self._agree_to_stop()
        over = self.step == config.steps or history.stopped
        if self.keeper.path is not None and (over or self.step % config.snapshot_every == 0):
            self._save()

    def _evaluate(self) -> float:
        return evaluate(
            self.model,
            self.val_ids,
            context_length=self.context_length,
            batch_size=max(1, self.config.batch_size // self.config.accumulation),
            max_windows=self.config.evaluate_windows,
            start_token=self.config.start_token,
            precision=str(self.dtype).removeprefix("torch."),
        )

    def _seed(self) -> int:
        """Of this step's random numbers, dropout's: its own for every step and process."""
        words = np.random.SeedSequence([self.config.seed, 1, self.step, self.team.rank])
        return int(words.generate_state(1, np.uint64)[0] >> np.uint64(1))

    def _gradient(self, asked: bool) -> tuple[float, float, bool]:
        """Loss of the whole batch, norm of its gradient, and whether anyone asked to stop."""
        config, total = self.config, torch.zeros((), device=self.device)
        parts = self._parts()
        for i, (inputs, targets) in enumerate(parts):
            with distributed.averaging(self.forward, when=i == len(parts) - 1):
                loss = self._loss(inputs, targets) / len(parts)
                loss.backward()
            total += loss.detach()
        limit = math.inf if config.clip is None else config.clip
        norm = distributed.whole(nn.utils.clip_grad_norm_(self.parameters, limit))
        shared = self.team.mean(torch.stack([total, torch.full_like(total, float(asked))]))
        loss, stop, norm = torch.cat([shared, norm.reshape(1).to(shared.dtype)]).tolist()
        return loss, norm, stop > 0

    def _parts(self) -> list[tuple[Tensor, Tensor]]:
        """This process's share of the batch, in as many parts as are accumulated."""
        batch = self.windows.batch(self.step, self.config.batch_size)
        mine = [rows.chunk(self.team.size)[self.team.rank] for rows in batch]
        if self.device.type == "cuda":
            mine = [rows.contiguous().pin_memory() for rows in mine]
        mine = [rows.to(self.device, non_blocking=True) for rows in mine]
        return list(zip(*(rows.chunk(self.config.accumulation) for rows in mine), strict=True))

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        try:
            with autocast(self.dtype, self.device):
                logits = self.forward(inputs)  # (B, T, V)
        except Exception as error:
            if not self.config.compile or self.history.losses:
                raise
            line = (str(error).strip().splitlines() or [""])[0][:200]
            raise TrainingError(
                f"torch.compile does not work here ({type(error).__name__}: {line}); train "
                "without compile, or install a C++ compiler."
            ) from error
        return self.cross_entropy(logits, targets)

    def _check(self, loss: float, norm: float) -> None:
        """Before the weights are touched: a step along no number would spoil them all."""
        if math.isfinite(loss) and math.isfinite(norm):
            return
        self.history.stopped = "diverged"
        what = "loss" if not math.isfinite(loss) else "gradient"
        raise TrainingError(
            f"The {what} of step {self.step + 1} is {loss if what == 'loss' else norm}, no number "
            f"to learn from. The weights are those after step {self.step}; {self.keeper}. "
            f"Lower the learning rate ({self.config.learning_rate:g}) or warm up for longer."
        )

    def _agree_to_stop(self) -> None:
        """Callbacks speak in the leading process alone: let the others know."""
        flag = torch.tensor(float(bool(self.history.stopped)), device=self.device)
        if self.team.mean(flag).item() and not self.history.stopped:
            self.history.stopped = "stopped"

    def _save(self) -> None:
        try:
            self.keeper.save(self.model, self.optimizer, self.history, self.dtype)
        except TrainingError:
            self.history.stopped = "not saved"
            raise

    def resume(self) -> None:
        """Take up weights, optimiser, history and place from the snapshot."""
        self.history, self.dtype = self.keeper.take_up(self.model, self.optimizer)

    def _tell(self, event: str, val_loss: float | None = None) -> None:
        """Tell every callback; one that asks to stop does not keep the others from hearing."""
        if not self.callbacks:
            return
        report = Report(self.model, self.config, self.history, val_loss)
        stop = None
        for callback in self.callbacks:
            try:
                getattr(callback, f"on_{event}")(report)
            except StopTraining as asked:
                stop = asked
        if stop is not None:
            raise stop


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean over all tokens: logits (B, T, V), targets (B, T)."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
