"""A notebook with its outputs, as a page of MyST markdown and the pictures that it shows."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from markdown_it import MarkdownIt

from utils.course.building.plan import checked_ids
from utils.course.building.source import BEGIN, END, SOLUTION_ONLY

_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_EXERCISE = re.compile(r"^### Exercise (\d+\.\w+) · (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^(?:```|~~~)")
_VOID = re.compile(r"<(br|hr|img|input|wbr)\b([^>]*?)\s*/?>")
_HTML_CODE = re.compile(r"<(code|pre)\b.*?</\1>", re.DOTALL)
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;|quot;|apos;)[a-zA-Z]+;")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_CODE_OR_MATH = re.compile(
    r"(?P<code>(?P<ticks>`+)[^`].*?(?P=ticks)|^ {4}[^\n]*$|<(?P<tag>pre|code)\b.*?</(?P=tag)>)"
    r"|\$\$(?P<block>.+?)\$\$|(?<![\\$])\$(?P<inline>[^$\s](?:[^$\n]*[^$\s\n])?)\$(?!\d)",
    re.DOTALL | re.MULTILINE,
)
_NAVIGATION = "next-and-back"  # cells that link to the files beside: a page has its own
_TURN = "raise NotImplementedError"
_TWIN = "The figure in words"


@dataclass(frozen=True)
class Chapter:
    """A chapter as it lies on disk: the notebook of a learner, and the solved one."""

    name: str
    cells: list[dict[str, Any]] = field(repr=False)
    solved: list[dict[str, Any]] = field(repr=False)

    @property
    def number(self) -> str:
        return self.name[:2]

    @property
    def title(self) -> str:
        """The words of the first heading, as in `04 · Self-attention`."""
        return next(m[1] for c in self.cells if (m := _HEADING.search(c["source"])))

    def exercises(self) -> dict[str, str]:
        """Title by id, in the order of the chapter."""
        texts = [c["source"] for c in self.cells if c["cell_type"] == "markdown"]
        return {m[1]: m[2] for text in texts for m in _EXERCISE.finditer(text)}


def read_chapters(root: Path) -> list[Chapter]:
    """Every chapter of `root/chapters`, its solved twin with it."""
    paths = sorted((root / "chapters").glob("[0-9][0-9]_*.ipynb"))
    return [
        Chapter(path.stem, _cells(path), _cells(root / "solutions" / path.name)) for path in paths
    ]


def _cells(path: Path) -> list[dict[str, Any]]:
    cells = nbformat.read(path, as_version=4).cells
    for number, cell in enumerate(cells):
        cell.setdefault("id", f"cell-{number}")  # Colab and older programs write none
    return [cell for cell in cells if not cell["id"].startswith(_NAVIGATION)]


def target(chapter: str, cell_id: str) -> str:
    """The name by which another page links to a cell: `c04-causal-mask-1`."""
    return f"c{chapter[:2]}-{cell_id}"


def solution_target(exercise: str) -> str:
    """The name of an exercise's solution: `solution-4-2`."""
    return "solution-" + exercise.replace(".", "-").lower()


def chapter_page(chapter: Chapter, pictures: Path, header: str = "") -> str:
    """The chapter as a learner meets it; its pictures are written into the folder `pictures`."""
    parts = list(_blocks(chapter, pictures))
    return "\n\n".join([parts[0], *([header] if header else []), *parts[1:]]) + "\n"


def solutions_page(chapter: Chapter, pictures: Path) -> str:
    """Each exercise's solution and what it prints, and the answers to the meeting's questions."""
    parts = [
        f"# {chapter.title.replace(' · ', ' · Solutions: ', 1)}",
        f"The chapter itself: {{doc}}`/chapters/{chapter.name}`.",
    ]
    titles = chapter.exercises()
    for cell in chapter.solved:
        if SOLUTION_ONLY in cell["metadata"].get("tags", []):
            answers = re.sub(r"^#+ ", "## ", cell["source"], count=1)
            parts.append(closed(with_mathml(answers)))
        elif cell["cell_type"] == "code" and BEGIN in cell["source"]:
            (exercise,) = checked_ids(cell["source"])
            parts.append(f"({solution_target(exercise)})=\n## {exercise} · {titles[exercise]}")
            parts += _code_blocks(cell, pictures)
    return "\n\n".join(parts) + "\n"


