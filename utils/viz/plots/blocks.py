"""Figures of chapter 05: what each part of a block does, and what is lost without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import numbers

_FORBIDDEN, _OWN_SIDE, _ACROSS = "#EDEDED", style.PALE_SKY, style.PALE_ORANGE


def steps_on_numbers(steps: Mapping[str, Any], finding: str) -> Picture:
    """The same few numbers after each of some steps, a panel of bars a step."""
    fig, grid = style.figure(1, len(steps), height=3.0)
    with style.context():
        for ax, (name, values) in zip(grid[0], steps.items(), strict=True):
            heights = numbers(values, name)
            drawn = ax.bar([f"x{i + 1}" for i in range(len(heights))], heights, color=style.BLUE)
            said = [f"{v:.2f}".rstrip("0").rstrip(".").replace("-", "−") for v in heights]
            ax.bar_label(drawn, said, padding=2)
            ax.axhline(0, color=style.MUTED, lw=1)
            ax.margins(y=0.18)
            ax.grid(False, axis="x")
            ax.set_title(name)
    return picture(fig, finding)


def bends(
    x: Any, curves: Mapping[str, tuple[Any, Any]], finding: str, *, ylabel: str = "comes out"
) -> Picture:
    """Functions of one number, left, and their slopes, right: `{name: (values, slopes)}`."""
    fig, grid = style.figure(1, 2, height=3.6)
    at = numbers(x, "x")
    looks = ((style.MODEL, "-"), (style.ORANGE, "--"), (style.GREEN, ":"))
    with style.context():
        for (name, pair), (ink, line) in zip(curves.items(), looks, strict=False):
            for ax, values in zip(grid[0], pair, strict=True):
                ax.plot(at, numbers(values, name), line, color=ink, label=name)
        for ax, label in zip(grid[0], (ylabel, "slope"), strict=True):
            ax.axhline(0, color=style.MUTED, lw=0.8)
            ax.set(xlabel="goes in", ylabel=label)
            ax.legend()
    return picture(fig, finding)


def training_curves(
    curves: Mapping[str, Sequence[float]],
    finding: str,
    *,
    levels: Mapping[str, float],
    words: str,
    ylim: tuple[float, float] | None = None,
) -> Picture:
    """Losses over steps, one line a model; `levels` are dashed. `words` stand for the numbers,
    which after a training differ from machine to machine."""
    fig, grid = style.figure(height=4.4)
    ax = grid[0, 0]
    inks = (style.MODEL, *style.BASELINES)
    lines = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))
    with style.context():
        for (name, losses), ink, line in zip(curves.items(), inks, lines, strict=False):
            values = numbers(losses, name)
            ax.plot(np.arange(1, len(values) + 1), values, color=ink, ls=line, label=name)
        _levels(ax, levels)
        ax.set(xlabel="step", ylabel="bits per word, mean of ten steps")
        if ylim:
            ax.set_ylim(*ylim)
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture(fig, finding, words=words)


def _levels(ax: Axes, levels: Mapping[str, float]) -> None:
    for (name, level), ink in zip(levels.items(), (style.TRUTH, style.MUTED), strict=False):
        ax.axhline(level, color=ink, ls=(0, (6, 3)), lw=1.3, label=name)


def ablation_bars(
    bits: Mapping[str, Sequence[float]],
    steps: Mapping[str, Sequence[int | None]],
    n_steps: int,
    finding: str,
    *,
    levels: Mapping[str, float],
    reach: str,
    words: str,
) -> Picture:
    """Final bits per word, left, and steps to reach a level, right: one bar a variant.

    Each variant has a value a seed: the bar is their mean, the dots are the seeds. None among the
    steps means never within `n_steps`; such a bar goes to the end and says so.
    """
    names = list(bits)
    if list(steps) != names:
        raise ValueError(f"bits has the variants {names}, steps has {list(steps)}; give the same")
    fig, grid = style.figure(1, 2, height=1.6 + 0.42 * len(names))
    with style.context():
        left, right = grid[0]
        for row, name in enumerate(names):
            ink = style.MODEL if row == 0 else style.ORANGE
            _bar(left, row, list(bits[name]), ink, ".2f")
            never = any(value is None for value in steps[name])
            reached = [n_steps if value is None else value for value in steps[name]]
            _bar(right, row, reached, ink, ".0f", note="never" if never else "")
        _upright(left, levels)
        for ax, label in ((left, "bits per word, held out"), (right, reach)):
            ax.set_yticks(range(len(names)), names if ax is left else [""] * len(names))
            ax.invert_yaxis()
            ax.grid(False, axis="y")
            ax.margins(x=0.14)
            ax.set_xlabel(label)
        left.legend(loc="lower right")
    return picture(fig, finding, words=words)


def _bar(
    ax: Axes, row: int, values: Sequence[float], ink: str, form: str, *, note: str = ""
) -> None:
    mean = float(np.mean(values))
    hatch = "//" if note else ""
    fill = "white" if note else ink
    bar = ax.barh([row], [mean], 0.62, color=fill, edgecolor=ink, hatch=hatch)
    end = max(values) - mean if len(values) > 1 else 0.0
    ax.bar_label(bar, [note or format(mean, form)], padding=5 + 40 * end / max(max(values), 1e-9))
    if len(values) > 1:
        ax.plot(values, [row] * len(values), "o", color=style.DATA, ms=4)


def _upright(ax: Axes, levels: Mapping[str, float]) -> None:
    for (name, level), ink in zip(levels.items(), (style.TRUTH, style.MUTED), strict=False):
        ax.axvline(level, color=ink, ls="--", lw=1.3, label=name)


def seed_curves(
    curves: Mapping[str, Sequence[Sequence[float]]],
    finding: str,
    *,
    levels: Mapping[str, float],
    words: str,
    ylim: tuple[float, float] | None = None,
) -> Picture:
    """Losses of several seeds a kind: a line for their mean, a band from the least to the most."""
    fig, grid = style.figure(height=4.2)
    ax = grid[0, 0]
    looks = ((style.MODEL, "-"), (style.ORANGE, "--"), (style.GREEN, "-."))
    with style.context():
        for (name, runs), (ink, line) in zip(curves.items(), looks, strict=False):
            table = np.stack([numbers(run, name) for run in runs])  # (seeds, steps)
            at = np.arange(1, table.shape[1] + 1)
            ax.fill_between(at, table.min(0), table.max(0), color=ink, alpha=0.25, lw=0)
            ax.plot(at, table.mean(0), line, color=ink, label=f"{name}, {len(table)} seeds")
        _levels(ax, levels)
        ax.set(xlabel="step", ylabel="bits per word, mean of ten steps")
        if ylim:
            ax.set_ylim(*ylim)
        ax.legend()
    return picture(fig, finding, words=words)


def in_and_out(
    into: Any, out: Any, curve: tuple[Any, Any], finding: str, *, curve_name: str, words: str
) -> Picture:
    """What goes into a norm and what comes out, (N, C) each: a line is a token.

    `curve` (x, y) is drawn over them. `words` stand for the numbers, which come from a training.
    """
    fig, grid = style.figure(height=4.2)
    ax = grid[0, 0]
    with style.context():
        pairs = zip(numbers(into, "into"), numbers(out, "out"), strict=True)
        for i, (x, y) in enumerate(pairs):
            order = np.argsort(x)
            label = "a token" if i == 0 else None
            ax.plot(x[order], y[order], color=style.MODEL, lw=0.9, alpha=0.6, label=label)
        x, y = (numbers(c, "curve") for c in curve)
        ax.plot(x, y, color=style.HIGHLIGHT, ls="--", label=curve_name)
        ax.set(xlabel="goes into the norm", ylabel="comes out")
        ax.legend()
    return picture(fig, finding, words=words)


def families(
    panels: Mapping[str, tuple[Any, Sequence[str], Sequence[str]]], finding: str, *, source: int = 0
) -> Picture:
    """Masks side by side, each (mask, words, what is to be predicted at each of the words).

    In the last panel the first `source` words belong to a text of their own; looks from the
    others at them are drawn in another colour: cross-attention.
    """
    names = list(panels)
    sizes = [len(words) for _, words, _ in panels.values()]
    fig, grid = style.figure(1, len(names), height=3.4, width_ratios=sizes)
    with style.context():
        for i, (ax, name) in enumerate(zip(grid[0], names, strict=True)):
            mask, words, predicted = panels[name]
            cut = source if i == len(names) - 1 else 0
            _family(ax, numbers(mask, name).astype(bool), words, predicted, cut)
            ax.set_title(name)
        grid[0, 0].set_ylabel("this word looks …")
    said = [_family_in_words(name, *panels[name]) for name in names]
    return picture(fig, finding, words="\n".join(said))


def _family(
    ax: Axes, allowed: np.ndarray, words: Sequence[str], predicted: Sequence[str], cut: int
) -> None:
    if allowed.shape != (len(words), len(words)) or len(predicted) != len(words):
        raise ValueError(
            f"the mask has the shape {allowed.shape}, and there are {len(words)} words and "
            f"{len(predicted)} predictions; give one of each a row"
        )
    kinds = allowed.astype(int)
    kinds[cut:, :cut] *= 2
    colours = ListedColormap([_FORBIDDEN, _OWN_SIDE, _ACROSS])
    ax.imshow(kinds, cmap=colours, vmin=0, vmax=2, aspect="equal")
    ax.set_anchor("N")
    for row, column in np.ndindex(allowed.shape):
        ax.text(column, row, "✓" if allowed[row, column] else "·", ha="center", va="center")
    ax.set_xticks(range(len(words)), words, rotation=60)
    ax.set_yticks(range(len(words)), words)
    right = ax.secondary_yaxis("right")
    right.set_yticks(range(len(words)), [f"→ {p}" if p else "" for p in predicted])
    right.tick_params(length=0, colors=style.HIGHLIGHT)
    right.spines["right"].set_visible(False)
    if cut:
        ax.axhline(cut - 0.5, color=style.TRUTH, lw=1.4)
        ax.axvline(cut - 0.5, color=style.TRUTH, lw=1.4)
    ax.grid(False)
    ax.set_xlabel("… at this one")


def _family_in_words(name: str, mask: Any, words: Sequence[str], predicted: Sequence[str]) -> str:
    rows = []
    for word, row, wanted in zip(words, numbers(mask, name).astype(bool), predicted, strict=True):
        seen = ", ".join(w for w, open_ in zip(words, row, strict=True) if open_)
        rows.append(f"{word} looks at {seen}" + (f" and predicts {wanted}" if wanted else ""))
    return f"{name}: " + "; ".join(rows)
