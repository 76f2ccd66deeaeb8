"""A model of today's build, and SmolLM2's frame, on a learner's own parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiktoken
import torch

from utils.course.assembling import assemble, child, fitting
from utils.course.assembling.assemble import gather, program, write_with
from utils.course.assembling.assembled import prompt_ids, told, write
from utils.course.assembling.places import course_part, is_framed, places
from utils.data.texts.models import TextModel, open_model
from utils.data.texts.real_models import kept_model
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import train_bpe

NORM = """
def rms_norm(x, weight, eps):
    return weight * x / (x.square().mean(-1, keepdim=True) + eps) ** 0.5
rms_norm = check("11.1", rms_norm)
"""
TURN = """
def angles(width, positions, base):
    return positions[:, None] * base ** (-torch.arange(0, width, 2) / width)
def rotate(x, positions, base):
    turn = angles(x.shape[-1], positions, base)
    a, b = x[..., 0::2], x[..., 1::2]
    pairs = a * turn.cos() - b * turn.sin(), a * turn.sin() + b * turn.cos()
    return torch.stack(pairs, dim=-1).flatten(-2)
rotate = check("11.2", rotate)
"""
GATE = """
def swiglu(x, w_gate, w_up, w_down):
    return ((x @ w_gate.T).sigmoid() * (x @ w_up.T)) @ w_down.T
swiglu = check("11.3", swiglu)
"""
GROUPS = """
def grouped_attention(q, k, v):
    n, before = q.shape[1] // k.shape[1], k.shape[2] - q.shape[2]
    k, v = k.repeat_interleave(n, dim=1), v.repeat_interleave(n, dim=1)
    {late}
    seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(before)
    scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, -torch.inf)
    return scores.softmax(-1) @ v
grouped_attention = check("11.4", grouped_attention)
"""
MAPPING = """
NAMES = {"norm_1": "attn_norm", "norm_2": "ffn_norm", "attention.out": "attn_output"}
def our_weights(tensors, n_layers):
    found = {"token_embedding": "token_embd", "final_norm": "output_norm"}
    for i in range(n_layers):
        found |= {f"blocks.{i}.{ours}": f"blk.{i}.{theirs}" for ours, theirs in NAMES.items()}
        for part in ("gate", "up", "down"):
            found[f"blocks.{i}.feed_forward.{part}"] = f"blk.{i}.ffn_{part}"
    ours = {f"{o}.weight": tensors[f"{t}.weight"] for o, t in found.items()}
    for i in range(n_layers):
        parts = [tensors[f"blk.{i}.attn_{x}.weight"] for x in "qkv"]
        ours[f"blocks.{i}.attention.qkv.weight"] = torch.cat(parts)
    return ours | {"head.weight": tensors.get("output.weight", tensors["token_embd.weight"])}
our_weights = check("11.6", our_weights)
"""
PROMPT = """
DEFAULT = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
def chat_prompt(messages):
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": DEFAULT}, *messages]
    turns = [f"<|im_start|>{m['role']}\\n{m['content']}<|im_end|>\\n" for m in messages]
    return "".join(turns) + "<|im_start|>assistant\\n"
chat_prompt = check("11.7", chat_prompt)
"""
APPEND = """
from dataclasses import dataclass
@dataclass
class Cache:
    keys: torch.Tensor
    values: torch.Tensor
    length: int = 0
def append(cache: Cache, k, v):
    end = cache.length + k.shape[2]
    if end > cache.keys.shape[2]:
        raise ValueError("full")
    cache.keys[:, :, cache.length : end] = k
    cache.values[:, :, cache.length : end] = v
    cache.length = end
    return cache.keys[:, :, :end], cache.values[:, :, :end]
