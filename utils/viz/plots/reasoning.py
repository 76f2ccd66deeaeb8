"""Figures of chapter 09: shares of right answers, with what they may be off by, and votes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from utils.llm.reasoning.votes import predicted_maj_at_k
from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import XY, numbers

KS = tuple(2**i for i in range(9))  # sizes of a vote: 1 to 256
RIGHT = "right answers, %"
BESIDE = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}  # a legend outside, on the right
#: Who answers keeps one colour through the chapter, whatever the figure calls it.
_WHO = {
    style.BLUE: "direct once vote maj@n",
    style.ORANGE: "scratchpad paper lines trained fully",
    style.GREEN: "checked checker checks",
    style.VERMILLION: "half-trained own",
    style.BLACK: "pass@n",
}
Measured = tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]]


def accuracy(
    measured: Mapping[str, Measured],
    xlabel: str,
    finding: str,
    *,
    predicted: Mapping[str, XY] | None = None,
    floor: float | None = 10.0,
    log_x: bool = False,
    ylabel: str = RIGHT,
    beside: bool = False,
    most: float = 100.0,
) -> Picture:
    """Shares of right answers in percent, {name: (x, share, low, high)}, shares from 0 to 1.

    `predicted` curves {name: (x, share)} are drawn in the colour of the measured ones, in order.
    `floor` is the share that chance has, in percent, `most` the upper end of the axis.
    On a log axis those that are measured at the same x stand a little apart, so that their error
    bars can be told from one another. `beside` puts the legend outside. The twin names what is
    drawn; shares are measured on models, and may differ by machine.
    """
    fig, grid = style.figure()
    ax = grid[0, 0]
    names, said = list(measured), []
    colours = _colours(names)
    marks = dict(zip(names, "os^Dv", strict=False))
    with style.context():
        for name, parts in measured.items():
            x, share, low, high = (numbers(part, name) for part in parts)
            place = x * _shift(name, measured) if log_x else x
            bars = 100 * np.stack([share - low, high - share]).clip(min=0)
            ax.errorbar(
                place, 100 * share, bars, label=name, color=colours[name], marker=marks[name],
                ls="" if predicted else "-", capsize=3,
            )  # fmt: skip
            said.append(f"{name}, {len(x)} points with error bars")
        for owner, (name, (x, share)) in zip(names, (predicted or {}).items(), strict=False):
            ink = colours[owner]
            ax.plot(x, 100 * numbers(share, name), "--", label=name, color=ink, lw=1.4)
            said.append(f"{name}, a curve")
        if floor is not None:
            ax.axhline(floor, color=style.TRUTH, ls=":", lw=1.4, label="chance")
        if log_x:
            style.log_scale(ax, "x")
        ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.04 * most, 1.04 * most))
        ax.legend(**BESIDE if beside else {})
    words = f"{ylabel.replace(', %', ' in %')} over {xlabel}: " + "; ".join(said)
    return picture(fig, finding, words=words)


def _colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name: by whom it names, else the first that is free.

    >>> list(_colours(["on paper", "step by step"]).values()) == [style.ORANGE, style.BLUE]
    True
    """
    said = {name: set(re.findall(r"[\w@-]+", name)) for name in names}
    found = {
        name: ink for name in names for ink, who in _WHO.items() if said[name] & {*who.split()}
    }
    free = iter(ink for ink in style.CYCLE if ink not in found.values())
    return {name: found.get(name) or next(free) for name in names}


def _shift(name: str, measured: Mapping[str, Measured]) -> float:
    """What to multiply x by, so that those measured at the same x stand side by side."""
    x = [numbers(parts[0], other).tolist() for other, parts in measured.items()]
    mine = x[list(measured).index(name)]
    alike = [other for other, its in zip(measured, x, strict=True) if its == mine]
    return 1.05 ** (alike.index(name) - (len(alike) - 1) / 2)


