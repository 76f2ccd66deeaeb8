"""Induction heads: what looks, in a text that repeats, at the token behind its last appearance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from utils.data.texts.models import TextModel
from utils.llm.gpt.model import GPT

__all__ = [
    "bits_by_half",
    "induction_scores",
    "look",
    "previous_scores",
    "repeated",
    "strongest",
    "without",
]


def repeated(vocab_size: int, n: int = 24, texts: int = 4, seed: int = 0) -> Int[Tensor, "B T"]:
    """Random tokens, n of them and then the same n again, with one token in front of all."""
    dice = torch.Generator().manual_seed(seed)
    once = torch.randint(3, vocab_size, (texts, n), generator=dice)
    return torch.cat([torch.zeros(texts, 1, dtype=torch.long), once, once], dim=1)  # (B, 1 + 2 n)


def induction_scores(model: GPT, ids: Int[Tensor, "B T"]) -> Float[Tensor, "L H"]:
    """How much of its attention each head gives, in the second half, to what followed last time."""
    n = (ids.shape[1] - 1) // 2
    maps = model.maps(ids)  # (B, L, H, T, T)
    at = torch.arange(n + 1, 2 * n + 1)  # each of them stood n places before, and was followed
    return maps[:, :, :, at, at - n + 1].mean(dim=(0, 3))


def previous_scores(model: GPT, ids: Int[Tensor, "B T"]) -> Float[Tensor, "L H"]:
    """How much of its attention each head gives to the token just before."""
    return model.maps(ids).diagonal(-1, dim1=-2, dim2=-1).mean(dim=(0, 3))


def strongest(scores: Float[Tensor, "L H"], n: int) -> list[tuple[int, int]]:
    """Layer and head of the n largest scores, from 0."""
    places = scores.flatten().argsort(descending=True, stable=True)[:n]
    return [divmod(int(place), scores.shape[1]) for place in places]


def without(model: GPT, heads: Sequence[tuple[int, int]]) -> Float[Tensor, "L H"]:
    """The head mask that switches these off."""
    mask = torch.ones(model.config.n_layers, model.config.n_heads)
    for layer, head in heads:
        mask[layer, head] = 0
    return mask


@torch.no_grad()
def bits_by_half(
    model: GPT, ids: Int[Tensor, "B T"], off: Sequence[tuple[int, int]] = ()
) -> tuple[float, float]:
    """What a token costs in the first half and in the second, some heads switched off."""
    logits = model(ids[:, :-1], head_mask=without(model, off) if off else None)
    nats = F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none")
    bits = nats.view(len(ids), -1) / math.log(2)  # (B, 2 n)
    n = bits.shape[1] // 2
    return bits[:, :n].mean().item(), bits[:, n + 1 :].mean().item()


@torch.no_grad()
def look(opened: TextModel, text: str) -> tuple[list[str], Float[Tensor, "L H T T"], list[str]]:
    """The tokens of a text, all attention maps, and what is expected behind each token."""
    ids = torch.tensor([opened.encode(text)])
    guesses = opened.model(ids)[0].argmax(-1)
    rows = (ids[0].tolist(), guesses.tolist())
    tokens, expected = ([opened.decode([i]).strip() or "·" for i in row] for row in rows)
    return tokens, opened.model.maps(ids)[0], expected
