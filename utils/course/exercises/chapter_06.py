"""The exercises of chapter 06, A whole GPT."""

from __future__ import annotations

from utils.course.exercise import Exercise
from utils.course.exercises.chapter_06_counts import COUNT, FLOPS
from utils.course.exercises.chapter_06_forward import EMBED, FORWARD
from utils.course.exercises.chapter_06_loss import FIRST_LOSS
from utils.course.exercises.chapter_06_start import INITIALISE

EXERCISES: list[Exercise] = [EMBED, FORWARD, INITIALISE, COUNT, FLOPS, FIRST_LOSS]
