"""The exercises of chapter 11, A real one."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_11.cache import CACHE_BYTES
from utils.course.exercises.chapter_11.four_bits import FOUR_BITS
from utils.course.exercises.chapter_11.grouped import GROUPED
from utils.course.exercises.chapter_11.mapping import MAPPING
from utils.course.exercises.chapter_11.norm import RMS_NORM
from utils.course.exercises.chapter_11.rotary import ROTARY
from utils.course.exercises.chapter_11.swiglu import SWIGLU
from utils.course.exercises.chapter_11.template import TEMPLATE

EXERCISES: list[Exercise] = [
    RMS_NORM,
    ROTARY,
    SWIGLU,
    GROUPED,
    FOUR_BITS,
    MAPPING,
    TEMPLATE,
    CACHE_BYTES,
]
