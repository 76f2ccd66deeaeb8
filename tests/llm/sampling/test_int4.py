"""Four bits a weight: what is stored is what is multiplied by, and a file's blocks go in as are."""

from __future__ import annotations

import warnings
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from helpers.gguf_files import random_model, small_config, vocabulary, write_gguf
from torch import nn

from utils.llm.gpt.gguf import GGUF, open_gguf
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling import int4
from utils.llm.sampling.fast import with_int4, with_precision
from utils.llm.sampling.int4 import (
    Int4Linear,
    TwiceInt4Linear,
    halves,
    precision_here,
    rounded,
    rounded_to_bytes,
)
from utils.llm.sampling.loop import generate
from utils.llm.sampling.packed import FOUR_BITS, _layer, four_bits, is_packed, open_packed

needs_kernel = pytest.mark.skipif(not int4._runs("int4"), reason="PyTorch has no int4 here")
needs_bytes = pytest.mark.skipif(int4._block() is None, reason="no instructions for bytes here")
SIZES = [(32, 16), (40, 17), (576, 40), (96, 1), (31, 2100)]


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_rounding_errs_by_half_a_step_at_most(n_in: int, n_out: int) -> None:
    torch.manual_seed(0)
    weight = torch.randn(n_out, n_in) * torch.logspace(-3, 3, n_out)[:, None] + 0.3
    weight[-1] = 0.7  # no largest and no least
    groups = rounded(weight)
    assert groups.q.min() >= 0
    assert groups.q.max() <= 15
    step = groups.scale.repeat_interleave(32, dim=1)[:, :n_in]
    middle = (groups.least + 8 * groups.scale).repeat_interleave(32, dim=1)[:, :n_in]
    error = (groups.widened()[:, :n_in] - weight).abs()
    assert (error <= 0.55 * step + middle.abs() / 250 + 1e-6).all()


@needs_kernel
@pytest.mark.parametrize("made", [Int4Linear, TwiceInt4Linear])
@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
@pytest.mark.parametrize("bias", [True, False])
def test_it_multiplies_by_what_it_stores(made: type, n_in: int, n_out: int, bias: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(n_in, n_out, bias=bias)
    layer = made(linear)
    if made is Int4Linear:
        stored = rounded(linear.weight.detach()).widened()
    else:
        q, scale = rounded_to_bytes(linear.weight.detach())
        stored = q * scale.repeat_interleave(32, dim=1)
        assert relative(stored[:, :n_in], linear.weight.detach()) < 0.01
    for n_rows in (1, 2, 5, 70, int4.MANY + 3):
        x = torch.randn(n_rows, n_in)
        expected = x.bfloat16().float() @ stored[:, :n_in].T
        if bias:
            expected += linear.bias.detach()
        found = layer(x)
        assert found.shape == (n_rows, n_out)
        assert found.is_contiguous()
        assert relative(found.float(), expected) < 0.01


@needs_kernel
@needs_bytes
@pytest.mark.parametrize(("n_in", "n_out"), [(32, 64), (576, 192), (70, 128)])
@torch.no_grad()
def test_many_rows_go_another_way_to_the_same_numbers(n_in: int, n_out: int) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(n_in, n_out)
    linear.weight *= torch.logspace(-3, 3, n_out)[:, None]
    linear.weight[3] = 0
    layer = Int4Linear(linear)
    assert layer._unpacks()
    x = torch.randn(int4.MANY, n_in) * torch.logspace(-3, 3, int4.MANY)[:, None]
    x[:, 1] *= 30  # a few columns are large, as in models
    x[5] = 0
    few = torch.cat([layer(part).float() for part in x.split(50)])
    many = layer(x)
    for row, expected in zip(many, few, strict=True):
        assert relative(row, expected) < 0.03
    for column, expected in zip(many.T, few.T, strict=True):
        assert relative(column, expected) < 0.1


@needs_kernel
@needs_bytes
def test_a_layout_that_is_not_known_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int4, "BLOCKS", (128, 16))
    assert int4._block.__wrapped__() is None


def test_halves_of_a_byte_are_the_byte() -> None:
    q = torch.arange(-128, 128).to(torch.int8).reshape(4, 64)
    groups = halves(q, torch.ones(4, 2))
    high, low = groups.widened().split(64, dim=1)
    assert torch.equal(high + low, q.float())


@pytest.mark.parametrize("kind", FOUR_BITS)
def test_blocks_of_a_file_are_unpacked_to_the_same_numbers(kind: str) -> None:
    kept = gguf.GGMLQuantizationType[kind]
    draw = np.random.default_rng(0)
    if kind == "Q4_K":  # the package only reads it
        data = draw.integers(0, 256, (3, 2 * 144), dtype=np.uint8)
        data.reshape(3, 2, 144)[..., :4] = np.float16([[0.5, 0.25]]).view(np.uint8)
    else:
        data = gguf.quants.quantize(draw.normal(size=(3, 512)).astype(np.float32), kept)
    expected = torch.from_numpy(gguf.quants.dequantize(data, kept))
    torch.testing.assert_close(four_bits(kind, data).widened(), expected)


