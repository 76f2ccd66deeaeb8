"""Wrong answers to the exercises of chapter 02."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import torch
from mutants.cases import ANY, course, wrong, wrongs

from utils.data import storyworld
from utils.llm.counting.ngram import NGramModel


def utf8(borders=(0x80, 0x800, 0x10000), lead=(0, 0xC0, 0xE0, 0xF0), later=lambda six: 0x80 | six):
    def answer(text):
        found = []
        for code in map(ord, text):
            n = sum(code >= border for border in borders)
            found.append(lead[n] | code >> 6 * n)
            found += [later(code >> 6 * i & 63) for i in range(n - 1, -1, -1)]
        return found

    return answer


wrongs(
    "2.1", "These are code points", a=lambda t: [ord(c) for c in t], b=lambda t: list(map(ord, t))
)
wrongs("2.1", "One byte reaches only to 127", c=utf8((0x100, 0x800, 0x10000)))
wrongs("2.1", "The later bytes lack their mark", d=utf8(later=lambda six: six))
wrongs("2.1", "The later bytes start with the bits 11", e=utf8(later=lambda six: 0xC0 | six))
wrongs("2.1", "The first bytes lack their mark", f=utf8(lead=(0, 0, 0, 0)))
wrongs("2.1", "The mark of the first byte tells", g=utf8(lead=(0, 0xC0, 0xC0, 0xC0)))
wrongs("2.1", "The mark of the first byte has one", h=utf8(lead=(0, 0x80, 0xC0, 0xE0)))
wrongs("2.1", "Four bytes are missing", i=utf8((0x80, 0x800)))
wrongs("2.1", "The first border", j=utf8((0x81, 0x800, 0x10000)), k=utf8((0x7F, 0x800, 0x10000)))
wrongs("2.1", "The second border", m=utf8((0x80, 0x801, 0x10000)), n=utf8((0x80, 0x7FF, 0x10000)))
wrongs("2.1", "The third border", o=utf8((0x80, 0x800, 0x10001)), p=utf8((0x80, 0x800, 0xFFFF)))
wrongs(
    "2.1",
    None,
    far_border=utf8((0x80, 0x1000, 0x10000)),
    hundred=utf8((100, 0x800, 0x10000)),
    latin=lambda t: list(t.encode("latin-1", "replace")),
)
wrongs(
    "2.1",
    "The bytes are right, but they come as a bytes",
    q=lambda t: t.encode(),
    r=lambda t: t.encode("utf-8"),
)
wrongs("2.1", "The bytes are right, but in hexadecimal", s=lambda t: [hex(b) for b in t.encode()])
wrongs("2.1", "You have a list for each", t=lambda t: [list(c.encode()) for c in t])
wrongs("2.1", "These are the bytes of UTF-16", u=lambda t: list(t.encode("utf-16-be")))
wrongs(
    "2.1",
    ("The later bytes lack", "The first bytes lack"),
    v=utf8(lead=(0, 0, 0, 0), later=lambda six: six),
)


@wrong("2.1", "A later byte carries more than its six bits")
def unmasked(text):
    found = []
    for code in map(ord, text):
        n = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
        found.append([0, 0xC0, 0xE0, 0xF0][n] | code >> 6 * n)
        found += [0x80 | code >> 6 * i for i in reversed(range(n))]
    return found


@wrong("2.1", "The later bytes stand in the wrong order")
def lowest_first(text):
    found = []
    for code in map(ord, text):
        n = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
        found.append([0, 0xC0, 0xE0, 0xF0][n] | code >> 6 * n)
        found += [0x80 | code >> 6 * i & 63 for i in range(n)]
    return found


@wrong("2.1", "You shift by eight bits")
def by_eight(text):
    found = []
    for code in map(ord, text):
        n = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
        found.append([0, 0xC0, 0xE0, 0xF0][n] | code >> 8 * n)
        found += [0x80 | code >> 8 * i & 63 for i in reversed(range(n))]
    return found


wrongs(
    "2.2",
    "Two pairs that share an id",
    a=lambda ids: Counter(pairwise(ids)),
    b=lambda ids: Counter(zip(ids, ids[1:], strict=False)),
)
wrongs(
    "2.2",
    "You cut the list into separate couples",
    c=lambda ids: Counter((ids[i], ids[i + 1]) for i in range(0, len(ids) - 1, 2)),
)
wrongs(
    "2.2",
    "The order of a pair matters",
    d=lambda ids: Counter(tuple(sorted(p)) for p in pairwise(ids)),
)
wrongs(
    "2.2",
    "The last id and the first",
    e=lambda ids: Counter((ids[i - 1], ids[i]) for i in range(len(ids))),
)
wrongs("2.2", "Every pair is counted once", f=lambda ids: dict.fromkeys(pairwise(ids), 1))
wrongs(
    "2.2",
    "The last pair is missing",
    g=lambda ids: Counter((ids[i], ids[i + 1]) for i in range(len(ids) - 2)),
)
wrongs(
    "2.2",
    "The first pair is missing",
    h=lambda ids: Counter((ids[i], ids[i + 1]) for i in range(1, len(ids) - 1)),
)
wrongs("2.2", "These are the counts of single", i=lambda ids: Counter(ids))
wrongs("2.2", "The pairs are right, but", j=lambda ids: list(pairwise(ids)))
wrongs(
    "2.2",
    "You count ids that stand two",
    k=lambda ids: Counter((ids[i], ids[i + 2]) for i in range(len(ids) - 2)),
)
wrongs(
    "2.2", "Two equal neighbours", m=lambda ids: Counter((a, b) for a, b in pairwise(ids) if a != b)
)
wrongs(
    "2.2",
    None,
    n=lambda ids: Counter(map(str, pairwise(ids))),
    o=lambda ids: Counter(map(frozenset, pairwise(ids))),
    p=lambda ids: len(ids) - 1,
)


@wrong("2.2", "Of a long run")
def remembers_the_last(ids):
    counts, last = defaultdict(int), None
    for pair in pairwise(ids):
        if pair != last:
            counts[pair] += 1
        last = pair
    return counts


@wrong("2.2", "Each run of equal ids begins anew")
def never_forgets(ids):
    counts, last = Counter(), None
    for pair in pairwise(ids):
        if pair == last:
            last = None
            continue
        counts[pair] += 1
        if pair[0] == pair[1]:
            last = pair
    return counts


@wrong("2.2", "Each run of equal ids begins anew")
def halves(ids):
    counts = Counter(pairwise(ids))
    return {p: math.ceil(n / 2) if p[0] == p[1] else n for p, n in counts.items()}


@wrong("2.2", "Skip only the same pair")
def jumps(ids):
    counts, i = Counter(), 0
    while i < len(ids) - 1:
        counts[(ids[i], ids[i + 1])] += 1
        i += 2 if ids[i] == ids[i + 1] else 1
    return counts


@wrong("2.2", None)
def only_the_first_run(ids):
    counts, skipping = Counter(pairwise(ids)), ids[:1]
    run = len([x for x in ids if [x] == skipping])
    if run > 1:
        counts[(ids[0], ids[0])] = run // 2
    return counts


def merge(hit, step=2, end=0, new=lambda pair, n: [n]):
    def answer(ids, pair, new_id):
        out, i = [], 0
        while i < len(ids) - end:
            if i + 1 < len(ids) and hit(ids, i, pair):
                out += new(pair, new_id)
                i += step
            else:
                out.append(ids[i])
                i += 1
        return out

    return answer


def same(ids, i, pair):
    return (ids[i], ids[i + 1]) == pair


wrongs(
    "2.3",
    "Nothing was merged",
    a=merge(lambda ids, i, p: ids[i : i + 2] == p),
    b=lambda ids, p, n: ids,
    c=lambda ids, p, n: [n if x == p else x for x in ids],
)
wrongs("2.3", "You compare only the first id", d=merge(lambda ids, i, p: ids[i] == p[0]))
wrongs("2.3", "You compare only the second id", e=merge(lambda ids, i, p: ids[i + 1] == p[1]))
wrongs("2.3", "You merge any two", f=merge(lambda ids, i, p: ids[i] in p and ids[i + 1] in p))
wrongs(
    "2.3",
    "You also merged the pair the other way",
    g=merge(lambda ids, i, p: set(ids[i : i + 2]) == set(p)),
)
wrongs(
    "2.3", "You merge the pair the other way", h=merge(lambda ids, i, p: (ids[i + 1], ids[i]) == p)
)
wrongs(
    "2.3",
    ("The second token of the pair is still", "After a merge"),
    i=merge(same, step=1),
    j=merge(same, new=lambda p, n: [n, p[1]]),
)
wrongs("2.3", "The first token of the pair is still", k=merge(same, new=lambda p, n: [p[0], n]))
wrongs("2.3", "The new id stands there twice", m=merge(same, new=lambda p, n: [n, n]))
wrongs("2.3", "The pair has gone", n=merge(same, new=lambda p, n: []))
wrongs("2.3", "You put the pair itself", o=merge(same, new=lambda p, n: [p]))
wrongs("2.3", "The last token is lost", p=merge(same, end=1))
wrongs(
    "2.3", "A pair at the very end", q=merge(lambda ids, i, p: i + 2 < len(ids) and same(ids, i, p))
)
wrongs(
    "2.3",
    "After a merge",
    r=lambda ids, p, n: [n if q == p else q[0] for q in pairwise(ids)],
)
wrongs(
    "2.3",
    "You replace text",
    s=lambda ids, p, n: [
        int(x) for x in " ".join(map(str, ids)).replace(f"{p[0]} {p[1]}", str(n)).split()
    ],
)
wrongs(
    "2.3",
    None,
    three=merge(same, step=3),
    commas=lambda ids, p, n: [*ids, n],
    as_string=lambda ids, p, n: "".join(map(str, ids)),
)
wrongs(
    "2.3",
    ("After a merge",),
    two=merge(same, step=1, end=1),
)


@wrong("2.3", "At the last token there is no")
def off_the_end(ids, pair, new_id):
    out, i = [], 0
    while i < len(ids):
        if (ids[i], ids[i + 1]) == pair:
            out.append(new_id)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


@wrong("2.3", ANY)
def popped(ids, pair, new_id):
    for i in range(len(ids) - 1):
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) == pair:
            ids[i] = new_id
            ids.pop(i + 1)
    return ids


@wrong("2.3", "Only the first occurrence")
def once(ids, pair, new_id):
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == pair:
            return [*ids[:i], new_id, *ids[i + 2 :]]
    return list(ids)


count_pairs, merge_pair = course("2.2"), course("2.3")


def step(
    choose=lambda c: min(c, key=lambda p: (-c[p], p)),
    count=None,
    merged=None,
    nothing=lambda words: (None, words),
):
    def answer(words, new_id):
        counts = Counter()
        for word in words:
            counts.update(count_pairs(word))
        counts = count(words) if count else counts
        if not counts:
            return nothing(words)
        pair = choose(counts)
        return pair, merged(words, pair, new_id) if merged else [
            merge_pair(w, pair, new_id) for w in words
        ]

    return answer


wrongs(
    "2.4",
    ("On a tie you take the pair that came first", "On a tie the smaller"),
    a=step(lambda c: max(c, key=c.get)),
    b=step(lambda c: c.most_common(1)[0][0]),
)
wrongs(
    "2.4",
    "On a tie you take the larger",
    c=step(lambda c: max(c, key=lambda p: (c[p], p))),
    d=step(lambda c: sorted(c, key=lambda p: (c[p], p))[-1]),
)
wrongs("2.4", "You merge the rarest", e=step(lambda c: min(c, key=lambda p: (c[p], p))))
wrongs("2.4", "You take the smallest pair", f=step(min))
wrongs("2.4", None, g=step(lambda c: c.most_common()[-1][0]), largest_pair=step(max))
wrongs(
    "2.4",
    "You counted a pair across",
    h=step(count=lambda ws: count_pairs([t for w in ws for t in w])),
)
wrongs("2.4", "A run such as", i=step(count=lambda ws: Counter(p for w in ws for p in pairwise(w))))
wrongs(
    "2.4",
    "Add the counts of every word",
    j=step(count=lambda ws: Counter(p for w in ws for p in count_pairs(w))),
)
wrongs(
    "2.4",
    "The counts of a word replace",
    k=step(count=lambda ws: {p: n for w in ws for p, n in count_pairs(w).items()}),
)
wrongs(
    "2.4",
    "You counted in the first word",
    m=step(count=lambda ws: count_pairs(ws[0]) if ws else {}),
)
wrongs(
    "2.4",
    "A word that occurs three times",
    n=step(
        count=lambda ws: sum(
            (Counter(count_pairs(list(w))) for w in set(map(tuple, ws))), Counter()
        )
    ),
)
wrongs("2.4", "The pair is right, but the words are unchanged", o=step(merged=lambda ws, p, n: ws))
wrongs(
    "2.4",
    "The words have flowed together",
    p=step(merged=lambda ws, p, n: [t for w in ws for t in merge_pair(w, p, n)]),
)
wrongs(
    "2.4",
    "The pair is merged in the first word",
    q=step(merged=lambda ws, p, n: [merge_pair(ws[0], p, n), *ws[1:]]),
)
wrongs(
    "2.4",
    "The text must stay whole",
    r=step(
        merged=lambda ws, p, n: [merge_pair(list(w), p, n) for w in dict.fromkeys(map(tuple, ws))]
    ),
)
wrongs("2.4", "Return two things", s=step(nothing=lambda words: None))
wrongs("2.4", "Where no pair is left", t=step(nothing=lambda words: (None, [])))
wrongs(
    "2.4",
    None,
    u=step(nothing=lambda words: (words, None)),
    v=step(merged=lambda ws, p, n: [[p] for w in ws]),
)
wrongs("2.4", None, w=lambda ws, n: step()(ws, n)[1])
wrongs("2.4", ("Right results", "the results"), x=lambda ws, n: step()(ws, n)[::-1])


@wrong("2.4", "`min` or `max` of nothing")
def nothing_left(words, new_id):
    counts = Counter()
    for word in words:
        counts.update(count_pairs(word))
    pair = min(counts, key=lambda pair: (-counts[pair], pair))
    return pair, [merge_pair(word, pair, new_id) for word in words]


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


wrongs("2.5", None, a=ngram(top, lambda t, s, *_: t or 1))
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
    None,
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


@wrong("2.5", None)
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
    v=both(bits, lambda b, p: b),
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


def cut(starts, shift=1, shape=lambda t: t):
    def answer(ids, length):
        begin = list(starts(len(ids), length))
        rows = [
            torch.tensor([list(ids[i + s : i + s + length]) for i in begin]) for s in (0, shift)
        ]
        return tuple(map(shape, rows))

    return answer


def end_to_end(n, length):
    return range(0, n - length, length)


wrongs("2.7", "Inputs and targets are the same", a=cut(end_to_end, 0))
wrongs("2.7", "The windows overlap", b=cut(lambda n, t: range(n - t)))
wrongs("2.7", "Each window begins one id further", c=cut(lambda n, t: range(0, n - t, t + 1)))
wrongs("2.7", "You cut the first window only", d=cut(lambda n, t: [0]))
wrongs(
    "2.7",
    "The windows are right, but they are lists",
    e=cut(end_to_end, shape=lambda t: t.tolist()),
)
wrongs("2.7", "Ids are whole numbers", f=cut(end_to_end, shape=lambda t: t.float()))
wrongs("2.7", "Your tensors are turned", g=cut(end_to_end, shape=lambda t: t.T))
wrongs(
    "2.7",
    "The ids are right, but they stand in one row",
    h=cut(end_to_end, shape=lambda t: t.reshape(-1)),
)
wrongs(
    "2.7",
    ("Inputs and targets are exchanged", "the results"),
    i=lambda ids, t: cut(end_to_end)(ids, t)[::-1],
)
wrongs("2.7", "The targets are missing", j=lambda ids, t: cut(end_to_end)(ids, t)[0])
wrongs(
    "2.7",
    "The last target of a window",
    k=lambda ids, t: ((w := cut(end_to_end)(ids, t)[0]), w.roll(-1, 1)),
)
wrongs(
    "2.7",
    "The targets look back",
    m=lambda ids, t: ((w := cut(end_to_end)(ids, t)[0]), w.roll(1, 1)),
)
wrongs(
    "2.7",
    "One target for a whole window",
    n=lambda ids, t: ((w := cut(end_to_end)(ids, t))[0], w[1][:, -1]),
)
wrongs(
    "2.7",
    ("The windows overlap", "Inputs and targets are the same"),
    o=cut(lambda n, t: range(n - t), 0),
)
wrongs(
    "2.7",
    None,
    by_two=lambda ids, t: cut(end_to_end, 2)([*ids, 0], t),
    one_dimension_more=cut(end_to_end, shape=lambda t: t[None]),
    pair=lambda ids, t: list(zip(ids, ids[1:], strict=False)),
    ids_as_they_are=lambda ids, t: (torch.tensor(ids[:-1]), torch.tensor(ids[1:])),
)


@wrong("2.7", "The last target needs one id more")
def one_short(ids, length):
    row = torch.tensor(ids)
    n = len(row) // length
    inputs = row[: n * length].view(n, length)
    targets = row[1 : n * length + 1].view(n, length)
    return inputs, targets


@wrong("2.7", "The ids run down the columns")
def columns(ids, length):
    row = torch.tensor(ids)
    n = (len(row) - 1) // length
    return row[: n * length].view(length, n).T, row[1 : n * length + 1].view(length, n).T


@wrong("2.7", None)
def rest_not_dropped(ids, length):
    row = torch.tensor(ids)
    return row[:-1].view(-1, length), row[1:].view(-1, length)


@wrong("2.7", "A whole window is lost")
def last_lost(ids, length):
    n = max((len(ids) - length - 1) // length, 1)
    row = torch.tensor(ids)
    return row[: n * length].view(n, length), row[1 : n * length + 1].view(n, length)


wrongs("2.6", "The number is rounded", rounded=both(lambda p: round(bits(p), 2)))


def experiment(first=1000, second=2000, judge=slice(2000, 2300), strength=1.0, judge_twice=None):
    def answer(order):
        read, bits = STORIES(), []
        for n, judged in ((first, judge), (second, judge_twice or judge)):
            model = NGramModel(order, strength).fit(read[:n], storyworld.VOCABULARY)
            bits.append(model.bits_per_word(read[judged]))
        return bits[0] - bits[1]

    return answer


@cache
def STORIES():
    return [story.split() for story in storyworld.stories(2300, seed=11)]


wrongs(
    "2.8",
    "That is the right amount with the sign turned",
    a=experiment(2000, 1000),
)
wrongs("2.8", "Your number is negative", b=experiment(judge=slice(0, 300)))
wrongs("2.8", "You gain next to nothing", c=experiment(1000, 1000), d=experiment(2000, 2000))
wrongs(
    "2.8",
    "That is too much",
    e=experiment(judge=slice(1000, 1300)),
    f=experiment(250, 2000),
    g=experiment(strength=0.1),
    h=lambda order: 1.0,
    half_of_each=experiment(500, 1000),
    ratio=lambda order: 1.0 + experiment()(order),
)
wrongs(
    "2.8",
    "That is too little",
    i=experiment(1900, 2000),
    j=lambda order: experiment()(order) * math.log(2),
    k=experiment(strength=8.0),
)
wrongs("2.8", None, n=lambda order: "much", o=lambda order: (0.1, 0.2))


wrongs("2.8", "That is too little", always_the_fourth=lambda order: experiment()(4))
