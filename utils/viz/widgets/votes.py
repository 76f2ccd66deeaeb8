"""The vote explorer: what a vote of k makes of single answers."""

from __future__ import annotations

import ipywidgets as widgets

from utils.viz.explorer import Explorer, idle
from utils.viz.picture import Picture
from utils.viz.plots.reasoning import vote_view


def vote_explorer(right: int = 30, favourite: int = 25, others: int = 8) -> Explorer:
    """Three sliders: how often the right answer comes, and one wrong one, of 100; and how many
    other wrong answers share the rest.

    The vote is computed exactly, from the multinomial distribution.
    """
    controls = {
        "right": widgets.IntSlider(right, min=0, max=100, description="right, %"),
        "favourite": widgets.IntSlider(favourite, min=0, max=100, description="wrong, %"),
        "others": widgets.IntSlider(others, min=1, max=8, description="others"),
    }

    def draw(right: int, favourite: int, others: int) -> Picture:
        idle(controls["favourite"], "" if right < 100 else "none left beside 100 %")
        idle(controls["others"], "" if right + favourite < 100 else "nothing left to share")
        return vote_view(right / 100, favourite / 100, others)

    return Explorer(controls, draw)
