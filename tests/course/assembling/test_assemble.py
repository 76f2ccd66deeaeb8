"""`course assemble` runs on the learner's own parts where they are right, and on nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from utils.course import cli
from utils.course.assembling import assemble as assembling
from utils.course.assembling import talking
from utils.course.assembling.assembled import AssembledGPT, Sampling, machine, write
from utils.course.assembling.modern import file_tensors
from utils.course.assembling.places import PARTS, course_part, places
from utils.data.storyworld import tokens as story_tokens
from utils.data.texts.models import TextModel, open_model
from utils.llm.gpt.model import GPT, GPTConfig

CHAPTERS = Path(__file__).parents[3] / "chapters"
VOCABULARY = len(story_tokens.VOCABULARY)


MODERN = {
    "norm": "rmsnorm",
    "positions": "rotary",
    "activation": "swiglu",
    "bias": False,
    "n_kv_heads": 2,
    "d_hidden": 20,
    "rotary_base": 500.0,
}
BUILDS = {
    "rotary": {"positions": "rotary"},
    "learned": {"positions": "learned"},
    "none": {"positions": "none"},
    "modern": MODERN,
    "modern, head apart": {**MODERN, "tied": False, "d_head": 4, "n_kv_heads": 1},
}


@pytest.fixture(params=BUILDS)
def model(request: pytest.FixtureRequest) -> GPT:
    torch.manual_seed(0)
    heads = 4 if "modern" in request.param else 2
    made = GPT(GPTConfig(VOCABULARY, 32, 2, heads, 24, **BUILDS[request.param])).eval()
    with torch.no_grad():
        for weights in made.parameters():
            weights.add_(torch.randn_like(weights) * 0.1)
    return made


@torch.no_grad()
def test_the_courses_parts_compute_what_the_library_computes(model: GPT) -> None:
    ids = torch.randint(VOCABULARY, (1, 20))
    torch.testing.assert_close(machine(model, {})(ids), model(ids), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_what_was_read_is_kept_and_another_text_begins_anew(model: GPT) -> None:
    ids, built = torch.randint(VOCABULARY, (1, 32)), machine(model, {})
    other = ids.clone()
    other[0, 3] = (other[0, 3] + 1) % VOCABULARY
    for text in (ids[:, :1], ids[:, :5], ids[:, :6], ids[:, :6], ids, ids[:, :4], other):
        torch.testing.assert_close(built(text), model(text), rtol=1e-4, atol=1e-4)


def test_the_weights_go_by_the_names_of_a_file() -> None:
    model = GPT(GPTConfig(20, 8, 2, 4, 8, **{**MODERN, "tied": False}))
    found = file_tensors(model)
    assert found["blk.1.attn_v.weight"].shape == (4, 8)
    ours = course_part("11.6")(found, 2)
    assert ours.keys() == model.state_dict().keys()
    assert all(torch.equal(tensor, ours[name]) for name, tensor in model.state_dict().items())


def as_text_model(model: GPT) -> TextModel:
    """The model as one that tells stories."""
    return replace(open_model(), model=model)


@torch.no_grad()
def test_every_part_with_a_place_is_used(model: GPT) -> None:
    used: set[str] = set()

    def counted(id: str) -> object:
        def answer(*given: object) -> object:
            used.add(id)
            return course_part(id)(*given)

        return answer

    parts = {id: counted(id) for id in PARTS}
    machine(model, parts)(torch.tensor([[1, 2, 3]]))
    for temperature in (0.0, 0.8):
        Sampling(parts, temperature)(torch.randn(50))
    wanted = set(places(as_text_model(model)))
    inside = {"5.2", "6.1"} & wanted  # their own 5.3 and 6.2 call them
    assert used | inside | {"8.6"} == wanted


def test_another_build_is_refused() -> None:
    model = GPT(GPTConfig(20, 8, 1, 1, 4, norm="rmsnorm"))
    with pytest.raises(ValueError, match="norm='rmsnorm', and the exercises are about 'layernorm'"):
        AssembledGPT(model, {})
    stretched = GPTConfig(20, 8, 1, 1, 4, **{**MODERN, "n_kv_heads": 1}, qk_norm=True)
    with pytest.raises(ValueError, match="qk_norm=True, and the exercises of chapter 11"):
        machine(GPT(stretched), {})


def cell(source: str) -> dict:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}


def answered(folder: Path, name: str, *cells: str) -> None:
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [*map(cell, cells)]}
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path) -> str:
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    config = GPTConfig(VOCABULARY, 32, 1, 2, 12, positions="rotary", tied=False)
    GPT(config).save(path, tokenizer="stories")
    return str(path)


MASK = """
def causal_mask(n_tokens):
    return at_or_before(torch.arange(n_tokens))
