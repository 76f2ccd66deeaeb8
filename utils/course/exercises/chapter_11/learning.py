"""Probes through which a model learns, and what answers do that no gradient gets through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

THROUGH_NUMPY = (
    "NumPy knows no gradient, and here the numbers ask for one: stay with tensors, so that a model "
    "can learn through this."
)


def learned(*args: Any) -> tuple[Any, ...]:
    """The same arguments, the tensors of floats asking for a gradient."""
    return tuple(
        arg.requires_grad_() if isinstance(arg, Tensor) and arg.is_floating_point() else arg
        for arg in args
    )


def through_numpy(reference: Callable[..., Any]) -> Callable[..., Any]:
    """The answer of somebody who turns the arguments into arrays first."""

    def answer(*args: Any) -> Any:
        for arg in args:
            if isinstance(arg, Tensor):
                arg.numpy()
        return reference(*args)

    return answer


def the_same(expected: Tensor, found: Tensor) -> bool:
    """Whether the numbers are right, so that an answer falls by something else."""
    return torch.allclose(expected.detach().double(), found.double(), rtol=1e-4, atol=1e-5)
