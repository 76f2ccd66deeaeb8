"""Entropy and its relatives, against what can be said by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from utils.llm.counting.information import cross_entropy, entropy, perplexity

weights = st.lists(st.floats(0, 1), min_size=3, max_size=3)


def normalised(values):
    assume(sum(values) > 1e-3)
    return [x / sum(values) for x in values]


def test_by_hand():
    assert entropy([0.5, 0.5]) == 1
    assert entropy([0.5, 0.25, 0.125, 0.125]) == 1.75
    assert entropy([1.0, 0.0]) == 0
    assert str(entropy([1.0])) == "0.0"
    assert entropy([1 / 8] * 8) == 3
    assert cross_entropy([0.5, 0.5], [0.25, 0.75]) == pytest.approx(1.5 - math.log2(1.5) / 2 + 0.0)
    assert cross_entropy([1, 0], [0.25, 0.75]) == 2
    assert perplexity(0) == 1
    assert perplexity(10) == 1024


@given(weights, weights)
def test_cross_entropy_is_never_below_entropy(p, q):
    p, q = normalised(p), normalised(q)
    assert cross_entropy(p, q) >= entropy(p) - 1e-9
    assert cross_entropy(p, p) == entropy(p)
    assert 0 <= entropy(p) <= math.log2(3) + 1e-9


@given(weights, weights)
def test_entropies_of_independent_draws_add_up(p, q):
    p, q = normalised(p), normalised(q)
    both = [x * y for x in p for y in q]
    assert entropy(both) == pytest.approx(entropy(p) + entropy(q), abs=1e-9)


def test_what_is_ruled_out_surprises_without_end():
    assert cross_entropy([0.5, 0.5], [1, 0]) == math.inf
    assert cross_entropy([1, 0], [1, 0]) == 0


def test_arrays_tensors_and_dict_values_will_do():
    half = {"a": 0.5, "b": 0.5}
    for p in (np.array([0.5, 0.5]), torch.tensor([0.5, 0.5]), half.values(), (0.5, 0.5)):
        assert entropy(p) == 1
    assert entropy(torch.full((50,), 0.02)) == pytest.approx(math.log2(50), abs=1e-5)


@pytest.mark.parametrize(
    ("p", "kind", "says"),
    [
        ([], ValueError, "p is empty"),
        ([0.5, 0.6], ValueError, "p sums to 1.1, not to 1"),
        ([3, 1], ValueError, "divide each number by the sum"),
        ([1.5, -0.5], ValueError, r"p\[1\] is -0.5"),
        ([math.nan, 1], ValueError, r"p\[0\] is nan"),
        ([math.inf], ValueError, r"p\[0\] is inf"),
        (0.5, TypeError, "must be a sequence of probabilities, not float"),
        ({"a": 1.0}, TypeError, r"of a dict give \.values\(\)"),
        ([[0.5, 0.5]], TypeError, "must be a sequence of probabilities"),
    ],
)
def test_what_is_no_distribution(p, kind, says):
    with pytest.raises(kind, match=says):
        entropy(p)
    with pytest.raises(kind, match=says.replace("p ", "q ", 1).replace("p\\[", "q\\[")):
        cross_entropy([0.5, 0.5], p)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="p has 2 probabilities and q has 3"):
        cross_entropy([0.5, 0.5], [0.5, 0.25, 0.25])


@pytest.mark.parametrize("bits", [-0.1, math.nan, -math.inf])
def test_bits_below_zero(bits):
    with pytest.raises(ValueError, match="never below 0 bits"):
        perplexity(bits)


def test_endless_bits():
    assert perplexity(math.inf) == perplexity(1e6) == math.inf
