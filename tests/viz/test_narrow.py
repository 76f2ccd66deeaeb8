"""On a narrow page the panels of a row come below each other, as large as the page."""

from __future__ import annotations

import ipywidgets as widgets
import torch

from utils.viz import plots, style
from utils.viz.explorer import Explorer
from utils.viz.picture import Picture
from utils.viz.widgets import bandwidth_explorer

PIE = {"a": 0.25, "b": 0.75}


def pies(n: int = 0) -> Picture:
    return plots.pie_pair(PIE, PIE, "Two pies.")


def test_two_pies_stand_side_by_side_and_on_a_phone_one_above_the_other() -> None:
    left, right = pies().panels()
    assert left.right < right.left
    with style.page(narrow=True):
        drawn = pies()
    above, below = drawn.panels()
    assert above.bottom < below.top
    assert drawn.width < 390
    assert drawn.twin == pies().twin
    assert pies().width == 800


def test_an_explorer_draws_for_the_page_that_it_is_told_of() -> None:
    piece = Explorer({"n": widgets.IntSlider()}, pies)
    companion = piece.widget.children[-1]
    for pixels, width in ((1000, 800), (360, 380), (1000, 800)):
        companion._handle_custom_msg({"there": True, "width": pixels}, [])
        assert piece.picture.width == width
        assert piece.image.layout.width == f"{width}px"
    companion._handle_custom_msg({"there": True}, [])
    assert piece.picture.width == 800


def test_a_legend_hides_nothing_on_a_phone() -> None:
    x = torch.linspace(-2, 2, 20)
    explorer = bandwidth_explorer((x, x), (x, x), lambda at: at)
    explorer._fit(360)
    explorer.picture.png()
    for ax in explorer.picture._figure.axes:
        assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1
