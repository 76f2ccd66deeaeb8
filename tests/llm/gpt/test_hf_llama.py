"""The same weights give the same numbers here and in Hugging Face's Llama, Qwen2 and Qwen3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from utils.llm.gpt import counts, hf
from utils.llm.gpt.model import GPT, PRESETS, GPTConfig

V = 61
SIZES = {
    "vocab_size": V,
    "max_position_embeddings": 64,
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "bos_token_id": None,
    "eos_token_id": None,
}
STRETCHED = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
MODELS = {
    "llama": (LlamaForCausalLM, LlamaConfig, {}),
    "llama, one head, tied": (
        *(LlamaForCausalLM, LlamaConfig),
        {"num_attention_heads": 1, "num_key_value_heads": 1, "tie_word_embeddings": True},
    ),
    "llama, all biases": (
        *(LlamaForCausalLM, LlamaConfig),
        {"attention_bias": True, "mlp_bias": True},
    ),
    "llama, stretched": (LlamaForCausalLM, LlamaConfig, {"rope_parameters": STRETCHED}),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, {"rms_norm_eps": 1e-3}),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, {"head_dim": 10, "tie_word_embeddings": True}),
}
every_model = pytest.mark.parametrize("name", MODELS)


def theirs(name: str, **options: Any) -> nn.Module:
    """A model of theirs with every number random and large enough to matter."""
    made, configured, own = MODELS[name]
    torch.manual_seed(0)
    model = made(configured(**{**SIZES, **own, **options})).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights) * 0.1)
    return model


def texts(batch: int, n_tokens: int) -> Tensor:
    return torch.randint(V, (batch, n_tokens), generator=torch.Generator().manual_seed(1))


def apart(ours: Tensor, expected: Tensor) -> float:
    """The largest difference, as a share of the largest number."""
    return ((ours - expected).abs().max() / expected.abs().max()).item()


@every_model
@pytest.mark.parametrize(("batch", "n_tokens"), [(3, 40), (1, 1), (4, 1), (2, 5)])
@torch.no_grad()
def test_the_same_logits(name: str, batch: int, n_tokens: int) -> None:
    their_model, ids = theirs(name), texts(batch, n_tokens)
    ours = GPT.from_hf(their_model)
    assert apart(ours(ids), their_model(ids).logits) < 1e-5


@every_model
@torch.no_grad()
def test_the_same_logits_with_a_cache(name: str) -> None:
    their_model, ids = theirs(name), texts(2, 30)
    ours = GPT.from_hf(their_model)
    caches = ours.make_caches(2)
    assert caches[0]._keys.shape[1] == ours.config.n_kv_heads
    parts = [ours(part, caches=caches) for part in ids.split([12, 1, 1, 16], dim=1)]
    assert apart(torch.cat(parts, dim=1), their_model(ids).logits) < 1e-5


@every_model
@torch.no_grad()
def test_the_same_logits_of_texts_filled_up_on_the_left(name: str) -> None:
    their_model, ids = theirs(name), texts(2, 9)
    ours = GPT.from_hf(their_model)
    there = torch.ones(2, 9, dtype=torch.bool)
    there[0, :4] = False
    positions = (there.cumsum(-1) - 1).clamp(min=0)
    expected = their_model(ids, attention_mask=there.long(), position_ids=positions).logits
    found = ours(ids, positions=positions, mask=there[:, None, None])
    assert apart(found[there], expected[there]) < 1e-5


@every_model
@torch.no_grad()
def test_there_and_back(name: str, tmp_path: Path) -> None:
    their_model, ids = theirs(name), texts(2, 7)
    ours = GPT.from_hf(their_model)
    ours.to_hf(tmp_path, eos_token_id=3)
    opened = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(opened) is type(their_model)
    assert opened.config.eos_token_id == 3
    assert apart(opened(ids).logits, their_model(ids).logits) < 1e-5
    again = GPT.from_hf(tmp_path)
    assert again.config == ours.config
    for weights, before in zip(again.parameters(), ours.parameters(), strict=True):
        assert torch.equal(weights, before)


@torch.no_grad()
def test_weights_in_several_files(tmp_path: Path) -> None:
    their_model, ids = theirs("llama"), texts(2, 7)
    their_model.save_pretrained(tmp_path, max_shard_size="10KB")
    files = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(files) > 2
    assert apart(GPT.from_hf(tmp_path)(ids), their_model(ids).logits) < 1e-5
    (tmp_path / files[1]).unlink()
    with pytest.raises(FileNotFoundError, match=files[1]):
        GPT.from_hf(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    with pytest.raises(ValueError, match="no safetensors file beside it"):
        GPT.from_hf(tmp_path)


@torch.no_grad()
def test_the_gradient_is_theirs() -> None:
    their_model, ids = theirs("qwen3"), texts(2, 9)
    ours = GPT.from_hf(their_model)
    with torch.enable_grad():
        for model in (ours, their_model):
            logits = model(ids) if model is ours else model(ids).logits
            nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten()).backward()
    down, expected = ours.blocks[1].feed_forward.down, their_model.model.layers[1].mlp.down_proj
    assert apart(down.weight.grad, expected.weight.grad) < 1e-4
    norm, expected = ours.blocks[2].norm_1, their_model.model.layers[2].input_layernorm
    assert apart(norm.weight.grad, expected.weight.grad) < 1e-4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden_act": "gelu"}, "hidden_act='gelu'"),
        ({"attention_bias": True}, "attention_bias, mlp_bias"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, "'yarn'"),
    ],
    ids=str,
)
def test_what_ours_can_not_do_is_refused_by_name(options: dict[str, Any], said: str) -> None:
    described = LlamaConfig(**SIZES).to_dict() | options
    with pytest.raises(ValueError, match=said):
        hf.config_from_hf(described)


@pytest.mark.parametrize(
    "described",
    [
        {"model_type": "llama"},
        {"model_type": "qwen2", "hidden_size": None},
        LlamaConfig(**SIZES).to_dict() | {"rope_parameters": [1]},
        LlamaConfig(**SIZES).to_dict() | {"num_attention_heads": "six"},
        LlamaConfig(**SIZES).to_dict() | {"layer_types": 7},
        None,
        [],
    ],
)
def test_a_damaged_configuration_is_one_error(described: Any) -> None:
    with pytest.raises(ValueError, match=r"^(Its configuration|The model|[a-z_]+ is )"):
        hf.config_from_hf(described)


def test_a_state_dict_alone_does_not_tell_the_heads() -> None:
    with pytest.raises(ValueError, match="give the model itself"):
        GPT.from_hf(theirs("llama").state_dict())


def test_what_none_of_theirs_has_is_refused_by_name(tmp_path: Path) -> None:
    preset = GPTConfig.preset("smollm2-135m", n_layers=1, vocab_size=9)
    for changes, said in [
        ({"activation": "gelu"}, "activation='gelu'"),
        ({"norm_position": "post"}, "norm_position='post'"),
        ({"qk_norm": True, "qkv_bias": True}, "not both"),
        ({"norm": "dyt"}, "norm='dyt'"),
    ]:
        with pytest.raises(ValueError, match=said):
            hf.hf_config(preset.with_changes(**changes))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("smollm2-135m", 134_515_008),
        ("smollm2-360m", 361_821_120),
        ("qwen3-0.6b", 596_049_920),
        ("llama-3.2-1b", 1_235_814_400),
    ],
)
def test_the_totals_of_todays_models(name: str, total: int) -> None:
    config = GPTConfig.preset(name)
    assert sum(counts.parameter_table(config).values()) == total
    with torch.device("meta"):
        assert GPT(config).num_parameters() == total


@pytest.mark.parametrize("name", [name for name in PRESETS if "-" in name and "gpt2" not in name])
def test_the_tables_count_what_is_there(name: str) -> None:
    config = GPTConfig.preset(name, n_layers=2, vocab_size=50, context_length=32)
    with torch.device("meta"):
        model = GPT(config)
    assert sum(counts.parameter_table(config).values()) == model.num_parameters()
    block = counts.block_table(config)
    assert sum(block.values()) == sum(weights.numel() for weights in model.blocks[0].parameters())
    kept = model.make_caches(1)[0]
    kinds = 2 * config.n_layers * kept._keys[0, :, 0].numel()
    assert counts.kv_bytes_per_token(config, torch.float16) == 2 * kinds
