"""The exercise of chapter 02 in which something is measured: what twice the text is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_02 import experiment
from utils.course.exercises.probing import number, outside
from utils.data import storyworld
from utils.llm.counting.ngram import NGramModel

# Bits a word that an n-gram (strength 1) saves on new stories by reading 2,000 stories where it
# had read 1,000: the mean of twelve draws of the stories, judged on 100 to 1,000 others, and
# bounds well outside of what the twelve gave.
MEASURED = {
    1: (0.002, 0.0, 0.006),
    2: (0.012, 0.006, 0.022),
    3: (0.042, 0.03, 0.055),
    4: (0.097, 0.07, 0.125),
    5: (0.155, 0.12, 0.185),
    6: (0.191, 0.15, 0.23),
}
_HOLD = (
    "hold everything still but the amount of text, 1,000 stories and 2,000: the order that is "
    "asked for, the strength 1, the vocabulary, and the new stories on which both are judged; and "
    "return the bits a word after 1,000 minus those after 2,000."
)
_TURNED = (
    "That is the gain with its sign turned: return the bits after 1,000 stories minus those after "
    "2,000."
)
_RATIO = "That is a ratio: return the difference of the bits."
_PERPLEXITIES = "That is a difference of perplexities: return the difference of the bits."
_NATS = "That is the gain in nats: return it in bits, as bits_per_word gives them."
_ONE = "Those are the bits a word of one model: return those after 1,000 minus those after 2,000."


def gain_of_doubling(order: int) -> float:
    """Bits a word that an n-gram of this order gains from 2,000 stories in place of 1,000.

    As it was measured once; raises ValueError for an order that was not.
    """
    if order not in MEASURED:
        raise ValueError(f"order is {order}: the gain was measured for the orders 1 to 6.")
    return MEASURED[order][0]


def _in_its_bounds(answer: Callable[[int], Any], order: int) -> Any:
    """The recorded gain for any sound measurement that is near it; a remark on one that isn't."""
    with experiment.watched() as seen:
        result = answer(order)
    measured = number(result)
    if measured is None or math.isnan(measured):
        return result
    mean, low, high = MEASURED[order]
    if low <= measured <= high:
        flaw = experiment.judged_unfairly(seen)
        return Remark(flaw) if flaw else mean
    flaw = experiment.not_held_still(seen, order, measured) or _reckoned(seen, measured)
    return Remark(flaw) if flaw else outside(measured, low, high, _HOLD)


def _reckoned(seen: list[experiment.Model], measured: float) -> str | None:
    """What was made of the bits of two sound models, where that gives the number measured."""
    if len(seen) != 2 or any(len(model.bits) != 1 for model in seen):
        return None
    few, many = (model.bits[0] for model in sorted(seen, key=lambda model: len(model.read)))
    for sentence, values in {
        _TURNED: [many - few],
        _RATIO: [few / many, many / few],
        _PERPLEXITIES: [2**few - 2**many],
        _NATS: [(few - many) * math.log(2)],
        _ONE: [few, many],
    }.items():
        if any(math.isclose(measured, value, rel_tol=1e-4) for value in values):
            return sentence
    return None


@cache
def _other_stories() -> list[list[str]]:
    return [story.split() for story in storyworld.stories(2200, seed=5)]


def _on_other_stories(order: int) -> float:
    stories = _other_stories()
    bits = [
        NGramModel(order).fit(stories[:n], storyworld.VOCABULARY).bits_per_word(stories[2000:])
        for n in (1000, 2000)
    ]
    return bits[0] - bits[1]


_CAUSES = experiment.examples() | {
    _TURNED: experiment.small(lambda few, many: many - few),
    _RATIO: experiment.small(lambda few, many: few / many),
    _PERPLEXITIES: experiment.small(lambda few, many: 2**few - 2**many),
    _NATS: experiment.small(lambda few, many: (few - many) * math.log(2)),
    _ONE: experiment.small(lambda few, many: few),
}

DOUBLING = Exercise(
    id="2.8",
    title="What twice the text is worth",
    minutes=10,
    stars=2,
    reference=gain_of_doubling,
    probes=[(5,), (3,), (6,)],
    mistakes=_CAUSES,
    call=_in_its_bounds,
    alternatives={"measured on other stories": _on_other_stories},
    timeout=60.0,
)
