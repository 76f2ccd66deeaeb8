"""Whatever a learner does to a chapter's cells, an update keeps every cell that is theirs."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from helpers.small_course import code, exercise, markdown

from utils.course.building.plan import notebook_of
from utils.course.keeping_up.cells import in_bytes
from utils.course.keeping_up.merge import merged

Cells = list[dict[str, Any]]
Edit = Callable[[Cells, int, str], None]


def edited(cells: Cells, i: int, mark: str) -> None:
    cells[i]["source"] += f"\n# {mark}"


def emptied(cells: Cells, i: int, mark: str) -> None:
    cells[i]["source"] = ""


def added(cells: Cells, i: int, mark: str) -> None:
    cells.insert(i, {**code(f"added = '{mark}'"), "id": mark})


def copied(cells: Cells, i: int, mark: str) -> None:
    cells.insert(i, {**copy.deepcopy(cells[i]), "id": f"copy-{mark}"})


def deleted(cells: Cells, i: int, mark: str) -> None:
    del cells[i]


def moved(cells: Cells, i: int, mark: str) -> None:
    cells.append(cells.pop(i))


def split(cells: Cells, i: int, mark: str) -> None:
    first, _, rest = cells[i]["source"].partition("\n")
    cells.insert(i, {**copy.deepcopy(cells[i]), "id": f"split-{mark}", "source": first})
    cells[i + 1]["source"] = rest


def joined(cells: Cells, i: int, mark: str) -> None:
    if i + 1 < len(cells):
        cells[i]["source"] += "\n" + cells.pop(i + 1)["source"]


def disabled(cells: Cells, i: int, mark: str) -> None:
    cells[i] = {**markdown(cells[i]["source"]), "id": cells[i]["id"]}


def renamed(cells: Cells, i: int, mark: str) -> None:
    cells[i]["id"] = ""


EDITS: list[Edit] = [edited, emptied, added, copied, deleted, moved]
EDITS += [split, joined, disabled, renamed]


def chapter(*cells: dict[str, Any]) -> dict[str, Any]:
    numbered = [{**copy.deepcopy(cell), "id": f"lines-{i}"} for i, cell in enumerate(cells)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": numbered}


OLD = chapter(
    markdown("# Lines\n\nA line has two numbers."),
    code("import torch\nn = 3"),
    *exercise("1.1", "A line", "line"),
    markdown("So much for lines.\n\nNow for curves."),
    code("print(line(n))"),
    *exercise("1.2", "A curve", "curve"),
    markdown("The end."),
)
NEW = chapter(
    markdown("# Lines and more\n\nA line has two numbers."),
    markdown("What you will build."),
    code("import torch\nn = 3"),
    *exercise("1.1", "A line", "line"),
    *exercise("1.2", "A point", "point"),
    markdown("So much for lines and points.\n\nNow for curves."),
    *exercise("1.3", "A curve", "curve"),
    code("print(curve(n))"),
)


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_lost_whatever_was_done(seed: int) -> None:
    draw, mine = random.Random(seed), copy.deepcopy(OLD)
    for step in range(draw.randrange(1, 12)):
        cells = mine["cells"]
        if cells:
            draw.choice(EDITS)(cells, draw.randrange(len(cells)), f"m{step}")
    result = merged(mine, OLD, NEW)
    made = nbformat.reads(in_bytes(result.notebook).decode(), as_version=4)
    kept = [cell.source for cell in made.cells]
    given = {cell["source"] for cell in OLD["cells"]}
    for cell in mine["cells"]:
        own = cell["source"]
        forms = {own, own.replace('"1.2"', '"1.3"').replace("Exercise 1.2: y", "Exercise 1.3: y")}
        assert not own.strip() or own in given or forms & {*kept}
    ids = [cell.id for cell in made.cells]
    assert len(ids) == len({*ids})
    released = [cell["id"] for cell in NEW["cells"]]
    assert [id_ for id_ in ids if id_ in released] == released
    again = merged(notebook_of(in_bytes(result.notebook)), NEW, NEW)
    assert [cell["source"] for cell in again.notebook["cells"]] == kept
