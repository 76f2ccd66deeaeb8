"""The exercise of chapter 00, Start here."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs

Words = Sequence[str]


def likeliest_next(words: Words, word: str) -> str | None:
    """The word that most often follows `word`; the first of them on a tie, None if none does.

    >>> likeliest_next("a cat saw a dog and a cat ran".split(), "a")
    'cat'
    """
    followers = Counter(b for a, b in zip(words, words[1:], strict=False) if a == word)
    return followers.most_common(1)[0][0] if followers else None


def _followers(words: Words, word: str, wrong: Wrong) -> list[str]:
    """The words that stand behind `word`, or what a slip takes for them."""
    if "all words" in wrong:
        return list(words)
    if "around" in wrong:
        words = [*words, *words[:1]]
    pairs = list(zip(words, words[1:], strict=False))
    if "before" in wrong:
        pairs = [(b, a) for a, b in pairs]
    pairs = pairs[:-1] if "early end" in wrong else pairs[1:] if "late start" in wrong else pairs
    pairs = pairs[::2] if "couples" in wrong else pairs
    if "past its end" in wrong:
        pairs = [(words[i], words[i + 1]) for i in range(len(words)) if words[i] == word]
    if "not itself" in wrong:
        pairs = [(a, b) for a, b in pairs if a != b]
    if "past the end" in wrong:
        pairs = [(words[i], words[i + 1]) for i in range(len(words))]
    if "inside" in wrong:
        return [b for a, b in pairs if word in a]
    if "beginning" in wrong:
        return [b for a, b in pairs if a.startswith(word)]
    if "capitals" in wrong:
        return [b for a, b in pairs if a.lower() == word.lower()]
    return [b for a, b in pairs if a == word]


def _likeliest(words: Words, word: str, *, wrong: Wrong = frozenset()) -> Any:
    """The likeliest next word, with the slips named in `wrong`."""
    followers = _followers(words, word, wrong)
    if not followers and "no followers" not in wrong:
        return "" if "empty word" in wrong else None
    if "last tie" in wrong:
        followers.reverse()
    if "alphabet" in wrong:
        followers = sorted(followers)
    if "first" in wrong:
        return followers[0]
    if "last" in wrong:
        return followers[-1]
    ranked = Counter(followers).most_common()
    best = ranked[-1] if "rarest" in wrong else ranked[0]
    if "number" in wrong:
        return best[1]
    return best if "pair" in wrong else best[0]


def _tie_by_the_text(words: Words, word: str) -> str | None:
    followers = _followers(words, word, frozenset())
    return max(followers, key=lambda w: (followers.count(w), -words.index(w)), default=None)


def _two_further_on(words: Words, word: str) -> str | None:
    followers = [b for a, b in zip(words, words[2:], strict=False) if a == word]
    return max(followers, key=followers.count, default=None)


def _commonest_if_there(words: Words, word: str) -> str | None:
    return Counter(words).most_common(1)[0][0] if word in words else None


def _commonest_other(words: Words, word: str) -> str | None:
    others = Counter(other for other in words if other != word)
    return others.most_common(1)[0][0] if word in words and others else None


def _ranked(words: Words, word: str) -> list[tuple[str, int]] | None:
    return Counter(_followers(words, word, frozenset())).most_common(1) or None


def _max_of_nothing(words: Words, word: str) -> str:
    followers = _followers(words, word, frozenset())
    return max(followers, key=followers.count)


def _over_what_was_found(words: Words, word: str) -> str | None:
    followers, i = [], 0
    while i + 1 < len(words):
        hit = words[i] == word
        followers += [words[i + 1]] * hit
        i += 1 + hit
    return max(followers, key=followers.count, default=None)


def _tie_gives_none(words: Words, word: str) -> str | None:
    ranked = Counter(_followers(words, word, frozenset())).most_common(2)
    tie = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return ranked[0][0] if ranked and not tie else None


_SAID = {
    "before": "That is the word that comes before it. Look for the word that comes after: in the "
    "pair (first, second), compare the first.",
    "all words": "That is the most frequent word of the whole text. Count only the words that come "
    "right after the given one.",
    "first": "That is the first word that ever comes after it, not the most frequent one. Count "
    "all of them, then take the largest count.",
    "last": "That is the last word that comes after it, not the most frequent one. If you store "
    "one follower a word, the later overwrites the earlier: count instead.",
    "rarest": "That is the rarest of the words that come after it: take the largest count.",
    "number": "You return how often it comes; return the word itself. `most_common(1)` gives a "
    "list of one pair (word, count).",
    "pair": "You return the word together with its count; return the word alone, the first of the "
    "pair.",
    "no followers": "A word that nothing comes after has no followers to choose from: return None "
    "before you take the first of an empty list.",
    "empty word": "Where nothing comes after the word, you return an empty string: return None.",
    "past the end": "You look one place past the end of the list. The last word has no follower: "
    "go only to the last but one.",
    "past its end": "Where the text ends with the word, you look one place past the end of the "
    "list: go only to the last word but one.",
    "couples": "You cut the text into separate couples. Every neighbourhood counts: in “a b c” "
    "both (a, b) and (b, c).",
    "not itself": "A word may follow itself: in “no no” the second stands behind the first, and "
    "counts.",
    "around": "You let the text start over, so that its first word comes after its last. Nothing "
    "comes after the last word.",
    "early end": "The last pair of the text is missing: n words have n − 1 neighbourhoods, and the "
    "last of them counts too.",
    "late start": "The first pair of the text is missing: begin with the very first word.",
    "inside": "You look for the word inside other words too: “a” is part of “cat”, and is another "
    "word. Compare with ==.",
    "beginning": "You also take words that only begin with the given one. Compare with ==.",
    "capitals": "You make no difference between capitals and small letters. For the course “A” and "
    "“a” are two words: compare them as they are.",
    "last tie": "On a tie you return the word that came later. Return the one that followed first.",
    "alphabet": "On a tie you go by the alphabet. Return the one that followed the word first.",
}
_RANKED = (
    "You return the list that `most_common` gives: its first pair is at [0], and the word is the "
    "first of the pair, [0][0]."
)
_APART = [
    "before | all words | past the end | around | early end | late start | inside | beginning"
    " | capitals | empty word",
    "past its end | couples | not itself | before | all words | past the end | around | early end"
    " | late start | inside | beginning | capitals",
    "past its end | empty word | no followers | first | last | rarest",
    "couples | last | rarest",
    "first | last | rarest | number | pair | last tie | alphabet",
    "no followers | empty word | past the end",
    "all words | empty word",
    "past the end | first | last | rarest | number | pair | last tie | alphabet",
    "rarest | inside | beginning | capitals",
    "all words | first | last",
]


def _by_a_loop(words: Words, word: str) -> str | None:
    best, best_count, counts = None, 0, {}
    for i in range(len(words) - 1):
        if words[i] == word:
            counts[words[i + 1]] = counts.get(words[i + 1], 0) + 1
    for follower, count in counts.items():
        if count > best_count:
            best, best_count = follower, count
    return best


def _by_maximum(words: Words, word: str) -> str | None:
    followers = [words[i + 1] for i, w in enumerate(words[:-1]) if w == word]
    return max(followers, key=followers.count) if followers else None


def _explain(args: tuple[Words, str], expected: str | None, got: object) -> str | None:
    words, word = args
    followers = Counter(b for a, b in zip(words, words[1:], strict=False) if a == word)
    if expected is not None and followers.get(got) == followers[expected]:
        return (
            f"On a tie the first to come wins: {got!r} and {expected!r} stand behind {word!r} "
            f"equally often, and {expected!r} did so first in the text."
        )
    return None


def _explain_form(args: tuple[Words, str], expected: str | None, got: object) -> str | None:
    """Names a list of pairs also where the answer has nothing else for a word without followers."""
    return _RANKED if isinstance(got, list) and got[0][0] == expected else None


def _random_words(n: int) -> list[str]:
    draw = random.Random(n)
    return [draw.choice("abcd") for _ in range(n)]


LIKELIEST_NEXT = Exercise(
    id="0.1",
    title="The likeliest next word",
    minutes=8,
    stars=1,
    reference=likeliest_next,
    probes=[
        ("the cat saw the dog and the cat ran".split(), "the"),
        (["a", "b"], "a"),
        (["a", "b"], "b"),
        ([], "a"),
        (["a"], "a"),
        (["a", "x", "cat", "y", "cat", "y"], "a"),
        (["a", "x", "am", "y", "am", "y"], "a"),
        (["cat", "y", "a", "x", "a", "x"], "a"),
        (["am", "y", "a", "x", "a", "x"], "a"),
        (["A", "y", "a", "x", "A", "y"], "a"),
        (["no", "yes", "no", "no", "no"], "no"),
        (["a", "a", "a", "b", "a", "b"], "a"),
        (["b", "a", "d", "a", "c", "b", "c", "a", "c", "a"], "a"),
        (_random_words(41), "c"),
        (_random_words(60), "a"),
        (_random_words(60), "unheard of"),
        (["the", "kite", "the", "the", "kite", "a", "kite"], "the"),
        (["a", "cat", "saw", "a", "dog", "and", "a", "cat", "ran"], "cat"),
        (["a", "cat", "saw", "a", "dog", "and", "a", "cat", "ran"], "ran"),
        (["z", "y", "z", "x", "z", "x"], "z"),
        (["b", "z", "b", "y", "b", "x", "b", "x", "b", "y"], "b"),
        ("z y z x z w z v z u z t z s z r z q z p".split(), "z"),
        ("z d z a z k z b z m z c z h z e z g".split(), "z"),
        ("z m z q z b z m z h z q z c z h z b".split(), "z"),
        (["z", "x", "y", "x", "z"], "x"),
    ],
    mistakes=alone(_likeliest, _SAID)
    | {
        "`max` of nothing raises. Where nothing comes after the word, return None (or give `max` a "
        "default=None).": _max_of_nothing,
        "On a tie you return None. Return the word that came first in the text.": _tie_gives_none,
        "On a tie you return the word that stands first in the whole text: the one that followed "
        "the given word first.": _tie_by_the_text,
        "You go on behind the word that you have just counted: it may be the given one again, as "
        "in “no no yes”, so move on by one place.": _over_what_was_found,
        "You look two words further on: the one right after it, words[i + 1].": _two_further_on,
        _RANKED: _ranked,
        "This is the most frequent word of the whole text, where the word occurs at all: count "
        "only the words that come right after it.": _commonest_if_there,
        "This is the most frequent of all other words: count only those that come right after the "
        "given one, itself included.": _commonest_other,
    },
    together=in_pairs(_likeliest, _SAID, _APART),
    explain=_explain,
    explain_form=_explain_form,
    alternatives={"a loop over indices": _by_a_loop, "max with count": _by_maximum},
)
