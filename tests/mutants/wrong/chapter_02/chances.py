"""Wrong answers to exercises 2.5 and 2.6."""

from __future__ import annotations

import math
from collections import Counter

import torch
from mutants.cases import wrong, wrongs


def ngram(above, below, words=None):
    """An answer from what stands above and below the line; n, t, s, p and the table's counts."""

    def answer(table, context, lower, strength):
        counts = table.get(context, {})
        t = sum(counts.values())
        return {
            w: above(counts.get(w, 0), strength, p, lower)
            / below(t, strength, counts, lower, table)
            for w, p in lower.items()
            if words is None or words(w, counts)
        }

    return answer


def top(n, s, p, lower):
    return n + s * p


def bottom(t, s, counts, lower, table):
    return t + s


wrongs("2.5", "Your chances sum to 1.83", a=ngram(top, lambda t, s, *_: t or 1))


wrongs(
    "2.5",
    "Below the line the strength stands once",
    b=ngram(top, lambda t, s, c, low, tab: t + s * len(low)),
)


wrongs("2.5", "The total is how often", c=ngram(top, lambda t, s, c, *_: len(c) + s))


wrongs(
    "2.5",
    "The total is the whole table",
    d=ngram(top, lambda t, s, c, low, tab: sum(sum(x.values()) for x in tab.values()) + s),
)


wrongs("2.5", "Below the line you add 1", e=ngram(top, lambda t, s, *_: t + 1))


wrongs(
    "2.5",
    "You share the strength out evenly",
    f=ngram(lambda n, s, p, low: n + s / len(low), bottom),
)


wrongs("2.5", "Above the line every word gets", g=ngram(lambda n, s, p, low: n + s, bottom))


wrongs("2.5", "The strength is not in use", h=ngram(lambda n, s, p, low: n + p, bottom))


wrongs("2.5", "Above the line the imagined words", i=ngram(lambda n, s, p, low: n, bottom))


wrongs("2.5", "Above the line the count", j=ngram(lambda n, s, p, low: s * p, bottom))


wrongs("2.5", "Words that never followed", k=ngram(top, bottom, lambda w, counts: w in counts))


wrongs(
    "2.5",
    "Every word gets the same share",
    m=ngram(lambda n, s, p, low: n + s, lambda t, s, c, low, tab: t + s * len(low)),
)


wrongs("2.5", "These are counts", n=ngram(top, lambda *_: 1))


wrongs(
    "2.5",
    ("The strength is not in use", "Below the line you add 1"),
    o=ngram(lambda n, s, p, low: n + p, lambda t, s, *_: t + 1),
)


wrongs(
    "2.5",
    "Your chances sum to",
    p=ngram(lambda n, s, p, low: n * p + s, bottom),
    q=ngram(lambda n, s, p, low: n + s + p, bottom),
    r=ngram(top, lambda t, s, c, low, tab: t + s * len(tab)),
)


@wrong("2.5", "A context that the table doesn't have raises")
def key_error(table, context, lower, strength):
    counts = table[context]
    total = sum(counts.values()) + strength
    return {w: (counts[w] + strength * p) / total for w, p in lower.items()}


@wrong("2.5", "A context that the table doesn't have gives you nothing")
def nothing_for_unseen(table, context, lower, strength):
    if context not in table:
        return {}
    total = sum(table[context].values()) + strength
    return {w: (table[context][w] + strength * p) / total for w, p in lower.items()}


@wrong("2.5", "Where the context was seen you trust")
def counts_or_lower(table, context, lower, strength):
    counts = table.get(context)
    if not counts:
        return dict(lower)
    return {w: counts[w] / counts.total() for w in lower}


@wrong("2.5", "Where a word was seen you trust")
def either(table, context, lower, strength):
    counts = table.get(context, Counter())
    return {w: (counts[w] or strength * p) / (counts.total() + strength) for w, p in lower.items()}


@wrong("2.5", "Parentheses are missing: the count")
def no_parentheses(table, context, lower, strength):
    counts = table.get(context, Counter())
    return {w: counts[w] + strength * p / (counts.total() + strength) for w, p in lower.items()}


@wrong("2.5", "Your chances sum to")
def half_parentheses(table, context, lower, strength):
    counts = table.get(context, Counter({"?": 0}))
    t = counts.total() or 1e-300
    return {w: (counts[w] + strength * p) / t + strength for w, p in lower.items()}


def bits(p, log=math.log2):
    return sum(-x * log(x) for x in p if x > 0)


def both(f, g=lambda b, p: 2**b):
    return lambda p: (f(p), g(f(p), p))


wrongs(
    "2.6",
    "This is the entropy in nats, from the natural logarithm. Bits",
    a=both(lambda p: bits(p, math.log)),
)


wrongs(
    "2.6",
    "This is the entropy in nats, from the natural logarithm; only",
    b=both(lambda p: bits(p, math.log), lambda b, p: math.exp(b)),
)


wrongs("2.6", "You took the logarithm to the base 10", c=both(lambda p: bits(p, math.log10)))


wrongs("2.6", "The sign is missing", d=both(lambda p: -bits(p)))


wrongs(
    "2.6",
    "You average the surprises",
    e=both(lambda p: sum(-math.log2(x) for x in p if x) / sum(x > 0 for x in p)),
)


wrongs("2.6", "A plain mean", f=both(lambda p: sum(-math.log2(x) for x in p if x) / len(p)))


wrongs("2.6", "The surprises are summed", g=both(lambda p: sum(-math.log2(x) for x in p if x)))


wrongs("2.6", "You divide the weighed sum", h=both(lambda p: bits(p) / len(p)))


wrongs(
    "2.6",
    "Zero has no logarithm",
    i=both(lambda p: sum(-x * math.log2(x) for x in p)),
    j=both(lambda p: -sum(x * math.log2(x) for x in p)),
)


wrongs(
    "2.6",
    "An outcome with the chance 0",
    k=lambda p: ((b := float(-(t := torch.tensor(p, dtype=torch.float64)) @ t.log2())), 2**b),
)


wrongs("2.6", "The perplexity takes the base", m=both(bits, lambda b, p: math.exp(b)))


wrongs("2.6", "The perplexity is not the number", n=both(bits, lambda b, p: len(p)))


wrongs("2.6", "The perplexity grows", o=both(bits, lambda b, p: 2**-b))


wrongs("2.6", "You doubled the entropy", p=both(bits, lambda b, p: 2 * b))


wrongs("2.6", "You squared the entropy", q=both(bits, lambda b, p: b**2))


wrongs(
    "2.6",
    ("Right numbers, wrong order", "the results"),
    r=lambda p: (2 ** bits(p), bits(p)),
)


wrongs("2.6", ("The perplexity is missing",), s=bits)


wrongs("2.6", "Only the first outcome", t=both(lambda p: next(-x * math.log2(x) for x in p if x)))


wrongs(
    "2.6",
    ("The sign is missing", "The perplexity takes"),
    u=both(lambda p: -bits(p), lambda b, p: math.exp(b)),
)


wrongs(
    "2.6",
    None,
    w=both(lambda p: 1 - sum(x * x for x in p)),
    x=both(lambda p: max(p)),
)


wrongs(
    "2.6",
    None,
    y=both(lambda p: sum(-x * math.log2(x) for x in p if x < 1 and x))
    if False
    else both(lambda p: sum(x * x for x in p)),
)


wrongs("2.6", "The number is rounded", rounded=both(lambda p: round(bits(p), 2)))


wrongs("2.6", "You return the entropy twice", v=both(bits, lambda b, p: b))
