"""`make site`: the course as a static site, an EPUB and a PDF, from the notebooks as they lie.

Nothing is run: what a page shows is what the committed notebooks hold.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from utils.course.grading import progress
from utils.course.publishing import printing
from utils.course.publishing.glossary import glossary_page
from utils.course.publishing.guide import guide_page
from utils.course.publishing.pages import Chapter, chapter_page, read_chapters, solutions_page
from utils.course.publishing.repository import buttons, find_repository

ROOT = Path(__file__).resolve().parents[3]
BOOK = "gpt-by-building"
ROOMS = ("tokenizer", "counting", "attention", "gpt", "training", "sampling", "reasoning")
MODULES = ("tuning.lora", "tuning.soft_prompts", "gpt.gguf")
WEEKS = ("Before the first week", *(f"Week {n}" for n in range(1, 6)))
_FOLD = re.compile(r"<details[^>]*>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
_TWIN = re.compile(r'```\{raw\} html\n<div class="fold twin">.*?\n```\n*', re.DOTALL)
_WEB = re.compile(r"<!-- web -->.*?<!-- end of web -->\n*", re.DOTALL)
_LINK = re.compile(r"^\[Solution of [^\n]*\n*", re.MULTILINE)


@dataclass(frozen=True)
class Edition:
    """The pages of one edition: for the web, or as a book, where nothing folds or is clicked."""

    name: str
    book: bool

    def text(self, page: str) -> str:
        """A page as this edition has it."""
        if not self.book:
            return page
        for only_there in (_TWIN, _LINK, _WEB):
            page = only_there.sub("", page)
        return _FOLD.sub(r'<div class="hint"><p><strong>\1.</strong></p>\n\2\n</div>', page)


def week(chapter: Chapter) -> int:
    """The week that a chapter belongs to; 0 for the start."""
    return progress.Chapter(int(chapter.number), chapter.title).week


def write_sources(folder: Path, edition: Edition, root: Path = ROOT) -> list[Path]:
    """Everything that Sphinx reads, into an empty `folder`. Returns the pages written."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "docs" / "site", folder)
    chapters, repository = read_chapters(root), None if edition.book else find_repository(root)
    pages = {"index.md": index_page(folder / "index.md", chapters, edition)}
    for chapter in chapters:
        pictures = folder / "pictures" / chapter.name
        header = buttons(repository, chapter.name)
        pages[f"chapters/{chapter.name}.md"] = chapter_page(chapter, pictures, header)
        if chapter.exercises():
            pages[f"solutions/{chapter.name}.md"] = solutions_page(chapter, pictures / "solved")
    pages["words.md"] = glossary_page(chapters)
    if not edition.book:
        pages["api.md"] = api_page()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(edition.text(text), encoding="utf-8")
    return [folder / name for name in pages]


def index_page(template: Path, chapters: list[Chapter], edition: Edition) -> str:
    """The first page: the template's text, then the tables of contents, week by week."""
    parts = [template.read_text(encoding="utf-8")]
    if not edition.book:
        parts.append(files_line(pdf=printing.find_browser() is not None))
    for number, caption in enumerate(WEEKS):
        names = [f"chapters/{c.name}" for c in chapters if week(c) == number]
        parts.append(_contents(caption, names))
    solved = [f"solutions/{c.name}" for c in chapters if c.exercises()]
    parts.append(_contents("Solutions", solved))
    parts.append(_contents("To look up", ["words"] if edition.book else ["words", "api"]))
    return "\n\n".join(parts)


def files_line(*, pdf: bool) -> str:
    """Links to what lies beside the pages; the PDF only where one can be printed."""
    files = {"EPUB": f"{BOOK}.epub"} | ({"PDF": f"{BOOK}.pdf"} if pdf else {})
    books = " · ".join(f'<a href="{file}">{name}</a>' for name, file in files.items())
    guide = '<a href="guide.html">a guide</a>'
    return f"As a book: {books}. For whoever leads a group: {guide}."


def _contents(caption: str, names: list[str]) -> str:
    listed = "\n".join(names)
    return f"```{{toctree}}\n:caption: {caption}\n:maxdepth: 1\n\n{listed}\n```"


def api_page() -> str:
    """The public names of `utils.llm`, room by room, from their docstrings."""
    parts = [
        "# The package `utils.llm`",
        "What the chapters build in small, as one would ship it. The pages are made from the "
        "docstrings.",
    ]
    for module in (*(f"utils.llm.{room}" for room in ROOMS), *(f"utils.llm.{m}" for m in MODULES)):
        shared = "" if module.split(".")[-2] != "llm" else "   :imported-members:\n"
        directive = f".. automodule:: {module}\n   :members:\n{shared}"
        parts.append(f"## {module}\n\n```{{eval-rst}}\n{directive}```")
    return "\n\n".join(parts) + "\n"


def sphinx(builder: str, sources: Path, out: Path) -> None:
    """Run one of Sphinx's builders. Raises CalledProcessError.

    In the authors' copy a warning is an error; in a learner's, a dead link in a note is not.
    """
    doctrees = sources.with_name(sources.name + "-doctrees")
    strict = ["-W", "--keep-going"] if os.environ.get("COURSE_AUTHOR") else []
    words = ["-b", builder, "-d", str(doctrees), "-q", *strict, str(sources), str(out)]
    subprocess.run([sys.executable, "-m", "sphinx", *words], check=True, cwd=ROOT)


def build(out: Path) -> list[Path]:
    """The site, the EPUB and, where there is a browser to print it, the PDF. Returns the files."""
    web, book = out.with_name("site-web"), out.with_name("site-book")
    write_sources(web, Edition("web", book=False))
    shutil.rmtree(out, ignore_errors=True)
    sphinx("html", web, out)
    write_sources(book, Edition("book", book=True))
    sphinx("epub", book, out.with_name("site-epub"))
    (out / "guide.html").write_text(guide_page(), encoding="utf-8")
    epub = out / f"{BOOK}.epub"
    shutil.copy(next(out.with_name("site-epub").glob("*.epub")), epub)
    sphinx("singlehtml", book, out.with_name("site-single"))
    made = [out / "index.html", epub]
    pdf = printing.print_pdf(out.with_name("site-single") / "index.html", out / f"{BOOK}.pdf")
    return [*made, pdf] if pdf else made


def main() -> int:
    """Build into `build/site`, and say what was made."""
    try:
        made = build(ROOT / "build" / "site")
    except subprocess.CalledProcessError as error:
        print(f"site: Sphinx ended with {error.returncode}; its warnings stand above.")
        return 1
    for path in made:
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
