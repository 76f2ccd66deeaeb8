"""Sound answers of odd kinds to the exercises of chapter 02."""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict, defaultdict
from functools import cache, reduce
from itertools import accumulate, groupby, pairwise

import numpy as np
import torch
from mutants.cases import course, sound, sounds

from utils.data import storyworld
from utils.llm.counting.ngram import NGramModel

count_pairs, merge_pair = course("2.2"), course("2.3")


@sound("2.1")
def by_division(text):
    found = []
    for code in map(ord, text):
        if code < 128:
            found.append(code)
        elif code < 2048:
            found += [192 + code // 64, 128 + code % 64]
        elif code < 65536:
            found += [224 + code // 4096, 128 + code // 64 % 64, 128 + code % 64]
        else:
            later = [128 + code // 64**i % 64 for i in (2, 1, 0)]
            found += [240 + code // 64**3, *later]
    return found


@sound("2.1")
def by_recursion(text):
    if not text:
        return []
    return list(text[0].encode()) + by_recursion(text[1:])


@sound("2.1")
def from_the_end(text):
    found = []
    for char in text:
        code, later = ord(char), []
        room = 128
        while code >= room:
            later.insert(0, 0x80 | code & 63)
            code >>= 6
            room = 32 if room == 128 else room >> 1
        lead = {0: 0, 1: 0xC0, 2: 0xE0, 3: 0xF0}[len(later)]
        found += [lead | code, *later]
    return found


sounds(
    "2.1",
    encoder=lambda text: list(text.encode("utf-8")),
    bytes_of=lambda string: [*bytes(string, "utf8")],
    a_tuple=lambda text: tuple(text.encode()),
    bytearray_of=lambda text: list(bytearray(text, "utf-8")),
    from_hex=lambda text: [int(pair, 16) for pair in re.findall("..", text.encode().hex())],
    numbers_of_numpy=lambda text: [np.uint8(b) for b in text.encode()],
)


@sound("2.2")
def by_a_while(ids):
    counts, i = {}, 0
    while i + 1 < len(ids):
        pair = ids[i], ids[i + 1]
        counts[pair] = counts.get(pair, 0) + 1
        same = ids[i] == ids[i + 1] and ids[i + 2 : i + 3] == [ids[i + 1]]
        i += 2 if same else 1
    return counts


@sound("2.2")
def by_merging(ids):
    """As many as a merge would take: the length before, less the length after."""
    return {p: len(ids) - len(merge_pair(ids, p, -1)) for p in set(pairwise(ids))}


@sound("2.2")
def overlaps_taken_off(ids):
    counts = Counter(pairwise(ids))
    for key, run in groupby(ids):
        n = len(list(run))
        if n > 2:
            counts[key, key] -= (n - 1) - n // 2
    return counts


@sound("2.2")
def last_place_used(row):
    counts, used = defaultdict(int), defaultdict(lambda: -2)
    for i, pair in enumerate(pairwise(row)):
        if pair[0] == pair[1] and used[pair] == i - 1:
            continue
        counts[pair] += 1
        used[pair] = i
    return counts


sounds(
    "2.2",
    ordered=lambda ids: OrderedDict(count_pairs(ids)),
    plain_dict=lambda ids: dict(count_pairs(ids)),
    with_noughts=lambda ids: Counter({**count_pairs(ids), (-1, -1): 0}),
    of_an_array=lambda ids: count_pairs(np.array(ids, dtype=int).tolist()),
)


@sound("2.3")
def by_regular_expression(ids, pair, new_id):
    text = "".join(f"<{i}>" for i in ids).replace(f"<{pair[0]}><{pair[1]}>", f"<{new_id}>")
    return [int(i) for i in re.findall(r"<(\d+)>", text)]


@sound("2.3")
def with_an_iterator(ids, pair, new_id):
    out, rest = [], iter(ids)
    for token in rest:
        while token == pair[0]:
            follower = next(rest, None)
            if follower == pair[1]:
                token = new_id
                break
            out.append(token)
            if follower is None:
                return out
            token = follower
        out.append(token)
    return out


@sound("2.3")
def by_folding(tokens, pair, number):
    def fold(done, token):
        hit = done and not done[-1][1] and (done[-1][0], token) == tuple(pair)
        return [*done[:-1], (number, True)] if hit else [*done, (token, False)]

    return [token for token, _ in reduce(fold, tokens, [])]


@sound("2.3")
def skipping(ids, pair, new_id):
    out, skip = [], False
    for i, token in enumerate(ids):
        if skip:
            skip = False
        elif tuple(ids[i : i + 2]) == pair:
            out.append(new_id)
            skip = True
        else:
            out.append(token)
    return out


@sound("2.3")
def in_a_copy(ids, pair, new_id):
    ids, i = list(ids), 0
    while i < len(ids) - 1:
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            ids[i : i + 2] = [new_id]
        i += 1
    return ids


sounds(
    "2.3",
    a_tuple=lambda ids, pair, new_id: tuple(merge_pair(ids, pair, new_id)),
    list_of_the_pair=lambda ids, pair, new_id: merge_pair(ids, list(pair), new_id),
    other_names=lambda row, both, number: merge_pair(row, both, number),
)


def counted(words):
    counts = Counter()
    for word in words:
        counts.update(count_pairs(word))
    return counts


@sound("2.4")
def by_sorting(words, new_id):
    counts = counted(words)
    if not counts:
        return None, words
    best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0][0]
    return best, [merge_pair(word, best, new_id) for word in words]


@sound("2.4")
def by_the_largest_count(words, new_id):
    counts = counted(words)
    top = max(counts.values(), default=0)
    best = min((pair for pair, n in counts.items() if n == top), default=None)
    return (best, words) if best is None else (best, [merge_pair(w, best, new_id) for w in words])


@sound("2.4")
def by_a_loop(words, new_id):
    best, most = None, 0
    for pair, n in counted(words).items():
        if n > most or (n == most and pair < best):
            best, most = pair, n
    merged = words if best is None else [merge_pair(word, best, new_id) for word in words]
    return best, merged


@sound("2.4")
def sum_of_counters(words, new_id):
    counts = sum((Counter(count_pairs(word)) for word in words), Counter())
    pair = max(counts, key=lambda p: (counts[p], -p[0], -p[1]), default=None)
    return pair, [merge_pair(word, pair, new_id) if pair else word for word in words]


sounds(
    "2.4",
    a_list=lambda words, new_id: list(by_a_loop(words, new_id)),
    pair_as_list=lambda words, new_id: (
        (list(pair) if (pair := by_a_loop(words, new_id)[0]) else None),
        by_a_loop(words, new_id)[1],
    ),
    tuples=lambda words, new_id: (
        by_a_loop(words, new_id)[0],
        tuple(map(tuple, by_a_loop(words, new_id)[1])),
    ),
    other_names=lambda chunks, number: by_sorting(chunks, number),
)


def chances(table, context, lower, strength):
    counts = table.get(context, {})
    total = sum(counts.values()) + strength
    return {word: (counts.get(word, 0) + strength * p) / total for word, p in lower.items()}


@sound("2.5")
def interpolated(table, context, lower, strength):
    counts = table.get(context, Counter())
    trust = counts.total() / (counts.total() + strength)
    return {
        w: trust * (counts[w] / counts.total() if counts else 0) + (1 - trust) * p
        for w, p in lower.items()
    }


@sound("2.5")
def normalised(table, context, lower, strength):
    counts = table.get(context, {})
    raw = {w: counts.get(w, 0) + strength * p for w, p in lower.items()}
    total = sum(counts.values()) + strength
    return {w: x / total for w, x in raw.items()}


@sound("2.5")
def with_a_try(table, context, lower, strength):
    try:
        counts = table[context]
    except KeyError:
        return dict(lower)
    total = sum(counts.values()) + strength
    return {w: (counts[w] + strength * lower[w]) / total for w in lower}


@sound("2.5")
def in_numpy(table, context, lower, strength):
    counts = table.get(context, {})
    n = np.array([counts.get(w, 0) for w in lower], dtype=float)
    p = np.array(list(lower.values()))
    return dict(zip(lower, (n + strength * p) / (sum(counts.values()) + strength), strict=True))


sounds(
    "2.5",
    ordered=lambda *given: OrderedDict(chances(*given)),
    counter=lambda *given: Counter(chances(*given)),
    default=lambda *given: defaultdict(float, chances(*given)),
    other_names=lambda counts, before, shorter, weight: chances(counts, before, shorter, weight),
    tensors=lambda *given: {w: torch.tensor(p) for w, p in chances(*given).items()},
)


def bits(p):
    return -sum(x * math.log2(x) for x in p if x)


sounds(
    "2.6",
    plain=lambda p: (bits(p), 2 ** bits(p)),
    a_list=lambda p: [bits(p), 2 ** bits(p)],
    of_inverses=lambda p: ((b := sum(x * math.log2(1 / x) for x in p if x > 0)), math.pow(2, b)),
    product=lambda p: (bits(p), 1 / math.prod(x**x for x in p)),
    natural=lambda p: (
        (nats := -sum(x * math.log(x) for x in p if x)) / math.log(2),
        math.exp(nats),
    ),
    numpy=lambda p: (
        (b := -np.sum(np.where(np.array(p) > 0, p * np.log2(np.maximum(p, 1e-300)), 0))),
        np.exp2(b),
    ),
    tensor=lambda p: (
        torch.distributions.Categorical(torch.tensor(p, dtype=torch.float64)).entropy()
        / math.log(2),
        torch.tensor(2.0) ** bits(p),
    ),
    summed_step_by_step=lambda chances: (
        (b := [*accumulate(-x * math.log2(x) for x in chances if x)][-1]),
        2**b,
    ),
    one_tensor=lambda p: torch.tensor([bits(p), 2 ** bits(p)], dtype=torch.float64),
)


def cut(ids, length):
    n = (len(ids) - 1) // length
    row = torch.tensor(ids)
    return row[: n * length].view(n, length), row[1 : n * length + 1].view(n, length)


sounds(
    "2.7",
    plain=cut,
    unfolded=lambda ids, t: (
        torch.tensor(ids[:-1]).unfold(0, t, t),
        torch.tensor(ids[1:]).unfold(0, t, t),
    ),
    a_list=lambda ids, t: list(cut(ids, t)),
    reshape=lambda ids, t: (
        torch.tensor(ids[: (len(ids) - 1) // t * t]).reshape(-1, t),
        torch.tensor(ids[1 : (len(ids) - 1) // t * t + 1]).reshape(-1, t),
    ),
    stacked=lambda ids, t: (
        torch.stack([torch.tensor(ids[i : i + t]) for i in range(0, len(ids) - t, t)]),
        torch.stack([torch.tensor(ids[i + 1 : i + t + 1]) for i in range(0, len(ids) - t, t)]),
    ),
    numpy=lambda ids, t: (
        np.array([ids[i : i + t] for i in range(0, len(ids) - t, t)]),
        np.array([ids[i + 1 : i + t + 1] for i in range(0, len(ids) - t, t)]),
    ),
    as_strided=lambda ids, t: (
        torch.tensor(ids).as_strided(((len(ids) - 1) // t, t), (t, 1)),
        torch.tensor(ids).as_strided(((len(ids) - 1) // t, t), (t, 1), 1),
    ),
    int32=lambda row, length: tuple(part.int() for part in cut(row, length)),
    named=lambda ids, context_length: cut(ids, context_length),
)


@cache
def read(seed):
    return [story.split() for story in storyworld.stories(2500, seed=seed)]


def gain(seed, judged, order):
    bits = [
        NGramModel(order).fit(read(seed)[:n], storyworld.VOCABULARY).bits_per_word(judged)
        for n in (1000, 2000)
    ]
    return bits[0] - bits[1]


sounds(
    "2.8",
    three_hundred=lambda order: gain(3, read(3)[2000:2300], order),
    five_hundred=lambda order: gain(4, read(4)[2000:], order),
    others=lambda n: gain(3, read(4)[2000:2300], n),
    numpy=lambda order: np.float64(gain(4, read(3)[2000:2300], order)),
    tensor=lambda order: torch.tensor(gain(3, read(3)[2100:2300], order)),
    own_vocabulary=lambda order: (
        NGramModel(order).fit(read(3)[:1000]).bits_per_word(read(3)[2000:2300])
        - NGramModel(order).fit(read(3)[:2000]).bits_per_word(read(3)[2000:2300])
    ),
    mean_of_two=lambda order: (
        (gain(3, read(3)[2000:2200], order) + gain(4, read(4)[2000:2200], order)) / 2
    ),
)
