"""Teach the story model to follow instructions, in two ways, and keep what came of it.

python -m utils.data.instructions.make_checkpoint [way ...] [--base stories] [--out FOLDER]

It writes checkpoints/stories-instruct.safetensors (all weights trained), adapters/
stories-instruct.safetensors (LoRA, for the same wider model), and logs/instruct_run.json, the
record that chapter 10 draws. Some ten minutes on one quiet thread of a laptop.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from utils.data.instructions.models import OPENING, answers, new_model, obedience, possible
from utils.data.instructions.tasks import held_out_instructions, lessons
from utils.llm.gpt.checkpoints import SHIPPED
from utils.llm.gpt.model import GPT
from utils.llm.tuning.answers import train_on_answers
from utils.llm.tuning.lora import add_lora, save_lora, trainable, training_bytes

BATCH, EVERY = 32, 25
RANK, ALPHA = 8, 16.0
WAYS: dict[str, dict[str, Any]] = {
    "all weights": {"steps": 300, "learning_rate": 2e-3},
    "LoRA": {"steps": 250, "learning_rate": 6e-3},
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


def run(base: GPT, way: str) -> tuple[GPT, dict[str, Any]]:
    """A model trained in one of the WAYS, and the record of it."""
    settings = WAYS[way]
    steps = settings["steps"]
    ids, mask = lessons(steps * BATCH)
    model = new_model(base)
    if way == "LoRA":
        add_lora(model, RANK, ALPHA, seed=0)
    record: dict[str, Any] = {"learns": trainable(model), "bytes": training_bytes(model)}
    record["rows"] = [judge(model, 0, whole=False)]

    def look(done: int) -> None:
        record["rows"].append(judge(model, done, whole=done == steps))
        print(way, record["rows"][-1], flush=True)

    history = train_on_answers(
        model, ids, mask, batch_size=BATCH, evaluate_every=EVERY, watch=look, **settings
    )
    record["losses"] = [round(loss, 3) for loss in history.losses[::10]]
    return model, record


def main() -> None:
    """Train in all ways and write models and record."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--base", default="stories", help="a shipped model's name, or a file")
    options.add_argument("--out", type=Path, default=SHIPPED.parent)
    options.add_argument("ways", nargs="*", help=f"some of {', '.join(WAYS)}; else all")
    given = options.parse_args()
    base = GPT.load(given.base)
    log = given.out / "logs" / "instruct_run.json"
    record: dict[str, Any] = {"command": "python -m utils.data.instructions.make_checkpoint"}
    if given.ways and log.is_file():
        record = json.loads(log.read_text(encoding="utf-8"))
    for way in given.ways or WAYS:
        model, record[way] = run(base, way)
        if way == "LoRA":
            path = given.out / "adapters" / "stories-instruct.safetensors"
            save_lora(model, path, dtype=torch.float16)
        elif way == "all weights":
            path = given.out / "checkpoints" / "stories-instruct.safetensors"
            model.save(path, dtype=torch.float16)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
