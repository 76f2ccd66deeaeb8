"""n-gram language models over words, smoothed by backing off to shorter contexts.

Shannon (1948, 1951) wrote English from tables of which word follows which; MacKay and Peto (1995)
derived the smoothing used here from a hierarchy of Dirichlet priors:

    p_n(w | h) = (count(h, w) + strength · p_{n−1}(w | h')) / (count(h) + strength)

where h are the n − 1 words before w, h' is h without its first word, count(h) is how often h stood
before any word, and p_0 is uniform over the vocabulary. A context never seen has count(h) = 0: then
p_n is p_{n−1}.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Words = Sequence[str]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class NGramModel:
    """A model of order n: the next word depends on the n − 1 words before it, and on nothing else.

    Order 1 looks at no word before (the unigram model). `strength` is how many observations the
    opinion of the shorter context is worth; it must be above 0.

    A text is one list of words, or a list of such lists, the stories. No context reaches from one
    story into the one before: each begins after n − 1 invisible start words, and `next_words` takes
    its prefix as the beginning of a story. The end of a story is not modelled.

    >>> model = NGramModel(2, strength=1.0).fit("a cat saw a dog".split())
    >>> round(model.next_words(["a"])["dog"], 4)
    0.4028
    """

    def __init__(self, order: int, strength: float = 1.0) -> None:
        if not isinstance(order, int) or isinstance(order, bool):
            raise TypeError(f"order must be an int, not {order!r}.")
        if order < 1:
            raise ValueError(f"order is {order}; it must be at least 1, the unigram model.")
        if not (math.isfinite(strength) and strength > 0):
            raise ValueError(f"strength is {strength}; it must be a number above 0.")
        self.order = order
        self.strength = float(strength)
        self.vocabulary: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"NGramModel(order={self.order}, strength={self.strength:g})"

    def fit(
        self, words: Words | Sequence[Words], vocabulary: Iterable[str] | None = None
    ) -> NGramModel:
        """Count the words of a text, or of a list of stories; returns the model itself.

        `vocabulary` names every word that may ever be asked for; without it, they are the words of
        the text. Raises ValueError for an empty text and for words outside the vocabulary.
        """
        stories = _as_stories(words)
        known = itertools.chain.from_iterable(stories) if vocabulary is None else vocabulary
        self.vocabulary = _as_vocabulary(known)
        self._ids = {word: i for i, word in enumerate(self.vocabulary)}
        self._start = len(self.vocabulary)
        padded, places = self._positions(stories)
        self._contexts: list[_Table] = []
        self._counts: list[_Counts] = []
        context = np.zeros(len(places), dtype=np.int64)
        for length in range(self.order):
            if length:
                table, context = _Table.of(self._extend(context, padded[places - length]))
                self._contexts.append(table)
            self._counts.append(_Counts.of(context, padded[places], self._start))
        return self

    def next_words(self, prefix: Words = ()) -> dict[str, float]:
        """The probability of every word of the vocabulary to come after `prefix`; sums to 1.

        `prefix` begins where a story begins; only its last n − 1 words matter. A word in it that
        was never seen is no error: the model backs off to what stands after it.
        """
        self._require_fit()
        if isinstance(prefix, str):
            raise TypeError("The prefix must be a list of words, not one string; split it first.")
        recent = [self._ids.get(word, -1) for word in prefix[-self.order :]]
        history = [self._start] * self.order + recent
        chances = np.full(self._start, 1 / self._start)
        context = np.zeros(1, dtype=np.int64)
        for length, counts in enumerate(self._counts):
            if length:
                key = self._extend(context, np.array([history[-length]]))
                context = self._contexts[length - 1].find(key)
            seen = counts.row(int(context[0]), self._start)
            chances = (seen + self.strength * chances) / (seen.sum() + self.strength)
        return dict(zip(self.vocabulary, chances.tolist(), strict=True))

    def word_bits(self, words: Words | Sequence[Words]) -> Floats:
        """The surprise −log₂ p of every word in turn, in bits: one number a word, (N,)."""
        self._require_fit()
        padded, places = self._positions(_as_stories(words))
        target = padded[places]
        chances = np.full(len(places), 1 / self._start)
        context = np.zeros(len(places), dtype=np.int64)
        for length, counts in enumerate(self._counts):
            if length:
                key = self._extend(context, padded[places - length])
                context = self._contexts[length - 1].find(key)
            pair, total = counts.of_words(context, target, self._start)
            chances = (pair + self.strength * chances) / (total + self.strength)
        return -np.log2(chances)

    def bits_per_word(self, words: Words | Sequence[Words]) -> float:
        """The mean surprise over all words of a text or of a list of stories: its cross-entropy.

        Every word is predicted from the n − 1 words before it in its own story. Raises ValueError
        for an empty text, and for a word outside the vocabulary: the model gives it no chance.
        """
        return float(self.word_bits(words).mean())

    def write(self, n_words: int, prefix: Words = (), seed: int = 0) -> list[str]:
        """`n_words` words drawn one after the other, as Shannon (1948) did by hand."""
        draw = random.Random(seed)
        written = list(prefix)
        for _ in range(n_words):
            chances = self.next_words(written)
            written += draw.choices(list(chances), list(chances.values()))
        return written[len(prefix) :]

    def _require_fit(self) -> None:
        if not self.vocabulary:
            raise ValueError("This model has counted nothing yet; call fit(words) first.")

    def _extend(self, context: Ints, word: Ints) -> Ints:
        """One number for a context with one more word before it; −1 where it is unknown already."""
        known = (context >= 0) & (word >= 0)
        return np.where(known, context * (self._start + 1) + word, -1)

    def _positions(self, stories: Sequence[Words]) -> tuple[Ints, Ints]:
        """The ids of all stories in one row, each after its start words; and the words' places."""
        n_start = self.order - 1
        try:
            ids = [[self._ids[word] for word in story] for story in stories]
        except KeyError as error:
            raise ValueError(
                f"The word {error.args[0]!r} is not in the vocabulary of {self._start} words, so "
                "the model gives it no chance; name it in fit(..., vocabulary=...)."
            ) from None
        start = [self._start] * n_start
        row = np.array(
            list(itertools.chain.from_iterable(start + story for story in ids)), np.int64
        )
        return row, np.flatnonzero(row != self._start)


