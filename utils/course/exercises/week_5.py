"""Week 5: the exercises of chapters 09 and 10."""

from utils.course.exercises import chapter_09, chapter_10

EXERCISES = [*chapter_09.EXERCISES, *chapter_10.EXERCISES]
