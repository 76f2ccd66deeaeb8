"""Filters of logits: against loops that take the definition at its word, and Hugging Face."""

import doctest
import math
from fractions import Fraction

import pytest
import torch
from helpers.shape_checks import enforce_annotations
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.llm.sampling import filters
from utils.llm.sampling.filters import (
    keep_largest,
    min_p,
    repetition_penalty,
    temperature,
    top_k,
    top_p,
)

INF = math.inf
# Whole-numbered weights as logits: ties are common, sums exact, and zeros are −inf.
WEIGHTS = st.lists(st.integers(0, 4), min_size=1, max_size=9).filter(any)


def logits_of(weights):
    return torch.tensor(weights, dtype=torch.float64).log()


def kept(filter_, logits):
    """Which tokens are left; those must have their logits as they were."""
    got = filter_(logits)
    assert got.shape == logits.shape
    assert got.dtype == logits.dtype
    left = got > -INF
    assert torch.equal(got[left], logits[left])
    return left.nonzero()[:, 0].tolist()


def in_order(weights):
    """Ids from the most likely down, the lowest of equal ones first; none of weight 0."""
    return sorted((i for i, w in enumerate(weights) if w), key=lambda i: (-weights[i], i))


def test_doctests():
    assert doctest.testmod(filters).failed == 0


@settings(max_examples=150, deadline=None)
@given(WEIGHTS, st.integers(1, 12))
def test_top_k_keeps_exactly_k(weights, k):
    with pytest.MonkeyPatch.context() as monkeypatch:
        enforce_annotations(monkeypatch, filters)
        assert kept(top_k(k), logits_of(weights)) == sorted(in_order(weights)[:k])


@settings(max_examples=150, deadline=None)
@given(WEIGHTS, st.fractions(0, 1, max_denominator=40))
def test_top_p_keeps_the_fewest_that_reach_p(weights, p):
    total, sum_, expected = sum(weights), Fraction(0), []
    for i in in_order(weights):
        expected.append(i)
        sum_ += Fraction(weights[i], total)
        if sum_ >= p:
            break
    if p != 1 and any(_near(part, p) for part in _partial_sums(weights)):
        return  # on the border, where rounding decides
    if p == 1:
        expected = in_order(weights)
    assert kept(top_p(float(p)), logits_of(weights)) == sorted(expected)


def _partial_sums(weights):
    ordered = [weights[i] for i in in_order(weights)]
    return [Fraction(sum(ordered[: n + 1]), sum(weights)) for n in range(len(ordered))]


def _near(a, b):
    return abs(a - b) < 1e-9


@settings(max_examples=100, deadline=None)
@given(WEIGHTS, st.sampled_from([0.0, 0.2, 0.3, 0.6, 0.9, 1.0]))
def test_min_p_compares_with_the_likeliest(weights, p):
    expected = [i for i, w in enumerate(weights) if w and w >= p * max(weights)]
    assert kept(min_p(p), logits_of(weights)) == expected


def test_all_of_the_pie_is_every_token_that_has_a_crumb():
    logits = torch.tensor([[0.0, -60.0, -INF, -80.0], [-90.0, 0.0, -90.0, -1.0]])
    assert torch.equal(top_p(1)(logits), logits)  # though the sum is 1 long before
    assert kept(top_p(1 - 1e-12), logits[0]) == [0]


def test_top_p_stops_at_a_border_that_is_reached_exactly():
    logits = torch.tensor([0.0, -1.0, -2.0, -2.0], dtype=torch.float64) * math.log(2)
    for p, n in ((0.5, 1), (0.75, 2), (0.875, 3), (0.4, 1), (0.51, 2), (0.76, 3), (0.88, 4)):
        assert kept(top_p(p), logits) == list(range(n)), p


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_edges(dtype):
    logits = torch.tensor([1.0, 4.0, -2.0, 4.0, 0.0], dtype=dtype)
    one_left = torch.tensor([-INF, -INF, 3.0, -INF], dtype=dtype)
    equal = torch.zeros(6, dtype=dtype)
    assert kept(top_p(0), logits) == [1]
    assert kept(top_k(1), logits) == kept(temperature(0), logits) == [1]
    assert kept(min_p(1), logits) == [1, 3]
    for everything in (top_p(1), min_p(0), top_k(5), top_k(99), temperature(1)):
        assert torch.equal(everything(logits), logits)
    for any_filter in (top_p(0), top_p(0.5), top_p(1), min_p(1), top_k(3), temperature(0)):
        assert torch.equal(any_filter(one_left), one_left)
    assert kept(top_p(0.5), equal) == [0, 1, 2]
    assert kept(top_k(4), equal) == [0, 1, 2, 3]
    assert kept(min_p(1), equal) == list(range(6))


@pytest.mark.parametrize(
    "make", [lambda: top_k(5), lambda: top_p(0.8), lambda: min_p(0.3), lambda: temperature(0.7)]
)
def test_rows_are_treated_alone_in_any_leading_shape(make):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 4, 300, generator=generator)
    logits *= torch.linspace(0, 5, 24).reshape(2, 3, 4, 1)  # from flat to peaked
    logits[0, 1, 2, :299] = -INF
    got = make()(logits)
    for place in torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(4)).tolist():
        torch.testing.assert_close(got[tuple(place)], make()(logits[tuple(place)]))


