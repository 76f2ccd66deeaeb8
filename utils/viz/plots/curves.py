"""General figures: curves, bars, points with a fit, matrices, histograms, pairs of pies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from utils.viz import style
from utils.viz.picture import Picture, picture

XY = tuple[Sequence[float], Sequence[float]]


def numbers(values: Any, name: str) -> np.ndarray:
    """A list, array or tensor as a float array; a tensor is detached and brought to the CPU."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} is {type(values).__name__}; give numbers: a list, an array or a tensor"
        ) from error


def lines(
    series: Mapping[str, XY | Sequence[float]],
    xlabel: str,
    ylabel: str,
    finding: str,
    *,
    floor: float | None = None,
    floor_label: str = "floor",
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = False,
    y_from: float | None = None,
    square: bool = False,
    spread: Mapping[str, Sequence[float]] | None = None,
    colours: Mapping[str, str] | None = None,
    digits: int | None = None,
    words: str | None = None,
) -> Picture:
    """Curves over one pair of axes, named in a legend where there are several.

    `series` maps a name to (x, y), or to y alone, which is then drawn over 0, 1, 2, …
    A name with "truth" or "model" in it takes that role's colour; beside colours, dashes (and with
    `markers` their shapes) tell the curves apart, and `colours` gives some curves their own.
    `floor` is a thin dashed level. `square` gives both axes one scale, where directions are to
    be seen. `spread` gives points of some curves bars, as far up as down.
    `words` stand in the twin for numbers that differ from machine to machine.
    """
    if not series:
        raise ValueError("series is empty; give at least one {name: (x, y)}")
    fig, grid = style.figure()
    ax = grid[0, 0]
    with style.context():
        inks = dict(zip(series, style.colours(list(series)), strict=True)) | dict(colours or {})
        for i, (name, xy) in enumerate(series.items()):
            look = {"color": inks[name], "ls": style.DASHES[i % 6]}
            marker = style.MARKERS[i % 6] if markers else None
            ax.plot(*_xy(name, xy), label=name, marker=marker, **look)
        for name, reach in (spread or {}).items():
            bars = {"fmt": "none", "ecolor": inks[name], "elinewidth": 1.4, "capsize": 4}
            ax.errorbar(*_xy(name, series[name]), numbers(reach, name), **bars)
        if floor is not None:
            ax.axhline(float(floor), color=style.TRUTH, ls="--", lw=1.4, label=floor_label)
        _scales(ax, log_x, log_y)
        if not log_x and all((line.get_xdata() % 1 == 0).all() for line in ax.lines[: len(series)]):
            # There is no step 2.5.
            ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
        if y_from is not None:
            ax.set_ylim(bottom=y_from)
        if square:
            ax.set_aspect("equal", adjustable="datalim")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        if len(series) + (floor is not None) > 1:
            ax.legend()
    return picture(fig, finding, digits=digits, words=words)


