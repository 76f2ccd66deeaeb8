"""Wrong answers to exercises 2.2 and 2.3."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import pairwise

from mutants.cases import ANY, wrong, wrongs

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


wrongs(
    "2.2",
    says="A list of pairs and counts came back, and pairs",
    listed=lambda ids: Counter(pairwise(ids)).most_common(),
)
wrongs(
    "2.2",
    says="The keys are texts, and pairs",
    as_text=lambda ids: Counter(f"{a} {b}" for a, b in pairwise(ids)),
)
