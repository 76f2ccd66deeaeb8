"""`MultiHeadAttention` against `torch.nn.MultiheadAttention`, a cache and its own promises."""

import pytest
import torch
from helpers.shape_checks import enforce_annotations
from torch import nn

from utils.llm.attention import cache as kv_cache
from utils.llm.attention import heads as attention
from utils.llm.attention import masks, positions
from utils.llm.attention.heads import KVCache, MultiHeadAttention

EXACT = {"rtol": 1e-5, "atol": 1e-5}
B, T, C, H = 2, 7, 12, 3  # all different


@pytest.fixture(autouse=True)
def annotated(monkeypatch):
    enforce_annotations(monkeypatch, attention, kv_cache, masks, positions)


@pytest.fixture(params=[False, True], ids=["fused", "explicit"])
def explicit(request):
    return request.param


def layer(seed=0, dtype=torch.float32, **options):
    torch.manual_seed(seed)
    made = MultiHeadAttention(C, H, **options)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.5)  # biases too, so that a forgotten one shows
    return made.to(dtype).eval()


def tokens(*shape, seed=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*(shape or (B, T, C)), generator=generator, dtype=torch.float64).to(dtype)


def run(made, x, *, explicit, **options):
    output = made(x, need_weights=explicit, **options)
    return output[0] if explicit else output


def torchs(made):
    """PyTorch's own module with the same weights."""
    bias = made.qkv.bias is not None
    theirs = nn.MultiheadAttention(C, H, bias=bias, batch_first=True).eval()
    state = {"in_proj_weight": made.qkv.weight, "out_proj.weight": made.out.weight}
    if bias:
        state |= {"in_proj_bias": made.qkv.bias, "out_proj.bias": made.out.bias}
    theirs.load_state_dict(state)
    return theirs


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_is_torchs_from_the_same_weights(explicit, causal, bias):
    made, x = layer(causal=causal, bias=bias), tokens()
    theirs = torchs(made)
    real = torch.tensor([T, 4])
    forbidden = ~attention.causal_mask(T) if causal else None
    for mask in (None, attention.padding_mask(real, T)):
        padding = None if mask is None else torch.arange(T) >= real[:, None]
        expected, weights = theirs(
            *(x, x, x), padding, attn_mask=forbidden, average_attn_weights=False
        )
        torch.testing.assert_close(run(made, x, mask=mask, explicit=explicit), expected, **EXACT)
        torch.testing.assert_close(made(x, mask, need_weights=True)[1], weights, **EXACT)


def test_gradients_are_torchs(explicit):
    made, x = layer(causal=False), tokens()
    theirs = torchs(made)
    theirs(x, x, x)[0].square().sum().backward()
    run(made, x, explicit=explicit).square().sum().backward()
    for ours, other in (
        (made.qkv.weight, theirs.in_proj_weight),
        (made.qkv.bias, theirs.in_proj_bias),
        (made.out.weight, theirs.out_proj.weight),
    ):
        torch.testing.assert_close(ours.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_gradients_by_finite_differences(explicit):
    made = layer(dtype=torch.float64, rotary_base=100.0)
    x = tokens(2, 3, C, dtype=torch.float64).requires_grad_()
    heads = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64, requires_grad=True)

    def function(x, heads, *weights):
        named = dict(zip(dict(made.named_parameters()), weights, strict=True))
        options = {"need_weights": explicit, "head_mask": heads}
        output = torch.func.functional_call(made, named, (x,), options)
        return output[0] if explicit else output

    inputs = (x, heads, *made.parameters())
    assert torch.autograd.gradcheck(function, inputs, fast_mode=True)


def test_both_paths_agree_on_masks_of_either_kind():
    noise = tokens(B, 1, T, T, seed=5)
    for causal in (True, False):
        made, x = layer(causal=causal), tokens()
        for mask in (noise > 0.3, noise, noise.masked_fill(noise > 0.3, -torch.inf)):
            fused, (explicit, _) = made(x, mask), made(x, mask, need_weights=True)
            torch.testing.assert_close(fused, explicit, **EXACT)


def test_blind_queries_give_the_bias_and_no_nan(explicit):
    made, x = layer(), tokens().requires_grad_()
    mask = attention.padding_mask(torch.tensor([T, 0]), T)
    output = run(made, x, mask=mask, explicit=explicit)
    torch.testing.assert_close(output[1], made.out.bias.expand(T, C))
    output.square().sum().backward()
    assert (x.grad[1] == 0).all()
    assert all(parameter.grad.isfinite().all() for parameter in made.parameters())


@pytest.mark.parametrize("rotary_base", [None, 10_000.0])
@pytest.mark.parametrize("j", [0, 3, T - 1])
def test_the_future_changes_nothing(explicit, j, rotary_base):
    made, x = layer(rotary_base=rotary_base), tokens()
    before = run(made, x, explicit=explicit)
    x[:, j] += 3
    after = run(made, x, explicit=explicit)
    torch.testing.assert_close(before[:, :j], after[:, :j])
    assert not torch.allclose(before[:, j], after[:, j])