def _xy(name: str, given: XY | Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(given, tuple) and len(given) == 2 and np.ndim(given[0]) == 1:
        x, y = numbers(given[0], f"x of {name!r}"), numbers(given[1], f"y of {name!r}")
    else:
        y = numbers(given, f"y of {name!r}")
        x = np.arange(y.size, dtype=float)
    if x.shape != y.shape or y.ndim != 1:
        raise ValueError(
            f"{name!r} has x of shape {x.shape} and y of shape {y.shape};"
            " give one y for each x, both flat"
        )
    return x, y


def _scales(ax: Axes, log_x: bool, log_y: bool) -> None:
    for name, is_log in (("x", log_x), ("y", log_y)):
        axis = getattr(ax, f"{name}axis")
        if is_log:
            style.log_scale(ax, name)
        elif np.abs(axis.get_data_interval()).max() >= 10_000:
            axis.set_major_formatter("{x:,.0f}")


def bars(
    values: Mapping[str, float],
    ylabel: str,
    finding: str,
    *,
    xlabel: str = "",
    floor: float | None = None,
    floor_label: str = "floor",
    highlight: Sequence[str] = (),
    colours: Mapping[str, str] | None = None,
    digits: int | None = None,
) -> Picture:
    """One bar a name, its value written at its end; bars lie down, so that long names fit.

    `highlight` names the bars that the finding is about; `colours` gives some bars their own.
    """
    if not values:
        raise ValueError("values is empty; give at least one {name: number}")
    names = list(values)
    sizes = numbers(list(values.values()), "values")
    unknown = set(highlight) - set(names)
    if unknown:
        raise ValueError(f"highlight names {sorted(unknown)}, which values doesn't have: {names}")
    fig, grid = style.figure(height=max(2.2, 1.3 + 0.34 * len(names)))
    ax = grid[0, 0]
    with style.context():
        chosen = dict.fromkeys(highlight, style.HIGHLIGHT) | dict(colours or {})
        at = np.arange(len(names))
        drawn = ax.barh(at, sizes, 0.7, color=[chosen.get(name, style.BLUE) for name in names])
        ax.bar_label(drawn, [style.plain_number(float(f"{v:.3g}")) for v in sizes], padding=4)
        ax.set_yticks(at, names)
        ax.invert_yaxis()
        ax.grid(False, axis="y")
        ax.margins(x=0.1)
        if floor is not None:
            ax.axvline(float(floor), color=style.TRUTH, ls="--", lw=1.4, label=floor_label)
            ax.legend()
        ax.set(xlabel=ylabel, ylabel=xlabel)
    return picture(fig, finding, digits=digits)


def scatter_with_fit(
    x: Sequence[float],
    y: Sequence[float],
    fits: Mapping[str, XY],
    xlabel: str,
    ylabel: str,
    finding: str,
    *,
    points: str = "data",
    ylim: tuple[float, float] | None = None,
    digits: int | None = None,
) -> Picture:
    """Measured points and the curves fitted to them, each `{name: (x, y)}`.

    `ylim` cuts off what a wild curve does outside the data's range.
    """
    fig, grid = style.figure()
    ax = grid[0, 0]
    with style.context():
        for (name, xy), colour in zip(fits.items(), style.colours(list(fits)), strict=True):
            ax.plot(*_xy(name, xy), label=name, color=colour)
        at = _xy(points, (numbers(x, "x"), numbers(y, "y")))
        ax.scatter(*at, color=style.DATA, s=36, zorder=3, label=points)
        if ylim is not None:
            ax.set_ylim(*ylim)
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.legend()
    return picture(fig, finding, digits=digits)


def heatmap(
    matrix: Any,
    rows: Sequence[str],
    columns: Sequence[str],
    finding: str,
    *,
    xlabel: str = "",
    ylabel: str = "",
    value: str = "",
    numbered: bool | None = None,
    diverging: bool = False,
    digits: int | None = None,
) -> Picture:
    """A matrix as colours, (len(rows), len(columns)); small ones with their numbers written in.

    `value` names what a cell measures, with its unit. `diverging` centres the colours on zero.
    """
    cells = numbers(matrix, "matrix")
    if cells.shape != (len(rows), len(columns)):
        raise ValueError(
            f"matrix has shape {cells.shape}, but there are {len(rows)} row names"
            f" and {len(columns)} column names; give one name a row and one a column"
        )
    fig, grid = style.figure(height=min(8.0, max(2.6, 1.6 + 0.36 * len(rows))))
    ax = grid[0, 0]
    with style.context():
        top = float(np.nanmax(np.abs(cells))) or 1.0
        limits = {"vmin": -top, "vmax": top} if diverging else {}
        cmap = style.DIVERGING if diverging else style.SEQUENTIAL
        image = ax.imshow(cells, cmap=cmap, aspect="auto", **limits)
        ax.set_xticks(range(len(columns)), columns)
        ax.set_yticks(range(len(rows)), rows)
        if max(map(len, columns), default=0) * len(columns) > 70:
            ax.tick_params(axis="x", labelrotation=90 if len(columns) > 24 else 45)
        ax.grid(False)
        ax.set(xlabel=xlabel, ylabel=ylabel)
        if numbered if numbered is not None else cells.size <= 80 and len(columns) <= 12:
            _write_cells(ax, image, cells)
        fig.colorbar(image, ax=ax, label=value)
    return picture(fig, finding, digits=digits)


def _write_cells(ax: Axes, image: Any, cells: np.ndarray) -> None:
    shares = cells.min() >= 0.01 and cells.max() <= 1  # all with the same two decimals
    for (row, column), value in np.ndenumerate(cells):
        shade = image.cmap(image.norm(value))
        text = f"{value:.2f}" if shares else style.plain_number(float(f"{value:.2g}"))
        ax.text(column, row, text, ha="center", va="center", color=style.text_on(shade[:3]))


def histogram(
    values: Sequence[float] | Mapping[str, Sequence[float]],
    xlabel: str,
    finding: str,
    *,
    bins: int | Sequence[float] = 20,
    ylabel: str = "how many",
    mark: Mapping[str, float] | None = None,
    digits: int | None = None,
) -> Picture:
    """How often values fall where; several named samples are drawn as steps over one another.

    `mark` draws upright dashed lines at named values, such as an average.
    """
    samples = values if isinstance(values, Mapping) else {"": values}
    flat = {name: numbers(sample, f"values {name!r}").ravel() for name, sample in samples.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(flat.values())), bins)
    fig, grid = style.figure()
    ax = grid[0, 0]
    with style.context():
        for (name, sample), colour in zip(flat.items(), style.CYCLE, strict=False):
            counts, _ = np.histogram(sample, edges)
            middle, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
            ax.bar(middle, counts, width, color=colour, alpha=0.75 / len(flat) + 0.25, label=name)
        for position, (name, at) in enumerate((mark or {}).items()):
            ink = (style.TRUTH, style.HIGHLIGHT)[position % 2]
            ax.axvline(float(at), color=ink, ls="--", lw=1.6, label=name)
        ax.set(xlabel=xlabel, ylabel=ylabel)
        if len(flat) > 1 or mark:
            ax.legend()
    return picture(fig, finding, digits=digits)


