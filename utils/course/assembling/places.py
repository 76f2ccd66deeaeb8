"""Which exercises a GPT put together from answers has a place for, and the course's own answers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from utils.course.checking.check import examine
from utils.course.checking.exercise import Exercise
from utils.data.texts.models import TextModel
from utils.llm.gpt.hf_llama import is_alike

__all__ = [
    "CALLED_BY",
    "PARTS",
    "Answer",
    "as_checked",
    "course_part",
    "exercise",
    "is_chat",
    "is_framed",
    "places",
]

Answer = Callable[..., Any]

#: For each exercise that a machine has a place for, what it does there.
PARTS: dict[str, str] = {
    "4.1": "attention",
    "4.2": "the causal mask",
    "4.4": "splitting into heads and merging them",
    "4.5": "multi-head attention",
    "4.6": "rotary positions",
    "5.1": "layer normalisation",
    "5.2": "GELU",
    "5.3": "the feed-forward layer",
    "5.4": "the block",
    "6.1": "tokens and places as vectors",
    "6.2": "the whole GPT",
    "8.1": "the greedy step",
    "8.2": "temperature",
    "8.3": "top-k",
    "8.4": "the nucleus, top-p",
    "8.5": "drawing a token",
    "8.6": "the loop that writes",
    "8.8": "the cache",
    "11.1": "RMSNorm",
    "11.2": "rotary positions, for any base",
    "11.3": "SwiGLU",
    "11.4": "attention of grouped queries",
    "11.6": "the mapping of the weights",
    "11.7": "the template of a conversation",
}
#: What attention is made of, by the positions of a model of GPT-2's build.
_ATTENTION = {"rotary": ("4.1", "4.4", "4.6"), "learned": ("4.5",), "none": ("4.5",)}
_GPT2 = ("4.2", "5.1", "5.2", "5.3")
_MODERN = ("4.4", "8.8", "11.1", "11.2", "11.3", "11.4", "11.6")
_BOTH = ("5.4", "6.1", "6.2", "8.1", "8.2", "8.3", "8.4", "8.5", "8.6")
#: The parts that have their place inside of another part.
CALLED_BY = {"5.2": "5.3", "6.1": "6.2"}
_HELLO = [{"role": "user", "content": "Hello"}]


def exercise(id: str) -> Exercise:
    """An exercise by its id, whether its chapter has been joined to the course yet or not."""
    chapter = import_module(f"utils.course.exercises.chapter_{int(id.split('.')[0]):02d}")
    return next(each for each in chapter.EXERCISES if each.id == id)


def course_part(id: str) -> Answer:
    """The course's own answer to an exercise."""
    return exercise(id).reference


def as_checked(id: str, answer: Answer) -> Answer:
    """A learner's answer as `check` hands it on: its results are of the kind of the course's."""
    return examine(exercise(id), answer).goes_on


def places(opened: TextModel) -> list[str]:
    """The exercises that such a model has a place for, in the order of the course."""
    config = opened.model.config
    if is_alike(config):
        inside = (*_MODERN, *(["11.7"] if is_framed(opened) else []))
    else:
        inside = (*_GPT2, *_ATTENTION[config.positions])
    return [id for id in PARTS if id in (*_BOTH, *inside)]


def is_chat(opened: TextModel) -> bool:
    """Whether it is a model that answers, in a frame that came with it."""
    return opened.marks is not None and opened.marks.template is not None


def is_framed(opened: TextModel) -> bool:
    """Whether its frame of a conversation is the one of exercise 11.7."""
    if not is_chat(opened):
        return False
    framed = course_part("11.7")(_HELLO)
    return opened.encoding.encode(framed, allowed_special="all") == opened.encode_chat(_HELLO)
