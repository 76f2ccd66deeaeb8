"""The exercises of chapter 02, Text, tokens, chances."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_02.bytes import UTF8_BYTES
from utils.course.exercises.chapter_02.chances import NGRAM_CHANCES
from utils.course.exercises.chapter_02.cutting import WINDOWS
from utils.course.exercises.chapter_02.doubling import DOUBLING
from utils.course.exercises.chapter_02.entropy import ENTROPY
from utils.course.exercises.chapter_02.step import BPE_STEP
from utils.course.exercises.chapter_02.tokens import COUNT_PAIRS, MERGE_A_PAIR

EXERCISES: list[Exercise] = [
    UTF8_BYTES,
    COUNT_PAIRS,
    MERGE_A_PAIR,
    BPE_STEP,
    NGRAM_CHANCES,
    ENTROPY,
    WINDOWS,
    DOUBLING,
]
