"""The loss of a model on text that it did not learn from."""

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.machine.precision import autocast, choose_precision
from utils.llm.training.batches import Ids, as_row, places

IGNORED = -100  # the target that F.cross_entropy leaves out

Span = tuple[int, int]


@torch.no_grad()
def evaluate(
    model: nn.Module,
    ids: Ids,
    *,
    context_length: int | None = None,
    batch_size: int = 32,
    max_windows: int | None = None,
    start_token: int | None = None,
    precision: str = "float32",
) -> float:
    """Mean loss in nats per token, always on the same windows.

    They lie end to end, so that every token but the first is predicted exactly once, the first of
    a window from one token, the last from all the window. With `start_token` a window goes from
    one such token to the next, a story, say, which is then read from its beginning. Of more than
    `max_windows`, so many are taken, evenly spread. Dropout is off.

    `context_length` is the model's own where none is given. Divide by ln 2 for bits.
    Raises ValueError for fewer than two tokens.
    """
    row = as_row(ids)
    context_length = context_length or context_of(model)
    spans = _spans(row, context_length, start_token)
    if max_windows is not None and len(spans) > max_windows:
        kept = np.linspace(0, len(spans) - 1, max_windows).round().astype(int)
        spans = [spans[i] for i in kept]
    spans.sort(key=lambda span: span[0] - span[1])  # equal lengths together: less filling
    device = next(model.parameters()).device
    dtype = choose_precision(precision, device)
    was_training, total, count = model.training, 0.0, 0
    model.eval()
    try:
        for first in range(0, len(spans), batch_size):
            inputs, targets = _batch(row, spans[first : first + batch_size])
            with autocast(dtype, device):
                logits = model(inputs.to(device))  # (B, T, V)
            flat = targets.to(device).flatten()
            loss = F.cross_entropy(logits.flatten(0, 1).float(), flat, reduction="sum")
            total += loss.item()
            count += int((targets != IGNORED).sum())
    finally:
        model.train(was_training)
    return total / count


def context_of(model: nn.Module) -> int:
    """How many tokens the model reads at once, as its config says."""
    found = getattr(getattr(model, "config", None), "context_length", None)
    if found is None:
        raise ValueError(
            f"{type(model).__name__} has no config.context_length; name a context_length."
        )
    return found


def _spans(row: np.ndarray, context_length: int, start_token: int | None) -> list[Span]:
    """First token and last target of each window."""
    if len(row) < 2:
        raise ValueError(f"{len(row)} tokens hold nothing to predict; give two or more.")
    borders = [0, len(row) - 1]
    if start_token is not None:
        borders = sorted({*borders, *places(row, start_token).tolist()})
    spans = []
    for start, end in pairwise(borders):
        spans.extend((s, min(s + context_length, end)) for s in range(start, end, context_length))
    return spans


def _batch(row: np.ndarray, spans: list[Span]) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Inputs and targets, filled up on the right, where causal attention never looks."""
    longest = max(end - start for start, end in spans)
    inputs = torch.zeros(len(spans), longest, dtype=torch.int64)
    targets = torch.full((len(spans), longest), IGNORED)
    for i, (start, end) in enumerate(spans):
        window = torch.from_numpy(row[start : end + 1].astype(np.int64))
        inputs[i, : end - start], targets[i, : end - start] = window[:-1], window[1:]
    return inputs, targets
