"""Linear layers in 4 bits: groups of 32 neighbouring weights share a scale and a least weight.

A weight is scale · q + least, q a whole number from 0 to 15: what files of the kinds Q4_0, Q4_1
and Q4_K hold, so their matrices are taken over as they are. PyTorch multiplies by them without
widening them first, where it has a kernel for the processor: `precision_here` asks.
"""

import warnings
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Self

import torch
from jaxtyping import BFloat16, Float, Int8, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.machine.precision import bfloat16_pays
from utils.llm.sampling.linears import Int8Linear, joined
from utils.llm.sampling.whole import (
    MAX_INT8,
    multiplies_bytes,
    multiply_bytes,
)

__all__ = [
    "PRECISIONS",
    "Groups",
    "Int4Linear",
    "TwiceInt4Linear",
    "halves",
    "precision_here",
    "rounded",
    "rounded_to_bytes",
    "unpacked",
]

PRECISIONS = ("int4", "int8", "bfloat16", "float32")  # the narrowest first
GROUP = 32
MAX_INT4 = 15
PANEL = 16  # outputs that the kernel takes at once
ROWS = 2048  # a multiple of all numbers of outputs that kernels pack together
BLOCKS = (64, 32)  # outputs that a kernel may pack together: by its vectors, which it doesn't tell
MANY = 192  # rows from which on it pays to make bytes of the weights first


class Groups(NamedTuple):
    """A matrix in groups along its inputs; K is a multiple of 32."""

    q: UInt8[Tensor, "N K"]
    scale: Float[Tensor, "N groups"]
    least: Float[Tensor, "N groups"]

    def widened(self) -> Float[Tensor, "N K"]:
        """scale · q + least."""
        q = self.q.unflatten(1, (-1, GROUP))  # (N, groups, 32)
        return torch.addcmul(self.least[..., None], self.scale[..., None], q.float()).flatten(1)


def rounded(weight: Float[Tensor, "N K"]) -> Groups:
    """The nearest of 16 steps from the least to the largest weight of each group.

    The error of a weight is at most half a step, (largest − least) / 30, and 1 / 500 of the
    middle of its group, which is kept in bfloat16. The scales are rounded before the weights are
    divided by them. Inputs are filled up with zeros to a whole group.
    """
    groups = F.pad(weight.float(), (0, -weight.shape[1] % GROUP)).unflatten(1, (-1, GROUP))
    low, high = groups.amin(dim=-1), groups.amax(dim=-1)  # (N, groups)
    scale = ((high - low) / MAX_INT4).clamp(min=1e-30).bfloat16().float()
    middle = (low + (MAX_INT4 + 1) / 2 * scale).bfloat16().float()
    least = middle - (MAX_INT4 + 1) / 2 * scale
    q = ((groups - least[..., None]) / scale[..., None]).round_().clamp_(0, MAX_INT4)
    return Groups(q.to(torch.uint8).flatten(1), scale, least)


