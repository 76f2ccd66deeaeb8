"""A line and its place in the bowl of the loss, to be pulled about."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
from torch import Tensor
from traitlets import Bytes, Dict, Float, List

from utils.viz import style
from utils.viz.plots.learning import points_and_bowl

HINT = "Pull the orange point about in the bowl, or click where you want it"


class Bowl(anywidget.AnyWidget):
    """Points and the bowl of their loss as a ground; line, squares and point drawn by the browser.

    `slope` and `intercept` follow the pointer.
    """

    _esm = Path(__file__).with_name("bowl.js").read_text(encoding="utf-8")
    ground = Bytes().tag(sync=True)
    size = Dict().tag(sync=True)
    panels = List(Dict()).tag(sync=True)
    x = List(Float()).tag(sync=True)
    y = List(Float()).tag(sync=True)
    inks = Dict({"line": style.MODEL, "mark": style.HIGHLIGHT}).tag(sync=True)
    slope = Float().tag(sync=True)
    intercept = Float().tag(sync=True)
    step = Float().tag(sync=True)

    def __init__(self, x: Tensor, y: Tensor, **line: Any) -> None:
        drawn = points_and_bowl(x, y, HINT)
        super().__init__(
            ground=drawn.sharp(),
            size={"width": drawn.width, "height": drawn.height},
            panels=[asdict(panel) for panel in drawn.panels()],
            x=x.tolist(),
            y=y.tolist(),
            **line,
        )
