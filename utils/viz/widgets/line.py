"""A line to fit by hand, against the bowl of its loss."""

from __future__ import annotations

from functools import partial

import ipywidgets as widgets
from torch import Tensor

from utils.viz.explorer import Explorer
from utils.viz.plots.learning import WINDOW, line_and_bowl
from utils.viz.touch.bowl import Bowl


def line_by_hand(
    x: Tensor, y: Tensor, slope: float = 0.5, intercept: float = 3.0, step: float = 0.05
) -> Explorer:
    """Two sliders, slope and intercept, over the points, their squared errors and the bowl.

    In the bowl the line can be pulled about, too.
    """
    sliders = {
        name: widgets.FloatSlider(value, min=low, max=high, step=step, readout_format=".2f")
        for name, value, (low, high) in zip(
            ("slope", "intercept"), (slope, intercept), WINDOW, strict=True
        )
    }
    bowl = Bowl(x, y, slope=slope, intercept=intercept, step=step)
    for name, slider in sliders.items():
        widgets.jslink((bowl, name), (slider, "value"))
    return Explorer(sliders, partial(line_and_bowl, x, y), bowl)
