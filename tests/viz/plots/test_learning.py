"""The figures of chapter 01 say what is true of their data, and the widget answers its sliders."""

import re

import pytest
import torch

from utils.llm import learning
from utils.viz import plots, widgets

X = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
Y = torch.tensor([1.3, 2.7, 5.4, 6.8], dtype=torch.float64)


def test_fitted_lines_names_every_line_and_where_it_ends():
    twin = plots.fitted_lines(X, Y, {"rising": (2.0, 1.0), "flat": (0.0, 4.0)}, "Two lines").twin
    assert "rising: -0.5: 0, 3.5: 8" in twin
    assert "flat: -0.5: 4, 3.5: 4" in twin


@pytest.mark.parametrize("n", [0, 8])
def test_fitted_lines_has_no_eighth_colour(n):
    lines = {str(i): (1.0, float(i)) for i in range(n)}
    with pytest.raises(ValueError, match=f"{n} entries"):
        plots.fitted_lines(X, Y, lines, "Too many")


def test_the_bowl_marks_the_least_squares_and_where_a_path_ends():
    path = learning.descend(4.0, -2.0, X, Y, learning_rate=0.1, n_steps=3)
    twin = plots.loss_bowl(X, Y, {"descent": path}, "Downhill").twin
    assert "the bottom: (1.9, 1.2)" in twin
    assert f"descent: 4 points, from (4, -2) to ({path[-1, 0]:.1f}, {path[-1, 1]:.1f})" in twin


def test_an_arrow_in_the_bowl_is_told_by_where_it_ends():
    square = torch.tensor([1.0, -1.0])  # the loss of y = x here is a round bowl around (1, 0)
    start = {"from (4, 0)": [[4.0, 0.0]]}
    twin = plots.loss_bowl(square, square, start, "Downhill", arrow=True).twin
    assert "from (4, 0): (4, 0), an arrow to (1.8, 0)" in twin


def test_line_and_bowl_says_the_loss_and_knows_the_bottom():
    away = plots.line_and_bowl(X, Y, 0.5, 3.0)
    loss = ((0.5 * X + 3.0 - Y) ** 2).mean().item()
    assert re.search(r"loss ([\d.]+)", away.finding)[1].rstrip(";") == f"{loss:.3f}"
    assert "bottom" in plots.line_and_bowl(X, Y, 1.9, 1.2).finding


def test_the_slider_redraws_the_line():
    explorer = widgets.line_by_hand(X, Y, slope=0.5, intercept=3.0)
    before = explorer.picture.png()
    explorer.controls["slope"].value = 1.5
    assert explorer.picture.png() != before
    assert explorer.picture.finding.startswith("y = 1.50 · x + 3.00")


def test_decision_counts_the_points_on_their_own_side():
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0]])
    label = torch.tensor([0.0, 1.0, 1.0, 1.0])
    twin = plots.decision(x, label, lambda at: (at[:, 0] > 1.5).float(), "A wall at 1.5").twin
    assert "no: 1 points, 1 of them" in twin
    assert "yes: 3 points, 2 of them" in twin


def test_polynomials_titles_its_panels():
    weights = [learning.least_squares(learning.powers(X, d), Y) for d in (0, 1)]
    twin = plots.polynomials(X, Y, weights, lambda at: 2 * at + 1, "Two degrees").twin
    assert "degree 0: 1 parameter\n" in twin
    assert "degree 1: 2 parameters" in twin
