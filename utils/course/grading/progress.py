"""What is solved, read from the notebooks as they lie on disk: their last outputs say it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from utils.course.building.plan import checked_ids
from utils.course.checking import registry
from utils.course.checking.check import NOT_ATTEMPTED, RIGHT, WRONG

MARKS = {"✅": RIGHT, "❌": WRONG, "⬜": NOT_ATTEMPTED}
UNREADABLE = "can't be read"
_HEADING = re.compile(r'"# \d\d · ([^"\\]+)')
_SAID = re.compile(r"^([✅❌⬜]) (\d+\.\w+) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Chapter:
    """A chapter's exercises with what was last said of each, and the minutes that are left.

    `told` are the first lines of what was said of those that are wrong.
    """

    number: int
    title: str
    said: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    told: dict[str, str] = field(default_factory=dict)

    @property
    def week(self) -> int:
        """1 to 5; 0 for the start."""
        return min((self.number + 1) // 2, 5)

    @property
    def solved(self) -> int:
        return sum(status == RIGHT for status in self.said.values())

    @property
    def minutes_left(self) -> int:
        known = registry.exercises()
        return sum(known[id_].minutes for id_, status in self.said.items() if status != RIGHT)


def exercises_of(number: int) -> list[str]:
    """The ids of a chapter's exercises, from the course and not from anybody's notebook."""
    return [id_ for id_ in registry.exercises() if id_.split(".")[0] == str(number)]


def read_chapter(path: Path) -> Chapter:
    """What the outputs of a notebook say; an exercise that was never run is not attempted.

    A file that is no notebook has a `problem` in place of an answer.
    """
    number, title = int(path.name[:2]), path.stem[3:].replace("_", " ")
    said = dict.fromkeys(exercises_of(number), NOT_ATTEMPTED)
    try:
        content = path.read_bytes()
        found, heading = verdicts(content), _HEADING.search(content.decode("utf-8-sig"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Chapter(number, title, said, UNREADABLE)
    told = {}
    for mark, id_, words in found:
        if id_ in said:
            said[id_], told[id_] = MARKS[mark], words
    told = {id_: words for id_, words in told.items() if said[id_] == WRONG}
    return Chapter(number, heading[1] if heading else title, said, told=told)


def verdicts(content: bytes) -> list[tuple[str, str, str]]:
    """The marks, ids and words that a notebook's checks have printed, in order.

    Raises ValueError, TypeError, KeyError, AttributeError or RecursionError for what is none.
    """
    cells = json.loads(content.decode("utf-8-sig"))["cells"]
    return [said for cell in cells for said in _verdicts(cell)]


def _verdicts(cell: dict) -> list[tuple[str, str, str]]:
    """What a cell has printed, of the exercises that it checks itself."""
    texts = [output.get("text") or "" for output in cell.get("outputs") or ()]
    printed = "".join(text if isinstance(text, str) else "".join(text) for text in texts)
    said = _SAID.findall(printed)
    own = set(checked_ids("".join(cell.get("source") or ""))) if said else set()
    return [(mark, id_, words) for mark, id_, words in said if id_ in own]


def read_course(folder: Path) -> list[Chapter]:
    """All chapters of a folder, in order."""
    return [read_chapter(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]


def table(chapters: Sequence[Chapter]) -> str:
    """Chapter by chapter, in weeks: what is solved, what is wrong, what is left in minutes."""
    width = max((len(chapter.title) for chapter in chapters), default=0)
    lines, week = [], None
    for chapter in chapters:
        if chapter.week != week:
            week = chapter.week
            left = sum(c.minutes_left for c in chapters if c.week == week)
            lines.append(f"Week {week}: {minutes_left(left)}" if week else "Before the first week")
        lines.append(f"  {chapter.number:02} {chapter.title:{width}}  {_said(chapter)}")
    return "\n".join([*lines, "", summary(chapters)])


def _said(chapter: Chapter) -> str:
    if chapter.problem:
        return f"{chapter.problem}: open it in JupyterLab, or take it anew"
    marks = "".join(
        next(m for m, s in MARKS.items() if s == said) for said in chapter.said.values()
    )
    return f"{chapter.solved} of {len(chapter.said)}  {marks}"


def minutes_left(minutes: int) -> str:
    """Of exercises, in words."""
    return f"{minutes} minutes of exercises left" if minutes else "all exercises solved"


def summary(chapters: Sequence[Chapter]) -> str:
    """`31 of 90 exercises solved, 2 wrong; 410 minutes left`."""
    said = [status for chapter in chapters for status in chapter.said.values()]
    wrong = said.count(WRONG)
    rest = sum(chapter.minutes_left for chapter in chapters)
    also = f", {wrong} wrong" if wrong else ""
    return f"{said.count(RIGHT)} of {len(said)} exercises solved{also}; {rest} minutes left"


def markdown(chapters: Sequence[Chapter]) -> str:
    """One line to post in the group: the chapters begun, and the sum."""
    begun = [f"{c.number:02} {c.solved}/{len(c.said)}" for c in chapters if c.solved]
    return " · ".join([*begun, f"**{summary(chapters)}**"])
