"""Attention whose cost grows with T, not T²: the kernel trick (Katharopoulos et al. 2020)."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from utils.llm.attention.shapes import check_qkv

FeatureMap = Callable[[Tensor], Tensor]
CHUNK = 32  # near the width of a head the sums kept for each chunk take no more room than q, k, v


def elu_plus_one(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """elu(x) + 1, the feature map of the paper: x + 1 above 0, e^x below, positive everywhere.

    >>> elu_plus_one(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0.3679, 1.0000, 3.0000])
    """
    # Not F.elu(x) + 1: below −17 its −1 + 1 is 0 in float32, while e^x is still a number.
    return F.relu(x) + x.clamp(max=0).exp()


def linear_attention(
    q: Float[Tensor, "*B Tq D"],
    k: Float[Tensor, "*B Tk D"],
    v: Float[Tensor, "*B Tk Dv"],
    feature_map: FeatureMap = elu_plus_one,
    causal: bool = False,
) -> Float[Tensor, "*B Tq Dv"]:
    """Attention with the kernel φ(q)·φ(k) in place of exp(q·k / √D), in time and memory O(T).

    Since Σⱼ (φ(qᵢ)·φ(kⱼ)) vⱼ = φ(qᵢ)·Σⱼ φ(kⱼ) vⱼᵀ, the sum over the keys moves out and is made
    once for all queries; causally it is a running sum. `feature_map` takes (…, D) to (…, M) and
    must be nowhere negative. No weights are made, so none can be returned.
    Sums are kept in float32 or better.

    Raises ValueError where shapes don't fit; causally there must be as many keys as queries.
    """
    check_qkv(q, k, v)
    if causal and q.shape[-2] != k.shape[-2]:
        raise ValueError(
            f"Causal linear attention got {q.shape[-2]} queries and {k.shape[-2]} keys, shapes "
            f"{tuple(q.shape)} and {tuple(k.shape)}: give as many of each."
        )
    precise = torch.promote_types(q.dtype, torch.float32)
    phi_q, phi_k = feature_map(q.to(precise)), feature_map(k.to(precise))  # (*B, T, M)
    # One more column of ones: what it sums up to is what the weights sum to.
    ones = torch.ones_like(v[..., :1])
    v1 = torch.cat([v, ones], dim=-1).to(precise)  # (*B, Tk, Dv + 1)
    sums = _running(phi_q, phi_k, v1) if causal else phi_q @ (phi_k.mT @ v1)  # (*B, Tq, Dv + 1)
    total = sums[..., -1:].clamp(min=torch.finfo(precise).tiny)  # 0 where all features underflow
    return (sums[..., :-1] / total).to(v.dtype)  # (*B, Tq, Dv)


def _running(
    phi_q: Float[Tensor, "*B T M"], phi_k: Float[Tensor, "*B T M"], v: Float[Tensor, "*B T Dv"]
) -> Float[Tensor, "*B T Dv"]:
    """Σ over j ≤ i of (φ(qᵢ)·φ(kⱼ)) vⱼ: explicitly inside a chunk, by sums before it.

    One sum a token, (T, M, Dv), would take more memory than explicit attention up to T = M · Dv;
    one sum a chunk takes 1 / CHUNK of that.
    """
    n_tokens = v.shape[-2]
    chunk = max(1, min(CHUNK, n_tokens))
    phi_q, phi_k, v = (_in_chunks(x, chunk) for x in (phi_q, phi_k, v))  # (*B, N, chunk, …)
    states = phi_k.mT @ v  # (*B, N, M, Dv)
    before = F.pad(states.cumsum(dim=-3)[..., :-1, :, :], (0, 0, 0, 0, 1, 0))  # of earlier chunks
    within = (phi_q @ phi_k.mT).tril() @ v  # (*B, N, chunk, chunk) -> (*B, N, chunk, Dv)
    return (phi_q @ before + within).flatten(-3, -2)[..., :n_tokens, :]  # (*B, T, Dv)


def _in_chunks(x: Float[Tensor, "*B T C"], chunk: int) -> Float[Tensor, "*B N {chunk} C"]:
    """The tokens in chunks, the last one filled up with zeros, which add nothing to a sum."""
    n_chunks = -(-x.shape[-2] // chunk)
    filled = F.pad(x, (0, 0, 0, n_chunks * chunk - x.shape[-2]))  # (*B, N · chunk, C)
    return filled.unflatten(-2, (n_chunks, chunk))
