"""A story that a model tells, with the first word that the story world could not have told."""

from __future__ import annotations

import bisect
import textwrap
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from utils.data.storyworld.tokens import END_ID, VOCABULARY
from utils.data.storyworld.world import END, is_possible
from utils.llm.training.callbacks import Callback, Report

__all__ = ["Storyteller", "first_slip", "marked", "tell"]

MOST_WORDS = 120


def first_slip(words: Sequence[str]) -> int | None:
    """The place of the first word that the world could not have told there; None without one.

    >>> first_slip("Mina had a red hat .".split()), first_slip("Mina had had".split())
    (None, 2)
    """
    # A beginning is possible only where all shorter ones are: so it can be halved for.
    lengths = range(len(words) + 1)
    found = bisect.bisect_left(lengths, True, key=lambda n: not is_possible(list(words[:n])))
    return found - 1 if found <= len(words) else None


def marked(words: Sequence[str], width: int = 88) -> str:
    """A story in lines, its first impossible word between ›‹, and where that is."""
    slip = first_slip(words)
    shown = [f"›{word}‹" if place == slip else word for place, word in enumerate(words)]
    said = "every word of it is possible"
    if slip is not None:
        said = f"word {slip + 1} of {len(words)}, “{words[slip]}”, is impossible there"
    return textwrap.fill(" ".join(shown), width) + f"\n({said})"


@torch.no_grad()
def tell(model: nn.Module, most_words: int = MOST_WORDS) -> list[str]:
    """The words that a model of story tokens holds likeliest, one after another, to the end.

    The model maps ids (1, T) to logits (1, T, V), for as many tokens as it has places.
    """
    training = model.training
    device = next(model.parameters()).device
    ids: Tensor = torch.tensor([[END_ID]], device=device)
    longest = getattr(getattr(model, "config", None), "context_length", most_words + 1)
    model.eval()
    for _ in range(min(most_words, longest - 1)):
        token = model(ids)[:, -1].argmax(-1, keepdim=True)  # (1, 1)
        if VOCABULARY[token.item()] == END:
            break
        ids = torch.cat([ids, token], dim=1)
    model.train(training)
    return [VOCABULARY[i] for i in ids[0, 1:].tolist()]


class Storyteller(Callback):
    """Prints what the model tells after some steps, with its first impossible word."""

    def __init__(self, at: Sequence[int]) -> None:
        self.at = frozenset(at)

    def on_step(self, report: Report) -> None:
        if report.step in self.at:
            print(f"after {report.step} steps:\n{marked(tell(report.model))}\n", flush=True)
