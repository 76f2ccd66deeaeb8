"""Who may attend to whom."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Mask = Bool[Tensor, "*#B #Tq #Tk"] | Float[Tensor, "*#B #Tq #Tk"]


def causal_mask(
    n_tokens: int, n_keys: int | None = None, *, device: torch.device | str | None = None
) -> Bool[Tensor, "Tq Tk"]:
    """True where the query of a row may attend to the key of a column: itself and what was before.

    With more keys than tokens, as behind a cache, the last query stands at the last key.
    Raises ValueError for fewer keys than tokens: the first query would have no key to itself.

    >>> causal_mask(3).int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    >>> causal_mask(2, 4).int()
    tensor([[1, 1, 1, 0],
            [1, 1, 1, 1]], dtype=torch.int32)
    """
    n_keys = n_tokens if n_keys is None else n_keys
    if not 0 <= n_tokens <= n_keys:
        raise ValueError(
            f"n_tokens is {n_tokens} and n_keys {n_keys}: give 0 or more tokens, and at least as "
            "many keys."
        )
    everything = torch.ones(n_tokens, n_keys, dtype=torch.bool, device=device)
    return everything.tril(diagonal=n_keys - n_tokens)


def padding_mask(lengths: Int[Tensor, "B"], n_tokens: int) -> Bool[Tensor, "B 1 1 T"]:
    """True where a key is a word of its text, False where it only fills up the batch's row.

    The filling stands behind the text. The shape broadcasts over heads and queries, and combines
    with a causal mask by `&`. A text of length 0 has no key at all: attention then gives zeros.
    Raises ValueError for a length below 0 or above n_tokens.

    >>> padding_mask(torch.tensor([1, 3]), 3).int()[:, 0, 0]
    tensor([[1, 0, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    if lengths.ndim != 1:
        raise ValueError(f"lengths have the shape {tuple(lengths.shape)}: give one for each text.")
    if lengths.numel() and not 0 <= lengths.min() <= lengths.max() <= n_tokens:
        raise ValueError(
            f"lengths go from {lengths.min()} to {lengths.max()}: each must be from 0 to n_tokens, "
            f"{n_tokens}."
        )
    real = torch.arange(n_tokens, device=lengths.device) < lengths[:, None]  # (B, T)
    return real[:, None, None, :]  # (B, 1, 1, T)


def open_blind_rows(mask: Mask, dtype: torch.dtype) -> tuple[Mask, Bool[Tensor, "*#B #Tq 1"]]:
    """The mask with rows that forbid everything opened, and True for each of these rows.

    A softmax over nothing is 0 / 0, and its gradient is not a number either. So such a row may
    attend to everything, and whoever calls this sets what comes out of it to zero.
    An additive mask is taken to the type of the scores first, where −1e300, say, is −inf.
    """
    if mask.dtype == torch.bool:
        blind = ~mask.any(dim=-1, keepdim=True)
        return mask | blind, blind
    mask = mask.to(dtype)
    blind = (mask == -torch.inf).all(dim=-1, keepdim=True)
    return mask.masked_fill(blind, 0), blind


def both(mask: Mask | None, allowed: Bool[Tensor, "Tq Tk"] | None) -> Mask | None:
    """The mask, boolean or additive, with all that is not allowed forbidden as well."""
    if mask is None or allowed is None:
        return allowed if mask is None else mask
    return mask & allowed if mask.dtype == torch.bool else mask.masked_fill(~allowed, -torch.inf)
