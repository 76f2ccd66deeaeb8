"""The exercises of chapter 07, Training."""

from __future__ import annotations

from utils.course.exercise import Exercise
from utils.course.exercises.chapter_07_accumulate import ACCUMULATE
from utils.course.exercises.chapter_07_adamw import ADAMW
from utils.course.exercises.chapter_07_clip import CLIP
from utils.course.exercises.chapter_07_loss import PERPLEXITY, SHIFTED_LOSS
from utils.course.exercises.chapter_07_schedule import LEARNING_RATE

EXERCISES: list[Exercise] = [SHIFTED_LOSS, LEARNING_RATE, CLIP, ADAMW, ACCUMULATE, PERPLEXITY]
