"""Chapters as this course really changed: solved at an old release, updated to today's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from utils.course.building.plan import notebook_of
from utils.course.keeping_up import git
from utils.course.keeping_up.cells import cells_of, exercises_in, in_bytes
from utils.course.keeping_up.merge import merged

ROOT = Path(__file__).resolve().parents[3]
NOTE = {"cell_type": "markdown", "id": "5b0c9d1e", "metadata": {}, "source": "my note"}
#: Old releases of a chapter, the first among them: one takes seven seconds, all take two minutes.
EACH = int(os.environ.get("RELEASES", "1"))


def at(commit: str, path: Path) -> dict[str, Any]:
    return notebook_of(git.git(ROOT, "show", f"{commit}:{path.relative_to(ROOT).as_posix()}"))


def commits(path: Path) -> list[str]:
    """The commits that changed a chapter, the newest, which is today's, left out."""
    listed = git.said(ROOT, "log", "--format=%H", "--", str(path)) or ""
    return listed.split()[1:]


def solved(commit: str, path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """A chapter in which every exercise is answered, with a note and a changed sentence."""
    cells, answers = cells_of(at(commit, path)), {}
    solution = cells_of(at(commit, ROOT / "solutions" / path.name))
    theirs = exercises_in(solution)
    for id_, exercise in exercises_in(cells).items():
        cell = cells[exercise.cell]
        cell["source"] = answers[id_] = solution[theirs[id_].cell]["source"] + f"\n# mine: {id_}"
    prose = next(c for c in reversed(cells) if c["cell_type"] == "markdown")
    prose["source"] += "\n\nMy own sentence."
    first = min(exercise.cell for exercise in exercises_in(cells).values())
    cells.insert(first + 1, dict(NOTE))
    return {**at(commit, path), "cells": cells}, answers


NAMES = [path.name for path in sorted((ROOT / "chapters").glob("*.ipynb"))]


@pytest.mark.parametrize(
    ("name", "knows_base"),
    [*((name, True) for name in NAMES), *((name, False) for name in NAMES[1::4])],
)
def test_every_answer_comes_through_whole(name: str, knows_base: bool) -> None:
    path = ROOT / "chapters" / name
    past = commits(path)
    if not past:
        pytest.skip("this copy of the course has no history")
    for commit in past[:: -max(1, len(past) // EACH)][:EACH]:
        mine, answers = solved(commit, path)
        result = merged(mine, at(commit, path) if knows_base else None, at("HEAD", path))
        sources = [
            "".join(cell["source"]) for cell in notebook_of(in_bytes(result.notebook))["cells"]
        ]
        for answer in answers.values():
            assert sources.count(answer) == 1
        now = exercises_in(result.notebook["cells"])
        kept = {*result.answers, *result.removed}
        assert kept == {*answers}
        for id_ in result.answers:
            assert result.notebook["cells"][now[id_].cell]["source"] == answers[id_]
        first = next(iter(answers.values()))
        after = sources[sources.index(first) + 1 :][:2]  # a word on what changed may come between
        assert NOTE["source"] in after
        assert not knows_base or any(source.endswith("My own sentence.") for source in sources)
