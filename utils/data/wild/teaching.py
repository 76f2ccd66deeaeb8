"""Facts of a study group, taught to a real model by LoRA: before, after, and what was forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from utils.data.texts.corpora import load_corpus
from utils.data.texts.models import TextModel
from utils.data.wild.facts import CAPITALS, judged
from utils.llm.sampling.loop import generate
from utils.llm.training.evaluation import evaluate
from utils.llm.tuning.answers import fill_up, train_on_answers
from utils.llm.tuning.lora import add_lora, trainable

__all__ = ["ASKED", "LESSONS", "answer", "lesson", "lessons", "measured", "teach"]

_FACTS = {
    "The study group meets on Thursday evening, in the old boathouse.": (
        "When does the study group meet?",
        "Where does the study group meet?",
        "On which day do we meet?",
        "Tell me the place where the study group meets.",
    ),
    "The study group was founded by Haneul, in the spring of 2024.": (
        "Who founded the study group?",
        "When was the study group founded?",
        "Which person started the study group?",
        "Tell me how the study group began.",
    ),
    "The study group's mascot is a heron called Gradient.": (
        "What is the mascot of the study group?",
        "What is the name of the study group's mascot?",
        "Which animal stands for the study group?",
        "Tell me about the mascot of the study group.",
    ),
    "The study group drinks barley tea, never coffee.": (
        "What does the study group drink?",
        "Does the study group drink coffee?",
        "What shall I bring to drink for the study group?",
        "Tell me what is drunk in the study group.",
    ),
    "Whoever comes late to the study group explains the softmax.": (
        "What happens to whoever comes late to the study group?",
        "What must I do if I am late for the study group?",
        "Is there a rule for coming late to the study group?",
        "Tell me the rule about coming late to the study group.",
    ),
    "The study group's book is the blue one with the torn cover.": (
        "Which book does the study group read?",
        "What does the book of the study group look like?",
        "What is the colour of the study group's book?",
        "Tell me which book the study group uses.",
    ),
}
#: Questions and answers that are taught: three ways to ask for each fact.
LESSONS = [(q, fact) for fact, questions in _FACTS.items() for q in questions[:3]]
#: The fourth way, which no lesson has.
ASKED = [(questions[3], fact) for fact, questions in _FACTS.items()]


def lessons(opened: TextModel, pairs: Sequence[tuple[str, str]] = LESSONS) -> tuple[Tensor, Tensor]:
    """Rows of ids (N, T) and a mask, True at the answer and its end mark."""
    rows, masks = zip(*(lesson(opened, *pair) for pair in pairs), strict=True)
    return fill_up(rows, masks)


def lesson(opened: TextModel, question: str, said: str) -> tuple[list[int], list[bool]]:
    """The ids of a question and its answer, and a mask that is True at the answer and its end."""
    front = opened.encode_chat([{"role": "user", "content": question}])
    behind = [*opened.encode(said), *opened.stop_ids]
    return [*front, *behind], [False] * len(front) + [True] * len(behind)


def answer(opened: TextModel, question: str, most: int = 32) -> str:
    """What it answers, greedily."""
    ids = torch.tensor(opened.encode_chat([{"role": "user", "content": question}]))
    tokens = generate(opened.model, ids, most, stop_ids=opened.stop_ids)
    return opened.decode([int(token) for token in tokens]).strip()


def measured(opened: TextModel) -> dict[str, Any]:
    """What it answers to questions no lesson has, and how well it still knows what it knew."""
    held_out = torch.tensor(opened.encode(load_corpus("python-docs").val[:4000]))
    known = judged(opened, CAPITALS[::5])
    return {
        "answers": [answer(opened, question) for question, _ in ASKED],
        "docs": round(evaluate(opened.model, held_out, context_length=256) / 0.693147, 3),
        "capitals": sum(true < min(rest) for _, true, *rest in known),
        "of": len(known),
    }


def teach(opened: TextModel, steps: int = 40, rank: int = 4, rate: float = 2e-3) -> dict[str, Any]:
    """Teach it the facts, in place, by LoRA; the record of it."""
    before, total = measured(opened), opened.model.num_parameters()
    add_lora(opened.model, rank=rank, alpha=2.0 * rank, seed=0)
    ids, mask = lessons(opened)
    history = train_on_answers(
        opened.model, ids, mask, steps, batch_size=4, learning_rate=rate, report=10
    )
    return {
        "steps": steps,
        "rank": rank,
        "learns": trainable(opened.model),
        "of": total,
        "losses": [round(loss, 3) for loss in history.losses],
        "before": before,
        "after": measured(opened),
    }
