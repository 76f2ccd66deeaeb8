"""A pass can't be had by one line: not by a line in the report, nor by another judge."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.small_notebooks import REPORT, code, write

from utils.course.checking import reporting
from utils.course.grading.afresh import UNHEARD, judge_again
from utils.course.grading.check_notebooks import check_notebooks, select
from utils.course.grading.notebook_run import shadow
from utils.course.grading.results import ExerciseResult, NotebookReport

FORGE = """
import json, os
right = {"id": "1.2", "title": "", "status": "right", "diagnosis": None, "seconds": 0}
for path in os.environ["COURSE_REPORT"].split():
    with open(path, "a") as file:
        file.write(json.dumps(right) + "\\n")
"""
JUDGE = """
import utils.course.checking.check as checks
checks.examine = lambda exercise, answer: checks.Judged(checks.Verdict("right"), answer)
"""
REAL = "from utils.course import check\n"
WRONG = 'def line():\n    return 1\nline = check("0.1", line)'


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(*cells: Any) -> dict[str, Any]:
        write(tmp_path / "own.ipynb", *cells)
        check_notebooks([tmp_path / "own.ipynb"], json_path=tmp_path / "report.json")
        (report,) = json.loads((tmp_path / "report.json").read_text())["notebooks"]
        return report | {"said": {e["id"]: e["status"] for e in report["exercises"]}}

    return run


@pytest.mark.slow
def test_a_verdict_that_check_did_not_give_is_not_counted(checked: Any) -> None:
    report = checked(code(REPORT), code('check("1.2", 1, "wrong")'), code(FORGE))
    assert report["said"] == {"1.2": "wrong"}
    assert report["warnings"] == ["cell 3 wrote a verdict that `check` did not give: not counted"]
    assert report["exit_code"] == 1


@pytest.mark.slow
def test_another_cell_has_no_word_after_the_exercises_own(checked: Any) -> None:
    again = "check(*['1.2', 1])"  # a check that the plan of the notebook does not see
    report = checked(code(REPORT), code('check("1.2", 1, "wrong")'), code(again))
    assert report["said"] == {"1.2": "wrong"}
    assert checked(code(REPORT), code(again))["said"] == {"1.2": "right"}


@pytest.mark.slow
def test_a_judge_put_in_the_place_of_ours_is_told(checked: Any) -> None:
    report = checked(code(REAL), code(JUDGE), code(WRONG))
    (exercise,) = report["exercises"]
    assert exercise["status"] == "wrong"
    assert "utils.course.checking.check.examine" in exercise["diagnosis"]


def test_a_line_is_read_by_its_key_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, key = tmp_path / "report.jsonl", "0a" * 32
    monkeypatch.setenv("COURSE_REPORT", str(path))
    monkeypatch.setattr(reporting, "_signers", [])
    reporting.begin(key)
    reporting.begin("ff" * 32)  # what a notebook says later has no say
    reporting.report({"id": "1.1", "status": "a b"})
    line = path.read_text().rstrip("\n")
    assert reporting.read(line, key) == {"id": "1.1", "status": "a b"}
    assert reporting.read(line, "0b" * 32) is None
    assert reporting.read(line.replace("a b", "a c"), key) is None
    assert reporting.read('{"id": "1.1"}', key) is None


def test_a_full_disk_is_no_fault_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_REPORT", "/dev/full")
    reporting.report({"id": "1.1"})


def test_what_hides_the_course_is_named(tmp_path: Path) -> None:
    assert shadow(tmp_path) is None
    (tmp_path / "utils").mkdir()
    assert shadow(tmp_path) is None  # a folder without __init__.py hides nothing
    (tmp_path / "utils.py").write_text("")
    assert "utils.py beside the notebook hides" in shadow(tmp_path)


def test_a_chapter_that_is_gone_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "chapters").mkdir()
    write(tmp_path / "chapters" / "01_models_that_learn.ipynb", code("1"))
    monkeypatch.chdir(tmp_path)
    names = [path.name for path in select((), week=1)]
    assert names == ["01_models_that_learn.ipynb", "02_text_tokens_chances.ipynb"]


GOOD = """
power = 2
def squared(x):
    return x**power
def mean_squared_error(predicted, wanted):
    return squared(predicted - wanted).mean()
mean_squared_error = check("1.2", mean_squared_error)"""
BAD = """
def line_gradient(slope, intercept, x, y):
    return slope, intercept
line_gradient = check("1.3", line_gradient)"""


@pytest.mark.slow
def test_strict_listens_to_the_answer_alone(tmp_path: Path) -> None:
    path = tmp_path / "own.ipynb"
    write(path, code(REAL), code(GOOD), code(BAD))
    exercises = [ExerciseResult(id_, "", "right") for id_ in ("1.2", "1.3", "1.4")]
    report = NotebookReport(path, "own.ipynb", exercises=exercises)
    judge_again(report)
    assert [e.status for e in report.exercises] == ["right", "wrong", "not run"]
    assert report.exercises[1].diagnosis.startswith("right in the notebook, and not alone: ")
    assert UNHEARD in report.exercises[2].diagnosis
