"""The exercises of chapter 10, Your own local LLM."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_10.answers import ANSWER_LOSS
from utils.course.exercises.chapter_10.fine_tuning import FINE_TUNE
from utils.course.exercises.chapter_10.framing import FRAME
from utils.course.exercises.chapter_10.hf import FROM_HF
from utils.course.exercises.chapter_10.looping import TEACH
from utils.course.exercises.chapter_10.lora import LORA
from utils.course.exercises.chapter_10.merging import MERGE
from utils.course.exercises.chapter_10.nearness import NEAREST
from utils.course.exercises.chapter_10.soft import PREPEND

EXERCISES: list[Exercise] = [
    ANSWER_LOSS,
    FRAME,
    LORA,
    MERGE,
    PREPEND,
    NEAREST,
    FROM_HF,
    TEACH,
    FINE_TUNE,
]
