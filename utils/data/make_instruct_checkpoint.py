"""Teach the story model to follow instructions, in three ways, and keep what came of it.

python -m utils.data.make_instruct_checkpoint [--base stories] [--out FOLDER]

It writes checkpoints/stories-instruct.safetensors (all weights trained), adapters/
stories-instruct.safetensors (LoRA, for the same wider model), and logs/instruct_run.json, the
record that chapter 10 draws. Some twenty minutes on one quiet thread of a laptop.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from utils.data.instruct_models import OPENING, answers, new_model, obedience, possible
from utils.data.instructions import held_out_instructions, lessons
from utils.llm.checkpoints import SHIPPED
from utils.llm.finetuning import train_on_answers
from utils.llm.gpt import GPT
from utils.llm.lora import add_lora, save_lora, trainable, training_bytes

STEPS, BATCH, EVERY, LESSONS = 400, 32, 50, 13_000
RANK, ALPHA = 8, 16.0
WAYS = {
    "all weights": {"learning_rate": 2e-3},
    "LoRA": {"learning_rate": 5e-3},
    "all weights, openings only": {"learning_rate": 2e-3, "longest": 24},
}


def judge(model: nn.Module, steps: int, whole: bool) -> dict[str, Any]:
    """How many of 200 held-out instructions are obeyed; with `whole`, what the stories are worth.

    Without, answers are cut behind the opening, which tells all that is asked for.
    """
    asked = held_out_instructions(200)
    texts = answers(model, asked, **({} if whole else {"max_new_tokens": OPENING}))
    found = obedience(asked, texts)
    row: dict[str, Any] = {"step": steps, "obeyed": found.all, "facts": found.facts}
    return row | ({"possible": possible(texts)} if whole else {})


def run(base: GPT, way: str, steps: int) -> tuple[GPT, dict[str, Any]]:
    """A model trained in one of the WAYS, and the record of it."""
    settings = dict(WAYS[way])
    ids, mask = lessons(LESSONS, longest=settings.pop("longest", None))
    model = new_model(base)
    if way == "LoRA":
        add_lora(model, RANK, ALPHA, seed=0)
    record: dict[str, Any] = {"learns": trainable(model), "bytes": training_bytes(model)}
    record["rows"] = [judge(model, 0, whole=True)]

    def look(done: int) -> None:
        record["rows"].append(judge(model, done, whole=done == steps))
        print(way, record["rows"][-1], flush=True)

    history = train_on_answers(
        model, ids, mask, steps, batch_size=BATCH, evaluate_every=EVERY, watch=look, **settings
    )
    record["losses"] = [round(loss, 3) for loss in history.losses[::10]]
    return model, record


def main() -> None:
    """Train in all ways and write models and record."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--base", default="stories", help="a shipped model's name, or a file")
    options.add_argument("--out", type=Path, default=SHIPPED.parent)
    options.add_argument("--steps", type=int, default=STEPS)
    given = options.parse_args()
    base = GPT.load(given.base)
    record: dict[str, Any] = {"command": "python -m utils.data.make_instruct_checkpoint"}
    for way in WAYS:
        model, record[way] = run(base, way, given.steps)
        if way == "LoRA":
            path = given.out / "adapters" / "stories-instruct.safetensors"
            save_lora(model, path, dtype=torch.float16)
        elif way == "all weights":
            path = given.out / "checkpoints" / "stories-instruct.safetensors"
            model.save(path, dtype=torch.float16)
        log = given.out / "logs" / "instruct_run.json"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
