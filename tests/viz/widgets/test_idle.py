"""A control that can do nothing now says so."""

from __future__ import annotations

from functools import partial

import torch

from utils.llm.gpt.model import GPT, GPTConfig
from utils.viz.explorer import Explorer
from utils.viz.widgets import (
    attention_explorer,
    dart_explorer,
    pass_explorer,
    step_explorer,
    vote_explorer,
)

SMALL = GPT(GPTConfig(vocab_size=5, context_length=8, n_layers=1, n_heads=2, d_model=8))


def test_the_head_counts_only_where_attention_is_added() -> None:
    explorer = pass_explorer(SMALL, ["a b c"], lambda text: [0, 1, 2], "abcde")
    head, step = explorer.controls["head"], explorer.controls["step"]
    told = {}
    for value in (0, 1, 2, 3):
        step.value = value
        told[value] = head.disabled
    assert told == {0: True, 1: False, 2: True, 3: True}
    assert head.description == "attention head (only where attention is added)"
    step.value = 1
    assert head.description == "attention head"


def test_there_is_no_wrong_answer_beside_a_certain_one() -> None:
    explorer = vote_explorer(right=90, favourite=5)
    wrong, others = explorer.controls["favourite"], explorer.controls["others"]
    assert not wrong.disabled
    assert not others.disabled
    explorer.controls["right"].value = 100
    assert wrong.disabled
    assert others.disabled
    assert "none left" in wrong.description


def named(explorer: Explorer) -> dict[str, str]:
    """What the controls that can do nothing say."""
    return {n: c.description for n, c in explorer.controls.items() if c.disabled}


def test_where_one_word_is_left_no_other_slider_shapes_the_board() -> None:
    truth = {"a": 0.5, "b": 0.5}
    explorer = dart_explorer(lambda _: torch.zeros(3), ["x", "y"], "abc", lambda _: truth)
    assert not named(explorer)
    explorer.controls["heat"].value = 0
    assert named(explorer) == {"k": "k (one word is left)", "p": "p (one word is left)"}
    explorer.controls["p"].value = 0
    assert set(named(explorer)) == {"k", "p"}
    explorer.controls["heat"].value = 1.0
    assert set(named(explorer)) == {"heat", "k"}
    explorer.controls["p"].value = 1.0
    explorer.controls["k"].value = 1
    assert set(named(explorer)) == {"heat", "p"}
    explorer.controls["k"].value = 0
    explorer.controls["pull_out_all"].click()
    assert named(explorer) == {"pull_out_all": "pull out all (there are none)"}
    explorer.controls["throw_one"].click()
    assert not named(explorer)


def test_no_dice_are_rolled_where_the_likeliest_word_is_taken() -> None:
    explorer = step_explorer(SMALL, ["a"], lambda text: [0], "abcde", most=3)
    assert set(named(explorer)) == {"another_beginning"}
    explorer.controls["heat"].value = 0
    assert set(named(explorer)) == {"another_beginning", "p", "other_dice"}
    explorer.controls["p"].value = 0
    assert set(named(explorer)) == {"another_beginning", "p", "other_dice"}
    explorer.controls["heat"].value = 1.0
    assert set(named(explorer)) == {"another_beginning", "heat", "other_dice"}
    explorer.controls["p"].value = 1.0
    assert set(named(explorer)) == {"another_beginning"}


def test_a_button_through_one_text_says_that_there_is_no_other() -> None:
    look = partial(looks, SMALL)
    one, two = attention_explorer(look, ["a b"]), attention_explorer(look, ["a b", "a"])
    assert named(one) == {
        "another_text": "another text (there is none)",
        "layer": "layer (there is only one)",
    }
    assert set(named(two)) == {"layer"}
    two.controls["another_text"].click()
    assert named(two)["word"] == "word (there is only one)"
    two.controls["another_text"].click()
    assert set(named(two)) == {"layer"}


def looks(model: GPT, text: str) -> tuple[list[str], torch.Tensor, list[str]]:
    words = text.split()
    return words, model.maps(torch.zeros(1, len(words), dtype=torch.long))[0], words
