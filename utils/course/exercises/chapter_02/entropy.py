"""Chapter 02: entropy and perplexity."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm.counting import information

Floats = Sequence[float]


def entropy_and_perplexity(p: Floats) -> tuple[float, float]:
    """The entropy of p in bits, and the perplexity 2 ** entropy."""
    bits = information.entropy(p)
    return bits, information.perplexity(bits)


def _surprise(chance: float, wrong: Wrong) -> float:
    """The surprise of one outcome, by another logarithm where a slip takes one."""
    if "nats" in wrong or "nats and e" in wrong:
        return -math.log(chance)
    return -math.log10(chance) if "tens" in wrong else -math.log2(chance)


def _entropy(p: Floats, *, wrong: Wrong = frozenset()) -> Any:
    """Entropy and perplexity, with the slips named in `wrong`."""
    some = [x for x in p if x > 0]
    terms = [x * _surprise(x, wrong) for x in some]
    plain = [_surprise(x, wrong) for x in some]
    sums: dict[str, Callable[[], float]] = {
        "mean of seen": lambda: sum(plain) / len(plain),
        "plain mean": lambda: sum(plain) / len(p),
        "unweighed": lambda: sum(plain),
        "mean": lambda: sum(terms) / len(p),
        "first only": lambda: terms[0],
        "last only": lambda: terms[-1],
        "largest": lambda: max(plain),
    }
    bits = next((sums[slip] for slip in wrong & sums.keys()), lambda: sum(terms))()
    bits = -bits if "no minus" in wrong else bits
    perplexities: dict[str, Callable[[], float]] = {
        "base e": lambda: math.exp(bits),
        "nats and e": lambda: math.exp(bits),
        "outcomes": lambda: len(p),
        "minus above": lambda: 2**-bits,
        "doubled": lambda: 2 * bits,
        "squared": lambda: bits**2,
        "likeliest": lambda: 1 / max(p),
    }
    found = next((perplexities[slip] for slip in wrong & perplexities.keys()), lambda: 2**bits)()
    if "bits only" in wrong:
        return bits
    return (found, bits) if "crossed" in wrong else (bits, found)


def _no_log_of_nought(p: Floats) -> tuple[float, float]:
    bits = sum(-x * math.log2(x) for x in p)
    return bits, 2**bits


def _nan_at_nought(p: Floats) -> tuple[float, float]:
    bits = math.nan if 0 in p else information.entropy(p)
    return bits, 2**bits


_ENTROPY_SAID = {
    "nats": "This is the entropy in nats, from the natural logarithm. Bits need the logarithm to "
    "the base 2: math.log2.",
    "nats and e": "This is the entropy in nats, from the natural logarithm; only the perplexity is "
    "right. Bits need math.log2, and then 2 ** bits.",
    "tens": "You took the logarithm to the base 10. Bits need the one to the base 2: math.log2.",
    "no minus": "The sign is missing: the logarithm of a chance is negative, and the surprise is "
    "minus the logarithm.",
    "mean of seen": "You average the surprises as if all outcomes came equally often. Weigh each "
    "surprise by its chance.",
    "plain mean": "A plain mean takes all outcomes for equally likely, even those that never come. "
    "Weigh each surprise by its chance.",
    "unweighed": "The surprises are summed, not weighed. Multiply each by its chance before you "
    "add it.",
    "mean": "You divide the weighed sum by the number of outcomes: the chances are its weights, "
    "and they sum to 1 already.",
    "first only": "Only the first outcome is in your sum: does a `return` stand inside the loop?",
    "last only": "Only the last outcome is in your sum: add to it with +=.",
    "largest": "That is the largest surprise: weigh each by its chance, and add them all.",
    "base e": "The perplexity takes the base of the logarithm: with an entropy in bits it is 2 to "
    "that power, not e.",
    "outcomes": "The perplexity is not the number of outcomes, but the number of equally likely "
    "ones that would be as uncertain: 2 to the power of the entropy.",
    "minus above": "The perplexity grows with the entropy: 2 to the power of the entropy, without "
    "a minus.",
    "doubled": "You doubled the entropy: the perplexity is 2 to its power, 2 ** bits.",
    "squared": "You squared the entropy: the perplexity is 2 to its power, 2 ** bits.",
    "likeliest": "One over the largest chance looks at one outcome only: the perplexity is 2 to "
    "the power of the entropy.",
    "crossed": "Right numbers, wrong order: the entropy first, then the perplexity.",
    "bits only": "The perplexity is missing: return two numbers, the entropy and 2 to its power.",
}
_ENTROPY_APART = [
    "nats | nats and e | tens",
    "mean of seen | plain mean | unweighed | mean | first only | last only | largest",
    "nats and e | base e | outcomes | minus above | doubled | squared | likeliest | bits only",
    "bits only | crossed",
    "no minus | nats and e",
    "no minus | squared",
    "nats | base e",
]


def _say_rounded(args: tuple[Floats], expected: Floats, got: Floats) -> str | None:
    """Names chances that are left out, a perplexity of one outcome, and numbers cut short."""
    chances, (bits, perplexity) = sorted(args[0]), map(float, got)
    without = [sum(-x * math.log2(x) for x in chances if x > least) for least in chances]
    if abs(bits - expected[0]) > 1e-6 and any(abs(bits - rest) < 1e-9 for rest in without):
        return (
            "Small chances are left out of your sum: only a chance of exactly 0 adds nothing, so "
            "compare with 0 itself."
        )
    if abs(bits - expected[0]) < 1e-6 and math.isclose(perplexity, 1 / max(chances)):
        return _ENTROPY_SAID["likeliest"]
    if abs(bits - expected[0]) < 1e-6 and perplexity == bits:
        return "You return the entropy twice: the perplexity is 2 to its power, 2 ** bits."
    wrong = ((e, float(g)) for e, g in zip(expected, got, strict=True) if abs(e - g) > 1e-6)
    right, rounded = next(wrong)
    if any(rounded == round(right, digits) for digits in range(1, 5)):
        return "The number is rounded. Don't round what you return: others go on computing with it."
    return None


def _with_tensors(p: Floats) -> tuple[Tensor, Tensor]:
    bits = torch.special.entr(torch.tensor(p, dtype=torch.float64)).sum() / math.log(2)
    return bits, bits.exp2()


ENTROPY = Exercise(
    id="2.6",
    title="Entropy and perplexity",
    minutes=4,
    stars=1,
    reference=entropy_and_perplexity,
    probes=[
        ([0.7, 0.1, 0.15, 0.05],),
        ([1.0],),
        ([0.5, 0.25, 0.25],),
        ([1.0, 0.0],),
        ([0.0, 0.9, 0.1],),
        ([0.25, 0.25, 0.25, 0.25],),
        ([1 / 3, 1 / 3, 1 / 3],),
        ([1 / 256] * 256,),
    ],
    mistakes=alone(_entropy, _ENTROPY_SAID)
    | {
        "Zero has no logarithm. An outcome with the chance 0 adds nothing: leave it "
        "out.": _no_log_of_nought,
        "An outcome with the chance 0 never comes, and adds nothing. Leave it out before the "
        "logarithm turns it into infinity or NaN.": _nan_at_nought,
    },
    together=in_pairs(_entropy, _ENTROPY_SAID, _ENTROPY_APART),
    alternatives={"tensors": _with_tensors},
    parts=("entropy", "perplexity"),
    explain=_say_rounded,
)
