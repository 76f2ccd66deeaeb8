"""The chapters as nbgrader takes them: a cell to write in and a graded cell for every exercise.

nbgrader's format of metadata: https://nbgrader.readthedocs.io (schema 3).
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from utils.course.building.build import course_root, targets
from utils.course.building.source import BEGIN, SOLUTION_ONLY, Source, SourceError, checked_ids
from utils.course.checking import registry
from utils.llm.machine.files import replacing

HIDDEN = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"
SCHEMA = 3


def assignment(source: Source) -> NotebookNode:
    """The solved chapter with nbgrader's metadata, for its folder `source/`.

    The cell of an exercise becomes two: the answer, whose solution nbgrader takes out, and the
    check, locked, which gives a point a star. What the check says stays the learner's to read; a
    test that nbgrader hides from him raises where it was not ✅.
    """
    notebook = copy.deepcopy(source.solved())
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        ids = checked_ids(cell)
        if SOLUTION_ONLY in cell.metadata.get("tags", []):
            continue
        cells += _graded(cell, ids[0]) if ids and BEGIN in cell.source else [cell]
    notebook.cells = cells
    return notebook


def _graded(cell: NotebookNode, id_: str) -> list[NotebookNode]:
    lines = cell.source.splitlines()
    at = next(n for n, line in enumerate(lines) if "check(" in line and id_ in line)
    name, exercise = id_.replace(".", "-"), registry.exercise(id_)
    answer = copy.deepcopy(cell)
    answer.source = "\n".join(lines[:at]).rstrip()
    answer.metadata["nbgrader"] = _metadata(f"answer-{name}", solution=True)
    hidden = HIDDEN.format(f'check.require("{id_}")')
    check = new_code_cell("\n".join([*lines[at:], hidden]), id=f"{cell.id}-check"[-64:])
    check.metadata["nbgrader"] = _metadata(
        f"check-{name}", grade=True, locked=True, points=exercise.stars
    )
    return [answer, check]


def _metadata(grade_id: str, **said: Any) -> dict[str, Any]:
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    return plain | said | {"grade_id": grade_id, "schema_version": SCHEMA}


def write_assignments(names: Sequence[str], folder: Path) -> int:
    """Write chapters (all if none is named) to `folder/source/NN_name/NN_name.ipynb`.

    Returns the exit code: 0, or 1 where something was wrong, which is said on stderr.
    """
    try:
        for target in targets(course_root(), names):
            if target.solved:
                print(_write(target.source, folder), flush=True)
    except (SourceError, ValueError, OSError) as error:
        print(f"course build: {error}", file=sys.stderr)
        return 1
    return 0


def _write(source: Source, folder: Path) -> Path:
    path = folder / "source" / source.name / f"{source.name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(nbformat.writes(assignment(source)).encode())
    return path
