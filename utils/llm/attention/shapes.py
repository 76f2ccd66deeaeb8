"""What fits together in attention, and errors that name the two shapes that don't."""

import torch
from torch import Tensor


def check_qkv(q: Tensor, k: Tensor, v: Tensor) -> None:
    """Raises ValueError unless q is (…, T_q, D), k (…, T_k, D) and v (…, T_k, D_v)."""
    for name, x in {"q": q, "k": k, "v": v}.items():
        if x.ndim < 2:
            raise ValueError(
                f"{name} has the shape {tuple(x.shape)}: give (tokens, width), or more axes "
                "before these two."
            )
    if q.shape[:-2] != k.shape[:-2]:
        raise _misfit("q", q, "k", k, "all axes but the last two must be equal")
    if k.shape[:-2] != v.shape[:-2]:
        raise _misfit("k", k, "v", v, "all axes but the last two must be equal")
    if q.shape[-1] != k.shape[-1]:
        raise _misfit("q", q, "k", k, "a dot product needs the same width, the last axis")
    if k.shape[-2] != v.shape[-2]:
        raise _misfit("k", k, "v", v, "each key needs its value: the same number of tokens")


def check_sizes(
    d_model: int,
    n_heads: int,
    n_kv_heads: int | None,
    d_head: int | None,
    rotary: bool,
    dropout: float,
) -> None:
    """Raises ValueError unless a layer of attention can be made of these sizes."""
    if n_heads < 1 or d_model < 1 or (d_head is None and d_model % n_heads):
        raise ValueError(
            f"d_model is {d_model} and n_heads {n_heads}: make d_model a multiple of n_heads."
        )
    if d_head is not None and d_head < 1:
        raise ValueError(f"d_head is {d_head}; it must be at least 1.")
    if n_kv_heads is not None and (n_kv_heads < 1 or n_heads % n_kv_heads):
        raise ValueError(
            f"n_heads is {n_heads} and n_kv_heads {n_kv_heads}: make n_heads a multiple of "
            "n_kv_heads, so that each key serves as many queries."
        )
    width = d_model // n_heads if d_head is None else d_head
    if rotary and width % 2:
        raise ValueError(
            f"Heads are {width} wide, d_model {d_model} / n_heads {n_heads}; "
            "rotary positions turn pairs of columns and need an even width."
        )
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}: give a probability from 0 to below 1.")


def check_mask(mask: Tensor, scores: tuple[int, ...]) -> None:
    """Raises unless the mask is boolean or floating and broadcasts to the shape of the scores."""
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise TypeError(
            f"The mask is {mask.dtype}: give a boolean mask (True = may attend), or floating "
            "numbers that are added to the scores; .bool() makes ones and zeros boolean."
        )
    padded = (1,) * (len(scores) - mask.ndim) + tuple(mask.shape)
    if len(padded) != len(scores) or any(
        m not in (1, s) for m, s in zip(padded, scores, strict=True)
    ):
        raise ValueError(
            f"The mask has the shape {tuple(mask.shape)} and the scores {scores}, "
            "(…, queries, keys): each axis of the mask must be as long as theirs, or 1."
        )


def _misfit(name: str, x: Tensor, other: str, y: Tensor, need: str) -> ValueError:
    return ValueError(
        f"{name} has the shape {tuple(x.shape)} and {other} {tuple(y.shape)}: {need}."
    )
