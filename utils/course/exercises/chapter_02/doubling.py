"""The exercise of chapter 02 in which something is measured: what twice the text is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from utils.course.checking.compare import Remark, show
from utils.course.checking.exercise import Exercise
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
_TURNED = (
    "That is the right amount with the sign turned: return the bits after 1,000 stories minus "
    "those after 2,000."
)
_NEGATIVE = (
    "Your number is negative, as if twice the text made a model worse. Look whether you subtract "
    "in the right order (bits after 1,000 stories minus bits after 2,000), whether both are judged "
    "on stories that neither has read, and whether the second thousand is a new one."
)
_NOTHING = (
    "You gain next to nothing. Look whether the second model has read 2,000 different stories, and "
    "whether both have the order that is asked for."
)
_TOO_LITTLE = (
    "That is too little for 2,000 stories in place of 1,000. Return how many bits a word (not "
    "nats) are gained, and hold everything still but the amount of text: the order that is asked "
    "for, the strength 1, the same vocabulary and the same new stories for both."
)
_TOO_MUCH = (
    "That is too much for 2,000 stories in place of 1,000. Return the bits a word after 1,000 "
    "minus those after 2,000 (a difference of bits, no ratio and none of perplexities), and look "
    "whether one of the models has read the stories on which it is judged, and whether anything "
    "else than the amount of text differs: order, strength (1), the stories they are judged on."
)


def gain_of_doubling(order: int) -> float:
    """Bits a word that an n-gram of this order gains from 2,000 stories in place of 1,000.

    As it was measured once; raises ValueError for an order that was not.
    """
    if order not in MEASURED:
        raise ValueError(f"order is {order}: the gain was measured for the orders 1 to 6.")
    return MEASURED[order][0]


def _in_its_bounds(answer: Callable[[int], Any], order: int) -> Any:
    """The recorded gain for any measurement that is near it; a remark on one that isn't."""
    result = answer(order)
    if isinstance(result, str | bool | None):
        return result
    try:
        measured = float(result)
    except (TypeError, ValueError, RuntimeError):
        return result
    mean, low, high = MEASURED[order]
    if math.isnan(measured) or low <= measured <= high:
        return result if math.isnan(measured) else mean
    said = _TOO_MUCH if measured > high else _too_small(measured, low, high)
    return Remark(f"{said} (You measured {show(measured)} bits.)")


def _too_small(measured: float, low: float, high: float) -> str:
    if measured > -0.004:
        return _NOTHING if measured < 0.004 else _TOO_LITTLE
    return _TURNED if low <= -measured <= high else _NEGATIVE


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


DOUBLING = Exercise(
    id="2.8",
    title="What twice the text is worth",
    minutes=10,
    stars=2,
    reference=gain_of_doubling,
    probes=[(5,), (3,), (6,)],
    mistakes={
        _TURNED: lambda order: -MEASURED[order][0],
        _NEGATIVE: lambda order: -MEASURED[order][0] / 2,
        _NOTHING: lambda order: 0.0,
        _TOO_LITTLE: lambda order: MEASURED[order][0] * math.log(2),
        _TOO_MUCH: lambda order: 3 * MEASURED[order][0],
    },
    call=_in_its_bounds,
    alternatives={"measured on other stories": _on_other_stories},
    timeout=60.0,
)
