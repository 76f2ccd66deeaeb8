"""Week 1: the exercises of chapters 00, 01 and 02."""

from utils.course.exercises import chapter_00, chapter_01, chapter_02

EXERCISES = [*chapter_00.EXERCISES, *chapter_01.EXERCISES, *chapter_02.EXERCISES]
