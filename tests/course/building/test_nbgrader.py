"""The chapters for nbgrader: its own rules hold, and where it is installed it grades one itself."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

from utils.course.building.build import course_root
from utils.course.building.nbgrader import assignment, write_assignments
from utils.course.building.source import BEGIN, END, checked_ids, read_source
from utils.course.checking.check import WrongAnswer, check

SOURCES = sorted((course_root() / "solutions").glob("[0-9][0-9]_*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:2])
def test_each_exercise_has_an_answer_and_a_graded_cell(path: Path) -> None:
    notebook = assignment(read_source(path))
    nbformat.validate(notebook)
    graded = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    answers = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")]
    ids = [id_ for cell in notebook.cells for id_ in checked_ids(cell)]
    assert len(graded) == len(answers) == len(set(ids))
    assert all(cell.metadata.nbgrader.locked and BEGIN not in cell.source for cell in graded)
    assert all(cell.metadata.nbgrader.points > 0 for cell in graded)
    # nbgrader refuses a region that stands elsewhere.
    rest = [c for c in notebook.cells if c not in answers and c.cell_type == "code"]
    assert not [c for c in rest if BEGIN in c.source or END in c.source]
    names = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
    assert len(names) == len(set(names))


def test_only_a_right_answer_is_graded_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongAnswer, match="did not run"):
        check.require("9.1.1")
    check("4.2", lambda n: None)
    with pytest.raises(WrongAnswer, match="wrong"):
        check.require("4.2")
    from utils.llm.attention import causal_mask

    check("4.2", causal_mask)
    check.require("4.2")


def test_an_unknown_chapter_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert write_assignments(["77"], tmp_path) == 1
    assert "no chapter is called '77'" in capsys.readouterr().err


def test_nbgrader_grades_what_was_handed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = pytest.importorskip("nbgrader.apps", reason="the extra `foreign` is not installed")
    monkeypatch.chdir(tmp_path)
    # It calls alembic by name, which stands beside the Python that runs this.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    assert write_assignments(["00"], tmp_path) == 0
    app = apps.NbGraderAPI()
    app.coursedir.root = str(tmp_path)
    name = "00_start_here"
    assert app.generate_assignment(name)["success"]
    released = tmp_path / "release" / name / f"{name}.ipynb"
    code = [c.source for c in nbformat.read(released, 4).cells if c.cell_type == "code"]
    assert not any("Counter(b for" in source or "check.require" in source for source in code)

    solved = tmp_path / "source" / name / f"{name}.ipynb"
    for student, handed_in in {"solved": solved, "unsolved": released}.items():
        place = tmp_path / "submitted" / student / name
        place.mkdir(parents=True)
        shutil.copy(handed_in, place)
        assert app.autograde(name, student, create=True)["success"]
    scores = {each["student"]: each["score"] for each in app.get_submissions(name)}
    most = {each["max_score"] for each in app.get_submissions(name)}
    assert scores == {"solved": max(most), "unsolved": 0}
    assert len(most) == 1
    assert min(most) > 0
