"""What a training is told, and the corpus that it was made ready for."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from utils.data.storyworld import tokens as story_tokens
from utils.llm.gpt.config import GPTConfig
from utils.llm.training.config import TrainConfig

STORIES = "stories"
VAL_STORIES = 1000


@dataclass(frozen=True)
class Settings:
    """All that decides what a training does; kept as config.json in its folder.

    What is None is chosen by the size of the text (see `choosing`), or follows from the rest.
    `start` is the model that it begins from, `lora` the rank of what is learned beside it.
    """

    corpus: str = STORIES
    preset: str | None = None
    steps: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    warm_up: int | None = None
    min_rate: float = 0.0
    weight_decay: float | None = None
    accumulation: int = 1
    vocab_size: int | None = None
    context_length: int | None = None
    n_layers: int | None = None
    n_heads: int | None = None
    d_model: int | None = None
    positions: str | None = None
    tied: bool | None = None
    dropout: float | None = None
    n_stories: int = 10_000
    start: str = ""
    lora: int = 0
    patience: int | None = None
    precision: str | None = None
    compile: bool = False
    fsdp: bool = False
    device: str = "auto"
    evaluate_every: int | None = None
    snapshot_every: int = 100
    seed: int = 0
    half: bool = False
    tensorboard: bool = False

    def model_config(self, vocab_size: int) -> GPTConfig:
        """The preset with the changes asked for."""
        names = ("context_length", "n_layers", "n_heads", "d_model", "positions", "tied", "dropout")
        changes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return GPTConfig.preset(self.preset or "story", vocab_size=vocab_size, **changes)

    def train_config(self) -> TrainConfig:
        """The part that the training loop is told; stories are read from their beginnings."""
        shared = {f.name for f in fields(TrainConfig)} & {f.name for f in fields(Settings)}
        chosen = {name: getattr(self, name) for name in shared}
        if not self.start:  # else a model may read more at once than it is taught by
            chosen["context_length"] = None
        start = story_tokens.END_ID if self.corpus == STORIES else None
        return TrainConfig(start_token=start, **chosen)


class Text(NamedTuple):
    """A corpus as tokens, in files.

    Losses are told by units, of which there are so many: bytes, or words of stories. `peers` says
    how many bits per byte compressors need that have read the same, `start` marks the model that
    the training began from.
    """

    train_ids: np.ndarray
    val_ids: np.ndarray
    vocab_size: int
    tokenizer: str
    train_units: int
    val_units: int
    val_bytes: int
    peers: dict[str, float]
    start: str | None

    @property
    def unit(self) -> str:
        """What a loss is told in."""
        return "bits per word" if self.tokenizer.startswith(STORIES) else "bits per byte"

    @property
    def scales(self) -> tuple[float, float]:
        """What nats per token are multiplied by, in the part to learn from and in the other."""
        train = (len(self.train_ids) - 1) / self.train_units
        val = (len(self.val_ids) - 1) / self.val_units
        return train / math.log(2), val / math.log(2)
