"""Each chapter runs from top to bottom whatever is solved, and is what its source generates."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from utils.course.build import IGNORED, build, course_root
from utils.course.source import BEGIN, Source, checked_ids, read_source

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


def variants() -> list[tuple[Path, frozenset[str]]]:
    """Each chapter with one exercise solved, for every exercise, and with all solved.

    With none solved a chapter is what learners open: nbval runs that one.
    """
    found = []
    for path in PATHS:
        ids = exercise_ids(path)
        found += [(path, frozenset({id})) for id in ids]
        if len(ids) > 1:
            found.append((path, frozenset(ids)))
        found.append((path, frozenset()))
    return found


@pytest.mark.parametrize(
    ("path", "solved"),
    variants(),
    ids=lambda value: value.stem if isinstance(value, Path) else "+".join(sorted(value)) or "none",
)
def test_it_runs_whatever_is_solved(path: Path, solved: frozenset[str], tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    notebook = source(path).unsolved(solved)
    environment = {**os.environ, "COURSE_REPORT": str(report), "COURSE_STRICT": "0"}
    client = NotebookClient(
        notebook,
        timeout=200,
        store_widget_state=False,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute(env=environment)
    lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    found = {entry["id"]: entry["status"] for entry in map(json.loads, lines)}
    assert found == {id: "right" if id in solved else "not attempted" for id in exercise_ids(path)}


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
