"""What a training is told, and the corpus that it was made ready for."""

from __future__ import annotations

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
    """All that decides what a training does; kept as config.json in its folder."""

    corpus: str = STORIES
    preset: str = "story"
    steps: int = 1000
    batch_size: int = 32
    learning_rate: float = 2e-3
    warm_up: int | None = None
    min_rate: float = 0.0
    weight_decay: float = 0.1
    accumulation: int = 1
    vocab_size: int = 1024
    context_length: int | None = None
    n_layers: int | None = None
    n_heads: int | None = None
    d_model: int | None = None
    positions: str = "learned"
    dropout: float = 0.0
    n_stories: int = 10_000
    precision: str = "auto"
    compile: bool = False
    fsdp: bool = False
    device: str = "auto"
    evaluate_every: int = 100
    snapshot_every: int = 100
    seed: int = 0
    half: bool = False
    tensorboard: bool = False

    def model_config(self, vocab_size: int) -> GPTConfig:
        """The preset with the changes asked for."""
        sizes = ("context_length", "n_layers", "n_heads", "d_model")
        changes = {name: getattr(self, name) for name in sizes if getattr(self, name) is not None}
        return GPTConfig.preset(
            self.preset,
            vocab_size=vocab_size,
            positions=self.positions,
            dropout=self.dropout,
            **changes,
        )

    def train_config(self) -> TrainConfig:
        """The part that the training loop is told; stories are read from their beginnings."""
        shared = {f.name for f in fields(TrainConfig)} & {f.name for f in fields(Settings)}
        chosen = {name: getattr(self, name) for name in shared - {"context_length"}}
        start = story_tokens.END_ID if self.corpus == STORIES else None
        return TrainConfig(start_token=start, **chosen)


class Text(NamedTuple):
    """A corpus as tokens, in files."""

    train_ids: np.ndarray
    val_ids: np.ndarray
    vocab_size: int
    tokenizer: str
    val_bytes: int
