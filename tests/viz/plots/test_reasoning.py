"""The figures of chapter 09: what their twins say."""

from __future__ import annotations

import pytest
import torch

from utils.viz import style, widgets
from utils.viz.plots.reasoning import _colours, _shift, accuracy, accuracy_bars, vote_view


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
    assert "right answers in % for paper, dots; above 90: paper; at chance: dots" in twin


def test_shares_of_something_else_have_their_own_axis_and_no_chance() -> None:
    bars = {"one": (0.0, 0.0, 0.02), "two": (0.5, 0.4, 0.6)}
    twin = accuracy_bars(bars, "Two is ahead.", floor=None, xlabel="share of answers, %").twin
    assert twin.endswith("share of answers in % for one, two; above 90: none")
    drawn = accuracy(
        {name: ([1, 2], [b[0]] * 2, [b[1]] * 2, [b[2]] * 2) for name, b in bars.items()},
        "k",
        "Two is ahead.",
        floor=None,
        log_x=True,
        ylabel="texts, %",
        beside=True,
    )
    assert "texts in % over k: one, 2 points" in drawn.twin


def test_those_measured_at_the_same_x_stand_apart_and_others_where_they_are() -> None:
    bars = ([0.5, 0.5], [0.4, 0.4], [0.6, 0.6])
    measured = {"a": ([1, 2], *bars), "b": ([1, 2], *bars), "c": ([3, 4], *bars)}
    shifts = [_shift(name, measured) for name in measured]
    assert shifts[0] < 1 < shifts[1]
    assert shifts[0] * shifts[1] == pytest.approx(1)
    assert shifts[2] == 1


def test_who_answers_keeps_a_colour_from_figure_to_figure() -> None:
    one = _colours(["direct", "scratchpad"])
    other = _colours(["scratchpad, misled", "checked, misled"])
    last = _colours(
        ["pass@n", "best of n, by the checker", "a vote of k", "half-trained, greedily"]
    )
    assert one["scratchpad"] == other["scratchpad, misled"] == style.ORANGE
    assert other["checked, misled"] == last["best of n, by the checker"]
    assert last["a vote of k"] == style.BLUE
    assert len(set(last.values())) == len(last)


def test_a_prediction_has_the_colour_of_what_it_predicts() -> None:
    x, share = [1, 2], [0.5, 0.6]
    drawn = accuracy(
        {"checked": (x, share, share, share)},
        "k",
        "It is as foreseen.",
        predicted={"p": (x, share)},
    )
    assert drawn._figure.axes[0].lines[-2].get_color() == style.GREEN


def test_the_view_of_a_vote_is_binomial_where_two_answers_are_possible() -> None:
    twin = vote_view(0.6, 0.4, 1).twin
    assert twin.startswith("One answer is right in 60 of 100 cases, the vote of 256 in 100.")
    assert "bars: right 60, wrong 40, other 0" in twin


@pytest.mark.parametrize(("right", "favourite"), [(0, 0), (1, 0), (0, 1), (0.5, 0.9), (1, 1)])
def test_the_view_of_a_vote_takes_every_setting_of_its_sliders(
    right: float, favourite: float
) -> None:
    one = f"One answer is right in {100 * right:.0f} of 100 cases"
    assert vote_view(right, favourite, 3).finding.startswith(one)


def test_a_favourite_that_is_wrong_turns_the_vote() -> None:
    shown = widgets.vote_explorer(right=30, favourite=25)
    assert shown.picture.finding.endswith("the vote of 256 in 86.")
    shown.controls["favourite"].value = 40
    assert shown.picture.finding.endswith("the vote of 256 in 3.")
