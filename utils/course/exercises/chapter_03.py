"""The exercises of chapter 03, Attention is kernel smoothing."""

from __future__ import annotations

from utils.course.exercise import Exercise
from utils.course.exercises.chapter_03_attention import ONE_QUERY, SCORE_VARIANCES
from utils.course.exercises.chapter_03_dictionary import SOFT_DICTIONARY
from utils.course.exercises.chapter_03_smoothing import KERNEL_WEIGHTS, SMOOTHER, SOFTMAX

EXERCISES: list[Exercise] = [
    KERNEL_WEIGHTS,
    SMOOTHER,
    SOFTMAX,
    SCORE_VARIANCES,
    ONE_QUERY,
    SOFT_DICTIONARY,
]
