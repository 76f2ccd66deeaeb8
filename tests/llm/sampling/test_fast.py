"""Fast copies of a GPT: the same numbers where they promise the same, near ones where not."""

import warnings

import pytest
import torch
from torch import nn

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling import fast as fast_copies
from utils.llm.sampling import linears
from utils.llm.sampling.beam import beam_search
from utils.llm.sampling.fast import (
    Int8Linear,
    NarrowLinear,
    PanelLinear,
    with_bfloat16,
    with_float32,
    with_int4,
    with_int8,
)
from utils.llm.sampling.int4 import TwiceInt4Linear, _runs
from utils.llm.sampling.linears import BytesLinear, packs_bfloat16, rounded_rows
from utils.llm.sampling.loop import Sampler, generate
from utils.llm.sampling.whole import (
    ROWS,
    PackedBytes,
    multiplies_bytes,
    multiply_bytes,
    packs_bytes,
)
from utils.llm.training.evaluation import evaluate

V, CONTEXT = 40, 12
PROMPTS = [torch.tensor([1, 2, 3]), torch.tensor([4]), torch.arange(30)]


def make_model(**changes):
    torch.manual_seed(0)
    sizes = {"vocab_size": V, "context_length": CONTEXT, "n_layers": 2, "n_heads": 2}
    model = GPT(GPTConfig(**{**sizes, "d_model": 16, **changes})).eval()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "norm" not in name:
                weights.normal_(std=0.5)
    return model


def write(*args, **kwargs):
    return [tokens.tolist() for tokens in generate(*args, **kwargs)]


