"""The exercises of chapter 04, Self-attention."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_04.heads import THROUGH_HEADS
from utils.course.exercises.chapter_04.leak import MENDED_ATTENTION
from utils.course.exercises.chapter_04.linear import LINEAR_ATTENTION
from utils.course.exercises.chapter_04.masks import CAUSAL_MASK, PADDING_MASK
from utils.course.exercises.chapter_04.matrix import SELF_ATTENTION
from utils.course.exercises.chapter_04.multi_head import MULTI_HEAD
from utils.course.exercises.chapter_04.rotary import ROTATE

EXERCISES: list[Exercise] = [
    SELF_ATTENTION,
    CAUSAL_MASK,
    PADDING_MASK,
    THROUGH_HEADS,
    MULTI_HEAD,
    MENDED_ATTENTION,
    ROTATE,
    LINEAR_ATTENTION,
]
