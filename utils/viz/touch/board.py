"""A board to throw darts at by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from traitlets import Dict, List

from utils.viz.picture import Picture
from utils.viz.touch.over import Over, script


class Board(Over):
    """A picture whose first panel is a pie around (0, 0), of radius 1; a click throws a dart."""

    _esm = script("board.js")
    panel = Dict().tag(sync=True)
    slices = List(List()).tag(sync=True)

    def draw(self, drawn: Picture, slices: Mapping[str, float]) -> None:
        """Another picture, and its slices clockwise from the top, a word to its share."""
        pairs = [[word, share] for word, share in slices.items()]
        self.show(drawn, panel=asdict(drawn.panels()[0]), slices=pairs)

    def sharpen(self, drawn: Picture) -> None:
        """Show the picture at twice the density, in which the board lies a little elsewhere."""
        with self.hold_sync():
            self.panel = asdict(drawn.panels(sharp=True)[0])
            super().sharpen(drawn)

    def when_thrown(self, act: Callable[[float, float], None]) -> None:
        """Call `act(part of a turn, part of the radius)` for each dart thrown by hand."""

        def thrown(said: dict[str, Any]) -> None:
            act(min(float(said["dart"]), 1 - 1e-9), float(said["far"]))

        self.when_told(thrown)
