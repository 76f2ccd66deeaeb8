"""The exercise of chapter 00, Start here."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_00.first import LIKELIEST_NEXT

EXERCISES: list[Exercise] = [LIKELIEST_NEXT]
