"""A control that can do nothing now says so."""

from __future__ import annotations

from utils.llm.gpt.model import GPT, GPTConfig
from utils.viz.widgets import pass_explorer, vote_explorer


def test_the_head_counts_only_where_attention_is_added() -> None:
    model = GPT(GPTConfig(vocab_size=5, context_length=8, n_layers=1, n_heads=2, d_model=8))
    explorer = pass_explorer(model, ["a b c"], lambda text: [0, 1, 2], "abcde")
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
