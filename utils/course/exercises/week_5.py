"""Week 5: the exercises of chapter 09."""

from utils.course.exercises import chapter_09

EXERCISES = [*chapter_09.EXERCISES]
