"""Wrong answers to the exercises of chapter 04."""

from __future__ import annotations

import torch
from mutants.cases import wrong, wrongs
from torch import Tensor

wrongs(
    "4.2",
    says="Your mask lets a token see its future",
    upper=lambda n: torch.ones(n, n).triu().bool(),
    turned=lambda n: torch.arange(n)[:, None] <= torch.arange(n),
)
wrongs("4.2", only_itself=lambda n: torch.eye(n, dtype=torch.bool))


@wrong("4.6", says="Your frequencies grow")
def minus_forgotten(x: Tensor, positions: Tensor) -> Tensor:
    speeds = 10_000.0 ** (torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    angles = positions[:, None] * speeds
    a, b = x[:, 0::2], x[:, 1::2]
    pairs = [a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()]
    return torch.stack(pairs, dim=-1).flatten(-2)


@wrong("4.6")
def flatten_forgotten(x: Tensor, positions: Tensor) -> Tensor:
    speeds = 10_000.0 ** (-torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    angles = positions[:, None] * speeds
    a, b = x[:, 0::2], x[:, 1::2]
    pairs = [a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()]
    return torch.stack(pairs, dim=-1)
