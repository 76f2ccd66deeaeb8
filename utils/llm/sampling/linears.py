"""Linear layers laid out for reading: as panels for threads, in bfloat16, in int8.

Each is made of one or more `nn.Linear` of the same input, whose outputs then stand one behind the
other: a call less for each that is joined.
"""

from collections.abc import Iterable
from functools import cache
from typing import Self

import torch
from jaxtyping import BFloat16, Float, Int8
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.machine.precision import bfloat16_pays
from utils.llm.sampling.whole import MAX_INT8, PackedBytes

__all__ = ["BytesLinear", "Int8Linear", "NarrowLinear", "PanelLinear", "joined"]

INT8_BLOCK = 16  # inputs that PyTorch's kernel reads at once: of other numbers it reads beyond


def joined(*layers: nn.Linear) -> tuple[Float[Tensor, "N K"], Float[Tensor, "N"] | None]:
    """The matrices below one another, and the biases; all have biases or none has."""
    weights, biases = zip(*((layer.weight.detach(), layer.bias) for layer in layers), strict=True)
    if len(layers) == 1:
        return weights[0], None if biases[0] is None else biases[0].detach()
    return torch.cat(weights), None if biases[0] is None else torch.cat(biases).detach()


def rounded_rows(
    weight: Float[Tensor, "N K"],
) -> tuple[Int8[Tensor, "N K"], BFloat16[Tensor, "N"]]:
    """Whole numbers from −127 to 127, and for each output a scale that they are multiplied by."""
    largest = weight.abs().amax(dim=1).clamp(min=1e-30)  # (N)
    scale = (largest / MAX_INT8).bfloat16()
    whole = (weight / scale.float()[:, None]).round_().clamp_(-MAX_INT8, MAX_INT8)
    return whole.to(torch.int8), scale


