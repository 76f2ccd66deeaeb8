"""The story world: a small corpus whose every probability is known.

`stories` writes it; `next_words` gives the true distribution of the next word after any
beginning; `entropy_per_word` is the floor that no language model can get under. The judges
(`is_possible`, `log2_probability`, `facts`, `recalls`) say how good a written story is.

Words are separated by single spaces, and full stops, commas and question marks are words.
"""

from __future__ import annotations

import math
import random
import textwrap
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from utils.data.storyworld import plots as storyworld_plots
from utils.data.storyworld.engine import Choice, Plot, Walk, all_words, count_bits

__all__ = [
    "END",
    "VOCABULARY",
    "ImpossibleStoryError",
    "Recall",
    "distributions",
    "entropy_per_word",
    "facts",
    "is_possible",
    "log2_probability",
    "next_words",
    "prose",
    "recalls",
    "stories",
    "story",
]

END = "<|endoftext|>"
#: Every word of every story, sorted; `END` is not one of them.
VOCABULARY: tuple[str, ...] = tuple(
    sorted(all_words(storyworld_plots.story).union(storyworld_plots.WORDS_FROM_FACTS))
)
_SHOWN = 8


class ImpossibleStoryError(ValueError):
    """A beginning that no story has: says which word is wrong and what could have stood there.

    Attributes: `word`, `position` (counted from 0), `possible` (what could have stood there).
    """

    def __init__(self, word: str, position: int, possible: Mapping[str, float]) -> None:
        self.word, self.position, self.possible = word, position, tuple(possible)
        shown = ", ".join(repr(w) for w in sorted(possible)[:_SHOWN])
        more = len(possible) - _SHOWN
        expected = shown + (f" and {more} more" if more > 0 else "")
        super().__init__(
            f"no story has {word!r} as its word {position} (counted from 0); "
            f"after the words before it only {expected} can stand there"
        )


class Recall(NamedTuple):
    """A word that only somebody who remembers can know.

    `index`: its position; `kind`: what is remembered ("colour", "name", "count", …);
    `distance`: how many words back the nearest word stands that gives it away: for a name the
    name, for a pronoun the name or a pronoun, for a count the number that it goes down from.
    """

    index: int
    kind: str
    distance: int


def story() -> Generator[dict[str, float], str, None]:
    """One story as a coroutine: it yields a distribution and is sent the word that was drawn.

    >>> words = story()
    >>> sorted(next(words))[:3]
    ['Ada', 'Emil', 'Finn']
    >>> sorted(words.send("Mina"))
    ['found', 'had']
    """
    walk = Walk(storyworld_plots.story())
    while not walk.ended:
        distribution = walk.next_words()
        word = yield distribution
        if word not in distribution:
            raise ImpossibleStoryError(word, walk.position, distribution)
        walk.step(word)


def stories(n: int, seed: int = 0) -> list[str]:
    """Write `n` stories, each one line. The first ones are the same however many are asked for.

    Draws come from `random.Random(seed).random()` and whole-number weights alone, so a seed
    gives the same stories on every Python and machine.
    """
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"n is the number of stories, a whole number; got {n!r}")
    if n < 0:
        raise ValueError(f"n is the number of stories, 0 or more; got {n}")
    draw = random.Random(seed).random
    return [_write(draw) for _ in range(n)]


def next_words(prefix: Sequence[str] | str) -> dict[str, float]:
    """The true distribution of the word after `prefix` (words, or a text to split at spaces).

    After a whole story it is `{END: 1.0}`. Raises `ImpossibleStoryError` (a ValueError) where no
    story begins like that.

    >>> next_words("Mina had")
    {'a': 0.9, 'an': 0.1}
    """
    words = _words(prefix)
    return _end_or(_walk(words))


def distributions(words: Sequence[str] | str) -> list[dict[str, float]]:
    """The true distribution before each word and after the last: `len(words) + 1` of them."""
    walk = Walk(storyworld_plots.story())
    found = [_end_or(walk)]
    for word in _words(words):
        _step(walk, word)
        found.append(_end_or(walk))
    return found


