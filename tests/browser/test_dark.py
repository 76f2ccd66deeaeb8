"""In a dark theme the figures of the course are turned, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from utils.viz import plots
from utils.viz.look import SHEET
from utils.viz.picture import Picture

PLAIN = plots.lines({"model": [1.0, 2.0]}, "step", "bits", "It rises.")
WORDS = plots.pie_pair({"yellow": 0.5, "kite": 0.5}, {"kite": 1.0}, "Two pies.")
TURNED = "invert(0.933) hue-rotate(180deg)"


def output(content: str) -> str:
    return (
        f'<div class="jp-OutputArea-child"><div class="jp-OutputArea-output">{content}</div></div>'
    )


def figure(name: str, picture: Picture) -> str:
    """A figure in an output, and its fold in the next, as JupyterLab lays them out."""
    image = output(f'<div class="jp-RenderedImage"><img id="{name}"></div>')
    return image + output(f"<div>{picture._repr_html_()}</div>")


def explorer(name: str, picture: Picture) -> str:
    parts = (
        f'<img class="course-figure" id="{name}"><div class="course-over" id="{name}-over"></div>'
    )
    return output(f'<div class="course-explorer">{parts}{picture._repr_html_()}</div>')


BODY = "".join(
    (
        output('<div class="jp-RenderedImage"><img id="photo"></div>'),
        figure("plain", PLAIN),
        output('<div class="jp-RenderedImage"><img id="own"></div>'),
        output("<p>text</p>"),
        figure("pie", WORDS),
        explorer("moved", PLAIN),
        explorer("moved-pie", WORDS),
        output('<div><img class="course-figure" id="loss"></div>'),
    )
)
FIGURES, OTHERS = ("plain", "moved", "moved-over", "loss"), ("photo", "own", "pie", "moved-pie")


@pytest.fixture
def page(opened: Any) -> Iterator[Page]:
    page = opened.new_page()
    page.set_content(f"<html lang=en><title>x</title><body>{SHEET}{BODY}</body></html>")
    yield page
    page.close()


@pytest.mark.parametrize("light", ["true", "false", None])
def test_figures_are_turned_in_a_dark_theme_alone(page: Page, light: str | None) -> None:
    if light is not None:
        page.evaluate("light => document.body.setAttribute('data-jp-theme-light', light)", light)
    look = "id => getComputedStyle(document.getElementById(id)).filter"
    seen = {name: page.evaluate(look, name) for name in (*FIGURES, *OTHERS, "moved-pie-over")}
    turned = TURNED if light == "false" else "none"
    assert seen == {
        **dict.fromkeys(FIGURES, turned),
        **dict.fromkeys((*OTHERS, "moved-pie-over"), "none"),
    }