LLAMA = {"norm": "rmsnorm", "positions": "rotary", "activation": "swiglu", "bias": False}
CHANGES = [
    {},
    {"positions": "rotary"},
    {"positions": "none", "norm_position": "post"},
    {"norm": "rmsnorm", "activation": "relu", "bias": False},
    {"norm": "dyt", "tied": False},
    {**LLAMA, "n_heads": 4, "n_kv_heads": 2, "d_hidden": 24, "rotary_base": 500.0},
    {**LLAMA, "n_kv_heads": 1, "qkv_bias": True, "rotary_scaling": (8.0, 1.0, 4.0, 16)},
    {**LLAMA, "d_head": 10, "qk_norm": True, "norm_eps": 1e-3, "tied": False},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_float32_writes_what_the_model_writes(changes):
    model = make_model(**changes)
    fast = with_float32(model)
    assert write(fast, PROMPTS, 30) == write(model, PROMPTS, 30)
    assert write(fast, PROMPTS[0], 30, Sampler(), seed=1) == write(
        model, PROMPTS[0], 30, Sampler(), seed=1
    )
    ids = torch.randint(0, V, (3, CONTEXT))
    with torch.no_grad():
        torch.testing.assert_close(fast(ids), model(ids), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("narrow", [with_bfloat16, with_int8])
def test_one_token_behind_a_cache_as_many_at_once(changes, narrow):
    fast = narrow(make_model(**changes))
    ids = torch.randint(0, V, (3, CONTEXT), generator=torch.Generator().manual_seed(0))
    caches = fast.make_caches(3)
    steps = [fast(ids[:, i : i + 1], caches=caches) for i in range(CONTEXT)]
    assert caches[0].keys.dtype == torch.float32
    together = fast(ids)
    assert together.dtype == torch.float32
    error = (torch.cat(steps, dim=1) - together).abs().mean() / together.std()
    assert error < 0.03


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("bias", [True, False])
def test_panels_for_any_number_of_threads(threads, bias):
    torch.manual_seed(0)
    linear = nn.Linear(6, 11, bias=bias)  # 11 is prime: the last panel is filled up
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        layer = PanelLinear(linear)
    finally:
        torch.set_num_threads(before)
    assert layer.weight.shape[0] == threads
    for n_rows in (0, 1, 2, 7):
        x = torch.randn(n_rows, 6)
        with torch.no_grad():
            torch.testing.assert_close(layer(x), linear(x))


def test_narrow_is_the_layer_in_bfloat16():
    torch.manual_seed(0)
    for bias in (True, False):
        linear = nn.Linear(6, 11, bias=bias)
        x = torch.randn(7, 6).bfloat16()
        got = NarrowLinear(linear)(x)
        torch.testing.assert_close(got, linear.bfloat16()(x))
        assert got.dtype == torch.bfloat16


@pytest.mark.parametrize("packs", [True, False])
def test_narrow_for_any_number_of_rows(packs, monkeypatch):
    monkeypatch.setattr(linears, "packs_bfloat16", lambda: packs and packs_bfloat16())
    torch.manual_seed(0)
    linear = nn.Linear(70, 33)
    layer = NarrowLinear(linear)
    assert layer.nbytes() == 2 * 70 * 33
    for n_rows in (0, 1, 2, 130):
        x = torch.randn(n_rows, 70)
        found = layer(x)
        assert found.shape == (n_rows, 33)
        assert (found.float() - linear(x)).norm() <= 0.01 * linear(x).norm()


def test_int8_rounds_each_weight_to_the_nearest():
    linear = nn.Linear(64, 10)
    with torch.no_grad():
        linear.weight *= torch.logspace(-3, 3, 10)[:, None]  # outputs of very unequal sizes
        linear.weight[3] = 0
    layer = Int8Linear(linear)
    restored = layer.weight.float() * layer.scale.float()[:, None]
    assert layer.weight.dtype == torch.int8
    largest = layer.weight.abs().amax(dim=1)
    assert largest[3] == 0
    assert (largest[torch.arange(10) != 3] >= 126).all()
    error = (restored - linear.weight).abs()
    # Half a scale; a scale that was rounded down can cut the largest weight a little more.
    assert (error <= layer.scale.float()[:, None] * 0.75).all()


@pytest.mark.parametrize("changes", [{}, {"tied": False}])
def test_int8_is_rounded_once_from_the_full_numbers(changes):
    model = make_model(**changes)
    fast = with_int8(model)
    layers = [each for each in model.modules() if isinstance(each, nn.Linear)]
    found = [*(linear for block in fast.blocks for linear in block.linears), fast.head]
    assert len(layers) == len(found) == 4 * model.config.n_layers + 1
    for linear, narrow in zip(layers, found, strict=True):
        assert torch.equal(narrow.weight, Int8Linear(linear).weight)


def test_int8_multiplies_by_what_it_stores():
    torch.manual_seed(0)
    layer = Int8Linear(nn.Linear(64, 96))
    for n_rows in (0, 1, 7):
        x = torch.randn(n_rows, 64).bfloat16()
        exact = x.double() @ (layer.weight.double() * layer.scale.double()[:, None]).T
        exact = exact + layer.bias.double()
        for given in (x, x.float()):  # the kernel, and the road without
            got = layer(given).double()
            assert got.shape == (n_rows, 96)
            torch.testing.assert_close(got, exact, rtol=2e-2, atol=2e-2)


@pytest.mark.skipif(not multiplies_bytes(), reason="this processor has no instructions for it")
def test_bytes_keep_16_bits_of_each_input():
    torch.manual_seed(0)
    weight, scale = torch.randint(-127, 128, (64, 96)), torch.rand(96)
    for n_rows in (1, 2, ROWS + 7):
        x = torch.randn(n_rows, 64)
        x[:, 5] *= 100  # by 8 bits of the largest, little of the others would be left
        x[0] = 0
        found = multiply_bytes(x, weight.to(torch.int8), scale)
        expected = x.double() @ (weight * scale.double())
        assert found.dtype == torch.float32
        assert (found - expected).norm() <= 1e-3 * expected.norm()


needs_packing = pytest.mark.skipif(not packs_bytes(), reason="PyTorch has no such kernel here")


@needs_packing
@pytest.mark.parametrize("bias", [True, False])
def test_a_matrix_of_bytes_multiplies_by_what_it_stores(bias):
    torch.manual_seed(0)
    linear = nn.Linear(70, 96, bias=bias)
    whole, scale = rounded_rows(linear.weight.detach())
    weight = linear.weight.detach()
    layers = [BytesLinear(linear), BytesLinear.of(weight.split(40), (96, 70), linear.bias)]
    for n_rows in (0, 1, 2, ROWS + 7):
        x = torch.randn(n_rows, 70)
        x[:, 5] *= 100  # by 8 bits of the largest, little of the others would be left
        x[:1] = 0
        expected = x.double() @ (whole.double() * scale.double()[:, None]).T
        expected = expected if linear.bias is None else expected + linear.bias.double()
        for layer in layers:
            found = layer(x)
            assert found.dtype == torch.float32
            assert found.shape == (n_rows, 96)
            assert (found - expected).norm() <= 1e-3 * expected.norm()
            assert layer.nbytes() == 70 * 96


def test_a_product_of_bytes_that_is_wrong_counts_as_none(monkeypatch):
    packs_bytes.cache_clear()
    wrong = lambda self, x: torch.zeros(len(x), self.shape[0])  # noqa: E731
    monkeypatch.setattr(PackedBytes, "multiply", wrong)
    assert not packs_bytes()
    packs_bytes.cache_clear()


@pytest.mark.skipif(not _runs("int4"), reason="PyTorch has no kernel for 4 bits here")
@pytest.mark.parametrize("packs", [True, False])
def test_a_head_of_8_bits_beside_4(packs, monkeypatch):
    monkeypatch.setattr(fast_copies, "packs_bytes", lambda: packs and packs_bytes())
    model = make_model(d_model=64)
    fast = with_int4(model)
    assert isinstance(fast.head, BytesLinear if packs and packs_bytes() else TwiceInt4Linear)
    x = torch.randn(5, 64)
    with torch.no_grad():
        expected = model.head(x)
        assert (fast.head(x) - expected).norm() < 0.01 * expected.norm()


def test_narrow_weights_lose_little():
    """In nats per token, on text that the model itself wrote."""
    model = make_model()
    prompt = torch.zeros(1, dtype=torch.long)
    text = torch.stack(list(generate(model, prompt, 60, Sampler(), seed=0, n_samples=16)))
    ids = text.T.flatten()
    exact = evaluate(model, ids)
    assert evaluate(with_float32(model), ids) == pytest.approx(exact, abs=1e-5)
    assert abs(evaluate(with_bfloat16(model), ids) - exact) < 0.02
    assert abs(evaluate(with_int8(model), ids) - exact) < 0.02


@pytest.mark.parametrize("make", [with_float32, with_bfloat16, with_int8])
def test_the_model_stays_as_it_was_and_nothing_warns(make):
    model = make_model()
    before = {name: weights.clone() for name, weights in model.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast = make(model)
        tokens = write(fast, PROMPTS, 5, n_samples=2)
    assert len(tokens) == 5
    assert len(tokens[0]) == 6
    assert all(torch.equal(weights, before[name]) for name, weights in model.state_dict().items())
    assert all(weights.requires_grad for weights in model.parameters())
    assert not any(weights.requires_grad for weights in fast.parameters())
    assert fast.config == model.config
    assert not fast.training  # `generate` need not change its mode for every token


def test_bytes_read_for_a_token():
    model = make_model()
    matrices = 2 * 12 * 16 * 16 + V * 16
    assert with_float32(model).weight_bytes() == 4 * matrices
    assert with_bfloat16(model).weight_bytes() == 2 * matrices
    assert with_int8(model).weight_bytes() == matrices


def test_beams_go_over_fast_copies():
    model = make_model()
    found = [
        beam_search(each, PROMPTS[0], 20, 3).best[0].ids for each in (model, with_float32(model))
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("width", [20, 24, 40, 72, 100])
@pytest.mark.parametrize("rows", [1, 4, 9])
def test_int8_of_widths_that_the_kernel_would_read_beyond(width, rows):
    torch.manual_seed(0)
    linear = nn.Linear(width, 33)
    x = torch.randn(rows, width).bfloat16()
    expected = linear(x.float())
    found = Int8Linear(linear)(x).float()
    assert ((found - expected).norm() / expected.norm()) < 0.03