def test_permuted_tokens_give_permuted_outputs(explicit):
    x, order = tokens(), torch.tensor([3, 0, 6, 1, 5, 2, 4])
    made = layer(causal=False)
    expected = run(made, x, explicit=explicit)[:, order]
    torch.testing.assert_close(run(made, x[:, order], explicit=explicit), expected, **EXACT)
    for placed in (layer(causal=False, rotary_base=100.0), layer(causal=True)):
        there = run(placed, x[:, order], explicit=explicit)
        assert not torch.allclose(there, run(placed, x, explicit=explicit)[:, order], atol=1e-2)


def test_rows_of_weights_sum_to_one_and_are_causal():
    _, weights = layer(dropout=0.5).train()(tokens(), need_weights=True)
    assert weights.shape == (B, H, T, T)
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, H, T))
    assert (weights.triu(1) == 0).all()


@pytest.mark.parametrize("rotary_base", [None, 10_000.0])
@pytest.mark.parametrize("chunks", [[1] * T, [4, 1, 2], [T], [2, 5]])
@torch.no_grad()
def test_cached_equals_uncached(explicit, chunks, rotary_base):
    made, x = layer(rotary_base=rotary_base), tokens()
    cache = KVCache(B, H, T, C // H)
    parts = [run(made, part, cache=cache, explicit=explicit) for part in x.split(chunks, dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), made(x), **EXACT)
    assert len(cache) == T


@torch.no_grad()
def test_cached_weights_and_masks_count_all_keys():
    made, x = layer(), tokens()
    mask = torch.ones(B, 1, 1, T, dtype=torch.bool)
    mask[1, ..., :2] = False  # the second text starts two tokens later
    expected, full = made(x, mask, need_weights=True)
    cache = KVCache(B, H, T, C // H)
    made(x[:, :4], mask[..., :4], cache)
    output, weights = made(x[:, 4:], mask, cache, need_weights=True)
    torch.testing.assert_close(output, expected[:, 4:], **EXACT)
    torch.testing.assert_close(weights, full[:, :, 4:], **EXACT)


@torch.no_grad()
def test_a_refused_call_leaves_the_cache_alone():
    made, x, cache = layer(), tokens(), KVCache(B, H, T, C // H)
    made(x[:, :3], cache=cache)
    for bad in (
        {"mask": torch.ones(1, 1, 4, 4, dtype=torch.bool)},  # 7 keys by then, not 4
        {"mask": torch.ones(4, 7, dtype=torch.int64)},
    ):
        with pytest.raises((ValueError, TypeError)):
            MultiHeadAttention.forward.__wrapped__(made, x[:, 3:], cache=cache, **bad)
        assert len(cache) == 3


def test_dropout_only_in_training(explicit):
    made, x = layer(dropout=0.5), tokens()
    plain = layer()
    torch.testing.assert_close(run(made, x, explicit=explicit), plain(x), **EXACT)
    made.train()
    torch.manual_seed(0)
    first, second = (run(made, x, explicit=explicit) for _ in range(2))
    assert not torch.allclose(first, second)
    torch.manual_seed(0)
    torch.testing.assert_close(run(made, x, explicit=explicit), first)


def test_an_ablated_head_adds_nothing(explicit):
    made, x = layer(), tokens()
    full = run(made, x, explicit=explicit)
    torch.testing.assert_close(run(made, x, explicit=explicit, head_mask=torch.ones(H)), full)
    alone = [
        run(made, x, explicit=explicit, head_mask=torch.arange(H) == head) - made.out.bias
        for head in range(H)
    ]
    torch.testing.assert_close(sum(alone) + made.out.bias, full, **EXACT)
    width = C // H
    with torch.no_grad():
        made.out.weight[:, :width] = 0  # what head 0 found is read by nobody
    without = run(made, x, explicit=explicit)
    ablated = run(layer(), x, explicit=explicit, head_mask=torch.tensor([0.0, 1.0, 1.0]))
    torch.testing.assert_close(ablated, without, **EXACT)


@pytest.mark.parametrize("bias", [True, False])
def test_a_context_is_torchs_cross_attention(explicit, bias):
    made, x, context = layer(causal=False, bias=bias), tokens(), tokens(B, 5, C, seed=9)
    mask = attention.padding_mask(torch.tensor([5, 2]), 5)
    expected, _ = torchs(made)(x, context, context, ~mask[:, 0, 0])
    got = run(made, x, explicit=explicit, context=context, mask=mask)
    torch.testing.assert_close(got, expected, **EXACT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@torch.no_grad()
def test_every_type_goes_through(explicit, dtype):
    made, x = layer(dtype=dtype, rotary_base=10_000.0), tokens(dtype=dtype)
    cache = KVCache(B, H, T, C // H, dtype=dtype)
    output = run(made, x, explicit=explicit, cache=cache)
    assert output.dtype == dtype
    exact = layer(dtype=torch.float64, rotary_base=10_000.0)(tokens(dtype=torch.float64))
    tolerance = {torch.float32: 1e-5, torch.bfloat16: 0.15, torch.float64: 1e-12}[dtype]
    torch.testing.assert_close(output.double(), exact, rtol=tolerance, atol=tolerance)
