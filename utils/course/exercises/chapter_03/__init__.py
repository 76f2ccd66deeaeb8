"""The exercises of chapter 03, Attention is kernel smoothing."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_03.attention import ONE_QUERY
from utils.course.exercises.chapter_03.bandwidth import BEST_BANDWIDTH
from utils.course.exercises.chapter_03.dictionary import SOFT_DICTIONARY
from utils.course.exercises.chapter_03.scores import SCORE_VARIANCES
from utils.course.exercises.chapter_03.smoother import SMOOTHER
from utils.course.exercises.chapter_03.softmax import SOFTMAX
from utils.course.exercises.chapter_03.weights import KERNEL_WEIGHTS

EXERCISES: list[Exercise] = [
    KERNEL_WEIGHTS,
    SMOOTHER,
    BEST_BANDWIDTH,
    SOFTMAX,
    SCORE_VARIANCES,
    ONE_QUERY,
    SOFT_DICTIONARY,
]
