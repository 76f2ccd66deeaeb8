"""Figures of chapter 11: what changed since GPT-2, four bits a weight, and what is likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.patches import Circle

from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import numbers


def designs(bits: Mapping[str, Sequence[float]], finding: str, *, floor: float) -> Picture:
    """A row for each design: a dot for each seed and a stroke at their mean, in bits a word."""
    names = list(bits)
    fig, grid = style.figure(height=1.4 + 0.4 * len(names))
    ax = grid[0, 0]
    said = []
    with style.context():
        for row, name in enumerate(names):
            each = numbers(bits[name], name)
            ink = style.BASELINES[0] if row == 0 else style.MODEL
            ax.scatter(each, np.full(len(each), row), color=ink, s=30, alpha=0.7, zorder=3)
            ax.plot([each.mean()] * 2, [row - 0.3, row + 0.3], color=ink)
            said.append(f"{name} {each.mean():.3f} ({each.min():.3f} to {each.max():.3f})")
        ax.axvline(numbers(bits[names[0]], names[0]).mean(), color=style.FAINT, ls=":", lw=1.4)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.set(xlabel=f"bits a word on stories not seen (the floor is {floor:.3f})")
    return picture(fig, finding, words="bits a word, mean and range: " + "; ".join(said))


def turns(pairs: Mapping[str, Any], finding: str) -> Picture:
    """Clock faces: where a pair of columns (T, 2) points at the positions 0, 1, …, T − 1."""
    names = list(pairs)
    fig, grid = style.figure(1, len(names), height=2.7)
    said = []
    with style.context():
        for ax, name in zip(grid[0], names, strict=True):
            hands = numbers(pairs[name], name)
            ax.add_patch(Circle((0, 0), 1, fc="none", ec=style.FAINT))
            shades, last = np.linspace(0.25, 1, len(hands)), (0.0, 0.0)
            for t, ((x, y), shade) in enumerate(zip(hands, shades, strict=True)):
                ax.plot([0, x], [0, y], color=style.MODEL, alpha=float(shade))
                if t == 0 or np.hypot(x - last[0], y - last[1]) > 0.25:  # else they overlap
                    ax.text(1.2 * x, 1.2 * y, str(t), ha="center", va="center", size=9)
                    last = (x, y)
            ax.set_title(name, loc="center")
            ax.set(xlim=(-1.45, 1.45), ylim=(-1.45, 1.45), aspect="equal")
            ax.set_axis_off()
            step = np.degrees(np.arctan2(*(hands[1] @ [[0, 1], [1, 0]])))
            said.append(f"{name}: {step:.3g} degrees from one position to the next")
    return picture(fig, finding, words="; ".join(said))


def sharing(n_heads: int, n_kv_heads: int, finding: str) -> Picture:
    """Query heads above, key and value heads below, a line from each query to what it reads."""
    fig, grid = style.figure(height=2.3)
    ax = grid[0, 0]
    group = n_heads // n_kv_heads
    with style.context():
        for head in range(n_heads):
            owner = head // group
            ink = style.CYCLE[owner % len(style.CYCLE)]
            below = group * owner + (group - 1) / 2
            ax.plot([head, below], [1, 0], color=ink, zorder=1)
            ax.text(head, 1, f"q {head}", **_box(ink))
            ax.text(below, 0, f"k, v {owner}", **_box(ink))
        ax.set(xlim=(-0.7, n_heads - 0.3), ylim=(-0.5, 1.5))
        ax.set_axis_off()
    groups = [
        f"k, v {i}: queries " + ", ".join(str(i * group + j) for j in range(group))
        for i in range(n_kv_heads)
    ]
    return picture(fig, finding, words="; ".join(groups))


def _box(ink: str) -> dict[str, Any]:
    look = {"fc": "white", "ec": ink, "boxstyle": "round,pad=0.3"}
    return {"ha": "center", "va": "center", "size": 10, "bbox": look}


def sixteen_levels(values: Any, levels: Any, finding: str) -> Picture:
    """The weights of a block in order, as dots on the levels that its four bits can say."""
    weights, steps = numbers(values, "values"), numbers(levels, "levels")
    fig, grid = style.figure(height=3.2)
    ax = grid[0, 0]
    with style.context():
        for level in steps:
            ax.axhline(level, color=style.FAINT, lw=0.7)
        ax.vlines(range(len(weights)), 0, weights, color=style.MODEL, lw=1.6)
        ax.plot(weights, "o", color=style.MODEL)
        ax.grid(False)
        ax.set(xlabel="weight of the block", ylabel="value")
    used = len(np.unique(weights.round(6)))
    words = f"{len(weights)} weights from {weights.min():.3f} to {weights.max():.3f}, on {used} of "
    return picture(
        fig, finding, words=f"{words}{len(steps)} levels {steps[1] - steps[0]:.4f} apart"
    )


def likely_against_true(rivals: Mapping[str, Any], finding: str, *, truth: Any) -> Picture:
    """Bits of wrong answers (N,) over those of the true ones (N,); below the line a wrong wins."""
    true = numbers(truth, "truth")
    fig, grid = style.figure(height=4.4)
    ax = grid[0, 0]
    said = []
    with style.context():
        for (name, bits), ink, mark in zip(
            rivals.items(), (style.SKY, style.VERMILLION), "o^", strict=False
        ):
            wrong = numbers(bits, name)
            ax.scatter(true, wrong, s=26, color=ink, marker=mark, alpha=0.8, label=name)
            said.append(f"{name}: likelier than the truth in {(wrong < true).sum()} of {len(true)}")
        top = float(true.max())
        ax.plot([0, top], [0, top], color=style.TRUTH, ls="--", lw=1.4)
        ax.set(xlabel="bits for the true capital", ylabel="bits for the wrong answer")
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture(fig, finding, words="; ".join(said))
