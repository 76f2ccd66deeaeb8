"""Explicit and fused attention, masks and heads, against PyTorch and against loops."""

import doctest
import math

import pytest
import torch
from helpers.shape_checks import enforce_annotations
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch.nn import functional as F

from utils.llm.attention import heads as attention
from utils.llm.attention import masks

EXACT = {"rtol": 1e-5, "atol": 1e-5}
PATHS = ("explicit", "fused")


@pytest.fixture(autouse=True)
def annotated(monkeypatch):
    enforce_annotations(monkeypatch, attention, masks)


def tensors(*shapes, seed=0, dtype=torch.float32, grad=False):
    generator = torch.Generator().manual_seed(seed)
    made = [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [x.to(dtype).requires_grad_(grad) for x in made]


def qkv(tq=5, tk=5, d=4, dv=6, batch=(2, 3), **options):
    return tensors((*batch, tq, d), (*batch, tk, d), (*batch, tk, dv), **options)


def attend(path, q, k, v, mask=None):
    if path == "fused":
        return attention.fused_attention(q, k, v, mask)
    return attention.scaled_dot_product_attention(q, k, v, mask)[0]


def by_loops(q, k, v, allowed):
    """Attention of one sequence in plain Python."""
    rows = []
    for i, query in enumerate(q.tolist()):
        powers = [
            math.exp(sum(a * b for a, b in zip(query, key, strict=True)) / math.sqrt(len(query)))
            if allowed[i][j]
            else 0.0
            for j, key in enumerate(k.tolist())
        ]
        total = sum(powers) or 1.0
        values = zip(*v.tolist(), strict=True)
        rows.append([sum(p * x for p, x in zip(powers, c, strict=True)) / total for c in values])
    return torch.tensor(rows)


@pytest.mark.parametrize("module", [attention, masks])
def test_doctests(module):
    assert doctest.testmod(module).failed == 0


def test_annotations_are_enforced_here():
    q, k, v = qkv()
    with pytest.raises(TypeCheckError):
        attention.scaled_dot_product_attention(q, k[..., :3], v)
    with pytest.raises(TypeCheckError):
        attention.merge_heads(q[0])


@pytest.mark.parametrize("path", PATHS)
def test_is_what_loops_say(path):
    q, k, v = (x[0, 0] for x in qkv(tq=3, tk=5))
    allowed = torch.tensor([[1, 0, 0, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]).bool()
    torch.testing.assert_close(
        attend(path, q, k, v, allowed), by_loops(q, k, v, allowed.tolist()), **EXACT
    )


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=40, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 7)] * 4),
    batch=st.lists(st.integers(1, 3), max_size=3),
    kind=st.sampled_from(["none", "boolean", "additive", "broadcast"]),
    seed=st.integers(0, 1000),
)
def test_is_torchs_for_any_shape(path, sizes, batch, kind, seed):
    tq, tk, d, dv = sizes
    q, k, v = qkv(tq, tk, d, dv, batch=tuple(batch), seed=seed)
    q = q * 5  # scores large enough that the scale matters
    (noise,) = tensors((*batch, tq, tk), seed=seed + 1)
    mask = {
        "none": None,
        "boolean": (noise > 0) | (torch.arange(tk) == 0),
        "additive": noise.masked_fill((noise > 1) & (torch.arange(tk) > 0), -torch.inf),
        "broadcast": (noise > 0).reshape(-1, tk)[:1] | (torch.arange(tk) == 0),
    }[kind]
    expected = F.scaled_dot_product_attention(q, k, v, mask)
    torch.testing.assert_close(attend(path, q, k, v, mask), expected, **EXACT)


@pytest.mark.parametrize("kind", ["none", "boolean", "additive"])
@pytest.mark.parametrize("path", PATHS)
def test_gradients_by_finite_differences(path, kind):
    q, k, v = qkv(tq=3, tk=4, d=2, dv=3, batch=(2,), dtype=torch.float64, grad=True)
    boolean = torch.tensor([[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0]]).bool()
    additive = torch.zeros(3, 4, dtype=torch.float64).masked_fill(~boolean, -torch.inf)
    mask = {"none": None, "boolean": boolean, "additive": additive}[kind]
    assert torch.autograd.gradcheck(lambda *x: attend(path, *x, mask), (q, k, v))


