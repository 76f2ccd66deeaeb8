"""The exercises of chapter 09, Thinking out loud."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_09.advantages import GROUP_ADVANTAGES
from utils.course.exercises.chapter_09.best import BEST_OF_N
from utils.course.exercises.chapter_09.measuring import VOTES_NEEDED
from utils.course.exercises.chapter_09.parsing import PARSE_ANSWER
from utils.course.exercises.chapter_09.passing import PASS_AT_K
from utils.course.exercises.chapter_09.policy import POLICY_LOSS
from utils.course.exercises.chapter_09.scratchpad import SCRATCHPAD
from utils.course.exercises.chapter_09.votes import MAJ_AT_K, MAJORITY_VOTE

EXERCISES: list[Exercise] = [
    SCRATCHPAD,
    PARSE_ANSWER,
    MAJORITY_VOTE,
    MAJ_AT_K,
    PASS_AT_K,
    BEST_OF_N,
    GROUP_ADVANTAGES,
    POLICY_LOSS,
    VOTES_NEEDED,
]
