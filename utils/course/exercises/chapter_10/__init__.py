"""The exercises of chapter 10, Your own local LLM."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_10.answers import ANSWER_LOSS, FRAME
from utils.course.exercises.chapter_10.hf import FROM_HF
from utils.course.exercises.chapter_10.lora import LORA, MERGE
from utils.course.exercises.chapter_10.soft import NEAREST, PREPEND

EXERCISES: list[Exercise] = [ANSWER_LOSS, FRAME, LORA, MERGE, PREPEND, NEAREST, FROM_HF]
