"""`course check`: the exit code, and the reports, whatever a notebook says."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from helpers.small_notebooks import code, stamp, write

from utils.course.grading.check_notebooks import check_notebooks
from utils.course.grading.reports import markdown, print_report, write_junit
from utils.course.grading.results import (
    CellFailure,
    ExerciseResult,
    NotebookReport,
    clean,
    exit_code,
)


def report_with(**fields: Any) -> NotebookReport:
    return NotebookReport(Path("a.ipynb"), "a.ipynb", cells=2, cells_run=2, **fields)


@pytest.mark.parametrize("status", ["wrong", "raised", "timed out"])
def test_two_outranks_one_outranks_nothing(status: Any) -> None:
    fine = report_with(exercises=[ExerciseResult("1.1", "x", "not attempted")])
    wrong = report_with(exercises=[ExerciseResult("1.1", "x", status)])
    failed = report_with(failures=[CellFailure(1, "", "raised", "ValueError")])
    unable = report_with(problem="no")
    assert [r.exit_code for r in (fine, wrong, failed, unable)] == [0, 1, 1, 2]
    assert exit_code([wrong, unable, fine]) == 2
    assert exit_code([fine, wrong]) == 1
    assert exit_code([]) == 2


def test_reports_survive_anything_that_a_notebook_says(tmp_path: Path) -> None:
    nasty = clean("``` | <script> & \ud800\x1b]0;title\x07\x00 [bold]x[/bold]\nsecond ]]>")
    title = "A | <b> `title`"
    report = report_with(
        exercises=[ExerciseResult("1.1", title, "wrong", nasty)],
        failures=[CellFailure(1, title, "raised", nasty.splitlines()[0])],
    )
    write_junit([report], tmp_path / "junit.xml")
    failure = ET.parse(tmp_path / "junit.xml").getroot().find(".//failure")
    assert failure is not None
    assert failure.text == nasty == "``` | <script> &  [bold]x[/bold]\nsecond ]]>"
    text = markdown([report])
    assert r"| ❌ | 1.1 A \| &lt;b> \`title\` | wrong |" in text
    assert f"````text\n{nasty}\n````" in text
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    print_report([report], out)
    out.seek(0)
    assert "[bold]x[/bold]" in out.read()


@pytest.mark.parametrize("option", ["json_path", "junit", "summary"])
def test_a_report_never_overwrites_a_notebook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    write(tmp_path / "a.ipynb", code("1"))
    before = stamp(tmp_path)
    assert check_notebooks([tmp_path], **{option: tmp_path / "a.ipynb"}) == 2
    assert "would overwrite the notebook" in capsys.readouterr().err
    assert stamp(tmp_path) == before


def test_a_report_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_notebooks([tmp_path / "none.ipynb"], junit=tmp_path) == 2
    assert "can't write" in capsys.readouterr().err
    assert check_notebooks([tmp_path / "none.ipynb"], cell_timeout=0) == 2
    assert "more than 0 seconds, and 0 was given" in capsys.readouterr().err
