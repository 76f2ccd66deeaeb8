"""A picture with places that can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from traitlets import Dict, List

from utils.viz.picture import Panel, Picture
from utils.viz.touch.over import Over, script


class Spot(NamedTuple):
    """A rectangle on a panel, in the numbers of its axes, and what a click on it sets."""

    panel: Panel
    left: float
    right: float
    low: float
    high: float
    control: str
    value: int


class Spots(Over):
    """A picture that is drawn by the kernel, and over it places that each set a control."""

    _esm = script("spots.js")
    spots = List(Dict()).tag(sync=True)

    def draw(self, drawn: Picture, spots: Sequence[Spot]) -> None:
        """Another picture, and its places."""
        found = [
            {"box": _box(spot), "control": spot.control, "value": spot.value} for spot in spots
        ]
        self.show(drawn, spots=found)


def _box(spot: Spot) -> dict[str, float]:
    """In pixels from the picture's top left."""
    (x0, x1), (y0, y1) = spot.panel.xlim, spot.panel.ylim
    left, right, top, bottom = spot.panel.left, spot.panel.right, spot.panel.top, spot.panel.bottom
    across, up = (right - left) / (x1 - x0), (bottom - top) / (y1 - y0)
    ends = sorted(bottom - (y - y0) * up for y in (spot.low, spot.high))
    return {
        "x": left + (spot.left - x0) * across,
        "y": ends[0],
        "width": (spot.right - spot.left) * across,
        "height": ends[1] - ends[0],
    }
