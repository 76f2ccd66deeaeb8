"""Products of whole numbers of 8 bits, for which processors have instructions of their own.

A row of activations holds a few large numbers, and steps of the largest / 127 are too coarse for
the others. So each row goes in twice, its nearest steps and 254ths of a step for what is left:
as if it had 16 bits.
"""

from functools import cache

import torch
from jaxtyping import Float, Int8
from torch import Tensor

__all__ = ["MAX_INT8", "PackedBytes", "multiplies_bytes", "multiply_bytes", "packs_bytes"]

MAX_INT8 = 127
FINER = 2 * MAX_INT8  # half a step is left at most
ZERO = MAX_INT8 + 1  # where unsigned bytes have their zero
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
    near, rest, step = _near_and_rest(x)
    found = torch._int_mm(torch.cat([near, rest]).to(torch.int8), weight)  # (2 · rows, N)
    y.copy_(found[len(x) :]).div_(FINER).add_(found[: len(x)]).mul_(step).mul_(scale)


def _near_and_rest(x: Float[Tensor, "rows K"]) -> tuple[Tensor, Tensor, Float[Tensor, "rows 1"]]:
    """x in whole steps, what is left in 254ths of one, and each row's step."""
    step = x.abs().amax(dim=1, keepdim=True).clamp_(min=1e-30).div_(MAX_INT8)
    x = x / step
    near = x.round()
    return near, x.sub_(near).mul_(FINER).round_(), step


class PackedBytes:
    """A matrix of bytes laid down once for these instructions, a scale for each output.

    `multiply_bytes` has its matrix laid down anew at every call, which pays for many rows only.
    """

    __slots__ = ("_none", "_scale", "shape", "weight")

    def __init__(self, weight: Int8[Tensor, "N K"], scale: Float[Tensor, "N"]) -> None:
        self.shape = weight.shape
        self.weight = torch.ops.onednn.qlinear_prepack(weight, [2, weight.shape[1]])
        self._scale, self._none = scale.float(), torch.zeros(len(scale), dtype=torch.int32)

    def multiply(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """As `multiply_bytes`."""
        if x.shape[0] <= ROWS:
            return self._multiply(x.float())
        return torch.cat([self._multiply(rows) for rows in x.float().split(ROWS)])

    def _multiply(self, x: Tensor) -> Tensor:
        near, rest, step = _near_and_rest(x)
        both = torch.cat([near, rest]).add_(ZERO).to(torch.uint8)  # (2 · rows, K)
        found = torch.ops.onednn.qlinear_pointwise(
            both, 1.0, ZERO, self.weight, self._scale, self._none, None,
            1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        return found[: len(x)].add_(found[len(x) :], alpha=1 / FINER).mul_(step)


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


@cache
def packs_bytes() -> bool:
    """Whether `PackedBytes` can be had here, and multiplies rightly."""
    if not multiplies_bytes():
        return False
    draw = torch.Generator().manual_seed(0)
    weight = torch.randint(-MAX_INT8, ZERO, (64, 96), generator=draw)
    x = torch.randint(-MAX_INT8, ZERO, (3, 96), generator=draw)
    x[:, 0] = MAX_INT8  # so that a step is 1
    try:
        packed = PackedBytes(weight.to(torch.int8), torch.ones(len(weight)))
        found = packed.multiply(x.float())
    except (RuntimeError, AttributeError, NotImplementedError):
        return False
    return torch.equal(found.round().long(), x @ weight.T)
