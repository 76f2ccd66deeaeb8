"""The exercises of chapter 09, Thinking out loud."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_09.thoughts import (
    BEST_OF_N,
    GROUP_ADVANTAGES,
    PARSE_ANSWER,
    SCRATCHPAD,
)
from utils.course.exercises.chapter_09.votes import MAJ_AT_K, MAJORITY_VOTE, PASS_AT_K

EXERCISES: list[Exercise] = [
    SCRATCHPAD,
    PARSE_ANSWER,
    MAJORITY_VOTE,
    MAJ_AT_K,
    PASS_AT_K,
    BEST_OF_N,
    GROUP_ADVANTAGES,
]
