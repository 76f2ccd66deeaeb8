"""The exercise of chapter 00, Start here."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from utils.course.checking.exercise import Exercise

Words = Sequence[str]


def likeliest_next(words: Words, word: str) -> str | None:
    """The word that most often follows `word`; the first of them on a tie, None if none does.

    >>> likeliest_next("a cat saw a dog and a cat ran".split(), "a")
    'cat'
    """
    followers = Counter(b for a, b in zip(words, words[1:], strict=False) if a == word)
    return followers.most_common(1)[0][0] if followers else None


def _word_before(words: Words, word: str) -> str | None:
    return likeliest_next(words[::-1], word)


def _likeliest_of_all(words: Words, word: str) -> str | None:
    return Counter(words).most_common(1)[0][0] if words else None


def _first_follower(words: Words, word: str) -> str | None:
    return next((b for a, b in zip(words, words[1:], strict=False) if a == word), None)


def _last_follower(words: Words, word: str) -> str | None:
    return _first_follower_from_the_end(list(zip(words, words[1:], strict=False)), word)


def _first_follower_from_the_end(pairs: list[tuple[str, str]], word: str) -> str | None:
    return next((b for a, b in reversed(pairs) if a == word), None)


def _how_often(words: Words, word: str) -> int | None:
    followers = Counter(b for a, b in zip(words, words[1:], strict=False) if a == word)
    return followers.most_common(1)[0][1] if followers else None


def _pair(words: Words, word: str) -> tuple[str, int] | None:
    followers = Counter(b for a, b in zip(words, words[1:], strict=False) if a == word)
    return followers.most_common(1)[0] if followers else None


def _no_followers_crash(words: Words, word: str) -> str:
    followers = Counter(b for a, b in zip(words, words[1:], strict=False) if a == word)
    return followers.most_common(1)[0][0]


def _looks_past_the_end(words: Words, word: str) -> str | None:
    followers = Counter(words[i + 1] for i in range(len(words)) if words[i] == word)
    return followers.most_common(1)[0][0] if followers else None


def _starts_over(words: Words, word: str) -> str | None:
    return likeliest_next([*words, *words[:1]], word)


def _ties_to_the_last(words: Words, word: str) -> str | None:
    followers = [b for a, b in zip(words, words[1:], strict=False) if a == word]
    return max(reversed(followers), key=followers.count, default=None)


def _ties_by_the_alphabet(words: Words, word: str) -> str | None:
    followers = [b for a, b in zip(words, words[1:], strict=False) if a == word]
    return max(sorted(set(followers)), key=followers.count, default=None)


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
            f"{got!r} and {expected!r} come after {word!r} equally often, and {expected!r} did so "
            "first in the text. (A `set` keeps no order; a dict and a Counter do.)"
        )
    return None


def _random_words(n: int) -> list[str]:
    draw = random.Random(n)
    return [draw.choice("abcd") for _ in range(n)]


LIKELIEST_NEXT = Exercise(
    id="0.1",
    title="The likeliest next word",
    minutes=5,
    stars=1,
    reference=likeliest_next,
    probes=[
        (["a", "b"], "a"),
        (["a", "b"], "b"),
        ([], "a"),
        (["a"], "a"),
        (["a", "cat", "saw", "a", "dog", "and", "a", "cat", "ran"], "a"),
        (["a", "cat", "saw", "a", "dog", "and", "a", "cat", "ran"], "cat"),
        (["a", "cat", "saw", "a", "dog", "and", "a", "cat", "ran"], "ran"),
        (["z", "y", "z", "x", "z", "x"], "z"),
        (["b", "z", "b", "y", "b", "x", "b", "x", "b", "y"], "b"),
        (["no", "no", "no", "yes"], "no"),
        (["the", "the", "kite", "the", "kite"], "the"),
        ("z y z x z w z v z u z t z s z r z q z p".split(), "z"),
        ("z d z a z k z b z m z c z h z e z g".split(), "z"),
        ("z m z q z b z m z h z q z c z h z b".split(), "z"),
        (_random_words(41), "c"),
        (_random_words(60), "a"),
        (_random_words(60), "unheard of"),
    ],
    mistakes={
        "That is the word that comes before it. Look for the word that comes after: in the pair "
        "(first, second), compare the first.": _word_before,
        "That is the most frequent word of the whole text. Count only the words that come right "
        "after the given one.": _likeliest_of_all,
        "That is the first word that ever comes after it, not the most frequent one. Count "
        "all of them, then take the largest count.": _first_follower,
        "That is the last word that comes after it, not the most frequent one. If you store one "
        "follower a word, the later overwrites the earlier: count instead.": _last_follower,
        "You return how often it comes; return the word itself. `most_common(1)` gives a list of "
        "one pair (word, count).": _how_often,
        "You return the word together with its count; return the word alone, the first of the "
        "pair.": _pair,
        "A word that nothing comes after has no followers to choose from: return None before "
        "you take the first of an empty list.": _no_followers_crash,
        "You look one place past the end of the list. The last word has no follower: go "
        "only to the last but one.": _looks_past_the_end,
        "You let the text start over, so that its first word comes after its last. Nothing comes "
        "after the last word.": _starts_over,
        "On a tie you return the word that came later. Return the one that came "
        "first.": _ties_to_the_last,
        "On a tie you go by the alphabet. Return the one that came first in the "
        "text.": _ties_by_the_alphabet,
    },
    explain=_explain,
    alternatives={"a loop over indices": _by_a_loop, "max with count": _by_maximum},
)
