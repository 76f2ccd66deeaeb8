"""What a story is made of: choices, phrases that remember what they say, and the walk along them.

A plot is a coroutine. It yields a `Choice` (phrases with their weights) and is sent the number of
the phrase that was drawn. A phrase is a few words; no phrase of a choice is the beginning of
another, so the words that come out always show which one was drawn. `Walk` turns the plot into the
word by word view that the rest of the course uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

__all__ = ["Choice", "Mark", "Phrase", "Plot", "Teller", "Walk", "all_words", "count_bits"]


class Mark(NamedTuple):
    """That a word says a fact: its kind, and the kinds whose earlier mention gives it away."""

    kind: str
    sources: tuple[str, ...]


_PRONOUN = Mark("pronoun", ("pronoun", "name"))
#: Placeholders that say a fact told as something else; all others repeat the fact they name.
_DERIVED = {
    "She": _PRONOUN,
    "she": _PRONOUN,
    "Her": _PRONOUN,
    "her": _PRONOUN,
    "left": Mark("count", ("count", "number")),
    "answer": Mark("answer", ("spot",)),
}


class Phrase(NamedTuple):
    """Some words in a row, and for each the fact it says, if any."""

    words: tuple[str, ...]
    marks: tuple[Mark | None, ...]


class Choice(NamedTuple):
    """Phrases to draw from, with whole-number weights.

    `same_shape` promises that the rest of the story has as many words and as much chance in it
    whichever phrase is drawn, so that an exact sum over all stories may follow just one of them.
    """

    templates: tuple[str, ...]
    weights: tuple[int, ...]
    told: Mapping[str, str]
    same_shape: bool

    def words(self, number: int) -> list[str]:
        """The words of the phrase of that number, with the facts filled in."""
        told = self.told
        return [told[word] if slot else word for word, slot, _ in _parse(self.templates[number])]

    def phrase(self, number: int) -> Phrase:
        """The phrase of that number: its words and what they say."""
        template = self.templates[number]
        return _plain(template) or Phrase(tuple(self.words(number)), _marks(template))


Plot = Generator[Choice, int, None]


@cache
def _parse(template: str) -> tuple[tuple[str, bool, Mark | None], ...]:
    """Split a template into (word or slot, is it a slot, mark).

    `{colour}` repeats a fact, `colour=blue` tells one, everything else is a plain word.
    """
    parts: list[tuple[str, bool, Mark | None]] = []
    for token in template.split():
        if token.startswith("{"):
            slot = token.strip("{}")
            mark = None if slot.startswith("a_") else _DERIVED.get(slot, Mark(slot, (slot,)))
            parts.append((slot, True, mark))
        elif "=" in token:
            kind, word = token.split("=")
            parts.append((word, False, Mark(kind, (kind,))))
        else:
            parts.append((token, False, None))
    return tuple(parts)


@cache
def _marks(template: str) -> tuple[Mark | None, ...]:
    return tuple(mark for _, _, mark in _parse(template))


@cache
def _plain(template: str) -> Phrase | None:
    """The phrase of a template that needs no fact filled in, else None."""
    parts = _parse(template)
    if any(slot for _, slot, _ in parts):
        return None
    return Phrase(tuple(word for word, _, _ in parts), _marks(template))


def article(word: str) -> str:
    """`a` or `an`, as English wants it before the word (by its first letter; enough here)."""
    return "an" if word[0] in "aeiou" else "a"


@cache
def _tellings(kind: str, words: tuple[str, ...], with_article: bool) -> tuple[str, ...]:
    return tuple(
        f"{article(word)} {kind}={word}" if with_article else f"{kind}={word}" for word in words
    )


class Teller:
    """Holds the facts of one story and makes its choices; every method is a part of a coroutine."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def know(self, **facts: str) -> None:
        """Set facts that later phrases may use, without saying them now."""
        for kind, word in facts.items():
            self.told[kind] = word
            self.told[f"a_{kind}"] = article(word)

    def say(
        self, *variants: str, weights: Sequence[int] | None = None
    ) -> Generator[Choice, int, int]:
        """Say one of the variants; the story goes on alike after each. Returns its number."""
        return (yield self._choice(variants, weights, same_shape=True))

    def branch(
        self, *variants: str, weights: Sequence[int] | None = None
    ) -> Generator[Choice, int, int]:
        """Say one of the variants; the story differs after each. Returns its number."""
        return (yield self._choice(variants, weights, same_shape=False))

    def tell(
        self,
        kind: str,
        words: Sequence[str],
        *,
        with_article: bool = False,
        same_shape: bool = True,
    ) -> Generator[Choice, int, str]:
        """Draw a fact from `words`, say it, keep it. Returns the word."""
        templates = _tellings(kind, tuple(words), with_article)
        word = words[(yield self._choice(templates, None, same_shape=same_shape))]
        self.know(**{kind: word})
        return word

    def _choice(
        self, variants: tuple[str, ...], weights: Sequence[int] | None, *, same_shape: bool
    ) -> Choice:
        weights = (1,) * len(variants) if weights is None else tuple(weights)
        return Choice(variants, weights, self.told, same_shape)


