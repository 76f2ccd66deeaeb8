"""How answers of chapter 07 are called: what they return must be fit for the training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
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
        (gradient,) = torch.autograd.grad(loss, leaf, allow_unused=True)
    except (AttributeError, RuntimeError, TypeError):  # no tensor, or one cut off by the way
        return False
    return gradient is not None


def members_like(names: Sequence[str], argument: int) -> Callable[..., Any]:
    """How to call an answer whose named members must be tensors of an argument's own dtype.

    Where one is not, a remark about it is added to the members; a list counts by its tensors.
    """

    def call(answer: Answer, *args: Any) -> Any:
        wanted = _first(args[argument]).dtype
        result = answer(*args)
        if not isinstance(result, tuple | list) or len(result) < len(names):
            return result
        said = (_unlike(name, wanted, x) for name, x in zip(names, result, strict=False))
        remark = next(filter(None, said), None)
        return (*result, remark) if remark else result

    return call


def result_like(reference: Answer, argument: int) -> Callable[..., Any]:
    """How to call an answer whose one result, where it is right, must be of an argument's dtype."""

    def call(answer: Answer, *args: Any) -> Any:
        result = answer(*args)
        remark = _unlike("the result", args[argument].dtype, result)
        wrong = remark and difference(reference(*args), result)
        return result if wrong or not remark else remark

    return call


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) else value


def _unlike(name: str, wanted: torch.dtype, value: Any) -> Remark | None:
    value = _first(value)
    label = name if " " in name else f"`{name}`"
    if isinstance(value, np.ndarray | np.generic):
        return Remark(f"{label} is a NumPy array: return a tensor, as the argument is one.")
    if isinstance(value, Tensor) and value.is_floating_point() and value.dtype != wanted:
        dtypes = [str(dtype).removeprefix("torch.") for dtype in (value.dtype, wanted)]
        return Remark(
            f"{label} is {dtypes[0]}: return the same dtype as the argument, {dtypes[1]}."
        )
    return None
