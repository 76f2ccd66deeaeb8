"""The figures of chapter 05: what their twins say, and what they refuse."""

from __future__ import annotations

import pytest
import torch

from utils.viz import plots

TRIANGLE = torch.ones(3, 3, dtype=torch.bool).tril()


def test_the_steps_are_told_number_by_number() -> None:
    twin = plots.steps_on_numbers(
        {"before": [2, 4], "after": torch.tensor([-1.0, 1.0])}, "It."
    ).twin
    assert "Panel 1: before" in twin
    assert "x1 2, x2 4" in twin
    assert "x1 -1, x2 1" in twin


def test_a_bend_is_drawn_beside_its_slope() -> None:
    x = torch.linspace(-1, 1, 5)
    twin = plots.bends(x, {"ReLU": (x.relu(), (x > 0).float())}, "A corner.").twin
    assert "comes out" in twin
    assert "slope" in twin
    assert twin.count("ReLU: ") == 2


def test_noisy_curves_are_told_in_words_alone() -> None:
    curves = {"whole": [3.21, 1.23], "without": [4.56, 3.45]}
    levels = {"floor": 0.8}
    one = plots.training_curves(curves, "Ahead.", levels=levels, words="whole is below").twin
    runs = {name: [values, values] for name, values in curves.items()}
    seeds = plots.seed_curves(runs, "Ahead.", levels=levels, words="whole is below").twin
    assert one == seeds == "Ahead.\nwhole is below"


def test_bars_of_variants_need_both_measures() -> None:
    settings = {"levels": {"floor": 0.8}, "reach": "steps", "words": "never: without"}
    bits = {"whole": [1.0, 1.1], "without": [2.0, 2.5]}
    steps = {"whole": [70, 80], "without": [None, 90]}
    drawn = plots.ablation_bars(bits, steps, 100, "Missed.", **settings)
    assert drawn.twin == "Missed.\nnever: without"
    with pytest.raises(ValueError, match="give the same"):
        plots.ablation_bars(bits, {"whole": [70]}, 100, "Missed.", **settings)


def test_what_goes_in_and_comes_out_is_drawn_for_each_token() -> None:
    x = torch.rand(4, 6)
    curve = (torch.linspace(0, 1, 9), torch.linspace(0, 1, 9).tanh())
    drawn = plots.in_and_out(x, 2 * x, curve, "An S.", curve_name="tanh", words="four lines")
    assert drawn.twin == "An S.\nfour lines"
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        plots.in_and_out(x, x[:2], curve, "An S.", curve_name="tanh", words="four lines")


def test_families_say_who_looks_and_what_is_predicted() -> None:
    words = ["le", "<s>", "the"]
    mask = TRIANGLE.clone()
    panels = {
        "encoder": (torch.ones(3, 3), ["a", "[MASK]", "c"], ["", "b", ""]),
        "both": (mask, words, ["", "the", "."]),
    }
    twin = plots.families(panels, "Masks.", source=1).twin
    assert "[MASK] looks at a, [MASK], c and predicts b" in twin
    assert "both: le looks at le; <s> looks at le, <s> and predicts the" in twin
    with pytest.raises(ValueError, match="one of each a row"):
        plots.families({"one": (mask, words[:2], ["", ""])}, "Masks.")