def small_file(folder: Path, kind: str, quant: str) -> GGUF:
    tokens = vocabulary()
    model = random_model(small_config(kind, len(tokens[0])))
    return open_gguf(write_gguf(folder / "a.gguf", kind, model, quant, tokens=tokens))


@needs_kernel
@pytest.mark.parametrize("quant", ["Q4_1", "Q4_0"])
@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3"])
@torch.no_grad()
def test_a_file_writes_what_its_float32_writes(kind: str, quant: str, tmp_path: Path) -> None:
    file = small_file(tmp_path, kind, quant)
    model = GPT.of_weights(file.config, file.weights(), "", file.path)
    assert is_packed(file)
    fast = open_packed(file)
    assert fast.precision == "int4"
    ids = torch.randint(file.config.vocab_size, (3, 9))
    expected = model(ids)
    assert relative(fast(ids), expected) < 0.05
    mask = torch.ones(3, 1, 1, 9, dtype=torch.bool)
    mask[1, ..., :4] = False
    seen = torch.ones(3, 9, dtype=torch.bool)
    seen[1, :4] = False
    assert relative(fast(ids, mask=mask)[seen], model(ids, mask=mask)[seen]) < 0.05
    caches = fast.make_caches(3)
    parts = [fast(ids[:, :4], caches=caches)]
    parts += [fast(ids[:, i : i + 1], caches=caches) for i in range(4, 9)]
    assert relative(torch.cat(parts, dim=1), expected) < 0.05
    assert relative(fast(ids, last_only=True), expected[:, -1:]) < 0.05


@needs_kernel
@pytest.mark.parametrize(("quant", "most"), [("Q8_0", 0.006), ("Q5_1", 0.012), ("F16", 0.012)])
def test_what_is_kept_in_more_bits_stays_as_near(quant: str, most: float, tmp_path: Path) -> None:
    file = small_file(tmp_path, "llama", quant)
    assert not is_packed(file)
    x = torch.randn(4, 64)
    for name in ("blk.0.attn_q.weight", "token_embd.weight"):
        layer = _layer(file, [name, name], [])
        weight = file.read(name)
        assert relative(layer(x).float(), (x.bfloat16().float() @ weight.T).repeat(1, 2)) < most


@needs_kernel
def test_ids_that_the_file_does_not_have(tmp_path: Path) -> None:
    fast = open_packed(small_file(tmp_path, "llama", "Q4_1"))
    for wrong in (-1, fast.config.vocab_size):
        with pytest.raises(ValueError, match="vocabulary"):
            fast(torch.tensor([[wrong]]))


@needs_kernel
def test_any_model_is_rounded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "context_length": 16, "n_layers": 2, "n_heads": 3, "d_model": 36}
    model = GPT(GPTConfig(**sizes)).eval()
    fast = with_int4(model)
    ids = torch.randint(50, (2, 16))
    with torch.no_grad():
        assert relative(fast(ids), model(ids)) < 0.15
    assert len(list(generate(fast, ids[0, :3], 5))) == 5


def test_what_is_missing_is_said_and_a_wider_one_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    model = GPT(GPTConfig(20, 8, 1, 2, 8)).eval()
    for missing, found in [
        ({"int4"}, "int8"),
        ({"int4", "int8"}, "bfloat16"),
        ({"int4", "int8", "bfloat16"}, "float32"),
    ]:
        monkeypatch.setattr(int4, "_runs", lambda name, missing=missing: name not in missing)
        with pytest.warns(UserWarning, match=f"int4 on this processor: {found} is used"):
            fast = with_int4(model)
        assert fast.precision == found
        assert fast(torch.tensor([[1, 2]])).shape == (1, 2, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert precision_here("bfloat16") == "bfloat16"
    with pytest.raises(ValueError, match="give one of int4, int8, bfloat16, float32"):
        with_precision(model, "int3")


def test_a_kernel_that_multiplies_wrongly_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    int4._runs.cache_clear()
    wrong = lambda x, *rest: torch.zeros(len(x), 16, dtype=torch.bfloat16)  # noqa: E731
    monkeypatch.setattr(torch, "_weight_int4pack_mm_for_cpu", wrong, raising=False)
    state = torch.random.get_rng_state()
    assert not int4._runs("int4")
    assert torch.equal(state, torch.random.get_rng_state())
    monkeypatch.undo()
    int4._runs.cache_clear()
