"""A GGUF file: how models are passed around that run on people's own machines.

One file holds the configuration, the weights in few bits each, the tokenizer and the frame of a
conversation. It is read by the format's own package, `gguf`, without copying it into memory.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken
import torch
from torch import Tensor

from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.gguf_bytes import check_seal, reader_of, walk
from utils.llm.gpt.hf_llama import family_of, is_alike, neighbours
from utils.llm.tokenizer.frame import Frame
from utils.llm.tokenizer.gguf import encoding_from_gguf, words_from_gguf
from utils.llm.tokenizer.hf import Marks

__all__ = ["GGUF", "architecture", "open_gguf"]

ARCHITECTURES = ("llama", "qwen2", "qwen3", "gpt2", "gptneox")
TYPES = ("F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K")
OUTSIDE = {
    "token_embd": "token_embedding",
    "position_embd": "position_embedding",
    "output_norm": "final_norm",
    "output": "head",
}
INSIDE = {
    "attn_norm": "norm_1",
    "attn_qkv": "attention.qkv",
    "attn_output": "attention.out",
    "attn_q_norm": "attention.q_norm",
    "attn_k_norm": "attention.k_norm",
    "ffn_norm": "norm_2",
    "ffn_gate": "feed_forward.gate",
    "ffn_up": "feed_forward.up",
    "ffn_down": "feed_forward.down",
}
_PROJECTIONS = ("attn_q", "attn_k", "attn_v")
_TURNED = ("attn_q", "attn_k", "attn_q_norm", "attn_k_norm")
_STRETCHES = [(factor, 1.0, 4.0, 8192) for factor in (8.0, 32.0)]  # Llama 3.1's and 3.2's


@dataclass(frozen=True, eq=False)
class GGUF:
    """An opened file. `weights()` reads all numbers; what else it holds was read on opening.

    `words` are the tokens of a model of whole words, `encoding` that of any other. `begins` says
    whether the token `bos_id` stands before every text. `template` is the frame of a conversation
    in the language Jinja, None where there is none.
    """

    path: Path
    config: GPTConfig
    encoding: tiktoken.Encoding | None
    words: tuple[str, ...] | None
    bos_id: int | None
    eos_id: int | None
    begins: bool
    template: str | None
    license: str
    _tensors: Mapping[str, Any]

    def weights(self) -> dict[str, Tensor]:
        """All weights under our names, as float32."""
        found: dict[str, Tensor] = {}
        for ours, names in self.sources().items():
            parts = [self.read(name) for name in names]
            found[ours] = parts[0] if len(parts) == 1 else torch.cat(parts)
        return found

    def sources(self) -> dict[str, list[str]]:
        """By our name of a weight, the file's tensors that lie below one another in it."""
        ours = {name: self._ours(name) for name in self._tensors}
        return {
            our: self._parts(name)
            for name, our in ours.items()
            if our is not None and not name.endswith(_apart(_PROJECTIONS[1:]))
        }

    def read(self, name: str) -> Tensor:
        """One tensor of the file by its own name, as float32, its rows in our order."""
        from gguf.quants import dequantize

        tensor = self._tensors[name]
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
        return self.in_our_order(name, values.reshape(self.shape(name)))

    def rows(self, name: str, ids: Tensor) -> Tensor:
        """Some rows of a matrix, as float32: (*ids, K). Raises IndexError where there is none."""
        from gguf.quants import dequantize

        tensor = self._tensors[name]
        some = dequantize(tensor.data[ids.flatten().numpy()], tensor.tensor_type)
        return torch.from_numpy(some.astype(np.float32)).view(*ids.shape, -1)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor of the file."""
        return tuple(int(size) for size in reversed(self._tensors[name].shape))

    def raw(self, name: str) -> tuple[str, np.ndarray]:
        """How a tensor is kept, one of TYPES, and what the file holds of it, row by row."""
        tensor = self._tensors[name]
        return tensor.tensor_type.name, tensor.data

    def forget(self) -> None:
        """Give back the memory of what was read; it is read anew where it is asked for again."""
        for tensor in self._tensors.values():
            held = getattr(tensor.data, "_mmap", None)
            if held is not None and hasattr(mmap, "MADV_DONTNEED"):
                held.madvise(mmap.MADV_DONTNEED)
                return

    def in_our_order(self, name: str, values: Tensor) -> Tensor:
        """The rows of a tensor of the file so that the columns of a rotation are neighbours."""
        last = name.rpartition(".")[0].rpartition(".")[2]
        if not self._pairs_lie_apart:
            return values
        d_head = self.config.d_head
        if last == "attn_qkv":
            asked, kept = self.config.n_heads * d_head, self.config.n_kv_heads * d_head
            q, k, v = values.split([asked, kept, kept])
            return torch.cat([neighbours(q, d_head), neighbours(k, d_head), v])
        return neighbours(values, d_head) if last in _TURNED else values

    @property
    def marks(self) -> Marks:
        """The marks round a text, and the frame of a conversation."""
        ends = () if self.eos_id is None else (self.eos_id,)
        bos, eos = self._text_of(self.bos_id), self._text_of(self.eos_id)
        return Marks(bos, eos, ends, self.begins and self.bos_id is not None, self.template)

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """A conversation in the model's own frame, up to where its answer begins.

        Raises ValueError where the file has no frame, or the frame refuses the conversation.
        """
        if self.template is None:
            raise ValueError(f"{self.path} has no frame for a conversation.")
        try:
            return self._frame.render(messages)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error

    @cached_property
    def _frame(self) -> Frame:
        return Frame(self.template or "", self.marks.bos, self.marks.eos)

    def _text_of(self, token: int | None) -> str:
        if token is None:
            return ""
        return self.words[token] if self.encoding is None else self.encoding.decode([token])

    @property
    def _pairs_lie_apart(self) -> bool:
        """Llama's files keep the two columns of a rotation side by side, as ours; Qwen's don't."""
        return self.config.positions == "rotary" and architecture(self.config) != "llama"

    def _ours(self, name: str) -> str | None:
        path, _, kind = name.rpartition(".")
        if not path.startswith("blk."):
            return f"{OUTSIDE[path]}.{kind}" if path in OUTSIDE else None
        _, layer, inside = path.split(".", 2)
        if inside in _PROJECTIONS:
            return f"blocks.{layer}.attention.qkv.{kind}"
        return f"blocks.{layer}.{INSIDE[inside]}.{kind}" if inside in INSIDE else None

    def _parts(self, name: str) -> list[str]:
        """The tensors that lie below one another in ours: queries, keys and values."""
        if not name.endswith(_apart(_PROJECTIONS[:1])):
            return [name]
        return [name.replace("attn_q", projection) for projection in _PROJECTIONS]


