"""The table of what is solved, in a notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from utils.course import progress
from utils.course.grading.progress_box import ProgressBox


def write(path: Path, text: str) -> None:
    output = new_output("stream", text=text)
    source = f'f = check("{text.split()[1]}", f)'
    nbformat.write(new_notebook(cells=[new_code_cell(source, outputs=[output])]), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "00_start_here.ipynb", "✅ 0.1 The likeliest next word\n")
    write(tmp_path / "01_models.ipynb", "❌ 1.2 The squares: no\n")
    return tmp_path


def test_it_tells_chapter_by_chapter(folder: Path) -> None:
    told = progress(folder).table.value
    assert "<td>00 start here</td><td>1 of 1</td>" in told
    assert "Before the first week: all exercises solved" in told
    assert "Week 1: " in told
    assert "<td>01 models</td><td>0 of " in told
    assert "❌" in told
    assert "1 wrong" in told


def test_the_button_reads_the_notebooks_again(folder: Path) -> None:
    box = ProgressBox(folder)
    write(folder / "01_models.ipynb", "✅ 1.2 The squares\n")
    before = box.table.value
    box.button.click()
    assert box.table.value != before
    assert "<td>01 models</td><td>1 of " in box.table.value


def test_a_broken_notebook_is_named(folder: Path) -> None:
    (folder / "02_text.ipynb").write_text("{")
    assert "<td>02 text</td><td>can&#x27;t be read</td>" in progress(folder).table.value


def test_without_chapters_it_says_so(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("utils.__file__", str(tmp_path / "a" / "b" / "__init__.py"))
    assert "there is no folder chapters/" in ProgressBox().table.value


def test_what_a_page_without_kernel_shows_is_the_same_for_everybody(folder: Path) -> None:
    bundle = progress(folder)._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    assert bundle["text/plain"] == repr(ProgressBox())