class Walk:
    """A story followed word by word: what may come next, and what the words have said so far."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self.position = 0
        self._said: dict[str, int] = {}  # where each kind of fact was said last
        self.facts: dict[str, str] = {}
        self._open: list[tuple[int, int, Phrase]] = []  # (number, weight, phrase) still possible
        self._offset = 0
        self._take(next(plot))

    @property
    def ended(self) -> bool:
        return not self._open

    def next_words(self) -> dict[str, float]:
        """The exact distribution of the next word; empty after the story's end."""
        if len(self._open) == 1:
            return {self._open[0][2].words[self._offset]: 1.0}
        weights: dict[str, int] = {}
        for _, weight, phrase in self._open:
            word = phrase.words[self._offset]
            weights[word] = weights.get(word, 0) + weight
        total = sum(weights.values())
        return {word: weight / total for word, weight in weights.items()}

    def step(self, word: str) -> tuple[str, int] | None:
        """Go on by a word that is possible. Returns (kind, distance) where it had to be recalled.

        A word is recalled where the story allows no other and it repeats something said before.
        """
        certain = len(self._open) == 1
        if not certain:
            following = [entry for entry in self._open if entry[2].words[self._offset] == word]
            certain = len(following) == len(self._open)
            self._open = following
        number, _, phrase = self._open[0]
        recalled = self._note(word, phrase.marks[self._offset], certain=certain)
        self.position += 1
        self._offset += 1
        if self._offset == len(phrase.words):
            self._send(number)
        return recalled

    def _note(self, word: str, mark: Mark | None, *, certain: bool) -> tuple[str, int] | None:
        if mark is None:
            return None
        before = [self._said[kind] for kind in mark.sources if kind in self._said]
        self._said[mark.kind] = self.position
        if mark is not _PRONOUN:
            self.facts[mark.kind] = word
        return (mark.kind, self.position - max(before)) if before and certain else None

    def _send(self, number: int) -> None:
        try:
            self._take(self._plot.send(number))
        except StopIteration:
            self._open = []

    def _take(self, choice: Choice) -> None:
        self._offset = 0
        self._open = [
            (number, weight, choice.phrase(number)) for number, weight in enumerate(choice.weights)
        ]


def count_bits(new_plot: Callable[[], Plot], path: Sequence[int] = ()) -> tuple[float, float]:
    """Expected (bits, words) of what follows a path of drawn numbers, exactly, by walking the tree.

    Choices marked `same_shape` are followed along their first phrase only. A coroutine can't be
    copied, so each branch starts the plot again and repeats the way to it.
    """
    bits = words = 0.0
    for way, choice in _certain_way(new_plot, path):
        shares = [weight / sum(choice.weights) for weight in choice.weights]
        bits -= math.fsum(p * math.log2(p) for p in shares)
        words += math.fsum(
            p * len(_parse(template)) for p, template in zip(shares, choice.templates, strict=True)
        )
        if _forks(choice):
            for number, share in enumerate(shares):
                more_bits, more_words = count_bits(new_plot, [*way, number])
                bits += share * more_bits
                words += share * more_words
    return bits, words


def all_words(new_plot: Callable[[], Plot], path: Sequence[int] = ()) -> set[str]:
    """The words of every phrase that `count_bits` passes (not those that hang on a fact)."""
    found: set[str] = set()
    for way, choice in _certain_way(new_plot, path):
        for number in range(len(choice.weights)):
            found.update(choice.words(number))
            if _forks(choice):
                found |= all_words(new_plot, [*way, number])
    return found


def _forks(choice: Choice) -> bool:
    return len(choice.weights) > 1 and not choice.same_shape


def _certain_way(
    new_plot: Callable[[], Plot], path: Sequence[int]
) -> Iterator[tuple[list[int], Choice]]:
    """The choices after a path, up to the next fork; with each, the path that leads to it."""
    plot = new_plot()
    way = list(path)
    try:
        choice = next(plot)
        for number in path:
            choice = plot.send(number)
        while True:
            yield way, choice
            if _forks(choice):
                return
            way = [*way, 0]
            choice = plot.send(0)
    except StopIteration:
        return
