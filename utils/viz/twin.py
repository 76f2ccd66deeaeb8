"""The text twin of a figure: what is drawn, read off the live axes and said in words.

nbval can't compare pictures and a screen reader can't see them; both read the twin.
A twin must be the same on every machine, so its numbers are rounded: to two significant
digits, whole numbers exactly, noise around zero to 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection, PathCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter

FEW = 8
MANY_CATEGORIES = 24


def number(value: float, digits: int | None = None, scale: float = 0.0) -> str:
    """A number in words that repeat on any machine.

    Two significant digits, unless the number is whole; `digits` asks for another precision, of
    whole numbers too. What is below a billionth of `scale`, the size of its neighbours, is 0.

    >>> [number(v) for v in (0.4734, -0.0, 1e-17, 1234.0, 1234.5, 2 / 3)]
    ['0.47', '0', '0', '1234', '1200', '0.67']
    >>> number(1234.0, digits=1), number(0.12499999999999), number(3e-9)
    ('1000', '0.13', '3e-09')
    """
    value = float(value)
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if abs(value) < max(1e-12, abs(scale) * 1e-9):
        return "0"
    # A tie computed with noise (0.1249999999999) first snaps to the tie, then rounds like it.
    value = float(f"{value:.8g}")
    if digits is None and value == round(value) and abs(value) < 1e7:
        return str(round(value))
    exact = Decimal(repr(value))
    unit = Decimal(1).scaleb(exact.adjusted() - (digits or 2) + 1)
    rounded = exact.quantize(unit, rounding=ROUND_HALF_UP) if unit < 1 else _whole(exact, unit)
    if not 1e-4 <= abs(rounded) < 1e7:
        return f"{float(rounded):.{digits or 2}g}"
    return f"{rounded:f}".rstrip("0").rstrip(".") if "." in f"{rounded:f}" else f"{rounded:f}"


def _whole(exact: Decimal, unit: Decimal) -> Decimal:
    return (exact / unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * unit


def describe(fig: Figure, digits: int | None = None) -> list[str]:
    """What a figure shows, a line for each thing drawn, panel by panel."""
    panels = [ax for ax in fig.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]
    lines: list[str] = []
    for position, ax in enumerate(panels, start=1):
        title = " ".join(filter(None, (ax.get_title(loc) for loc in ("left", "center", "right"))))
        if len(panels) > 1 or title:
            head = f"Panel {position}" if len(panels) > 1 else "Panel"
            lines.append(f"{head}: {_one_line(title)}" if title else head)
        lines += _Panel(ax, digits).lines()
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())


class _Panel:
    """One pair of axes, put into words."""

    def __init__(self, ax: Axes, digits: int | None) -> None:
        self.ax = ax
        self.digits = digits

    def lines(self) -> list[str]:
        wedges = [patch for patch in self.ax.patches if isinstance(patch, Wedge)]
        if wedges:
            return [self._pie(wedges), *self._notes()]
        axes = [self._axis("x", self.ax.xaxis), self._axis("y", self.ax.yaxis)]
        return [
            *filter(None, axes),
            *self._images(),
            *self._bars(),
            *self._curves(),
            *self._clouds(),
            *self._notes(),
        ]

    def _say(self, value: float, scale: float = 0.0) -> str:
        return number(value, self.digits, scale)

    def _span(self, values: np.ndarray) -> str:
        low, high = float(values.min()), float(values.max())
        scale = max(abs(low), abs(high))
        return f"{self._say(low, scale)} to {self._say(high, scale)}"

    def _axis(self, name: str, axis: Axis) -> str:
        label = _one_line(axis.get_label_text())
        if not axis.get_visible() or not self.ax.axison:
            return ""
        categories = _categories(axis)
        if categories:
            said = _listed(list(categories.values()), MANY_CATEGORIES)
        else:
            drawn = np.sort(getattr(self.ax.dataLim, f"interval{name}"))
            seen = np.sort(axis.get_view_interval())
            shown = np.clip(drawn, *seen) if np.isfinite(drawn).all() else seen
            said = self._span(shown)
        kind = " (log scale)" if axis.get_scale() == "log" else ""
        return f"{name}: {label + ', ' if label else ''}{said}{kind}"

    def _series(self, label: str, x: Sequence[float], y: Sequence[float]) -> str:
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        kept = np.isfinite(x) & np.isfinite(y)
        x, y = x[kept], y[kept]
        if not y.size:
            return f"{label}: nothing to show"
        scale = float(np.abs(y).max())
        if y.size <= FEW:
            names = _categories(self.ax.xaxis)
            pairs = [
                f"{names.get(round(a, 6)) or self._say(a)}: {self._say(b, scale)}"
                for a, b in zip(x.tolist(), y.tolist(), strict=True)
            ]
            return f"{label}: {', '.join(pairs)}"
        first, last = self._say(y[0], scale), self._say(y[-1], scale)
        return f"{label}: {y.size} points, first {first}, last {last}, range {self._span(y)}"

    def _curves(self) -> Iterator[str]:
        lines = [line for line in self.ax.lines if line.get_visible()]
        labelled = [line for line in lines if not str(line.get_label()).startswith("_")]
        for line in labelled or lines:
            label = str(line.get_label())
            yield self._curve(line, "line" if label.startswith("_") else _one_line(label))

    def _curve(self, line: Line2D, label: str) -> str:
        x, y = line.get_xdata(), line.get_ydata()
        across, up = line.get_transform().contains_branch_seperately(self.ax.transData)
        if up and not across:
            return f"{label}: level at y = {self._say(y[0])}"
        if across and not up:
            return f"{label}: upright at x = {self._say(x[0])}"
        return self._series(label, x, y)

    def _bars(self) -> Iterator[str]:
        for bars in self.ax.containers:
            if not isinstance(bars, BarContainer) or not len(bars):
                continue
            upright = bars.orientation != "horizontal"
            names = _categories(self.ax.xaxis if upright else self.ax.yaxis)
            at = [
                bar.get_x() + bar.get_width() / 2 if upright else bar.get_y() + bar.get_height() / 2
                for bar in bars
            ]
            size = [bar.get_height() if upright else bar.get_width() for bar in bars]
            label = str(bars.get_label())
            label = "bars" if label.startswith("_") or not label else _one_line(label)
            yield self._bar_values(label, at, size, names)

    def _bar_values(
        self, label: str, at: list[float], size: list[float], names: dict[float, str]
    ) -> str:
        scale = max(abs(value) for value in size)
        # A grouped bar stands beside its tick: the nearest tick within half a step is its own.
        named = [_nearest(names, position) or self._say(position) for position in at]
        if len(size) <= MANY_CATEGORIES:
            pairs = zip(named, size, strict=True)
            return f"{label}: " + ", ".join(f"{n} {self._say(v, scale)}" for n, v in pairs)
        top = int(np.argmax(size))
        return f"{label}: {len(size)} bars, the highest {self._say(size[top])} at {named[top]}"

    def _clouds(self) -> Iterator[str]:
        for cloud in self.ax.collections:
            if not cloud.get_visible():
                continue
            label = str(cloud.get_label())
            known = not label.startswith("_")
            if isinstance(cloud, PathCollection):
                yield self._cloud(cloud, _one_line(label) if known else "points")
            elif known:
                yield f"{_one_line(label)}: an area"

    def _cloud(self, cloud: Collection, label: str) -> str:
        points = np.ma.filled(np.ma.asarray(cloud.get_offsets(), dtype=float), np.nan)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) <= FEW:
            pairs = (f"({self._say(x)}, {self._say(y)})" for x, y in points.tolist())
            return f"{label}: " + ", ".join(pairs)
        x, y = points.T
        return f"{label}: {len(points)} points, x {self._span(x)}, y {self._span(y)}"

    def _images(self) -> Iterator[str]:
        for image in self.ax.images:
            yield self._image(image)

    def _image(self, image: AxesImage) -> str:
        values = np.ma.filled(np.ma.asarray(image.get_array(), dtype=float), np.nan)
        size = " × ".join(str(n) for n in values.shape[:2])
        finite = values[np.isfinite(values)]
        if values.ndim != 2 or not finite.size:
            return f"image: {size}"
        top = np.unravel_index(int(np.nanargmax(values)), values.shape)
        row = _categories(self.ax.yaxis).get(float(top[0]), str(top[0]))
        column = _categories(self.ax.xaxis).get(float(top[1]), str(top[1]))
        said = f"image: {size} (rows × columns), values {self._span(finite)}"
        alone = int((finite >= finite.max() - 1e-6 * max(1.0, abs(finite.max()))).sum()) == 1
        return f"{said}, the largest at row {row}, column {column}" if alone else said

    def _pie(self, wedges: list[Wedge]) -> str:
        slices = []
        for wedge in wedges:
            label = str(wedge.get_label())
            share = abs(wedge.theta2 - wedge.theta1) / 360
            slices.append(f"{'unnamed' if label.startswith('_') else label} {self._say(share)}")
        return "pie: " + ", ".join(slices)

    def _notes(self) -> list[str]:
        texts = [_one_line(text.get_text()) for text in self.ax.texts if text.get_visible()]
        texts = [text for text in texts if any(letter.isalpha() for letter in text)]
        pie = any(isinstance(patch, Wedge) for patch in self.ax.patches)
        if not texts or pie or len(texts) > FEW:
            return []
        return ["notes: " + "; ".join(texts)]


def _listed(names: list[str], most: int) -> str:
    if len(names) <= most:
        return ", ".join(names)
    return f"{len(names)} categories, {names[0]} to {names[-1]}"


def _categories(axis: Axis) -> dict[float, str]:
    """The names written at an axis' ticks, by position, where somebody has named them."""
    locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
    if isinstance(locator, FixedLocator) and isinstance(formatter, FixedFormatter | FuncFormatter):
        places = [float(at) for at in locator.locs]
        names = zip(places, formatter.format_ticks(places), strict=True)
        return {round(at, 6): _one_line(name) for at, name in names if name.strip()}
    mapping = getattr(getattr(axis, "units", None), "_mapping", None)
    return {float(at): _one_line(name) for name, at in mapping.items()} if mapping else {}


def _nearest(names: dict[float, str], position: float) -> str | None:
    if not names:
        return None
    nearest = min(names, key=lambda at: abs(at - position))
    return names[nearest] if abs(nearest - position) < 0.5 else None