def _blocks(chapter: Chapter, pictures: Path) -> Iterator[str]:
    for cell in chapter.cells:
        if cell["cell_type"] == "markdown":
            yield _with_targets(chapter, cell)
            continue
        yield from _code_blocks(cell, pictures)
        if _TURN in cell["source"]:
            for exercise in checked_ids(cell["source"]):
                yield f"[Solution of {exercise}](#{solution_target(exercise)})"


def _with_targets(chapter: Chapter, cell: dict[str, Any]) -> str:
    """The cell's markdown, each heading with a name to link to."""
    lines, count, fenced = [], 0, False
    for line in cell["source"].splitlines():
        fenced ^= bool(_FENCED.match(line))
        if not fenced and _HEADING.match(line):
            name = target(chapter.name, cell["id"]) + (f"-{count}" if count else "")
            lines += [f"({name})=", line]
            count += 1
        else:
            lines.append(line)
    return closed(with_mathml("\n".join(lines)))


def closed(text: str) -> str:
    """HTML as EPUB's stricter readers want it: void tags closed, `<` and entities spelt out."""
    text = _HTML_CODE.sub(lambda m: re.sub(r"<(?![a-zA-Z/!])", "&lt;", m[0]), text)
    text = _ENTITY.sub(lambda m: html.unescape(m[0]), text)
    return _VOID.sub(r"<\1\2 />", text)


def with_mathml(text: str) -> str:
    """Formulas between dollars as MathML, which browsers and readers draw without a script."""

    def formula(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        from latex2mathml.converter import convert  # of the extras `site` and `test`

        display = "block" if match["block"] else "inline"
        return convert(" ".join((match["block"] or match["inline"]).split()), display=display)

    return _CODE_OR_MATH.sub(formula, text)


def _code_blocks(cell: dict[str, Any], pictures: Path) -> Iterator[str]:
    """A code cell and what it has put out."""
    lines = [x for x in cell["source"].splitlines() if x.strip() not in (BEGIN, END)]
    if lines:
        yield _fence("\n".join(lines), "python")
    for number, output in enumerate(cell["outputs"]):
        yield from _output(output, pictures, f"{cell['id']}-{number}")


def _output(output: dict[str, Any], pictures: Path, name: str) -> Iterator[str]:
    kind, data = output["output_type"], output.get("data", {})
    if kind == "stream":
        yield _fence(output["text"], "text", "output")
    elif kind == "error":
        yield _fence("\n".join(output["traceback"]), "text", "output")
    elif "image/png" in data:
        yield _picture(output, pictures, name)
    elif "text/html" in data:
        kept = "fold twin" if data["text/plain"].startswith(_TWIN) else "output html"
        body = closed(data["text/html"])
        yield f'```{{raw}} html\n<div class="{kept}">\n{body}\n</div>\n```'
    elif "text/markdown" in data:
        # As HTML, and its headings in bold: they are no sections of the page.
        shown = closed(MarkdownIt("commonmark").render(data["text/markdown"]))
        body = re.sub(r"<h\d>(.*?)</h\d>", r"<p><strong>\1</strong></p>", shown)
        yield f'```{{raw}} html\n<div class="output html">\n{body}</div>\n```'
    elif "text/plain" in data:
        yield _fence(data["text/plain"], "text", "output")


def _picture(output: dict[str, Any], pictures: Path, name: str) -> str:
    """Write the picture; an image with its alternative text and the width it was drawn for."""
    pictures.mkdir(parents=True, exist_ok=True)
    (pictures / f"{name}.png").write_bytes(base64.b64decode(output["data"]["image/png"]))
    facts = output.get("metadata", {}).get("image/png", {})
    alt = facts.get("alt") or output["data"].get("text/plain", "A picture")
    words = html.unescape(" ".join(alt.split()))
    width = f"\n:width: {facts['width']}px" if "width" in facts else ""
    path = f"{pictures.as_posix().partition('/pictures/')[2]}/{name}.png"
    return f"```{{image}} /pictures/{path}\n:alt: {words}{width}\n```"


def _fence(text: str, language: str, kind: str = "") -> str:
    """A block of code, fenced by more backticks than it holds."""
    text = _ESCAPES.sub("", text).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    marks = "`" * (longest + 1)
    option = f":class: {kind}\n" if kind else ""
    return f"{marks}{{code-block}} {language}\n{option}\n{text}\n{marks}"
