"""On a narrow page the panels of a row come below each other, as large as the page."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets
import pytest
import torch
from matplotlib.text import Text

from utils.llm.gpt.model import GPT, GPTConfig
from utils.viz import plots, style
from utils.viz.explorer import Explorer
from utils.viz.picture import Picture
from utils.viz.touch.spots import Spots
from utils.viz.widgets import bandwidth_explorer, beam_explorer, pass_explorer, step_explorer

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


MODEL = GPT(GPTConfig(vocab_size=6, context_length=64, n_layers=2, n_heads=2, d_model=8)).eval()
WORDS = ["(start)", "Mina", "had", "astonishing", "kite", "."]


def beams() -> Explorer:
    return beam_explorer(MODEL, ["Mina had"], lambda text: [1, 2], WORDS, beams=5, steps=6)


def steps() -> Explorer:
    ids = [0, *[1, 2, 3, 4, 5] * 8]
    return step_explorer(MODEL, ["Mina had"], lambda text: ids, WORDS, most=12, step=12)


def passes() -> Explorer:
    return pass_explorer(MODEL, ["Mina had"], lambda text: [1, 2, 3, 4, 5] * 3, WORDS, step=2)


@pytest.mark.parametrize("make", [beams, steps, passes])
def test_a_wide_figure_is_drawn_anew_for_a_phone(make: Callable[[], Explorer]) -> None:
    torch.manual_seed(0)
    explorer = make()
    wide = explorer.picture
    explorer._fit(300)
    drawn = explorer.picture
    assert wide.width >= 800
    assert drawn.width < 390
    assert drawn.twin == wide.twin
    drawn.png()
    whole = drawn._figure.bbox
    for text in drawn._figure.findobj(Text):
        if text.get_visible() and text.get_text():
            box = text.get_window_extent()
            assert whole.x0 - 1 <= box.x0 <= box.x1 <= whole.x1 + 1, text.get_text()
            assert text.get_size() >= 8
    explorer._fit(900)
    assert explorer.picture.width == wide.width


def test_what_goes_on_with_a_word_stands_below_it_on_a_phone() -> None:
    explorer = beams()
    explorer._fit(300)
    explorer.picture.png()
    leaves = [text for text in explorer.picture._figure.axes[0].texts if text.get_ha() == "left"]
    places = sorted((text.get_position() for text in leaves), key=lambda place: place[1])
    assert [row for _, row in places] == list(range(len(places)))
    steps_in = [x for x, _ in places]
    assert all(after - before < 0.15 for before, after in zip(steps_in, steps_in[1:], strict=False))
    assert len(set(steps_in)) == 7
    assert "course-tall" in explorer.image._dom_classes


def test_on_a_phone_the_rows_of_a_pass_can_be_touched() -> None:
    explorer = passes()
    (stage,) = [part for part in explorer.widget.children if isinstance(part, Spots)]
    explorer._fit(300)
    rows = [spot["box"] for spot in stage.spots if spot["control"] == "step"]
    assert len(rows) == 5
    assert all(a["y"] + a["height"] <= b["y"] + 1 for a, b in zip(rows, rows[1:], strict=False))
    assert min(row["height"] for row in rows) > 24
    assert rows[-1]["y"] + rows[-1]["height"] <= stage.size["height"]
