"""What an experiment with n-grams did: which models read and were judged, and what was not fair."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from utils.llm.counting.ngram import NGramModel

Story = tuple[str, ...]
FEW, MANY = 1000, 2000
LEAST_JUDGED = 100  # stories; with fewer, chance outweighs what is to be measured


@dataclass
class Model:
    """One fit of an n-gram: what it has read, what it was judged on, and the bits a word."""

    order: int
    strength: float
    read: list[Story]
    vocabulary: frozenset[str]
    of: NGramModel  # whose fit it is
    judged: set[Story] = field(default_factory=set)
    bits: list[float] = field(default_factory=list)


def _stories(words: Any) -> list[Story]:
    single = len(words) > 0 and isinstance(words[0], str)
    return [tuple(story) for story in ([words] if single else words)]


@contextlib.contextmanager
def watched() -> Iterator[list[Model]]:
    """A list that fills with the n-grams that read a text meanwhile."""
    seen: list[Model] = []
    notes: dict[int, Model] = {}
    fit, word_bits = NGramModel.fit, NGramModel.word_bits

    def noted_fit(self: NGramModel, words: Any, vocabulary: Any = None) -> NGramModel:
        if vocabulary is not None:
            vocabulary = list(vocabulary)
        result = fit(self, words, vocabulary)
        known = frozenset(self.vocabulary)
        notes[id(self)] = Model(self.order, self.strength, _stories(words), known, self)
        seen.append(notes[id(self)])
        return result

    def noted_bits(self: NGramModel, words: Any) -> Any:
        result = word_bits(self, words)
        if id(self) in notes:
            notes[id(self)].judged |= set(_stories(words))
            notes[id(self)].bits.append(float(result.mean()))
        return result

    NGramModel.fit, NGramModel.word_bits = noted_fit, noted_bits  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        NGramModel.fit, NGramModel.word_bits = fit, word_bits  # type: ignore[method-assign]


NOT_MEASURED = (
    "No NGramModel reads a text while your function runs: fit one on 1,000 stories and another on "
    "2,000, and judge both on the same new ones."
)
ORDER = "A model of yours has another order than the one that is asked for."
STRENGTH = "A model of yours has another strength than 1: leave it at 1."
LETTERS = "Your stories are lists of letters: split each into its words."
AMOUNT = "Your models have not read 1,000 stories and 2,000."
REPEATED = "A model of yours has read the same stories several times: a text twice is no new text."
REFITTED = (
    "Your two models are one: fit changes the NGramModel that it is called on, and returns it. "
    "Make a new one for each text, or judge the first before the second fit."
)
VOCABULARY = "Your models differ in their vocabulary too: give both the same."
HAS_READ = "A model of yours is judged on stories that it has read: take new ones for both."
TWO_JUDGES = "Your two models are judged on different stories: judge both on the same ones."
FEW_JUDGED = "Your models are judged on too few stories, and chance has the say: take some 300."


def not_held_still(seen: list[Model], order: int, returned: float) -> str | None:
    """What else than the amount of text was changed between the models, if anything was."""
    if not seen:
        return f"{NOT_MEASURED} (You returned {returned:.4g}.)"
    orders, strengths = ({getattr(m, name) for m in seen} for name in ("order", "strength"))
    sizes = sorted({len(model.read) for model in seen})
    if orders != {order}:
        return f"{ORDER} (You took {_listed(orders)}, and {order} is asked for.)"
    if strengths != {1.0}:
        return f"{STRENGTH} (You took {_listed(strengths)}.)"
    if all(len(word) == 1 for story in seen[0].read[:50] for word in story):
        return LETTERS
    if sizes != [FEW, MANY]:
        return f"{AMOUNT} (They have read {_listed(sizes)}.)"
    if any(len(set(model.read)) < 0.9 * len(model.read) for model in seen):
        return REPEATED
    if len({model.vocabulary for model in seen}) > 1:
        return VOCABULARY
    if any(not one.bits and one.of is other.of for one, other in pairwise(seen)):
        return REFITTED
    return judged_unfairly(seen) or _judged_by_few(seen)


def judged_unfairly(seen: list[Model]) -> str | None:
    """What makes the judgement of two models no comparison, whatever comes out."""
    for model in seen:
        if model.judged and len(model.judged & set(model.read)) > len(model.judged) / 2:
            return HAS_READ
    few, many = ([m.judged for m in seen if len(m.read) == n and m.judged] for n in (FEW, MANY))
    if few and many and not any(one in many for one in few):
        return TWO_JUDGES
    return None


def _judged_by_few(seen: list[Model]) -> str | None:
    least = min((len(model.judged) for model in seen if model.judged), default=LEAST_JUDGED)
    return f"{FEW_JUDGED} (You took {least}.)" if least < LEAST_JUDGED else None


def _listed(values: Any) -> str:
    return " and ".join(f"{value:,g}" for value in sorted(values))


def _made_up(n: int, start: int = 0) -> list[list[str]]:
    """Different stories of two words each, quickly counted."""
    return [[f"a{i // 60}", f"b{i % 60}"] for i in range(start, start + n)]


def small(
    reckon: Callable[[float, float], float] = lambda few, many: math.inf,
    *,
    more_order: int = 0,
    strength: float = 1.0,
    read: tuple[Any, Any] = (_made_up(FEW), _made_up(MANY)),
    judges: tuple[Any, Any] = (_made_up(300, MANY), _made_up(300, MANY)),
    words: tuple[int, int] = (4000, 4000),
) -> Callable[[int], float]:
    """The experiment with a bend where a wrong turn wants one, on stories of two words."""

    def answer(order: int) -> float:
        bits = []
        for text, judge, n in zip(read, judges, words, strict=True):
            vocabulary = {w for story in _made_up(n) for w in story} | set("ab")
            model = NGramModel(order + more_order, strength).fit(text, vocabulary)
            bits.append(model.bits_per_word(judge))
        return reckon(*bits)

    return answer


def _refitted(order: int) -> float:
    one = NGramModel(order)
    for n in (FEW, MANY):
        one.fit(_made_up(n), [word for story in _made_up(4000) for word in story])
    return one.bits_per_word(_made_up(300, MANY)) + math.inf


def examples() -> dict[str, Callable[[int], float]]:
    """For each of the sentences above, an experiment of which it is true."""
    return {
        NOT_MEASURED: lambda order: 0.05,
        ORDER: small(more_order=1),
        STRENGTH: small(strength=4.0),
        LETTERS: small(read=([["a", "b"]], [["a", "b"]] * 2)),
        AMOUNT: small(read=(_made_up(500), _made_up(MANY))),
        REPEATED: small(read=(_made_up(FEW), _made_up(FEW) * 2)),
        VOCABULARY: small(words=(4000, 5000)),
        HAS_READ: small(judges=(_made_up(300), _made_up(300))),
        REFITTED: _refitted,
        TWO_JUDGES: small(judges=(_made_up(300, MANY), _made_up(300, MANY + 300))),
        FEW_JUDGED: small(judges=(_made_up(9, MANY), _made_up(9, MANY))),
    }