def test_gradients_of_the_weights_and_of_an_additive_mask():
    q, k, v = qkv(tq=3, tk=4, d=2, dv=3, batch=(2,), dtype=torch.float64, grad=True)
    (bias,) = tensors((3, 4), dtype=torch.float64, grad=True)
    assert torch.autograd.gradcheck(attention.scaled_dot_product_attention, (q, k, v, bias))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("additive", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_a_query_that_may_attend_to_nothing(path, additive, dtype):
    q, k, v = qkv(dtype=dtype, grad=True)
    mask = attention.causal_mask(5).repeat(2, 1, 1, 1)
    mask[1, :, 2] = False
    if additive:
        mask = torch.zeros(mask.shape, dtype=torch.float32).masked_fill(~mask, -torch.inf)
    output = attend(path, q, k, v, mask)
    assert output.dtype == dtype
    assert (output[1, :, 2] == 0).all()
    output.square().sum().backward()
    for x in (q, k, v):
        assert x.grad.isfinite().all()
        assert x.grad.abs().sum() > 0
    assert (q.grad[1, :, 2] == 0).all()
    weights = attention.scaled_dot_product_attention(q, k, v, mask)[1]
    assert (weights[1, :, 2] == 0).all()


@pytest.mark.parametrize("path", PATHS)
def test_nothing_may_attend_to_anything(path):
    q, k, v = qkv(grad=True)
    output = attend(path, q, k, v, torch.zeros(5, 5, dtype=torch.bool))
    output.sum().backward()
    assert (output == 0).all()
    assert all((x.grad == 0).all() for x in (q, k, v))


def test_an_additive_mask_finer_than_the_scores_still_forbids():
    q, k, v = qkv(dtype=torch.bfloat16)
    lowest = torch.full((5, 5), torch.finfo(torch.float64).min, dtype=torch.float64)
    for path in PATHS:
        assert (attend(path, q, k, v, lowest) == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_rows_of_weights_sum_to_one(dtype):
    q, k, v = qkv(tq=7, tk=9, dtype=dtype)
    for mask in (None, attention.causal_mask(7, 9), torch.zeros(7, 9, dtype=dtype)):
        weights = attention.scaled_dot_product_attention(q * 20, k, v, mask)[1]
        assert weights.dtype == dtype
        assert (weights >= 0).all()
        sums = weights.double().sum(-1)
        tolerance = 4 * torch.finfo(dtype).eps
        torch.testing.assert_close(sums, torch.ones_like(sums), rtol=tolerance, atol=0)


@pytest.mark.parametrize("path", PATHS)
def test_low_precision_stays_near(path):
    exact = qkv(dtype=torch.float64)
    mask = attention.causal_mask(5)
    low = attend(path, *(x.bfloat16() for x in exact), mask)
    torch.testing.assert_close(low.double(), attend(path, *exact, mask), rtol=0.05, atol=0.03)


@pytest.mark.parametrize("path", PATHS)
def test_huge_scores_stay_finite(path):
    q, k, v = qkv()
    assert attend(path, q * 1e4, k * 1e4, v, attention.causal_mask(5)).isfinite().all()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("j", range(5))
def test_the_future_changes_nothing(path, j):
    q, k, v = qkv()
    mask = attention.causal_mask(5)
    before = attend(path, q, k, v, mask)
    for x in (q, k, v):
        x[..., j, :] += 3
    after = attend(path, q, k, v, mask)
    torch.testing.assert_close(before[..., :j, :], after[..., :j, :])
    assert not torch.allclose(before[..., j, :], after[..., j, :])


@pytest.mark.parametrize(("tq", "tk"), [(1, 1), (1, 6), (4, 4), (3, 7)])
@pytest.mark.parametrize("kind", ["alone", "boolean", "additive"])
def test_fused_causal_is_the_mask_aligned_at_the_end(tq, tk, kind):
    q, k, v = qkv(tq, tk)
    (noise,) = tensors((2, 1, tq, tk), seed=4)
    mask = {"alone": None, "boolean": noise > -0.5, "additive": noise}[kind]
    past = torch.tensor([[j <= i + tk - tq for j in range(tk)] for i in range(tq)])
    explicit = mask & past if kind == "boolean" else past
    if kind == "additive":
        explicit = mask + torch.zeros(tq, tk).masked_fill(~past, -torch.inf)
    expected = attention.scaled_dot_product_attention(q, k, v, explicit)[0]
    got = attention.fused_attention(q, k, v, mask, causal=True)
    torch.testing.assert_close(got, expected, **EXACT)


def test_dropout_strikes_the_weights_on_their_way():
    q, k, v = qkv(tq=200, tk=50)
    torch.manual_seed(0)
    dropped, weights = attention.scaled_dot_product_attention(q, k, v, dropout=0.5)
    kept, same = attention.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(weights, same)
    assert not torch.allclose(dropped, kept)
    torch.testing.assert_close(dropped.mean(), kept.mean(), rtol=0, atol=0.02)  # scaled by 1 / 0.5


def test_one_query_is_a_row_of_many():
    q, k, v = (x[0, 0] for x in qkv())
    output, weights = attention.scaled_dot_product_attention(q, k, v)
    for i in range(5):
        one, shares = attention.attention_for_one_query(q[i], k, v)
        torch.testing.assert_close(one, output[i])
        torch.testing.assert_close(shares, weights[i])


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 6), more=st.integers(0, 4))
def test_causal_mask_lets_the_last_query_see_the_last_key(n, more):
    got = attention.causal_mask(n, n + more)
    assert got.shape == (n, n + more)
    assert got.tolist() == [[j <= i + more for j in range(n + more)] for i in range(n)]
    assert torch.equal(attention.causal_mask(n), attention.causal_mask(n, n))


def test_padding_mask_is_the_shorter_text():
    q, k, v = qkv()
    for path in PATHS:
        padded = attend(path, q, k, v, attention.padding_mask(torch.tensor([3, 0]), 5))
        short = attend(path, q[0, :, :, :], k[0, :, :3], v[0, :, :3])
        torch.testing.assert_close(padded[0], short, **EXACT)
        assert (padded[1] == 0).all()


def test_split_heads_deals_neighbouring_columns():
    x = torch.arange(2 * 4 * 6).float().reshape(2, 4, 6)
    split = attention.split_heads(x, 3)
    assert split.shape == (2, 3, 4, 2)
    for b in range(2):
        for h in range(3):
            for t in range(4):
                assert split[b, h, t].tolist() == x[b, t, 2 * h : 2 * h + 2].tolist()
    assert torch.equal(attention.merge_heads(split), x)
