"""Weights under the names of a GGUF file: of the real file, or of a model as if it lay in one."""

from torch import Tensor

from utils.data.texts.real_models import kept_model
from utils.data.wild.record import REAL
from utils.llm.gpt.gguf import open_gguf
from utils.llm.gpt.gguf_bytes import reader_of
from utils.llm.gpt.model import GPT

__all__ = ["in_a_file", "tensors_of_file"]

_INSIDE = {
    "norm_1": "attn_norm",
    "attention.out": "attn_output",
    "norm_2": "ffn_norm",
    "feed_forward.gate": "ffn_gate",
    "feed_forward.up": "ffn_up",
    "feed_forward.down": "ffn_down",
}


def in_a_file(model: GPT) -> dict[str, Tensor]:
    """The weights of a model of Llama's kind, tied, under the names that a file has."""
    config, weights = model.config, model.state_dict()
    asked, kept = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    found = {
        "token_embd.weight": weights["token_embedding.weight"],
        "output_norm.weight": weights["final_norm.weight"],
    }
    for i in range(config.n_layers):
        parts = weights[f"blocks.{i}.attention.qkv.weight"].split([asked, kept, kept])
        found |= {f"blk.{i}.attn_{x}.weight": part for x, part in zip("qkv", parts, strict=True)}
        for ours, theirs in _INSIDE.items():
            found[f"blk.{i}.{theirs}.weight"] = weights[f"blocks.{i}.{ours}.weight"]
    return found


def tensors_of_file() -> dict[str, Tensor]:
    """All tensors of the real model's file, by their names there, as float32."""
    path = kept_model(REAL)
    file = open_gguf(path)
    return {tensor.name: file.read(tensor.name) for tensor in reader_of(path).tensors}
