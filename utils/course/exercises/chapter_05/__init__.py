"""The exercises of chapter 05, The transformer block."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_05.block import PRE_NORM_BLOCK
from utils.course.exercises.chapter_05.count import BLOCK_PARAMETERS
from utils.course.exercises.chapter_05.feed_forward import FEED_FORWARD
from utils.course.exercises.chapter_05.gelu import GELU
from utils.course.exercises.chapter_05.module import OWN_BLOCK
from utils.course.exercises.chapter_05.norm import LAYER_NORM

EXERCISES: list[Exercise] = [
    LAYER_NORM,
    GELU,
    FEED_FORWARD,
    PRE_NORM_BLOCK,
    BLOCK_PARAMETERS,
    OWN_BLOCK,
]
