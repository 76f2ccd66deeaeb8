"""What a GPT can read, and errors that name what it can't."""

from collections.abc import Sequence

import torch
from torch import Tensor


def check_ids(ids: Tensor) -> None:
    """Raises unless ids are whole numbers of the shape (batch, tokens)."""
    if ids.ndim != 2:
        raise ValueError(f"ids have the shape {tuple(ids.shape)}: give (batch, tokens).")
    if ids.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"ids are {ids.dtype}: give whole numbers, ids.long().")


def check_embeddings(embeddings: Tensor, d_model: int) -> None:
    """Raises ValueError unless they have the shape (batch, tokens, d_model)."""
    if embeddings.ndim != 3 or embeddings.shape[-1] != d_model:
        raise ValueError(
            f"embeddings have the shape {tuple(embeddings.shape)}: give (batch, tokens, {d_model})."
        )


def check_layers(caches: Sequence[object] | None, head_mask: Tensor | None, n_layers: int) -> None:
    """Raises ValueError unless there is one cache, and one row of the head mask, a layer."""
    if caches is not None and len(caches) != n_layers:
        raise ValueError(f"{len(caches)} caches for {n_layers} layers: give one a layer.")
    if head_mask is not None and (head_mask.ndim != 2 or len(head_mask) != n_layers):
        raise ValueError(
            f"head_mask has the shape {tuple(head_mask.shape)}: give ({n_layers}, heads), a row a "
            "layer."
        )


def check_range(ids: Tensor, vocab_size: int) -> None:
    """Raises ValueError naming the first id that the vocabulary does not have."""
    wrong = (ids < 0) | (ids >= vocab_size)
    if wrong.any():
        row, place = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"ids[{row}, {place}] is {ids[row, place].item()}, and the vocabulary has the ids 0 to "
            f"{vocab_size - 1}: encode the text with the model's own tokenizer."
        )


def check_length(n_tokens: int, n_cached: int, context_length: int) -> None:
    """Raises ValueError for no tokens, or for more than the context has room for."""
    if not 1 <= n_tokens <= context_length - n_cached:
        cached = f" after {n_cached} in the caches" if n_cached else ""
        raise ValueError(
            f"The input is {n_tokens} tokens long{cached}, and the context_length is "
            f"{context_length}: give at least one token, and no more than fit; of a longer text, "
            "the last ones."
        )


def check_positions(positions: Tensor, x: Tensor, context_length: int) -> None:
    """Raises ValueError unless there is one position, from 0 to below the context, a token."""
    if positions.shape != x.shape[:2]:
        raise ValueError(
            f"positions have the shape {tuple(positions.shape)} and the tokens "
            f"{tuple(x.shape[:2])}: give one for each token."
        )
    low, high = int(positions.min()), int(positions.max())
    if low < 0 or high >= context_length:
        raise ValueError(
            f"positions go from {low} to {high}, and there are vectors for 0 to "
            f"{context_length - 1}."
        )
