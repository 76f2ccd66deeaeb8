"""Sound answers of odd kinds to the exercise of chapter 00."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict
from itertools import groupby, pairwise

import numpy as np
from mutants.cases import sound, sounds

sounds(
    "0.1",
    with_max=lambda words, word: max(
        [b for a, b in pairwise(words) if a == word],
        key=[b for a, b in pairwise(words) if a == word].count,
        default=None,
    ),
    most_common_or_nothing=lambda ws, w: next(
        iter(Counter(b for a, b in pairwise(ws) if a == w).most_common(1)), (None,)
    )[0],
    other_names=lambda text, token: max(
        (followers := Counter(b for a, b in pairwise(text) if a == token)),
        key=followers.get,
        default=None,
    ),
)


@sound("0.1")
def by_index(words, word):
    counts = defaultdict(int)
    for i in range(1, len(words)):
        if words[i - 1] == word:
            counts[words[i]] += 1
    best = None
    for follower in counts:
        if best is None or counts[follower] > counts[best]:
            best = follower
    return best


@sound("0.1")
def by_recursion(words, word):
    def count(i, counts):
        if i + 1 >= len(words):
            return counts
        if words[i] == word:
            counts[words[i + 1]] = counts.get(words[i + 1], 0) + 1
        return count(i + 1, counts)

    counts = count(0, OrderedDict())
    return max(counts, key=counts.get) if counts else None


@sound("0.1")
def by_numpy(words, word):
    row = np.array(words, dtype=object)
    found = row[1:][row[:-1] == word] if len(row) > 1 else row[:0]
    values, first, counts = np.unique(found, return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    return values[order[0]] if len(order) else None


@sound("0.1")
def by_sorting(words, word):
    found = sorted((b, i) for i, (a, b) in enumerate(pairwise(words)) if a == word)
    groups = [(b, [i for _, i in group]) for b, group in groupby(found, key=lambda pair: pair[0])]
    return min(groups, key=lambda g: (-len(g[1]), g[1][0]), default=(None, []))[0]


@sound("0.1")
def by_regular_expression(words, word):
    if not words:
        return None
    found = re.findall(rf"(?:^| ){re.escape(word)}(?= (\S+))", " ".join(words))
    return max(found, key=found.count, default=None)


@sound("0.1")
def a_whole_table(words, word):
    table: dict[str, Counter] = {}
    for a, b in pairwise(words):
        table.setdefault(a, Counter())[b] += 1
    return table[word].most_common(1)[0][0] if word in table else None


@sound("0.1")
def with_a_try(words, word):
    try:
        return Counter(b for a, b in pairwise(words) if a == word).most_common(1)[0][0]
    except IndexError:
        return None
