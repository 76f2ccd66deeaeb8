"""The exercises of chapter 06, A whole GPT."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_06.company import COMPANY
from utils.course.exercises.chapter_06.counts import COUNT
from utils.course.exercises.chapter_06.embed import EMBED
from utils.course.exercises.chapter_06.flops import FLOPS
from utils.course.exercises.chapter_06.forward import FORWARD
from utils.course.exercises.chapter_06.loss import FIRST_LOSS
from utils.course.exercises.chapter_06.start import INITIALISE

EXERCISES: list[Exercise] = [EMBED, FORWARD, INITIALISE, COUNT, FLOPS, FIRST_LOSS, COMPANY]
