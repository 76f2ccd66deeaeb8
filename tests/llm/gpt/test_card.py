"""The card beside the weights says what is known, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from huggingface_hub import ModelCard as TheirCard
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner

from utils.course import cli
from utils.llm.gpt.card import UNTOLD, ModelCard, write_card
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling.loop import generate, greedy

CONFIG = GPTConfig(13, 16, 2, 2, 8)


def sections(text: str) -> dict[str, str]:
    parts = text.split("\n## ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}


def test_all_that_is_known_has_its_place() -> None:
    card = ModelCard(
        "mine",
        data="Letters | of mine.",
        recipe={"steps": 10, "a | b": "c\nd"},
        scores={"bits": 0.5},
        limits=["Short.", "Small."],
        command="course train",
    )
    found = sections(card.markdown(CONFIG))
    assert list(found) == ["The model", "Data", "Recipe", "Scores", "Limits"]
    weights = sum(p.numel() for p in GPT(CONFIG).parameters())
    assert f"| parameters | {weights:,} |" in found["The model"]
    assert found["Data"] == "Letters | of mine."
    assert r"| a \| b | c d |" in found["Recipe"]
    assert "```\ncourse train\n```" in found["Recipe"]
    assert "| bits | 0.5 |" in found["Scores"]
    assert found["Limits"] == "- Short.\n- Small."


def test_what_nobody_has_said_is_said() -> None:
    found = sections(ModelCard("mine").markdown())
    assert list(found) == ["Data", "Recipe", "Scores", "Limits"]
    assert set(found.values()) == {UNTOLD}


@torch.no_grad()
def test_an_export_has_its_card_and_writes_the_same_there(tmp_path: Path) -> None:
    torch.manual_seed(0)
    ours, ids = GPT(CONFIG).eval(), torch.tensor([[1, 2, 3]])
    for weights in ours.parameters():
        weights.add_(torch.randn_like(weights) * 0.3)
    ours.to_hf(tmp_path)
    assert UNTOLD in (tmp_path / "README.md").read_text(encoding="utf-8")
    ours.to_hf(tmp_path, card=ModelCard("mine", data="Letters."))
    ours.to_hf(tmp_path)  # a card that stands is not overwritten by an empty one
    card = TheirCard.load(tmp_path / "README.md")
    assert card.data.to_dict() == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
    }
    assert "Letters." in card.text
    there = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(there(ids).logits, ours(ids), rtol=1e-4, atol=1e-4)
    theirs = there.generate(ids, max_new_tokens=10, do_sample=False, pad_token_id=0)
    assert theirs[0, 3:].tolist() == [int(token) for token in generate(ours, ids, 10, greedy)]


def test_a_card_without_a_hub_has_no_head(tmp_path: Path) -> None:
    path = write_card(tmp_path, ModelCard("mine"), CONFIG)
    assert path == tmp_path / "README.md"
    assert path.read_text(encoding="utf-8").startswith("# mine\n")
    head = ModelCard("x").markdown(for_hub=True).split("---")[1]
    assert yaml.safe_load(head)["pipeline_tag"] == "text-generation"


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["own text", "stories"])
def test_a_training_leaves_its_card(corpus: str, tmp_path: Path) -> None:
    text, out = tmp_path / "own.txt", tmp_path / "run"
    text.write_text("The kite's tail was 12 feet long.\n" * 40, encoding="utf-8")
    given = ["--corpus", "stories" if corpus == "stories" else str(text)]
    words = "--preset story-tiny --steps 3 --batch-size 2 --context 16 --stories 20 --vocab-size \
        270 --device cpu --half".split()
    result = CliRunner().invoke(cli.app, ["train", *given, *words, "--out", str(out)])
    assert result.exit_code == 0, result.output
    found = sections((out / "README.md").read_text(encoding="utf-8"))
    assert "| steps | 3 of 3 |" in found["Recipe"]
    assert "--context 16" in found["Recipe"]
    assert "--half" in found["Recipe"]
    assert "--learning-rate" in found["Recipe"]  # what was chosen is written down too
    measured = found["Scores"].splitlines()[-1].strip("| ").replace(" | ", ": ")
    assert measured in result.output
    unit = "bits per word" if corpus == "stories" else "bits per byte"
    assert unit in measured
    assert ("20 stories" in found["Data"]) == (corpus == "stories")
