"""What a learner reads below an answer."""

from __future__ import annotations

from utils.course.checking import registry
from utils.course.checking.check import RIGHT, judge


def said(id: str, answer: object) -> str:
    """The diagnosis of the exercise's check, or the word "right"."""
    verdict = judge(registry.exercise(id), answer)
    return "right" if verdict.status == RIGHT else verdict.diagnosis
