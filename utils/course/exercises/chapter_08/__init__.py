"""The exercises of chapter 08, The sampler."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_08.beams import BEAM_STEP
from utils.course.exercises.chapter_08.cache import APPEND
from utils.course.exercises.chapter_08.cached import CACHED
from utils.course.exercises.chapter_08.darts import THROW
from utils.course.exercises.chapter_08.filters import TOP_K
from utils.course.exercises.chapter_08.greedy import GREEDY
from utils.course.exercises.chapter_08.heat import HEAT
from utils.course.exercises.chapter_08.loop import WRITE
from utils.course.exercises.chapter_08.min_p import MIN_P
from utils.course.exercises.chapter_08.nucleus import NUCLEUS

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
    CACHED,
]
