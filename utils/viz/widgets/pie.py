"""The pie with its true twin: what comes next in a story, and what an n-gram model believes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import ipywidgets as widgets

from utils.viz.explorer import Explorer
from utils.viz.picture import Picture
from utils.viz.plots.curves import pie_pair

_TAIL = 7


class NextWords(Protocol):
    """Anything with a distribution of the next word after a prefix."""

    def next_words(self, prefix: Sequence[str]) -> Mapping[str, float]: ...


def pies_of_a_story(
    words: Sequence[str],
    truth: Callable[[Sequence[str]], Mapping[str, float]],
    models: Mapping[int, NextWords],
    position: int,
    order: int,
) -> Explorer:
    """Two pies for the word after the first `position` words of a story, and a slider for each.

    `truth(prefix)` is the true distribution, `models` maps an order to an n-gram model.
    """
    orders = sorted(models)
    if orders != list(range(orders[0], orders[-1] + 1)):
        raise ValueError(f"models has the orders {orders}; give every order between the two ends")

    def draw(words_read: int, order: int) -> Picture:
        prefix = list(words[:words_read])
        true, believed = truth(prefix), models[order].next_words(prefix)
        return pie_pair(
            true,
            believed,
            _finding(prefix, words[words_read], order, true, believed),
            titles=("the pie that is", f"the pie that the {order}-gram believes"),
            drawn=words[words_read],
        )

    controls = {
        "words_read": widgets.IntSlider(position, min=0, max=len(words) - 1),
        "order": widgets.IntSlider(order, min=orders[0], max=orders[-1]),
    }
    return Explorer(controls, draw)


def _finding(
    prefix: Sequence[str],
    came: str,
    order: int,
    true: Mapping[str, float],
    believed: Mapping[str, float],
) -> str:
    seen = order - 1
    tail = list(prefix[-max(_TAIL, seen) :])
    cut = max(0, len(tail) - seen)
    shown = " ".join(["…", *tail[:cut], "[" + " ".join(tail[cut:]) + "]"])
    chances = f"true chance {true[came]:.2f}, {order}-gram {believed.get(came, 0):.2f}"
    return f"{shown} {came}: {chances}"
