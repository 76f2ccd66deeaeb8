"""The exercises of chapter 04, Self-attention."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_04.heads import MULTI_HEAD, THROUGH_HEADS
from utils.course.exercises.chapter_04.matrix import CAUSAL_MASK, PADDING_MASK, SELF_ATTENTION
from utils.course.exercises.chapter_04.positions import LINEAR_ATTENTION, ROTATE

EXERCISES: list[Exercise] = [
    SELF_ATTENTION,
    CAUSAL_MASK,
    PADDING_MASK,
    THROUGH_HEADS,
    MULTI_HEAD,
    ROTATE,
    LINEAR_ATTENTION,
]
