"""What is solved so far as a table in a notebook, read anew when its button is pressed."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from utils.course.building.place import NothingToCheck, find_chapters
from utils.course.grading.progress import (
    MARKS,
    Chapter,
    minutes_left,
    read_course,
    summary,
)
from utils.viz.companion import Companion

__all__ = ["ProgressBox", "progress"]

UNRUN = (
    "What is solved stands here, chapter by chapter, once this notebook runs; "
    "in a terminal, `course progress` tells the same."
)
_STYLE = """<style>
.course-progress td, .course-progress th { padding: 2px 14px 2px 0; text-align: left; }
.course-progress td:nth-child(2) { white-space: nowrap; }
</style>"""


class ProgressBox:
    """The chapters of a folder by week, what their checks have said, and the minutes left.

    It reads the notebooks as they were last saved, and runs nothing. `folder` is by default that
    of the course's chapters.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = None if folder is None else Path(folder)
        self.table = widgets.HTML()
        self.button = widgets.Button(description="read them again")
        self.button.on_click(lambda _: self.read())
        self.widget = widgets.VBox([self.table, self.button, Companion()])
        self.widget.add_class("course-explorer")
        self.read()

    def read(self) -> None:
        """Read the notebooks as they lie on disk now."""
        try:
            chapters = read_course(self.folder or find_chapters())
        except NothingToCheck as error:
            self.table.value = f'<div role="status">{html.escape(str(error))}</div>'
            return
        self.table.value = _STYLE + _table(chapters)

    def __repr__(self) -> str:
        return UNRUN

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        view = self.widget._repr_mimebundle_()
        shown = {mime: value for mime, value in view.items() if "widget-view" in mime}
        return {**shown, "text/plain": UNRUN}


def progress(folder: Path | str | None = None) -> ProgressBox:
    """What is solved, by chapter and week, from the notebooks as they were last saved."""
    return ProgressBox(folder)


def _table(chapters: Sequence[Chapter]) -> str:
    rows = []
    for week, group in groupby(chapters, key=lambda chapter: chapter.week):
        of_week = list(group)
        rows += [_head(week, sum(chapter.minutes_left for chapter in of_week))]
        rows += map(_row, of_week)
    said = f'<div role="status"><strong>{html.escape(summary(chapters))}.</strong></div>'
    return f'{said}<table class="course-progress">{"".join(rows)}</table>'


def _head(week: int, left: int) -> str:
    name = f"Week {week}" if week else "Before the first week"
    return f'<tr><th colspan="3">{name}: {minutes_left(left)}</th></tr>'


def _row(chapter: Chapter) -> str:
    signs = {status: mark for mark, status in MARKS.items()}
    marks = "".join(signs[status] for status in chapter.said.values())
    solved = chapter.problem or f"{chapter.solved} of {len(chapter.said)}"
    told = f"{chapter.number:02} {chapter.title}", solved, marks
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in told) + "</tr>"
