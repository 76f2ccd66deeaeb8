"""Figures of chapter 04: who may look at whom, who does, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import numbers

_FORBIDDEN, _ALLOWED = "#EDEDED", style.PALE_SKY


def masks(
    by_name: Mapping[str, Any], words: Sequence[str], finding: str, *, hidden: Sequence[int] = ()
) -> Picture:
    """Boolean masks (T, T) side by side, rows look at columns: open where it is True.

    `hidden` are the places of words that the model doesn't get to see, drawn as [MASK] in every
    panel but the first.
    """
    names = list(by_name)
    fig, grid = style.figure(1, len(names), height=1.3 + 0.42 * len(words) + 0.3)
    with style.context():
        for i, (ax, name) in enumerate(zip(grid[0], names, strict=True)):
            shown = ["[MASK]" if i and t in hidden else word for t, word in enumerate(words)]
            _mask(ax, numbers(by_name[name], name), shown)
            ax.set_title(name)
        grid[0, 0].set_ylabel("this word looks …")
    said = [_mask_in_words(name, numbers(by_name[name], name), words) for name in names]
    return picture(fig, finding, words="\n".join(said))


def mask(allowed: Any, words: Sequence[str], finding: str) -> Picture:
    """One boolean mask (T, T): the row may look at the column where it is True."""
    return masks({"": allowed}, words, finding)


def _mask(ax: Axes, allowed: np.ndarray, words: Sequence[str]) -> None:
    if allowed.shape != (len(words), len(words)):
        raise ValueError(f"the mask has the shape {allowed.shape}; give one word for each row")
    ax.imshow(allowed, cmap=ListedColormap([_FORBIDDEN, _ALLOWED]), vmin=0, vmax=1)
    for row, column in np.ndindex(allowed.shape):
        sign = "✓" if allowed[row, column] else "·"
        ax.text(column, row, sign, ha="center", va="center")
    ax.set_xticks(range(len(words)), words, rotation=45)
    ax.set_yticks(range(len(words)), words)
    ax.set_xlabel("… at this one")
    ax.grid(False)


def _mask_in_words(name: str, allowed: np.ndarray, words: Sequence[str]) -> str:
    rows = [
        f"{word} looks at " + ", ".join(w for w, open_ in zip(words, row, strict=True) if open_)
        for word, row in zip(words, allowed, strict=True)
    ]
    return (f"{name}: " if name else "") + "; ".join(rows)


def look_back(
    words: Sequence[str], weights: Any, query: int, finding: str, *, note: str = ""
) -> Picture:
    """A text with one word, `query`, framed, and every word shaded by the weight it gets from it.

    `weights` (T,) are the row of an attention map. Weights from a tenth on are written below.
    """
    row = numbers(weights, "weights")
    if row.shape != (len(words),) or not 0 <= query < len(words):
        raise ValueError(
            f"there are {len(words)} words, weights of shape {row.shape} and the query {query};"
            " give a weight for each word, and the place of one of them"
        )
    places, n_lines = set_in_lines(words)
    fig, grid = style.figure(
        width=style.page_width(), height=1.0 + 0.36 * n_lines + 0.25 * n_note_lines(note)
    )
    ax = grid[0, 0]
    with style.context():
        for i, (word, (line, left)) in enumerate(zip(words, places, strict=True)):
            draw_word(ax, word, line, left, float(row[i]), framed=i == query)
        text_axes(ax, n_lines, note)
    return picture(fig, finding, words=_looks_in_words(words, row, query, note))


def _letters() -> int:
    """How many letters stand in a line."""
    return int(11.2 * style.page_width() - 1.6)


def set_in_lines(words: Sequence[str]) -> tuple[list[tuple[int, int]], int]:
    """The line and the first letter's column of each word."""
    places, line, column, letters = [], 0, 0, _letters()
    for word in words:
        if column + len(word) > letters:
            line, column = line + 1, 0
        places.append((line, column))
        column += len(word) + 1
    return places, line + 1


