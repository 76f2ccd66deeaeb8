"""The recall model of chapter 04: two layers of attention and nothing else, over whole words.

It reads a story a word at a time and predicts the next one. Attention is its only road from one
word to another, so whatever it recalls, some head has fetched.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.attention.heads import (
    MultiHeadAttention,
    linear_attention,
    merge_heads,
    rotary,
    split_heads,
)

__all__ = ["IGNORED", "LinearSelfAttention", "RecallModel", "encode", "train_recall"]

IGNORED = -100  # the target that F.cross_entropy leaves out of the mean
ROTARY_BASE = 10_000.0

MakeAttention = Callable[[int, int], MultiHeadAttention]


def rotary_attention(d_model: int, n_heads: int) -> MultiHeadAttention:
    """Causal attention with rotary positions."""
    return MultiHeadAttention(d_model, n_heads, rotary_base=ROTARY_BASE)


class LinearSelfAttention(MultiHeadAttention):
    """The same layer with the kernel φ(q)·φ(k) in place of exp(q·k / √D), in time O(T).

    Queries and keys are turned by their positions before the feature map is applied. There are
    no weights to return. Source: Katharopoulos et al. 2020.
    """

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__(d_model, n_heads, rotary_base=ROTARY_BASE)

    def forward(  # type: ignore[override]
        self, x: Float[Tensor, "B T C"], *, head_mask: Tensor | None = None
    ) -> Float[Tensor, "B T C"]:
        """The causal output for every token."""
        q, k, v = (split_heads(part, self.n_heads) for part in self.qkv(x).chunk(3, dim=-1))
        heads = linear_attention(rotary(q), rotary(k), v, causal=True)  # (B, H, T, D)
        if head_mask is not None:
            heads = heads * head_mask[:, None, None]
        return self.out(merge_heads(heads))


class RecallModel(nn.Module):
    """Words in, scores of the next word out; between them `n_layers` layers of attention.

    Each layer adds what its heads found to what was there before. `attention(d_model, n_heads)`
    makes the layer; by default causal, with rotary positions.

    >>> model = RecallModel(n_words=10, d_model=8, n_heads=2)
    >>> model(torch.zeros(1, 5, dtype=torch.long)).shape
    torch.Size([1, 5, 10])
    """

    def __init__(
        self,
        n_words: int,
        d_model: int = 96,
        n_heads: int = 4,
        n_layers: int = 2,
        attention: MakeAttention = rotary_attention,
    ) -> None:
        super().__init__()
        self.n_heads, self.n_layers = n_heads, n_layers
        self.embed = nn.Embedding(n_words, d_model)
        nn.init.normal_(self.embed.weight, std=0.3)
        self.layers = nn.ModuleList(attention(d_model, n_heads) for _ in range(n_layers))
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in range(n_layers))
        self.last_norm = nn.LayerNorm(d_model)
        self.score = nn.Linear(d_model, n_words)

    def forward(
        self, ids: Int[Tensor, "B T"], *, head_mask: Float[Tensor, "L H"] | None = None
    ) -> Float[Tensor, "B T V"]:
        """Scores of the next word at every place. A 0 in `head_mask` switches a head off."""
        x = self.embed(ids)  # (B, T, C)
        for i, (norm, attention) in enumerate(zip(self.norms, self.layers, strict=True)):
            kept = None if head_mask is None else head_mask[i]
            x = x + attention(norm(x), head_mask=kept)
        return self.score(self.last_norm(x))  # (B, T, V)

    @torch.no_grad()
    def maps(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B L H T T"]:
        """The attention weights of every layer and head."""
        x, found = self.embed(ids), []
        for norm, attention in zip(self.norms, self.layers, strict=True):
            output, weights = attention(norm(x), need_weights=True)
            x = x + output
            found.append(weights)
        return torch.stack(found, dim=1)


def encode(
    stories: Sequence[Sequence[str]], vocabulary: Sequence[str]
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Inputs and targets, a story a row, filled up behind; `vocabulary[0]` is the end mark.

    The end mark stands before the first word too, so inputs[b, i] is the word before word i of
    story b, and targets[b, i] is word i itself: what must be known after reading inputs[b, :i + 1].
    The filling has the target IGNORED.

    >>> encode([["a", "b"], ["b"]], ["<end>", "a", "b"])[1].tolist()
    [[1, 2, 0], [2, 0, -100]]
    """
    number = {word: i for i, word in enumerate(vocabulary)}
    unknown = {word for words in stories for word in words} - set(number)
    if unknown:
        raise ValueError(f"{sorted(unknown)[0]!r} is not in the vocabulary; add it, or drop it")
    rows = [torch.tensor([0, *(number[word] for word in words), 0]) for words in stories]
    pad = nn.utils.rnn.pad_sequence
    inputs = pad([row[:-1] for row in rows], batch_first=True)
    return inputs, pad([row[1:] for row in rows], batch_first=True, padding_value=IGNORED)


def train_recall(
    model: nn.Module,
    inputs: Int[Tensor, "N T"],
    targets: Int[Tensor, "N T"],
    steps: int,
    *,
    learning_rate: float = 4e-3,
    batch_size: int = 32,
    warm_up: int = 30,
    seed: int = 0,
    report: int = 0,
) -> list[float]:
    """Train by AdamW on next words; returns the loss of each step in bits per word.

    The rows of a batch are about equally long, and what fills up all of them is cut off. The
    learning rate warms up in a line and then falls along a cosine. With `report`, a line of
    progress is printed that many steps apart. An interrupt keeps what was learned so far.
    """
    lengths = (targets != IGNORED).sum(1)  # (N,)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: _rate(i, steps, min(warm_up, steps // 3))
    )
    losses: list[float] = []
    model.train()
    start = time.perf_counter()
    try:
        for batch in _batches(lengths, batch_size, steps, seed):
            longest = int(lengths[batch].max())
            logits = model(inputs[batch, :longest])  # (B, T, V)
            loss = F.cross_entropy(logits.flatten(0, 1), targets[batch, :longest].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item() / math.log(2))
            if report and len(losses) % report == 0:
                _tell(losses, steps, time.perf_counter() - start)
    except KeyboardInterrupt:
        print(f"interrupted after {len(losses)} of {steps} steps; what was learned is kept")
    model.eval()
    return losses


def _rate(step: int, steps: int, warm_up: int) -> float:
    """The learning rate's share of its peak."""
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.02 + 0.49 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def _batches(lengths: Tensor, size: int, steps: int, seed: int) -> Iterator[Tensor]:
    """Batches of row numbers, alike in length (N,): each row comes once before any again."""
    generator = torch.Generator().manual_seed(seed)
    batches: list[Tensor] = []
    for _ in range(steps):
        if not batches:
            shuffled = torch.randperm(len(lengths), generator=generator)
            by_length = shuffled[lengths[shuffled].argsort(stable=True)].split(size)
            order = torch.randperm(len(by_length), generator=generator).tolist()
            batches = [by_length[i] for i in order]
        yield batches.pop()


def _tell(losses: Sequence[float], steps: int, seconds: float) -> None:
    left = seconds / len(losses) * (steps - len(losses))
    recent = losses[-20:]
    bits = sum(recent) / len(recent)
    print(f"step {len(losses)} of {steps}: {bits:.2f} bits a word, {left:.0f} s left", flush=True)
