"""From averaging to attention: values weighted by how near their keys lie to a query.

Shapes: `N` keys, each with a value; `M` queries; `*D` and `*V` the axes of a single point and of a
single value, none for plain numbers.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def softmax(scores: Float[Tensor, "*shape"], dim: int = -1) -> Float[Tensor, "*shape"]:
    """Positive weights that sum to 1 along `dim`, in proportion to e to the power of the scores.

    The largest score is taken off first, which changes no ratio, so no exponential overflows.
    Where all scores are −inf there is nothing to share among, and the weights are 0.

    >>> softmax(torch.tensor([1e4, 1e4, -1e4]))
    tensor([0.5000, 0.5000, 0.0000])
    """
    lowest = torch.finfo(scores.dtype).min
    top = scores.amax(dim, keepdim=True).clamp(min=lowest).detach()
    powers = (scores - top).exp()  # the top one is 1, so the sum is at least 1
    return powers / powers.sum(dim, keepdim=True).clamp(min=1)


def kernel_weights(
    query: Float[Tensor, "*D"], keys: Float[Tensor, "N *D"], bandwidth: float
) -> Float[Tensor, "N"]:
    """Weight of each key by the Gaussian kernel exp(−distance² / (2 · bandwidth²)); they sum to 1.

    Taken as a softmax of the exponents, so a query far from all keys still has weights, those of
    its nearest keys, where a sum of kernels would have come out as 0.
    Raises ValueError where the shapes don't fit, there is no key, or bandwidth is not above 0.

    >>> kernel_weights(torch.tensor(0.0), torch.tensor([-1.0, 1.0]), bandwidth=0.5)
    tensor([0.5000, 0.5000])
    """
    return _gaussian_weights(query[None], keys, bandwidth)[0]  # (1, N) -> (N,)


def nadaraya_watson(
    queries: Float[Tensor, "M *D"],
    keys: Float[Tensor, "N *D"],
    values: Float[Tensor, "N *V"],
    bandwidth: float,
) -> Float[Tensor, "M *V"]:
    """Mean of the values around each query, by a Gaussian kernel (Nadaraya, Watson 1964).

    Raises ValueError as `kernel_weights` does, or where keys and values are not as many.

    >>> keys, values = torch.tensor([0.0, 1.0]), torch.tensor([10.0, 20.0])
    >>> nadaraya_watson(torch.tensor([0.5, 9.0]), keys, values, bandwidth=1.0).round(decimals=2)
    tensor([15., 20.])
    """
    _check_pairs(keys, values)
    return _average(_gaussian_weights(queries, keys, bandwidth), values)


def soft_lookup(
    query: Float[Tensor, "D"],
    keys: Float[Tensor, "N D"],
    values: Float[Tensor, "N *V"],
    temperature: float = 1.0,
) -> Float[Tensor, "*V"]:
    """A dictionary that answers every query: all values, by softmax(keys·query / temperature).

    The lower the temperature, the nearer to a plain look-up of the key with the largest dot
    product; attention is this with the temperature √D.
    Raises ValueError where the shapes don't fit or the temperature is not above 0.

    >>> keys, values = torch.eye(2), torch.tensor([10.0, 20.0])
    >>> soft_lookup(keys[1], keys, values, temperature=0.01)
    tensor(20.)
    """
    _check_pairs(keys, values)
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}: give a number above 0.")
    if query.ndim != 1 or keys.shape[1:] != query.shape:
        raise ValueError(
            f"The query has the shape {tuple(query.shape)} and the keys {tuple(keys.shape)}: "
            "give (width) and (keys, width)."
        )
    return _average(softmax(keys @ query / temperature)[None], values)[0]


def _gaussian_weights(
    queries: Float[Tensor, "M *D"], keys: Float[Tensor, "N *D"], bandwidth: float
) -> Float[Tensor, "M N"]:
    if not bandwidth > 0:
        raise ValueError(f"bandwidth is {bandwidth}: give a number above 0.")
    if not len(keys) or keys.shape[1:] != queries.shape[1:]:
        raise ValueError(
            f"A query has the shape {tuple(queries.shape[1:])} and the keys {tuple(keys.shape)}: "
            "give at least one key, each of a query's shape."
        )
    squares = (queries[:, None] - keys).square()  # (M, N, *D)
    squares = squares.reshape(*squares.shape[:2], math.prod(keys.shape[1:])).sum(-1)  # (M, N)
    return softmax(-squares / (2 * bandwidth**2))


def _average(weights: Float[Tensor, "M N"], values: Float[Tensor, "N *V"]) -> Float[Tensor, "M *V"]:
    return torch.tensordot(weights, values, dims=1)


def _check_pairs(keys: Tensor, values: Tensor) -> None:
    if not keys.ndim or not values.ndim or len(keys) != len(values):
        raise ValueError(
            f"Keys have the shape {tuple(keys.shape)} and values {tuple(values.shape)}: "
            "give one value for each key."
        )
