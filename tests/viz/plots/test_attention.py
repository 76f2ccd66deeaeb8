"""The figures and the explorer of chapter 04: what their twins say, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from utils.viz import plots, widgets
from utils.viz.plots.attention import set_in_lines
from utils.viz.touch.words import Words

WORDS = ["Mina", "had", "a", "blue", "kite"]
TRIANGLE = torch.ones(5, 5, dtype=torch.bool).tril()


def test_a_mask_is_told_row_by_row() -> None:
    twin = plots.mask(TRIANGLE, WORDS, "The past.").twin
    assert "Mina looks at Mina; had looks at Mina, had;" in twin
    assert "kite looks at Mina, had, a, blue, kite" in twin


def test_masks_need_a_word_for_each_row() -> None:
    with pytest.raises(ValueError, match="one word for each row"):
        plots.mask(TRIANGLE, WORDS[:4], "The past.")


def test_looking_back_is_told_without_decimals() -> None:
    drawn = plots.look_back(WORDS, torch.tensor([0.02, 0.3, 0.05, 0.63, 0.0]), 4, "It looks.")
    assert "over half of it goes to blue (word 3)" in drawn.twin
    assert "a tenth to a half goes to had (word 1)" in drawn.twin
    assert "0." not in drawn.twin
    even = plots.look_back(WORDS * 4, torch.full((20,), 0.05), 4, "It looks.")
    assert "no word gets as much as a tenth" in even.twin


@pytest.mark.parametrize(("weights", "query"), [(torch.ones(4), 0), (torch.ones(5), 5)])
def test_looking_back_refuses_what_does_not_fit(weights: torch.Tensor, query: int) -> None:
    with pytest.raises(ValueError, match="there are 5 words"):
        plots.look_back(WORDS, weights, query, "It looks.")


def test_a_long_text_is_set_in_lines() -> None:
    short = plots.look_back(WORDS, torch.zeros(5), 0, "It looks.")
    long = plots.look_back(WORDS * 20, torch.zeros(100), 0, "It looks.")
    assert long.height > short.height
    assert long.width == short.width


def test_the_largest_head_is_named() -> None:
    twin = plots.head_table(torch.tensor([[0.1, 0.2], [0.9, 0.0]]), "One.", "share").twin
    assert twin.endswith("the largest in layer 2, head 1")


def test_the_fallen_are_named() -> None:
    before, after = {"colour": 100.0, "name": 99.0}, {"colour": 20.0, "name": 95.0}
    twin = plots.before_and_after(before, after, ("all", "less"), "right, %", "It falls.").twin
    assert twin.endswith("fallen by more than 25: colour")


def test_maps_and_costs_are_drawn() -> None:
    maps = torch.ones(2, 5, 5).tril() / 5
    drawn = plots.head_maps(maps, [(4, 3)], "the colour", "Two.", titles=["one", "two"])
    assert "2 maps of 5 × 5 words" in drawn.twin
    times = {"explicit": [0.001, 0.004], "linear": [0.001, 0.002]}
    drawn = plots.attention_costs([128, 256], times, times, "It grows.")
    assert "explicit: 128: 1, 256: 4" in drawn.twin  # milliseconds


def look(text: str) -> widgets.attention.Looks:
    words = widgets.words_of(text)
    if "dragon" in words:
        raise ValueError("'dragon' is not in the vocabulary")
    n = len(words)
    weights = torch.eye(n).roll(-1, dims=1).tril().expand(2, 3, n, n).clone()
    weights[1, 2] = 0
    weights[1, 2, :, 0] = 1
    return words, weights, [word.upper() for word in words]


def explorer(**options: int) -> object:
    return widgets.attention_explorer(look, ["Mina had a kite.", "Tom sat."], **options)


def test_the_explorer_shows_the_chosen_head() -> None:
    shown = explorer(layer=2, head=3, word=3)
    assert shown.picture.finding == "Layer 2, head 3: “kite” looks most at “Mina”, 3 words back"
    assert "the model expects “KITE”" in shown.picture.twin
    shown.controls["word"].value = 1
    assert shown.picture.finding.endswith("“had” looks most at the word before it")
    shown.controls["word"].value = 0
    assert shown.picture.finding.endswith("“Mina” looks most at itself")


def test_all_heads_are_shown_by_their_mean_and_each_is_told_alone() -> None:
    shown = explorer(layer=2, head=0, word=3)
    assert shown.picture.finding == (
        "Layer 2, all heads: “kite” looks most at the word before it (alone, head 1 at the word "
        "before it; head 2 at the word before it; head 3 at “Mina”, 3 words back)"
    )
    (stage,) = [part for part in shown.widget.children if isinstance(part, Words)]
    heads = look("Mina had a kite.")[1][1]
    sent = np.frombuffer(stage.weights, np.float32).reshape(5, 5)
    assert np.allclose(sent, heads.mean(0))
    shown.controls["head"].value = 3
    assert np.allclose(np.frombuffer(stage.weights, np.float32).reshape(5, 5), heads[2])
    assert [name for name, _ in shown.controls["head"].options] == ["all", "1", "2", "3"]


def test_another_text_brings_its_own_length() -> None:
    shown = explorer(word=4)
    shown.controls["another_text"].click()
    assert shown.controls["text"].value == "Tom sat."
    assert shown.controls["word"].max == 2
    assert shown.controls["word"].value == 2
    assert "“.”" in shown.picture.finding


def test_a_text_of_ones_own_may_be_refused() -> None:
    shown = explorer()
    before = shown.picture
    shown.controls["text"].value = "A dragon."
    assert shown.picture is before
    assert "not in the vocabulary" in shown.caption.value
    shown.controls["text"].value = "Mina sat."
    assert shown.picture is not before


def test_words_are_cut_as_the_story_world_writes_them() -> None:
    assert widgets.words_of("Why so sad? asked Mina.") == "Why so sad ? asked Mina .".split()


def test_words_stand_one_space_apart_however_short_they_are() -> None:
    words = ["found", "a", "yellow", "I", "was"]
    places, _ = set_in_lines(words)
    assert [column for _, column in places] == [0, 6, 8, 15, 17]
