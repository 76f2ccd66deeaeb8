"""The key-value cache: what goes in comes out, and no more than there is room for."""

import doctest

import pytest
import torch
from helpers.shape_checks import enforce_annotations
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.llm.attention import cache as kv_cache
from utils.llm.attention.cache import KVCache

B, H, D = 2, 3, 4


def chunk(n, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, B, H, n, D, generator=generator).to(dtype).unbind()


def test_doctests():
    assert doctest.testmod(kv_cache).failed == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=6))
def test_keeps_all_in_order(sizes):
    with pytest.MonkeyPatch.context() as monkeypatch:
        enforce_annotations(monkeypatch, kv_cache)
        cache = KVCache(B, H, 30, D)
        pairs = [chunk(n, seed=i) for i, n in enumerate(sizes)]
        for k, v in pairs:
            cache.append(k, v)
        assert len(cache) == sum(sizes)
        for got, parts in zip((cache.keys, cache.values), zip(*pairs, strict=True), strict=False):
            assert torch.equal(got, torch.cat(parts, dim=2))


def test_keys_as_columns_are_the_same_keys():
    rows, columns = (KVCache(B, H, 8, D, columns=each) for each in (False, True))
    for seed, n in enumerate((3, 1, 2)):
        pair = chunk(n, seed=seed)
        for one, other in zip(rows.append(*pair), columns.append(*pair), strict=True):
            assert one.shape == other.shape
            assert torch.equal(one, other)
    assert rows.keys.stride(3) == columns.keys.stride(2) == 1
    assert columns.values.stride() == rows.values.stride()


def test_memory_is_taken_once():
    cache = KVCache(B, H, 8, D)
    first, _ = cache.append(*chunk(3))
    for n in (1, 4):
        keys, values = cache.append(*chunk(n))
        assert keys.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        assert keys.untyped_storage().nbytes() == B * H * 8 * D * 4
    assert len(cache) == cache.context_length == 8
    assert values.data_ptr() != keys.data_ptr()


def test_cleared_it_starts_again():
    cache = KVCache(B, H, 4, D)
    cache.append(*chunk(4))
    cache.clear()
    assert len(cache) == 0
    k, v = chunk(2, seed=1)
    keys, values = cache.append(k, v)
    assert torch.equal(keys, k)
    assert torch.equal(values, v)


def test_refuses_to_overflow_and_keeps_what_it_has():
    cache = KVCache(B, H, 5, D)
    keys = cache.append(*chunk(3))[0].clone()
    with pytest.raises(ValueError, match="holds 3 of 5 tokens, so 3 more don't fit"):
        cache.append(*chunk(3, seed=1))
    assert len(cache) == 3
    assert torch.equal(cache.keys, keys)
    cache.append(*chunk(2, seed=1))


def test_refuses_other_shapes_types_and_gradients():
    cache = KVCache(B, H, 5, D)
    k, v = chunk(2)
    with pytest.raises(ValueError, match=r"\(2, 3, 2, 4\), values \(2, 3, 1, 4\)"):
        cache.append(k, v[:, :, :1])
    for wrong in (k[:1], k[:, :2], k[..., :3], k[0]):
        with pytest.raises(ValueError, match=r"\(2, 3, tokens, 4\)"):
            cache.append(wrong, wrong)
    with pytest.raises(ValueError, match=r"float64.*float32"):
        cache.append(k.double(), v.double())
    with pytest.raises(ValueError, match=r"float64.*float32"):
        cache.append(k, v.double())
    with pytest.raises(ValueError, match="no_grad"):
        cache.append(k.requires_grad_(), v)
    assert len(cache) == 0
    with torch.no_grad():
        assert not cache.append(k, v)[0].requires_grad


def test_works_in_and_out_of_inference_mode():
    with torch.inference_mode():
        cache = KVCache(B, H, 5, D)
        cache.append(*chunk(2))
    cache.append(*chunk(1))
    with torch.inference_mode():
        cache.append(*chunk(1))
    assert len(cache) == 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_has_the_type_it_was_made_with(dtype):
    keys, values = KVCache(B, H, 5, D, dtype=dtype).append(*chunk(2, dtype=dtype))
    assert keys.dtype == values.dtype == dtype


@pytest.mark.parametrize("sizes", [(0, 3, 5, 4), (2, 0, 5, 4), (2, 3, 0, 4), (2, 3, 5, 0)])
def test_sizes_below_one(sizes):
    with pytest.raises(ValueError, match="is 0; it must be at least 1"):
        KVCache(*sizes)
