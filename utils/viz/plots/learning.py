"""Figures of chapter 01: lines and their loss, the bowl, decisions, polynomials that overfit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from utils.llm import learning
from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import numbers
from utils.viz.twin import number

Range = tuple[float, float]
WINDOW: tuple[Range, Range] = ((-2.0, 5.0), (-4.0, 6.0))
WIDE: tuple[Range, Range] = ((-4.0, 8.0), (-4.0, 6.0))
_ACROSS: Range = (-2.0, 7.0)


def fitted_lines(x: Any, y: Any, lines: Mapping[str, tuple[float, float]], finding: str) -> Picture:
    """Measured points and straight lines, each `{name: (slope, intercept)}`, up to seven."""
    if not 0 < len(lines) <= len(style.CYCLE):
        raise ValueError(f"lines has {len(lines)} entries; give 1 to {len(style.CYCLE)}")
    x, y = numbers(x, "x"), numbers(y, "y")
    fig, grid = style.figure()
    ax = grid[0, 0]
    with style.context():
        ends = np.array([x.min() - 0.5, x.max() + 0.5])
        for i, (name, (slope, intercept)) in enumerate(lines.items()):
            look = {"color": style.CYCLE[i], "ls": style.DASHES[i % 6], "lw": 1.6}
            ax.plot(ends, float(slope) * ends + float(intercept), label=name, **look)
        ax.scatter(x, y, color=style.DATA, s=46, zorder=3, label="measured")
        ax.set(xlabel="x", ylabel="y")
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture(fig, finding)


def loss_bowl(
    x: Tensor,
    y: Tensor,
    paths: Mapping[str, Any],
    finding: str,
    *,
    window: tuple[Range, Range] = WIDE,
    arrow: bool = False,
) -> Picture:
    """The mean squared error of every line, as contours over slope and intercept.

    `paths` maps a name to points (N, 2), such as `descend` returns. `window` is the range of the
    slopes and of the intercepts. `arrow` draws from each path's last point the direction of
    steepest descent.
    """
    fig, grid = style.figure(height=4.6)
    ax = grid[0, 0]
    with style.context():
        _bowl(ax, x, y, window)
        ax.set_aspect("equal")  # so that a right angle looks like one
        inks = style.colours(list(paths))
        for i, (name, path) in enumerate(paths.items()):
            points, ink, mark = numbers(path, name), inks[i], style.MARKERS[i % 6]
            look = {"ms": 5, "lw": 1.4, "mec": "white", "mew": 0.4, "zorder": 3 - i / 10}
            ax.plot(*points.T, marker=mark, color=ink, label=name, **look)
            if arrow:
                _arrow(ax, x, y, points[-1], ink)
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture(fig, finding, words="\n".join(_paths_in_words(x, y, paths, window, arrow)))


def _paths_in_words(
    x: Tensor, y: Tensor, paths: Mapping[str, Any], window: tuple[Range, Range], arrow: bool
) -> Iterator[str]:
    for axis, (low, high) in zip(("x: slope", "y: intercept"), window, strict=True):
        yield f"{axis}, {number(low)} to {number(high)}"
    yield "the bottom: " + _at(_best(x, y))
    for name, path in paths.items():
        points = numbers(path, name)
        walked = f"{len(points)} points, from {_at(points[0])} to " if len(points) > 1 else ""
        way = f", an arrow to {_at(_downhill(x, y, points[-1]))}" if arrow else ""
        yield f"{name}: {walked}{_at(points[-1])}{way}"


def _at(point: Iterable[float]) -> str:
    return "({}, {})".format(*map(number, point))


def _best(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Slope and intercept of the least squares."""
    intercept, slope = learning.least_squares(learning.powers(x.double(), 1), y.double()).tolist()
    return slope, intercept


