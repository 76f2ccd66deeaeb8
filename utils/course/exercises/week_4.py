"""Week 4: the exercises of chapters 07 and 08."""

from utils.course.exercises import chapter_07, chapter_08

EXERCISES = [*chapter_07.EXERCISES, *chapter_08.EXERCISES]