def accuracy_bars(
    intervals: Mapping[str, tuple[float, float, float]],
    finding: str,
    *,
    floor: float | None = 10.0,
    xlabel: str = RIGHT,
) -> Picture:
    """A lying bar for each {name: (share, low, high)}, in percent, with its error bar."""
    names = list(intervals)
    fig, grid = style.figure(height=1.5 + 0.42 * len(names))
    ax = grid[0, 0]
    share, low, high = 100 * np.array(list(intervals.values()), dtype=float).T
    with style.context():
        at = np.arange(len(names))
        reach = np.stack([share - low, high - share]).clip(min=0)
        ax.barh(at, share, 0.66, color=style.MODEL, xerr=reach, ecolor=style.DATA, capsize=3)
        for i, value in enumerate(share):
            ax.text(max(high[i], value) + 1.5, i, f"{math.floor(value + 0.5 + 1e-9)}", va="center")
        ax.set_yticks(at, names)
        ax.invert_yaxis()
        ax.grid(False, axis="y")
        if floor is not None:
            ax.axvline(floor, color=style.TRUTH, ls=":", lw=1.4, label="chance")
            ax.legend(**BESIDE)
        ax.set(xlabel=xlabel, xlim=(0, 110))
    ranked = sorted(names, key=lambda name: -intervals[name][0])
    level = math.nan if floor is None else floor / 100
    near = [n for n in ranked if intervals[n][1] <= level <= intervals[n][2]]
    high_up = [n for n in ranked if intervals[n][0] > 0.9]
    words = f"{xlabel.replace(', %', ' in %')} for {', '.join(names)}"
    words += f"; above 90: {', '.join(high_up) or 'none'}"
    return picture(fig, finding, words=words + (f"; at chance: {', '.join(near)}" if near else ""))


def vote_view(right: float, favourite: float, n_others: int) -> Picture:
    """What single answers say, and what a vote of k makes of them, exactly.

    `right` and `favourite` are the chances of the right answer and of one wrong answer; n_others
    more wrong answers share what is left evenly. Where `favourite` asks for more than is left, it
    gets what is left.
    """
    favourite = min(favourite, 1 - right)
    left = (1 - right - favourite) / n_others
    chances = [right, favourite, *[left] * n_others]
    shares = {i: chance for i, chance in enumerate(chances) if chance > 1e-9}
    total = sum(shares.values())
    shares = {i: chance / total for i, chance in shares.items()}
    votes = [100 * predicted_maj_at_k(shares, 0, k) for k in KS]
    passes = [100 * (1 - (1 - right) ** k) for k in KS]
    fig, grid = style.figure(1, 2, width=8, height=3.6, stacks=True)
    with style.context():
        _bars_of_answers(grid[0, 0], chances)
        ax = grid[0, 1]
        ax.plot(KS, votes, "o-", color=style.MODEL, label="the vote is right (maj@k)")
        ax.plot(KS, passes, "--", color=style.DATA, label="one of k is right (pass@k)")
        style.log_scale(ax, "x")
        ax.set(xlabel="k, answers that vote", ylabel="chance, %", ylim=(-4, 104))
        ax.legend()
    finding = f"One answer is right in {100 * right:.0f} of 100 cases, the vote of 256 in "
    return picture(fig, finding + f"{votes[-1]:.0f}.")


def _bars_of_answers(ax: Axes, chances: Sequence[float]) -> None:
    n_others = len(chances) - 2
    names = ["right", "wrong", *["other"] * n_others]
    colours = [style.TRUTH, style.HIGHLIGHT, *[style.REST] * n_others]
    ax.bar(range(len(chances)), [100 * chance for chance in chances], color=colours)
    ax.set_xticks(range(len(chances)), names, rotation=60 if n_others > 3 else 0)
    ax.set(ylabel="of single answers, %", ylim=(0, 100))
    ax.grid(False, axis="x")
