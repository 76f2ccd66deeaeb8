"""Week 2: the exercises of chapters 03 and 04."""

from utils.course.exercises import chapter_03, chapter_04

EXERCISES = [*chapter_03.EXERCISES, *chapter_04.EXERCISES]
