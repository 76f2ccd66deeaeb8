"""Week 3: the exercises of chapters 05 and 06."""

from utils.course.exercises import chapter_05, chapter_06

EXERCISES = [*chapter_05.EXERCISES, *chapter_06.EXERCISES]