class PanelLinear:
    """`nn.Linear` with its matrix cut into panels of outputs, one for each thread, (P, K, N / P).

    A product of a vector and one matrix is left to one thread, a batch of them is shared out. A
    panel is stored as (inputs, outputs), so that a vector times it adds up rows that lie one
    behind the other in memory. The last panel is filled up with outputs of 0 that nobody sees.
    """

    __slots__ = ("bias", "in_features", "out_features", "weight")

    def __init__(self, *layers: nn.Linear) -> None:
        weight, bias = joined(*layers)
        self.out_features, self.in_features = weight.shape
        panels = min(torch.get_num_threads(), self.out_features)
        filling = -self.out_features % panels
        weight = F.pad(weight.T, (0, filling))  # (K, N), N a multiple of P
        self.weight = torch.stack(weight.chunk(panels, dim=1))  # (P, K, N / P)
        if bias is not None:
            bias = F.pad(bias, (0, filling)).view(panels, 1, -1).clone()  # (P, 1, N / P)
        self.bias = bias

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weight + bias."""
        panels, _, width = self.weight.shape
        n_rows = len(x)
        shared = x.expand(panels, n_rows, self.in_features)  # the same memory P times
        if self.bias is None:
            y = torch.bmm(shared, self.weight)  # (P, rows, N / P)
        else:
            y = torch.baddbmm(self.bias, shared, self.weight)
        # panels come to stand side by side; those of a single row already do
        y = y if n_rows == 1 else y.transpose(0, 1)
        y = y.reshape(n_rows, panels * width)  # (rows, N)
        whole = panels * width == self.out_features
        return y if whole else y[:, : self.out_features].contiguous()

    def nbytes(self) -> int:
        """Bytes that are read for one token."""
        return self.in_features * self.out_features * self.weight.element_size()


class NarrowLinear:
    """`nn.Linear` in bfloat16, laid down as the processor's kernel reads it, where it has one."""

    __slots__ = ("bias", "in_features", "out_features", "packed", "weight")

    def __init__(self, *layers: nn.Linear) -> None:
        weight, bias = joined(*layers)
        self.out_features, self.in_features = weight.shape
        self.weight = weight.bfloat16()  # (N, K)
        self.packed = self.weight.device.type == "cpu" and packs_bfloat16()
        if self.packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, 1)
        self.bias = None if bias is None else bias.bfloat16()

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weightᵀ + bias, in bfloat16."""
        if self.packed:
            return _multiply_packed(x.bfloat16(), self.weight, self.bias)
        return F.linear(x.bfloat16(), self.weight, self.bias)

    def nbytes(self) -> int:
        """Bytes that are read for one token."""
        return 2 * self.in_features * self.out_features


def _multiply_packed(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


@cache
def packs_bfloat16() -> bool:
    """Whether a matrix of bfloat16 can be laid down beforehand here, and is multiplied rightly."""
    if not bfloat16_pays("cpu"):
        return False
    draw = torch.Generator().manual_seed(0)
    weight, x = (torch.randint(-8, 8, (n, 48), generator=draw).bfloat16() for n in (32, 3))
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, 1)
        found = _multiply_packed(x, packed, torch.ones(32).bfloat16())
    except (RuntimeError, AttributeError, NotImplementedError):
        return False
    return torch.equal(found, F.linear(x.float(), weight.float(), torch.ones(32)).bfloat16())


class Int8Linear:
    """`nn.Linear` with a matrix of int8, and for each output a scale that it is multiplied by.

    The largest weight of an output becomes 127 or −127 (absmax, as in Dettmers et al. 2022), the
    others are rounded; the error of a weight is at most half a scale. Scales are rounded to
    bfloat16 before the weights are divided by them, so that their rounding costs nothing.
    """

    __slots__ = ("bias", "in_features", "out_features", "scale", "weight")

    def __init__(self, *layers: nn.Linear) -> None:
        weight, bias = joined(*layers)
        self._keep(weight.float(), bias)

    @classmethod
    def of(cls, weight: Float[Tensor, "N K"], bias: Float[Tensor, "N"] | None) -> Self:
        """From a matrix that no layer holds."""
        made = cls.__new__(cls)
        made._keep(weight, bias)
        return made

    def _keep(self, weight: Float[Tensor, "N K"], bias: Float[Tensor, "N"] | None) -> None:
        self.out_features, self.in_features = weight.shape
        self.weight, self.scale = rounded_rows(weight)
        self.bias = None if bias is None else bias.detach().bfloat16()

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weightᵀ · scale + bias, in bfloat16."""
        x = x.bfloat16()
        if self.in_features % INT8_BLOCK == 0 and x.device.type == "cpu":
            y = torch._weight_int8pack_mm(x, self.weight, self.scale)
        else:  # no such kernel: the weights are widened first, which saves memory but no time
            y = F.linear(x, self.weight.bfloat16()) * self.scale
        return y if self.bias is None else y.add_(self.bias)

    def nbytes(self) -> int:
        """Bytes that are read for one token."""
        return self.weight.nbytes


class BytesLinear:
    """`nn.Linear` in 8 bits, a scale for each output, by the processor's products of bytes.

    For a matrix whose inputs are worth 16 bits, as those of a head: `packs_bytes` says where.
    """

    __slots__ = ("bias", "in_features", "out_features", "packed")

    def __init__(self, *layers: nn.Linear) -> None:
        weight, bias = joined(*layers)
        self._keep(*rounded_rows(weight.float()), bias)

    @classmethod
    def of(
        cls,
        parts: Iterable[Float[Tensor, "rows K"]],
        shape: tuple[int, int],
        bias: Float[Tensor, "N"] | None = None,
    ) -> Self:
        """From a matrix (N, K) some rows at a time: it need not be there in float32 as a whole."""
        whole, scale, end = torch.empty(shape, dtype=torch.int8), torch.empty(shape[0]), 0
        for part in parts:
            start, end = end, end + len(part)
            whole[start:end], scale[start:end] = rounded_rows(part)
        made = cls.__new__(cls)
        made._keep(whole, scale, bias)
        return made

    def _keep(self, whole: Tensor, scale: Tensor, bias: Tensor | None) -> None:
        self.out_features, self.in_features = whole.shape
        self.packed = PackedBytes(whole, scale)
        self.bias = None if bias is None else bias.detach().float()

    @property
    def weight(self) -> Tensor:
        return self.packed.weight

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weightᵀ · scale + bias, in float32."""
        y = self.packed.multiply(x)
        return y if self.bias is None else y.add_(self.bias)

    def nbytes(self) -> int:
        """Bytes that are read for one token."""
        return self.in_features * self.out_features
