"""The bandwidth explorer: how far a smoother looks, and what that costs on unseen points."""

from __future__ import annotations

import math

import ipywidgets as widgets
from torch import Tensor

from utils.viz.explorer import Explorer
from utils.viz.picture import Picture
from utils.viz.plots.smoothing import BANDWIDTHS, Truth, bandwidth_view

Points = tuple[Tensor, Tensor]


def bandwidth_explorer(
    points: Points, held_out: Points, truth: Truth, bandwidth: float = 0.5, query: float = 0.5
) -> Explorer:
    """Two sliders, bandwidth and query, over noisy points (x, y) and points held out.

    The points grow with their weight for the query; beside them stand the errors of all bandwidths.
    """
    low, high = (math.log10(end) for end in BANDWIDTHS)
    left, right = float(points[0].min()), float(points[0].max())
    controls = {
        "bandwidth": widgets.FloatLogSlider(
            bandwidth, min=low, max=high, step=0.05, readout_format=".2f"
        ),
        "query": widgets.FloatSlider(
            query, min=round(left, 1), max=round(right, 1), step=0.1, readout_format=".1f"
        ),
    }

    def draw(bandwidth: float, query: float) -> Picture:
        return bandwidth_view(points, held_out, truth, bandwidth, query)

    return Explorer(controls, draw)
