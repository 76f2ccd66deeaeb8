"""Models as Hugging Face keeps them: the doors in and out, and GPT-2's names.

GPT-2's matrices lie on their side there: its layers multiply x · W (the layer is called Conv1D)
where `nn.Linear` multiplies x · Wᵀ. Llama's and Qwen's names are in `hf_llama`.
"""

import json
import os
import re
import socket
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from utils.llm.gpt import hf_llama
from utils.llm.gpt.card import ModelCard, write_card
from utils.llm.gpt.checkpoints import (
    BESIDE,
    check_beside,
    marks_beside,
    read_tensors,
    write_tensors,
)
from utils.llm.gpt.config import PRESETS, GPTConfig
from utils.llm.machine.files import replacing
from utils.llm.tokenizer.hf_writing import FILES, write_tokenizer
from utils.llm.tokenizer.vocabulary import Vocabulary, check_size

__all__ = ["fetch", "from_hf", "hf_config", "hf_tensors", "write_folder"]

_OUTSIDE = {
    "wte": "token_embedding",
    "wpe": "position_embedding",
    "ln_f": "final_norm",
    "lm_head": "head",
}
INSIDE = {
    "ln_1": "norm_1",
    "attn.c_attn": "attention.qkv",
    "attn.c_proj": "attention.out",
    "ln_2": "norm_2",
    "mlp.c_fc": "feed_forward.up",
    "mlp.c_proj": "feed_forward.down",
}
_ACTIVATIONS = {"gelu_new": "gelu", "gelu_pytorch_tanh": "gelu", "relu": "relu"}
WEIGHTS = "model.safetensors"
WRITTEN = (WEIGHTS, "config.json", "README.md", *FILES)  # by `write_folder`
_BUFFERS = re.compile(r"\.attn\.(bias|masked_bias)$")  # the causal mask, kept by older versions


_INSTEAD = (
    "Use a model that comes with the course (GPT.load), or give the path of a folder with "
    "config.json and model.safetensors that was downloaded elsewhere."
)


def from_hf(
    source: nn.Module | Mapping[str, Tensor] | str | os.PathLike[str], n_heads: int | None = None
) -> tuple[GPTConfig, dict[str, Tensor]]:
    """Configuration and weights, under our names, as float32 copies.

    `source` is a GPT-2, Llama, Qwen2 or Qwen3 of transformers, a folder with config.json and
    safetensors in one file or several, or a name on Hugging Face; or the state dict of a GPT-2. A
    state dict does not tell the number of heads: unless its width is one of GPT-2's own, give
    `n_heads`.

    Raises ValueError for a model of another kind, or one with parts that ours does not have;
    FileNotFoundError, ConnectionError or ImportError where a name or a folder gives none.
    """
    if isinstance(source, Mapping):
        tensors = _renamed(source)
        return _config_of_tensors(tensors, n_heads), tensors
    if isinstance(source, nn.Module):
        described, state = _described(source), source.state_dict()
    elif isinstance(source, str | os.PathLike):
        described, state = _read_folder(source)
    else:
        raise TypeError(
            f"The source is of the type {type(source).__name__}: give a model of transformers, a "
            "GPT-2's state dict, the path of a folder or a name on Hugging Face."
        )
    config = config_from_hf(described)
    if described["model_type"] in hf_llama.FAMILIES:
        return config, hf_llama.tensors_from_hf(state, config)
    tensors = _renamed(state)
    if config.tied:
        tensors.pop("head.weight", None)
    return config, tensors


def _described(model: nn.Module) -> dict[str, Any]:
    if not hasattr(getattr(model, "config", None), "to_dict"):
        raise TypeError(f"A {type(model).__name__} is no model of transformers: it has no config.")
    return model.config.to_dict()


def config_from_hf(described: Mapping[str, Any]) -> GPTConfig:
    """Ours from theirs (the content of config.json); `dropout` is their `resid_pdrop`.

    Raises ValueError for another kind of model, or for what ours can't do.
    """
    if not isinstance(described, Mapping):
        raise ValueError(
            f"Its configuration is a {type(described).__name__}, not a table of names."
        )
    kind, known = described.get("model_type"), ["gpt2", *hf_llama.FAMILIES]
    if kind not in known:
        raise ValueError(f"The model is {kind!r}, and only {', '.join(map(repr, known))} fit.")
    try:
        return _gpt2_config(described) if kind == "gpt2" else hf_llama.config_from_hf(described)
    except KeyError as error:
        raise ValueError(f"Its configuration says nothing of {error}.") from error
    except (TypeError, AttributeError) as error:
        raise ValueError(f"Its configuration can't be understood: {error}") from error