class Int4Linear:
    """`nn.Linear` with a matrix of 4 bits a weight, in the layout of PyTorch's kernel.

    Beside them stand two numbers of bfloat16 for each group: 5 bits a weight in all.
    """

    __slots__ = ("bias", "in_features", "out_features", "scales", "weight")

    def __init__(self, *layers: nn.Linear) -> None:
        weight, bias = joined(*layers)
        self._keep(rounded(weight), bias, weight.shape[1])

    @classmethod
    def of(cls, groups: Groups, bias: Float[Tensor, "N"] | None = None) -> Self:
        """From groups as they are, without rounding again."""
        made = cls.__new__(cls)
        made._keep(groups, bias, groups.q.shape[1])
        return made

    def _keep(self, groups: Groups, bias: Tensor | None, in_features: int) -> None:
        q, scale, least = groups
        self.out_features, self.in_features = len(q), in_features
        filling = -len(q) % PANEL
        middle = least + (MAX_INT4 + 1) / 2 * scale  # the kernel's zero is at 8
        scales = torch.stack([scale, middle], dim=-1).transpose(0, 1)  # (groups, N, 2)
        self.scales = F.pad(scales, (0, 0, 0, filling)).bfloat16().contiguous()
        # packed some rows at a time: the packing wants four bytes for each
        some = F.pad(q, (0, 0, 0, filling)).split(ROWS)
        packed = [torch._convert_weight_to_int4pack_for_cpu(part.int(), 1) for part in some]
        self.weight = torch.cat(packed)
        self.bias = None if bias is None else bias.detach().bfloat16()

    @classmethod
    def below(cls, layers: Sequence[Self]) -> Self:
        """One layer of several without biases, their outputs one behind the other."""
        made = cls.__new__(cls)
        made.in_features, made.bias = layers[0].in_features, None
        made.out_features = sum(layer.out_features for layer in layers)
        made.scales = torch.cat([layer.scales for layer in layers], dim=1)
        made.weight = torch.cat([layer.weight for layer in layers])
        return made

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weightᵀ + bias, in bfloat16 or, of many rows, in float32."""
        if self.in_features % GROUP:
            x = F.pad(x, (0, -self.in_features % GROUP))
        many = x.shape[0] >= MANY and self._unpacks()
        return self._finished(self._multiply_many(x) if many else self._multiply(x))

    def _multiply(self, x: Tensor) -> Tensor:
        return torch._weight_int4pack_mm_for_cpu(x.bfloat16(), self.weight, GROUP, self.scales)

    def _unpacks(self) -> bool:
        block = _block()
        return block is not None and self.scales.shape[1] % block == 0

    def _multiply_many(self, x: Tensor) -> Tensor:
        """The same through bytes: the kernel widens all weights for every few rows."""
        scale, middle = self.scales.float().unbind(dim=-1)  # (groups, N)
        largest = (middle.abs() + 8 * scale).amax(dim=0).clamp_(min=1e-30)  # (N)
        step = largest / (MAX_INT8 - 1)  # a step is left for what bfloat16 rounds up
        scales = (self.scales / step[:, None]).bfloat16()
        weight = unpacked(self.weight, scales, _block())  # (K, N)
        x = x.unflatten(1, (-1, GROUP)).transpose(1, 2).flatten(1)  # inputs as `unpacked` has them
        return multiply_bytes(x, weight, step)

    def _finished(self, y: Tensor) -> Tensor:
        if y.shape[1] != self.out_features:
            y = y[:, : self.out_features].contiguous()
        return y if self.bias is None else y.add_(self.bias)

    def nbytes(self) -> int:
        """Bytes that are read for one token."""
        return self.weight.nbytes + self.scales.nbytes


class TwiceInt4Linear(Int4Linear):
    """`nn.Linear` with a matrix of 8 bits a weight in groups of 32, multiplied as two of 4 bits.

    What a file keeps as Q8_0 goes in as it is; a scale for each group is nearer to the numbers
    than one for each output.
    """

    __slots__ = ()

    def __init__(self, *layers: nn.Linear) -> None:
        weight, bias = joined(*layers)
        self._keep(halves(*rounded_to_bytes(weight)), bias, weight.shape[1])

    @classmethod
    def of(cls, groups: Groups, bias: Float[Tensor, "N"] | None = None) -> Self:
        """From what `halves` gives."""
        made = cls.__new__(cls)
        made._keep(groups, bias, groups.q.shape[1] // 2)
        return made

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weightᵀ + bias, in bfloat16."""
        x = F.pad(x.bfloat16(), (0, -self.in_features % GROUP))
        return self._finished(self._multiply(torch.cat([x, x], dim=1)))