def _bowl(ax: Axes, x: Tensor, y: Tensor, window: tuple[Range, Range]) -> None:
    slopes, intercepts = (torch.linspace(*span, 121, dtype=torch.float64) for span in window)
    lines = slopes[None, :, None] * x.double() + intercepts[:, None, None]  # (121, 121, N)
    losses = (lines - y.double()).square().mean(dim=-1)  # (121, 121)
    lowest = float(losses.min())
    levels = np.geomspace(max(lowest, 1e-2) * 2, float(losses.max()), 10)
    ax.contourf(slopes, intercepts, losses, [0, *levels], cmap="Blues_r", norm="symlog", alpha=0.75)
    ax.contour(slopes, intercepts, losses, levels, colors="white", linewidths=0.8)
    ax.plot(*_best(x, y), marker="*", ms=15, color=style.TRUTH, ls="", label="the bottom", zorder=4)
    ax.set(xlabel="slope", ylabel="intercept", xlim=window[0], ylim=window[1])
    ax.grid(False)


def _arrow(ax: Axes, x: Tensor, y: Tensor, point: np.ndarray, ink: str) -> None:
    head = {"arrowstyle": "-|>", "color": ink, "lw": 2.2}
    ax.annotate("", xy=tuple(_downhill(x, y, point)), xytext=tuple(point), arrowprops=head)


def _downhill(x: Tensor, y: Tensor, point: np.ndarray) -> np.ndarray:
    """Where the arrow of steepest descent from a point ends."""
    gradient = torch.stack(learning.line_gradient(*point.tolist(), x, y)).numpy()
    return point - gradient / np.linalg.norm(gradient) * 2.2


def line_and_bowl(x: Tensor, y: Tensor, slope: float, intercept: float) -> Picture:
    """One line twice: among the points, each error drawn as its square, and as a point of the bowl.

    The picture says how far its loss is from the smallest.
    """
    error = slope * x.double() + intercept - y.double()
    loss = error.square().mean().item()
    best_slope, best_intercept = _best(x, y)
    smallest = (best_slope * x.double() + best_intercept - y.double()).square().mean().item()
    said = f"y = {slope:.2f} · x {'+' if intercept >= 0 else '−'} {abs(intercept):.2f}"
    if loss < 1.1 * smallest:
        finding = f"{said} has the loss {loss:.3f}: this is the bottom, or nearly"
    else:
        finding = f"{said} has the loss {loss:.3f}; the best line has {smallest:.4f}"
    fig, (panels,) = style.figure(1, 2, width=9.0, height=4.8)
    with style.context():
        _squares(panels[0], x, y, slope, intercept, error)
        _beside_the_bowl(panels, x, y)
        at = {"marker": "o", "ms": 10, "mec": "white", "ls": "", "zorder": 5}
        panels[1].plot([slope], [intercept], color=style.HIGHLIGHT, label="your line", **at)
        panels[0].legend(loc="lower right", frameon=True)
        panels[1].legend(loc="upper right", frameon=True)
    return picture(fig, finding)


def points_and_bowl(x: Tensor, y: Tensor, finding: str) -> Picture:
    """What stands still in `line_and_bowl`: the points and the bowl, without a line."""
    fig, (panels,) = style.figure(1, 2, width=9.0, height=4.8, stacks=True)
    with style.context():
        _beside_the_bowl(panels, x, y)
        panels[0].set_anchor("W")  # below each other, the title would else be cut off
        panels[1].legend(loc="upper right", frameon=True)
    return picture(fig, finding)


def _beside_the_bowl(panels: Sequence[Axes], x: Tensor, y: Tensor) -> None:
    panels[0].scatter(x, y, color=style.DATA, s=46, zorder=3, label="measured")
    panels[0].set(xlabel="x", ylabel="y", xlim=_ACROSS, ylim=(-2, 9), aspect="equal")
    panels[0].set_title("each error, drawn as its square")
    _bowl(panels[1], x, y, WINDOW)
    panels[1].set_title("all lines at once: the bowl")


def _squares(ax: Axes, x: Tensor, y: Tensor, slope: float, intercept: float, error: Tensor) -> None:
    ends = np.array(_ACROSS)
    ax.plot(ends, slope * ends + intercept, color=style.MODEL, label="your line")
    for at, value, e in zip(x.tolist(), y.tolist(), error.tolist(), strict=True):
        corner = (at, min(value, value + e))
        ink = {"fc": style.HIGHLIGHT, "ec": style.HIGHLIGHT, "alpha": 0.35}
        ax.add_patch(Rectangle(corner, abs(e), abs(e), **ink))


