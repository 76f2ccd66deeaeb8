"""Chapter 02, on the way to tokens: pairs, merges, the trainer's step."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, pairwise

from utils.course.checking.exercise import Exercise
from utils.llm.tokenizer import bpe as tokenizer

Pair = tuple[int, int]

# 2.2 ---------------------------------------------------------------------------------------------


def _count_runs_by_length(ids: Sequence[int]) -> dict[Pair, int]:
    """Run by run: a run of n equal ids holds n // 2 pairs of itself, and one with the next run."""
    runs = [(key, len(list(group))) for key, group in groupby(ids)]
    counts: dict[Pair, int] = defaultdict(int)
    for key, length in runs:
        if length > 1:
            counts[key, key] += length // 2
    for (a, _), (b, _) in pairwise(runs):
        counts[a, b] += 1
    return counts


def _count_skipping_all(ids: Sequence[int]) -> Counter[Pair]:
    """Skips two places after every pair that it counts, as merging does."""
    return Counter(zip(ids[::2], ids[1::2], strict=False))


def _count_half_of_equal_pairs(ids: Sequence[int]) -> dict[Pair, int]:
    """Halves the count of a pair of equal ids, as if the list held one run of them."""
    return {(a, b): (n + 1) // 2 if a == b else n for (a, b), n in Counter(pairwise(ids)).items()}


def _count_jumping(ids: Sequence[int]) -> Counter[Pair]:
    counts: Counter[Pair] = Counter()
    i = 0
    while i + 1 < len(ids):
        counts[ids[i], ids[i + 1]] += 1
        i += 2 if ids[i] == ids[i + 1] else 1
    return counts


def _count_with_a_memory(ids: Sequence[int]) -> Counter[Pair]:
    """Remembers every pair that it counts: only one of equal ids can follow itself."""
    counts: Counter[Pair] = Counter()
    last = None
    for pair in pairwise(ids):
        last = None if pair == last else pair
        counts[pair] += last is not None
    return counts


COUNT_PAIRS = Exercise(
    id="2.2",
    title="Count the pairs",
    minutes=8,
    stars=2,
    reference=tokenizer.count_pairs,
    probes=[
        ([],),
        ([7],),
        ([1, 2],),
        ([1, 2, 3],),
        ([1, 1, 1],),
        ([1, 2, 1],),
        ([1, 2, 1, 2],),
        ([3, 3, 3, 3, 300, 3],),
        ([7, 7, 8, 7, 7],),
        ([7, 7, 7, 8, 7, 7],),
        ([4, 4, 4, 5, 4, 4],),
        (list(b"banana bandana"),),
        (list("하하하 호호".encode()),),
    ],
    mistakes={
        "You cut the list into separate couples. Every neighbourhood counts: in [1, 2, 3] both "
        "(1, 2) and (2, 3).": _count_skipping_all,
        "Two pairs that share an id were both counted. [1, 1, 1] holds (1, 1) once: a merge would "
        "use up two of the three. After counting such a pair, skip the one that begins with its "
        "second id.": lambda ids: Counter(pairwise(ids)),
        "Two runs of the same id are counted apart: [7, 7, 8, 7, 7] holds (7, 7) twice. Forget the "
        "remembered pair as soon as another pair comes.": _count_half_of_equal_pairs,
        "Skip only the same pair, not whatever comes next: [7, 7, 8] holds (7, 7) and "
        "(7, 8).": _count_jumping,
        "The order of a pair matters: (2, 1) is not (1, 2). Don't sort its members.": lambda ids: (
            Counter((min(pair), max(pair)) for pair in pairwise(ids))
        ),
        "The last id and the first are no neighbours, though ids[-1] lets them look so. Start the "
        "loop at the second id.": lambda ids: Counter(
            (ids[i - 1], ids[i]) for i in range(len(ids))
        ),
        "Every pair is counted once only. Add 1 each time it is met.": lambda ids: dict.fromkeys(
            pairwise(ids), 1
        ),
        "The last pair is missing. A list of n ids has n − 1 pairs.": lambda ids: Counter(
            (ids[i], ids[i + 1]) for i in range(len(ids) - 2)
        ),
        "These are the counts of single ids. Count each together with the one after "
        "it.": lambda ids: Counter(ids),
    },
    alternatives={
        "run by run, in a dict": _count_runs_by_length,
        "the pair just counted": _count_with_a_memory,
    },
)

# 2.3 ---------------------------------------------------------------------------------------------


def _merge(
    ids: Sequence[int],
    new_id: int,
    hits: Callable[[int], bool],
    step: Callable[[int], int] = lambda i: 2,
    end: int = 0,
) -> list[int]:
    """The merge, with a test for a hit and a step after it that a wrong turn can change."""
    merged: list[int] = []
    i = 0
    while i < len(ids) - end:
        hit = i + 1 < len(ids) and hits(i)
        merged.append(new_id if hit else ids[i])
        i += step(i) if hit else 1
    return merged


def _is(ids: Sequence[int], pair: Pair) -> Callable[[int], bool]:
    return lambda i: tuple(ids[i : i + 2]) == tuple(pair)


def _merge_first_only(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    found = next(filter(_is(ids, pair), range(len(ids))), None)
    return list(ids) if found is None else [*ids[:found], new_id, *ids[found + 2 :]]


def _merge_overlapping(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    hits = _is(ids, pair)
    return _merge(ids, new_id, hits, lambda i: 1 if hits(i + 1) else 2)


def _merge_from_the_right(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    return tokenizer.merge_pair(list(ids[::-1]), (pair[1], pair[0]), new_id)[::-1]


def _merge_either_order(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    return _merge(ids, new_id, lambda i: sorted(ids[i : i + 2]) == sorted(pair))


def _merge_as_text(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    text = " ".join(map(str, ids)).replace(f"{pair[0]} {pair[1]}", str(new_id))
    return [int(number) for number in text.split()]


def _merge_with_a_stack(ids: Sequence[int], pair: Pair, new_id: int) -> tuple[int, ...]:
    stack: list[int] = []
    for token in ids:
        if stack and (stack[-1], token) == tuple(pair):
            stack[-1] = new_id
        else:
            stack.append(token)
    return tuple(stack)


def _merge_by_recursion(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    if len(ids) < 2:
        return list(ids)
    hit = (ids[0], ids[1]) == tuple(pair)
    rest = _merge_by_recursion(ids[2 if hit else 1 :], pair, new_id)
    return [new_id if hit else ids[0], *rest]


MERGE_A_PAIR = Exercise(
    id="2.3",
    title="Merge a pair",
    minutes=8,
    stars=2,
    reference=tokenizer.merge_pair,
    probes=[
        ([], (1, 2), 9),
        ([1], (1, 2), 9),
        ([1, 2], (1, 2), 9),
        ([2, 1], (1, 2), 9),
        ([1, 2, 3], (1, 2), 9),
        ([3, 1, 2], (1, 2), 9),
        ([11, 2], (1, 2), 9),
        ([1, 25], (1, 2), 9),
        ([1, 2, 1, 2], (1, 2), 9),
        ([1, 1, 1], (1, 1), 9),
        ([1, 1, 1, 1], (1, 1), 9),
        ([5, 1, 1, 1, 1, 1, 2, 1], (1, 1), 300),
        (list(b"banana"), (97, 110), 256),
        (list("하하하호".encode()), (0xED, 0x95), 256),
        ([4, 7, 4, 7, 7, 4, 4, 7], (4, 7), 256),
    ],
    mistakes={
        "Only the first occurrence was merged. Go on to the end of the list: every "
        "occurrence of the pair becomes the new id.": _merge_first_only,
        "Two merges share a token. After a merge step over both of its tokens: "
        "[1, 1, 1] holds one merge of (1, 1) and a 1 that is left over.": _merge_overlapping,
        "You merge from the right. Read from left to right: in [1, 1, 1] the first "
        "two are merged and the last is left over.": _merge_from_the_right,
        "The second token of the pair is still there behind the new id. Move on by two "
        "places after a merge, by one otherwise.": lambda ids, pair, new_id: _merge(
            ids, new_id, _is(ids, pair), lambda i: 1
        ),
        "The last token is lost when it is not part of a merge. Let the loop reach the last "
        "position, and look ahead only where there is a next token.": lambda ids, pair, new_id: (
            _merge(ids, new_id, _is(ids, pair), end=1)
        ),
        "You replace text, and so parts of numbers: [11, 2] holds no 1 beside a 2. Compare the ids "
        "themselves.": _merge_as_text,
        "You also merged the pair the other way round. (1, 2) and (2, 1) are different "
        "pairs: compare in order.": _merge_either_order,
    },
    alternatives={
        "a stack that gives a tuple": _merge_with_a_stack,
        "recursion": _merge_by_recursion,
    },
)

# 2.4 ---------------------------------------------------------------------------------------------

Words = list[list[int]]
Step = tuple[Pair | None, Words]


def _apply(words: Words, pair: Pair | None, new_id: int) -> Step:
    if pair is None:
        return None, words
    return pair, [tokenizer.merge_pair(word, pair, new_id) for word in words]


def _pairs_of(words: Words) -> Counter[Pair]:
    counts: Counter[Pair] = Counter()
    for word in words:
        counts.update(tokenizer.count_pairs(word))
    return counts


def _choose(counts: Mapping[Pair, int], rank: Callable[[Pair], tuple[int, ...]]) -> Pair | None:
    return min(counts, key=rank, default=None)


def merge_most_frequent(words: Words, new_id: int) -> Step:
    """Merge the most frequent pair in all words; the smaller pair wins a tie."""
    counts = _pairs_of(words)
    return _apply(words, _choose(counts, lambda pair: (-counts[pair], *pair)), new_id)


def _step_over_borders(words: Words, new_id: int) -> Step:
    counts = tokenizer.count_pairs([token for word in words for token in word])
    return _apply(words, _choose(counts, lambda pair: (-counts[pair], *pair)), new_id)


def _step_counts_overlaps(words: Words, new_id: int) -> Step:
    counts = Counter(pair for word in words for pair in pairwise(word))
    return _apply(words, _choose(counts, lambda pair: (-counts[pair], *pair)), new_id)


def _step_once_a_word(words: Words, new_id: int) -> Step:
    counts = Counter(pair for word in words for pair in tokenizer.count_pairs(word))
    return _apply(words, _choose(counts, lambda pair: (-counts[pair], *pair)), new_id)


def _step_overwrites(words: Words, new_id: int) -> Step:
    counts: dict[Pair, int] = {}
    for word in words:
        counts.update(tokenizer.count_pairs(word))
    return _apply(words, _choose(counts, lambda pair: (-counts[pair], *pair)), new_id)


def _step_second_number_first(words: Words, new_id: int) -> Step:
    counts = _pairs_of(words)
    return _apply(words, _choose(counts, lambda pair: (-counts[pair], *pair[::-1])), new_id)


def _step_bare_none(words: Words, new_id: int) -> Step | None:
    pair, merged = merge_most_frequent(words, new_id)
    return None if pair is None else (pair, merged)


def _step_first_met(words: Words, new_id: int) -> Step:
    counts = _pairs_of(words)
    return _apply(words, max(counts, key=counts.__getitem__, default=None), new_id)


def _step_larger_pair(words: Words, new_id: int) -> Step:
    counts = _pairs_of(words)
    return _apply(words, max(counts, key=lambda pair: (counts[pair], pair), default=None), new_id)


def _step_rarest(words: Words, new_id: int) -> Step:
    counts = _pairs_of(words)
    return _apply(words, _choose(counts, lambda pair: (counts[pair], *pair)), new_id)


def _step_each_word_once(words: Words, new_id: int) -> Step:
    counts = _pairs_of([list(word) for word in dict.fromkeys(map(tuple, words))])
    return _apply(words, _choose(counts, lambda pair: (-counts[pair], *pair)), new_id)


def _step_drops_repeats(words: Words, new_id: int) -> Step:
    pair, merged = merge_most_frequent(words, new_id)
    return pair, [list(word) for word in dict.fromkeys(map(tuple, merged))]


def _step_only_names(words: Words, new_id: int) -> Step:
    return merge_most_frequent(words, new_id)[0], words


def _step_with_a_sort(words: Words, new_id: int) -> tuple[Pair | None, tuple[tuple[int, ...], ...]]:
    counted = [_count_runs_by_length(word) for word in words]
    every = sorted(pair for counts in counted for pair in counts for _ in range(counts[pair]))
    best = max(every, key=every.count, default=None)  # max keeps the first, so the smaller pair
    if best is None:
        return None, tuple(map(tuple, words))
    return best, tuple(_merge_with_a_stack(word, best, new_id) for word in words)


BPE_STEP = Exercise(
    id="2.4",
    title="The trainer's step",
    minutes=8,
    stars=2,
    reference=merge_most_frequent,
    probes=[
        ([], 256),
        ([[5]], 256),
        ([[1, 2]], 256),
        ([[1, 2], [3]], 256),
        ([[2, 1, 3]], 256),
        ([[3, 1], [2, 1]], 256),
        ([[2, 3], [1, 9]], 256),
        ([[5, 5, 5], [1, 2]], 256),
        ([[3, 4], [1, 2, 3, 4]], 256),
        ([[1], [2, 3], [1], [2, 4], [1]], 256),
        ([[8, 9], [8, 9], [1, 2, 1, 2, 1, 2]], 256),
        ([[8, 9], [8, 9], [8, 9], [1, 2, 5], [1, 2, 6]], 300),
        ([list(b"banana"), list(b" bandana")], 256),
        ([list(word.encode()) for word in ("하하", " 호호", " 하하")], 256),
    ],
    mistakes={
        "You counted a pair across the edge of two words. Count in each word by itself, then add: "
        "the last id of one word and the first of the next are no pair.": _step_over_borders,
        "Add the counts of every word, not one for each word that holds the pair.": (
            _step_once_a_word
        ),
        "The counts of a word replace those of the words before it. Add them: a Counter's update "
        "does, a dict's does not.": _step_overwrites,
        "Compare the first numbers first: of equally frequent pairs (1, 9) comes before "
        "(2, 3).": _step_second_number_first,
        "Return two things: None and the words.": _step_bare_none,
        "On a tie you take the pair that came first in the text. The rule is: the smaller pair "
        "wins, compared by its first id, then by its second.": _step_first_met,
        "On a tie you take the larger pair. The rule is: the smaller pair wins. "
        "min(counts, key=lambda pair: (-counts[pair], pair)) says both at once.": _step_larger_pair,
        "You merge the rarest pair. It is the most frequent one that saves the most "
        "tokens.": _step_rarest,
        "A word that occurs three times counts three times. Don't throw repeated words away before "
        "counting.": _step_each_word_once,
        "The text must stay whole: one list for every word, repeated words "
        "included.": _step_drops_repeats,
        "The pair is right, but the words are unchanged. Merge it in every word, and return the "
        "new words with it.": _step_only_names,
        "A run such as [5, 5, 5] holds one merge of (5, 5), not two. Count with your count_pairs, "
        "which knows that.": _step_counts_overlaps,
    },
    alternatives={"sorting, and tuples": _step_with_a_sort},
    parts=("pair", "words"),
)
