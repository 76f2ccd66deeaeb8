"""The exercises of chapter 05, The transformer block."""

from __future__ import annotations

from utils.course.exercise import Exercise
from utils.course.exercises.chapter_05_block import DYNAMIC_TANH, PRE_NORM_BLOCK
from utils.course.exercises.chapter_05_count import BLOCK_PARAMETERS
from utils.course.exercises.chapter_05_layers import FEED_FORWARD, GELU, LAYER_NORM

EXERCISES: list[Exercise] = [
    LAYER_NORM,
    GELU,
    FEED_FORWARD,
    PRE_NORM_BLOCK,
    BLOCK_PARAMETERS,
    DYNAMIC_TANH,
]
