"""The exercises of chapter 07, Training."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_07.accumulate import ACCUMULATE
from utils.course.exercises.chapter_07.adamw import ADAMW
from utils.course.exercises.chapter_07.clip import CLIP
from utils.course.exercises.chapter_07.loss import SHIFTED_LOSS
from utils.course.exercises.chapter_07.perplexity import PERPLEXITY
from utils.course.exercises.chapter_07.schedule import LEARNING_RATE
from utils.course.exercises.chapter_07.stopping import FIT
from utils.course.exercises.chapter_07.sweep import BEST_RATE

EXERCISES: list[Exercise] = [
    SHIFTED_LOSS,
    LEARNING_RATE,
    CLIP,
    ADAMW,
    ACCUMULATE,
    PERPLEXITY,
    FIT,
    BEST_RATE,
]
