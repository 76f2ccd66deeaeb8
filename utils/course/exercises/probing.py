"""What the exercises of chapter 01 share: numbers to probe with, and a look at the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.compare import Remark


def uniform(*shape: int, seed: int, low: float = -2.0, high: float = 2.0) -> Tensor:
    """Numbers between low and high, rounded to one decimal so that a message can show them."""
    generator = torch.Generator().manual_seed(seed)
    return (low + (high - low) * torch.rand(*shape, generator=generator)).round(decimals=1)


def differentiable(answer: Callable[..., Any], *args: Tensor) -> Any:
    """Call an answer that the chapter will train through: its last result must have a gradient.

    Where the last member of what it returns is cut off from the arguments, a remark is added to
    the members, so that the result departs from a sound one by that, and by nothing else.
    """
    result = answer(*(arg.requires_grad_() for arg in args))
    cut_off = (
        isinstance(result, tuple | list)
        and len(result) > 0
        and isinstance(result[-1], Tensor)
        and not result[-1].requires_grad
    )
    return (*result, Remark("autograd finds no way back")) if cut_off else result
