"""Figures of chapter 06: where a GPT's numbers are, and what it believes on the way through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.attention import draw_word, n_note_lines, set_in_lines, text_axes
from utils.viz.plots.curves import numbers

#: A word and its chance, the likeliest first.
Guesses = Sequence[tuple[str, float]]

#: The smallest share, in percent, that a bar shows.
VISIBLE = 0.3

_HATCHES = ("", "//", "", "\\\\", "", "..", "xx")


def parameter_shares(counts: Mapping[str, Mapping[str, int]], finding: str) -> Picture:
    """How the parameters of some models divide among their parts, a bar a model, in percent.

    `counts` maps a model's name to its parts' numbers; the total stands at the end of each bar.
    Parts too thin to be seen in any bar are named below the axis, not in the legend.
    """
    parts = list(next(iter(counts.values())))
    if any(list(model) != parts for model in counts.values()):
        raise ValueError(f"the models have different parts; give each of them {parts}")
    names = list(counts)
    totals = np.array([sum(model.values()) for model in counts.values()])
    shares = {p: 100 * np.array([m[p] for m in counts.values()]) / totals for p in parts}
    fig, grid = style.figure(height=1.6 + 0.5 * len(names))
    ax = grid[0, 0]
    with style.context():
        left = np.zeros(len(names))
        for i, (part, share) in enumerate(shares.items()):
            look = {"color": style.CYCLE[i % len(style.CYCLE)], "hatch": _HATCHES[i % 7]}
            ax.barh(range(len(names)), share, 0.66, left=left, label=part, ec="white", **look)
            _write_shares(ax, share, left, str(look["color"]))
            left = left + share
        ax.set_yticks(range(len(names)), names)
        for row, total in enumerate(totals):
            ax.text(101, row, f"{total / 1e6:,.0f} million", va="center", size=10)
        ax.invert_yaxis()
        ax.grid(False, axis="y")
        thin = [part for part, share in shares.items() if share.max() < VISIBLE]
        unseen = f" (too thin to be seen: {', '.join(thin)})" if thin else ""
        ax.set(xlabel="share of the parameters, %" + unseen)
        ax.set(xlim=(0, 122), xticks=range(0, 101, 20))
        seen = [bars for bars in ax.containers if bars.get_label() not in thin]
        ax.legend(handles=seen, loc="upper center", bbox_to_anchor=(0.45, -0.28), ncols=4)
    said = [
        f"{name}, {total:,} parameters: "
        + ", ".join(f"{part} {100 * n / total:.2g} %" for part, n in counts[name].items())
        for name, total in zip(names, totals, strict=True)
    ]
    return picture(fig, finding, words="\n".join(said))


def _write_shares(ax: Axes, share: np.ndarray, left: np.ndarray, ink: str) -> None:
    for row, (size, start) in enumerate(zip(share, left, strict=True)):
        if size >= 5:
            ax.text(
                start + size / 2, row, f"{size:.0f}", ha="center", va="center", size=10,
                color="black", bbox={"fc": "white", "ec": ink, "lw": 0.8, "pad": 1.5},
            )  # fmt: skip


def lens(
    words: Sequence[str],
    depths: Sequence[str],
    guesses: Sequence[Sequence[str]],
    chances: Any,
    finding: str,
    *,
    xlabel: str = "the word that comes next in the story (frame: guessed right)",
) -> Picture:
    """The likeliest next word at every depth (row) and place (column), the first depth on top.

    `words` are the true next words, a frame stands around each guess that is right; `chances`
    (depths, words) are the guesses' own, and shade them.
    """
    shades = numbers(chances, "chances")
    if shades.shape != (len(depths), len(words)):
        raise ValueError(
            f"chances have the shape {shades.shape}; give one for each of {len(depths)} depths "
            f"and {len(words)} words"
        )
    fig, grid = style.figure(height=1.5 + 0.42 * len(depths))
    ax = grid[0, 0]
    with style.context():
        image = ax.imshow(shades, cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
        for (row, column), chance in np.ndenumerate(shades):
            ink = style.text_on(image.cmap(image.norm(chance))[:3])
            guess = guesses[row][column]
            ax.text(column, row, guess, ha="center", va="center", color=ink, size=9)
            if guess == words[column]:
                box = Rectangle((column - 0.46, row - 0.42), 0.92, 0.84, fc="none", lw=2)
                ax.add_patch(box)
                box.set_edgecolor(style.HIGHLIGHT)
        ax.set_xticks(range(len(words)), words)
        ax.set_yticks(range(len(depths)), depths)
        ax.tick_params(axis="x", labelsize=9)
        ax.grid(False)
        ax.set_xlabel(xlabel)
        fig.colorbar(image, ax=ax, label="its chance")
    return picture(fig, finding, words="\n".join(_lens_in_words(words, depths, guesses, shades)))


def _lens_in_words(
    words: Sequence[str], depths: Sequence[str], guesses: Sequence[Sequence[str]], shades: Any
) -> list[str]:
    said = ["the words that come next: " + " ".join(words)]
    for depth, row, chances in zip(depths, guesses, shades, strict=True):
        pairs = (f"{w} {100 * c:.0f} %" for w, c in zip(row, chances, strict=True))
        said.append(f"{depth}: " + ", ".join(pairs))
    return said


def forward_pass_view(
    words: Sequence[str],
    weights: Any,
    query: int,
    depths: Sequence[str],
    guesses: Sequence[Guesses],
    current: int,
    finding: str,
    note: str,
) -> Picture:
    """A text with one word framed and all shaded by `weights` (T,); below, guesses by depth.

    `guesses` are the likeliest next words after the framed one at each depth, a column each, the
    bar behind a word as long as its chance; the column `current` is framed. On a narrow page the
    depths are rows, with the likeliest two.
    """
    row = numbers(weights, "weights")
    places, n_lines = set_in_lines(words)
    table = 0.6 * len(depths) if style.narrow() else 0.42 * len(guesses[0]) + 0.6
    heights = [0.36 * n_lines + 0.25 + 0.25 * n_note_lines(note), table]
    fig, grid = style.figure(
        2, 1, width=style.page_width(), height=sum(heights) + 0.7, height_ratios=heights
    )
    with style.context():
        for i, (word, (line, left)) in enumerate(zip(words, places, strict=True)):
            draw_word(grid[0, 0], word, line, left, float(row[i]), framed=i == query)
        text_axes(grid[0, 0], n_lines, note)
        by_depth = _guesses_in_rows if style.narrow() else _guesses_by_depth
        by_depth(grid[1, 0], depths, guesses, current)
        _bare(grid[1, 0])
    said = [note]
    for depth, column in zip(depths, guesses, strict=True):
        said.append(f"{depth}: " + ", ".join(f"{w} {_percent(p)}" for w, p in column))
    return picture(fig, finding, words="\n".join(said))


def _guesses_by_depth(
    ax: Axes, depths: Sequence[str], guesses: Sequence[Guesses], current: int
) -> None:
    n_rows = len(guesses[0])
    for column, best in enumerate(guesses):
        for rank, (word, chance) in enumerate(best):
            _guess(ax, (column, rank), word, chance, 0.8)
    frame = Rectangle((current - 0.495, -0.52), 0.99, n_rows + 0.04, fc="none", lw=2.4)
    ax.add_patch(frame)
    frame.set_edgecolor(style.HIGHLIGHT)
    ax.set_xticks(range(len(depths)), [d.replace(", ", "\n") for d in depths], size=9.5)
    ax.set_yticks([])
    ax.xaxis.tick_top()
    ax.set(xlim=(-0.55, len(depths) - 0.45), ylim=(n_rows - 0.4, -0.6))


def _guesses_in_rows(
    ax: Axes, depths: Sequence[str], guesses: Sequence[Guesses], current: int
) -> None:
    for row, (depth, best) in enumerate(zip(depths, guesses, strict=True)):
        ax.text(-0.46, row - 0.26, depth, va="center", size=9.5, in_layout=False)
        for rank, (word, chance) in enumerate(best[:2]):
            _guess(ax, (rank, row + 0.16), word, chance, 0.5)
    frame = Rectangle((-0.495, current - 0.47), 1.99, 0.94, fc="none", lw=2.4)
    ax.add_patch(frame)
    frame.set_edgecolor(style.HIGHLIGHT)
    ax.set(xticks=[], yticks=[], xlim=(-0.55, 1.55), ylim=(len(depths) - 0.5, -0.5))


def _guess(ax: Axes, at: tuple[float, float], word: str, chance: float, height: float) -> None:
    """A word, and behind it a bar as long as its chance."""
    x, y = at
    corner = (x - 0.46, y - height / 2)
    ax.add_patch(Rectangle(corner, 0.92, height, fc="#F2F2F2", lw=0))
    ax.add_patch(Rectangle(corner, 0.92 * chance, height, fc=style.PALE_SKY, lw=0))
    inside = {"va": "center", "in_layout": False}
    ax.text(x - 0.43, y, word, size=9.5, **inside)
    ax.text(x + 0.44, y, _percent(chance), ha="right", size=8.5, **inside)


def _bare(ax: Axes) -> None:
    ax.tick_params(length=0)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)


def _percent(chance: float) -> str:
    return "< 1 %" if chance < 0.005 else f"{100 * chance:.0f} %"
