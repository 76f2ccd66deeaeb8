"""While the assembled model writes: what ran is theirs, what breaks is named and replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from utils.course.assembling import assemble, child, talking
from utils.course.assembling.assemble import Parts, gather, program, write_with
from utils.course.assembling.extract import Piece, pieces
from utils.course.checking.check import RIGHT
from utils.data.storyworld import tokens as story_tokens
from utils.llm.gpt.model import GPT, GPTConfig

EMBED = """
def embed(ids, tokens, places):
    return tokens[ids] + places[: ids.shape[1]]
embed = check("6.1", embed)
"""
CALLS_EMBED = """
def gpt(ids, tokens, places, blocks, final_norm):
    depths = [embed(ids, tokens, places)]
    for block in blocks:
        depths.append(block(depths[-1]))
    return torch.stack(depths), final_norm(depths[-1]) @ tokens.T
gpt = check("6.2", gpt)
"""
DRAW = """
calls = []
def draw(chances, dart):
    calls.append(dart)
    if len(calls) > 9:
        {late}
    return torch.searchsorted(chances[0].cumsum(0), dart)[0].clamp(max=chances.shape[1] - 1)[None]
draw = check("8.5", draw)
"""
LOOP = """
def write(model, ids, max_new_tokens, choose, stop_id):
    text = list(ids)
    while text[-1] != stop_id and len(text) - len(ids) < max_new_tokens:
        text.append(choose(model(torch.tensor([text]))[0, -1]))
    new = text[len(ids):]
    return new[:-1] if new and new[-1] == stop_id else new
write = check("8.6", write)
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A rotary model of one layer and 32 tokens, untrained."""
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    vocabulary = len(story_tokens.VOCABULARY)
    config = GPTConfig(vocabulary, 32, 1, 2, 12, positions="rotary", tied=False)
    GPT(config).save(path, tokenizer="stories")
    return str(path)


def answered(folder: Path, *cells: str) -> Path:
    """A notebook of these cells, in a folder of its own."""
    (folder / "chapters").mkdir()
    sources = ["import torch", *cells]
    made = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}
    (folder / "chapters" / "06_x.ipynb").write_text(json.dumps(content), encoding="utf-8")
    return folder / "chapters"


def at_once(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a child process would tell, from doing its work here."""
    told: list[dict[str, Any]] = []
    child.carry_out(json.loads(json.dumps(order)), lambda **message: told.append(message))
    yield from told


@pytest.fixture
def processes() -> None:
    """Asks for processes of their own."""