class _Table:
    """Contexts of one length, numbered: sorted keys, and −1 for a key that was never seen."""

    def __init__(self, keys: Ints) -> None:
        self.keys = keys

    @classmethod
    def of(cls, keys: Ints) -> tuple[_Table, Ints]:
        distinct, index = np.unique(keys, return_inverse=True)
        return cls(distinct), index.reshape(-1).astype(np.int64)

    def find(self, keys: Ints) -> Ints:
        place = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place, -1)


class _Counts:
    """How often each word stood after each context of one length: sorted keys with their counts."""

    def __init__(self, keys: Ints, counts: Ints, totals: Ints) -> None:
        self.keys, self.counts, self.totals = keys, counts, totals

    @classmethod
    def of(cls, context: Ints, word: Ints, n_words: int) -> _Counts:
        keys, counts = np.unique(context * n_words + word, return_counts=True)
        return cls(keys, counts, np.bincount(context))

    def of_words(self, context: Ints, word: Ints, n_words: int) -> tuple[Ints, Ints]:
        """count(h, w) and count(h) for every position; both 0 for an unknown context."""
        key = context * n_words + word  # below 0, and so never found, for an unknown context
        place = np.searchsorted(self.keys, key).clip(max=len(self.keys) - 1)
        pair = np.where(self.keys[place] == key, self.counts[place], 0)
        return pair, np.where(context >= 0, self.totals[context], 0)

    def row(self, context: int, n_words: int) -> Ints:
        """count(h, w) for every word of the vocabulary, (V,)."""
        seen = np.zeros(n_words, dtype=np.int64)
        if context >= 0:
            low, high = np.searchsorted(self.keys, [context * n_words, (context + 1) * n_words])
            seen[self.keys[low:high] - context * n_words] = self.counts[low:high]
        return seen


def _as_vocabulary(words: Iterable[str]) -> tuple[str, ...]:
    """Every word once, sorted."""
    distinct = () if isinstance(words, str) else set(words)
    if not distinct or not all(isinstance(word, str) for word in distinct):
        raise TypeError(f"The vocabulary must be words, each a str, not {words!r:.60}.")
    for word in sorted(distinct):
        if len(word.split()) > 1:
            raise ValueError(f"{word!r} is several words; split each story: story.split().")
    return tuple(sorted(distinct))


def _as_stories(words: Words | Sequence[Words]) -> Sequence[Words]:
    """A list of stories, each a list of words, from one such list or from one list of words."""
    if isinstance(words, str):
        raise TypeError("Words must come as a list, not as one string; split it: text.split().")
    stories = [words] if words and isinstance(words[0], str) else list(words)
    for story in stories:
        if isinstance(story, str) or not isinstance(story, Iterable):
            raise TypeError(f"Give a list of words, or a list of such lists; {story!r} is neither.")
        for word in story:
            if not isinstance(word, str):
                raise TypeError(f"A word must be a str, not {word!r}.")
    if not any(stories):
        raise ValueError("There is no word here; give at least one.")
    return stories
