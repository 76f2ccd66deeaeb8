"""`make guide`: the facilitator's guide as one page, printed to PDF where a browser can."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

from utils.course.building.source import SOLUTION_ONLY
from utils.course.publishing import printing
from utils.course.publishing.pages import Chapter, closed, read_chapters, with_mathml

ROOT = Path(__file__).resolve().parents[3]
_QUOTE = re.compile(r"^>.*(?:\n>.*)*", re.MULTILINE)
_CELL = re.compile(r"Cell: chapter (\d\d), \*(.+?)\*, the cell that begins with `(.+)`")
_MISTAKE = re.compile(r"\*\*(\d+\.\d+)\*\* (.+)")
_ASKED = re.compile(r"<!-- questions ([\d. ]+) -->")
_QUESTIONS = re.compile(r"^## (?:Questions f|F)or the meeting$(.*?)(?=^## |\Z)", re.M | re.S)
_NUMBERED = re.compile(r"^(?:\*\*)?(\d+)\.(?:\*\*)? ", re.MULTILINE)


class NamedCell(NamedTuple):
    """A cell that the guide tells to run: its chapter, the heading above it, how it begins."""

    chapter: str
    heading: str
    begins: str


class Question(NamedTuple):
    """A question for the meeting, and what the solved chapter answers."""

    asked: str
    answer: str


def guide_files(root: Path = ROOT) -> list[Path]:
    """The guide's parts, in their order."""
    return sorted((root / "docs" / "guide").glob("[0-9]_*.md"))


def _quotes(text: str) -> list[str]:
    marks = re.compile(r"^> ?", re.MULTILINE)
    return [" ".join(marks.sub("", quote[0]).split()) for quote in _QUOTE.finditer(text)]


def named_cells(text: str) -> list[NamedCell]:
    """The cells to run that a part of the guide names."""
    return [NamedCell(*found.groups()) for q in _quotes(text) if (found := _CELL.fullmatch(q))]


def named_mistakes(text: str) -> list[tuple[str, str]]:
    """Exercise and sentence of each mistake that a part of the guide expects."""
    return [found.groups() for q in _quotes(text) if (found := _MISTAKE.fullmatch(q))]


def meeting_questions(chapter: Chapter) -> dict[int, Question]:
    """The questions that end a chapter, each with its answer from the solved one."""
    texts = [cell["source"] for cell in chapter.cells if cell["cell_type"] == "markdown"]
    found = next((m[1] for text in texts if (m := _QUESTIONS.search(text))), "")
    asked = _numbered(found)
    answers = _numbered(
        next(
            (c["source"] for c in chapter.solved if SOLUTION_ONLY in c["metadata"].get("tags", [])),
            "",
        )
    )
    return {number: Question(asked[number], answers.get(number, "")) for number in asked}


def _numbered(text: str) -> dict[int, str]:
    """The parts of a text whose paragraphs begin with `1.` or `**1.**`, by their number."""
    starts = [*_NUMBERED.finditer(text)]
    ends = [*(m.start() for m in starts), len(text)][1:]
    parts = [text[m.end() : end] for m, end in zip(starts, ends, strict=True)]
    return {
        int(m[1]): re.sub(r"\n +", "\n", part).strip()
        for m, part in zip(starts, parts, strict=True)
    }


def questions_named(text: str) -> list[tuple[str, int]]:
    """Chapter and number of each question that a part of the guide wants discussed."""
    wanted = [name for found in _ASKED.finditer(text) for name in found[1].split()]
    return [(chapter, int(number)) for chapter, number in (name.split(".") for name in wanted)]


def with_questions(text: str, chapters: list[Chapter]) -> str:
    """A part of the guide, its list of questions replaced by the questions and their answers."""
    by_number = {chapter.number: meeting_questions(chapter) for chapter in chapters}

    def told(found: re.Match[str]) -> str:
        parts = []
        for chapter, number in questions_named(found[0]):
            question = by_number[chapter][number]
            parts.append(f"**Chapter {chapter}, question {number}.** {question.asked}")
            parts.append(f"*Answer.* {question.answer}")
        return "\n\n".join(parts)

    return _ASKED.sub(told, text)


def guide_page(root: Path = ROOT) -> str:
    """The whole guide as one HTML page."""
    markdown, chapters = MarkdownIt("commonmark").enable("table"), read_chapters(root)
    parts = [
        with_questions(path.read_text(encoding="utf-8"), chapters) for path in guide_files(root)
    ]
    bodies = [markdown.render(closed(with_mathml(part))) for part in parts]
    sections = "\n".join(f"<section>\n{body}</section>" for body in bodies)
    sections = sections.replace("<h2>Handout</h2>", '<h2 class="handout">Handout</h2>')
    style = (root / "docs" / "guide" / "guide.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<title>GPT by building: leading a group</title>\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def main() -> int:
    """Write `build/guide/guide.html` and, where a browser can print it, `guide.pdf`."""
    out = ROOT / "build" / "guide"
    out.mkdir(parents=True, exist_ok=True)
    page = out / "guide.html"
    page.write_text(guide_page(), encoding="utf-8")
    for path in (page, printing.print_pdf(page, out / "guide.pdf")):
        if path is not None:
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
