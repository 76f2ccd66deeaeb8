"""The figures of chapter 09: what their twins say."""

from __future__ import annotations

import torch

from utils.viz.plots.reasoning import accuracy, accuracy_bars


def test_shares_are_told_without_numbers() -> None:
    x, share = [1, 4, 16], torch.tensor([0.4, 0.5, 0.9])
    drawn = accuracy(
        {"a vote of k": (x, share, share - 0.1, share + 0.1)},
        "k",
        "Votes help.",
        predicted={"the prediction": (x, share)},
        log_x=True,
    )
    assert "a vote of k, 3 points with error bars; the prediction, a curve" in drawn.twin
    assert "0.4" not in drawn.twin


def test_bars_name_what_is_high_and_what_is_at_chance() -> None:
    twin = accuracy_bars(
        {"paper": (1.0, 0.99, 1.0), "dots": (0.11, 0.08, 0.14)}, "It needs it."
    ).twin
    assert "above 90: paper; at chance: dots" in twin
