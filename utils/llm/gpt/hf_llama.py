"""Llama, Qwen2 and Qwen3 as Hugging Face keeps them: other names, and pairs that lie apart.

Ours turns neighbouring columns (2i, 2i + 1) of a query or key (see `rotary`), theirs columns i and
i + D / 2: the same numbers in another order of rows, which is changed on the way. SmolLM2 is a
Llama.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from utils.llm.gpt.config import GPTConfig

__all__ = [
    "FAMILIES",
    "config_from_hf",
    "halves",
    "hf_config",
    "hf_tensors",
    "is_alike",
    "neighbours",
    "tensors_from_hf",
]

FAMILIES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
_OUTSIDE = {
    "model.embed_tokens": "token_embedding",
    "model.norm": "final_norm",
    "lm_head": "head",
}
_INSIDE = {
    "input_layernorm": "norm_1",
    "self_attn.o_proj": "attention.out",
    "self_attn.q_norm": "attention.q_norm",
    "self_attn.k_norm": "attention.k_norm",
    "post_attention_layernorm": "norm_2",
    "mlp.gate_proj": "feed_forward.gate",
    "mlp.up_proj": "feed_forward.up",
    "mlp.down_proj": "feed_forward.down",
}
_PROJECTIONS = ("q_proj", "k_proj", "v_proj")  # ours has the three in one matrix, `qkv`
_TURNED = ("q_proj", "k_proj", "q_norm", "k_norm")


def config_from_hf(described: Mapping[str, Any]) -> GPTConfig:
    """Ours from theirs (the content of config.json).

    Raises ValueError, naming it, for what ours can't do.
    """
    family = described["model_type"]
    _refuse(described)
    base, scaling = _rotation(described)
    everywhere = bool(described.get("mlp_bias", False))
    return GPTConfig(
        vocab_size=described["vocab_size"],
        context_length=described["max_position_embeddings"],
        n_layers=described["num_hidden_layers"],
        n_heads=described["num_attention_heads"],
        d_model=described["hidden_size"],
        norm="rmsnorm",
        positions="rotary",
        activation="swiglu",
        bias=everywhere,
        tied=bool(described.get("tie_word_embeddings", False)),
        norm_eps=described.get("rms_norm_eps", 1e-6),
        n_kv_heads=described.get("num_key_value_heads"),
        d_head=described.get("head_dim"),
        d_hidden=described["intermediate_size"],
        qkv_bias=True if family == "qwen2" else everywhere,
        qk_norm=family == "qwen3",
        rotary_base=base,
        rotary_scaling=scaling,
    )


def _refuse(described: Mapping[str, Any]) -> None:
    plain = {
        "hidden_act": "silu",
        "use_sliding_window": False,
        "partial_rotary_factor": 1.0,
        "pretraining_tp": 1,
    }
    for name, value in plain.items():
        if described.get(name, value) not in (value, None):
            raise ValueError(f"The model has {name}={described[name]!r}, which GPT can't do.")
    if any(kind != "full_attention" for kind in described.get("layer_types") or ()):
        raise ValueError(f"The model has layer_types={described['layer_types']}, not all full.")
    partly = described.get("attention_bias", False) != described.get("mlp_bias", False)
    if described["model_type"] != "qwen2" and partly:
        raise ValueError(
            "The model has biases in its attention or in its feed-forward layers alone "
            "(attention_bias, mlp_bias), which GPT can't do."
        )


def _rotation(described: Mapping[str, Any]) -> tuple[float, tuple | None]:
    """The base of the rotary positions, and how they are stretched."""
    said = described.get("rope_parameters") or described.get("rope_scaling") or {}
    base = float(said.get("rope_theta", described.get("rope_theta", 10_000.0)))
    kind = said.get("rope_type", said.get("type", "default"))
    if kind == "default":
        return base, None
    if kind != "llama3":
        raise ValueError(f"Its rotary positions are scaled by {kind!r}: GPT knows only 'llama3'.")
    names = "factor low_freq_factor high_freq_factor original_max_position_embeddings".split()
    return base, tuple(said[name] for name in names)


def tensors_from_hf(state: Mapping[str, Tensor], config: GPTConfig) -> dict[str, Tensor]:
    """Under our names, as float32 copies; what has no place in ours keeps its own name."""
    renamed, parts = {}, {}
    for name, tensor in state.items():
        if name.endswith("rotary_emb.inv_freq"):
            continue
        path, _, kind = name.rpartition(".")
        layer, inside = _within(path)
        values = tensor.detach().to(torch.float32, copy=True)
        last = inside.rpartition(".")[2]
        if last in _TURNED:
            values = neighbours(values, config.d_head)
        if last in _PROJECTIONS:
            parts[layer, kind, last] = values
        elif layer and inside in _INSIDE:
            renamed[f"blocks.{layer}.{_INSIDE[inside]}.{kind}"] = values
        else:
            renamed[f"{_OUTSIDE.get(path, path)}.{kind}"] = values
    for layer, kind in dict.fromkeys(key[:2] for key in parts):
        found = [parts[layer, kind, last] for last in _PROJECTIONS if (layer, kind, last) in parts]
        renamed[f"blocks.{layer}.attention.qkv.{kind}"] = torch.cat(found)
    if config.tied:
        renamed.pop("head.weight", None)
    return renamed


def _within(path: str) -> tuple[str, str]:
    """Number of the layer and the path inside it, both empty for what is outside of all."""
    start, _, rest = path.removeprefix("model.layers.").partition(".")
    inside = path.startswith("model.layers.") and start.isdecimal()
    return (start, rest) if inside else ("", "")


def hf_config(config: GPTConfig, eos_token_id: int | None = None) -> dict[str, Any]:
    """The content of config.json.

    Raises ValueError, naming it, for what none of the families has.
    """
    family = family_of(config)
    rotation: dict[str, Any] = {"rope_type": "default", "rope_theta": config.rotary_base}
    if config.rotary_scaling is not None:
        factor, low, high, context = config.rotary_scaling
        rotation |= {"rope_type": "llama3", "factor": factor, "low_freq_factor": low}
        rotation |= {"high_freq_factor": high, "original_max_position_embeddings": context}
    scaling = None if config.rotary_scaling is None else rotation
    described = {
        "architectures": [FAMILIES[family]],
        "model_type": family,
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.context_length,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_hidden,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.d_head,
        "hidden_act": "silu",
        "rms_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tied,
        "rope_parameters": rotation,
        "rope_theta": config.rotary_base,  # where transformers below 5 looks for the two
        "rope_scaling": scaling,
        "bos_token_id": eos_token_id,
        "eos_token_id": eos_token_id,
        "dtype": "float32",
    }
    biased = {"attention_bias": config.bias, "mlp_bias": config.bias}
    return described | (biased if family == "llama" else {})


def is_alike(config: GPTConfig) -> bool:
    """Whether a GPT is of Llama's kind rather than GPT-2's."""
    return config.norm == "rmsnorm" and config.positions == "rotary"


def family_of(config: GPTConfig) -> str:
    """The model type of Hugging Face that such a GPT is; ValueError where it is none."""
    wanted = {
        "norm": "rmsnorm",
        "norm_position": "pre",
        "positions": "rotary",
        "activation": "swiglu",
        "dropout": 0.0,
    }
    for name, value in wanted.items():
        if getattr(config, name) != value:
            raise ValueError(
                f"The model has {name}={getattr(config, name)!r}, and Hugging Face's Llama and "
                f"Qwen only {value!r}: it can't be written in that format."
            )
    if config.bias and (config.qk_norm or not config.qkv_bias):
        raise ValueError("A Llama has biases everywhere or nowhere, a Qwen in q, k and v at most.")
    if config.qk_norm and config.qkv_bias:
        raise ValueError("A Qwen has biases on q, k and v or norms on q and k, not both.")
    return "qwen3" if config.qk_norm else "qwen2" if config.qkv_bias > config.bias else "llama"


def hf_tensors(tensors: Mapping[str, Tensor], config: GPTConfig) -> dict[str, Tensor]:
    """Our weights under their names. Raises ValueError as `hf_config` does."""
    family_of(config)
    return {
        name: values.contiguous()
        for ours, tensor in tensors.items()
        for name, values in _theirs(ours, tensor.detach().cpu(), config)
    }


def _theirs(name: str, tensor: Tensor, config: GPTConfig) -> Iterator[tuple[str, Tensor]]:
    path, _, kind = name.rpartition(".")
    _, layer, inside = [*path.split(".", 2), "", ""][:3]
    if not path.startswith("blocks."):
        outside = {ours: theirs for theirs, ours in _OUTSIDE.items()}
        yield f"{outside[path]}.{kind}", tensor
    elif inside == "attention.qkv":
        asked, kept = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
        for last, part in zip(_PROJECTIONS, tensor.split([asked, kept, kept]), strict=True):
            turned = halves(part, config.d_head) if last in _TURNED else part
            yield f"model.layers.{layer}.self_attn.{last}.{kind}", turned
    else:
        theirs = next(theirs for theirs, ours in _INSIDE.items() if ours == inside)
        turned = theirs.rpartition(".")[2] in _TURNED
        values = halves(tensor, config.d_head) if turned else tensor
        yield f"model.layers.{layer}.{theirs}.{kind}", values


def neighbours(rows: Tensor, d_head: int) -> Tensor:
    """Rows of each head from (half, pair) to (pair, half): a pair's two come side by side."""
    return rows.unflatten(0, (-1, 2, d_head // 2)).transpose(1, 2).flatten(0, 2)


def halves(rows: Tensor, d_head: int) -> Tensor:
    """The way back: what is first in its pair goes to the first half of its head."""
    return rows.unflatten(0, (-1, d_head // 2, 2)).transpose(1, 2).flatten(0, 2)
