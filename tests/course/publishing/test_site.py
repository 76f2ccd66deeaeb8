"""The site holds all of the course: every chapter, exercise, figure and word."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.dom import minidom

import nbformat
import pytest

from utils.course.checking.registry import exercises
from utils.course.publishing import printing, repository, site
from utils.course.publishing.glossary import read_terms
from utils.course.publishing.pages import (
    Chapter,
    chapter_page,
    closed,
    read_chapters,
    solution_target,
    solutions_page,
    with_mathml,
)

ROOT = Path(__file__).resolve().parents[3]
WEB, BOOK = site.Edition("web", book=False), site.Edition("book", book=True)


@pytest.fixture(scope="module")
def chapters() -> list[Chapter]:
    pytest.importorskip("latex2mathml")
    return read_chapters(ROOT)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("latex2mathml")
    folder = tmp_path_factory.mktemp("site") / "web"
    site.write_sources(folder, WEB)
    return folder


def text_of(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.md"))


def test_every_chapter_is_in_the_contents_of_its_week(web: Path, chapters: list[Chapter]) -> None:
    contents = (web / "index.md").read_text(encoding="utf-8")
    for chapter in chapters:
        part = contents.split(f":caption: {site.WEEKS[site.week(chapter)]}\n")[1]
        assert f"chapters/{chapter.name}" in part.split("```")[0]
        assert (web / "chapters" / f"{chapter.name}.md").is_file()
    assert len(chapters) == 12


def test_every_exercise_is_there_and_has_its_solution(web: Path) -> None:
    text = text_of(web)
    for exercise in exercises().values():
        assert f"### Exercise {exercise.id} · {exercise.title}" in text
        assert f"[Solution of {exercise.id}](#{solution_target(exercise.id)})" in text
        assert text.count(f"({solution_target(exercise.id)})=") == 1


def test_solutions_show_the_code_and_no_markers(chapters: list[Chapter], tmp_path: Path) -> None:
    page = solutions_page(chapters[4], tmp_path / "pictures" / "04")
    assert "return position[:, None] >= position[None, :]" in page
    assert "✅ 4.2 The causal mask" in page
    assert "## Answers for whoever leads the meeting" in page
    assert "SOLUTION ###" not in page
    assert "### BEGIN" not in page
    assert "NotImplementedError" not in page


def test_every_word_leads_to_a_place_that_is_there(web: Path, chapters: list[Chapter]) -> None:
    terms, text = read_terms(chapters), text_of(web)
    words = (web / "words.md").read_text(encoding="utf-8")
    assert {term.chapter for term in terms} == {chapter.name for chapter in chapters}
    for term in terms:
        assert f"({term.place})=" in text, term
        assert words.count(f"| {term.english} | {term.korean} |") >= 1
        assert words.count(f"| {term.korean} | {term.english} |") >= 1
    (causal,) = [term for term in terms if term.english == "causal mask"]
    assert causal.heading != "04 · Self-attention"


def test_no_formula_is_left_in_dollars(web: Path) -> None:
    prose = re.sub(
        r"```.*?```|<code.*?</code>|^ {4}.*?$|`[^`\n]*`", "", text_of(web), flags=re.S | re.M
    )
    assert re.findall(r"\$[^$\n]+\$", prose) == []


def test_every_figure_says_what_it_shows(web: Path) -> None:
    images = re.findall(r"```\{image\} /(\S+)\n:alt: (.*)\n", text_of(web))
    assert len(images) > 100
    assert [path for path, alt in images if len(alt) < 20] == []
    assert [path for path, _ in images if not (web / path).is_file()] == []


def test_a_book_has_nothing_to_fold_or_to_click(tmp_path: Path, web: Path) -> None:
    pytest.importorskip("latex2mathml")
    site.write_sources(tmp_path / "book", BOOK)
    book = text_of(tmp_path / "book")
    assert "<details" not in book
    assert "Solution of" not in book
    assert "Search finds" not in book
    assert not (tmp_path / "book" / "api.md").exists()
    assert text_of(web).count("<details") == text_of(web).count("</details>") > 100
    assert "<strong>A nudge.</strong>" in book


def chapter_of(*cells: dict) -> Chapter:
    return Chapter("04_x", list(cells), [])


def code(source: str, *outputs: dict) -> dict:
    return {"cell_type": "code", "id": "a-1", "source": source, "metadata": {}, "outputs": outputs}


def test_a_book_is_linked_only_where_it_can_be_made() -> None:
    assert "gpt-by-building.pdf" in site.files_line(pdf=True)
    assert "pdf" not in site.files_line(pdf=False)
    assert "gpt-by-building.epub" in site.files_line(pdf=False)


@pytest.mark.parametrize("author", ["", "1"])
def test_a_dead_link_in_a_note_stops_the_authors_alone(
    author: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setenv("COURSE_AUTHOR", author)
    monkeypatch.setattr(site.subprocess, "run", lambda words, **_: ran.append(words))
    site.sphinx("html", tmp_path / "web", tmp_path / "out")
    assert ("-W" in ran[0]) is bool(author)


def test_a_notebook_without_ids_and_with_an_error_is_a_page(tmp_path: Path) -> None:
    failed = nbformat.v4.new_output("error", ename="E", evalue="x", traceback=["\x1b[31mE\x1b[0m"])
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# 04 · Mine"),
        nbformat.v4.new_code_cell("1 / 0", outputs=[failed]),
    ]
    for cell in notebook.cells:
        del cell["id"]
    notebook.nbformat_minor = 4
    for folder in ("chapters", "solutions"):
        (tmp_path / folder).mkdir()
        nbformat.write(notebook, tmp_path / folder / "04_mine.ipynb")
    (chapter,) = read_chapters(tmp_path)
    page = chapter_page(chapter, tmp_path / "pictures")
    assert "(c04-cell-0)=\n# 04 · Mine" in page
    assert "\nE\n" in page


def test_what_a_cell_prints_cannot_end_its_block(tmp_path: Path) -> None:
    printed = {"output_type": "stream", "text": "```\n# no heading\n\x1b[31mred\x1b[0m"}
    page = chapter_page(chapter_of(code("print(x)", printed)), tmp_path)
    assert "````{code-block} text" in page
    assert page.count("````") == 2
    assert "\x1b" not in page


def test_a_card_that_a_cell_shows_is_no_section_of_the_page(tmp_path: Path) -> None:
    shown = {"output_type": "display_data", "data": {"text/markdown": "# Card\n\nOf a *model*."}}
    page = chapter_page(chapter_of(code("card", shown)), tmp_path)
    assert "<p><strong>Card</strong></p>" in page
    assert not re.search(r"^#", page, re.MULTILINE)


def test_names_of_headings_tell_two_in_one_cell_apart(tmp_path: Path) -> None:
    cell = {"cell_type": "markdown", "id": "top-1", "source": "# 04 · A\n\n```\n# code\n```\n## B"}
    page = chapter_page(chapter_of(cell), tmp_path)
    assert re.findall(r"^\((.*)\)=$", page, re.MULTILINE) == ["c04-top-1", "c04-top-1-1"]


def test_formulas_become_mathml_and_code_stays() -> None:
    pytest.importorskip("latex2mathml")
    text = "The line $y = 2x + 1$, and\n\n$$\\frac{1}{2}$$\n\n    price = $5 + $6\n\n`a $b$ c`"
    made = with_mathml(text)
    assert with_mathml("    a = $1\n\nthe last $x$. That\n").count("<math") == 1
    assert made.count("<math") == 2
    assert 'display="block"' in made
    assert "<mfrac>" in made
    assert "price = $5 + $6" in made
    assert "`a $b$ c`" in made
    assert with_mathml("It costs $5, and $6 more.") == "It costs $5, and $6 more."


@pytest.mark.parametrize(
    ("loose", "strict"),
    [
        ("a<br>b", "a<br />b"),
        ('<img src="x">', '<img src="x" />'),
        ("<br />", "<br />"),
        ("<code>i < n</code>", "<code>i &lt; n</code>"),
        ("<code>a <em>b</em></code>", "<code>a <em>b</em></code>"),
        ("`i < n`", "`i < n`"),
        ("a&nbsp;b &amp; c &lt; d", "a\N{NO-BREAK SPACE}b &amp; c &lt; d"),
    ],
)
def test_html_as_a_strict_reader_wants_it(loose: str, strict: str) -> None:
    assert closed(loose) == strict


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("https://github.com/someone/a-course.git", "someone/a-course"),
        ("git@github.com:someone/a.course.git", "someone/a.course"),
        ("https://gitlab.com/someone/a-course.git", None),
        (None, None),
    ],
)
def test_buttons_stand_only_where_the_address_is_known(
    remote: str | None, name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("COURSE_REPOSITORY", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(variable, raising=False)
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if remote:
        words = ["git", "-C", str(tmp_path), "remote", "add", "origin", remote]
        subprocess.run(words, check=True)
    found = repository.find_repository(tmp_path)
    assert found == name
    made = repository.buttons(found, "04_self_attention")
    assert ("mybinder.org/v2/gh/someone/" in made) is (name is not None)
    assert bool(made) is (name is not None)


def test_without_a_browser_a_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(printing, "find_browser", lambda: None)
    assert printing.print_pdf(tmp_path / "x.html", tmp_path / "x.pdf") is None
    said = capsys.readouterr().out
    assert said.startswith("x.pdf is left out: printing needs Chromium, Chrome or Edge.")
    assert "BROWSER_PATH" in said


def test_a_browser_that_does_not_print_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(printing, "find_browser", lambda: str(tmp_path / "no-such-browser"))
    assert printing.print_pdf(tmp_path / "x.html", tmp_path / "x.pdf") is None
    assert "no-such-browser did not print it" in capsys.readouterr().out


@pytest.fixture
def sphinx_here() -> None:
    """Skips where the extra `site` is not installed."""
    for package in ("sphinx", "myst_parser", "pydata_sphinx_theme"):
        pytest.importorskip(package)


@pytest.mark.slow
@pytest.mark.usefixtures("sphinx_here")
def test_sphinx_makes_the_site_without_a_warning_or_a_network(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = web.with_name("html")
    monkeypatch.setenv("COURSE_AUTHOR", "1")
    site.sphinx("html", web, out)
    pages = list(out.rglob("*.html"))
    assert len(pages) > 24
    loaded = re.compile(r'<(?:script|img|link)[^>]+(?:src|href)="(?:https?:)?//')
    assert [p.name for p in pages if loaded.search(p.read_text(encoding="utf-8"))] == []
    assert "causal_mask" in (out / "searchindex.js").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("sphinx_here")
def test_sphinx_makes_a_book_that_is_sound_xml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write_sources(tmp_path / "book", BOOK)
    monkeypatch.setenv("COURSE_AUTHOR", "1")
    site.sphinx("epub", tmp_path / "book", tmp_path / "epub")
    pages = list((tmp_path / "epub").rglob("*.xhtml"))
    assert len(pages) > 24
    for page in pages:
        minidom.parse(str(page))
