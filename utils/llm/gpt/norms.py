"""What keeps the numbers of a deep stack in range: LayerNorm, RMSNorm, Dynamic Tanh.

Each works on every token alone, along its C columns (the last axis).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["NORMS", "DynamicTanh", "RMSNorm", "dynamic_tanh", "layer_norm", "make_norm", "rms_norm"]

NORMS = ("layernorm", "rmsnorm", "dyt", "none")


def layer_norm(
    x: Float[Tensor, "*B C"],
    weight: Float[Tensor, "C"],
    bias: Float[Tensor, "C"] | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "*B C"]:
    """(x − mean) / √(variance + eps) · weight + bias (Ba, Kiros and Hinton 2016).

    The variance is the mean of the squared distances, divided by C, not by C − 1.

    >>> layer_norm(torch.tensor([2.0, 4.0, 6.0, 8.0]), torch.ones(4)).round(decimals=3)
    tensor([-1.3420, -0.4470,  0.4470,  1.3420])
    """
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)  # (*B, 1)
    normed = centred * torch.rsqrt(variance + eps) * weight
    return normed if bias is None else normed + bias


def rms_norm(
    x: Float[Tensor, "*B C"], weight: Float[Tensor, "C"], eps: float = 1e-5
) -> Float[Tensor, "*B C"]:
    """x / √(mean of x² + eps) · weight: LayerNorm without the mean (Zhang and Sennrich 2019).

    >>> rms_norm(torch.tensor([1.0, 1.0, 1.0, 5.0]), torch.ones(4)).round(decimals=3)
    tensor([0.3780, 0.3780, 0.3780, 1.8900])
    """
    return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + eps) * weight


def dynamic_tanh(
    x: Float[Tensor, "*B C"],
    alpha: Float[Tensor, ""] | Float[Tensor, "1"] | float,
    weight: Float[Tensor, "C"],
    bias: Float[Tensor, "C"],
) -> Float[Tensor, "*B C"]:
    """tanh(alpha · x) · weight + bias (Zhu et al. 2025, arXiv 2503.10622).

    No mean and no variance is taken: a column knows nothing of the others.

    >>> dynamic_tanh(torch.tensor([0.0, 2.0, 200.0]), 0.5, torch.ones(3), torch.zeros(3))
    tensor([0.0000, 0.7616, 1.0000])
    """
    return torch.tanh(alpha * x) * weight + bias


class RMSNorm(nn.Module):
    """`rms_norm` with a weight for each column, 1 at the start.

    The mean is taken in float32 where x is narrower: squares of half-precision numbers overflow.
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Float[Tensor, "*B C"]) -> Float[Tensor, "*B C"]:
        """Each token divided by its root mean square."""
        precise = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        return rms_norm(precise, self.weight, self.eps).to(x.dtype)


class DynamicTanh(nn.Module):
    """`dynamic_tanh` with one learned alpha for all columns, and a weight and a bias for each.

    They start at alpha, 1 and 0, as in the paper.
    """

    def __init__(self, d_model: int, alpha: float = 0.5) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Float[Tensor, "*B C"]) -> Float[Tensor, "*B C"]:
        """Each number squashed, then scaled and shifted column by column."""
        return dynamic_tanh(x, self.alpha, self.weight, self.bias)


def make_norm(name: str, d_model: int, *, eps: float = 1e-5, bias: bool = True) -> nn.Module:
    """The layer of that name, one of NORMS, for tokens of width d_model.

    `eps` is that of LayerNorm and RMSNorm, `bias` (False leaves it out) LayerNorm's alone.
    Raises ValueError for an unknown name.
    """
    if name == "layernorm":
        return nn.LayerNorm(d_model, eps=eps, bias=bias)
    if name == "rmsnorm":
        return RMSNorm(d_model, eps=eps)
    if name == "dyt":
        return DynamicTanh(d_model)
    if name == "none":
        return nn.Identity()
    raise ValueError(f"The norm is {name!r}: give one of {', '.join(map(repr, NORMS))}.")
