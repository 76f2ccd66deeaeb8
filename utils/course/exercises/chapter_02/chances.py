"""Chapter 02: n-gram chances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs

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


def _ngram(
    table: Table,
    context: Context,
    lower: Mapping[str, float],
    strength: float,
    *,
    wrong: Wrong = frozenset(),
) -> Any:
    """The chances, with the slips named in `wrong`: above the line, below it, or in the words."""
    counts = table.get(context, {})
    total = sum(counts.values())
    if not counts and wrong & {"nothing unseen", "noughts unseen"}:
        return {} if "nothing unseen" in wrong else dict.fromkeys(lower, 0.0)
    below: dict[str, float] = {
        "total only": total,
        "strength for each": total + strength * len(lower),
        "kinds": len(counts) + strength,
        "whole table": sum(sum(each.values()) for each in table.values()) + strength,
        "one more": total + 1,
    }
    divisor = next((below[slip] for slip in wrong & below.keys()), total + strength)
    chances = {}
    for word, p in lower.items():
        n = counts.get(word, 0)
        above: dict[str, float] = {
            "add one": n + strength,
            "even": n + strength / len(lower),
            "no strength": n + p,
            "counts only": n,
            "lower only": strength * p,
            "one seen": (n > 0) + strength * p,
        }
        top = next((above[slip] for slip in wrong & above.keys()), n + strength * p)
        share = divisor / top if "upside down" in wrong else top / divisor
        chances[word] = top if "not divided" in wrong else share
    words = counts if "seen only" in wrong else lower
    return {word: chances.get(word, 0.0) for word in words}


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


def _ngram_unknown_context(
    table: Table, context: Context, lower: Mapping[str, float], strength: float
) -> Chances:
    counts = table[context]
    total = sum(counts.values())
    return {w: (counts.get(w, 0) + strength * p) / (total + strength) for w, p in lower.items()}


_NGRAM_SAID = {
    "total only": "Your chances sum to more than 1. The imagined words count too: divide by the "
    "total plus the strength.",
    "strength for each": "Below the line the strength stands once, not once for every word: "
    "`lower` has shared it out already.",
    "kinds": "The total is how often anything followed, the sum of the counts. len(counts) is how "
    "many different words did.",
    "whole table": "The total is the whole table's. Only what followed this context counts.",
    "one more": "Below the line you add 1: add the strength, which is how many imagined words you "
    "added above it.",
    "add one": "Above the line every word gets the whole strength: it is shared out, and a word "
    "gets strength · lower[word] of it.",
    "even": "You share the strength out evenly. Share it out as `lower` says: strength · "
    "lower[word].",
    "no strength": "The strength is not in use above the line: multiply lower[word] by it.",
    "counts only": "Above the line the imagined words are missing: add strength · lower[word] to "
    "the count.",
    "lower only": "Above the line the count is missing: add it to strength · lower[word].",
    "one seen": "You count each word once, however often it followed: take its count.",
    "upside down": "Your fraction is upside down: what is counted for the word stands above, the "
    "total below.",
    "not divided": "These are counts, not chances: divide by the total plus the strength.",
    "seen only": "Words that never followed this context are missing. Give every word of `lower` "
    "its chance, however small.",
    "nothing unseen": "A context that the table doesn't have gives you nothing: there the chances "
    "are those of `lower`, and the formula says so by itself.",
    "noughts unseen": "A context that the table doesn't have gives you chances of 0: there the "
    "chances are those of `lower`, and the formula says so by itself.",
}
_NGRAM_APART = [
    "total only | strength for each | kinds | whole table | one more | not divided",
    "add one | even | no strength | counts only | lower only | one seen",
    "upside down | not divided | total only | counts only | seen only",
    "nothing unseen | noughts unseen | seen only | total only",
    "add one | strength for each",
    "counts only | noughts unseen",
]


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


_TABLE = {
    ("a",): Counter({"red": 2, "blue": 1}),
    ("the",): Counter({"kite": 4}),
    ("a", "red"): Counter({"kite": 7, "red": 1}),
}
_LOWER = {"red": 0.2, "blue": 0.1, "kite": 0.6, ".": 0.1}


def _explain_form(args: tuple[Any, ...], expected: Chances, got: Mapping[str, Any]) -> str | None:
    """Names an answer with the counted words alone."""
    table, context, *_ = args
    return _NGRAM_SAID["seen only"] if set(got) == set(table.get(context, {})) != set() else None


def _explain(args: tuple[Any, ...], expected: Chances, got: Mapping[str, Any]) -> str | None:
    """A sum that is no 1, if that is so: one of the two sums in the formula is another."""
    whole = float(sum(got.values()))
    if abs(whole - 1) < 1e-3:
        return None
    return f"Your chances sum to {whole:.3g}: those of all words of `lower` sum to 1."


NGRAM_CHANCES = Exercise(
    id="2.5",
    title="N-gram chances with smoothing",
    minutes=7,
    stars=2,
    reference=ngram_chances,
    probes=[
        (_TABLE, ("a",), _LOWER, 2.5),
        ({("a",): Counter({"red": 3, "blue": 1})}, ("a",), {"red": 0.7, "blue": 0.3}, 4.0),
        ({("a",): Counter({"red": 3})}, ("a",), {"red": 0.6, "blue": 0.4}, 1.0),
        ({("a",): Counter({"red": 3})}, ("a",), {"red": 1.0}, 1.0),
        (_TABLE, ("the",), _LOWER, 0.1),
        (_TABLE, ("a", "red"), _LOWER, 5.0),
        (_TABLE, ("the", "red"), _LOWER, 5.0),
        ({("a",): Counter({"red": 3})}, ("the",), {"red": 0.9, "blue": 0.1}, 2.0),
        ({}, (), {"red": 0.25, "blue": 0.75}, 0.5),
    ],
    mistakes=alone(_ngram, _NGRAM_SAID)
    | {
        "Every word gets the same share, as in add-one smoothing. Share the strength out in "
        "proportion to lower[word].": _ngram_add_one,
        "Parentheses are missing: count + strength * p / total + strength divides only the middle. "
        "Put both sums in parentheses.": _ngram_off(lambda n, total, p, s: n + s * p / total + s),
        "Parentheses are missing: the count is not divided. Put the whole of "
        "count + strength * p in them.": _ngram_off(lambda n, total, p, s: n + s * p / (total + s)),
        "Parentheses are missing: the strength is added after the division. Put total + strength "
        "in them.": _ngram_off(lambda n, total, p, s: (n + s * p) / total + s),
        "Where the context was seen you trust the counts alone, so an unseen word gets the chance "
        "0. Mix `lower` in everywhere.": _ngram_off(
            lambda n, total, p, s: n / total if total else p
        ),
        "Where a word was seen you trust its counts alone, and only the others get a share of "
        "`lower`. Mix `lower` in everywhere.": _ngram_off(
            lambda n, total, p, s: (n if n else s * p) / (total + s)
        ),
        "A context that the table doesn't have gives every word the same chance: there the chances "
        "are those of `lower`, and the formula says so by itself.": lambda t, c, lower, s: (
            _ngram(t, c, lower, s) if c in t else dict.fromkeys(lower, 1 / len(lower))
        ),
        "A context that the table doesn't have raises a KeyError: table.get(context, {}) gives an "
        "empty one.": _ngram_unknown_context,
    },
    together=in_pairs(_ngram, _NGRAM_SAID, _NGRAM_APART),
    explain=_explain,
    explain_form=_explain_form,
    alternatives={"tensors": _ngram_with_tensors, "what a Counter can": _ngram_with_counters},
)
