"""Links in a built chapter: to the chapters that its text names, and to the papers."""

from __future__ import annotations

import re
from pathlib import Path

from nbformat import NotebookNode

from utils.course.building.papers import address_of

__all__ = ["link_text"]

# What stays as it is: hints, which are HTML; code; formulas; headings; links that are there.
_KEPT = re.compile(
    r"<details>.*?</details>|```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$"
    r"|^#[^\n]*|^ {4}[^\n]*|\[[^\]]*\]\([^)]*\)",
    re.DOTALL | re.MULTILINE,
)
_CHAPTER = re.compile(r"\b[Cc]hapters?\s+(\d\d)\b")
_TITLE = re.compile(r"(?<![*\w])\*(?![*\s])([^*|]+?)(?<!\s)\*(?![*\w])")


def link_text(notebook: NotebookNode, source: Path) -> None:
    """Link, in each cell of text, the first mention of another chapter, and each paper known."""
    files = {path.stem[:2]: path.stem for path in source.parent.glob("[0-9][0-9]_*.py")}
    files.pop(source.stem[:2], None)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _linked(cell.source, files)


def _linked(text: str, files: dict[str, str]) -> str:
    """The text with its links; `files` has the notebook of each chapter but this one."""
    seen: set[str] = set()

    def chapter(found: re.Match[str]) -> str:
        number = found[1]
        if number in seen or number not in files:
            return found[0]
        seen.add(number)
        return f"[{found[0]}]({files[number]}.ipynb)"

    def paper(found: re.Match[str]) -> str:
        address = address_of(found[1])
        return f"[{found[0]}]({_escaped(address)})" if address else found[0]

    parts, end = [], 0
    for kept in [*_KEPT.finditer(text), None]:
        free = text[end : kept.start() if kept else None]
        parts.append(_CHAPTER.sub(chapter, _TITLE.sub(paper, free)))
        if kept:
            parts.append(kept[0])
            end = kept.end()
    return "".join(parts)


def _escaped(address: str) -> str:
    """Parentheses end a link in Markdown."""
    return address.replace("(", "%28").replace(")", "%29")