def decision(
    x: Tensor,
    label: Tensor,
    chance: Callable[[Tensor], Tensor],
    finding: str,
    *,
    axes: tuple[str, str] = ("first input", "second input"),
    classes: tuple[str, str] = ("no", "yes"),
) -> Picture:
    """Points of two classes over what a model makes of the whole plane.

    `chance` maps points (N, 2) to the chance of the second class, (N,). The background shows it,
    the black line is where it is one half. The twin counts how many points lie on either side.
    """
    fig, grid = style.figure(height=4.6)
    ax = grid[0, 0]
    yes = label.bool()
    with style.context():
        image = _plane(ax, x, chance)
        looks = ((style.VERMILLION, "X"), (style.BLUE, "o"))
        for kind, name, (ink, marker) in zip((~yes, yes), classes, looks, strict=True):
            dots = {"color": ink, "marker": marker, "s": 48, "edgecolors": "white"}
            ax.scatter(*x[kind].T, label=name, zorder=3, **dots)
        ax.set(xlabel=axes[0], ylabel=axes[1])
        ax.grid(False)
        fig.colorbar(image, ax=ax, label=f"chance of “{classes[1]}”", ticks=[0, 0.25, 0.5, 0.75, 1])
        fig.legend(loc="outside lower center", ncols=2)
    right = (chance(x) > 0.5) == yes
    words = [
        f"x: {axes[0]}, y: {axes[1]}, background: the model's chance of “{classes[1]}”",
        *(
            f"{name}: {int(kind.sum())} points, {int((right & kind).sum())} of them on their own"
            " side of the line"
            for name, kind in zip(classes, (~yes, yes), strict=True)
        ),
    ]
    return picture(fig, finding, words="\n".join(words))


def _plane(ax: Axes, x: Tensor, chance: Callable[[Tensor], Tensor]) -> Any:
    """Colour the plane by the chance, draw the line where it is one half."""
    low, high = x.min(dim=0).values, x.max(dim=0).values
    room = 0.06 * (high - low)
    across, up = (
        torch.linspace(float(a), float(b), 120)
        for a, b in zip(low - room, high + room, strict=True)
    )
    rows, columns = torch.meshgrid(up, across, indexing="ij")
    with torch.no_grad():
        chances = chance(torch.stack([columns.ravel(), rows.ravel()], dim=1)).reshape(rows.shape)
    levels = np.linspace(0, 1, 11)
    image = ax.contourf(across, up, chances, levels, cmap="PuOr", alpha=0.3)
    if float(chances.min()) < 0.5 < float(chances.max()):
        ax.contour(across, up, chances, [0.5], colors=style.TRUTH, linewidths=2)
    return image


def polynomials(
    x: Tensor, y: Tensor, weights: Sequence[Tensor], truth: Callable[[Tensor], Tensor], finding: str
) -> Picture:
    """One panel a fitted polynomial, its weights lowest power first, over the training points."""
    fig, (panels,) = style.figure(1, len(weights), width=9.0, height=3.8, sharey=True)
    across = torch.linspace(float(x.min()) - 0.1, float(x.max()) + 0.1, 300, dtype=torch.float64)
    room = 0.45 * float(y.max() - y.min())
    with style.context():
        for ax, w in zip(panels, weights, strict=True):
            degree = len(w) - 1
            fitted = learning.powers(across, degree) @ w.double()
            ax.plot(across, truth(across), color=style.TRUTH, ls="--", lw=1.4, label="the truth")
            ax.plot(across, fitted, color=style.MODEL, label="fitted")
            ax.scatter(x, y, color=style.DATA, s=30, zorder=3, label="training data")
            ax.set(xlabel="x", ylim=(float(y.min()) - room, float(y.max()) + room))
            ax.set_title(f"degree {degree}: {degree + 1} parameter{'s' * (degree > 0)}")
        panels[0].set_ylabel("y")
        panels[0].legend(loc="upper left", frameon=True)
    return picture(fig, finding)
