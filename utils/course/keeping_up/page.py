"""The page of a study group: plain HTML that stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from utils.course.grading.progress import Chapter
from utils.course.keeping_up.group import Learner, mistakes_met, stops
from utils.llm.machine.files import replacing

__all__ = ["page", "write_page"]

MARK = '<meta name="generator" content="course group">'
MOST_STOPS = 20


def page(learners: Sequence[Learner], names: bool = False) -> str:
    """Who is where, which exercises stop people, and which mistakes were met.

    Without `names` nobody is named, and those who are furthest stand first.
    """
    ordered = [*learners] if names else sorted(learners, key=lambda each: -each.solved)
    numbers = sorted({c.number: c for each in ordered for c in each.chapters}.items())
    rows = [
        {
            "name": each.name if names else f"Learner {i}",
            "at": each.at,
            "solved": each.solved,
            "cells": [_cell(each, number) for number, _ in numbers],
        }
        for i, each in enumerate(ordered, 1)
    ]
    template = (Path(__file__).parent / "group.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        rows=rows,
        chapters=[chapter for _, chapter in numbers],
        weeks=_weeks([chapter for _, chapter in numbers]),
        stops=stops(learners)[:MOST_STOPS],
        mistakes=mistakes_met(learners),
        unread=[
            (row["name"], c)
            for row, each in zip(rows, ordered, strict=True)
            for c in each.chapters
            if c.problem
        ],
        empty=[row["name"] for row, each in zip(rows, ordered, strict=True) if not each.chapters],
    )


def _cell(learner: Learner, number: int) -> dict[str, Any] | None:
    chapter = next((c for c in learner.chapters if c.number == number), None)
    if chapter is None or chapter.problem:
        return {"problem": chapter.problem} if chapter else None
    share = chapter.solved / len(chapter.said) if chapter.said else 1.0
    return {"solved": chapter.solved, "of": len(chapter.said), "share": round(100 * share)}


def _weeks(chapters: Sequence[Chapter]) -> list[tuple[str, int]]:
    """The weeks over the columns, with the number of columns of each."""
    weeks = [chapter.week for chapter in chapters]
    return [(f"Week {w}" if w else "Start", weeks.count(w)) for w in dict.fromkeys(weeks)]


def write_page(text: str, path: Path) -> None:
    """Write the page; ValueError where a file stands that is no such page."""
    if path.exists() and (not path.is_file() or MARK.encode() not in path.read_bytes()[:1000]):
        raise ValueError(f"{path} exists and is no page of `course group`: give another name")
    with replacing(path) as file:
        file.write(text.encode("utf-8", "replace"))
