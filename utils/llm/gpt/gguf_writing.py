"""A GGUF file written: the model, its tokenizer and its frame in one file that llama.cpp runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from utils.llm.attention.positions import rotary_frequencies
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.gguf import INSIDE, OUTSIDE, architecture
from utils.llm.gpt.gguf_bytes import SEAL, UNSEALED, seal
from utils.llm.gpt.hf_llama import halves
from utils.llm.machine.files import replacing_path
from utils.llm.tokenizer.gguf import add_tokenizer
from utils.llm.tokenizer.vocabulary import Vocabulary, check_size

if TYPE_CHECKING:
    from gguf import GGUFWriter

__all__ = ["KINDS", "write_gguf"]

#: How the numbers of matrices can be kept, and the format's number for a file of that kind.
KINDS = {"F32": 0, "F16": 1, "Q8_0": 7}
_BLOCK = 32  # numbers of a row that Q8_0 keeps together
_EXACT = ("position_embd",)  # added to others, never multiplied: llama.cpp wants it exact


def write_gguf(
    path: str | os.PathLike[str],
    config: GPTConfig,
    tensors: Mapping[str, Tensor],
    vocabulary: Vocabulary,
    kind: str = "F16",
    about: Mapping[str, str] | None = None,
) -> None:
    """Write the file, whole or not at all; `tensors` are a GPT's, a tied head left out.

    `kind`, one of KINDS, is how matrices are kept; `about` holds what the file shall say of itself
    (name, description, license). Raises ValueError, naming it, for what no architecture of that
    format has, OSError where the file can't be written.
    """
    from gguf import GGUFWriter

    if kind not in KINDS:
        raise ValueError(f"The kind is {kind!r}: give one of {', '.join(KINDS)}.")
    check_size(config.vocab_size, vocabulary)
    family = architecture(config)
    with replacing_path(path) as partial:
        writer = GGUFWriter(partial, family)
        try:
            writer.add_string(SEAL, UNSEALED)
            _describe(writer, config, family)
            for name, value in (about or {}).items():
                getattr(writer, f"add_{name}")(value)
            writer.add_file_type(KINDS[kind])
            writer.add_quantization_version(2)
            add_tokenizer(writer, vocabulary, config.vocab_size)
            for name, values in _named(config, family, tensors):
                _add(writer, name, values, kind)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()
        seal(partial)


def _describe(writer: GGUFWriter, config: GPTConfig, family: str) -> None:
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.d_model)
    writer.add_block_count(config.n_layers)
    writer.add_feed_forward_length(config.d_hidden)
    writer.add_head_count(config.n_heads)
    writer.add_head_count_kv(config.n_kv_heads)
    writer.add_key_length(config.d_head)
    writer.add_value_length(config.d_head)
    if config.norm == "rmsnorm":
        writer.add_layer_norm_rms_eps(config.norm_eps)
    else:
        writer.add_layer_norm_eps(config.norm_eps)
    if config.positions == "rotary":
        writer.add_rope_freq_base(config.rotary_base)
        writer.add_rope_dimension_count(config.d_head)
    if family == "gptneox":
        writer.add_parallel_residual(False)


def _named(
    config: GPTConfig, family: str, tensors: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor under the format's name for it, its rows in the format's order."""
    old = family in ("gpt2", "gptneox")
    for ours, tensor in tensors.items():
        path, _, ending = ours.rpartition(".")
        values = tensor.detach().to("cpu", torch.float32)
        for theirs, part in _parts(path, values, config, family):
            yield f"{theirs}.{ending}", part
            if old and not config.bias and _has_bias(theirs):  # theirs always have one
                yield f"{theirs}.bias", torch.zeros(len(part))
    if family == "gptneox" and config.tied:  # whose head is always a matrix of its own
        yield "output.weight", tensors["token_embedding.weight"].detach().cpu()
    if config.rotary_scaling is not None:
        d_head, base = config.d_head, config.rotary_base
        stretched = rotary_frequencies(d_head, base, config.rotary_scaling)
        yield "rope_freqs.weight", rotary_frequencies(d_head, base) / stretched


def _has_bias(name: str) -> bool:
    return name.startswith("blk.") or name == "output_norm"


def _parts(
    path: str, values: Tensor, config: GPTConfig, family: str
) -> Iterator[tuple[str, Tensor]]:
    if not path.startswith("blocks."):
        yield next(theirs for theirs, ours in OUTSIDE.items() if ours == path), values
        return
    _, layer, inside = path.split(".", 2)
    apart = config.positions == "rotary" and family != "llama"  # the two columns of a rotation
    if inside != "attention.qkv":
        theirs = next(theirs for theirs, ours in INSIDE.items() if ours == inside)
        turned = apart and theirs in ("attn_q_norm", "attn_k_norm")
        yield f"blk.{layer}.{theirs}", halves(values, config.d_head) if turned else values
        return
    asked, kept = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    q, k, v = values.split([asked, kept, kept])
    if apart:
        q, k = halves(q, config.d_head), halves(k, config.d_head)
    if family in ("gpt2", "gptneox"):
        yield f"blk.{layer}.attn_qkv", torch.cat([q, k, v])
    else:
        yield from zip((f"blk.{layer}.attn_{letter}" for letter in "qkv"), (q, k, v), strict=True)


def _add(writer: GGUFWriter, name: str, values: Tensor, kind: str) -> None:
    """One tensor; what is no matrix stays exact, and a row that blocks don't fill as float16."""
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    if values.ndim < 2 or name.startswith(_EXACT):
        kind = "F32"
    elif kind == "Q8_0" and values.shape[1] % _BLOCK:
        kind = "F16"
    if kind == "F16" and values.abs().max() > torch.finfo(torch.float16).max:
        raise ValueError(f"{name} has numbers too large for F16: choose F32.")
    kept = GGMLQuantizationType[kind]
    numbers = values.contiguous().numpy().astype(np.float32)
    writer.add_tensor(name, quantize(numbers, kept), raw_dtype=kept)
