"""Cutting one long row of tokens into pairs of input and target."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def windows(
    ids: Sequence[int] | Tensor, context_length: int, stride: int | None = None
) -> tuple[Tensor, Tensor]:
    """Inputs and targets, each (N, T) int64; a target is its input shifted by one token.

    Window n starts at token n · stride; without a `stride` the windows lie end to end, so that each
    token but the first is a target at most once. What is left at the end and does not fill a window
    is dropped.

    Raises ValueError where `ids` hold no whole window: T inputs need T + 1 ids.

    >>> inputs, targets = windows([10, 11, 12, 13, 14], context_length=2)
    >>> inputs.tolist(), targets.tolist()
    ([[10, 11], [12, 13]], [[11, 12], [13, 14]])
    """
    stride = context_length if stride is None else stride
    for name, value in {"context_length": context_length, "stride": stride}.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be an int, not {value!r}.")
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1.")
    row = _as_row(ids)
    if len(row) <= context_length:
        raise ValueError(
            f"{len(row)} ids are too few for one window of context_length {context_length}, which "
            f"needs {context_length + 1} (the last target is one id further on); "
            "give more text or a shorter context."
        )
    inputs = row[:-1].unfold(0, context_length, stride)  # (N, T), a view
    targets = row[1:].unfold(0, context_length, stride)  # (N, T)
    return inputs.contiguous(), targets.contiguous()


def _as_row(ids: Sequence[int] | Tensor) -> Tensor:
    row = torch.as_tensor(ids)
    if row.ndim != 1:
        raise ValueError(f"ids have the shape {tuple(row.shape)}; give one row of token ids.")
    if len(row) and (row.is_floating_point() or row.is_complex() or row.dtype == torch.bool):
        raise TypeError(f"ids are of type {row.dtype}; token ids are whole numbers.")
    return row.to(torch.int64)
