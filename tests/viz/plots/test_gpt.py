"""The figures and the pass explorer of chapter 06: what their twins say, and what they refuse."""

from __future__ import annotations

import pytest
import torch

from utils.llm.gpt.model import GPT, GPTConfig
from utils.viz import plots, widgets
from utils.viz.widgets.forward_pass import depth_names, half_steps, run_through

WORDS = ["<start>", "Mina", "had", "a", "kite"]


def model(**changes: object) -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(5, 6, n_layers=2, n_heads=2, d_model=8, **changes)).eval()


def read(text: str) -> list[int]:
    return [0, *(WORDS.index(word) for word in text.split())]


def explorer(**options: int) -> object:
    return widgets.pass_explorer(model(), ["Mina had a kite", "a kite"], read, WORDS, **options)


def test_shares_are_told_with_their_totals() -> None:
    counts = {"small": {"table": 30, "blocks": 70}, "large": {"table": 50, "blocks": 1950}}
    twin = plots.parameter_shares(counts, "It shrinks.").twin
    assert "small, 100 parameters: table 30 %, blocks 70 %" in twin
    assert "large, 2,000 parameters: table 2.5 %, blocks 98 %" in twin


def test_shares_too_thin_to_be_seen_leave_the_legend(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr("utils.viz.plots.gpt.picture", lambda fig, *_, **__: drawn.append(fig))
    plots.parameter_shares({"large": {"table": 300, "norms": 1, "blocks": 699}}, "It shrinks.")
    axes = drawn[0].axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["table", "blocks"]
    assert "too thin to be seen: norms" in axes.get_xlabel()


def test_shares_need_the_same_parts() -> None:
    with pytest.raises(ValueError, match="different parts"):
        plots.parameter_shares({"one": {"a": 1}, "two": {"b": 1}}, "No.")


def test_the_lens_tells_every_guess() -> None:
    chances = torch.tensor([[0.2, 0.4], [0.9, 1.0]])
    drawn = plots.lens(
        ["kite", "."], ["embedding", "end"], [["a", "b"], ["kite", "."]], chances, "L."
    )
    assert "embedding: a 20 %, b 40 %" in drawn.twin
    assert "end: kite 90 %, . 100 %" in drawn.twin
    with pytest.raises(ValueError, match="2 depths and 1 words"):
        plots.lens(["kite"], ["embedding", "end"], [["a"], ["b"]], chances, "L.")


def test_half_steps_end_where_the_model_ends() -> None:
    gpt, ids = model(), torch.tensor([[0, 1, 2], [3, 4, 1]])
    halves, whole = half_steps(gpt, ids), gpt.residual_stream(ids)
    assert len(halves) == len(depth_names(2)) == 5
    torch.testing.assert_close(halves[::2], whole)
    block = gpt.blocks[0]
    torch.testing.assert_close(halves[1], whole[0] + block.attention(block.norm_1(whole[0])))
    assert not any(block.norm_2._forward_pre_hooks for block in gpt.blocks)


def test_half_steps_need_a_stream() -> None:
    with pytest.raises(ValueError, match="pre-norm"):
        half_steps(model(norm_position="post"), torch.tensor([[0]]))


def test_the_last_depth_is_the_models_own_answer() -> None:
    gpt, ids = model(), [0, 1, 2]
    one = run_through(gpt, ids, WORDS[:3])
    with torch.no_grad():
        own = gpt(torch.tensor([ids]))[0].softmax(-1)
    torch.testing.assert_close(one.chances[-1], own)
    assert one.maps.shape == (2, 2, 3, 3)


def test_the_explorer_goes_through_the_pass() -> None:
    shown = explorer()
    assert shown.picture.finding.startswith("Embedding: after “kite”")
    assert "a vector of 8 numbers" in shown.picture.twin
    shown.controls["step"].value = 1
    assert shown.picture.finding.startswith("Block 1, attention: after “kite”")
    assert "head 1 looks most at" in shown.picture.twin
    shown.controls["step"].value = 4
    assert "it works on “kite” alone" in shown.picture.twin
    shown.controls["step"].value = 5
    assert shown.picture.finding.startswith("Head: after “kite”")
    assert "5 logits" in shown.picture.twin


def test_the_explorer_opens_where_it_is_told() -> None:
    shown = explorer(step=3, head=2)
    assert shown.picture.finding.startswith("Block 2, attention")
    assert "head 2 looks most at" in shown.picture.twin
    assert shown.controls["head"].description == "attention head"


def test_another_prompt_brings_its_own_length() -> None:
    shown = explorer(word=1)
    shown.controls["another_prompt"].click()
    assert shown.controls["prompt"].value == "a kite"
    assert shown.controls["word"].max == shown.controls["word"].value == 2


def test_a_prompt_may_be_refused() -> None:
    shown = explorer()
    before = shown.picture
    shown.controls["prompt"].value = "dragon"
    assert shown.picture is before
    assert "not in list" in shown.caption.value
    with pytest.raises(ValueError, match="prompts is empty"):
        widgets.pass_explorer(model(), [], read, WORDS)
