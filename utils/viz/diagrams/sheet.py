"""A sheet on which machines are drawn: boxes, arrows and words, and the twin that says them.

Measures are inches from the lower left corner. A box's kind tells what is in it, by its fill, its
edge and the legend: numbers that are *learned*, a step that *works* with nothing to learn, or
*data* on their way through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path

from utils.viz import style
from utils.viz.picture import Picture, picture

Point = tuple[float, float]

#: Kind: fill, edge, width of the edge.
KINDS = {
    "data": ("white", style.BLACK, 1.0),
    "learned": ("#D3E6F3", style.BLUE, 1.8),
    "work": ("#EEEEEE", style.MUTED, 1.0),
    "hot": ("#FBE6DA", style.VERMILLION, 1.8),
    "faint": ("white", style.FAINT, 0.8),
}
_PAD = 0.05
_ADD = 0.13  # radius of a plus sign's circle


class Box(NamedTuple):
    """A drawn box: its name in the twin, its centre and its size."""

    name: str
    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Point:
        return self.x - self.width / 2 - _PAD, self.y

    @property
    def right(self) -> Point:
        return self.x + self.width / 2 + _PAD, self.y

    @property
    def top(self) -> Point:
        return self.x, self.y + self.height / 2 + _PAD

    @property
    def bottom(self) -> Point:
        return self.x, self.y - self.height / 2 - _PAD

    def toward(self, other: Point) -> Point:
        """Where a straight line from the middle to another point leaves the box."""
        dx, dy = other[0] - self.x, other[1] - self.y
        half = self.width / 2 + _PAD, self.height / 2 + _PAD
        share = min(h / abs(d) if d else float("inf") for h, d in zip(half, (dx, dy), strict=True))
        return self.x + dx * share, self.y + dy * share


class Sheet:
    """One drawing, `width` by `height` inches, in the look of the course."""

    def __init__(self, width: float = style.WIDTH, height: float = style.HEIGHT) -> None:
        self.fig, grid = style.figure(width=width, height=height + 0.45)
        self.ax = grid[0, 0]
        self.ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        self.ax.set_axis_off()
        self._said: list[str] = []

    def box(
        self,
        at: Point,
        text: str,
        kind: str = "data",
        *,
        size: Point = (1.2, 0.4),
        name: str | None = None,
        font: float = 10.5,
        weight: str = "normal",
    ) -> Box:
        """A box of a kind around its middle; `name` says it in the twin, else its text does."""
        fill, edge, line = KINDS[kind]
        corner = at[0] - size[0] / 2, at[1] - size[1] / 2
        look = {"boxstyle": f"round,pad={_PAD}", "fc": fill, "ec": edge, "lw": line}
        with style.context():
            self.ax.add_patch(FancyBboxPatch(corner, *size, zorder=3, **look))
            if text:
                ink = style.MUTED if kind == "faint" else style.BLACK
                self.text(at, text, size=font, weight=weight, ink=ink)
        return Box(" ".join((name or text).split()), *at, *size)

    def plus(self, at: Point, name: str = "+") -> Box:
        """A circle in which what arrives is added."""
        with style.context():
            self.ax.add_patch(Circle(at, _ADD, fc="white", ec=style.BLACK, lw=1.4, zorder=4))
            self.text(at, "+", size=13)
        side = 2 * (_ADD - _PAD)
        return Box(name, *at, side, side)

    def ground(self, corner: Point, size: Point) -> None:
        """A grey ground under things that belong together, from its lower left corner."""
        with style.context():
            self.ax.add_patch(Rectangle(corner, *size, fc="#F5F5F5", ec="none", zorder=0))

    def cell(self, corner: Point, size: Point, fill: str, text: str = "", font: float = 9) -> None:
        """A rectangle of a table, from its lower left corner."""
        with style.context():
            self.ax.add_patch(Rectangle(corner, *size, fc=fill, ec="white", lw=1.2, zorder=3))
            if text:
                middle = corner[0] + size[0] / 2, corner[1] + size[1] / 2
                self.text(middle, text, size=font, ink=style.text_on(fill))

    def text(
        self,
        at: Point,
        text: str,
        *,
        size: float = 10,
        ink: str = style.BLACK,
        ha: str = "center",
        va: str = "center",
        weight: str = "normal",
        on: str | None = None,
    ) -> None:
        """Words on the sheet, on a ground of colour `on` where they cross a line."""
        ground = {"bbox": {"fc": on, "ec": "none", "pad": 1.2}} if on else {}
        with style.context():
            look = {"ha": ha, "va": va, "size": size, "color": ink, "weight": weight}
            self.ax.text(*at, text, zorder=6, linespacing=1.15, **look, **ground)

    def arrow(
        self,
        start: Box | Point,
        end: Box | Point,
        text: str = "",
        *,
        via: Sequence[Point] = (),
        ink: str = style.DATA,
        line: float = 1.4,
        dashed: bool = False,
        shift: Point = (0, 0),
        font: float = 9.5,
        say: bool = True,
    ) -> None:
        """An arrow, straight or along the corners `via`, with words on its longest piece.

        `shift` moves the words away from the middle; an arrow that is no step of the machine isn't
        said (`say=False`).
        """
        after = via[0] if via else (end.x, end.y) if isinstance(end, Box) else end
        before = via[-1] if via else (start.x, start.y) if isinstance(start, Box) else start
        first = start.toward(after) if isinstance(start, Box) else start
        last = end.toward(before) if isinstance(end, Box) else end
        points = [first, *via, last]
        look = {"arrowstyle": "-|>", "mutation_scale": 11, "color": ink, "lw": line}
        dashes = {"linestyle": (0, (4, 2.5))} if dashed else {}
        with style.context():
            way = Path(points)
            arrow = FancyArrowPatch(path=way, shrinkA=0, shrinkB=0, zorder=2, **look, **dashes)
            self.ax.add_patch(arrow)
        if text:
            a, b = max(zip(points, points[1:], strict=False), key=lambda ends: math.dist(*ends))
            at = (a[0] + b[0]) / 2 + shift[0], (a[1] + b[1]) / 2 + shift[1]
            self.text(at, text, size=font, ink=ink, on="white")
        if say and isinstance(start, Box) and isinstance(end, Box):
            self.say(start, end, text)

    def say(self, start: Box, end: Box, text: str = "") -> None:
        """A step of the machine, for the twin."""
        along = " ".join(text.split())
        self._said.append(f"{start.name} → {end.name}" + (f": {along}" if along else ""))

    def legend(self, at: Point, kinds: Sequence[str], names: Sequence[str]) -> None:
        """Which kind of box is what, in a row from `at` to the right."""
        x, y = at
        for kind, name in zip(kinds, names, strict=True):
            self.box((x, y), "", kind, size=(0.2, 0.1))
            self.text((x + 0.24, y), name, size=9, ink=style.DATA, ha="left")
            x += 0.6 + 0.085 * len(name)

    def picture(self, finding: str, words: str = "") -> Picture:
        """The drawing under its finding; its twin is `words` and every step, a line each."""
        said = [*words.strip().splitlines(), *self._said]
        return picture(self.fig, finding, words="\n".join(said))