def test_top_p_beyond_the_few_it_looks_at_first():
    n = 4 * filters.FEW
    flat = torch.zeros(2, n)
    flat[1, 700] = 20.0  # one row flat, the other peaked
    got = top_p(0.9)(flat)
    assert (got > -INF).sum(-1).tolist() == [math.ceil(0.9 * n), 1]
    assert got[1, 700] == 20


def test_inputs_stay_as_they_were():
    logits = torch.tensor([[1.0, 4.0, 2.0]])
    before = logits.clone()
    for each in (temperature(0), temperature(2), top_k(1), top_p(0.5), min_p(0.9)):
        each(logits)
    repetition_penalty(2.0)(logits, torch.tensor([[1]]))
    assert torch.equal(logits, before)


@pytest.mark.parametrize("value", [0.1, 0.7, 1.0, 3.0])
def test_temperature_divides(value):
    logits = torch.tensor([[1.0, -4.0, -INF]])
    assert torch.equal(temperature(value)(logits), logits / value)


def test_a_tiny_temperature_is_greedy_and_not_nan():
    logits = torch.tensor([[10.0, 9.0, -INF], [-50.0, -60.0, -70.0], [0.0, 0.0, -1.0]])
    got = temperature(1e-38)(logits).softmax(-1)
    assert got.tolist() == [[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0]]


def test_repetition_penalty_by_loop():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, 20, generator=generator)
    ids = torch.randint(-1, 20, (4, 3, 9), generator=generator)
    got = repetition_penalty(1.7)(logits, ids)
    for b in range(4):
        for c in range(3):
            for v in range(20):
                x = logits[b, c, v]
                if v in ids[b, c].tolist():
                    x = x / 1.7 if x > 0 else x * 1.7
                assert got[b, c, v] == x


def test_repetition_penalty_edges():
    logits = torch.tensor([[2.0, -2.0, -INF, 0.0]])
    penalty = repetition_penalty(2.0)
    assert torch.equal(penalty(logits, torch.tensor([[2, 2, 3]])), logits)
    assert torch.equal(penalty(logits, torch.tensor([[-1, -1]])), logits)
    assert torch.equal(penalty(logits, torch.zeros(1, 0, dtype=torch.long)), logits)
    assert torch.equal(repetition_penalty(1)(logits, torch.tensor([[0, 1, 2]])), logits)
    many = torch.zeros(1, 70_000, dtype=torch.long)  # counts beyond what half precision holds
    assert penalty(logits.half(), many).tolist() == [[1.0, -2.0, -INF, 0.0]]


def test_as_hugging_face():
    from transformers import (
        MinPLogitsWarper,
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    generator = torch.Generator().manual_seed(1)
    # In float64 no sum comes so near to p that the order of adding decides.
    logits = torch.randn(5, 1000, generator=generator, dtype=torch.float64) * 3
    ids = torch.randint(0, 1000, (5, 40), generator=generator)
    pairs = [(temperature(t), TemperatureLogitsWarper(t)) for t in (0.3, 1.7)]
    pairs += [(top_k(k), TopKLogitsWarper(k)) for k in (1, 50, 5000)]
    pairs += [(top_p(p), TopPLogitsWarper(p)) for p in (0.0, 0.2, 0.9, 0.99, 1.0)]
    pairs += [(min_p(p), MinPLogitsWarper(p)) for p in (0.0, 0.05, 0.5, 1.0)]
    for ours, theirs in pairs:
        torch.testing.assert_close(ours(logits), theirs(ids, logits), rtol=0, atol=0)
    theirs = RepetitionPenaltyLogitsProcessor(1.3)(ids, logits.clone())
    torch.testing.assert_close(repetition_penalty(1.3)(logits, ids), theirs, rtol=0, atol=0)


def test_keep_largest_with_a_k_for_each_row():
    logits = torch.tensor([[1.0, 1.0, 1.0], [3.0, 2.0, 3.0]])
    got = keep_largest(logits, torch.tensor([[2], [1]]))
    assert got.int().tolist() == [[1, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("make", "value", "message"),
    [
        (temperature, -1, "temperature is -1"),
        (temperature, INF, "temperature is inf"),
        (temperature, math.nan, "temperature is nan"),
        (top_k, 0, "k is 0"),
        (top_k, 2.5, "k is 2.5"),
        (top_p, 1.5, "p is 1.5: give a probability"),
        (top_p, -0.1, "p is -0.1"),
        (top_p, math.nan, "p is nan"),
        (min_p, 2, "p is 2"),
        (repetition_penalty, 0, "penalty is 0"),
    ],
)
def test_senseless_settings(make, value, message):
    with pytest.raises(ValueError, match=message):
        make(value)


def test_ids_that_do_not_fit():
    penalty = repetition_penalty(2.0)
    with pytest.raises(ValueError, match=r"\(2, 5\) and the ids \(3, 4\)"):
        penalty(torch.zeros(2, 5), torch.zeros(3, 4, dtype=torch.long))
    with pytest.raises(ValueError, match="7 is no id of a vocabulary of 5"):
        penalty(torch.zeros(5), torch.tensor([7]))
