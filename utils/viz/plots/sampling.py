"""Figures of chapter 08: pies under heat, what is cut from them, darts, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import (
    edge_pale,
    names_colours,
    numbers,
    percent,
    slice_colours,
)

Shares = Mapping[str, float]
_OTHER = "other"
_GOLDEN = (math.sqrt(5) - 1) / 2


def pies(by_name: Mapping[str, Shares], finding: str, *, most: int = 7) -> Picture:
    """Distributions over words as pies in a row, a word in the same colour in all of them.

    The `most` likeliest words of the first pie get slices of their own, the rest is "other", as is
    what a pie itself calls so.
    """
    first = next(iter(by_name.values()))
    named = (word for word in first if word != _OTHER)
    shown = sorted(named, key=lambda word: (-first[word], word))[:most]
    palette = slice_colours(shown)
    fig, grid = style.figure(1, len(by_name), height=2.7)
    with style.context():
        for ax, (name, shares) in zip(grid[0], by_name.items(), strict=True):
            slices = _slices(shares, shown)
            _disc(ax, slices, palette)
            ax.set_title(name, loc="center")
        handles = [Patch(color=palette.get(w, style.REST), label=w) for w in [*shown, _OTHER]]
        fig.legend(handles=handles, loc="outside lower center", ncols=min(8, len(handles)))
    said = [f"{name}: {_shares_in_words(_slices(s, shown))}" for name, s in by_name.items()]
    return picture(fig, finding, words="\n".join(said), own_colours=names_colours(shown))


def _slices(shares: Shares, shown: Sequence[str]) -> dict[str, float]:
    """The shares of the words that are shown, in their order, and of all others together."""
    total = sum(shares.values())
    if abs(total - 1) > 1e-3 or min(shares.values()) < 0:
        raise ValueError(f"the shares sum to {total:.4f}; give probabilities that sum to 1")
    slices = {word: float(shares.get(word, 0)) for word in shown}
    rest = max(0.0, total - sum(slices.values()))
    return slices | ({_OTHER: rest} if rest > 1e-6 else {})


def _disc(ax: Axes, slices: Shares, palette: Mapping[str, str]) -> None:
    wedges, _ = ax.pie(
        list(slices.values()),
        colors=[palette.get(word, style.REST) for word in slices],
        startangle=90,
        counterclock=False,
        normalize=True,
        wedgeprops={"edgecolor": "white", "linewidth": 0.8},
    )
    edge_pale(wedges)


def _shares_in_words(slices: Shares) -> str:
    return ", ".join(f"{word} {percent(share)}" for word, share in slices.items() if share > 0)


def cuts(
    by_name: Mapping[str, Any],
    rules: Mapping[str, Callable[[torch.Tensor], torch.Tensor]],
    finding: str,
    *,
    most: int = 14,
) -> Picture:
    """What each rule (row) keeps of each distribution (column): bars by size, the cut ones grey.

    `by_name` maps a name to chances (V,), `rules` a name to a filter of logits. The `most` largest
    chances are drawn; how many tokens are kept in all is written in each panel.
    """
    fig, grid = style.figure(len(rules), len(by_name), height=0.9 + 1.35 * len(rules), sharex=True)
    said = []
    with style.context():
        for row, (rule, cut) in zip(grid, rules.items(), strict=True):
            row[0].set_ylabel(rule)
            for ax, (name, chances) in zip(row, by_name.items(), strict=True):
                given = torch.as_tensor(numbers(chances, name))
                kept = cut(given.log()).isfinite()
                order = given.argsort(descending=True, stable=True)[:most]
                _cut_bars(ax, given[order].numpy(), kept[order].numpy())
                n_kept, share = int(kept.sum()), float(given[kept].sum())
                note = f"keeps {n_kept:,}: {percent(share)}"
                ax.text(0.98, 0.9, note, transform=ax.transAxes, ha="right", va="top", size=9.5)
                said.append(f"{rule}, {name}: {note} of the pie")
        for ax, name in zip(grid[0], by_name, strict=True):
            ax.set_title(name)
        fig.supxlabel("the likeliest tokens first, the rest not drawn", fontsize="medium")
    return picture(fig, finding, words="\n".join(said))


def _cut_bars(ax: Axes, sizes: np.ndarray, kept: np.ndarray) -> None:
    places = np.arange(1, len(sizes) + 1)
    looks = {"color": style.MODEL}, {"color": style.REST, "hatch": "///", "ec": "white"}
    for chosen, look in ((kept, looks[0]), (~kept, looks[1])):
        ax.bar(places[chosen], sizes[chosen], 0.8, **look)
    ax.set(xlim=(0.4, len(sizes) + 0.6), ylim=(0, 1.4 * max(sizes.max(), 1e-3)), xticks=[])
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    ax.locator_params(axis="y", nbins=3)
    ax.grid(False, axis="x")


def dart_board(
    board: Shares,
    darts: Sequence[float],
    truth: Shares | None,
    finding: str,
    *,
    most: int = 8,
    title: str = "the sampler's board",
    aimed: Mapping[int, float] | None = None,
) -> Picture:
    """Darts on a pie of which slices are the chances; beside it the true pie, if it is known.

    A dart is a number in [0, 1): it goes clockwise from the top by that part of a turn, and the
    slices lie in the order of their size. How far from the middle it lands says nothing, and is
    given in `aimed` for the places of darts that were thrown by hand, 0 to 1. The last dart has a
    ring. Only the `most` largest slices have a colour of their own.
    """
    spots = numbers(darts, "darts")
    if spots.size and not (spots.min() >= 0 and spots.max() < 1):
        raise ValueError("a dart is outside [0, 1); it says what part of a turn it has gone")
    order = _by_size(board)
    wanted = [*order[:most], *sorted(truth or {}, key=lambda word: -(truth or {})[word])]
    palette = slice_colours(list(dict.fromkeys(wanted))[: most + 2])
    slices = board_slices(board, most)
    counts = _hits(list(slices.values()), spots)
    widths = [1.0] if truth is None else [1.4, 1.0]
    fig, grid = style.figure(1, len(widths), height=3.4, stacks=True, width_ratios=widths)
    with style.context():
        _board_with_darts(grid[0, 0], slices, palette, spots, counts, title, aimed or {})
        if truth is not None:
            _true_pie(grid[0, 1], truth, board, palette)
    said = [f"{title}, darts {spots.size}: " + _hits_in_words(slices, counts)]
    if truth is not None:
        said.append(
            "the pie that is: "
            + _shares_in_words(_slices(truth, [w for w in order if w in truth][:most]))
        )
    return picture(fig, finding, words="\n".join(said), own_colours=names_colours(list(palette)))


def board_slices(board: Shares, most: int = 8) -> dict[str, float]:
    """The slices of a board as `dart_board` draws them, clockwise from the top."""
    return _slices(board, _by_size(board)[:most])


def _by_size(board: Shares) -> list[str]:
    return sorted(board, key=lambda word: (-board[word], word))


def _hits(sizes: Sequence[float], darts: np.ndarray) -> list[int]:
    ends = np.cumsum(sizes)[:-1]
    hit = np.searchsorted(ends, darts, side="right")
    return np.bincount(hit, minlength=len(sizes)).tolist()


def _board_with_darts(
    ax: Axes,
    slices: Shares,
    palette: Mapping[str, str],
    darts: np.ndarray,
    counts: Sequence[int],
    title: str,
    aimed: Mapping[int, float],
) -> None:
    _disc(ax, slices, palette)
    angles = np.pi / 2 - 2 * np.pi * darts
    # Evenly over the disc: the area within a radius grows with its square.
    radii = 0.97 * np.sqrt((0.5 + np.arange(darts.size) * _GOLDEN) % 1)
    radii[list(aimed)] = list(aimed.values())
    x, y = radii * np.cos(angles), radii * np.sin(angles)
    size = 22 if darts.size <= 100 else 5
    ax.scatter(x, y, s=size, c="black", edgecolors="white", linewidths=0.5, zorder=3)
    if darts.size:
        ax.scatter(x[-1:], y[-1:], s=120, fc="none", ec="black", lw=1.8, zorder=4)
    ax.set_title(title, loc=style.pie_title())
    _legend(ax, slices, palette, [f"{n:,}" for n in counts] if darts.size else None)


def _true_pie(ax: Axes, truth: Shares, board: Shares, palette: Mapping[str, str]) -> None:
    # In the order of the board, so that the two begin with the same word.
    order = sorted(truth, key=lambda word: (-board.get(word, 0), word))
    slices = _slices(truth, [word for word in order if word in palette])
    _disc(ax, slices, palette)
    ax.set_title("the pie that is", loc=style.pie_title())
    _legend(ax, slices, palette, None)


def _legend(
    ax: Axes, slices: Shares, palette: Mapping[str, str], counts: Sequence[str] | None
) -> None:
    names = [f"{word}  {percent(share)}" for word, share in slices.items()]
    if counts:
        names = [f"{name}  ({count})" for name, count in zip(names, counts, strict=True)]
    marks = [Patch(color=palette.get(word, style.REST)) for word in slices]
    edge_pale(marks)
    title = "chance  (darts)" if counts else None
    ax.legend(
        marks, names, loc="center left", bbox_to_anchor=(0.97, 0.5), handlelength=1, title=title
    )


def _hits_in_words(slices: Shares, counts: Sequence[int]) -> str:
    return ", ".join(
        f"{word} {percent(share)} hit {count}"
        for (word, share), count in zip(slices.items(), counts, strict=True)
    )


def judged(
    x: Sequence[float],
    possible: Sequence[float],
    different: Sequence[float],
    chance: Sequence[float],
    entropy: float,
    n: int,
    xlabel: str,
    finding: str,
    *,
    live: Mapping[float, float] | None = None,
) -> Picture:
    """Of n stories at each x: how many are possible, how many of these differ; and their chance.

    `chance` is in bits a story, `entropy` that of the story world itself. `live` maps an x to a
    share that was found just now, drawn as rings and left out of the twin.
    """
    fig, grid = style.figure(1, 2, height=4.0)
    left, right = grid[0]
    with style.context():
        left.plot(x, numbers(possible, "possible") * n, "o-", color=style.MODEL, label="possible")
        ink = {"color": style.ORANGE, "ls": "--", "marker": "s", "ms": 4}
        left.plot(x, different, **ink, label="possible and different")
        if live:
            ring = {"fc": "none", "ec": style.HIGHLIGHT, "lw": 1.8, "zorder": 5}
            left.scatter(list(live), [share * n for share in live.values()], s=110, **ring)
        left.set(xlabel=xlabel, ylabel=f"stories of {n}", ylim=(-0.03 * n, 1.05 * n))
        handles, _ = left.get_legend_handles_labels()
        if live:
            empty = {"marker": "o", "ls": "", "mfc": "none", "mew": 1.8, "ms": 9}
            handles.append(Line2D([], [], **empty, mec=style.HIGHLIGHT, label="just now"))
        left.legend(handles=handles, loc="best")
        right.plot(x, chance, "o-", color=style.MODEL, label="the sampler")
        right.axhline(entropy, color=style.TRUTH, ls="--", label="the story world")
        right.set(xlabel=xlabel, ylabel="bits of chance in a story", yscale="symlog")
        _plain_bits(right, max(chance))
        right.legend(loc="best")
    said = [
        f"{xlabel} {at:g}: possible {share * n:.0f}, different {other:.0f}, {bits:.0f} bits"
        for at, share, other, bits in zip(x, possible, different, chance, strict=True)
    ]
    said.append(f"the story world: all of {n} possible and different, {entropy:.0f} bits")
    return picture(fig, finding, words="\n".join(said))


def _plain_bits(ax: Axes, largest: float) -> None:
    ticks = [t for t in (0, 1, 10, 50, 100, 200, 500, 1000) if t <= 1.3 * largest]
    ax.set_yscale("symlog", linthresh=10)
    ax.set_yticks(ticks, [f"{t:,}" for t in ticks])
    ax.minorticks_off()
    ax.set_ylim(-1, None)


def tokens_read(n_tokens: int, finding: str) -> Picture:
    """Which tokens the model reads at each step, all of them or the new one alone."""
    whole = np.tril(np.ones((n_tokens, n_tokens)))
    panels = {"without a cache": whole, "with a cache": np.eye(n_tokens)}
    fig, grid = style.figure(1, 2, height=3.9)
    with style.context():
        for ax, (name, read) in zip(grid[0], panels.items(), strict=True):
            shades = np.where(read > 0, 1.0, np.where(whole > 0, 0.18, 0.0))
            ax.imshow(shades, cmap=style.SEQUENTIAL, vmin=0, vmax=1.3)
            ax.set_title(f"{name}: {int(read.sum())} tokens read", loc="center")
            ax.set(xlabel="token", xticks=[], yticks=[])
            ax.grid(False)
        grid[0, 0].set_ylabel("step (downwards)")
    said = [f"{name}, {n_tokens} steps: {int(r.sum())} tokens read" for name, r in panels.items()]
    return picture(fig, finding, words="\n".join(said))