def unpacked(
    weight: UInt8[Tensor, "N bytes"], scales: BFloat16[Tensor, "groups N 2"], block: int
) -> Int8[Tensor, "K N"]:
    """The numbers that the kernel multiplies by, to the nearest byte: its product with an identity.

    A block of outputs is packed group after group, so each group passes for a matrix of 32
    inputs, and 32 rows tell all. Inputs come in another order: the first of each group, then the
    second of each, …
    """
    groups, n_out, _ = scales.shape
    apart = scales.view(groups, -1, block, 2).transpose(0, 1).reshape(1, -1, 2)
    one = torch.eye(GROUP, dtype=torch.bfloat16)
    y = torch._weight_int4pack_mm_for_cpu(one, weight.view(-1, GROUP // 2), GROUP, apart)
    y = y.round_().view(GROUP, -1, groups, block).transpose(1, 2)
    return y.to(torch.int8, memory_format=torch.contiguous_format).view(-1, n_out)


@cache
def _block() -> int | None:
    """How many outputs the kernel packs together, where that can be found and bytes pay."""
    if not multiplies_bytes():
        return None
    draw = torch.Generator().manual_seed(0)
    q = torch.randint(16, (2 * max(BLOCKS), 3 * GROUP), generator=draw).to(torch.uint8)
    layer = Int4Linear.of(Groups(q, torch.ones(len(q), 3), torch.full((len(q), 3), -8.0)))
    expected = (q.float() - 8).unflatten(1, (-1, GROUP)).transpose(1, 2).flatten(1).T  # (K, N)
    for block in BLOCKS:
        if torch.equal(unpacked(layer.weight, layer.scales, block).float(), expected):
            return block
    return None


def rounded_to_bytes(
    weight: Float[Tensor, "N K"],
) -> tuple[Int8[Tensor, "N K"], Float[Tensor, "N groups"]]:
    """Whole numbers from −127 to 127 and a scale for each group, as files of the kind Q8_0 have."""
    groups = F.pad(weight.float(), (0, -weight.shape[1] % GROUP)).unflatten(1, (-1, GROUP))
    scale = (groups.abs().amax(dim=-1) / MAX_INT8).clamp(min=1e-30).bfloat16().float()
    q = (groups / scale[..., None]).round_().clamp_(-MAX_INT8, MAX_INT8)
    return q.to(torch.int8).flatten(1), scale


def halves(q: Int8[Tensor, "N K"], scale: Float[Tensor, "N groups"]) -> Groups:
    """Bytes as two whole numbers of 4 bits: q = 16 · high + low, all high ones first, (N, 2 K)."""
    high, low = (q >> 4) + 8, q & 15
    zeros = torch.zeros_like(scale)
    return Groups(
        torch.cat([high, low], dim=1).to(torch.uint8),
        torch.cat([16 * scale, scale], dim=1),
        torch.cat([-8 * 16 * scale, zeros], dim=1),
    )


def precision_here(wanted: str, device: torch.device | str = "cpu") -> str:
    """The wanted one of PRECISIONS where it can be had, else the next wider one.

    Says so, once, where it is another one. Raises ValueError for one that is not known.
    """
    if wanted not in PRECISIONS:
        raise ValueError(f"precision is {wanted!r}: give one of {', '.join(PRECISIONS)}.")
    on_cpu = torch.device(device).type == "cpu"
    found = next(
        name
        for name in PRECISIONS[PRECISIONS.index(wanted) :]
        if name == "float32" or name == wanted == "bfloat16" or (on_cpu and _runs(name))
    )
    if found != wanted:
        warnings.warn(
            f"PyTorch {torch.__version__} can't multiply by {wanted} on this processor: {found} "
            "is used in its place.",
            stacklevel=3,
        )
    return found


@cache
def _runs(name: str) -> bool:
    """Whether a small matrix is multiplied, and rightly."""
    if name == "bfloat16":
        return bfloat16_pays("cpu")
    made = {"int4": Int4Linear, "int8": Int8Linear}[name]
    draw = torch.Generator().manual_seed(0)
    layer = nn.utils.skip_init(nn.Linear, 2 * GROUP, PANEL, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(PANEL, 2 * GROUP, generator=draw))
        x = torch.randn(3, 2 * GROUP, generator=draw)
        expected = layer(x)
        try:
            apart = made(layer)(x).float() - expected
        except (RuntimeError, AttributeError, NotImplementedError):
            return False
    return bool(apart.norm() < 0.2 * expected.norm())