def log2_probability(words: Sequence[str] | str) -> float:
    """log2 of the chance that a story begins with these words; −inf where none does.

    The end of a story is certain, so for a whole story this is the chance of just that story.
    """
    walk = Walk(storyworld_plots.story())
    bits = 0.0
    for word in _words(words):
        probability = _end_or(walk).get(word, 0.0)
        if probability == 0.0:
            return -math.inf
        bits += math.log2(probability)
        if word != END:
            walk.step(word)
    return bits


def is_possible(words: Sequence[str] | str, *, whole: bool = False) -> bool:
    """Whether a story can begin like that; with `whole=True`, whether it is a story to its end."""
    try:
        walk = _walk(_words(words))
    except ImpossibleStoryError:
        return False
    return walk.ended or not whole


def facts(words: Sequence[str] | str) -> dict[str, str]:
    """What a story, or a beginning of one, has told: name, colour, thing, weather and so on.

    >>> facts("Mina had a blue kite")
    {'name': 'Mina', 'colour': 'blue', 'thing': 'kite'}
    """
    return _walk(_words(words)).facts


def recalls(words: Sequence[str] | str) -> list[Recall]:
    """The positions where a fact told before comes again and no other word is possible."""
    walk = Walk(storyworld_plots.story())
    found = []
    for index, word in enumerate(_words(words)):
        recalled = _step(walk, word)
        if recalled is not None:
            found.append(Recall(index, *recalled))
    return found


def recall_places(
    stories: Sequence[Sequence[str] | str],
    kind: str | None = None,
    *,
    distance: int = 0,
    before: int | None = None,
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where facts come again in some stories: the stories' numbers, and the words' in them.

    `kind` keeps one kind of fact, `distance` those last told at least so many words before, and
    `before` the words of a smaller number. The pair indexes whatever has the shape (story, word).

    >>> begun = "Mina had a blue kite . One day there was rain at the river . So Mina"
    >>> recall_places([begun, "Ada found"], "name")
    ((0,), (16,))
    """
    found = [
        (i, recall.index)
        for i, words in enumerate(stories)
        for recall in recalls(words)
        if kind in (None, recall.kind) and recall.distance >= distance
        if before is None or recall.index < before
    ]
    return tuple(i for i, _ in found), tuple(j for _, j in found)


@cache
def entropy_per_word() -> float:
    """The entropy of the stories in bits per word: expected bits over expected words, exactly."""
    bits, words = count_bits(storyworld_plots.story)
    return bits / words


def prose(words: Sequence[str] | str, width: int | None = None) -> str:
    """Render a story for reading: no space before a full stop, comma, colon or question mark.

    With a `width`, lines are broken between words so that none is longer.

    >>> prose("Mina had a blue kite .")
    'Mina had a blue kite.'
    """
    text = ""
    for word in _words(words):
        text += word if word in {".", ",", "?", ":"} or not text else f" {word}"
    return text if width is None else textwrap.fill(text, width)


def _words(words: Sequence[str] | str) -> list[str]:
    return words.split() if isinstance(words, str) else list(words)


def _walk(words: list[str]) -> Walk:
    walk = Walk(storyworld_plots.story())
    for word in words:
        _step(walk, word)
    return walk


def _step(walk: Walk, word: str) -> tuple[str, int] | None:
    possible = _end_or(walk)
    if word not in possible:
        raise ImpossibleStoryError(word, walk.position, possible)
    return None if word == END else walk.step(word)


def _end_or(walk: Walk) -> dict[str, float]:
    return {END: 1.0} if walk.ended else walk.next_words()


def _write(draw: Callable[[], float]) -> str:
    plot: Plot = storyworld_plots.story()
    words: list[str] = []
    choice: Choice = next(plot)
    try:
        while True:
            number = _draw_number(choice.weights, draw)
            words += choice.words(number)
            choice = plot.send(number)
    except StopIteration:
        return " ".join(words)


def _draw_number(weights: tuple[int, ...], draw: Callable[[], float]) -> int:
    if len(weights) == 1:
        return 0
    mark = draw() * sum(weights)  # below the sum: random() is at most 1 - 2**-53
    for number, weight in enumerate(weights):
        mark -= weight
        if mark < 0:
            return number
    raise AssertionError("a draw lies below the sum of the weights")
