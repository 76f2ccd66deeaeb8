"""What a story is made of: choices, phrases that remember what they say, and the walk along them.

A plot is a coroutine. It yields a `Choice` (phrases with their weights) and is sent the number of
the phrase that was drawn. A phrase is a few words; no phrase of a choice is the beginning of
another, so the words that come out always show which one was drawn. `Walk` turns the plot into the
word by word view that the rest of the course uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

__all__ = ["Choice", "Mark", "Phrase", "Plot", "Teller", "Walk", "all_words", "count_bits"]

#: For placeholders that say a fact in another shape: (kind of recall, fact it comes from).
_DERIVED = {
    "She": ("pronoun", "name"),
    "she": ("pronoun", "name"),
    "Her": ("pronoun", "name"),
    "her": ("pronoun", "name"),
    "them": ("pronoun", "name"),
    "left": ("count", "number"),
    "answer": ("answer", "spot"),
}


class Mark(NamedTuple):
    """That a word says a fact: its kind, and the fact whose earlier mention it repeats."""

    kind: str
    source: str


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
        marks = [mark for _, _, mark in _parse(self.templates[number])]
        return Phrase(tuple(self.words(number)), tuple(marks))


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
            mark = None if slot.startswith("a_") else Mark(*_DERIVED.get(slot, (slot, slot)))
            parts.append((slot, True, mark))
        elif "=" in token:
            kind, word = token.split("=")
            parts.append((word, False, Mark(kind, kind)))
        else:
            parts.append((token, False, None))
    return tuple(parts)


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
        self.last_said: dict[str, int] = {}
        self.facts: dict[str, str] = {}
        self._open: list[tuple[int, int, Phrase]] = []  # (number, weight, phrase) still possible
        self._offset = 0
        self._take(next(plot))

    @property
    def ended(self) -> bool:
        return not self._open

    def next_words(self) -> dict[str, float]:
        """The exact distribution of the next word; empty after the story's end."""
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
        certain = len({phrase.words[self._offset] for _, _, phrase in self._open}) == 1
        self._open = [entry for entry in self._open if entry[2].words[self._offset] == word]
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
        before = self.last_said.get(mark.source)
        self.last_said[mark.source] = self.position
        if mark.kind != "pronoun":
            self.facts[mark.kind] = word
        if before is None or not certain:
            return None
        return mark.kind, self.position - before

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


def count_bits(new_plot: Callable[[], Plot], *, trust_marks: bool = True) -> tuple[float, float]:
    """Expected (bits, words) of a story, exactly, by a walk of the tree of choices.

    Choices marked `same_shape` are followed along their first phrase only; with
    `trust_marks=False` along every phrase, which is the same sum the long way round.
    A coroutine can't be copied, so each branch starts the plot again and repeats the way to it.
    """

    def below(path: list[int]) -> tuple[float, float]:
        plot = new_plot()
        choice: Choice | None = next(plot)
        for number in path:
            choice = _send(plot, number)
        bits = words = 0.0
        while choice is not None:
            total = sum(choice.weights)
            shares = [weight / total for weight in choice.weights]
            bits -= math.fsum(p * math.log2(p) for p in shares)
            words += math.fsum(
                p * len(_parse(template))
                for p, template in zip(shares, choice.templates, strict=True)
            )
            if len(shares) > 1 and not (trust_marks and choice.same_shape):
                branches = [below([*path, number]) for number in range(len(shares))]
                bits += math.fsum(p * b for p, (b, _) in zip(shares, branches, strict=True))
                words += math.fsum(p * w for p, (_, w) in zip(shares, branches, strict=True))
                return bits, words
            path = [*path, 0]
            choice = _send(plot, 0)
        return bits, words

    return below([])


def _send(plot: Plot, number: int) -> Choice | None:
    try:
        return plot.send(number)
    except StopIteration:
        return None


def all_words(new_plot: Callable[[], Plot]) -> set[str]:
    """The words of every phrase that `count_bits` passes (not those that hang on a fact)."""
    found: set[str] = set()

    def below(path: list[int]) -> None:
        plot = new_plot()
        choice: Choice | None = next(plot)
        for number in path:
            choice = _send(plot, number)
        while choice is not None:
            for number in range(len(choice.weights)):
                found.update(choice.phrase(number).words)
            if len(choice.weights) > 1 and not choice.same_shape:
                for number in range(len(choice.weights)):
                    below([*path, number])
                return
            path = [*path, 0]
            choice = _send(plot, 0)

    below([])
    return found
