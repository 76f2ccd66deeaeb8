"""The figures and explorers of chapter 08: what their twins say, and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling import loop as sampling
from utils.viz import plots, widgets
from utils.viz.plots.curves import percent
from utils.viz.widgets.stepper import write_steps

WORDS = ["(start)", "Mina", "had", "a", "kite", "."]


def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(6, 16, n_layers=2, n_heads=2, d_model=8)).eval()


def read(text: str) -> list[int]:
    return [0, *(WORDS.index(word) for word in text.split())]


def scores(text: str) -> torch.Tensor:
    return torch.tensor([0.0, 0.5, 0.25, 0.125, 0.125, 0.0]).log()


def truth(text: str) -> dict[str, float]:
    return {"Mina": 0.5, "had": 0.5}


def darts() -> object:
    return widgets.dart_explorer(scores, ["Mina", "Mina had"], WORDS, truth, darts=40)


def test_pies_share_their_slices() -> None:
    two = {"cold": {"a": 0.9, "b": 0.1}, "hot": {"a": 0.5, "b": 0.25, "c": 0.25}}
    twin = plots.pies(two, "Heat.", most=1).twin
    assert "cold: a 90 %, other 10 %" in twin
    assert "hot: a 50 %, other 50 %" in twin
    with pytest.raises(ValueError, match=r"sum to 0\.9000"):
        plots.pies({"half": {"a": 0.9}}, "No.")


def test_what_a_pie_calls_other_is_no_slice_of_its_own() -> None:
    drawn = plots.pies(
        {"next": {"a": 0.5, "other": 0.3, "b": 0.15, "c": 0.05}}, "No twins.", most=2
    )
    assert "next: a 50 %, b 15 %, other 35 %" in drawn.twin
    assert [text.get_text() for text in drawn._figure.legends[0].get_texts()] == ["a", "b", "other"]


def test_eight_equal_slices_make_a_whole() -> None:
    assert [percent(share) for share in (1 / 8, 0.629, 0.005)] == ["12.5 %", "63 %", "0.5 %"]


def test_cuts_tell_how_many_are_kept_and_what_they_have() -> None:
    chances = {"sure": torch.tensor([0.05, 0.9, 0.05]), "flat": torch.full((3,), 1 / 3)}
    rules = {"k": sampling.top_k(2), "min": sampling.min_p(0.5)}
    twin = plots.cuts(chances, rules, "Cut.").twin
    assert "k, sure: keeps 2: 95 %" in twin
    assert "k, flat: keeps 2: 67 %" in twin
    assert "min, sure: keeps 1: 90 %" in twin
    assert "min, flat: keeps 3: 100 %" in twin


def test_darts_are_counted_in_the_slices_that_they_hit() -> None:
    board = {"small": 0.2, "large": 0.5, "middle": 0.3}
    twin = plots.dart_board(board, [0.0, 0.499, 0.5, 0.8, 0.99], None, "Thrown.").twin
    assert "large 50 % hit 2, middle 30 % hit 1, small 20 % hit 2" in twin
    empty = plots.dart_board(board, [], {"small": 1.0}, "None thrown.").twin
    assert "darts 0" in empty
    assert "the pie that is: small 100 %" in empty
    with pytest.raises(ValueError, match="outside"):
        plots.dart_board(board, [1.0], None, "Too far.")


def test_the_judged_are_told_row_by_row() -> None:
    drawn = plots.judged(
        [0, 1], [1.0, 0.9], [1, 450], [0.0, 45.0], 46.6, 500, "temperature", "F.", live={1: 0.91}
    )
    assert "temperature 1: possible 450, different 450, 45 bits" in drawn.twin
    assert "47 bits" in drawn.twin


def test_tokens_read_are_a_triangle_and_a_diagonal() -> None:
    twin = plots.tokens_read(10, "Read.").twin
    assert "without a cache, 10 steps: 55 tokens read" in twin
    assert "with a cache, 10 steps: 10 tokens read" in twin


def test_the_tree_tells_chances_fates_and_the_best() -> None:
    found = sampling.beam_search(model(), torch.tensor([0, 1]), 2, beams=2)
    twin = plots.beam_tree(found, WORDS, "Mina", "A tree.").twin
    best = found.path(found.best[0].node)
    assert f"{WORDS[best[0].token]}* {100 * math.exp(best[0].total):.2g} %" in twin
    assert "dropped" in twin
    assert twin.count("*") == 2 + 1  # two on the way, and the legend


def test_steps_are_what_generate_writes() -> None:
    gpt, sampler = model(), sampling.Sampler(sampling.temperature(1.5))
    steps = write_steps(gpt, [0, 1], 8, sampler, None, seed=3)
    tokens = sampling.generate(gpt, torch.tensor([0, 1]), 8, sampler, seed=3)
    assert [each.token for each in steps] == [int(token) for token in tokens]
    with torch.no_grad():
        own = gpt(torch.tensor([[0, 1, steps[0].token]]))[0, -1].softmax(-1)
    torch.testing.assert_close(steps[1].own, own)


def test_steps_end_with_the_stop_token_and_need_room() -> None:
    first = write_steps(model(), [0, 1], 8, sampling.Sampler(), None, seed=0)
    stop = first[2].token
    at = [each.token for each in first].index(stop)
    stopped = write_steps(model(), [0, 1], 8, sampling.Sampler(), stop, seed=0)
    assert [each.token for each in stopped] == [each.token for each in first[: at + 1]]
    with pytest.raises(ValueError, match="don't fit into a context of 16"):
        write_steps(model(), [0, 1], 15, sampling.Sampler(), None, seed=0)


def test_the_board_keeps_its_darts_while_it_is_heated() -> None:
    shown = darts()
    assert "darts 40" in shown.picture.twin
    shown.controls["throw_one"].click()
    shown.controls["throw_a_thousand"].click()
    assert "darts 1041" in shown.picture.twin
    shown.controls["heat"].value = 2.0
    assert "darts 1041" in shown.picture.twin
    shown.controls["pull_out_all"].click()
    assert "darts 0" in shown.picture.twin


def test_the_board_says_what_is_impossible_and_what_the_cuts_leave() -> None:
    shown = darts()
    assert "4 slices, 25 % of the board impossible" in shown.picture.finding
    shown.controls["k"].value = 2
    assert "2 slices, under 0.1 %" in shown.picture.finding
    shown.controls["heat"].value = 0
    assert "1 slice, " in shown.picture.finding
    shown.controls["another_beginning"].click()
    assert shown.picture.finding.startswith("Mina had …")


def test_the_stepper_goes_back_and_forth_over_the_same_words() -> None:
    shown = widgets.step_explorer(model(), ["Mina", "a kite"], read, WORDS, most=6, step=3)
    third = shown.picture.twin
    assert "read for this word: 1 (hatched), kept in the cache: 3" in third
    shown.controls["step"].value = 1
    assert "read for this word: 2 (hatched), kept in the cache: 0" in shown.picture.twin
    shown.controls["step"].value = 3
    assert shown.picture.twin == third
    shown.controls["heat"].value = 0
    assert "for certain" in shown.picture.finding
    shown.controls["another_beginning"].click()
    assert "text: (start) a kite" in shown.picture.twin


def test_more_beams_find_no_less_likely_texts() -> None:
    shown = widgets.beam_explorer(model(), ["Mina", "a"], read, WORDS, beams=1, steps=4)
    assert shown.picture.finding.startswith("Greedy")
    shown.controls["beams"].value = 3
    assert shown.picture.finding.startswith("3 beams")
    assert shown.picture.twin.count("step ") == 4


@pytest.mark.parametrize(("share", "end"), [(0.13, 0.25), (0.4, 0.5), (0.9, 1.0)])
def test_a_step_of_small_chances_fills_its_axis(share: float, end: float) -> None:
    drawn = plots.step_of_writing(["a", "b"], 1, [("b", share, share)], 0, 0, "It came.", "note")
    assert drawn._figure.axes[1].get_xticks().max() == end


@pytest.mark.parametrize("make", [widgets.dart_explorer, widgets.step_explorer])
def test_explorers_need_a_beginning(make: object) -> None:
    with pytest.raises(ValueError, match="prompts is empty"):
        make(model(), [], read, WORDS)


def test_a_white_slice_has_an_edge_on_the_board_and_in_its_legend() -> None:
    drawn = plots.dart_board({"white": 0.5, "red": 0.5}, [0.2], None, "A board.")
    ax = drawn._figure.axes[0]
    slices, marks = ax.patches, ax.get_legend().get_patches()
    for white, other in (slices, marks):
        if white.get_facecolor() != (1, 1, 1, 1):
            white, other = other, white
        assert white.get_facecolor() == (1, 1, 1, 1)
        assert white.get_edgecolor() != (1, 1, 1, 1)
