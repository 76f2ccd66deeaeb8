"""Figures of chapter 07: a loss on its way to the floor, what is recalled when, sizes compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import XY, numbers

_ROUND = [digit * 10.0**power for power in range(-4, 5) for digit in (1, 2, 5)]


def race_to_the_floor(
    curves: Mapping[str, XY],
    levels: Mapping[str, float],
    floor: float,
    finding: str,
    *,
    words: str | None = None,
) -> Picture:
    """Held-out bits a word over steps, with the n-grams' as levels and the floor below them all.

    `curves` maps a name to (steps, bits), `levels` a name to its bits. Both axes are logarithmic;
    the distance to the floor can't be seen otherwise.
    """
    if not curves or not levels:
        raise ValueError("give at least one curve, {name: (steps, bits)}, and one level")
    lowest = min([*levels.values(), *(min(y) for _, y in curves.values())])
    if lowest < 0.97 * floor:
        raise ValueError(f"{lowest:.3f} is below the floor of {floor:.3f}: is the future leaking?")
    fig, grid = style.figure(height=4.8)
    ax = grid[0, 0]
    inks = (style.MODEL, style.GREEN, style.PURPLE, style.SKY)
    with style.context():
        for i, (name, (steps, bits)) in enumerate(curves.items()):
            ax.plot(
                numbers(steps, "steps"),
                numbers(bits, "bits"),
                color=inks[i % 4],
                marker="os^D"[i % 4],
                ms=4,
                label=name,
            )
        for name, level in levels.items():
            ax.axhline(level, color=style.ORANGE, lw=1.2)
            ax.annotate(
                f"{name} {level:.2f}",
                (1, level),
                (-2, 2),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                size=9,
            )
        ax.axhline(floor, color=style.TRUTH, ls="--", label=f"floor, {floor:.2f}")
        style.log_scale(ax, "x")
        style.log_scale(ax, "y")
        ax.set_yticks([0.5, 1, 2, 4, 8])
        ax.set(xlabel="step", ylabel="bits per word, held-out stories")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 0.1))  # above the floor
    return picture(fig, finding, words=words)


def watched(curves: Mapping[str, XY], ylabel: str, finding: str, *, words: str) -> Picture:
    """Losses over steps, logarithmic; `words` stand for the numbers, which differ by machine."""
    if not curves:
        raise ValueError("give at least one curve, {name: (steps, losses)}")
    fig, grid = style.figure()
    ax = grid[0, 0]
    with style.context():
        for i, (name, (steps, losses)) in enumerate(curves.items()):
            ink, dash = style.CYCLE[i % len(style.CYCLE)], style.DASHES[i % 6]
            ax.plot(numbers(steps, name), numbers(losses, name), color=ink, ls=dash, label=name)
        style.log_scale(ax, "y")
        low, high = ax.get_ylim()
        # A range of less than a decade would get one label or none.
        ax.set_yticks([y for y in _ROUND if low <= y <= high])
        ax.set(xlabel="step", ylabel=ylabel)
        ax.legend()
    return picture(fig, finding, words=words)


def recall_by_step(
    steps: Sequence[int], shares: Mapping[str, Sequence[float]], finding: str
) -> Picture:
    """How many of the recalls of each kind are right, in percent, over the steps of a training."""
    wrong = [kind for kind, values in shares.items() if len(values) != len(steps)]
    if wrong or not shares:
        raise ValueError(f"give one share a step ({len(steps)}) for each kind; wrong: {wrong}")
    fig, grid = style.figure(height=4.4)
    ax = grid[0, 0]
    inks = (style.BLUE, style.VERMILLION, style.GREEN, style.ORANGE, style.PURPLE, style.BLACK)
    with style.context():
        for i, (kind, values) in enumerate(shares.items()):
            percent = 100 * numbers(values, kind)
            look = {"color": inks[i % 6], "ls": style.DASHES[i % 6]}
            ax.plot(steps, percent, marker=style.MARKERS[i % 6], ms=4, label=kind, **look)
        style.log_scale(ax, "x")
        ax.set(xlabel="step", ylabel="recalled, %", ylim=(0, 103))
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture(fig, finding)


def sizes_at_equal_compute(
    sizes: Mapping[str, XY], parameters: Mapping[str, int], floor: float, finding: str
) -> Picture:
    """Bits a word over operations spent, left; what each size has at the end, right.

    `sizes` maps a name to (operations, bits), `parameters` the same names to their numbers.
    """
    if list(sizes) != list(parameters):
        raise ValueError(f"sizes has {list(sizes)}, parameters {list(parameters)}; give the same")
    fig, (row,) = style.figure(1, 2, height=4.2, width_ratios=[3, 2])
    with style.context():
        for i, (name, (spent, bits)) in enumerate(sizes.items()):
            ink = style.CYCLE[i % len(style.CYCLE)]
            row[0].plot(
                numbers(spent, name),
                numbers(bits, name),
                color=ink,
                label=name,
                ls=style.DASHES[i % 6],
                marker=style.MARKERS[i % 6],
                ms=4,
            )
        ends = [bits[-1] for _, bits in sizes.values()]
        _end_by_size(row[1], list(parameters.values()), ends, floor)
        row[0].set(xlabel="operations", ylabel="bits per word, held-out stories")
        for ax in row:
            ax.axhline(floor, color=style.TRUTH, ls="--", lw=1.4, label="floor")
            style.log_scale(ax, "x")
        row[0].legend()
        style.log_scale(row[0], "y")
        row[0].set_yticks([0.5, 1, 2, 4, 8])
    return picture(fig, finding)


def _end_by_size(ax: Axes, parameters: Sequence[int], bits: Sequence[float], floor: float) -> None:
    ax.plot(parameters, bits, "-", color=style.MUTED, lw=1.2, label="when the budget is spent")
    for i, (x, y) in enumerate(zip(parameters, bits, strict=True)):
        ink, mark = style.CYCLE[i % len(style.CYCLE)], style.MARKERS[i % 6]
        ax.plot([x], [y], mark, color=ink, label=f"_size {i}")  # its curve's colour, left
    ax.set_ylim(0.9 * min(floor, *bits), 1.05 * max(bits))
    ax.set(xlabel="parameters", ylabel="bits per word", title="when the budget is spent")
