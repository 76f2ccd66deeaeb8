"""Each chapter runs from top to bottom whatever is solved, and is what its source generates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
import pytest
from helpers.variants import Variant, alternatives, further, mixed

from utils.course.building.build import IGNORED, build, course_root
from utils.course.building.source import BEGIN, Source, checked_ids, read_source

ROOT = course_root(Path(__file__).parent)
PATHS = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.py"))
AUTHOR = os.environ.get("COURSE_AUTHOR") == "1"
every_chapter = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@cache
def source(path: Path) -> Source:
    return read_source(path)


def exercise_ids(path: Path) -> list[str]:
    cells = source(path).notebook.cells
    return [checked_ids(cell)[0] for cell in cells if BEGIN in cell.source]


@every_chapter
@pytest.mark.slow
def test_it_runs_whatever_is_solved(path: Path, tmp_path: Path) -> None:
    """No cell fails, what is solved is right, and what is not passes for nothing."""
    ids = exercise_ids(path)
    check_runs(path, ids, mixed({id: [] for id in ids}), tmp_path)


@every_chapter
@pytest.mark.slow
def test_it_runs_on_every_alternative(path: Path, tmp_path: Path) -> None:
    """What the checks accept, the chapter can go on with, whatever else is answered."""
    ids = exercise_ids(path)
    check_runs(path, ids, mixed(alternatives(ids)) + further(alternatives(ids)), tmp_path)


def check_runs(path: Path, ids: list[str], variants: list[Variant], folder: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("run_variants.py")), str(path)]
    answer = subprocess.run(
        command,
        input=json.dumps(variants),
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env={
            **os.environ,
            "COURSE_STRICT": "0",
            "COURSE_CACHE": str(folder),  # without the real model, as many have it; nbval has it
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": str(ROOT / "tests"),
        },
        timeout=900,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    results = json.loads(answer.stdout.splitlines()[-1])
    assert len(results) == len(variants)
    failed = [(v, found["failed"]) for v, found in zip(variants, results, strict=True)]
    assert [each for each in failed if each[1]] == []
    for variant, found in zip(variants, results, strict=True):
        assert found["statuses"] == {
            id: "right" if id in variant else "not attempted" for id in ids
        }


def test_both_notebooks_are_what_the_sources_generate(capsys: pytest.CaptureFixture[str]) -> None:
    code = build(check=True)
    said = capsys.readouterr().err
    if code and not AUTHOR and "was run or changed" in said:
        pytest.skip("chapters/ holds your own work")
    assert code == 0, said


@every_chapter
def test_nbval_compares_nine_of_ten_cells_that_print(path: Path) -> None:
    for folder in ("chapters", "solutions"):
        notebook = nbformat.read(ROOT / folder / f"{path.stem}.ipynb", as_version=4)
        printing = [c for c in notebook.cells if c.cell_type == "code" and c.outputs]
        tags = [c.metadata.get("tags", []) for c in printing]
        assert not any(t.startswith("nbval-skip") for tag in tags for t in tag)
        ignored = [c for c, tag in zip(printing, tags, strict=True) if IGNORED in tag]
        assert all(len(c.metadata.get("reason", "")) > 10 for c in ignored)
        assert len(ignored) <= 0.1 * len(printing)


@every_chapter
def test_each_notebook_is_small_and_holds_no_widget_state(path: Path) -> None:
    for folder in ("chapters", "solutions"):
        file = ROOT / folder / f"{path.stem}.ipynb"
        assert file.stat().st_size < 2_500_000
        notebook = nbformat.read(file, as_version=4)
        assert "widgets" not in notebook.metadata
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                assert output.output_type != "error"