def _gpt2_config(described: Mapping[str, Any]) -> GPTConfig:
    width = described.get("n_embd", 768)
    plain = {
        "add_cross_attention": False,
        "scale_attn_by_inverse_layer_idx": False,
        "scale_attn_weights": True,
    }
    for name, value in plain.items():
        if described.get(name, value) != value:
            raise ValueError(f"The model has {name}={described[name]}, which GPT can't do.")
    activation = described.get("activation_function", "gelu_new")
    if activation not in _ACTIVATIONS:
        raise ValueError(f"Its activation is {activation!r}: known are {list(_ACTIVATIONS)}.")
    return GPTConfig(
        vocab_size=described.get("vocab_size", 50257),
        context_length=described.get("n_positions", 1024),
        n_layers=described.get("n_layer", 12),
        n_heads=described.get("n_head", 12),
        d_model=width,
        dropout=described.get("resid_pdrop", 0.1),
        activation=_ACTIVATIONS[activation],
        tied=described.get("tie_word_embeddings", True),
        norm_eps=described.get("layer_norm_epsilon", 1e-5),
        d_hidden=described.get("n_inner"),
    )


def _config_of_tensors(tensors: dict[str, Tensor], n_heads: int | None) -> GPTConfig:
    """What a state dict tells; drops the head from it where it is the embedding again."""
    if "model.embed_tokens.weight" in tensors:
        raise ValueError(
            "These are the weights of a Llama or Qwen, which don't tell its number of heads: give "
            "the model itself or its folder."
        )
    needed = ("token_embedding.weight", "position_embedding.weight", "blocks.0.norm_1.weight")
    for name in needed:
        if name not in tensors:
            raise ValueError(f"These are not the weights of a GPT-2: there is nothing for {name}.")
    vocab_size, width = tensors[needed[0]].shape
    if n_heads is None:
        gpt2 = [preset for name, preset in PRESETS.items() if name.startswith("gpt2")]
        known = {preset["d_model"]: preset["n_heads"] for preset in gpt2}
        if width not in known:
            raise ValueError(
                f"A state dict of width {width} does not tell its number of heads: give n_heads, "
                "or give the model itself."
            )
        n_heads = known[width]
    head = tensors.get("head.weight")
    tied = head is None or torch.equal(head, tensors[needed[0]])
    if tied:
        tensors.pop("head.weight", None)
    return GPTConfig(
        vocab_size=vocab_size,
        context_length=len(tensors[needed[1]]),
        n_layers=1 + max(int(name.split(".")[1]) for name in tensors if name[:7] == "blocks."),
        n_heads=n_heads,
        d_model=width,
        tied=tied,
    )


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Under our names, turned where they lie on their side; strange names stay as they are."""
    renamed = {}
    for name, tensor in state.items():
        if _BUFFERS.search(name):
            continue
        part, _, kind = name.removeprefix("transformer.").rpartition(".")
        block = re.fullmatch(r"h\.(\d+)\.(.+)", part)
        if block and block[2] in INSIDE:
            part = f"blocks.{block[1]}.{INSIDE[block[2]]}"
        part = _OUTSIDE.get(part, part)
        lies = kind == "weight" and tensor.ndim == 2 and part.startswith("blocks.")
        turned = tensor.detach().T if lies else tensor.detach()  # (in, out) -> (out, in)
        renamed[f"{part}.{kind}"] = turned.to(
            torch.float32, copy=True, memory_format=torch.contiguous_format
        )
    return renamed


def hf_tensors(tensors: Mapping[str, Tensor], config: GPTConfig) -> dict[str, Tensor]:
    """Our weights under their names. Without biases, zeros: their GPT-2 always has them.

    Raises ValueError for a model that none of theirs is like.
    """
    if hf_llama.is_alike(config):
        return hf_llama.hf_tensors(tensors, config)
    _check_is_gpt2(config)
    outside = {ours: theirs for theirs, ours in _OUTSIDE.items()}
    inside = {ours: theirs for theirs, ours in INSIDE.items()}
    renamed = {}
    for name, tensor in tensors.items():
        part, _, kind = name.rpartition(".")
        block = re.fullmatch(r"blocks\.(\d+)\.(.+)", part)
        theirs = f"h.{block[1]}.{inside[block[2]]}" if block else outside[part]
        theirs = theirs if part == "head" else f"transformer.{theirs}"
        weights = tensor.detach().cpu()
        lies = kind == "weight" and block and tensor.ndim == 2
        renamed[f"{theirs}.{kind}"] = (weights.T if lies else weights).contiguous()
        if not config.bias and (block or part == "final_norm"):
            renamed[f"{theirs}.bias"] = torch.zeros(len(weights), dtype=weights.dtype)
    return renamed


def hf_config(config: GPTConfig, eos_token_id: int | None = None) -> dict[str, Any]:
    """The content of config.json. `eos_token_id` ends a text: GPT-2's own where V is GPT-2's."""
    if hf_llama.is_alike(config):
        return hf_llama.hf_config(config, eos_token_id)
    _check_is_gpt2(config)
    if eos_token_id is None and config.vocab_size == PRESETS["gpt2"]["vocab_size"]:
        eos_token_id = config.vocab_size - 1
    dropouts = dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), config.dropout)
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.context_length,
        "n_embd": config.d_model,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_inner": None if config.d_hidden == 4 * config.d_model else config.d_hidden,
        "activation_function": "gelu_new" if config.activation == "gelu" else config.activation,
        "layer_norm_epsilon": config.norm_eps,
        "tie_word_embeddings": config.tied,
        "bos_token_id": eos_token_id,
        "eos_token_id": eos_token_id,
        "dtype": "float32",
        **dropouts,
    }


def _check_is_gpt2(config: GPTConfig) -> None:
    wanted = {
        "norm": "layernorm",
        "norm_position": "pre",
        "positions": "learned",
        "n_kv_heads": config.n_heads,
        "d_head": config.d_model // config.n_heads,
        "qkv_bias": config.bias,
        "qk_norm": False,
    }
    for name, value in wanted.items():
        if getattr(config, name) != value:
            raise ValueError(
                f"The model has {name}={getattr(config, name)!r}, and Hugging Face's GPT-2 only "
                f"{value!r}: it can't be written in that format."
            )
    if config.activation not in _ACTIVATIONS.values():
        raise ValueError(f"The model has activation={config.activation!r}, which no GPT-2 has.")


def write_folder(
    path: str | os.PathLike[str],
    config: GPTConfig,
    tensors: Mapping[str, Tensor],
    eos_token_id: int | None = None,
    card: ModelCard | None = None,
    vocabulary: Vocabulary | None = None,
) -> None:
    """A folder that `AutoModelForCausalLM.from_pretrained` opens: weights, config.json, a card.

    With a vocabulary `AutoTokenizer` and `pipeline` open it too. Without a card, one that says
    what is not known is left where there is none yet.
    """
    if vocabulary is not None:
        check_size(config.vocab_size, vocabulary)
        eos_token_id = vocabulary.eos_id if eos_token_id is None else eos_token_id
    described, renamed = hf_config(config, eos_token_id), hf_tensors(tensors, config)
    folder = Path(path)
    if folder.is_file():
        raise ValueError(f"{folder} is a file: give the path of a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "config.json") as file:
        file.write((json.dumps(described, indent=2) + "\n").encode())
    if vocabulary is not None:
        write_tokenizer(folder, vocabulary, config.context_length)
    beside = marks_beside(folder, ("config.json", *(FILES if vocabulary is not None else ())))
    write_tensors(folder / WEIGHTS, renamed, {"format": "pt", BESIDE: beside})
    if card or not (folder / "README.md").exists():
        write_card(folder, card or ModelCard(folder.resolve().name), config, for_hub=True)


def _read_folder(name: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    folder = Path(name)
    if folder.is_dir():

        def find(file: str) -> Path:
            if not (folder / file).is_file():
                raise FileNotFoundError(
                    f"The folder {folder} has no {file}: from_hf reads what transformers' "
                    "save_pretrained writes, the weights as safetensors."
                )
            return folder / file

    elif isinstance(name, str) and re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", name):
        find = partial(fetch, name)
    else:
        raise FileNotFoundError(
            f"There is no folder {folder}, and a name on Hugging Face looks like 'gpt2' or "
            "'owner/model'."
        )
    return _read_json(find("config.json")), _read_weights(find)


def _read_weights(find: Callable[[str], Path]) -> dict[str, Tensor]:
    """All weights of a folder, from one file or from the several that an index names."""
    try:
        whole = find(WEIGHTS)
        tensors, metadata = read_tensors(whole)
        check_beside(whole.parent, metadata)
        return tensors
    except FileNotFoundError:
        try:
            index = find(f"{WEIGHTS}.index.json")
        except FileNotFoundError:
            index = None
        if index is None:
            raise
    parts = _read_json(index).get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise ValueError(f"{index} names no files of weights.")
    for part in parts.values():
        if not isinstance(part, str) or not re.fullmatch(r"[\w-][\w.-]*\.safetensors", part):
            raise ValueError(f"{index} names {part!r}, which is no safetensors file beside it.")
    files = [find(part) for part in sorted(set(parts.values()))]
    return {name: tensor for file in files for name, tensor in read_tensors(file)[0].items()}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a table of names.")
    return content


def fetch(name: str, file: str) -> Path:
    """A file of that model in Hugging Face's own cache; fetched where it is not there yet."""
    try:
        from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
    except ImportError as error:
        raise ImportError(
            f"GPT.from_hf({name!r}) needs the package huggingface_hub: pip install "
            "huggingface_hub. " + _INSTEAD
        ) from error
    cached = try_to_load_from_cache(name, file)
    if isinstance(cached, str):
        return Path(cached)
    host = urlparse(constants.ENDPOINT).hostname or constants.ENDPOINT
    try:
        if not urllib.request.getproxies():
            socket.getaddrinfo(host, 443)  # fails at once where hf_hub_download would long retry
        return Path(hf_hub_download(name, file))
    except Exception as error:  # what a failing network raises depends on its layers
        raise _failure(error, name, file, host) from error


def _failure(error: Exception, name: str, file: str, host: str) -> OSError:
    from huggingface_hub import errors

    absent = (errors.EntryNotFoundError, errors.RepositoryNotFoundError, errors.HFValidationError)
    if isinstance(error, absent) and not isinstance(error, errors.LocalEntryNotFoundError):
        return FileNotFoundError(f"{host} shows no model {name!r} with a file {file}. {_INSTEAD}")
    return ConnectionError(
        f"{name!r} could not be downloaded from {host}: is this machine offline? {_INSTEAD}"
    )
