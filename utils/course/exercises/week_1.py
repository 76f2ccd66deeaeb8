"""Week 1: the exercises of chapters 00, 01 and 02."""

from utils.course.exercises import chapter_02

EXERCISES = [*chapter_02.EXERCISES]
