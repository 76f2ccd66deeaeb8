"""Further wrong answers to the exercises of chapter 02."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import torch
from mutants.cases import course, wrong

count_pairs, merge_pair = course("2.2"), course("2.3")


@wrong("2.1", "Four bytes begin like three")
def four_bytes_begin_like_three(text):
    out = []
    for code in map(ord, text):
        n = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
        later = [0x80 | code >> 6 * i & 0x3F for i in reversed(range(n))]
        out += [(0, 0xC0, 0xE0, 0xE0)[n] | code >> 6 * n, *later]
    return out


@wrong("2.2", "A pair of equal ids is skipped")
def a_used_token_ends_an_equal_pair(ids):
    counts, last = Counter(), None
    for pair in pairwise(ids):
        if last and pair[0] == pair[1] == last[1]:
            last = None
        else:
            counts[pair] += 1
            last = pair
    return counts


@wrong("2.2", "The keys are texts")
def stops_one_early_keys_as_strings(ids):
    counts, last = {}, None
    for i in range(len(ids) - 2):
        pair = (ids[i], ids[i + 1])
        if pair == last:
            last = None
            continue
        key = f"{pair[0]},{pair[1]}"
        counts[key] = counts.get(key, 0) + 1
        last = pair
    return counts


@wrong("2.3", "A merged token merges once more")
def merges_what_it_has_just_made(ids, pair, new_id):
    out = []
    for i in ids:
        again = pair[0] == pair[1] == i and out[-1:] == [new_id]
        if again or (out and (out[-1], i) == tuple(pair)):
            out[-1] = new_id
        else:
            out.append(i)
    return out


@wrong("2.4", "Where no pair is left")
def no_pair_left_no_words_left(words, new_id):
    counts = Counter()
    for word in words:
        counts.update(count_pairs(word))
    if not counts:
        return None, []
    pair = min(counts, key=lambda p: (-counts[p], p))
    return pair, [merge_pair(word, pair, new_id) for word in words if len(word) > 1]


@wrong("2.5", "Words that never followed")
def only_the_words_that_were_counted(table, context, lower, strength):
    counts = table.get(context)
    if not counts:
        return dict(lower)
    total = sum(counts.values())
    return {w: (n + strength * lower[w]) / (total + strength) for w, n in counts.items()}


@wrong("2.5", "A context that the table doesn't have gives every word")
def even_shares_for_a_context_never_met(table, context, lower, strength):
    if context not in table:
        return {w: 1 / len(lower) for w in lower}
    counts = table[context]
    total = sum(counts.values())
    return {w: (counts.get(w, 0) + strength * p) / (total + strength) for w, p in lower.items()}


@wrong("2.6", "Small chances are left out")
def small_chances_taken_for_none(p):
    bits = -sum(x * math.log2(x) for x in p if x > 0.01)
    return bits, 2**bits


@wrong("2.6", "One over the largest")
def zero_not_looked_for_and_perplexity_by_the_likeliest(p):
    return sum(x * math.log2(1 / x) for x in p), 1 / max(p)


@wrong("2.7", "The last window is lost")
def the_last_fitting_window_dropped(ids, context_length):
    T = context_length
    starts = range(0, len(ids) - T - 1, T)
    inputs = torch.tensor([ids[i : i + T] for i in starts])
    targets = torch.tensor([ids[i + 1 : i + T + 1] for i in starts])
    return inputs.view(-1, T), targets.view(-1, T)