def text_axes(ax: Axes, n_lines: int, note: str = "") -> None:
    """Make room for so many lines of words, and write a note below them."""
    if note:
        low = n_lines - 0.3
        ax.text(0, low, style.wrapped_note(note), va="top", color=style.DATA, size=10)
    low = n_lines + 0.3 * bool(note) + 0.6 * max(0, n_note_lines(note) - 1)
    ax.set(xlim=(-1, _letters() + 1), ylim=(low, -0.6))
    ax.set_axis_off()


def n_note_lines(note: str) -> int:
    """How many lines a note takes below a text, on the page that it is drawn for."""
    return style.wrapped_note(note).count("\n") + 1 if note else 0


def draw_word(ax: Axes, word: str, line: int, left: int, weight: float, framed: bool) -> None:
    """One word of a text, shaded by its weight, from a tenth on with the number below it."""
    fill = style.matplotlib.colormaps[style.SEQUENTIAL](min(1.0, 0.85 * weight))
    fill = fill[:3] if weight >= 0.02 else (1.0, 1.0, 1.0)
    edge = style.HIGHLIGHT if framed else fill
    if framed or weight >= 0.02:
        ax.add_patch(
            Rectangle((left - 0.4, line - 0.36), len(word) + 0.8, 0.56, fc=fill, ec=edge, lw=2.2)
        )
    ink = style.text_on(fill)
    mono = {"family": "DejaVu Sans Mono", "size": 10.9}
    # The lines fit their axes: a layout that measures a hundred words takes half of the time.
    ax.text(left, line - 0.08, word, va="center", color=ink, in_layout=False, **mono)
    if weight >= 0.1:
        under = f"{weight:.2f}".lstrip("0") if weight < 0.995 else "1.0"
        ax.text(left + len(word) / 2, line + 0.36, under, ha="center", va="center", size=8.5)


def _looks_in_words(words: Sequence[str], row: np.ndarray, query: int, note: str) -> str:
    """In words without decimals, which repeat on any machine."""
    levels = {"over half of it": (0.5, 2.0), "a tenth to a half": (0.1, 0.5)}
    said = [f"from word {query}, {words[query]}; of its attention"]
    for name, (low, high) in levels.items():
        there = [f"{words[i]} (word {i})" for i in np.flatnonzero((row > low) & (row <= high))]
        said += [f"{name} goes to " + ", ".join(there)] if there else []
    said = said if len(said) > 1 else [f"{said[0]}, no word gets as much as a tenth"]
    return "; ".join(said) + (f"\n{note}" if note else "")