append = check("8.8", append)
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A model of today's build, of one layer and untrained, that reads stories."""
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    config = replace(open_model("stories-modern").model.config, n_layers=1, context_length=32)
    GPT(config).save(path, tokenizer="stories")
    return str(path)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a child process would do is done in this one."""

    def at_once(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        child.carry_out(json.loads(json.dumps(order)), lambda **each: messages.append(each))
        yield from messages

    monkeypatch.setattr(assemble, "messages", at_once)


def answered(folder: Path, *cells: str) -> Path:
    (folder / "chapters").mkdir()
    sources = ["import torch", *cells]
    made = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}
    (folder / "chapters" / "11_x.ipynb").write_text(json.dumps(content), encoding="utf-8")
    return folder / "chapters"


def test_what_is_right_runs_and_what_is_wrong_does_not(tmp_path: Path, small: str) -> None:
    cells = (NORM, TURN, GATE, GROUPS.format(late=""), MAPPING, PROMPT, APPEND)
    parts = gather(answered(tmp_path, *cells), small)
    text, *_ = write_with(parts, small, "Mina had", 0)
    assert text.startswith("Mina had ")
    assert parts.theirs == ["8.8", "11.1", "11.2", "11.4", "11.6"]
    said = "\n".join(parts.lines())
    assert "5 of 16 parts are yours:" in said
    assert "❌ 11.3 SwiGLU: the course's; yours is wrong" in said
    assert "11.7" not in said  # it tells stories, and has no frame of a conversation
    made = program(parts, small)
    assert "def angles(" in made
    assert '"11.3": course_part("11.3"),  # SwiGLU' in made
    assert f"main(PARTS, {small!r})" in made


def test_what_breaks_late_is_named_and_the_story_goes_on(tmp_path: Path, small: str) -> None:
    late = "if k.shape[2] == 21: raise RuntimeError('no more')"
    parts = gather(answered(tmp_path, NORM, GROUPS.format(late=late)), small)
    (text,) = write_with(parts, small, "Mina had", 0)
    assert len(text.split()) > 20
    assert parts.theirs == ["11.1"]
    assert "RuntimeError: no more" in parts.misfits["11.4"]


def test_what_departs_only_behind_a_cache_does_not_fit_in(tmp_path: Path, small: str) -> None:
    """Right for every probe of the check, and not where a long text goes on by a token."""
    late = "before -= q.shape[2] == 1 and k.shape[2] > 20"
    cells = GROUPS.format(late=late), APPEND
    parts = gather(answered(tmp_path, *cells), small)
    assert parts.verdicts["11.4"][0] == "right"
    assert parts.theirs == ["8.8"]
    assert "the logits depart, first after token 21" in parts.misfits["11.4"]


def framed_model() -> TextModel:
    """A model of today's build with SmolLM2's frame of a conversation."""
    torch.manual_seed(0)
    plain = train_bpe("", 257)
    marks = {"<|im_start|>": 257, "<|im_end|>": 258}
    encoding = tiktoken.Encoding(
        "framed",
        pat_str=plain._pat_str,
        mergeable_ranks=plain._mergeable_ranks,
        special_tokens=plain._special_tokens | marks,
    )
    config = {"norm": "rmsnorm", "positions": "rotary", "activation": "swiglu", "bias": False}
    model = GPT(GPTConfig(259, 256, 1, 2, 8, n_kv_heads=1, **config)).eval()

    def encode(messages: Any) -> list[int]:
        return encoding.encode(course_part("11.7")(messages), allowed_special="all")

    class Marks:
        template = "a frame"

    return replace(
        open_model("stories-modern"),
        model=model,
        encoding=encoding,
        encode=encoding.encode_ordinary,
        encode_chat=encode,
        decode=lambda ids: encoding.decode([i for i in ids if i < 256]),
        marks=Marks(),
        stop_ids=(258,),
    )


def test_a_question_is_framed_by_the_readers_template() -> None:
    opened = framed_model()
    assert is_framed(opened)
    assert places(opened)[-1] == "11.7"
    ids = prompt_ids(opened, {}, "Hi")
    assert ids[0] == 257
    assert ids == opened.encode_chat([{"role": "user", "content": "Hi"}])
    assert told(opened, "Hi", [72, 258]) == "Hi\n\nH"
    closed = {"11.7": lambda messages: course_part("11.7")(messages) + "\n"}
    assert "it frames a question in" in fitting.departure(opened, closed)
    assert fitting.departure(opened, {}) == ""


def test_without_the_real_model_a_small_one_takes_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(assemble, "kept_model", lambda name: None)
    assert assemble._at_hand("smollm2") == "stories-modern"
    assert "`course fetch smollm2` brings it" in capsys.readouterr().out
    assert assemble._at_hand("stories") == "stories"


@pytest.mark.slow
@pytest.mark.skipif(kept_model("smollm2") is None, reason="`course fetch smollm2` was not run")
def test_the_real_model_runs_on_the_courses_parts() -> None:
    opened = open_model("smollm2")
    assert is_framed(opened)
    assert fitting.departure(opened, {}) == ""
    question = "What is the capital of France?"
    written = write(opened, {}, question, 16, temperature=0)
    assert told(opened, question, written).endswith("The capital of France is Paris.")
