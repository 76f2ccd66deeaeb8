"""A line and its place in the bowl of the loss, to be pulled about."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import Tensor
from traitlets import Dict, Float, List

from utils.viz import style
from utils.viz.picture import Picture
from utils.viz.plots.learning import points_and_bowl
from utils.viz.touch.over import Over, script

HINT = "Pull the red point about in the bowl, or click where you want it"


class Bowl(Over):
    """Points and the bowl of their loss as a ground; line, squares and point drawn by the browser.

    `slope` and `intercept` follow the pointer.
    """

    _esm = script("bowl.js")
    panels = List(Dict()).tag(sync=True)
    x = List(Float()).tag(sync=True)
    y = List(Float()).tag(sync=True)
    inks = Dict({"line": style.MODEL, "mark": style.HIGHLIGHT}).tag(sync=True)
    slope = Float().tag(sync=True)
    intercept = Float().tag(sync=True)
    step = Float().tag(sync=True)

    def __init__(self, x: Tensor, y: Tensor, **line: Any) -> None:
        super().__init__(x=x.tolist(), y=y.tolist(), **line)
        self.points = x, y
        self.fit(narrow=False)

    def fit(self, *, narrow: bool) -> None:
        """Draw the ground for a page, on a narrow one with the bowl below the points."""
        with style.page(narrow):
            drawn = points_and_bowl(*self.points, HINT)
        panels = [asdict(panel) for panel in drawn.panels(sharp=True)]
        with self.hold_sync():
            self.show(drawn, panels=panels)
            self.value = drawn.sharp()

    def sharpen(self, drawn: Picture) -> None:
        """Nothing: its ground is sharp already, and all else is drawn by the browser."""
