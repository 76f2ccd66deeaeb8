"""The settings of a training, what came of it, and what can go wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from utils.llm.machine.precision import PRECISIONS
from utils.llm.training.schedule import cosine_with_warm_up


class TrainingError(RuntimeError):
    """A training that could not go on: says at which step, why, what is kept and what to do."""


class StopTraining(Exception):
    """Raised by a callback to end the training in good order after the present step."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    `batch_size` counts the windows that one step learns from, over all processes and all
    `accumulation` parts in which the batch is computed: splitting it changes memory, not results.
    `warm_up` and `evaluate_every` count steps; without a `warm_up` it is a tenth of the steps, 100
    at most. `evaluate_every` may be a list of steps instead of a period; the last step is always
    evaluated. Evaluation reads `evaluate_windows` windows, always the same, spread over the
    validation part; None reads all. `clip` None leaves gradients as they are.
    With `start_token` windows begin at that token only. `snapshot_every` counts steps too, and
    matters where `train` is given a file for snapshots. Raises ValueError naming a bad setting.
    """

    steps: int
    batch_size: int = 32
    learning_rate: float = 1e-3
    warm_up: int | None = None
    min_rate: float = 0.0
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float | None = 1.0
    accumulation: int = 1
    precision: str = "float32"
    compile: bool = False
    seed: int = 0
    evaluate_every: int | Sequence[int] = 100
    evaluate_windows: int | None = 64
    context_length: int | None = None
    start_token: int | None = None
    snapshot_every: int = 500

    def __post_init__(self) -> None:
        counts = ("steps", "batch_size", "accumulation", "snapshot_every")
        optional = ("evaluate_windows", "context_length")
        for name in (*counts, *(o for o in optional if getattr(self, o) is not None)):
            _need(self, name, "a whole number, 1 or more", lambda x: _whole(x) and x >= 1)
        if self.warm_up is None:
            object.__setattr__(self, "warm_up", min(100, self.steps // 10))
        _need(self, "warm_up", f"from 0 to steps, {self.steps}", lambda x: 0 <= x <= self.steps)
        _need(self, "learning_rate", "above 0", lambda x: 0 < x < math.inf)
        peak = self.learning_rate
        _need(self, "min_rate", f"from 0 to learning_rate, {peak}", lambda x: 0 <= x <= peak)
        _need(self, "weight_decay", "0 or more", lambda x: 0 <= x < math.inf)
        object.__setattr__(self, "betas", tuple(self.betas))
        each = "two numbers from 0 to below 1"
        _need(self, "betas", each, lambda b: len(b) == 2 and all(0 <= x < 1 for x in b))
        _need(self, "clip", "above 0, or None", lambda x: x is None or x > 0)
        _need(self, "precision", f"one of {PRECISIONS}", lambda x: x in PRECISIONS)
        _need(self, "seed", "a whole number from 0 to below 2^64", _is_seed)
        if not _whole(self.evaluate_every):
            object.__setattr__(self, "evaluate_every", tuple(self.evaluate_every))
        if self.batch_size % self.accumulation:
            raise ValueError(
                f"batch_size {self.batch_size} can't be split into {self.accumulation} equal parts "
                "(accumulation); make one a multiple of the other."
            )

    def rate(self, step: int) -> float:
        """The learning rate of this step, counted from 0."""
        return cosine_with_warm_up(
            step, self.steps, self.learning_rate, self.warm_up, self.min_rate
        )

    def evaluates_after(self, n_steps: int) -> bool:
        """Whether the model is evaluated once so many steps are done."""
        if n_steps == self.steps:
            return True
        every = self.evaluate_every
        if isinstance(every, tuple):
            return n_steps in every
        return every > 0 and n_steps % every == 0


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_seed(value: object) -> bool:
    return _whole(value) and 0 <= value < 1 << 64


def _need(config: TrainConfig, name: str, what: str, sound: object) -> None:
    value = getattr(config, name)
    try:
        fine = sound(value)
    except TypeError:
        fine = False
    if not fine:
        raise ValueError(f"{name} is {value!r}; it must be {what}.")


@dataclass
class History:
    """What a training did: a number for every step, and for every evaluation. Losses in nats.

    `losses`, `rates`, `norms` hold, for each step, the loss of its batch, its learning rate, and
    the norm of its gradient before clipping. `steps` says after how many steps the model was
    evaluated; `val_loss` what came out, and `train_loss` the mean of the batches since the time
    before. `tokens` and `seconds` count what was read and how long it took, evaluation left out.
    `stopped` is empty, or says why the training ended before its last step.
    """

    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    stopped: str = ""

    @property
    def tokens_per_second(self) -> float:
        """Speed of training; 0 before the first step."""
        return self.tokens / self.seconds if self.seconds else 0.0

    def recent_loss(self) -> float:
        """Mean loss of the batches since the last evaluation; of the last batch right after one."""
        since = self.losses[self.steps[-1] if self.steps else 0 :] or self.losses[-1:]
        return sum(since) / len(since) if since else math.nan
