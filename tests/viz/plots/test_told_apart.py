"""Curves are told apart by more than their colour."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from utils.viz import plots, style
from utils.viz.plots import curves, learning, smoothing

X = np.arange(5.0)
FIVE = {name: (X, i + X) for i, name in enumerate(("model", "a", "b", "c", "d"))}


def looks(monkeypatch, module, make):
    """Of each curve drawn with a name of its own: its dashes and its marker."""
    seen = []
    monkeypatch.setattr(module, "picture", lambda fig, *args, **kwargs: seen.append(fig))
    make()
    drawn = [line for line in seen[0].axes[0].lines if line.get_label() in {*FIVE}]
    return [(line._dash_pattern, line.get_marker()) for line in drawn]


@pytest.mark.parametrize("markers", [False, True])
def test_no_two_curves_have_the_same_dashes(markers, monkeypatch):
    drawn = looks(monkeypatch, curves, lambda: plots.lines(FIVE, "x", "y", "!", markers=markers))
    assert len({str(dashes) for dashes, _ in drawn}) == len(FIVE)
    assert len({marker for _, marker in drawn}) == (len(FIVE) if markers else 1)


def test_fitted_lines_have_dashes_of_their_own(monkeypatch):
    fits = {name: (1.0, float(i)) for i, name in enumerate(FIVE)}
    drawn = looks(monkeypatch, learning, lambda: plots.fitted_lines(X, X, fits, "!"))
    assert len({str(dashes) for dashes, _ in drawn}) == len(FIVE)


def test_gradients_over_distance_have_dashes_of_their_own(monkeypatch):
    falls = dict.fromkeys(FIVE, 0.5**X)
    drawn = looks(monkeypatch, smoothing, lambda: plots.gradients_over_distance(falls, "!", 1e-3))
    assert len({str(dashes) for dashes, _ in drawn}) == len(FIVE)


def test_effects_of_scales_have_dashes_and_marks_of_their_own(monkeypatch):
    by_scale = dict.fromkeys(FIVE, [1.0] * 5)
    drawn = looks(
        monkeypatch, smoothing, lambda: plots.scale_effects(X + 1, by_scale, by_scale, "!")
    )
    assert len({str(dashes) for dashes, _ in drawn}) == len(FIVE)
    assert len({marker for _, marker in drawn}) == len(FIVE)


def test_paths_in_the_bowl_have_marks_and_the_colours_that_their_losses_have(monkeypatch):
    points, wanted = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 3.0, 5.0])
    paths = {name: [[i, 0.0], [i, 1.0]] for i, name in enumerate(FIVE)}
    drawn = looks(monkeypatch, learning, lambda: plots.loss_bowl(points, wanted, paths, "!"))
    assert len({marker for _, marker in drawn}) == len(FIVE)
    seen = []
    for module, make in (
        (learning, lambda: plots.loss_bowl(points, wanted, paths, "!")),
        (curves, lambda: plots.lines(FIVE, "x", "y", "!")),
    ):
        monkeypatch.setattr(module, "picture", lambda fig, *args, **kwargs: seen.append(fig))
        make()
    inks = [{line.get_label(): line.get_color() for line in fig.axes[0].lines} for fig in seen]
    assert {name: inks[0][name] for name in FIVE} == inks[1]


def test_a_curve_takes_the_colour_it_is_given(monkeypatch):
    seen = []
    monkeypatch.setattr(curves, "picture", lambda fig, *args, **kwargs: seen.append(fig))
    plots.lines(FIVE, "x", "y", "!", colours={"b": "#123456"})
    inks = {line.get_label(): line.get_color() for line in seen[0].axes[0].lines}
    assert inks["b"] == "#123456"
    assert inks["model"] == style.MODEL


@pytest.mark.parametrize(("largest", "written"), [(17500, "10,000"), (3, "2")])
def test_large_numbers_on_an_axis_have_their_commas(largest, written):
    drawn = plots.lines({"a": (X, largest * X / 4)}, "x", "y", "!")
    axis = drawn._figure.axes[0].yaxis
    ticks = axis.get_major_formatter().format_ticks(axis.get_majorticklocs())
    assert any(tick.startswith(written) for tick in ticks), ticks


def test_points_have_bars_where_a_spread_is_given(monkeypatch):
    seen = []
    monkeypatch.setattr(curves, "picture", lambda fig, *args, **kwargs: seen.append(fig))
    plots.lines({"a": (X, X), "b": (X, 2 * X)}, "x", "y", "!", spread={"b": X / 10})
    (ax,) = seen[0].axes
    (bars,) = [found for found in ax.containers if found.has_yerr]
    ends = np.array(bars[2][0].get_segments())[:, :, 1]
    assert np.allclose(ends, np.stack([1.9 * X, 2.1 * X], axis=1))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]


def test_a_single_curve_with_bars_has_no_legend():
    drawn = plots.lines({"a": (X, X)}, "x", "y", "!", spread={"a": X})
    assert drawn._figure.axes[0].get_legend() is None
