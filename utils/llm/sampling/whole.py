"""Products of whole numbers of 8 bits, for which processors have instructions of their own.

A row of activations holds a few large numbers, and steps of the largest / 127 are too coarse for
the others. So each row goes in twice, its nearest steps and 254ths of a step for what is left:
as if it had 16 bits.
"""

from functools import cache

import torch
from jaxtyping import Float, Int8
from torch import Tensor

__all__ = ["MAX_INT8", "multiplies_bytes", "multiply_bytes"]

MAX_INT8 = 127
FINER = 2 * MAX_INT8  # half a step is left at most
ROWS = 128  # at once: what is in between stays near the processor


def multiply_bytes(
    x: Float[Tensor, "rows K"], weight: Int8[Tensor, "K N"], scale: Float[Tensor, "N"]
) -> Float[Tensor, "rows N"]:
    """x · (weight · scale), in float32; x is rounded to 16 bits of each row's largest number."""
    y = x.new_empty(len(x), weight.shape[1], dtype=torch.float32)
    for rows, found in zip(x.float().split(ROWS), y.split(ROWS), strict=True):
        _multiply_into(found, rows, weight, scale)
    return y


def _multiply_into(y: Tensor, x: Tensor, weight: Tensor, scale: Tensor) -> None:
    n_rows = len(x)
    step = x.abs().amax(dim=1, keepdim=True).clamp_(min=1e-30) / MAX_INT8  # (rows, 1)
    x = x / step
    near = x.round()
    rest = x.sub_(near).mul_(FINER).round_()
    found = torch._int_mm(torch.cat([near, rest]).to(torch.int8), weight)  # (2 · rows, N)
    y.copy_(found[n_rows:]).div_(FINER).add_(found[:n_rows]).mul_(step).mul_(scale)


@cache
def multiplies_bytes() -> bool:
    """Whether this processor multiplies bytes by instructions of its own, and rightly."""
    known = getattr(torch.cpu, "get_capabilities", dict)()
    if not any(known.get(name) for name in ("avx512_vnni", "avx_vnni", "amx_int8")):
        return False
    # Neighbours of one sign: where those instructions aren't used, a sum of two is cut at 16 bits.
    signs = torch.tensor([MAX_INT8, -MAX_INT8])
    a, b = (
        signs.repeat(4)[:, None].repeat(1, 128),
        signs.repeat(32).repeat(128, 1),
    )  # (8, K), (K, 64)
    try:
        found = torch._int_mm(a.to(torch.int8), b.to(torch.int8))
    except (RuntimeError, AttributeError, NotImplementedError):
        return False
    return torch.equal(found.long(), a @ b)
