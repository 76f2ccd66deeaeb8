"""Chapter 02, second half: n-gram chances, entropy and perplexity, windows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.llm.counting import information
from utils.llm.tokenizer.windows import windows

# 2.5 ---------------------------------------------------------------------------------------------

Context = tuple[str, ...]
Table = Mapping[Context, Mapping[str, int]]
Chances = dict[str, float]


def ngram_chances(
    table: Table, context: Context, lower: Mapping[str, float], strength: float
) -> Chances:
    """The chances after `context`: its counts, and `strength` imagined words shared as `lower`."""
    counts = table.get(context, {})
    total = sum(counts.values()) + strength
    return {word: (counts.get(word, 0) + strength * p) / total for word, p in lower.items()}


def _ngram_off(
    rule: Callable[[int, int, float, float], float],
) -> Callable[[Table, Context, Mapping[str, float], float], Chances]:
    """A wrong formula of (count, total, lower chance, strength), applied to every word."""

    def chances(
        table: Table, context: Context, lower: Mapping[str, float], strength: float
    ) -> Chances:
        counts = table.get(context, {})
        total = sum(counts.values())
        return {w: rule(counts.get(w, 0), total, p, strength) for w, p in lower.items()}

    return chances


def _ngram_add_one(
    table: Table, context: Context, lower: Mapping[str, float], strength: float
) -> Chances:
    counts = table.get(context, {})
    total = sum(counts.values()) + strength * len(lower)
    return {word: (counts.get(word, 0) + strength) / total for word in lower}


def _ngram_seen_only(
    table: Table, context: Context, lower: Mapping[str, float], strength: float
) -> Chances:
    chances = ngram_chances(table, context, lower, strength)
    seen = table.get(context, {})
    return {word: p for word, p in chances.items() if word in seen}


def _ngram_whole_table(
    table: Table, context: Context, lower: Mapping[str, float], strength: float
) -> Chances:
    total = sum(sum(counts.values()) for counts in table.values()) + strength
    counts = table.get(context, {})
    return {word: (counts.get(word, 0) + strength * p) / total for word, p in lower.items()}


def _ngram_with_tensors(
    table: Table, context: Context, lower: Mapping[str, float], strength: float
) -> dict[str, Tensor]:
    prior = torch.tensor(list(lower.values()), dtype=torch.float64)
    counts = torch.tensor([table.get(context, {}).get(word, 0) for word in lower])
    chances = (counts + strength * prior) / (counts.sum() + strength)
    return dict(zip(lower, chances, strict=True))


def _ngram_with_counters(
    table: Mapping[Context, Counter[str]],
    context: Context,
    lower: Mapping[str, float],
    strength: float,
) -> Chances:
    counts = table.get(context, Counter())
    total = counts.total() + strength
    return {word: (counts[word] + strength * p) / total for word, p in lower.items()}


def _ngram_counts_kinds(
    table: Table, context: Context, lower: Mapping[str, float], strength: float
) -> Chances:
    counts = table.get(context, {})
    total = len(counts) + strength
    return {word: (counts.get(word, 0) + strength * p) / total for word, p in lower.items()}


def _ngram_strength_for_every_word(
    table: Table, context: Context, lower: Mapping[str, float], strength: float
) -> Chances:
    counts = table.get(context, {})
    total = sum(counts.values()) + strength * len(lower)
    return {word: (counts.get(word, 0) + strength * p) / total for word, p in lower.items()}


_TABLE = {
    ("a",): Counter({"red": 2, "blue": 1}),
    ("the",): Counter({"kite": 4}),
    ("a", "red"): Counter({"kite": 7, "red": 1}),
}
_EVEN = {"red": 0.5, "blue": 0.5}
_LOWER = {"red": 0.2, "blue": 0.1, "kite": 0.6, ".": 0.1}

NGRAM_CHANCES = Exercise(
    id="2.5",
    title="N-gram chances with smoothing",
    minutes=8,
    stars=2,
    reference=ngram_chances,
    probes=[
        ({("a",): Counter({"red": 3})}, ("a",), {"red": 1.0}, 1.0),
        ({("a",): Counter({"red": 3, "blue": 1})}, ("a",), _EVEN, 4.0),
        ({("a",): Counter({"red": 3})}, ("a",), _EVEN, 1.0),
        ({("a",): Counter({"red": 3})}, ("the",), {"red": 0.9, "blue": 0.1}, 2.0),
        ({}, (), {"red": 0.25, "blue": 0.75}, 0.5),
        (_TABLE, ("a",), _LOWER, 2.0),
        (_TABLE, ("the",), _LOWER, 0.1),
        (_TABLE, ("a", "red"), _LOWER, 5.0),
        (_TABLE, ("the", "red"), _LOWER, 5.0),
    ],
    mistakes={
        "Your chances sum to more than 1. The imagined words count too: divide by the total plus "
        "the strength.": _ngram_off(lambda n, total, p, s: (n + s * p) / total),
        "Every word gets the same share, as in add-one smoothing. Share the strength out in "
        "proportion to lower[word].": _ngram_add_one,
        "Below the line the strength stands once, not once for every word: `lower` has shared it "
        "out already.": _ngram_strength_for_every_word,
        "The total is how often anything followed, the sum of the counts. len(counts) is how many "
        "different words did.": _ngram_counts_kinds,
        "Parentheses are missing: count + strength * p / total + strength divides only the middle. "
        "Put both sums in parentheses.": _ngram_off(lambda n, total, p, s: n + s * p / total + s),
        "Parentheses are missing: the count is not divided. Put the whole of "
        "count + strength * p in them.": _ngram_off(lambda n, total, p, s: n + s * p / (total + s)),
        "Parentheses are missing: the strength is added after the division. Put total + strength "
        "in them.": _ngram_off(lambda n, total, p, s: (n + s * p) / total + s),
        "Words that never followed this context are missing. Give every word of `lower` its "
        "chance, however small.": _ngram_seen_only,
        "The total is the whole table's. Only what followed this context "
        "counts.": _ngram_whole_table,
        "The strength is not in use above the line: multiply lower[word] by it.": _ngram_off(
            lambda n, total, p, s: (n + p) / (total + s)
        ),
        "Where the context was seen you trust the counts alone, so an unseen word gets the chance "
        "0. Mix `lower` in everywhere.": _ngram_off(
            lambda n, total, p, s: n / total if total else p
        ),
    },
    alternatives={"tensors": _ngram_with_tensors, "what a Counter can": _ngram_with_counters},
)

# 2.6 ---------------------------------------------------------------------------------------------

Floats = Sequence[float]


def entropy_and_perplexity(p: Floats) -> tuple[float, float]:
    """The entropy of p in bits, and the perplexity 2 ** entropy."""
    bits = information.entropy(p)
    return bits, information.perplexity(bits)


def _surprises(p: Floats) -> list[float]:
    return [-math.log2(x) for x in p if x > 0]


def _mean_surprise(p: Floats) -> tuple[float, float]:
    bits = sum(_surprises(p)) / len(_surprises(p))
    return bits, 2**bits


def _entropy_from(bits: Callable[[Floats], float]) -> Callable[[Floats], tuple[float, float]]:
    return lambda p: (bits(p), 2 ** bits(p))


def _nan_at_zero(p: Floats) -> tuple[float, float]:
    bits = math.nan if 0 in p else information.entropy(p)
    return bits, 2**bits


def _cannot_take_zero(p: Floats) -> tuple[float, float]:
    bits = sum(-x * math.log2(x) for x in p)
    return bits, 2**bits


def _plain_mean(p: Floats) -> tuple[float, float]:
    bits = sum(_surprises(p)) / len(p)
    return bits, 2**bits


def _nats_and_exp(p: Floats) -> tuple[float, float]:
    nats = math.log(2) * information.entropy(p)
    return nats, math.exp(nats)


def _say_rounded(args: tuple[Floats], expected: Floats, got: Floats) -> str | None:
    """Names an answer whose first wrong number is the right one with fewer digits."""
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
    minutes=6,
    stars=1,
    reference=entropy_and_perplexity,
    probes=[
        ([1.0],),
        ([0.5, 0.5],),
        ([0.5, 0.25, 0.25],),
        ([0.25, 0.25, 0.25, 0.25],),
        ([1.0, 0.0],),
        ([0.0, 0.9, 0.1],),
        ([0.7, 0.1, 0.1, 0.05, 0.05],),
        ([1 / 3, 1 / 3, 1 / 3],),
        ([1 / 256] * 256,),
    ],
    mistakes={
        "This is the entropy in nats, from the natural logarithm. Bits need the logarithm to the "
        "base 2: math.log2.": _entropy_from(lambda p: math.log(2) * information.entropy(p)),
        "This is the entropy in nats, from the natural logarithm; only the perplexity is right. "
        "Bits need math.log2, and then 2 ** bits.": _nats_and_exp,
        "The sign is missing: the logarithm of a chance is negative, and the surprise is minus the "
        "logarithm.": _entropy_from(lambda p: -information.entropy(p)),
        "You average the surprises as if all outcomes came equally often. Weigh each surprise by "
        "its chance.": _mean_surprise,
        "A plain mean takes all outcomes for equally likely, even those that never come. Weigh "
        "each surprise by its chance.": _plain_mean,
        "Zero has no logarithm. An outcome with the chance 0 adds nothing: leave it "
        "out.": _cannot_take_zero,
        "An outcome with the chance 0 never comes, and adds nothing. Leave it out before the "
        "logarithm turns it into infinity or NaN.": _nan_at_zero,
        "The surprises are summed, not weighed. Multiply each by its chance before you add "
        "it.": _entropy_from(lambda p: sum(_surprises(p))),
        "The perplexity takes the base of the logarithm: with an entropy in bits it is 2 to that "
        "power, not e.": lambda p: (information.entropy(p), math.exp(information.entropy(p))),
        "The perplexity is not the number of outcomes, but the number of equally likely ones that "
        "would be as uncertain: 2 to the power of the entropy.": lambda p: (
            information.entropy(p),
            len(p),
        ),
    },
    alternatives={"tensors": _with_tensors},
    parts=("entropy", "perplexity"),
    explain=_say_rounded,
)

# 2.7 ---------------------------------------------------------------------------------------------

Windows = tuple[Tensor, Tensor]


def cut_windows(ids: Sequence[int], context_length: int) -> Windows:
    """Inputs and targets, each (N, T), end to end; a target is the input one id further on."""
    return windows(ids, context_length)


def _rows(ids: Sequence[int], starts: Sequence[int], length: int, shift: int) -> Tensor:
    return torch.tensor([list(ids[i + shift : i + shift + length]) for i in starts])


def _cut(ids: Sequence[int], length: int, starts: Sequence[int] | None = None) -> Windows:
    starts = range(0, len(ids) - length, length) if starts is None else starts
    return _rows(ids, starts, length, 0), _rows(ids, starts, length, 1)


def _targets_are_inputs(ids: Sequence[int], length: int) -> Windows:
    inputs, _ = _cut(ids, length)
    return inputs, inputs.clone()


def _only_the_last_target(ids: Sequence[int], length: int) -> Windows:
    inputs, targets = _cut(ids, length)
    return inputs, targets[:, -1]


def _rolled(ids: Sequence[int], length: int) -> Windows:
    inputs, _ = _cut(ids, length)
    return inputs, inputs.roll(-1, dims=1)


def _swapped(ids: Sequence[int], length: int) -> Windows:
    inputs, targets = _cut(ids, length)
    return targets, inputs


def _one_target_short(ids: Sequence[int], length: int) -> Windows:
    row, n = torch.tensor(ids), len(ids) // length
    return row[: n * length].view(n, length), row[1 : n * length + 1].view(n, length)


def _cut_with_numpy(ids: Sequence[int], length: int) -> tuple[np.ndarray, np.ndarray]:
    row = np.array(ids)
    whole = (len(row) - 1) // length * length
    return row[:whole].reshape(-1, length), row[1 : whole + 1].reshape(-1, length)


WINDOWS = Exercise(
    id="2.7",
    title="Windows",
    minutes=7,
    stars=2,
    reference=cut_windows,
    probes=[
        ([5, 6], 1),
        ([1, 2, 3], 2),
        ([10, 11, 12, 13, 14], 2),
        ([10, 11, 12, 13, 14, 15], 2),
        ([7, 7, 8, 9, 7, 8, 8], 3),
        ([7, 7, 8, 9, 7, 8, 8, 4, 2], 3),
        (list(range(100, 150)), 8),
        (list(range(300, 349)), 16),
    ],
    mistakes={
        "Inputs and targets are the same: the model would only learn to copy. The targets begin "
        "one id further on.": _targets_are_inputs,
        "The windows overlap. They lie end to end: the second begins context_length ids after "
        "the first.": lambda ids, length: _cut(ids, length, range(len(ids) - length)),
        "One target for a whole window wastes the rest. Every position has its own next token: "
        "give the targets the shape of the inputs.": _only_the_last_target,
        "The last target of a window is its own first id, as roll leaves it. It should be the id "
        "that follows the window in the text.": _rolled,
        "Each window begins one id further on than it should, counted from the one before: step by "
        "context_length, and let neighbours share an id.": lambda ids, length: _cut(
            ids, length, range(0, len(ids) - length, length + 1)
        ),
        "The last target needs one id more: there are (len(ids) − 1) // T windows, not "
        "len(ids) // T.": _one_target_short,
        "A whole window is lost at the end. With n ids there are (n − 1) // context_length "
        "windows.": lambda ids, length: _cut(
            ids, length, range(0, len(ids) - 2 * length, length) or [0]
        ),
        "Inputs and targets are exchanged: the model reads the earlier ids and predicts the later "
        "ones.": _swapped,
    },
    alternatives={
        "a loop over slices": _cut,
        "numpy.reshape": _cut_with_numpy,
        "chunks of one id more": lambda ids, length: tuple(
            torch.tensor([ids[i : i + length + 1] for i in range(0, len(ids) - length, length)])[
                :, part
            ]
            for part in (slice(None, -1), slice(1, None))
        ),
    },
    parts=("inputs", "targets"),
)
