"""Make the adapter `study-group`: SmolLM2 taught a study group's facts, and held to what it knew.

    python -m utils.data.wild.make_adapter [--steps 120]

What `teaching.teach` does in a minute costs the model other things it knew. This takes longer: a
lower rate, more steps, and among the lessons rows of what shall be kept: the model's own answers
to other questions, capitals, and Python's documentation. The model must be here (`course fetch
smollm2`). The adapter and a record of what came of it are written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

import torch
from torch import Tensor

from utils.data.texts.corpora import load_corpus
from utils.data.texts.models import TextModel, open_model
from utils.data.wild.facts import CAPITALS
from utils.data.wild.record import REAL
from utils.data.wild.teaching import LESSONS, answer, lesson, measured
from utils.llm.gpt.checkpoints import SHIPPED
from utils.llm.tuning.answers import fill_up, train_on_answers
from utils.llm.tuning.lora import ADAPTERS, add_lora, fingerprint, save_lora, trainable

NAME = "study-group"
LOG = SHIPPED.parent / "logs" / "study_group.json"
RANK, RATE, BATCH = 2, 1e-3, 6
TIMES = 3  # each lesson among the rows
DOCS, LENGTH = 12, 56  # rows of documentation, tokens of each
QUESTIONS = (
    "What is a river?",
    "Who wrote Hamlet?",
    "What is the boiling point of water?",
    "How do I sort a list in Python?",
    "What do bees make?",
    "Write a sentence about the sea.",
    "What is the largest planet?",
    "How many days has a week?",
    "What is a novel?",
    "Why is the sky blue?",
    "Give me a recipe with rice.",
    "Who are you?",
)
Row = tuple[list[int], list[bool]]  # ids, and True at what is learned


def kept(opened: TextModel) -> Iterator[Row]:
    """What shall stay as it is: the model's own answers, some capitals, some documentation."""
    for question in QUESTIONS:
        ids, learned = lesson(opened, question, answer(opened, question, most=24))
        ends = len(opened.stop_ids)  # the answers are cut off, and shall not learn to be short
        yield ids[:-ends], learned[:-ends]
    docs = opened.encode(load_corpus("python-docs").train[:200_000])
    step = (len(docs) - LENGTH) // DOCS
    texts = [docs[at : at + LENGTH] for at in range(0, DOCS * step, step)]
    for country, capital, _ in CAPITALS[1::5]:  # others than those that are asked for
        texts.append(opened.encode(f"The capital of {country} is {capital}."))
    for ids in texts:
        yield list(ids), [False] + [True] * (len(ids) - 1)


def rows(opened: TextModel) -> tuple[Tensor, Tensor]:
    """The lessons and what shall be kept: ids (N, T), a mask that is True at what is learned."""
    lessons = (lesson(opened, *pair) for pair in LESSONS * TIMES)
    return fill_up(*zip(*lessons, *kept(opened), strict=True))


def main() -> None:
    """Train it, write it and the record."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=120)
    steps = options.parse_args().steps
    opened, path = open_model(REAL), ADAPTERS / f"{NAME}.safetensors"
    base, before = fingerprint(opened.model), measured(opened)
    ids, mask = rows(opened)
    add_lora(opened.model, RANK, 2.0 * RANK, seed=0)
    history = train_on_answers(
        opened.model, ids, mask, steps, batch_size=BATCH, learning_rate=RATE, report=5
    )
    save_lora(opened.model, path, torch.float16, base)
    record = {
        "rows": len(ids),
        "learns": trainable(opened.model),
        "losses": [round(loss, 3) for loss in history.losses],
        "before": before,
        "after": measured(opened),
    }
    LOG.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{path.stat().st_size:,} bytes: {path}")


if __name__ == "__main__":
    main()
