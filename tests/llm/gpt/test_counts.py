"""What a GPT costs: against published totals, built models, and PyTorch's own counter."""

import doctest

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from utils.llm.gpt import counts
from utils.llm.gpt.model import GPT, PRESETS, GPTConfig

PUBLISHED = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
}
SIZES = {"vocab_size": 11, "context_length": 7, "n_layers": 3, "n_heads": 2, "d_model": 8}
VARIANTS = [
    {},
    {"tied": False},
    {"bias": False},
    {"norm": "rmsnorm"},
    {"norm": "dyt", "norm_position": "post"},
    {"norm": "none", "positions": "none"},
    {"positions": "rotary", "activation": "relu", "bias": False, "tied": False},
    {"norm_position": "post", "bias": False},
]


def build(**changes):
    with torch.device("meta"):
        return GPT(GPTConfig(**{**SIZES, **changes}))


def test_doctests():
    assert doctest.testmod(counts).failed == 0


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals_of_gpt2(name):
    config = GPTConfig.preset(name)
    assert sum(counts.parameter_table(config).values()) == PUBLISHED[name]
    with torch.device("meta"):
        assert GPT(config).num_parameters() == PUBLISHED[name]


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("story")])
def test_presets_of_the_course_are_small(name):
    config = GPTConfig.preset(name)
    assert GPT(config).num_parameters() == sum(counts.parameter_table(config).values()) < 1e6


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_every_part_is_the_models(changes):
    model = build(**changes)
    names = {
        "token_embedding": "token embedding",
        "position_embedding": "position embedding",
        "attention": "attention",
        "feed_forward": "feed-forward",
        "norm_1": "norms",
        "norm_2": "norms",
        "final_norm": "final norm",
        "head": "head",
    }
    found = dict.fromkeys(names.values(), 0)
    for name, weights in model.named_parameters():
        part = name.split(".")[2 if name.startswith("blocks") else 0]
        found[names[part]] += weights.numel()
    table = counts.parameter_table(model.config)
    assert table == found
    assert sum(table.values()) == model.num_parameters()
    block = sum(weights.numel() for weights in model.blocks[0].parameters())
    assert sum(counts.block_table(model.config).values()) == block


@pytest.mark.parametrize("n_tokens", [1, 4, 7])
@pytest.mark.parametrize("changes", [{}, {"n_heads": 4, "n_layers": 1, "tied": False}], ids=str)
def test_flops_are_those_that_torch_counts(n_tokens, changes):
    model = GPT(GPTConfig(**{**SIZES, **changes})).eval()
    ids = torch.zeros(3, n_tokens, dtype=torch.long)
    # The one kernel whose products the counter sees on every machine.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(ids)
    assert counter.get_total_flops() == 3 * n_tokens * model.flops_per_token(n_tokens)


def test_a_training_step_takes_three_times_as_much():
    model = GPT(GPTConfig(**SIZES))
    ids = torch.zeros(2, 7, dtype=torch.long)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(ids).sum().backward()
    assert counter.get_total_flops() == 3 * 2 * 7 * model.flops_per_token()


def test_flops_by_hand():
    config = GPTConfig(vocab_size=10, context_length=5, n_layers=1, n_heads=1, d_model=2)
    # 12 · 1 · 2² = 48 numbers of a block, 10 · 2 = 20 of the head; 4 · 1 · 2 · 5 of attention
    assert counts.flops_per_token(config) == 2 * (48 + 20) + 40
    assert counts.flops_per_token(config, 3) == 2 * (48 + 20) + 24
    with pytest.raises(ValueError, match="context_length is 0"):
        counts.flops_per_token(config, 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cache_bytes_are_those_of_the_caches(dtype):
    model = GPT(GPTConfig(**SIZES)).to(dtype)
    caches = model.make_caches(batch=3)
    with torch.no_grad():
        model(torch.zeros(3, 5, dtype=torch.long), caches=caches)
    held = sum(kept.numel() * kept.element_size() for c in caches for kept in (c.keys, c.values))
    assert held == 3 * 5 * model.kv_bytes_per_token(dtype)
