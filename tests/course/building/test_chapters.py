"""Each chapter runs from top to bottom whatever is solved, and is what its source generates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from itertools import combinations, count, permutations
from math import comb
from pathlib import Path

import nbformat
import pytest

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


def variants(ids: list[str]) -> list[list[str]]:
    """Which exercises each run solves: of any two, one run has the first without the second.

    Each is solved in half of the runs, and no two in the same half (Sperner 1928), so five
    runs are enough for ten exercises. The runs with none and with all solved are nbval's.
    """
    n_runs = next(n for n in count(2) if comb(n, n // 2) >= len(ids))
    halves = list(combinations(range(n_runs), n_runs // 2))
    return [
        [id for id, half in zip(ids, halves, strict=False) if run in half] for run in range(n_runs)
    ]


def test_any_two_exercises_are_solved_one_without_the_other() -> None:
    for n in range(1, 25):
        ids = [f"1.{i}" for i in range(n)]
        runs = variants(ids)
        assert len(runs) <= max(2, n)
        for one, other in permutations(ids, 2):
            assert any(one in run and other not in run for run in runs)


@every_chapter
@pytest.mark.slow
def test_it_runs_whatever_is_solved(path: Path, tmp_path: Path) -> None:
    """No cell fails, what is solved is right, and what is not passes for nothing."""
    ids = exercise_ids(path)
    command = [sys.executable, str(Path(__file__).with_name("run_variants.py")), str(path)]
    answer = subprocess.run(
        command,
        input=json.dumps(variants(ids)),
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={
            **os.environ,
            "COURSE_STRICT": "0",
            "COURSE_CACHE": str(tmp_path),  # without the real model, as many have it; nbval has it
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": str(ROOT / "tests"),
        },
        timeout=900,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    results = json.loads(answer.stdout.splitlines()[-1])
    assert len(results) == len(variants(ids))
    for solved, found in zip(variants(ids), results, strict=True):
        assert found["failed"] is None, (solved, found["failed"])
        wanted = {id: "right" if id in solved else "not attempted" for id in ids}
        assert found["statuses"] == wanted


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
