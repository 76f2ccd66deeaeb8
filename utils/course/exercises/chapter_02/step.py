"""Chapter 02: the step that a trainer of tokens repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_02.tokens import (
    Pair,
    count_runs_by_length,
    merge_with_a_stack,
)
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm.tokenizer import bpe as tokenizer

Words = list[list[int]]
Step = tuple[Pair | None, Words]


def _counted(words: Words, wrong: Wrong) -> dict[Pair, int]:
    """How often each pair stands in all words, or what a slip counts."""
    if "over borders" in wrong:
        return tokenizer.count_pairs([token for word in words for token in word])
    if "each word once" in wrong:
        words = [list(word) for word in dict.fromkeys(map(tuple, words))]
    counts: dict[Pair, int] = {}
    for word in words[:1] if "first word" in wrong else words:
        found = Counter(pairwise(word)) if "overlaps" in wrong else tokenizer.count_pairs(word)
        for pair, n in found.items():
            before = 0 if "overwritten" in wrong else counts.get(pair, 0)
            counts[pair] = before + (1 if "once a word" in wrong else n)
    return counts


def _chosen(counts: Mapping[Pair, int], wrong: Wrong) -> Pair | None:
    """The pair to merge, or the one that a slip takes."""
    sign = 1 if "rarest" in wrong else -1
    ranks: dict[str, Callable[[Pair], Any]] = {
        "first met": lambda pair: sign * counts[pair],
        "second number": lambda pair: (sign * counts[pair], *pair[::-1]),
        "larger": lambda pair: (sign * counts[pair], -pair[0], -pair[1]),
        "larger second": lambda pair: (sign * counts[pair], pair[0], -pair[1]),
        "smallest": lambda pair: pair,
    }
    rank = next(
        (ranks[slip] for slip in wrong & ranks.keys()), lambda pair: (sign * counts[pair], *pair)
    )
    return min(counts, key=rank, default=None)


def _step(words: Words, new_id: int, *, wrong: Wrong = frozenset()) -> Any:
    """The trainer's step, with the slips named in `wrong`."""
    counts = _counted(words, wrong)
    if "once" in wrong:
        counts = {pair: n for pair, n in counts.items() if n > 1}
    pair = _chosen(counts, wrong)
    if pair is None:
        return None if "bare none" in wrong else (None, [] if "no words" in wrong else words)
    new_id = 256 if "fixed id" in wrong else new_id
    merged = [tokenizer.merge_pair(word, pair, new_id) for word in words]
    if "first merged" in wrong:
        merged = [*merged[:1], *words[1:]]
    if "not merged" in wrong:
        merged = words
    if "drops repeats" in wrong:
        merged = [list(word) for word in dict.fromkeys(map(tuple, merged))]
    if "one row" in wrong:
        merged = [token for word in merged for token in word]
    if "words only" in wrong:
        return merged
    return (merged, pair) if "crossed" in wrong else (pair, merged)


def merge_most_frequent(words: Words, new_id: int) -> Step:
    """Merge the most frequent pair in all words; the smaller pair wins a tie."""
    return _step(words, new_id)


def _nothing_left_raises(words: Words, new_id: int) -> Step:
    counts = _counted(words, frozenset())
    pair = min(counts, key=lambda pair: (-counts[pair], pair))
    return pair, [tokenizer.merge_pair(word, pair, new_id) for word in words]


def _no_first_raises(words: Words, new_id: int) -> Step:
    pair = Counter(_counted(words, frozenset())).most_common(1)[0][0]
    return pair, [tokenizer.merge_pair(word, pair, new_id) for word in words]


