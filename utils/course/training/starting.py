"""The model that a training begins with: freshly rolled, or one that has learned before."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import tiktoken
import torch

from utils.course.training.settings import STORIES, Settings, Text
from utils.data.storyworld.model import fresh_story_model
from utils.data.texts.models import open_model
from utils.llm.gpt import counts
from utils.llm.gpt.checkpoints import read_tensors
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.model import GPT
from utils.llm.machine.memory import room_for_tensors
from utils.llm.tuning.lora import add_lora, fingerprint, lora_state
from utils.llm.tuning.vocabulary import widen_vocabulary

__all__ = ["Start", "check_memory", "first_model", "open_start", "put_back"]

_NARROW = 256  # up to this width GPT-2's first weights are too small


class Start(NamedTuple):
    """A model to begin from, its tokens, and what tells it from other models."""

    model: GPT
    encoding: tiktoken.Encoding | None  # None: whole words of the story world
    mark: str

    @property
    def tokenizer(self) -> str:
        """The name of its tokenizer."""
        return self.model.tokenizer

    @property
    def vocab_size(self) -> int:
        """How many tokens it knows."""
        return self.model.config.vocab_size


def open_start(settings: Settings) -> Start:
    """The model that `settings.start` names: a shipped one, a fetched one, a file, a folder.

    Raises FileNotFoundError, ValueError, ConnectionError or ImportError, saying what to do;
    ValueError also where it has words and no tokens for the corpus.
    """
    opened = open_model(settings.start)
    if (opened.encoding is None) != (settings.corpus == STORIES):
        raise ValueError(
            f"{settings.start} knows the words of the story world alone: --corpus stories."
            if opened.encoding is None
            else f"{settings.start} reads text: the corpus stories is told in words, for the "
            "models that know them. Give a text of your own."
        )
    model = opened.model.train()
    return Start(model.requires_grad_(True), opened.encoding, fingerprint(model))


def first_model(settings: Settings, text: Text) -> GPT:
    """The model as it is before the first step, from the seed alone or from `settings.start`.

    Raises ValueError where the model to begin from is not the one that the run began from.
    """
    if settings.start:
        start = open_start(settings)
        if start.mark != text.start:
            raise ValueError(
                f"{settings.start} is another model now than the one that this training began "
                "from: put that one back, or begin anew with --fresh."
            )
        model = start.model
        if settings.lora:
            add_lora(model, settings.lora, 2.0 * settings.lora, seed=settings.seed)
        elif text.vocab_size > model.config.vocab_size:
            model = widen_vocabulary(model, text.vocab_size, settings.seed)
        return model
    config = settings.model_config(text.vocab_size)
    if config.d_model <= _NARROW and not config.tied:
        return fresh_story_model(config, settings.seed)
    torch.manual_seed(settings.seed)
    return GPT(config)


@torch.no_grad()
def put_back(model: GPT, path: Path, lora: bool) -> None:
    """Give the model, in place, what was kept in the file: its weights, or what LoRA learned."""
    if lora:
        kept, _ = read_tensors(path)
        for name, tensor in lora_state(model).items():
            tensor.copy_(kept[name])  # shares its memory with the parameter
    else:
        model.load_state_dict(GPT.load(path).state_dict())


def check_memory(config: GPTConfig, settings: Settings, device: torch.device) -> None:
    """Raises MemoryError where not even weights, gradients and moments have room."""
    numbers = sum(counts.parameter_table(config).values())
    needed = (4 if settings.lora else 16) * numbers
    room = room_for_tensors(device)
    if room is not None and needed > room and not settings.fsdp:
        raise MemoryError(
            f"The model has {numbers:,} weights and takes {needed / 1e9:,.1f} GB to train, and "
            f"{room / 1e9:,.1f} GB are free: choose a smaller --preset, --width or --layers."
        )
