"""GPT-2 and its training step by nanoGPT's recipe, in one page: what a fast plain loop looks like.

Fused attention and AdamW, the whole of the forward pass compiled with its loss, bfloat16 by
autocast, no dropout, no biases, and the next batch fetched while the present one is computed.
Source of the recipe: A. Karpathy, nanoGPT, train.py and model.py, 2023.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.gpt.config import GPTConfig


class PlainBlock(nn.Module):
    """Attention, then a feed-forward layer, each behind a norm and beside the stream."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norms = nn.ModuleList(nn.LayerNorm(d_model, bias=False) for _ in range(2))
        self.qkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.out = nn.Linear(d_model, d_model, bias=False)
        self.up = nn.Linear(d_model, 4 * d_model, bias=False)
        self.down = nn.Linear(4 * d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(self.norms[0](x)).chunk(3, dim=-1)  # three of (B, T, C)
        q, k, v = (part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, D)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))  # (B, T, C)
        return x + self.down(F.gelu(self.up(self.norms[1](x))))


class PlainGPT(nn.Module):
    """The model; a call gives the loss, so that compiling it compiles the loss too."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        width = config.d_model
        self.tokens = nn.Embedding(config.vocab_size, width)
        self.places = nn.Embedding(config.context_length, width)
        self.blocks = nn.Sequential(
            *(PlainBlock(width, config.n_heads) for _ in range(config.n_layers))
        )
        self.norm = nn.LayerNorm(width, bias=False)
        self.head = nn.Linear(width, config.vocab_size, bias=False)
        self.head.weight = self.tokens.weight
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        logits = self.head(self.norm(self.blocks(x)))  # (B, T, V)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def plain_step(config: GPTConfig, batch: int, device: str, compiled: bool) -> Callable[[], None]:
    """One step after the other on random tokens; the device is not waited for."""
    torch.manual_seed(0)
    row = torch.randint(0, config.vocab_size, (100_000,))
    model = PlainGPT(config).to(device)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=6e-4, betas=(0.9, 0.95), fused=True)
    loss_of = torch.compile(model) if compiled else model

    def fetch() -> tuple[Tensor, Tensor]:
        length = config.context_length
        starts = torch.randint(len(row) - length - 1, (batch,)).tolist()
        both = [torch.stack([row[s + by : s + by + length] for s in starts]) for by in (0, 1)]
        if device == "cuda":
            both = [ids.pin_memory().to(device, non_blocking=True) for ids in both]
        return both[0], both[1]

    ahead = [fetch()]

    def step() -> None:
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = loss_of(*ahead.pop())
        ahead.append(fetch())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step
