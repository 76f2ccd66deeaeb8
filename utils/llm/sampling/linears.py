"""Linear layers laid out for reading: as panels for threads, in bfloat16, in int8.

Each is made of one or more `nn.Linear` of the same input, whose outputs then stand one behind the
other: a call less for each that is joined.
"""

from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.sampling.whole import MAX_INT8

__all__ = ["Int8Linear", "NarrowLinear", "PanelLinear", "joined"]

INT8_BLOCK = 16  # inputs that PyTorch's kernel reads at once: of other numbers it reads beyond


def joined(*layers: nn.Linear) -> tuple[Float[Tensor, "N K"], Float[Tensor, "N"] | None]:
    """The matrices below one another, and the biases; all have biases or none has."""
    weights, biases = zip(*((layer.weight.detach(), layer.bias) for layer in layers), strict=True)
    if len(layers) == 1:
        return weights[0], None if biases[0] is None else biases[0].detach()
    return torch.cat(weights), None if biases[0] is None else torch.cat(biases).detach()


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
    """`nn.Linear` in bfloat16."""

    __slots__ = ("bias", "in_features", "out_features", "weight")

    def __init__(self, *layers: nn.Linear) -> None:
        weight, bias = joined(*layers)
        self.out_features, self.in_features = weight.shape
        self.weight = weight.bfloat16()  # (N, K)
        self.bias = None if bias is None else bias.bfloat16()

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weightᵀ + bias, in bfloat16."""
        return F.linear(x.bfloat16(), self.weight, self.bias)

    def nbytes(self) -> int:
        """Bytes that are read for one token."""
        return self.weight.nbytes


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
        largest = weight.abs().amax(dim=1).clamp(min=1e-30)  # (N)
        self.scale = (largest / MAX_INT8).bfloat16()
        whole = (weight / self.scale.float()[:, None]).round_().clamp_(-MAX_INT8, MAX_INT8)
        self.weight = whole.to(torch.int8)
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
