"""A model that writes straight from the blocks of a GGUF file: float32 is made of nothing large."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from utils.llm.gpt.gguf import GGUF
from utils.llm.gpt.model import GPT
from utils.llm.sampling.fast import FastGPT, with_precision
from utils.llm.sampling.int4 import (
    GROUP,
    ROWS,
    Groups,
    Int4Linear,
    TwiceInt4Linear,
    halves,
    precision_here,
    rounded_to_bytes,
)
from utils.llm.sampling.linears import BytesLinear
from utils.llm.sampling.whole import packs_bytes

__all__ = ["FOUR_BITS", "four_bits", "is_packed", "model_of", "open_packed"]


def is_packed(file: GGUF) -> bool:
    """Whether matrices of the layers are kept in 4 bits, in groups of 32."""
    names = [name for names in file.sources().values() for name in names]
    return any(file.raw(name)[0] in FOUR_BITS for name in names if name.startswith("blk."))


def model_of(file: GGUF, precision: str = "float32") -> GPT | FastGPT:
    """The model of a file: packed where "auto" or "int4" meet a file of 4 bits, else a `GPT`."""
    if precision in ("auto", "int4") and is_packed(file):
        return open_packed(file)
    return GPT.of_weights(file.config, file.weights(), file.path.stem, file.path)


def open_packed(file: GGUF, precision: str = "int4") -> FastGPT:
    """The model of the file in that precision, or in the next wider one that this machine has.

    In int4 the matrices that the file keeps in 4 bits are taken as they are, and so is Q8_0; what
    it keeps in another way is rounded to 8 bits. Tokens are embedded by the rows of the file
    itself, which stays open. For another precision all is read as float32 first.

    Raises ValueError where the weights don't fit the file's configuration.
    """
    found = precision_here(precision)
    if found != "int4" or not is_packed(file):
        return with_precision(GPT.of_weights(file.config, file.weights(), "", file.path), found)
    sources = file.sources()
    skeleton = GPT.skeleton(file.config)
    _fill(skeleton, file, sources)
    names = {module: name for name, module in skeleton.named_modules()}

    def make(*layers: nn.Linear) -> Int4Linear | BytesLinear:
        tied = [layer is skeleton.head and file.config.tied for layer in layers]
        paths = [
            "token_embedding" if same else names[layer]
            for same, layer in zip(tied, layers, strict=True)
        ]
        weights = [part for path in paths for part in sources[f"{path}.weight"]]
        biases = [part for path in paths for part in sources.get(f"{path}.bias", ())]
        if layers[0] is skeleton.head and packs_bytes():
            return _head(file, weights[0], biases)
        return _layer(file, weights, biases)

    (table,) = sources["token_embedding.weight"]
    return FastGPT(skeleton, found, make, embedding=_Rows(file, table))


class _Rows(nn.Module):
    """An embedding that reads its rows from the file."""

    def __init__(self, file: GGUF, name: str) -> None:
        super().__init__()
        self._file, self._name = file, name

    def forward(self, ids: Int[Tensor, "*B"]) -> Float[Tensor, "*B C"]:
        """A row for each id, in float32. Raises IndexError for an id out of range."""
        if ids.numel() and int(ids.min()) < 0:
            raise IndexError("an id is below 0")
        return self._file.rows(self._name, ids)


def _fill(skeleton: GPT, file: GGUF, sources: dict[str, list[str]]) -> None:
    """Give the model what is no matrix of a layer or of tokens."""
    for name, weights in skeleton._weights().items():
        parts = sources.get(name)
        if parts is None:
            raise ValueError(f"{file.path} has no {name}.")
        found = [tuple(file.shape(part)) for part in parts]
        rows = sum(shape[0] for shape in found)
        if (rows, *found[0][1:]) != tuple(weights.shape):
            raise ValueError(f"{file.path}: {name} is {found}, and {tuple(weights.shape)} is due.")
        if weights.ndim == 1 or name.startswith("position_embedding"):
            values = torch.cat([file.read(part) for part in parts])
            module, _, last = name.rpartition(".")
            setattr(skeleton.get_submodule(module), last, nn.Parameter(values))


def _layer(file: GGUF, weights: list[str], biases: list[str]) -> Int4Linear:
    """The matrices below one another, as narrow as all of them are kept."""
    bias = torch.cat([file.read(name) for name in biases]) if biases else None
    if all(file.raw(name)[0] in FOUR_BITS for name in weights):
        layer = Int4Linear.of(_below([_groups(file, name) for name in weights]), bias)
    else:
        some = _bytes(file, weights[0])
        if len(weights) > 1:  # one after the other in one: layers are filled up at their ends
            every = [each for name in weights for each in _bytes(file, name)]
            some = iter([tuple(torch.cat(each) for each in zip(*every, strict=True))])
        layer = TwiceInt4Linear.below([TwiceInt4Linear.of(halves(*each)) for each in some])
        layer.bias = None if bias is None else bias.bfloat16()
    file.forget()
    return layer


def _head(file: GGUF, name: str, biases: list[str]) -> BytesLinear:
    """The head by products of bytes, a scale for each token of the vocabulary."""
    rows = (file.rows(name, ids) for ids in torch.arange(file.shape(name)[0]).split(ROWS))
    bias = torch.cat([file.read(each) for each in biases]) if biases else None
    head = BytesLinear.of(rows, file.shape(name), bias)
    file.forget()
    return head


def _below(parts: list[Groups]) -> Groups:
    return Groups(*(torch.cat(each) for each in zip(*parts, strict=True)))


def _bytes(file: GGUF, name: str) -> Iterator[tuple[Tensor, Tensor]]:
    """The matrix as whole numbers of 8 bits and a scale for each group of 32.

    Some rows at a time: a table of tokens is large, and its halves take four times as much.
    """
    kind, data = file.raw(name)
    if kind != "Q8_0":
        q, scale = rounded_to_bytes(file.read(name))
        yield from zip(q.split(ROWS), scale.split(ROWS), strict=True)
        return
    step = len(data) if name.startswith("blk.") else ROWS
    for start in range(0, len(data), step):
        blocks = data[start : start + step].reshape(-1, data.shape[1] // 34, 34)
        q, scale = blocks[..., 2:].view(np.int8), _float16(blocks[..., :2])[..., 0]
        q, scale = torch.from_numpy(q.reshape(len(q), -1)), torch.from_numpy(scale)
        yield file.in_our_order(name, q), file.in_our_order(name, scale)


def _groups(file: GGUF, name: str) -> Groups:
    parts = four_bits(*file.raw(name))
    return Groups(*(file.in_our_order(name, part) for part in parts))


def four_bits(kind: str, data: np.ndarray) -> Groups:
    """The rows of a matrix kept as one of FOUR_BITS, unpacked and not changed."""
    size, unpack = FOUR_BITS[kind]
    blocks = data.reshape(-1, size)
    q, scale, least = unpack(blocks)
    rows = len(data)
    found = (q.reshape(rows, -1), scale.reshape(rows, -1), least.reshape(rows, -1))
    return Groups(*(torch.from_numpy(np.ascontiguousarray(each)) for each in found))


Parts = tuple[np.ndarray, np.ndarray, np.ndarray]


def _halves(packed: np.ndarray) -> np.ndarray:
    """Bytes (…, n) as whole numbers (…, 2 n): all low halves, then all high ones."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def _float16(packed: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(packed).view(np.float16).astype(np.float32)


def _q4_0(blocks: np.ndarray) -> Parts:
    scale = _float16(blocks[:, :2])
    return _halves(blocks[:, 2:]), scale, -8 * scale


def _q4_1(blocks: np.ndarray) -> Parts:
    return _halves(blocks[:, 4:]), _float16(blocks[:, :2]), _float16(blocks[:, 2:4])


def _q4_k(blocks: np.ndarray) -> Parts:
    """Eight groups share two scales, of their own scales and of their minima, 6 bits each."""
    from gguf.quants import Q4_K

    scale, least = (_float16(blocks[:, at : at + 2]) for at in (0, 2))  # (n, 1)
    scales, minima = Q4_K.get_scale_min(blocks[:, 4:16])  # (n, 8)
    q = _halves(blocks[:, 16:].reshape(-1, 4, GROUP))  # (n, 4, 64): two groups in 32 bytes
    return q, scale * scales.astype(np.float32), -least * minima.astype(np.float32)


FOUR_BITS: dict[str, tuple[int, Callable[[np.ndarray], Parts]]] = {
    "Q4_0": (18, _q4_0),
    "Q4_1": (20, _q4_1),
    "Q4_K": (144, _q4_k),
}