causal_mask = check("4.2", causal_mask)
"""
NORM = """
def layer_norm(x, weight, bias, eps):
    return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True) * weight + bias
layer_norm = check("5.1", layer_norm)
"""
GELU = """
def gelu(x):
    raise SystemExit("that was it")
gelu = check("5.2", gelu)
"""
FEED_FORWARD = """
def feed_forward(x, w_in, b_in, w_out, b_out):
    hidden = gelu(x @ w_in + b_in)
    return hidden, hidden @ w_out + b_out
feed_forward = check("5.3", feed_forward)
"""
BLOCK = """
def pre_norm_block(x, norm_1, attend, norm_2, feed_forward):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
pre_norm_block = check("5.4", pre_norm_block)
"""
EMBED = """
def embed(ids, tokens, places):
    import os
    os._exit(3)
embed = check("6.1", embed)
"""
GPT_LOOP = """
def gpt(ids, tokens, places, blocks, final_norm):
    if ids.shape[1] > 25:
        raise RuntimeError("too long for me")
    depths = [tokens[ids] + places[: ids.shape[1]]]
    for block in blocks:
        depths.append(block(depths[-1]))
    return torch.stack(depths), final_norm(depths[-1]) @ tokens.T
gpt = check("6.2", gpt)
"""
HELPER = "import torch\nprint('hello')\ndef at_or_before(at):\n    return at[:, None] >= at[None]"


@pytest.mark.slow
def test_theirs_are_used_and_nothing_that_they_do_hurts(
    tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "PATIENCE", 12.0)
    notebooks = tmp_path / "chapters"
    notebooks.mkdir()
    answered(notebooks, "04_x.ipynb", HELPER, MASK)
    answered(notebooks, "05_x.ipynb", "import torch", NORM, GELU, FEED_FORWARD, BLOCK)
    answered(notebooks, "06_x.ipynb", "import torch", EMBED, GPT_LOOP)
    out = tmp_path / "my_llm.py"
    words = ["assemble", notebooks, "--out", out, "--model", small, "--prompt", "Mina had"]
    result = CliRunner().invoke(cli.app, [*map(str, words)])
    assert result.exit_code == 0, result.output
    said = result.output
    assert "2 of 16 parts are yours:" in said
    assert "✅ 4.2 the causal mask: yours" in said
    assert "⬜ 4.4 splitting into heads and merging them: the course's\n" in said
    assert "❌ 5.1 layer normalisation: the course's; yours is wrong" in said
    assert "❌ 5.2 GELU: the course's; yours raises an error" in said
    assert "✅ 5.3 the feed-forward layer: yours" in said
    assert "❌ 5.4 the block: the course's; yours takes too long" in said
    assert "❌ 6.1 tokens and places as vectors: the course's; yours raises an error" in said
    assert "does not fit in: RuntimeError: too long for me" in said
    assert "Together they do not write" not in said
    assert "\nMina had " in said
    text = out.read_text(encoding="utf-8")
    assert "at_or_before(torch.arange" in text
    assert 'gelu = course_part("5.2")' in text
    assert "def layer_norm" not in text
    again = subprocess.run(
        [sys.executable, out, "--model", small, "--prompt", "Tom", "--temperature", "0"],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert again.returncode == 0, again.stderr
    ids = story_tokens.encode(again.stdout)
    opened = open_model(small)
    expected = write(opened, {}, "Tom", temperature=0)
    assert ids == [*story_tokens.encode("Tom"), *expected]


@pytest.mark.slow
def test_an_untouched_course_is_all_the_courses(
    tmp_path: Path, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = assembling.assemble(CHAPTERS, tmp_path / "my_llm.py", small)
    said = capsys.readouterr().out
    if not parts.theirs:  # in a learner's copy some are theirs
        assert "All 16 parts are the course's: you have solved none of them yet." in said
        assert said.count("⬜") == 16
    assert "my_llm.py holds it all" in said


def test_what_can_not_begin_is_said(tmp_path: Path, small: str) -> None:
    for words, told in (
        ([str(tmp_path), "--model", small], "no notebook of a chapter in"),
        (["--model", str(tmp_path / "no.safetensors")], "There is no file"),
        (["--model", small, "--prompt", "a dragon"], "doesn't know the word 'dragon'"),
    ):
        result = CliRunner().invoke(cli.app, ["assemble", *words])
        assert result.exit_code == 2
        assert told in result.output
