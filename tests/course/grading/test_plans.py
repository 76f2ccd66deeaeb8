"""`course check`: which notebooks are meant, and what is read off them before they run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from utils.course.building.plan import checked_ids, names_bound, read_plan
from utils.course.grading.check_notebooks import check_notebooks, select
from utils.course.grading.fresh_kernel import Reply
from utils.course.grading.notebook_run import missing_package


@pytest.mark.parametrize(
    ("source", "ids"),
    [
        ('f = check("2.3", f)', ["2.3"]),
        ("%%time\ncheck('2.3', f); course.check('2.4', f)", ["2.3", "2.4"]),
        ('# check("2.3", f)\nprint("check(\'2.4\', f)")', []),
        ('def f(:\nf = check("2.3", f)\n# check("2.4", f)', ["2.3"]),
        ("check(name, f)", []),
    ],
)
def test_exercises_are_found_in_the_source(source: str, ids: list[str]) -> None:
    assert checked_ids(source) == ids


def test_a_notebook_of_the_old_format_is_read(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Old"], "metadata": {}},
        {"cell_type": "code", "input": ["check('2.3', f)"], "outputs": [], "language": "python"},
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    (tmp_path / "old.ipynb").write_text(json.dumps(old))
    plan = read_plan(tmp_path / "old.ipynb")
    assert [(cell.heading, cell.source) for cell in plan.cells] == [("Old", "check('2.3', f)")]


def test_names_are_found_in_the_source() -> None:
    source = "import a.b, c as d\nfor e in d:\n    f = e\ndef g(): pass\n(h := 1)\nprint(i)"
    assert names_bound(source) == {"a", "d", "e", "f", "g", "h"}
    assert {"g", "x"} <= names_bound("def g(:\n    x = 1")


def test_only_a_package_that_is_absent_is_missing() -> None:
    def said(value: str, name: str = "ModuleNotFoundError") -> str | None:
        return missing_package(Reply("error", name, value))

    assert "pip install PyYAML_not_here" in (said("No module named 'PyYAML_not_here.x'") or "")
    assert "pip install -e ." in (said("No module named 'utils'") or "")
    assert said("No module named 'json.nowhere'") is None
    assert said("No module named 'no_such_package'", "ValueError") is None


def test_which_notebooks_are_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chapters = tmp_path / "chapters"
    (chapters / ".ipynb_checkpoints").mkdir(parents=True)
    (chapters / ".ipynb_checkpoints" / "01_a-checkpoint.ipynb").touch()
    (tmp_path / "deep" / "down").mkdir(parents=True)
    for name in ("00_start", "01_a", "02_b", "03_c", "mine"):
        (chapters / f"{name}.ipynb").touch()
    monkeypatch.chdir(tmp_path / "deep" / "down")
    monkeypatch.setattr("utils.course.grading.check_notebooks.SOLUTIONS", tmp_path / "none")
    every = ["00_start", "01_a", "02_b", "03_c", "mine"]
    assert [path.stem for path in select([], None)] == every
    assert [path.stem for path in select([], 1)] == ["01_a", "02_b"]
    assert [path.stem for path in select([], 0)] == ["00_start"]
    assert [path.stem for path in select([chapters, chapters / "01_a.ipynb"], None)] == every
    for week, said in ((3, "no chapter of week 3"), (7, "weeks 1 to 5")):
        with pytest.raises(ValueError, match=said):
            select([], week)
    with pytest.raises(ValueError, match="not both"):
        select([chapters], 1)


def test_links_in_a_circle_and_missing_metadata_are_no_end_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "circle.ipynb").symlink_to(tmp_path / "circle.ipynb")
    cell = {"cell_type": "code", "source": "1", "metadata": None}
    tagged = {"cell_type": "code", "source": "2", "metadata": {"tags": 3}}
    bare = {"nbformat": 4, "metadata": None, "cells": [cell, tagged]}
    (tmp_path / "bare.ipynb").write_text(json.dumps(bare))
    assert check_notebooks([tmp_path / "circle.ipynb", tmp_path / "bare.ipynb"]) == 2
    said = "".join(capsys.readouterr().out.split())  # however it is wrapped
    assert "circle.ipynbcan'tberead" in said
    assert "bare.ipynb·2cells" in said
