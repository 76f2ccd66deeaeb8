"""What a computation costs: its time, and the tensors that it makes on its way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Cost", "Watch", "cost", "cost_of_each"]


class Watch(TorchDispatchMode):
    """Notes, as a context, what the operations of PyTorch in it make and touch.

    `largest_numbers` and `largest_bytes` are of the largest tensor that any of them hands back,
    `touched` are the numbers that all of them together read and write. A view, such as a slice or
    a transpose, reads nothing. What a fused kernel holds inside, block by block, is not seen, nor
    is what NumPy and Python do.

    >>> import torch
    >>> x = torch.ones(10, 2)
    >>> with Watch() as watch:
    ...     _ = (x @ x.T).sum()
    >>> watch.largest_numbers, watch.touched
    (100, 241)
    """

    def __init__(self) -> None:
        super().__init__()
        self.largest_numbers = self.largest_bytes = self.touched = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """PyTorch's own switch: without it the first use loads the compiler, two seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = _tensors(result)
        for x in made:
            self.largest_numbers = max(self.largest_numbers, x.numel())
            self.largest_bytes = max(self.largest_bytes, x.numel() * x.element_size())
        if not func.is_view:
            self.touched += sum(x.numel() for x in [*_tensors(args), *made])
        return result


def _tensors(values: Any) -> list[Tensor]:
    """All tensors in nested tuples and lists."""
    if isinstance(values, Tensor):
        return [values]
    if not isinstance(values, tuple | list):
        return []
    return [x for value in values for x in _tensors(value)]


class Cost(NamedTuple):
    """Seconds of the fastest run, and bytes of the largest tensor made."""

    seconds: float
    largest_bytes: int


def cost(call: Callable[[], object], rounds: int = 3) -> Cost:
    """Run one call to see what it makes, then `rounds` times against the clock."""
    return cost_of_each({"": call}, rounds)[""]


def cost_of_each(calls: Mapping[str, Callable[[], object]], rounds: int = 7) -> dict[str, Cost]:
    """Run each call once to see what it makes, then all of them in turn against the clock.

    In turn, so that a busy moment of the machine falls on all alike. Seconds are of the fastest
    round.
    """
    largest = {}
    for name, call in calls.items():
        with Watch() as watch:
            call()
        largest[name] = watch.largest_bytes
    seconds = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return {name: Cost(seconds[name], largest[name]) for name in calls}