def pie_pair(
    true: Mapping[str, float],
    model: Mapping[str, float],
    finding: str,
    *,
    titles: tuple[str, str] = ("the pie that is", "the pie that the model believes"),
    most: int = 7,
    digits: int | None = None,
    drawn: str | None = None,
) -> Picture:
    """Two distributions over words, side by side, a word in the same colour in both.

    The words with the largest share in either pie get a slice, `most` of them; the rest is
    merged into "other". The word that was `drawn` has a slice in any case, and it is pulled out.
    Each pie must sum to 1.
    """
    for name, shares in zip(titles, (true, model), strict=True):
        total = sum(shares.values())
        if not shares or min(shares.values()) < 0 or abs(total - 1) > 1e-3:
            raise ValueError(f"{name!r} sums to {total:.4f}; give probabilities that sum to 1")
    words = sorted({*true, *model}, key=lambda w: (-max(true.get(w, 0), model.get(w, 0)), w))
    shown = words if len(words) <= most + 1 else words[:most]
    if drawn in words and drawn not in shown:
        shown = [*shown[:-1], drawn]
    palette = slice_colours(shown)
    fig, grid = style.figure(1, 2, height=3.2, stacks=True)
    with style.context():
        for ax, shares, title in zip(grid[0], (true, model), titles, strict=True):
            _pie(ax, shares, palette, drawn)
            ax.set_title(title, loc=style.pie_title())
    return picture(fig, finding, digits=digits, own_colours=names_colours(shown))


_PALE = {style.ORANGE: style.PALE_ORANGE, style.SKY: style.PALE_SKY}
_SLICES = (
    *(_PALE.get(ink, ink) for ink in style.CYCLE[:6]),
    *(style.YELLOW, "#8C6D46", "#5B5B5B", style.BLACK),
)
_OWN = {
    "blue": style.BLUE,
    "red": style.VERMILLION,
    "green": style.GREEN,
    "yellow": style.YELLOW,
    "orange": style.PALE_ORANGE,
    "purple": "#7A4A9E",
    "pink": "#F2A9C9",
    "golden": "#B8860B",
    "silver": "#B4BCC4",
    "white": "#FFFFFF",
    "brown": "#8C6D46",
    "grey": "#5B5B5B",
    "black": style.BLACK,
}


def slice_colours(words: Sequence[str]) -> dict[str, str]:
    """A colour for each word; a word that names a colour gets that colour.

    Any other word has one colour that it gets wherever no word before it has taken that one.
    """
    chosen = {word: _OWN[word] for word in words if word in _OWN}
    for word in (w for w in words if w not in _OWN):
        free = [colour for colour in _SLICES if colour not in chosen.values()] or list(_SLICES)
        own = _SLICES[crc32(word.encode()) % len(_SLICES)]
        chosen[word] = own if own in free else free[0]
    return {word: chosen[word] for word in words}


def names_colours(words: Sequence[str]) -> bool:
    """Whether any of the words names a colour, which is then its own."""
    return not _OWN.keys().isdisjoint(words)


def _pie(
    ax: Axes, shares: Mapping[str, float], palette: Mapping[str, str], drawn: str | None
) -> None:
    sizes = {word: float(shares.get(word, 0)) for word in palette}
    other = max(0.0, 1 - sum(sizes.values()))
    if other > 1e-6:
        sizes["other"] = other
    sizes = {word: size for word, size in sizes.items() if size > 0}
    wedges, _ = ax.pie(
        list(sizes.values()),
        labels=list(sizes),
        labeldistance=None,
        colors=[palette.get(word, style.REST) for word in sizes],
        startangle=90,
        counterclock=False,
        explode=[0.14 if word == drawn else 0 for word in sizes],
        wedgeprops={"edgecolor": "white", "linewidth": 1},
    )
    edge_pale(wedges)
    mark = {word: "◂ drawn" if word == drawn else "" for word in sizes}
    legend = [f"{word}  {percent(size)} {mark[word]}".rstrip() for word, size in sizes.items()]
    ax.legend(wedges, legend, loc="center left", bbox_to_anchor=(0.98, 0.5), handlelength=1)


def edge_pale(slices: Iterable[Patch]) -> None:
    """Give white and yellow slices an edge, without which they can hardly be seen."""
    for one in slices:
        if style.contrast(one.get_facecolor()[:3], "white") < 1.5:
            one.set_edgecolor(style.MUTED)


def percent(share: float) -> str:
    """A share as a reader's percent: 33 %, 12.5 %, 0.4 %, below 0.1 %."""
    if share < 0.001:
        return "< 0.1 %"
    digits = 3 if math.isclose(200 * share % 2, 1) else 2  # eight times 12 % would be too little
    return f"{style.plain_number(float(f'{100 * share:.{digits}g}'))} %"
