"""Kernel smoothing against sums in plain Python, and its way into attention."""

import doctest
import math

import pytest
import torch
from helpers.shape_checks import enforce_annotations
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.llm.attention import smoothing
from utils.llm.attention.heads import attention_for_one_query


@pytest.fixture
def annotated(monkeypatch):
    enforce_annotations(monkeypatch, smoothing)


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def test_doctests():
    assert doctest.testmod(smoothing).failed == 0


@pytest.mark.usefixtures("annotated")
@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8))
def test_softmax_is_torchs(scores):
    x = torch.tensor(scores, dtype=torch.float64)
    torch.testing.assert_close(smoothing.softmax(x), torch.softmax(x, -1), rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("annotated")
@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
def test_softmax_along_any_axis(dim):
    x = normal(2, 3, 4) * 10
    torch.testing.assert_close(smoothing.softmax(x, dim), torch.softmax(x, dim))


@pytest.mark.usefixtures("annotated")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_softmax_at_the_edges(dtype):
    x = torch.tensor([[1e4, -1e4], [-1e4, -1e4], [-math.inf, 0], [-math.inf] * 2], dtype=dtype)
    x.requires_grad_()
    weights = smoothing.softmax(x)
    assert weights.tolist() == [[1, 0], [0.5, 0.5], [0, 1], [0, 0]]
    (weights * torch.tensor([1.0, 2.0], dtype=dtype)).sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.usefixtures("annotated")
def test_softmax_has_exact_gradients():
    assert torch.autograd.gradcheck(smoothing.softmax, (normal(3, 4).requires_grad_(),))


@pytest.mark.usefixtures("annotated")
@pytest.mark.parametrize("bandwidth", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("axes", [(), (3,), (2, 2)])
def test_kernel_weights_by_hand(axes, bandwidth):
    query, keys = normal(*axes), normal(6, *axes, seed=1)
    kernels = []
    for key in keys:
        square = sum(((query - key) ** 2).flatten().tolist())
        kernels.append(math.exp(-square / (2 * bandwidth**2)))
    got = smoothing.kernel_weights(query, keys, bandwidth)
    assert got.tolist() == pytest.approx([x / sum(kernels) for x in kernels])


@pytest.mark.usefixtures("annotated")
def test_far_from_all_keys_the_nearest_counts():
    weights = smoothing.kernel_weights(torch.tensor(1e3), torch.tensor([0.0, 1.0, 2.0]), 0.1)
    assert weights.tolist() == [0, 0, 1]


@pytest.mark.usefixtures("annotated")
@pytest.mark.parametrize("value_axes", [(), (2,), (2, 3)])
@pytest.mark.parametrize("axes", [(), (3,)])
def test_smoother_is_a_mean_by_kernel_weights(axes, value_axes):
    queries, keys, values = normal(4, *axes), normal(6, *axes, seed=1), normal(6, *value_axes)
    got = smoothing.nadaraya_watson(queries, keys, values, 0.7)
    assert got.shape == (4, *value_axes)
    for query, mean in zip(queries, got, strict=True):
        weights = smoothing.kernel_weights(query, keys, 0.7)
        expected = sum(w * v for w, v in zip(weights, values, strict=True))
        torch.testing.assert_close(mean, expected)


@pytest.mark.usefixtures("annotated")
def test_bandwidth_runs_from_nearest_neighbour_to_mean():
    queries, keys, values = normal(5), normal(7, seed=1), normal(7, seed=2)
    wide = smoothing.nadaraya_watson(queries, keys, values, 1e4)
    torch.testing.assert_close(wide, values.mean().expand(5), rtol=0, atol=1e-6)
    narrow = smoothing.nadaraya_watson(queries, keys, values, 1e-3)
    nearest = (queries[:, None] - keys).abs().argmin(dim=1)
    torch.testing.assert_close(narrow, values[nearest])


@pytest.mark.usefixtures("annotated")
def test_on_keys_of_one_length_the_smoother_is_attention():
    """|q − k|² = |q|² + |k|² − 2 q·k: with equal |k| only q·k / bandwidth² is left."""
    d = 9
    query, keys, values = normal(d), normal(6, d, seed=1), normal(6, 2, seed=2)
    keys = keys / keys.norm(dim=1, keepdim=True)
    smoothed = smoothing.nadaraya_watson(query[None], keys, values, bandwidth=d**0.25)[0]
    torch.testing.assert_close(smoothed, attention_for_one_query(query, keys, values)[0])


@pytest.mark.usefixtures("annotated")
@pytest.mark.parametrize("value_axes", [(), (4,)])
def test_soft_lookup_is_attention_at_the_temperature_root_d(value_axes):
    query, keys, values = normal(9), normal(6, 9, seed=1), normal(6, *value_axes, seed=2)
    got = smoothing.soft_lookup(query, keys, values, temperature=3.0)
    expected = attention_for_one_query(query, keys, values.reshape(6, -1))[0]
    torch.testing.assert_close(got, expected.reshape(value_axes))
    cold = smoothing.soft_lookup(query, keys, values, temperature=1e-3)
    torch.testing.assert_close(cold, values[(keys @ query).argmax()])


def test_errors_name_the_shapes():
    keys, values = torch.zeros(4, 3), torch.zeros(4)
    with pytest.raises(ValueError, match=r"\(2,\) and the keys \(4, 3\)"):
        smoothing.kernel_weights(torch.zeros(2), keys, 1.0)
    with pytest.raises(ValueError, match="at least one key"):
        smoothing.kernel_weights(torch.zeros(3), keys[:0], 1.0)
    with pytest.raises(ValueError, match=r"\(4, 3\) and values \(3,\)"):
        smoothing.nadaraya_watson(torch.zeros(2, 3), keys, values[:3], 1.0)
    with pytest.raises(ValueError, match=r"\(2,\) and the keys \(4, 3\)"):
        smoothing.soft_lookup(torch.zeros(2), keys, values)
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"bandwidth is {bad}"):
            smoothing.kernel_weights(torch.zeros(3), keys, bad)
        with pytest.raises(ValueError, match=f"temperature is {bad}"):
            smoothing.soft_lookup(torch.zeros(3), keys, values, bad)
