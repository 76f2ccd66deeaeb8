"""Votes, passes and predictions against brute force and simulation."""

from __future__ import annotations

import itertools
import math
import random

import pytest
import torch

from utils.llm.reasoning import votes as reasoning
from utils.llm.reasoning.votes import (
    best_of_n,
    binomial_majority,
    group_advantages,
    maj_at_k,
    majority_vote,
    mean_and_error,
    pass_at_k,
    predicted_maj_at_k,
    wilson_interval,
)

SHARES = {7: 0.35, 3: 0.3, 5: 0.2, None: 0.15}


def enumerated(shares: dict, truth: object, k: int) -> float:
    """The chance by listing every sequence of k answers."""
    total = 0.0
    for answers in itertools.product(shares, repeat=k):
        votes = [a for a in answers if a is not None]
        best = max((votes.count(a) for a in votes), default=0)
        tied = {a for a in votes if votes.count(a) == best}
        if truth in tied:
            total += math.prod(shares[a] for a in answers) / len(tied)
    return total


@pytest.mark.parametrize("k", range(1, 8))
@pytest.mark.parametrize("truth", [7, 3, 5])
def test_the_prediction_is_what_enumeration_finds(truth: int, k: int) -> None:
    assert predicted_maj_at_k(SHARES, truth, k) == pytest.approx(enumerated(SHARES, truth, k))


@pytest.mark.parametrize("k", [1, 2, 5, 20, 101])
def test_with_two_answers_the_prediction_is_binomial(k: int) -> None:
    both = {1: 0.55, 0: 0.45}
    assert predicted_maj_at_k(both, 1, k) == pytest.approx(binomial_majority(0.55, k), abs=1e-9)
    swapped = 1 - predicted_maj_at_k(both, 0, k)
    assert predicted_maj_at_k(both, 1, k) == pytest.approx(swapped, abs=1e-9)


def test_the_prediction_for_many_answers_agrees_with_a_simulation() -> None:
    dice = random.Random(0)
    shares = {digit: (digit + 1) / 55 for digit in range(10)}
    answers = dice.choices(list(shares), weights=list(shares.values()), k=64 * 2000)
    groups = [answers[i : i + 64] for i in range(0, len(answers), 64)]
    mean, error = mean_and_error(maj_at_k(groups, [9] * len(groups), 64))
    assert abs(predicted_maj_at_k(shares, 9, 64) - mean) < 4 * error
    total = sum(predicted_maj_at_k(shares, truth, 64) for truth in shares)
    assert total == pytest.approx(1, abs=1e-9)


def test_the_prediction_at_256_is_a_chance() -> None:
    for shares in ({1: 1.0}, {1: 0.0, 2: 1.0}, {1: 1e-9, 2: 1 - 1e-9}, {1: 0.5, None: 0.5}):
        assert 0 <= predicted_maj_at_k(shares, 1, 256) <= 1
    assert predicted_maj_at_k({1: 1.0}, 1, 256) == pytest.approx(1)
    assert predicted_maj_at_k({2: 1.0}, 1, 256) == 0


@pytest.mark.parametrize(("n", "c"), [(1, 0), (1, 1), (5, 0), (5, 2), (5, 5), (7, 3)])
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(n: int, c: int) -> None:
    for k in range(1, n + 1):
        subsets = list(itertools.combinations([1] * c + [0] * (n - c), k))
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_pass_at_k_is_unbiased_and_the_naive_estimate_is_not() -> None:
    p, n, k = 0.3, 5, 3
    weights = [math.comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)]
    truth = 1 - (1 - p) ** k
    ours = sum(w * pass_at_k(n, c, k) for c, w in enumerate(weights))
    naive = sum(w * (1 - (1 - c / n) ** k) for c, w in enumerate(weights))
    assert ours == pytest.approx(truth)
    assert naive < truth - 0.01


def test_a_vote_names_all_that_are_tied() -> None:
    assert majority_vote(["b", "a", "a", "b", "c"]) == (("b", "a"), 2)
    assert majority_vote([None, None, 4]) == ((4,), 1)
    assert majority_vote([None]) == ((), 0)
    assert majority_vote([]).winners == ()


def test_maj_at_1_is_the_share_of_right_answers() -> None:
    samples = [[1, 2, 2, None], [3, 3, 3, 1]]
    assert maj_at_k(samples, [2, 3], 1).tolist() == [0.5, 0.75]
    assert maj_at_k(samples, [2, 3], 3).tolist() == [1.0, 1.0]  # the fourth is left over
    assert maj_at_k([[None, None]], [1], 2).tolist() == [0.0]


def test_bad_numbers_are_refused() -> None:
    for k in (0, 3):
        with pytest.raises(ValueError, match="k is"):
            maj_at_k([[1, 2]], [1], k)
    with pytest.raises(ValueError, match="questions have samples"):
        maj_at_k([[1]], [1, 2], 1)
    for bad in ((3, 4, 1), (3, 1, 0), (3, 1, 4), (3, -1, 2)):
        with pytest.raises(ValueError, match="n is"):
            pass_at_k(*bad)
    with pytest.raises(ValueError, match="no candidates"):
        best_of_n([], len)
    with pytest.raises(ValueError, match="sum to"):
        predicted_maj_at_k({1: 0.5}, 1, 2)


def test_best_of_n_takes_the_first_of_equals() -> None:
    assert best_of_n([3, -5, 5], abs) == -5


def test_advantages_have_mean_0_and_deviation_1_in_each_group() -> None:
    rewards = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0], [2, 5, 2, 2]])
    found = group_advantages(rewards)
    assert found.mean(dim=1).abs().max() < 1e-6
    assert found.std(dim=1, correction=0).tolist() == pytest.approx([1, 0, 1], abs=1e-6)
    assert torch.equal(group_advantages(rewards[:, :1]), torch.zeros(3, 1))


def test_wilson_covers_the_truth() -> None:
    dice = random.Random(1)
    inside = 0
    for _ in range(500):
        right = sum(dice.random() < 0.9 for _ in range(60))
        low, high = wilson_interval(right, 60)
        inside += low <= 0.9 <= high
    assert inside > 0.91 * 500
    assert wilson_interval(0, 10)[0] == 0


def test_one_tied_to_many() -> None:
    assert reasoning.answer_shares([1, 1, None, 2]) == {1: 0.5, None: 0.25, 2: 0.25}
