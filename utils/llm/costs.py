"""What a computation costs: its time, and the largest tensor that it makes on its way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Cost", "LargestTensor", "cost"]


class LargestTensor(TorchDispatchMode):
    """Notes, as a context, the largest tensor that any operation of PyTorch hands back.

    What a fused kernel holds inside, block by block, is not seen.

    >>> import torch
    >>> x = torch.ones(10, 2)
    >>> with LargestTensor() as largest:
    ...     _ = (x @ x.T).sum()
    >>> largest.numbers
    100
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers = self.bytes = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """PyTorch's own switch: without it the first use loads the compiler, two seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for made in result if isinstance(result, tuple | list) else (result,):
            if isinstance(made, Tensor):
                self.numbers = max(self.numbers, made.numel())
                self.bytes = max(self.bytes, made.numel() * made.element_size())
        return result


class Cost(NamedTuple):
    """Seconds of the fastest run, and bytes of the largest tensor made."""

    seconds: float
    largest_bytes: int


def cost(call: Callable[[], object], repeats: int = 3) -> Cost:
    """Run `call` once to see what it makes, then `repeats` times against the clock."""
    with LargestTensor() as largest:
        call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return Cost(min(seconds), largest.bytes)