def head_maps(
    weights: Any, rings: Sequence[tuple[int, int]], ring_name: str, finding: str, *, titles: Any
) -> Picture:
    """Attention maps (H, T, T), two in a row, with rings at some (row, column) of every one.

    A dot stands for a weight above a tenth; its area is the weight.
    """
    maps = numbers(weights, "weights")
    n_rows = -(-len(maps) // 2)
    fig, grid = style.figure(n_rows, 2, width=6.4, height=0.5 + 3.0 * n_rows)
    size = maps.shape[-1]
    for ax in grid.flat[len(maps) :]:
        ax.set_visible(False)
    with style.context():
        for ax, one, title in zip(grid.flat, maps, titles, strict=False):
            rows, columns = np.nonzero(one > 0.1)
            ax.fill([-1, size, -1], [-1, size, size], color=_FORBIDDEN, lw=0)
            ax.scatter(columns, rows, s=36 * one[rows, columns], color=style.MODEL, lw=0)
            rows, columns = zip(*rings, strict=True)
            ax.scatter(columns, rows, s=240, fc="none", ec=style.HIGHLIGHT, lw=1.6)
            ax.set(xlim=(-1, size), ylim=(size, -1), aspect="equal")
            ax.set_title(title)
            ax.grid(False)
        for ax in grid[:, 0]:
            ax.set_ylabel("word")
        for ax in grid[-1]:
            ax.set_xlabel("looks at word")
    said = f"{len(maps)} maps of {size} × {size} words, a dot for a weight above a tenth; in each, "
    return picture(fig, finding, words=f"{said}{len(rings)} rings: {ring_name}")


def head_table(values: Any, finding: str, value: str) -> Picture:
    """A number for each layer and head (L, H), as a small heat map.

    Its twin names only the largest: what a trained model gives differs in the last digits.
    """
    cells = numbers(values, "values")
    fig, grid = style.figure(width=6.4, height=1.3 + 0.5 * len(cells))
    ax = grid[0, 0]
    with style.context():
        image = ax.imshow(cells, cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
        for (row, column), cell in np.ndenumerate(cells):
            ink = style.text_on(image.cmap(image.norm(cell))[:3])
            ax.text(column, row, f"{cell:.2f}", ha="center", va="center", color=ink)
        ax.set_xticks(range(cells.shape[1]), [f"head {h + 1}" for h in range(cells.shape[1])])
        ax.set_yticks(range(len(cells)), [f"layer {i + 1}" for i in range(len(cells))])
        ax.grid(False)
        ax.set_xlabel(value)
    layer, head = np.unravel_index(int(cells.argmax()), cells.shape)
    said = f"{value}, a number for each head: the largest in layer {layer + 1}, head {head + 1}"
    return picture(fig, finding, words=said)


def before_and_after(
    before: Mapping[str, float],
    after: Mapping[str, float],
    labels: tuple[str, str],
    ylabel: str,
    finding: str,
) -> Picture:
    """Two bars a name, lying. The twin says which names lost more than a quarter of a hundred."""
    names = list(before)
    fig, grid = style.figure(height=1.4 + 0.5 * len(names))
    ax = grid[0, 0]
    looks = ((style.MODEL, ""), (style.HIGHLIGHT, "//"))
    with style.context():
        for i, (part, label, (ink, hatch)) in enumerate(
            zip((before, after), labels, looks, strict=True)
        ):
            at = np.arange(len(names)) + (i - 0.5) * 0.38
            drawn = ax.barh(at, [part[n] for n in names], 0.36, color=ink, hatch=hatch, ec="white")
            drawn.set_label(label)
            ax.bar_label(drawn, [f"{part[n]:.0f}" for n in names], padding=3, size=9)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.grid(False, axis="y")
        ax.set(xlabel=ylabel, xlim=(0, 108))
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    fallen = [name for name in names if before[name] - after[name] > 25]
    said = f"{ylabel}, {labels[0]} and {labels[1]}, for {', '.join(names)}; "
    return picture(fig, finding, words=said + f"fallen by more than 25: {', '.join(fallen)}")


def attention_costs(
    lengths: Sequence[int],
    seconds: Mapping[str, Sequence[float]],
    megabytes: Mapping[str, Sequence[float]],
    finding: str,
) -> Picture:
    """Time and memory against the number of tokens, both on logarithmic axes."""
    fig, grid = style.figure(1, 2, height=4.0)
    looks = ("o-", "s--", "^:", "D-.")
    inks = (style.ORANGE, style.BLUE, style.HIGHLIGHT, style.PURPLE)
    with style.context():
        for ax, parts, scale in ((grid[0, 0], seconds, 1e3), (grid[0, 1], megabytes, 1.0)):
            for (name, values), look, ink in zip(parts.items(), looks, inks, strict=False):
                ax.plot(lengths, [scale * v for v in values], look, label=name, color=ink)
            style.log_scale(ax, "x")
            style.log_scale(ax, "y")
            ax.set_xticks(lengths, [f"{n:,}" for n in lengths], minor=False)
            ax.minorticks_off()
            ax.set_xlabel("tokens, T")
            ax.legend()
        grid[0, 0].set(ylabel="milliseconds", title="time")
        grid[0, 1].set(ylabel="megabytes", title="largest tensor made")
    return picture(fig, finding)
