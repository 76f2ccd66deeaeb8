"""The exercises of chapter 08, The sampler."""

from __future__ import annotations

from utils.course.exercise import Exercise
from utils.course.exercises.chapter_08_beams import BEAM_STEP
from utils.course.exercises.chapter_08_cache import APPEND
from utils.course.exercises.chapter_08_filters import HEAT, TOP_K
from utils.course.exercises.chapter_08_loop import WRITE
from utils.course.exercises.chapter_08_min_p import MIN_P
from utils.course.exercises.chapter_08_nucleus import NUCLEUS
from utils.course.exercises.chapter_08_tokens import GREEDY, THROW

EXERCISES: list[Exercise] = [
    GREEDY,
    HEAT,
    TOP_K,
    NUCLEUS,
    THROW,
    WRITE,
    BEAM_STEP,
    APPEND,
    MIN_P,
]
