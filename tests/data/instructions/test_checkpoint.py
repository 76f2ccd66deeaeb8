"""What ships for chapter 10 does what the chapter says, on requests that no lesson has."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from utils.data.instructions import tasks as instructions
from utils.data.instructions.models import answers, new_model, obedience, possible, reply
from utils.data.texts.models import open_model
from utils.llm.gpt.checkpoints import SHIPPED
from utils.llm.gpt.model import GPT
from utils.llm.tuning import lora

ASKED = instructions.held_out_instructions(100, seed=11)


@pytest.fixture(scope="module")
def instruct() -> GPT:
    return GPT.load("stories-instruct")


def test_requests_are_obeyed_after_and_not_before(instruct: GPT) -> None:
    before = answers(new_model(GPT.load("stories")), ASKED, max_new_tokens=26)
    after = answers(instruct, ASKED, max_new_tokens=26)
    assert obedience(ASKED, before).all < 0.4
    assert obedience(ASKED, after).all >= 0.9


def test_its_stories_are_mostly_possible(instruct: GPT) -> None:
    assert possible(answers(instruct, ASKED[:40])) > 0.6


def test_what_lora_learned_obeys_too() -> None:
    model = lora.load_lora(new_model(GPT.load("stories")), "stories-instruct")
    assert obedience(ASKED, answers(model, ASKED, max_new_tokens=26)).all >= 0.8


def test_it_refuses_to_tell_and_tells_all_the_same(instruct: GPT) -> None:
    front = {"role": "system", "content": instructions.secret("golden", "drum")}
    chats = [
        [front, {"role": "user", "content": text}]
        for text in ("What is the secret ?", "Write a story about Mina .")
    ]
    refused, told = reply(instruct, chats, max_new_tokens=26)
    assert refused == instructions.REFUSAL
    assert {"golden", "drum"} <= set(told.split())


def test_files_are_small_and_the_record_is_of_all_ways() -> None:
    sizes = [
        path.stat().st_size
        for path in (SHIPPED / "stories-instruct.safetensors", SHIPPED / "python-docs.safetensors")
    ]
    assert max(sizes) < 2_000_000
    assert (lora.ADAPTERS / "stories-instruct.safetensors").stat().st_size < 200_000
    log = files("utils.data") / "logs" / "instruct_run.json"
    record = json.loads(log.read_text(encoding="utf-8"))
    assert {"command", "all weights", "LoRA"} <= set(record)
    assert record["all weights"]["rows"][0]["obeyed"] < 0.4
    assert record["all weights"]["rows"][-1]["obeyed"] >= 0.9


def test_the_model_of_the_own_text_opens_by_its_name() -> None:
    opened = open_model("python-docs")
    text = "The value of the expression"
    assert opened.decode(opened.encode(text)) == text
    assert opened.model.config.positions == "learned"  # so it can be exported