def _apart(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f".{name}.{kind}" for name in names for kind in ("weight", "bias"))


def open_gguf(path: str | os.PathLike[str]) -> GGUF:
    """Open a file of one of ARCHITECTURES.

    Raises FileNotFoundError where there is none, and ValueError for a file that is cut, damaged,
    or of a kind that is not known here: what it says is checked against the size of the file
    before anything is made of it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with path.open("rb") as file:
            walk(file, path.stat().st_size)
        return _opened(path)
    except Exception as error:  # the package and NumPy raise a dozen kinds for a damaged file
        if isinstance(error, PermissionError | ImportError):
            raise
        said = f"it says nothing of {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"{path} is no GGUF file that can be opened here, or it is damaged: {said}."
        ) from error


def _opened(path: Path) -> GGUF:
    check_seal(path)
    reader = reader_of(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    for tensor in tensors.values():
        if tensor.tensor_type.name not in TYPES:
            raise ValueError(
                f"{tensor.name} is kept as {tensor.tensor_type.name}; known are {', '.join(TYPES)}"
            )
    words = words_from_gguf(fields)
    begins = fields.get("tokenizer.ggml.pre") == "llama-bpe"  # where the file does not say
    opened = GGUF(
        path=path,
        config=_config(fields, tensors),
        encoding=encoding_from_gguf(path.stem, fields) if words is None else None,
        words=words,
        bos_id=_id(fields, "bos"),
        eos_id=_id(fields, "eos"),
        begins=bool(fields.get("tokenizer.ggml.add_bos_token", begins)),
        template=fields.get("tokenizer.chat_template"),
        license=str(fields.get("general.license", "not said")),
        _tensors=tensors,
    )
    strange = [name for name in tensors if opened._ours(name) is None and name != _FREQUENCIES]
    if strange:
        raise ValueError(f"it has {strange[0]}, which such a model does not have")
    return opened


_FREQUENCIES = "rope_freqs.weight"


def _config(fields: Mapping[str, Any], tensors: Mapping[str, Any]) -> GPTConfig:
    kind = fields["general.architecture"]
    if kind not in ARCHITECTURES:
        raise ValueError(
            f"it is a model of the kind {kind!r}; known are {', '.join(ARCHITECTURES)}"
        )

    def said(name: str, *instead: Any) -> Any:
        return fields.get(f"{kind}.{name}", *instead) if instead else fields[f"{kind}.{name}"]

    if said("rope.scaling.type", "none") not in ("none", ""):
        raise ValueError(f"its rotary positions are scaled by {said('rope.scaling.type')!r}")
    if said("expert_count", 0):
        raise ValueError("it is a mixture of experts")
    if said("use_parallel_residual", False):
        raise ValueError("its attention and feed-forward layers read the same, side by side")
    heads, width = said("attention.head_count"), said("embedding_length")
    d_head = said("attention.key_length", width // heads)
    if said("rope.dimension_count", d_head) != d_head:
        raise ValueError("its rotary positions turn only a part of each head")
    modern, base = kind not in ("gpt2", "gptneox"), _short(said("rope.freq_base", 10_000.0))
    eps = "attention.layer_norm_rms_epsilon" if modern else "attention.layer_norm_epsilon"
    return GPTConfig(
        vocab_size=len(fields["tokenizer.ggml.tokens"]),
        context_length=said("context_length"),
        n_layers=said("block_count"),
        n_heads=heads,
        d_model=width,
        norm="rmsnorm" if modern else "layernorm",
        positions="learned" if kind == "gpt2" else "rotary",
        activation="swiglu" if modern else "gelu",
        bias="blk.0.attn_output.bias" in tensors,
        tied="output.weight" not in tensors,
        norm_eps=_short(said(eps)),
        n_kv_heads=said("attention.head_count_kv", heads),
        d_head=d_head,
        d_hidden=said("feed_forward_length"),
        qkv_bias=bool(tensors.keys() & {"blk.0.attn_q.bias", "blk.0.attn_qkv.bias"}),
        qk_norm="blk.0.attn_q_norm.weight" in tensors,
        rotary_base=base,
        rotary_scaling=_stretch(tensors, d_head, base),
    )


def architecture(config: GPTConfig) -> str:
    """What the format calls models of this kind.

    Raises ValueError, naming it, for what none of ARCHITECTURES has.
    """
    if is_alike(config):
        family = family_of(config)
        if config.rotary_scaling is not None and family != "llama":
            raise ValueError(f"The model has rotary_scaling, which no {family} in a GGUF file has.")
        return family
    wanted = {
        "norm": "layernorm",
        "norm_position": "pre",
        "activation": "gelu",
        "qk_norm": False,
        "qkv_bias": config.bias,
        "d_head": config.d_model // config.n_heads,
        "rotary_scaling": None,
    }
    for name, value in wanted.items():
        if getattr(config, name) != value:
            raise ValueError(
                f"The model has {name}={getattr(config, name)!r}, and a GPT-2 or GPT-NeoX in a "
                f"GGUF file only {value!r}: it can't be written in that format."
            )
    if config.positions == "none":
        raise ValueError("The model has no positions, and none of that format's is without.")
    return "gpt2" if config.positions == "learned" else "gptneox"


def _short(number: float) -> float:
    """The number that somebody wrote before it was kept as float32: 1e-5, not 9.99999974e-6."""
    return float(str(np.float32(number)))


def _stretch(tensors: Mapping[str, Any], d_head: int, base: float) -> tuple | None:
    """Which stretch of rotary positions the file's divisors of the frequencies are."""
    from utils.llm.attention.positions import rotary_frequencies

    if _FREQUENCIES not in tensors:
        return None
    divisors = torch.from_numpy(tensors[_FREQUENCIES].data.astype(np.float64)).flatten()
    plain = rotary_frequencies(d_head, base)
    for stretch in _STRETCHES:
        if torch.allclose(plain / divisors, rotary_frequencies(d_head, base, stretch), rtol=1e-4):
            return stretch
    raise ValueError("its rotary positions are stretched in a way that is not known here")


def _id(fields: Mapping[str, Any], name: str) -> int | None:
    number = fields.get(f"tokenizer.ggml.{name}_token_id")
    return None if number is None else int(number)