_SAID = {
    "over borders": "You counted a pair across the edge of two words. Count in each word by "
    "itself, then add: the last id of one word and the first of the next are no pair.",
    "once a word": "Add the counts of every word, not one for each word that holds the pair.",
    "overwritten": "You keep the count of one word where several hold the pair. Add them up: a "
    "Counter's update does, a dict's does not.",
    "first word": "You counted in the first word only: count in all of them.",
    "each word once": "A word that occurs three times counts three times. Don't throw repeated "
    "words away before counting.",
    "overlaps": "A run such as [5, 5, 5] holds one merge of (5, 5), not two. Count with your "
    "count_pairs, which knows that.",
    "first met": "On a tie you take the pair that came first in the text. The rule is: the smaller "
    "pair wins, compared by its first id, then by its second.",
    "second number": "Compare the first numbers first: of equally frequent pairs (1, 9) comes "
    "before (2, 3).",
    "larger": "On a tie you take the larger pair. The rule is: the smaller pair wins. "
    "min(counts, key=lambda pair: (-counts[pair], pair)) says both at once.",
    "larger second": "On a tie of the first ids you take the larger second one: the smaller wins "
    "there, too.",
    "smallest": "You take the smallest pair, however often it comes: the most frequent one comes "
    "first, and only of equally frequent ones the smaller.",
    "rarest": "You merge the rarest pair. It is the most frequent one that saves the most tokens.",
    "fixed id": "The new token got the number 256, whatever was given: use new_id.",
    "bare none": "Return two things: None and the words.",
    "no words": "Where no pair is left, the words stay as they are: return None and the words.",
    "not merged": "The pair is right, but the words are unchanged. Merge it in every word, and "
    "return the new words with it.",
    "first merged": "The pair is merged in the first word only: merge it in every word.",
    "drops repeats": "The text must stay whole: one list for every word, repeated words included.",
    "one row": "The words have flowed together into one list: keep a list for every word.",
    "words only": "The pair is missing from what you return: two things, the pair and the words.",
    "crossed": "Right results, wrong order: the pair first, then the words.",
}
ONCE = "A pair that occurs once is merged, too: only where no word has a pair left, return None."
_APART = [
    "over borders | once a word | overwritten | first word | each word once | overlaps",
    "first met | second number | larger | larger second | smallest | rarest",
    "not merged | first merged | drops repeats | one row",
    "bare none | no words",
    "fixed id | not merged",
    "bare none | words only | crossed",
    "words only | crossed",
    "overwritten | first word | once a word | each word once | smallest",
    "over borders | overlaps | smallest",
    "over borders | larger second",
    "first word | larger second",
    "overlaps | first met",
    "overlaps | larger",
    "overlaps | rarest",
]


def _said_of_a_tie(args: tuple[Words, int], expected: Any, got: Any) -> str | None:
    """Names a pair that is as frequent as the one to take, and words that are lost."""
    counts, (wanted, _), (pair, words) = _counted(args[0], frozenset()), expected, got
    if wanted is pair is None and not len(words):
        return _SAID["no words"]
    kept = [list(word) for word in words]
    long = [merged for word, merged in zip(args[0], expected[1], strict=True) if len(word) > 1]
    if pair is not None and tuple(pair) == wanted and kept == long:
        return (
            "Words of a single id have gone: every word is given back, whether there was something "
            "to merge in it or not."
        )
    if pair is None or tuple(pair) == wanted or counts.get(tuple(pair)) != counts[wanted]:
        return None
    return (
        f"On a tie the smaller pair wins: {tuple(pair)} and {wanted} come equally often, and "
        f"{wanted} is the smaller of the two, by its first id or else by its second."
    )


def _step_with_a_sort(words: Words, new_id: int) -> tuple[Pair | None, tuple[tuple[int, ...], ...]]:
    counts = Counter[Pair]()
    for word in words:
        counts.update(count_runs_by_length(word))
    if not counts:
        return None, tuple(map(tuple, words))
    best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0][0]
    return best, tuple(merge_with_a_stack(word, best, new_id) for word in words)


BPE_STEP = Exercise(
    id="2.4",
    title="The trainer's step",
    minutes=8,
    stars=2,
    reference=merge_most_frequent,
    probes=[
        ([[6, 1, 2], [1, 2, 7], [6, 3]], 256),
        ([], 256),
        ([[5]], 256),
        ([[1, 2]], 256),
        ([[1, 2], [3]], 256),
        ([[1, 2, 5], [1, 2, 6], [8, 9], [8, 9], [8, 9]], 300),
        ([[3, 4], [1, 2, 3, 4]], 256),
        ([[1], [2, 3], [1], [2, 4], [1]], 256),
        ([[8, 9], [8, 9], [1, 2, 1, 2, 1, 2]], 256),
        ([[8, 9], [8, 9], [8, 9], [1, 2, 5], [1, 2, 6]], 300),
        ([list(b"banana"), list(b" bandana")], 256),
        ([list(word.encode()) for word in ("하하", " 호호", " 하하")], 256),
        ([[5, 5, 5], [1, 2]], 256),
        ([[2, 1, 3]], 256),
        ([[3, 1], [2, 1]], 256),
        ([[2, 3], [1, 9]], 256),
        ([[4, 9], [4, 2], [4, 7]], 256),
    ],
    mistakes=alone(_step, _SAID | {"once": ONCE})
    | {
        "`min` or `max` of nothing raises. Where no word has a pair left, return None and the "
        "words.": _nothing_left_raises,
        "Where no word has a pair left, your list of pairs is empty and has no first: return None "
        "and the words. And on a tie you take the pair that came first, where the smaller is "
        "wanted.": _no_first_raises,
    },
    together=in_pairs(_step, _SAID, _APART),
    alternatives={"sorting, and tuples": _step_with_a_sort},
    parts=("pair", "words"),
    explain=_said_of_a_tie,
    explain_form=_said_of_a_tie,
)
