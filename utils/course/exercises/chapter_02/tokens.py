"""Chapter 02, on the way to tokens: pairs and merges."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm.tokenizer import bpe as tokenizer

Pair = tuple[int, int]

# 2.2 ---------------------------------------------------------------------------------------------


def count_runs_by_length(ids: Sequence[int]) -> dict[Pair, int]:
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


def _count_one_of_a_run(ids: Sequence[int]) -> Counter[Pair]:
    """Leaves out every pair that equals the one before it, however long the run."""
    pairs = list(pairwise(ids))
    return Counter(
        pair for before, pair in zip([None, *pairs], pairs, strict=False) if pair != before
    )


def _count_jumping(ids: Sequence[int]) -> Counter[Pair]:
    counts: Counter[Pair] = Counter()
    i = 0
    while i + 1 < len(ids):
        counts[ids[i], ids[i + 1]] += 1
        i += 2 if ids[i] == ids[i + 1] else 1
    return counts


def _count_no_used_token(ids: Sequence[int]) -> Counter[Pair]:
    """Leaves out a pair of equal ids behind any pair, as if that one had used the id up."""
    counts: Counter[Pair] = Counter()
    counted = False
    for i, pair in enumerate(pairwise(ids)):
        counted = not (i and counted and pair[0] == pair[1])
        counts[pair] += counted
    return counts


def _without_none(counts: Counter[Pair]) -> dict[Pair, int]:
    return {pair: n for pair, n in counts.items() if n}


def _count_no_equals(ids: Sequence[int]) -> Counter[Pair]:
    return Counter(pair for pair in pairwise(ids) if pair[0] != pair[1])


def _count_sorted(ids: Sequence[int]) -> Counter[Pair]:
    counts: Counter[Pair] = Counter()
    for (a, b), n in tokenizer.count_pairs(ids).items():
        counts[min(a, b), max(a, b)] += n
    return counts


def _count_with_a_memory(ids: Sequence[int]) -> Counter[Pair]:
    """Remembers every pair that it counts: only one of equal ids can follow itself."""
    counts: Counter[Pair] = Counter()
    last = None
    for pair in pairwise(ids):
        last = None if pair == last else pair
        counts[pair] += last is not None
    return counts


def _count_as_text(ids: Sequence[int]) -> Counter[Pair]:
    text = ",".join(map(str, ids))
    return Counter({(a, b): text.count(f"{a},{b}") for a, b in pairwise(ids)})


def _said_of_keys(args: tuple[Any, ...], expected: Counter[Pair], got: Any) -> str | None:
    """Names keys that are written as text."""
    if isinstance(got, dict) and got and all(isinstance(key, str) for key in got):
        return f"The keys are texts, {next(iter(got))!r}: a pair is a tuple of two ids, (a, b)."
    return None


COUNT_PAIRS = Exercise(
    id="2.2",
    title="Count the pairs",
    minutes=10,
    stars=2,
    reference=tokenizer.count_pairs,
    probes=[
        ([5, 6, 5, 6, 6, 4],),
        ([],),
        ([7],),
        ([1, 2],),
        ([4, 2, 3],),
        ([1, 1, 1],),
        ([1, 2, 1],),
        ([5, 7, 7, 7],),
        ([5, 6, 7, 7, 7],),
        ([5, 7, 7, 7, 7, 7, 6],),
        ([7, 7, 7, 7],),
        ([1, 2, 1, 2],),
        ([3, 3, 3, 3, 300, 3],),
        ([7, 7, 8, 7, 7],),
        ([15, 6, 5, 6, 5, 61],),
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
        "Each run of equal ids begins anew: [7, 7, 8, 7, 7] holds (7, 7) twice. Count run by run; "
        "don't halve the sum of all runs, and forget a remembered pair as soon as another "
        "comes.": _count_half_of_equal_pairs,
        "Of a long run you count one pair only: [7, 7, 7, 7] holds (7, 7) twice. After the pair "
        "that you skip, forget the remembered one.": _count_one_of_a_run,
        "You count in a text, and so parts of numbers: [15, 6] holds no 5 beside a 6. Compare the "
        "ids themselves.": _count_as_text,
        "Two equal neighbours are a pair as well: [7, 7] holds (7, 7) once.": _count_no_equals,
        "A pair of equal ids is skipped behind any pair at all: [5, 6, 6] holds (5, 6) and (6, 6). "
        "Skip it only where the same pair was counted just before.": lambda ids: _without_none(
            _count_no_used_token(ids)
        ),
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
        "The first pair is missing. A list of n ids has n − 1 pairs.": lambda ids: Counter(
            pairwise(ids[1:])
        ),
        "You count each pair twice, once in each order: (1, 2) is not (2, 1), and only the one "
        "that stands there counts.": lambda ids: Counter(
            pair for a, b in pairwise(ids) for pair in ((a, b), (b, a))
        ),
        "You count ids that stand two places apart: neighbours are ids[i] and "
        "ids[i + 1].": lambda ids: Counter(zip(ids, ids[2:], strict=False)),
        "The pairs are right, but they are only listed: count how often each one "
        "comes.": lambda ids: list(pairwise(ids)),
        "The last pair is left out: of n ids n − 1 stand in front of another, so the loop goes to "
        "range(len(ids) - 1).": lambda ids: tokenizer.count_pairs(ids[:-1]),
        "A pair keeps its order: (2, 1) and (1, 2) are two.": _count_sorted,
        "The counts are one too high: a pair that is met for the first time has been met "
        "once.": lambda ids: {pair: n + 1 for pair, n in tokenizer.count_pairs(ids).items()},
        "The keys are texts: a pair is a tuple of two ids, (a, b).": lambda ids: {
            f"{a} {b}": n for (a, b), n in tokenizer.count_pairs(ids).items()
        },
        "The keys are texts, and pairs that share an id were both counted: a pair is a tuple of "
        "two ids, and [1, 1, 1] holds one.": lambda ids: Counter(
            f"{a} {b}" for a, b in pairwise(ids)
        ),
        "A list of pairs and counts came back: leave it a dict or a Counter, from each pair to its "
        "count.": lambda ids: tokenizer.count_pairs(ids).most_common(),
        "A list of pairs and counts came back, and pairs that share an id were both counted: leave "
        "it a Counter, and count [1, 1, 1] once.": lambda ids: Counter(pairwise(ids)).most_common(),
        "A pair of equal ids counts once in all, in yours, wherever it stands: each run has its "
        "own.": lambda ids: {
            (a, b): 1 if a == b else n for (a, b), n in Counter(pairwise(ids)).items()
        },
        "These are the counts of single ids. Count each together with the one after "
        "it.": lambda ids: Counter(ids),
    },
    explain_form=_said_of_keys,
    alternatives={
        "run by run, in a dict": count_runs_by_length,
        "the pair just counted": _count_with_a_memory,
    },
)

# 2.3 ---------------------------------------------------------------------------------------------


def _hit(ids: Sequence[int], i: int, pair: Pair, wrong: Wrong) -> bool:
    """Whether the pair stands at place i, by the test of a slip where one is named."""
    if i + 1 + ("not at the end" in wrong) >= len(ids):
        return False
    a, b = ids[i], ids[i + 1]
    if "first id" in wrong:
        return a == pair[0]
    if "second id" in wrong:
        return b == pair[1]
    if "either id" in wrong:
        return a in pair and b in pair
    if "other way" in wrong:
        return (b, a) == tuple(pair)
    both_ways = "either order" in wrong and (b, a) == tuple(pair)
    return (a, b) == tuple(pair) or both_ways


def _merge(ids: Sequence[int], pair: Pair, new_id: int, *, wrong: Wrong = frozenset()) -> Any:
    """The merge, with the slips named in `wrong`."""
    merged: list[Any] = []
    i, done = 0, False
    while i < len(ids) - ("last lost" in wrong):
        hit = not done and _hit(ids, i, pair, wrong)
        done = (hit and "first only" in wrong) or done
        new = [new_id, pair[1]] if "second stays" in wrong else [new_id]
        new = [pair[0], new_id] if "first stays" in wrong else new
        new = [new_id, new_id] if "twice" in wrong else new
        new = (
            []
            if "dropped" in wrong
            else [(ids[i], ids[i + 1])]
            if "pair itself" in wrong and hit
            else new
        )
        rest = [] if "only new" in wrong else [ids[i]]
        merged += new if hit else rest
        long = hit and not ("overlapping" in wrong and _hit(ids, i + 1, pair, wrong))
        i += 2 if long and "one step" not in wrong else 1
    return merged


def _merge_from_the_right(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    return tokenizer.merge_pair(list(ids[::-1]), (pair[1], pair[0]), new_id)[::-1]


def _merge_as_text(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    text = " ".join(map(str, ids)).replace(f"{pair[0]} {pair[1]}", str(new_id))
    return [int(number) for number in text.split()]


def _merge_on_the_row_so_far(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    """Lets what was just merged swallow the next of equal ids."""
    merged: list[int] = []
    for token in ids:
        again = pair[0] == pair[1] == token and merged[-1:] == [new_id]
        if again or (merged and (merged[-1], token) == tuple(pair)):
            merged[-1] = new_id
        else:
            merged.append(token)
    return merged


def _merge_past_the_end(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    merged, i = [], 0
    while i < len(ids):
        hit = (ids[i], ids[i + 1]) == tuple(pair)
        merged.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return merged


_MERGE_SAID = {
    "first only": "Only the first occurrence was merged. Go on to the end of the list: every "
    "occurrence of the pair becomes the new id.",
    "overlapping": "Two merges share a token. After a merge step over both of its tokens: "
    "[1, 1, 1] holds one merge of (1, 1) and a 1 that is left over.",
    "one step": "After a merge you move on by one place, so that the second token of the pair is "
    "looked at again: move on by two places there, by one otherwise.",
    "second stays": "The second token of the pair is still there behind the new id: the new id "
    "stands for both.",
    "first stays": "The first token of the pair is still there before the new id: the new id "
    "stands for both.",
    "twice": "The new id stands there twice, once for each token of the pair: one id stands for "
    "both.",
    "dropped": "The pair has gone, and the new id is missing: append it where the pair stood.",
    "pair itself": "You put the pair itself in the list: put `new_id` there.",
    "only new": "Only the new ids are left. Every token that is not part of a merge stays as it "
    "is.",
    "last lost": "The last token is lost when it is not part of a merge. Let the loop reach the "
    "last position, and look ahead only where there is a next token.",
    "not at the end": "A pair at the very end of the list is not merged: the last place where one "
    "can begin is len(ids) − 2.",
    "first id": "You compare only the first id of the pair: the one behind it must fit too.",
    "second id": "You compare only the second id of the pair: the one before it must fit too.",
    "either id": "You merge any two of the pair's ids, in any order and also twice the same: "
    "compare both, in order.",
    "other way": "You merge the pair the other way round. (1, 2) and (2, 1) are different pairs: "
    "compare in order.",
    "either order": "You also merged the pair the other way round. (1, 2) and (2, 1) are different "
    "pairs: compare in order.",
}
_MERGE_APART = [
    "first id | second id | either id | other way | either order",
    "second stays | first stays | twice | dropped | pair itself",
    "first only | overlapping | not at the end",
    "first only | overlapping",
    "only new | last lost",
    "overlapping | second stays | first stays | twice | dropped | pair itself | first id"
    " | second id | either id | only new",
    "not at the end | last lost",
    "one step | overlapping | second stays | first stays | twice | dropped | pair itself",
    "one step | first id | second id | either id | only new | first only",
]


def merge_with_a_stack(ids: Sequence[int], pair: Pair, new_id: int) -> tuple[int, ...]:
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


def _said_of_merging(args: tuple[Any, ...], expected: list[int], got: Any) -> str | None:
    """Names a list in which nothing was merged."""
    if list(got) != list(args[0]):
        return None
    return (
        "Nothing was merged. Mind the kinds when you compare: `ids[i:i+2]` is a list, and no list "
        "equals a tuple such as `pair`."
    )


MERGE_A_PAIR = Exercise(
    id="2.3",
    title="Merge a pair",
    minutes=8,
    stars=2,
    reference=tokenizer.merge_pair,
    probes=[
        ([3, 1, 2, 5, 1, 2, 2, 1, 4], (1, 2), 9),
        ([3, 1, 1, 2, 2, 4], (1, 2), 9),
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
    mistakes=alone(_merge, _MERGE_SAID)
    | {
        "You merge from the right. Read from left to right: in [1, 1, 1] the first "
        "two are merged and the last is left over.": _merge_from_the_right,
        "You replace text, and so parts of numbers: [11, 2] holds no 1 beside a 2. Compare the ids "
        "themselves.": _merge_as_text,
        "A merged token merges once more: the new id in [1, 1, 1] has used up two, and the third "
        "is left over.": _merge_on_the_row_so_far,
        "At the last token there is no ids[i + 1] to look at: compare only where "
        "i + 1 < len(ids).": _merge_past_the_end,
    },
    together=in_pairs(_merge, _MERGE_SAID, _MERGE_APART),
    alternatives={
        "a stack that gives a tuple": merge_with_a_stack,
        "recursion": _merge_by_recursion,
    },
    explain=_said_of_merging,
)
