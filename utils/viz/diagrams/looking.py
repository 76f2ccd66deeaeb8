"""Machines of chapters 03, 04 and 08: attention, its heads, its turned pairs, and its cache."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Arc, Circle

from utils.viz import style
from utils.viz.diagrams.sheet import Box, Sheet
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import numbers

#: One fill a head, light enough for black words.
HEADS = ("#BFDDF0", "#F6D9A0", "#B5E0D2", "#EBC9DC", "#F4BFA3", "#D9D9D9")
_ROLES = {"query": style.VERMILLION, "key": style.BLUE, "value": style.GREEN}


def query_key_value(
    words: Sequence[str], query: int, scores: Any, weights: Any, finding: str
) -> Picture:
    """One word's attention: its query meets every word's key, and the values are averaged.

    `scores` and `weights` (T,) are those of the word at the index `query`. Raises ValueError for
    more than 7 words, or numbers that don't fit them.
    """
    score, weight = numbers(scores, "scores"), numbers(weights, "weights")
    n = len(words)
    if not 1 < n <= 7 or score.shape != (n,) or weight.shape != (n,):
        raise ValueError(
            f"{n} words, scores {score.shape}, weights {weight.shape}; give 2 to 7 words, "
            "and a score and a weight for each"
        )
    sheet = Sheet(height=4.35)
    left, step = 1.85, (style.WIDTH - 2.45) / (n - 1)
    mean = sheet.box((left + step * (n - 1) / 2, 4.1), f"output for “{words[query]}”", "hot",
                     size=(1.9, 0.3))  # fmt: skip
    asks = Box("", 0, 0, 0, 0)
    for i, word in enumerate(words):
        x = left + step * i
        vector = sheet.box((x, 0.75), "x", size=(0.42, 0.24), name=f"x of {word}")
        sheet.text((x, 0.35), word, size=11.5, weight="bold" if i == query else "normal")
        shares = (-0.36, 0.0, 0.36)
        for role, dx in zip(_ROLES, shares, strict=True):
            used = role != "query" or i == query
            part = sheet.box(
                (x + dx, 1.55), role[0], "data" if used else "faint", size=(0.14, 0.24),
                name=f"{role} of {word}",
            )  # fmt: skip
            sheet.arrow(vector, part, ink=_ROLES[role] if used else style.FAINT, say=used)
            if role == "query" and used:
                asks = part
        sheet.text((x, 2.42), f"q · k / √d = {score[i]:.1f}", size=9.5, on="white")
        sheet.text((x, 2.88), f"{100 * weight[i]:.0f} %", size=11.5, weight="bold", on="white")
        sheet.arrow((x, 1.78), (x, 2.3), ink=_ROLES["key"])
        sheet.arrow((x, 2.53), (x, 2.76), ink=style.DATA)
        thick = {"line": 0.8 + 5 * weight[i], "ink": _ROLES["value"]}
        sheet.arrow((x, 3.02), mean, say=False, **thick)
    _query_line(sheet, asks, left, left + step * (n - 1))
    for y, said in ((0.35, "word"), (0.75, "its vector"), (1.16, "× Wq, Wk, Wv"),
                    (1.55, "query, key,\nvalue"), (2.42, "score"), (2.88, "softmax"),
                    (3.45, "weight\ntimes value")):  # fmt: skip
        sheet.text((0.02, y), said, size=9.5, ink=style.DATA, ha="left")
    said = [
        f"the query of {words[query]} and the key of {word}: {score[i]:.1f}, so "
        f"{100 * weight[i]:.0f} % of the value of {word}"
        for i, word in enumerate(words)
    ]
    return sheet.picture(finding, "\n".join(said))


def _query_line(sheet: Sheet, asks: Box, left: float, right: float) -> None:
    """The one query, led past all keys."""
    y = 2.02
    sheet.arrow(asks.top, (asks.x, y), ink=_ROLES["query"])
    with style.context():
        ends = [min(left, asks.x) - 0.1, max(right, asks.x) + 0.1]
        sheet.ax.plot(ends, [y, y], color=_ROLES["query"], lw=2.2, zorder=1)


def heads(page: Any, n_heads: int, finding: str) -> Picture:
    """A text's table (T, C) cut into heads (H, T, D), each attended alone, and laid side by side.

    The numbers stand in the cells, so that each can be followed. Raises ValueError where the heads
    do not share the columns evenly.
    """
    table = np.asarray(page)
    n_rows, width = table.shape
    if width % n_heads:
        raise ValueError(f"{width} columns can't be shared evenly by {n_heads} heads")
    d, side, high = width // n_heads, 0.36, 0.27
    tall = n_heads * (n_rows * high + 0.42)
    sheet = Sheet(height=tall + 0.15)
    middle = (tall + 0.15) / 2
    looks = HEADS[:n_heads] * (n_heads // len(HEADS[:n_heads]))
    _table(sheet, table, (0.1, middle - n_rows * high / 2), (side, high), d, looks)
    sheet.text((0.1 + width * side / 2, middle + n_rows * high / 2 + 0.2), f"({n_rows}, {width})")
    right = style.WIDTH - 0.1 - width * side
    for h in range(n_heads):
        low = tall - (h + 1) * (n_rows * high + 0.42) + 0.3
        y = low + n_rows * high / 2
        part = table[:, h * d : (h + 1) * d]
        at = 2.95
        _table(sheet, part, (at, low), (side, high), d, looks[h : h + 1])
        work = sheet.box((at + d * side + 0.9, y), f"attention\nof head {h}", "work",
                         size=(0.85, 0.4), font=10)  # fmt: skip
        start = 0.15 + width * side, middle + (y - middle) * 0.12
        sheet.arrow(start, (at - 0.05, y))
        sheet.arrow((at + d * side + 0.02, y), work.left)
        sheet.arrow(work.right, (right - 0.06, middle + (y - middle) * 0.12))
        sheet.text((at + d * side / 2, low + n_rows * high + 0.13), f"({n_rows}, {d})", size=9)
    _table(
        sheet, None, (right, middle - n_rows * high / 2), (side, high), d, looks, (n_rows, width)
    )
    sheet.text((right + width * side / 2, middle + n_rows * high / 2 + 0.2), f"({n_rows}, {width})")
    said = [f"{n_rows} words of {width} columns, cut into {n_heads} heads of {d}"]
    said += [f"head {h} reads {', '.join(str(v) for v in table[0, h * d : (h + 1) * d].tolist())} "
             f"of the first word, and writes the columns {h * d} to {(h + 1) * d - 1}"
             for h in range(n_heads)]  # fmt: skip
    return sheet.picture(finding, "\n".join(said))


def _table(
    sheet: Sheet,
    table: np.ndarray | None,
    corner: tuple[float, float],
    size: tuple[float, float],
    d: int,
    looks: Sequence[str],
    shape: tuple[int, int] = (0, 0),
) -> None:
    """Cells from the lower left corner, d columns in each of `looks`; no table, no numbers."""
    n_rows, width = shape if table is None else table.shape
    for row, column in np.ndindex(n_rows, width):
        at = corner[0] + column * size[0], corner[1] + (n_rows - 1 - row) * size[1]
        text = "" if table is None else str(table[row, column])
        sheet.cell(at, size, looks[column // d], text)


def circles(
    panels: Mapping[str, Mapping[str, Sequence[float]]], finding: str, *, angles: bool = False
) -> Picture:
    """Pairs of columns as points of a circle, `{panel: {name: (a, b)}}`; `angles` writes theirs.

    With `angles` a panel must have two arrows, and the angle from the second to the first is
    drawn between them, in degrees.
    """
    fig, grid = style.figure(1, len(panels), height=2.75)
    said = []
    with style.context():
        for ax, (title, arrows) in zip(grid[0], panels.items(), strict=True):
            points = {name: numbers(point, name) for name, point in arrows.items()}
            _circle(ax, points)
            said.append(
                f"{title}: " + ", ".join(f"{n} at {_degrees(p)}°" for n, p in points.items())
            )
            if angles:
                between = _between(ax, *points.values())
                said[-1] += f", {between}° between them"
            ax.set_title(title, loc="center", size=10.5)
    return picture(fig, finding, words="\n".join(said))


def _circle(ax: Axes, points: Mapping[str, np.ndarray]) -> None:
    ax.add_patch(Circle((0, 0), 1, fc="none", ec=style.FAINT, lw=1.2))
    inks = (style.VERMILLION, style.BLUE) if len(points) == 2 else [style.MODEL] * len(points)
    for (name, point), ink in zip(points.items(), inks, strict=True):
        look = {"arrowstyle": "-|>", "color": ink, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", point, (0, 0), arrowprops=look)
        side = "left" if point[0] > 0.3 else "right" if point[0] < -0.3 else "center"
        ax.text(*(1.13 * point), name, ha=side, va="center", size=10, color=style.BLACK)
    ax.set(xlim=(-1.45, 1.45), ylim=(-1.35, 1.35), aspect="equal")
    ax.set_axis_off()


def _degrees(point: np.ndarray) -> int:
    return round(math.degrees(math.atan2(point[1], point[0]))) % 360


def _between(ax: Axes, query: np.ndarray, key: np.ndarray) -> int:
    """Draw the angle from the key to the query, counterclockwise; returns it in degrees."""
    start, end = (math.degrees(math.atan2(point[1], point[0])) for point in (key, query))
    angle = (end - start) % 360
    ax.add_patch(Arc((0, 0), 0.8, 0.8, theta1=start, theta2=start + angle, ec=style.BLACK, lw=1.4))
    middle = math.radians(start + angle / 2)
    at = 0.64 * math.cos(middle), 0.64 * math.sin(middle)
    ax.text(*at, f"{angle:.0f}°", ha="center", va="center", size=10, weight="bold")
    return round(angle)


def cache(words: Sequence[str], room: int, finding: str) -> Picture:
    """What the newest word of a text finds kept of the others: their keys and values, in order.

    `room` is how many places there are in all. Raises ValueError where the words don't fit.
    """
    n = len(words)
    if not 2 <= n <= room <= 12:
        raise ValueError(f"{n} words and room for {room}; give 2 words or more, and room for 12")
    sheet = Sheet(height=2.95)
    left, side, high = 1.5, (style.WIDTH - 1.55) / room, 0.42
    rows = {"values": 0.75, "keys": 1.3}
    for name, y in rows.items():
        sheet.text((0.02, y + high / 2), f"kept {name}", ha="left", ink=style.DATA)
        for i in range(room):
            fill = style.BLUE if i == n - 1 else HEADS[0] if i < n - 1 else "#F2F2F2"
            text = f"{name[0]}{i}" if i < n else ""
            sheet.cell((left + i * side, y), (side, high), fill, text, font=10)
    for i, word in enumerate(words):
        newest = i == n - 1
        at, weight = (left + (i + 0.5) * side, 0.25), "bold" if newest else "normal"
        sheet.text(at, word, size=10.5, weight=weight)
    x = left + (n - 0.5) * side
    query = sheet.box((x, 2.55), f"its query q{n - 1}", "hot", size=(1.0, 0.28))
    for i in range(n):
        at = left + (i + 0.5) * side, 1.3 + high + 0.03
        sheet.arrow(query.bottom, at, ink=style.VERMILLION, line=1.1)
    sheet.arrow((x, 0.4), (x, 0.72), ink=style.BLUE, line=2)
    said = f"kept, and not computed again: the keys and values of {', '.join(words[:-1])}"
    new = f"{words[-1]} alone is read: its key and value go to place {n - 1}, its query looks at "
    free = f"{room - n} places are free" if room > n else "no place is free"
    return sheet.picture(finding, f"{said}\n{new}all {n} keys\n{free}")
