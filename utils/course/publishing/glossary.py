"""The words of the course in English and Korean, each with the place that introduces it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from utils.course.publishing.pages import Chapter, target

_HEAD = re.compile(r"^\| *English *\| *(?:Korean|한국어) *\|", re.MULTILINE)
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_HEADING = re.compile(r"^#{1,6} +(.+)$")


@dataclass(frozen=True)
class Term:
    """A row of a chapter's table of words, and where the chapter first speaks of it."""

    english: str
    korean: str
    meaning: str
    chapter: str
    place: str
    heading: str


def read_terms(chapters: list[Chapter]) -> list[Term]:
    """Every row of every chapter's table; a word that comes twice keeps both its chapters."""
    return [term for chapter in chapters for term in _terms(chapter)]


def _terms(chapter: Chapter) -> Iterator[Term]:
    for cell in chapter.cells:
        if cell["cell_type"] != "markdown" or not (found := _HEAD.search(cell["source"])):
            continue
        for line in cell["source"][found.start() :].splitlines()[2:]:
            if not line.startswith("|"):
                break
            english, korean, *meaning = (x.strip() for x in line.strip().strip("|").split("|"))
            place, heading = introduced(chapter, english)
            yield Term(english, korean, *meaning or [""], chapter.name, place, heading)


def introduced(chapter: Chapter, english: str) -> tuple[str, str]:
    """The link target and the words of the heading above the first place that has the word.

    A place that sets it in bold is preferred: that is where a chapter explains its words. The
    chapter's opening comes last, since it only announces what is to come.
    """
    word = re.sub(r"\s*\(.*?\)", "", english.split(",")[0]).removeprefix("to ").strip()
    spoken = re.compile(rf"(?<!\w){re.escape(word)}", re.IGNORECASE)
    places = sorted(_paragraphs(chapter), key=lambda place: place[1] == chapter.title)
    for passages in (_BOLD.findall, lambda text: [text]):
        for place, heading, text in places:
            if any(map(spoken.search, passages(text))):
                return place, heading
    return places[-1][:2]


def _paragraphs(chapter: Chapter) -> Iterator[tuple[str, str, str]]:
    """Link target, heading and text of each section of the chapter, its recap left out."""
    place, heading = "", chapter.title
    for cell in chapter.cells:
        if cell["cell_type"] != "markdown":
            continue
        count, lines = 0, list[str]()
        for line in cell["source"].splitlines():
            if found := _HEADING.match(line):
                if lines and place:
                    yield place, heading, " ".join(lines)
                place = target(chapter.name, cell["id"]) + (f"-{count}" if count else "")
                heading, count, lines = found[1], count + 1, [found[1]]
                if heading == "Recap":
                    return
            else:
                lines.append(line)
        yield place, heading, " ".join(lines)


def glossary_page(chapters: list[Chapter]) -> str:
    """Two tables: by the English word with its meaning and place, and by the Korean one."""
    terms = read_terms(chapters)
    titles = {chapter.name: chapter.title for chapter in chapters}
    english = sorted(terms, key=lambda t: (t.english.casefold(), t.chapter))
    korean = sorted(terms, key=lambda t: (t.korean, t.chapter))
    return "\n".join([
        "# Words · 용어",
        "",
        "The words that the chapters introduce, in English and Korean. A link leads to the section",
        "that uses a word first.",
        "",
        "## English → 한국어",
        "",
        "| English | 한국어 | in a sentence | where |",
        "|---|---|---|---|",
        *(
            f"| {t.english} | {t.korean} | {t.meaning} | "
            f"[{titles[t.chapter][:2]} · {_plain(t.heading)}](#{t.place}) |"
            for t in english
        ),
        "",
        "## 한국어 → English",
        "",
        "| 한국어 | English | where |",
        "|---|---|---|",
        *(
            f"| {t.korean} | {t.english} | [{titles[t.chapter][:2]}](#{t.place}) |" for t in korean
        ),
        "",
    ])  # fmt: skip


def _plain(heading: str) -> str:
    """A heading without its number, where it is a chapter's own."""
    return re.sub(r"^\d\d · ", "", heading).replace("|", "\\|")
