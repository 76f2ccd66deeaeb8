"""What the exercises of chapter 01 share: numbers to probe with."""

from __future__ import annotations

import torch
from torch import Tensor


def uniform(*shape: int, seed: int, low: float = -2.0, high: float = 2.0) -> Tensor:
    """Numbers between low and high, rounded to one decimal so that a message can show them."""
    generator = torch.Generator().manual_seed(seed)
    return (low + (high - low) * torch.rand(*shape, generator=generator)).round(decimals=1)
