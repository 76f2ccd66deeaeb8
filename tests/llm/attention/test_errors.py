"""What attention says of shapes that don't fit: both are named, with what to do."""

import re

import pytest
import torch

from utils.llm.attention import heads as attention
from utils.llm.attention.heads import KVCache, MultiHeadAttention


def said(*shapes):
    """A pattern: all shapes, in this order."""
    return ".*".join(re.escape(str(shape)) for shape in shapes)


@pytest.mark.parametrize(
    "function",
    [
        attention.scaled_dot_product_attention,
        attention.fused_attention,
        attention.linear_attention,
    ],
)
@pytest.mark.parametrize(
    ("q", "k", "v", "first", "second"),
    [
        ((2, 3, 4), (2, 5, 6), (2, 5, 4), "q", "k"),
        ((2, 3, 4), (2, 5, 4), (2, 6, 4), "k", "v"),
        ((2, 3, 4), (1, 5, 4), (2, 5, 4), "q", "k"),
        ((2, 3, 4), (2, 5, 4), (3, 5, 4), "k", "v"),
        ((3, 4), (2, 5, 4), (2, 5, 4), "q", "k"),
    ],
)
def test_q_k_and_v_that_do_not_fit(function, q, k, v, first, second):
    shapes = {"q": q, "k": k, "v": v}
    pattern = f"^{first} .*{said(shapes[first])} and {second} {said(shapes[second])}"
    with pytest.raises(ValueError, match=pattern):
        function(*(torch.zeros(shape) for shape in (q, k, v)))


def test_a_single_vector_is_no_row_of_tokens():
    with pytest.raises(ValueError, match=r"q has the shape \(4,\)"):
        attention.scaled_dot_product_attention(*[torch.zeros(4)] * 3)


@pytest.mark.parametrize(
    "function", [attention.scaled_dot_product_attention, attention.fused_attention]
)
def test_masks_that_do_not_fit(function):
    q, k = torch.zeros(2, 3, 4), torch.zeros(2, 5, 4)
    for shape in [(5, 3), (3, 4), (3, 3, 5), (1, 1, 3, 5)]:
        with pytest.raises(ValueError, match=said(shape, (2, 3, 5))):
            function(q, k, k, torch.ones(shape, dtype=torch.bool))
    with pytest.raises(TypeError, match=r"int64.*bool"):
        function(q, k, k, torch.ones(3, 5, dtype=torch.int64))


def test_sizes_of_masks():
    with pytest.raises(ValueError, match="n_tokens is 3 and n_keys 2"):
        attention.causal_mask(3, 2)
    with pytest.raises(ValueError, match="n_tokens is -1"):
        attention.causal_mask(-1)
    with pytest.raises(ValueError, match=r"from 1 to 4.*3"):
        attention.padding_mask(torch.tensor([1, 4]), 3)
    with pytest.raises(ValueError, match=said((1, 2))):
        attention.padding_mask(torch.tensor([[1, 2]]), 3)


def test_causal_linear_attention_has_no_cache():
    q, k = torch.zeros(2, 3, 4), torch.zeros(2, 5, 4)
    with pytest.raises(ValueError, match=said(3, 5, (2, 3, 4), (2, 5, 4))):
        attention.linear_attention(q, k, k, causal=True)


def test_heads_that_do_not_divide():
    with pytest.raises(ValueError, match="d_model is 10 and n_heads 3"):
        MultiHeadAttention(10, 3)
    with pytest.raises(ValueError, match=r"10 columns, shape \(1, 2, 10\).*3 heads"):
        attention.split_heads(torch.zeros(1, 2, 10), 3)
    with pytest.raises(ValueError, match="3 wide"):
        MultiHeadAttention(6, 2, rotary_base=10_000.0)
    with pytest.raises(ValueError, match="dropout is 1"):
        MultiHeadAttention(6, 2, dropout=1)


def test_inputs_of_the_layer():
    layer = MultiHeadAttention(6, 2, causal=False)
    x = torch.zeros(2, 3, 6)
    with pytest.raises(ValueError, match=said((2, 3, 5), (18, 6))):
        layer(x[..., :5])
    with pytest.raises(ValueError, match=said((3, 6), (18, 6))):
        layer(x[0])
    with pytest.raises(ValueError, match=said((2, 3, 3), (2, 2, 3, 3))):
        layer(x, torch.ones(2, 3, 3, dtype=torch.bool))  # two texts, or two heads?
    with pytest.raises(ValueError, match=said((3, 4), (2, 2, 3, 3))):
        layer(x, torch.ones(3, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"head_mask has the shape \(3,\): give \(2,\)"):
        layer(x, head_mask=torch.ones(3))
    with pytest.raises(ValueError, match=said((2, 3, 6), (1, 4, 6))):
        layer(x, context=torch.zeros(1, 4, 6))
    with pytest.raises(ValueError, match="causal=False"):
        MultiHeadAttention(6, 2)(x, context=x)


def test_a_cache_of_another_size():
    layer, x = MultiHeadAttention(6, 2).requires_grad_(False), torch.zeros(2, 3, 6)
    with pytest.raises(ValueError, match=said((2, 2, 3, 3), "(1, 2, tokens, 3)")):
        layer(x, cache=KVCache(1, 2, 8, 3))
