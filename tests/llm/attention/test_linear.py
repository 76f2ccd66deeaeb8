"""Linear attention against the quadratic form with the same kernel."""

import doctest

import pytest
import torch
from helpers.shape_checks import enforce_annotations
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.llm.attention import linear
from utils.llm.attention.linear import CHUNK


@pytest.fixture(autouse=True)
def annotated(monkeypatch):
    enforce_annotations(monkeypatch, linear)


def tensors(*shapes, seed=0, dtype=torch.float64, grad=False):
    generator = torch.Generator().manual_seed(seed)
    made = [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [x.to(dtype).requires_grad_(grad) for x in made]


def quadratic(q, k, v, feature_map, causal):
    """All T × T weights, each a kernel, each row divided by its sum."""
    kernel = torch.einsum("...id,...jd->...ij", feature_map(q), feature_map(k))
    if causal:
        kernel = kernel.tril()
    return kernel / kernel.sum(-1, keepdim=True) @ v


def both_exponentials(x):
    return torch.cat([x, -x], -1).exp()  # twice as many features as columns


def test_doctests():
    assert doctest.testmod(linear).failed == 0


def test_feature_map_is_elu_plus_one_and_never_zero():
    x = torch.linspace(-30, 30, 301, dtype=torch.float64)
    torch.testing.assert_close(linear.elu_plus_one(x), torch.nn.functional.elu(x) + 1)
    far = torch.tensor([-80.0, 300.0], requires_grad=True)
    mapped = linear.elu_plus_one(far)
    assert (mapped > 0).all()
    mapped.sum().backward()
    assert far.grad.isfinite().all()
    edge = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64, requires_grad=True)
    linear.elu_plus_one(edge).sum().backward()
    torch.testing.assert_close(edge.grad[1:], torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("feature_map", [linear.elu_plus_one, both_exponentials])
@pytest.mark.parametrize("causal", [False, True])
@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 3 * CHUNK) | st.sampled_from([1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK]),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    batch=st.lists(st.integers(1, 3), max_size=2),
)
def test_is_the_quadratic_form(n, sizes, batch, causal, feature_map):
    (d, dv), batch = sizes, tuple(batch)
    q, k, v = tensors((*batch, n, d), (*batch, n, d), (*batch, n, dv), seed=n)
    expected = quadratic(q, k, v, feature_map, causal)
    torch.testing.assert_close(linear.linear_attention(q, k, v, feature_map, causal), expected)


def test_more_keys_than_queries():
    q, k, v = tensors((2, 3, 4), (2, 9, 4), (2, 9, 5))
    expected = quadratic(q, k, v, linear.elu_plus_one, causal=False)
    torch.testing.assert_close(linear.linear_attention(q, k, v), expected)


@pytest.mark.parametrize("causal", [False, True])
def test_gradients_by_finite_differences(causal, monkeypatch):
    monkeypatch.setattr(linear, "CHUNK", 2)
    q, k, v = tensors((2, 5, 3), (2, 5, 3), (2, 5, 2), grad=True)
    assert torch.autograd.gradcheck(
        lambda *x: linear.linear_attention(*x, causal=causal), (q, k, v)
    )


@pytest.mark.parametrize("j", [0, 10, CHUNK - 1, CHUNK, 2 * CHUNK + 3])
def test_the_future_changes_nothing(j):
    q, k, v = tensors(*[(2, 2 * CHUNK + 9, 4)] * 3, dtype=torch.float32)
    before = linear.linear_attention(q, k, v, causal=True)
    for x in (q, k, v):
        x[:, j] += 3
    after = linear.linear_attention(q, k, v, causal=True)
    torch.testing.assert_close(before[:, :j], after[:, :j])
    assert not torch.allclose(before[:, j], after[:, j])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("causal", [False, True])
def test_low_precision_keeps_its_sums(causal, dtype):
    q, k, v = tensors(*[(1, 2000, 8)] * 3)
    rounded = [x.to(dtype) for x in (q, k, v + 3)]
    got = linear.linear_attention(*rounded, causal=causal)
    assert got.dtype == dtype
    exact = quadratic(*(x.double() for x in rounded), linear.elu_plus_one, causal)
    tolerance = 1e-5 if dtype == torch.float32 else 2**-8  # the rounding of the result alone
    torch.testing.assert_close(got.double(), exact, rtol=tolerance, atol=0)


def test_memory_grows_with_the_tokens():
    """The largest tensor that autograd keeps, for twice the tokens: twice as large, not four."""

    def largest(n):
        sizes = []
        q, k, v = tensors(*[(n, 16)] * 3, grad=True)
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x: sizes.append(x.untyped_storage().nbytes()) or x, lambda x: x
        ):
            linear.linear_attention(q, k, v, causal=True)
        return max(sizes)

    assert largest(2048) == 2 * largest(1024)


def test_features_that_vanish_give_zeros_and_no_nan():
    q, k, v = tensors(*[(3, 2)] * 3, dtype=torch.float32, grad=True)
    output = linear.linear_attention(q, k, v, feature_map=lambda x: x * 0)
    output.sum().backward()
    assert (output == 0).all()
    assert q.grad.isfinite().all()
