"""What can be had from many answers to one question: votes, passes, the best of n, and learning.

An answer is anything that can be compared and hashed; None stands for no answer, and has no vote.
The file `self_teaching` beside this one has the training on a model's own verified answers; its
names are found here as well.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from utils.llm.reasoning.self_teaching import (
    SelfTeaching,
    group_advantages,
    policy_loss,
    self_teach,
)

__all__ = [
    "SelfTeaching",
    "Vote",
    "answer_shares",
    "best_of_n",
    "binomial_majority",
    "group_advantages",
    "maj_at_k",
    "majority_vote",
    "mean_and_error",
    "pass_at_k",
    "policy_loss",
    "predicted_maj_at_k",
    "self_teach",
    "wilson_interval",
]

Candidate = TypeVar("Candidate")


class Vote(NamedTuple):
    """The winners of a vote, all of them where several are tied, and how many votes each has."""

    winners: tuple[Hashable, ...]
    votes: int


def majority_vote(answers: Sequence[Hashable | None]) -> Vote:
    """The answers given most often, in the order in which they first came; None has no vote.

    (The word is the custom; strictly it is a plurality.) Source: self-consistency, Wang and
    others 2022.

    >>> majority_vote([3, 7, 7, None, 3, 5])
    Vote(winners=(3, 7), votes=2)
    """
    counts = Counter(answer for answer in answers if answer is not None)
    most = max(counts.values(), default=0)
    return Vote(tuple(answer for answer, votes in counts.items() if votes == most), most)


def maj_at_k(
    samples: Sequence[Sequence[Hashable | None]], truth: Sequence[Hashable], k: int
) -> Float[Tensor, "Q"]:
    """How often a vote of k is right, for each question: a number from 0 to 1.

    `samples` holds n answers to each of the Q questions. They are cut into n // k groups of k,
    each group votes, and of m tied winners each counts as 1 / m, as if a fair die decided.

    Raises ValueError for k below 1, or more than there are answers to some question.

    >>> maj_at_k([[3, 7, 7, 7], [5, 5, 4, 6]], [7, 5], k=2)
    tensor([0.7500, 0.5000])
    """
    if len(samples) != len(truth):
        raise ValueError(f"{len(samples)} questions have samples and {len(truth)} a true answer.")
    fewest = min(map(len, samples), default=0)
    if not 1 <= k <= fewest:
        raise ValueError(f"k is {k}: give 1 to {fewest}, the answers there are to each question.")
    shares = []
    for answers, right in zip(samples, truth, strict=True):
        groups = [answers[i * k : (i + 1) * k] for i in range(len(answers) // k)]
        shares.append(sum(_credit(group, right) for group in groups) / len(groups))
    return torch.tensor(shares)


def _credit(answers: Sequence[Hashable | None], right: Hashable) -> float:
    winners = majority_vote(answers).winners
    return 1 / len(winners) if right in winners else 0.0


def answer_shares(answers: Sequence[Hashable | None]) -> dict[Hashable | None, float]:
    """How often each answer came, as a share of all; None is one of them.

    >>> answer_shares([3, 7, 7, None])
    {3: 0.25, 7: 0.5, None: 0.25}
    """
    return {answer: votes / len(answers) for answer, votes in Counter(answers).items()}


def binomial_majority(p: float, k: int) -> float:
    """The chance that more than half of k answers are right, where each is with the chance p.

    Half of an even k counts as one half. It is what a vote gives where only one wrong answer is
    possible (Condorcet 1785).

    >>> round(binomial_majority(0.6, 3), 3)
    0.648
    """
    _check_chance(p)
    chances = [math.comb(k, c) * p**c * (1 - p) ** (k - c) for c in range(k + 1)]
    half = chances[k // 2] / 2 if k % 2 == 0 else 0.0
    return math.fsum(chances[k // 2 + 1 :]) + half


def predicted_maj_at_k(shares: Mapping[Hashable | None, float], truth: Hashable, k: int) -> float:
    """The chance that a vote of k is right where each answer comes with its share, exactly.

    Votes are multinomial. As independent Poisson numbers with the means k · share they are the
    same once their sum is k; so their generating functions can be multiplied. For each number c
    of votes for the truth, all others must have fewer, or as many: a tie of m + 1 counts
    1 / (m + 1), which is the integral of yᵐ over y from 0 to 1.

    >>> round(predicted_maj_at_k({7: 0.6, 3: 0.4}, 7, 3), 3)
    0.648
    """
    _check_chance(shares.get(truth, 0.0))
    if abs(sum(shares.values()) - 1) > 1e-6 or k < 1:
        raise ValueError(f"The shares sum to {sum(shares.values())} and k is {k}: 1, and k >= 1.")
    p = shares.get(truth, 0.0)
    others = np.array([s for a, s in shares.items() if a not in (truth, None) and s > 0])
    silent = float(shares.get(None, 0.0))
    if p == 0:
        return 0.0
    # Enough roots of unity: what wraps around is the tail of a Poisson number far above its mean.
    n_roots = k + 8 * math.isqrt(k) + 40
    turns = np.outer(np.arange(k + 1), np.arange(n_roots // 2 + 1)) / n_roots
    roots = np.exp(-2j * np.pi * turns)  # (k + 1, roots); the other half mirrors these
    truth_votes = _poisson(k * p, k)
    likely = np.flatnonzero(truth_votes[1:] > 1e-15) + 1  # votes for the truth worth a look
    nodes, weights = np.polynomial.legendre.leggauss(len(others) // 2 + 1)
    below = np.ones((len(nodes), len(likely), n_roots // 2 + 1), dtype=complex)
    for share in others:
        terms = _poisson(k * share, k)[:, None] * roots
        fewer, same = (np.cumsum(terms, axis=0) - terms)[likely], terms[likely]
        below *= fewer + (nodes[:, None, None] + 1) / 2 * same
    rest = np.einsum("n,ncr->cr", weights / 2, below) * np.exp(k * silent * (roots[1] - 1))
    counts = np.fft.irfft(rest, n=n_roots, axis=1)  # (votes for the truth, all other answers)
    together = sum(truth_votes[c] * counts[i, k - c] for i, c in enumerate(likely))
    return float(min(1.0, max(0.0, together / _poisson(k, k)[k])))


def _poisson(mean: float, most: int) -> np.ndarray:
    counts = np.arange(most + 1)
    logs = np.array([math.lgamma(c + 1) for c in counts])
    return np.exp(counts * math.log(mean) - mean - logs)


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that of k answers, drawn from n of which c are right, one at least is right.

    It is an unbiased estimate for k fresh answers; 1 − (1 − c / n)ᵏ is not, and is too low.
    Source: Chen and others 2021, section 2.1.

    >>> pass_at_k(4, 1, 2)
    0.5
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"n is {n}, c {c} and k {k}: c may be 0 to n, and k 1 to n.")
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def best_of_n(candidates: Sequence[Candidate], score: Callable[[Candidate], float]) -> Candidate:
    """The candidate with the highest score, of equal ones the first.

    Raises ValueError where there is none.

    >>> best_of_n(["a", "ccc", "bbb"], score=len)
    'ccc'
    """
    if not len(candidates):
        raise ValueError("There are no candidates to choose from.")
    return max(candidates, key=score)


def mean_and_error(values: Sequence[float] | Tensor) -> tuple[float, float]:
    """The mean of independent values, and its standard error.

    >>> mean, error = mean_and_error([0.0, 1.0, 1.0, 0.0])
    >>> round(mean, 2), round(error, 2)
    (0.5, 0.29)
    """
    numbers = torch.as_tensor(values, dtype=torch.float64)
    if len(numbers) < 2:
        raise ValueError(f"There are {len(numbers)} values: an error takes two at least.")
    return numbers.mean().item(), numbers.std().item() / math.sqrt(len(numbers))


def wilson_interval(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Where the true share may lie, 95 % sure, when `right` of n were right (Wilson 1927).

    Unlike mean ± error it stays within 0 and 1, and is no point where all were right.

    >>> low, high = wilson_interval(100, 100)
    >>> round(low, 3), round(high, 3)
    (0.963, 1.0)
    """
    if not (n >= 1 and 0 <= right <= n):
        raise ValueError(f"right is {right} of n = {n}: give 0 to n, and n of 1 or more.")
    p, spread = right / n, z * z / n
    middle = (p + spread / 2) / (1 + spread)
    reach = z * math.sqrt(p * (1 - p) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _check_chance(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"p is {p}: give a probability from 0 to 1.")
