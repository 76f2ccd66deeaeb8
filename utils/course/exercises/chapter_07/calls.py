"""How a loss of chapter 07 is called: a training goes through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import Remark, difference

NO_GRADIENT = Remark("a loss without a gradient")

Answer = Callable[..., Any]


def trained_through(reference: Answer) -> Callable[..., Any]:
    """How to call a loss of (logits, …): a right one must lead a gradient back to the logits."""

    def call(answer: Answer, logits: Tensor, *rest: Any) -> Any:
        given = logits.clone()
        loss = answer(logits, *rest)
        if difference(reference(given, *rest), loss) or _leads_back(answer, given, *rest):
            return loss
        return NO_GRADIENT

    return call


def _leads_back(answer: Answer, logits: Tensor, *rest: Any) -> bool:
    leaf = logits.requires_grad_()
    try:
        loss = answer(leaf * 1, *rest)  # times 1, so that an answer may write into its argument
    except RuntimeError as error:  # NumPy refuses what asks for a gradient
        if "numpy" in str(error):
            return False
        raise
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return False
    (gradient,) = torch.autograd.grad(loss, leaf, allow_unused=True)
    return gradient is not None