@pytest.fixture(autouse=True)
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process of its own, but for the tests that may end it."""
    if "processes" not in request.fixturenames:
        monkeypatch.setattr(assemble, "messages", at_once)


def accepted(folder: Path, *cells: str) -> Parts:
    """These answers as if all had been found right and fit in."""
    chapters = answered(folder, *cells)
    found: dict[str, Piece] = pieces([chapters / "06_x.ipynb"])
    parts = Parts(["6.1", "6.2", "8.1", "8.5", "8.6"], found, {id: [RIGHT, ""] for id in found})
    parts.theirs = list(found)
    return parts


def test_a_part_that_never_runs_is_not_theirs(tmp_path: Path, small: str) -> None:
    parts = accepted(tmp_path, EMBED)
    write_with(parts, small, "Mina had", 0)
    assert parts.theirs == []
    assert (
        "⬜ 6.1 tokens and places as vectors: the course's; yours is right, but it waits for "
        in ("\n".join(parts.lines()))
    )


def test_a_part_that_another_one_calls_is_theirs(tmp_path: Path, small: str) -> None:
    parts = accepted(tmp_path, EMBED, CALLS_EMBED)
    write_with(parts, small, "Mina had", 0)
    assert parts.theirs == ["6.1", "6.2"]


def test_a_part_that_their_own_other_one_passes_by_is_not_theirs(
    tmp_path: Path, small: str
) -> None:
    by_itself = CALLS_EMBED.replace("embed(ids, tokens, places)", "tokens[ids] + places[:0].sum()")
    parts = accepted(tmp_path, EMBED, by_itself)
    write_with(parts, small, "Mina had", 0)
    assert parts.theirs == ["6.2"]
    assert "yours is right, but your own 6.2 does not call it" in parts.lines()[1]


def test_parts_are_tried_together_and_one_by_one_only_where_that_fails(
    tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def noted(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for message in at_once(order):
            begun.append(message.get("begin", ""))
            yield message

    monkeypatch.setattr(assemble, "messages", noted)
    chapters = answered(tmp_path, EMBED, CALLS_EMBED)
    assert gather(chapters, small).theirs == ["6.1", "6.2"]
    assert [each for each in begun if each.startswith("fit")] == ["fit all"]

    def dies(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for message in at_once(order):
            yield message
            if message.get("begin") == "fit all":
                return

    monkeypatch.setattr(assemble, "messages", dies)
    assert gather(chapters, small).theirs == ["6.1", "6.2"]


def breaks_late(folder: Path, small: str, late: str) -> str:
    """What is said of a draw that does that at its tenth call, while the text is written."""
    parts = accepted(folder, EMBED, CALLS_EMBED, DRAW.format(late=late))
    (text,) = write_with(parts, small, "Mina had", 0)
    assert text.startswith("Mina had ")
    assert len(text.split()) > 12
    assert parts.theirs == ["6.1", "6.2"]
    assert "❌ 8.5 drawing a token: the course's; yours fails" in "\n".join(parts.lines())
    return parts.misfits["8.5"]


def test_a_part_that_breaks_late_is_named_and_the_text_is_written(
    tmp_path: Path, small: str
) -> None:
    said = breaks_late(tmp_path, small, "raise RuntimeError('enough')")
    assert said == "fails while it writes, after 9 tokens: RuntimeError: enough"


@pytest.mark.slow
@pytest.mark.usefixtures("processes")
def test_a_part_that_ends_the_process_or_hangs_late_is_named(
    tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "PATIENCE", 8.0)
    said = breaks_late(tmp_path, small, "import os; os._exit(3)")
    assert said.endswith("after 9 tokens: it ends the program")
    (tmp_path / "again").mkdir()
    endless = """
        while True:
            try:
                while True: __import__("time").sleep(0.05)
            except BaseException: pass"""
    said = breaks_late(tmp_path / "again", small, endless)
    assert said.endswith("after 9 tokens: it never ends")


def test_the_part_that_breaks_is_named_and_not_the_one_that_meets_it(
    tmp_path: Path, small: str
) -> None:
    broken = EMBED.replace("    return", "    if ids.shape[1] > 20: return None\n    return")
    parts = accepted(tmp_path, broken, CALLS_EMBED)
    write_with(parts, small, "Mina had", 0)
    assert list(parts.misfits) == ["6.1"]
    assert parts.theirs == ["6.2"]


def test_progress_is_told_token_by_token(tmp_path: Path, small: str) -> None:
    said: list[str] = []
    write_with(accepted(tmp_path), small, "Mina had", 0, said.append)
    assert "Writing: 12 tokens …" in said


def test_the_greedy_step_has_its_turn(tmp_path: Path, small: str) -> None:
    greedy = "def greedy(logits): return logits[0, -1].argmax()\ngreedy = check('8.1', greedy)"
    parts = accepted(tmp_path, greedy)
    _, likeliest = write_with(parts, small, "Mina had", 0)
    assert parts.theirs == ["8.1"]
    assert "Without dice" in likeliest


def test_what_departs_is_said_with_its_input(tmp_path: Path, small: str) -> None:
    parts = gather(answered(tmp_path, EMBED, LOOP), small)
    if parts.verdicts["8.6"][0] == RIGHT:  # else the check knows of it, and it does not come so far
        assert "after an empty text it writes nothing" in parts.misfits["8.6"]
        assert parts.theirs == ["6.1"]


def test_a_right_part_of_another_kind_is_handed_on_as_check_does(
    tmp_path: Path, small: str
) -> None:
    double = EMBED.replace("tokens[ids]", "tokens[ids].double()")
    parts = gather(answered(tmp_path, double, CALLS_EMBED), small)
    write_with(parts, small, "Mina had", 0)
    assert parts.theirs == ["6.1", "6.2"]
    assert 'embed = as_checked("6.1", embed)' in program(parts)
    assert "import as_checked, course_part, main" in program(parts)


def test_the_part_that_spoils_another_is_named_and_not_the_other(
    tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if what comes back were not turned into the course's kind."""
    monkeypatch.setattr(child, "as_checked", lambda id, answer: answer)
    double = EMBED.replace("tokens[ids]", "tokens[ids].double()")
    parts = gather(answered(tmp_path, double, CALLS_EMBED), small)
    assert parts.theirs == ["6.2"]
    assert parts.misfits["6.1"].startswith("does not fit in: with it, 6.2 raised: ")
