"""`course group`: simulated forks from clone to page, one broken, one empty."""

from __future__ import annotations

import html
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers.small_course import commit, exercise, git, markdown, write_chapter
from typer.testing import CliRunner, Result

from utils.course import cli
from utils.course.checking import registry
from utils.course.keeping_up.group import addresses, owner, read_fork, stops

SENTENCE = next(iter(registry.exercise("1.2").mistakes))


def said(path: Path, number: str, mark: str, words: str = "") -> None:
    """Let a check have said something, as a run and a save leave it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    title = registry.exercise(number).title
    for cell in notebook["cells"]:
        if f'check("{number}"' in "".join(cell["source"]):
            line = f"{mark} {number} {title}{': ' * bool(words)}{words}\n"
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [line]}]
    path.write_text(json.dumps(notebook), encoding="utf-8")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = tmp_path / "course"
    root.mkdir()
    git(root, "init", "-q")
    cells = [c for n in ("1.1", "1.2", "1.3") for c in exercise(n, "Title", f"f{n[-1]}")]
    write_chapter(root / "chapters/01_models_that_learn.ipynb", *cells)
    write_chapter(root / "chapters/02_text.ipynb", markdown("# Text"), *exercise("2.1", "T", "t"))
    commit(root, "One")
    return root


@pytest.fixture
def forks(tmp_path: Path, course: Path) -> Path:
    """Ana made a mistake, mended it and skipped 1.3; Ben is stuck; Cy's is broken; Di's empty."""
    folder = tmp_path / "forks"
    folder.mkdir()
    for name in ("ana", "ben", "cy"):
        git(folder, "clone", "-q", str(course), name)
    first = "chapters/01_models_that_learn.ipynb"
    said(folder / "ana" / first, "1.2", "❌", SENTENCE)
    commit(folder / "ana", "A try")
    said(folder / "ana" / first, "1.2", "✅")
    said(folder / "ana/chapters/02_text.ipynb", "2.1", "✅")
    commit(folder / "ana", "Solved")
    said(folder / "ben" / first, "1.1", "✅")
    said(folder / "ben" / first, "1.2", "❌", f"{SENTENCE} expected <b>1</b>")
    said(folder / "ben" / first, "1.3", "❌", "expected 1, got 2")
    (folder / "cy" / first).write_text("<<<<<<< HEAD\n")
    (folder / "di").mkdir()
    (folder / ".hidden").mkdir()
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(cli.app, ["group", *map(str, words)])


class Text(HTMLParser):
    """What a page says, row by row, and what it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows, self.links, self.skips = [[]], [], False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.skips = tag == "style"
        self.links += [value for name, value in attributes if name in ("src", "href", "action")]
        if tag in ("tr", "p", "h2"):
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        self.skips = False

    def handle_data(self, data: str) -> None:
        if data.strip() and not self.skips:
            self.rows[-1].append(" ".join(data.split()))


def test_from_forks_to_a_page(forks: Path, tmp_path: Path) -> None:
    out = tmp_path / "group.html"
    result = run(forks, "--out", out)
    assert result.exit_code == 0, result.output
    page = Text(out.read_text(encoding="utf-8"))
    rows = {tuple(row) for row in page.rows}
    label = registry.exercise("1.2").label
    assert (label, "1", "0", "1 of 4") in rows
    assert (label, SENTENCE, "2") in rows  # Ana's is in her history
    assert (registry.exercise("1.3").label, "1", "1", "0 of 4") in rows
    assert any("can't be read" in row[0] for row in rows if row)
    assert any("no chapter" in row[0] for row in rows if row)
    assert page.links == []


def test_nobody_is_named_unless_it_is_asked_for(forks: Path, tmp_path: Path) -> None:
    out = tmp_path / "group.html"
    said = run(forks, "--out", out).output
    for name in ("ana", "ben", "cy", "di"):
        assert f">{name}<" not in out.read_text(encoding="utf-8")
        assert f"{name}:" not in said
    run(forks, "--out", out, "--names")
    assert all(f">{name}<" in out.read_text(encoding="utf-8") for name in ("ana", "ben"))


def test_what_a_notebook_says_is_never_a_tag(forks: Path, tmp_path: Path) -> None:
    evil = forks / "<img src=x>"
    (forks / "ana").rename(evil)
    run(forks, "--out", tmp_path / "group.html", "--names")
    page = (tmp_path / "group.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert html.escape("<img src=x>") in page


def test_addresses_are_cloned_and_leave_nothing(
    forks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = {*tmp_path.iterdir()}
    listed = tmp_path / "list.txt"
    listed.write_text(f"# the group\nana file://{forks / 'ana'}\n\nfile://{forks / 'ben'}\n")
    result = run(listed, "--out", tmp_path / "group.html", "--names")
    assert result.exit_code == 0, result.output
    assert "2 read" in result.output
    assert {*tmp_path.iterdir()} - before == {listed, tmp_path / "group.html"}


def test_forks_are_only_read(forks: Path, tmp_path: Path) -> None:
    def stamp() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in forks.rglob("*") if p.is_file() and p.name != "index"}

    before = stamp()
    run(forks, "--out", tmp_path / "group.html")
    assert stamp() == before


def test_no_file_of_somebody_elses_is_written_over(forks: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.html"
    notes.write_text("mine")
    result = run(forks, "--out", notes)
    assert (result.exit_code, notes.read_text()) == (2, "mine")
    assert len(result.output.splitlines()) == 1
    assert run(forks, "--out", forks).exit_code == 2


@pytest.mark.parametrize("given", ["", "no-such-folder", "file:///nowhere.git", "-q"])
def test_what_is_no_fork_is_told_in_one_line(tmp_path: Path, given: str) -> None:
    (tmp_path / "empty").mkdir()
    result = run("--out", tmp_path / "group.html", "--", given or tmp_path / "empty")
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "group.html").exists()


def test_whose_a_fork_is() -> None:
    assert owner("https://github.com/ana/course.git") == "ana"
    assert owner("git@github.com:ben/course") == "ben"


def test_a_list_with_too_many_words_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("ana ben cy\n")
    with pytest.raises(ValueError, match="a name and an address"):
        addresses(tmp_path / "list.txt")


def test_an_exercise_nobody_came_to_stops_nobody(forks: Path) -> None:
    held_up = {stop.exercise.id for stop in stops([read_fork(forks / "ben", "ben")])}
    assert held_up == {"1.2", "1.3"}
