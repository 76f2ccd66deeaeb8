"""`course check` where a chapter can't see an answer: it says so, and what only follows from it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.course.grading import unseen
from utils.course.grading.check_notebooks import check_notebooks

NAME = "01_models_that_learn.ipynb"
# Stands in for the course's, which takes seconds to import: an answer is right if it can be called.
IMPORTS = """\
from utils.course.checking.reporting import report
def check(id, answer):
    said = {"id": id, "title": "", "status": "right", "diagnosis": None}
    try:
        answer()
    except Exception as error:
        said |= {"status": "raised", "diagnosis": f"it raised {type(error).__name__}: {error}"}
    report(said)
    return answer"""
SQUARES = """\
def mean_squared_error():
    return 1
mean_squared_error = check("1.2", mean_squared_error)"""
GRADIENT = """\
def line_gradient():
    return 2
line_gradient = check("1.3", line_gradient)"""
DESCEND = """\
def descend():
    return line_gradient()
descend = check("1.4", descend)"""
REFUSED = """\
import torch
from utils.course import check
def mean_squared_error(predicted, wanted):
    return ((predicted - wanted) ^ 2).mean()
mean_squared_error = check("1.2", mean_squared_error)"""


def write(path: Path, *sources: str) -> None:
    titles = ("1.2 · The squares", "1.3 · The gradient", "1.4 · The descent")
    headings = [new_markdown_cell(f"### Exercise {title}") for title in titles]
    pairs = zip(headings, map(new_code_cell, sources), strict=True)
    cells = [new_code_cell(IMPORTS), *(cell for pair in pairs for cell in pair)]
    nbformat.write(new_notebook(cells=cells), path)


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a learner's notebook beside its solution, run `course check`, and read its report."""
    (tmp_path / "solutions").mkdir()
    write(tmp_path / "solutions" / NAME, SQUARES, GRADIENT, DESCEND)
    monkeypatch.setattr(unseen, "SOLUTIONS", tmp_path / "solutions")

    def grade(*sources: str) -> dict[str, Any]:
        write(tmp_path / NAME, *sources)
        names = {"junit": tmp_path / "junit.xml", "summary": tmp_path / "summary.md"}
        check_notebooks([tmp_path / NAME], json_path=tmp_path / "report.json", **names)
        (report,) = json.loads((tmp_path / "report.json").read_text())["notebooks"]
        said = {e["id"]: (e["status"], e["diagnosis"]) for e in report["exercises"]}
        return report | {"said": said, "folder": tmp_path}

    return grade


def test_solved_and_untouched_chapters_give_no_warning(graded: Any) -> None:
    report = graded(SQUARES, GRADIENT, DESCEND)
    assert {status for status, _ in report["said"].values()} == {"right"}
    assert report["warnings"] == []


def test_a_syntax_error_is_told_and_what_follows_needs_it(graded: Any) -> None:
    report = graded(SQUARES, GRADIENT.replace("return", "return ("), DESCEND)
    assert report["said"]["1.2"][0] == "right"
    assert report["said"]["1.3"] == ("not run", "its own cell failed: cell 3")
    assert report["said"]["1.4"] == ("not run", "needs 1.3")
    assert [text.split(":")[0] for text in report["warnings"]] == ["1.3 The gradient"]
    assert report["exit_code"] == 1


def test_a_deleted_check_is_told_to_ci(
    graded: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    report = graded(SQUARES, GRADIENT, DESCEND.replace('descend = check("1.4", descend)', ""))
    line = 'put back descend = check("1.4", descend)'
    assert report["said"]["1.4"] == ("missing", f"no cell checks it any more: {line}")
    (warning,) = report["warnings"]
    assert line in warning
    assert report["exit_code"] == 1
    said = capsys.readouterr().out
    assert "Something is wrong. 1 warning." in said
    assert f"::warning file={report['notebook']}::{warning}" in said
    suite = ET.parse(report["folder"] / "junit.xml").getroot()[0]
    assert suite.find(".//system-err").text == f"Warning: {warning}"
    assert suite.find(".//failure").get("type") == "missing"
    assert "**Warning:** 1.4 The descent" in (report["folder"] / "summary.md").read_text()


def test_an_exercise_deleted_with_its_heading_is_missed(graded: Any) -> None:
    report = graded(SQUARES, GRADIENT, "1 + 1")
    assert report["said"]["1.4"][0] == "missing"
    assert report["exit_code"] == 1
    assert len(report["warnings"]) == 1


def test_a_renamed_function_is_told(graded: Any) -> None:
    renamed = GRADIENT.replace("def line_gradient", "def my_gradient")
    report = graded(SQUARES, renamed, DESCEND)
    assert report["said"]["1.3"][0] == "not run"
    assert report["said"]["1.4"] == ("not run", "needs 1.3")
    (warning,) = report["warnings"]
    assert "its cell defines `my_gradient`, but checks `line_gradient`" in warning


@pytest.mark.slow
def test_an_answer_that_the_chapter_does_not_go_on_with_is_told(graded: Any) -> None:
    report = graded(SQUARES, GRADIENT.replace("line_gradient", "mine"), DESCEND)
    assert report["said"]["1.3"][0] == "right"
    assert report["said"]["1.4"] == ("not run", "needs 1.3")
    (warning,) = report["warnings"]
    assert "the chapter goes on with `line_gradient`" in warning


def test_a_check_that_is_never_come_to_is_told(graded: Any) -> None:
    lines = "if False:\n    " + DESCEND.splitlines()[-1]
    report = graded(SQUARES, GRADIENT, "\n".join([*DESCEND.splitlines()[:-1], lines]))
    assert "never came to its check" in report["said"]["1.4"][1]
    assert len(report["warnings"]) == 1


@pytest.mark.slow
def test_what_torch_refuses_is_no_missing_answer(graded: Any) -> None:
    report = graded(REFUSED, "", "")
    assert report["said"]["1.2"][0] == "raised"
    assert report["exit_code"] == 1


def test_a_notebook_of_ones_own_is_held_to_nothing(graded: Any, tmp_path: Path) -> None:
    path = tmp_path / "01_notes.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), path)
    assert check_notebooks([path], json_path=tmp_path / "own.json") == 0
    assert json.loads((tmp_path / "own.json").read_text())["notebooks"][0]["warnings"] == []
