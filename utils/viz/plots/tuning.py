"""Figures of chapter 10: what a lesson marks, what learning costs, who obeys, what leaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.attention import set_in_lines, text_axes
from utils.viz.plots.curves import numbers

_INKS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE)


def marked_words(words: Sequence[str], learned: Sequence[bool], finding: str) -> Picture:
    """A text word by word: what is learned on blue, what is only read on white."""
    if len(words) != len(learned):
        raise ValueError(f"there are {len(words)} words and {len(learned)} marks: give one a word")
    places, n_lines = set_in_lines(words)
    fig, grid = style.figure(height=1.3 + 0.36 * n_lines)
    ax = grid[0, 0]
    with style.context():
        for word, wanted, (line, left) in zip(words, learned, places, strict=True):
            fill = style.BLUE if wanted else "white"
            box = Rectangle((left - 0.4, line - 0.36), len(word) + 0.8, 0.6, fc=fill, ec="none")
            ax.add_patch(box)
            mono = {"family": "DejaVu Sans Mono", "size": 10.9, "clip_on": False}
            ax.text(left, line - 0.06, word, va="center", color=style.text_on(fill), **mono)
        text_axes(ax, n_lines)
    read = [word for word, wanted in zip(words, learned, strict=True) if not wanted]
    rest = [word for word, wanted in zip(words, learned, strict=True) if wanted]
    return picture(fig, finding, words=f"read: {' '.join(read)}\nlearned: {' '.join(rest)}")


def training_memory(parts: Mapping[str, Mapping[str, float]], finding: str) -> Picture:
    """Lying bars of bytes, {way: {what for: bytes}}, each part of a bar in its own colour."""
    if not parts:
        raise ValueError("parts is empty; give at least one {name: {part: bytes}}")
    names = list(parts)
    kinds = list(next(iter(parts.values())))
    wrong = [name for name in names if list(parts[name]) != kinds]
    if wrong:
        raise ValueError(f"{wrong[0]!r} has the parts {list(parts[wrong[0]])}, others {kinds}")
    fig, grid = style.figure(height=1.6 + 0.5 * len(names))
    ax = grid[0, 0]
    with style.context():
        left = np.zeros(len(names))
        for i, kind in enumerate(kinds):
            sizes = numbers([parts[name][kind] for name in names], kind) / 1e6
            ax.barh(names, sizes, 0.6, left=left, color=_INKS[i % 4], label=kind)
            left += sizes
        for i, total in enumerate(left):
            ax.text(total, i, f"  {total:.1f}", va="center")
        ax.invert_yaxis()
        ax.grid(False, axis="y")
        ax.margins(x=0.12)
        ax.set(xlabel="memory, MB")
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    totals = [f"{name} {total:.1f} MB" for name, total in zip(names, left, strict=True)]
    return picture(fig, finding, words=f"made of {', '.join(kinds)}: {'; '.join(totals)}")


def ways_to_ask(
    rates: Mapping[str, tuple[float, float]], finding: str, *, names: tuple[str, str]
) -> Picture:
    """Two lying bars for each way, shares from 0 to 1: {way: (the one, the other)}.

    The twin sorts the ways into coarse classes, which hold on any machine.
    """
    if not rates:
        raise ValueError("rates is empty; give at least one {way: (share, share)}")
    fig, grid = style.figure(height=1.4 + 0.42 * len(rates))
    ax = grid[0, 0]
    at = np.arange(len(rates))
    both = 100 * np.array(list(rates.values()), dtype=float)  # (ways, 2)
    with style.context():
        for i, (name, ink) in enumerate(zip(names, (style.VERMILLION, style.REST), strict=True)):
            ax.barh(at + 0.38 * i - 0.19, both[:, i], 0.36, color=ink, label=name)
        ax.set_yticks(at, list(rates))
        ax.invert_yaxis()
        ax.grid(False, axis="y")
        ax.set(xlabel="secrets told, %", xlim=(0, 103))
        ax.legend(loc="upper right")
    classes = {"more than half": (0.5, 2.0), "some": (0.1, 0.5), "a tenth at most": (-1.0, 0.1)}
    said = []
    for word, (low, high) in classes.items():
        there = [way for way, (share, _) in rates.items() if low < share <= high]
        said += [f"{word}: {', '.join(there)}"] if there else []
    highest = max(other for _, other in rates.values())
    beside = "a tenth at most" if highest <= 0.1 else "more than a tenth somewhere"
    return picture(fig, finding, words="; ".join(said) + f"\n{names[1]}: {beside}")


def likely_and_true(totals: Mapping[str, Any], worst: Mapping[str, Any], finding: str) -> Picture:
    """How many bits whole texts cost, left, and the dearest word of each, right."""
    if list(totals) != list(worst):
        raise ValueError(f"totals has {list(totals)}, worst {list(worst)}; give the same names")
    fig, (row,) = style.figure(1, 2, height=3.6)
    with style.context():
        _steps(row[0], totals, "bits for the whole story")
        _steps(row[1], worst, "bits for its dearest word")
        row[1].legend()
    said = []
    for what, samples in (("whole story", totals), ("dearest word", worst)):
        middles = [f"{name} {np.median(numbers(v, name)):.0f}" for name, v in samples.items()]
        said.append(f"{what}, median bits: {', '.join(middles)}")
    return picture(fig, finding, words="; ".join(said))


def _steps(ax: Axes, samples: Mapping[str, Any], xlabel: str) -> None:
    flat = {name: numbers(values, name).ravel() for name, values in samples.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(flat.values())), 28)
    for (name, values), ink in zip(flat.items(), (style.BLUE, style.VERMILLION), strict=False):
        share = np.full(len(values), 100 / max(1, len(values)))
        ax.hist(values, edges, weights=share, color=ink, alpha=0.6, label=name)
    ax.set(xlabel=xlabel, ylabel="% of these stories")
