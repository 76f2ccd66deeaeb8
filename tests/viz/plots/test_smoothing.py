"""The figures of chapter 03, held against numbers worked out another way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from utils.viz import plots, widgets
from utils.viz.explorer import Explorer

X = torch.linspace(-2, 2, 41)
NOISE = torch.rand(41, generator=torch.Generator().manual_seed(0)) - 0.5


def level(x: Tensor) -> Tensor:
    return 0 * x


def explorer() -> Explorer:
    held_out = X[:-1] + 0.05
    return widgets.bandwidth_explorer((X, X + NOISE), (held_out, held_out), lambda x: x)


def error_of(bandwidth: float) -> float:
    """The held-out error of the explorer's data, from NumPy and the definition."""
    x, y = X.numpy().astype(float), (X + NOISE).numpy().astype(float)
    at = x[:-1] + 0.05
    kernel = np.exp(-((at[:, None] - x) ** 2) / (2 * bandwidth**2))
    return float((((kernel * y).sum(1) / kernel.sum(1) - at) ** 2).mean())


BEST = min(np.geomspace(0.01, 3, 400), key=error_of)


@pytest.mark.parametrize(
    ("bandwidth", "said"), [(0.02, "too narrow"), (BEST, "as good as it gets"), (2.0, "too wide")]
)
def test_the_bandwidth_explorer_says_the_error_and_which_way_to_go(bandwidth, said):
    piece = explorer()
    piece.controls["bandwidth"].value = bandwidth
    assert f"held-out error {error_of(bandwidth):.2f}" in piece.picture.finding
    assert piece.picture.finding.endswith(said)


def test_the_explorer_counts_the_points_that_a_query_hears():
    piece = explorer()
    piece.controls["query"].value = 0.0
    piece.controls["bandwidth"].value = 0.01
    assert "some 1 points" not in piece.picture.finding
    assert "averages 1 point at this query" in piece.picture.finding
    piece.controls["bandwidth"].value = 3.0
    assert "averages some 41 points" in piece.picture.finding


def test_the_panels_show_a_curve_for_each_bandwidth():
    drawn = plots.bandwidth_panels(X, 0 * X + 2, level, {"narrow": 0.1, "wide": 1.0}, "Level.")
    assert drawn.twin.count("the smoother: 400 points, first 2, last 2, range 2 to 2") == 2
    assert "Panel 2: bandwidth 1: wide" in drawn.twin


def test_nearness_says_how_many_points_hold_half_of_the_weight():
    weights = {"one": torch.tensor([0.6, 0.3, 0.1]), "all": torch.full((3,), 1 / 3)}
    drawn = plots.nearness(
        torch.rand(3, 2), torch.zeros(2), weights, lambda p: p[:, 0], "A finding."
    )
    assert "one: the 1 heaviest of 3 points hold half of the weight" in drawn.twin
    assert "all: the 2 heaviest of 3 points hold half of the weight" in drawn.twin


def test_gradients_are_told_in_a_digit_and_cut_off_below():
    fall = 0.5 ** torch.arange(101, dtype=torch.float64)
    drawn = plots.gradients_over_distance(
        {"RNN": fall, "attention": 0 * fall + 0.03}, "Falls.", 1e-9
    )
    assert "RNN: 0: 1, 1: 0.5, 10: 0.001, 50: below 1e-09, 100: below 1e-09" in drawn.twin
    assert "attention: 0: 0.03, 1: 0.03, 10: 0.03, 50: 0.03, 100: 0.03" in drawn.twin


def test_scale_effects_draw_both_measures():
    one = {"no scale": [6.0, 1.0], "by √d": [6.0, 5.0]}
    drawn = plots.scale_effects((1, 64), one, {"by d": [0.5, 0.004]}, "Scales.")
    assert "by d: 1: 0.5, 64: 0.004" in drawn.twin.split("Panel 2: what arrives at the query")[1]
    assert "gradient at the query, median, 0.004 to 0.5 (log scale)" in drawn.twin
    assert "no scale: 1: 6, 64: 1" in drawn.twin
