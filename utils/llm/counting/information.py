"""Entropy, cross-entropy and perplexity, in bits (Shannon 1948)."""

from __future__ import annotations

import math
from collections.abc import Iterable

Distribution = Iterable[float]


def entropy(p: Distribution) -> float:
    """The mean surprise −Σ p log₂ p of the distribution `p`, in bits; what is impossible adds 0.

    Raises ValueError where `p` is empty, holds a negative number, or does not sum to 1.

    >>> entropy([0.5, 0.25, 0.25])
    1.5
    """
    return math.fsum(-x * math.log2(x) for x in _checked(p, "p") if x > 0) + 0.0


def cross_entropy(p: Distribution, q: Distribution) -> float:
    """The mean surprise −Σ p log₂ q, in bits, of one who believes `q` where `p` is true.

    Never below `entropy(p)`, and equal to it only for q = p (Gibbs' inequality). Infinite where `q`
    rules out what `p` holds possible.

    >>> cross_entropy([0.5, 0.5], [0.25, 0.75])
    1.207518749639422
    """
    true, believed = _checked(p, "p"), _checked(q, "q")
    if len(true) != len(believed):
        raise ValueError(
            f"p has {len(true)} probabilities and q has {len(believed)}; give one of each for "
            "every outcome, in the same order."
        )
    pairs = [(x, y) for x, y in zip(true, believed, strict=True) if x > 0]
    if any(y == 0 for _, y in pairs):
        return math.inf
    return math.fsum(-x * math.log2(y) for x, y in pairs) + 0.0


def perplexity(bits: float) -> float:
    """2 ** bits: among how many equally likely words a model with that many bits a word wavers.

    >>> perplexity(3)
    8.0
    """
    bits = float(bits)
    if not bits >= 0:
        raise ValueError(f"bits is {bits}; a mean surprise is never below 0 bits.")
    try:
        return 2.0**bits
    except OverflowError:
        return math.inf


def _checked(p: Distribution, name: str) -> list[float]:
    """The probabilities as floats: finite, none negative, summing to 1 within 1e-6."""
    try:
        values = [float(x) for x in p]
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a sequence of probabilities, not {type(p).__name__}; "
            "of a dict give .values()."
        ) from None
    if not values:
        raise ValueError(f"{name} is empty; give at least one probability.")
    for i, x in enumerate(values):
        if not (math.isfinite(x) and x >= 0):
            raise ValueError(f"{name}[{i}] is {x}; a probability is a number from 0 to 1.")
    total = math.fsum(values)
    if abs(total - 1) > 1e-6:
        raise ValueError(
            f"{name} sums to {total:.6g}, not to 1; divide each number by the sum first."
        )
    return values
