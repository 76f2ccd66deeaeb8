"""Figures of chapter 03: smoothers and bandwidths, what counts as near, scales, long distances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from utils.llm.attention.smoothing import kernel_weights, nadaraya_watson
from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.curves import numbers
from utils.viz.twin import number

Truth = Callable[[Tensor], Tensor]
BANDWIDTHS = (0.01, 3.0)


def smoothing_error(x: Tensor, y: Tensor, at: Tensor, wanted: Tensor, bandwidth: float) -> float:
    """Mean squared error at the points (at, wanted) of the smoother through (x, y)."""
    return float((nadaraya_watson(at, x, y, bandwidth) - wanted).square().mean())


def bandwidth_panels(
    x: Tensor, y: Tensor, truth: Truth, bandwidths: Mapping[str, float], finding: str
) -> Picture:
    """The same points (N,) smoothed with several bandwidths, `{what is said of it: bandwidth}`."""
    fig, (panels,) = style.figure(1, len(bandwidths), width=9.0, height=3.6, sharey=True)
    with style.context():
        for ax, (said, bandwidth) in zip(panels, bandwidths.items(), strict=True):
            _smoothed(ax, x, y, truth, bandwidth)
            ax.set_title(f"bandwidth {bandwidth:g}: {said}")
        panels[0].set_ylabel("y")
        panels[-1].legend(loc="upper left", frameon=True, fontsize=9)
    return picture(fig, finding)


def _smoothed(ax: Axes, x: Tensor, y: Tensor, truth: Truth, bandwidth: float) -> None:
    across = torch.linspace(float(x.min()), float(x.max()), 400, dtype=x.dtype)
    curve = nadaraya_watson(across, x, y, bandwidth)
    room = 0.1 * float(y.max() - y.min()) or 1.0
    ax.scatter(x, y, color=style.FAINT, s=18, zorder=2, label="noisy points")
    ax.plot(across, truth(across), color=style.TRUTH, ls="--", lw=1.4, label="the truth")
    ax.plot(across, curve, color=style.MODEL, label="the smoother", zorder=3)
    ax.set(xlabel="x", ylim=(float(y.min()) - room, float(y.max()) + room))


def bandwidth_view(
    points: tuple[Tensor, Tensor],
    held_out: tuple[Tensor, Tensor],
    truth: Truth,
    bandwidth: float,
    query: float,
) -> Picture:
    """A smoother and its query, and what its bandwidth costs on points that it hasn't seen.

    `points` and `held_out` are each (x, y), flat. On the left each point is as large as its
    weight for the query; on the right stand the errors of all bandwidths.
    """
    grid_of = np.geomspace(*BANDWIDTHS, 41)
    errors = [smoothing_error(*points, *held_out, float(h)) for h in grid_of]
    best = float(grid_of[int(np.argmin(errors))])
    now = smoothing_error(*points, *held_out, bandwidth)
    fig, (panels,) = style.figure(1, 2, width=9.0, height=4.2, stacks=True, width_ratios=(3, 2))
    with style.context():
        heard = _one_query(panels[0], *points, truth, bandwidth, query)
        known = [smoothing_error(*points, *points, float(h)) for h in grid_of]
        panels[1].plot(grid_of, errors, color=style.MODEL, label="held-out points")
        panels[1].plot(grid_of, known, color=style.ORANGE, label="the smoother's own points")
        dot = {"marker": "o", "ms": 9, "ls": "", "color": style.HIGHLIGHT, "zorder": 4}
        panels[1].plot([bandwidth], [now], label="your bandwidth", **dot)
        style.log_scale(panels[1], "x")
        panels[1].set(xlabel="bandwidth", ylabel="mean squared error", ylim=(0, None))
        style.legend(panels[1], "upper left", fontsize=9)
    return picture(fig, _verdict(bandwidth, now, best, min(errors), heard))


def _verdict(bandwidth: float, now: float, best: float, least: float, heard: float) -> str:
    points = "1 point" if heard < 1.5 else f"some {round(heard)} points"
    said = f"Bandwidth {bandwidth:.2g} averages {points} at this query"
    if now <= 1.03 * least:
        return f"{said}; held-out error {now:.2f}: as good as it gets"
    side = "too narrow" if bandwidth < best else "too wide"
    return f"{said}; held-out error {now:.2f}, best {least:.2f}: {side}"


def _one_query(
    ax: Axes, x: Tensor, y: Tensor, truth: Truth, bandwidth: float, query: float
) -> float:
    """Draw the points as large as their weights; returns how many points share the weight."""
    weights = kernel_weights(torch.tensor(query, dtype=x.dtype), x, bandwidth)
    _smoothed(ax, x, y, truth, bandwidth)
    share = (weights / weights.max()).numpy()
    heard = share > 0.01
    look = {"color": style.HIGHLIGHT, "zorder": 4, "edgecolors": "white", "linewidths": 0.5}
    ax.scatter(x[heard], y[heard], s=20 + 90 * share[heard], label="heard by the query", **look)
    ax.axvline(query, color=style.HIGHLIGHT, lw=1.2, label="the query")
    value = float(weights @ y)
    ax.plot([query], [value], marker="D", ms=8, color=style.MODEL, mec="white", zorder=5)
    ax.set_ylabel("y")
    style.legend(ax, "upper left", fontsize=9, frameon=True)
    return float(1 / weights.square().sum())


def nearness(
    points: Tensor,
    query: Tensor,
    weights: Mapping[str, Tensor],
    truth: Truth,
    finding: str,
) -> Picture:
    """Points of the plane (N, 2), in each panel as large as their weight (N,) for one query.

    The background shows the value that is to be predicted.
    """
    fig, (panels,) = style.figure(1, len(weights), width=9.0, height=4.4, sharey=True)
    with style.context():
        for ax, (name, share) in zip(panels, weights.items(), strict=True):
            image = _values(ax, truth)
            share = numbers(share, name)
            ax.scatter(*points.T, s=9, color=style.DATA, edgecolors="white", linewidths=0.4)
            dots = {"color": style.HIGHLIGHT, "edgecolors": "white", "zorder": 3}
            ax.scatter(*points.T, s=260 * share / share.max(), **dots)
            star = {"marker": "*", "ms": 16, "color": style.BLACK, "mec": "white", "ls": ""}
            ax.plot(*query.tolist(), zorder=4, **star)
            ax.set(xlabel="first number", aspect="equal")
            ax.set_title(name)
            ax.grid(False)
        panels[0].set_ylabel("second number")
        fig.colorbar(image, ax=list(panels), label="value to predict", shrink=0.8)
    said = [
        f"{name}: the {_half(share)} heaviest of {len(points)} points hold half of the weight"
        for name, share in weights.items()
    ]
    return picture(fig, finding, words="\n".join(said))


def _values(ax: Axes, truth: Truth) -> Any:
    across = torch.linspace(-1, 1, 80)
    rows, columns = torch.meshgrid(across, across, indexing="ij")
    values = truth(torch.stack([columns.ravel(), rows.ravel()], dim=1)).reshape(rows.shape)
    look = {"cmap": "Greys", "alpha": 0.5, "interpolation": "bilinear"}
    return ax.imshow(values.numpy(), origin="lower", extent=(-1, 1, -1, 1), **look)


def _half(share: Tensor) -> int:
    """How many of the heaviest weights it takes to hold half of the whole."""
    ordered = share.sort(descending=True).values.cumsum(0)
    return int((ordered < 0.5 * ordered[-1]).sum()) + 1


def scale_effects(
    widths: Sequence[int],
    entropy: Mapping[str, Sequence[float]],
    arriving: Mapping[str, Sequence[float]],
    finding: str,
) -> Picture:
    """What the scale of the scores does: to the entropy in bits of the weights, and to the
    gradient that arrives at a query (log scale).

    Each maps the name of a scale to a number for each width.
    """
    fig, (panels,) = style.figure(1, 2, width=9.0, height=4.0)
    said = {
        "entropy of the weights, bits": "how undecided the weights are",
        "gradient at the query, median": "what arrives at the query",
    }
    with style.context():
        for ax, curves, (label, title) in zip(
            panels, (entropy, arriving), said.items(), strict=True
        ):
            looks = zip(style.colours(list(curves)), style.DASHES, style.MARKERS, strict=False)
            for (name, ys), (ink, dash, mark) in zip(curves.items(), looks, strict=False):
                ax.plot(list(widths), list(ys), color=ink, ls=dash, marker=mark, label=name)
            style.log_scale(ax, "x")
            ax.set_xticks(list(widths))
            ax.minorticks_off()
            ax.set(xlabel="width d of query and key", ylabel=label)
            ax.set_title(title)
        panels[0].set_ylim(0, None)
        panels[0].legend(loc="lower left")
        style.log_scale(panels[1], "y")
    return picture(fig, finding)


def gradients_over_distance(lengths: Mapping[str, Any], finding: str, least: float) -> Picture:
    """Length of the gradient against the steps back, on a logarithmic axis.

    `lengths` maps a name to the gradient 0, 1, 2, … steps back; "attention" takes the model's
    colour. Below `least` the axis is cut off.
    """
    fig, grid = style.figure(height=4.4)
    ax = grid[0, 0]
    free = iter(style.BASELINES)
    with style.context():
        for (name, values), dash in zip(lengths.items(), style.DASHES, strict=False):
            y = numbers(values, name)
            ink = style.MODEL if name == "attention" else next(free)
            ax.plot(np.arange(y.size), y, color=ink, ls=dash, label=name)
        style.log_scale(ax, "y")
        ax.set(ylim=(least, 10 * max(float(numbers(v, "v").max()) for v in lengths.values())))
        ax.set(xlabel="steps back from the output", ylabel="length of the gradient")
        ax.legend(loc="lower left")
    return picture(fig, finding, words="\n".join(_reaches(lengths, least)))


def _reaches(lengths: Mapping[str, Any], least: float) -> list[str]:
    """The curves at a few distances, in words; a digit each, as training noise allows."""
    said = ["x: steps back from the output, y: length of the gradient (log scale)"]
    for name, values in lengths.items():
        y = numbers(values, name).tolist()
        stops = [at for at in (0, 1, 10, 50, 100) if at < len(y)]
        told = (f"below {least:g}" if y[at] < least else number(y[at], digits=1) for at in stops)
        pairs = zip(stops, told, strict=True)
        said.append(f"{name}: " + ", ".join(f"{at}: {value}" for at, value in pairs))
    return said
