"""The norms against PyTorch's own, against plain Python, and against finite differences."""

import doctest
import math

import pytest
import torch
from helpers.shape_checks import enforce_annotations
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import nn
from torch.nn import functional as F

from utils.llm.gpt import norms


@pytest.fixture(autouse=True)
def annotated(monkeypatch):
    enforce_annotations(monkeypatch, norms)


def numbers(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) * 3 + 1


def test_doctests():
    assert doctest.testmod(norms).failed == 0


def test_annotations_are_enforced_here():
    with pytest.raises(TypeCheckError):
        norms.layer_norm(numbers(2, 3), numbers(4))


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    eps=st.sampled_from([1e-5, 0.1, 2.0]),
    seed=st.integers(0, 1000),
)
def test_are_torchs(shape, eps, seed):
    x, weight, bias = numbers(*shape, seed=seed), numbers(shape[-1]), numbers(shape[-1], seed=1)
    size = shape[-1:]
    torch.testing.assert_close(
        norms.layer_norm(x, weight, bias, eps), F.layer_norm(x, size, weight, bias, eps)
    )
    torch.testing.assert_close(
        norms.layer_norm(x, weight, eps=eps), F.layer_norm(x, size, weight, None, eps)
    )
    torch.testing.assert_close(norms.rms_norm(x, weight, eps), F.rms_norm(x, size, weight, eps))


def test_dynamic_tanh_is_what_plain_python_says():
    x, weight, bias = numbers(4, 3), numbers(3, seed=1), numbers(3, seed=2)
    expected = [
        [math.tanh(0.7 * a) * w + b for a, w, b in zip(row, weight, bias, strict=True)]
        for row in x.tolist()
    ]
    got = norms.dynamic_tanh(x, torch.tensor(0.7), weight, bias)
    torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float64))


def test_gradients_by_finite_differences():
    x, weight, bias = (t.requires_grad_() for t in (numbers(2, 5), numbers(5), numbers(5, seed=1)))
    alpha = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norms.layer_norm, (x, weight, bias))
    assert torch.autograd.gradcheck(norms.rms_norm, (x, weight))
    assert torch.autograd.gradcheck(norms.dynamic_tanh, (x, alpha, weight, bias))


def test_each_module_starts_where_its_paper_says():
    x = numbers(2, 7, dtype=torch.float32)
    for name, expected in {
        "layernorm": F.layer_norm(x, (7,)),
        "rmsnorm": F.rms_norm(x, (7,), eps=1e-5),
        "dyt": (0.5 * x).tanh(),
        "none": x,
    }.items():
        torch.testing.assert_close(norms.make_norm(name, 7)(x), expected)
    assert norms.DynamicTanh(7, alpha=0.8).alpha.item() == pytest.approx(0.8)
    assert {n: tuple(p.shape) for n, p in norms.make_norm("dyt", 7).named_parameters()} == {
        "alpha": (),
        "weight": (7,),
        "bias": (7,),
    }


def test_make_norm_passes_its_options_on():
    x = numbers(3, 4, dtype=torch.float32)
    torch.testing.assert_close(
        norms.make_norm("layernorm", 4, eps=0.5)(x), F.layer_norm(x, (4,), eps=0.5)
    )
    torch.testing.assert_close(
        norms.make_norm("rmsnorm", 4, eps=0.5)(x), F.rms_norm(x, (4,), None, 0.5)
    )
    assert norms.make_norm("layernorm", 4, bias=False).bias is None


@pytest.mark.parametrize("name", ["layernorm", "rmsnorm", "dyt"])
def test_modules_use_what_they_learned(name):
    x, norm = numbers(3, 4, dtype=torch.float32), norms.make_norm(name, 4)
    for i, weights in enumerate(norm.parameters()):
        nn.init.constant_(weights, 0.3 + i)
    values = dict(norm.named_parameters())
    function = {
        "layernorm": norms.layer_norm,
        "rmsnorm": norms.rms_norm,
        "dyt": norms.dynamic_tanh,
    }[name]
    torch.testing.assert_close(norm(x), function(x, **values))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_rms_norm_of_large_half_precision_numbers(dtype):
    x = torch.full((2, 8), 6e4).to(dtype)  # its square is beyond float16
    out = norms.RMSNorm(8)(x)
    assert out.dtype == dtype
    torch.testing.assert_close(out, torch.ones(2, 8, dtype=dtype))


def test_an_unknown_norm_names_the_known():
    with pytest.raises(ValueError, match=r"'batchnorm'.*'layernorm', 'rmsnorm', 'dyt', 'none'"):
        norms.make_norm("batchnorm", 4)
