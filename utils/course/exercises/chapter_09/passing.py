"""Exercise 9.5: pass@k."""

from __future__ import annotations

import math

from utils.course.checking.exercise import Exercise
from utils.llm.reasoning import votes as reasoning


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that k of n answers, c of them right, hold a right one."""
    return reasoning.pass_at_k(n, c, k)


def _by_product(n: int, c: int, k: int) -> float:
    if n - c < k:
        return 1.0
    return 1 - math.prod((n - c - i) / (n - i) for i in range(k))


def _by_chen(n: int, c: int, k: int) -> float:
    if n - c < k:
        return 1.0
    return 1 - math.prod(1 - k / i for i in range(n - c + 1, n + 1))


def _lgamma(n: int, c: int, k: int) -> float:
    if n - c < k:
        return 1.0
    logs = [math.lgamma(m + 1) for m in (n - c, n - k, n - c - k, n)]
    return 1 - math.exp(logs[0] + logs[1] - logs[2] - logs[3])


def _choose(n: int, k: int) -> float:
    return math.factorial(n) / math.factorial(k) / math.factorial(n - k)


PASS_AT_K = Exercise(
    id="9.5",
    title="pass@k",
    minutes=4,
    stars=2,
    reference=pass_at_k,
    probes=[
        (1, 1, 1),
        (2, 1, 1),
        (3, 0, 2),
        (4, 1, 2),
        (5, 2, 3),
        (5, 4, 3),
        (6, 6, 1),
        (20, 3, 20),
        (256, 13, 16),
        (300, 2, 150),
    ],
    mistakes={
        "1 − (1 − c/n)ᵏ puts every answer back before the next is drawn, and comes out too low. "
        "Draw k different ones of the n: count the ways to choose.": lambda n, c, k: (
            1 - (1 - c / n) ** k
        ),
        "This is the chance that none of the k is right; pass@k is 1 minus that.": (
            lambda n, c, k: math.comb(n - c, k) / math.comb(n, k)
        ),
        "This is the chance that all k are right. One is enough: 1 minus the chance that all are "
        "wrong.": lambda n, c, k: math.comb(c, k) / math.comb(n, k),
        "k · c / n adds up chances that overlap, and can pass 1.": lambda n, c, k: k * c / n,
        "Capped or not, k · c / n adds up chances that overlap.": lambda n, c, k: min(
            1.0, k * c / n
        ),
        "This is c / n, pass@1, whatever k is.": lambda n, c, k: c / n,
        "Choose the k from the n − c wrong ones: you chose from the c right ones.": (
            lambda n, c, k: 1 - math.comb(c, k) / math.comb(n, k)
        ),
        "This is 1 as soon as any answer is right: that is pass@n, and what `//` leaves of the "
        "division.": lambda n, c, k: float(c > 0),
        "1 − (1 − 1/n)ᵏ knows nothing of c: how many are right decides.": (
            lambda n, c, k: 1 - (1 - 1 / n) ** k
        ),
        "This is the chance that exactly one of the k is right: two right ones pass as "
        "well.": lambda n, c, k: c * math.comb(n - c, k - 1) / math.comb(n, k),
        "n and k changed places: choose k out of n, `math.comb(n, k)`.": (
            lambda n, c, k: 1 - math.comb(k, n - c) / math.comb(k, n) if k >= n else 1.0
        ),
        "The c right ones and the n − c wrong ones changed places in the power: (c/n)ᵏ is the "
        "chance that all k are right, and with putting back.": lambda n, c, k: 1 - (c / n) ** k,
        "Orders were counted above and ways to choose below: divide comb by comb, or perm by "
        "perm.": lambda n, c, k: 1 - math.perm(n - c, k) / math.comb(n, k),
        "Ways to choose were counted above and orders below: divide comb by comb, or perm by "
        "perm.": lambda n, c, k: 1 - math.comb(n - c, k) / math.perm(n, k),
        "`math.comb(n - k, c)` are the ways to keep all c right ones out of the k, among "
        "`math.comb(n, c)` ways, and you divided by another number.": lambda n, c, k: (
            1 - math.comb(n - k, c) / math.comb(n, k)
        ),
        "You drew k − 1 of them: k.": lambda n, c, k: (
            1 - math.comb(n - c, k - 1) / math.comb(n, k - 1)
        ),
        "With fewer wrong answers than k there is no way to choose k wrong ones, and the chance is "
        "1; yours is 0 there.": lambda n, c, k: (
            0.0 if n - c < k else 1 - math.comb(n - c, k) / math.comb(n, k)
        ),
        "One comb has its arguments swapped: `math.comb(n - c, k)` are the ways to choose k wrong "
        "ones.": lambda n, c, k: 1 - math.comb(k, n - c) / math.comb(n, k),
        "A chance goes from 0 to 1: yours is in per cent.": lambda n, c, k: (
            100 * pass_at_k(n, c, k)
        ),
        "`math.factorial` knows no negative number: where fewer than k are wrong, there is no way "
        "to choose k wrong ones. `math.comb` gives 0 there.": lambda n, c, k: (
            1 - _choose(n - c, k) / _choose(n, k)
        ),
        "Division by the ways to choose is missing: this counts them.": (
            lambda n, c, k: math.comb(n, k) - math.comb(n - c, k)
        ),
    },
    alternatives={"a product": _by_product, "Chen's product": _by_chen, "lgamma": _lgamma},
)
