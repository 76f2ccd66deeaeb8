"""Answers that are code: compiled as a cell of their chapter would be."""

from __future__ import annotations

import ast
import contextlib
import json
import linecache
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mutants.mutate import solutions, source_path
from utils.course.assembling.assembled import course_part


@dataclass(frozen=True)
class Answer:
    """An answer out of a file: `says` as in `mutants.cases`, None where it is sound."""

    exercise: str
    name: str
    code: str
    says: tuple[str, ...] | None


def build(code: str, function: str, exercise: str) -> Callable[..., Any]:
    """What `code` calls `function`, from running it.

    An answer of no name is the function of the exercise, or the last one that `code` defines; it
    gets the names of its chapter too. Raises what the code raises.
    """
    space: dict[str, Any] = {"course_part": course_part, "__name__": "__main__"}
    if not function:
        space |= chapter_names(exercise.split(".")[0].zfill(2))
        function = _answer_in(code, exercise)
    file = f"<answer to {exercise}>"
    linecache.cache[file] = (len(code), None, code.splitlines(True), file)
    exec(compile(code, file, "exec"), space)
    return space[function]


def _answer_in(code: str, exercise: str) -> str:
    piece = solutions(exercise.split(".")[0].zfill(2)).get(exercise)
    body = ast.parse(code).body
    bound = [n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    given = [t.id for n in body if isinstance(n, ast.Assign) for t in n.targets if hasattr(t, "id")]
    if piece is not None and (piece.name in bound + given or not bound):
        return piece.name
    return bound[-1]


#: Values that chapters give a name to and answers lean on, quickly computed.
AT_HAND = {"corpus", "stories", "train", "held_out", "vocabulary"}


def _is_at_hand(node: ast.stmt) -> bool:
    """Whether a statement of a chapter defines a helper, a CONSTANT, or a value of `AT_HAND`."""
    if isinstance(node, ast.Assign):
        names = [getattr(target, "id", "") for target in node.targets]
        return all(name in AT_HAND or name.isupper() for name in names)
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


@cache
def chapter_names(chapter: str) -> dict[str, Any]:
    """What a chapter imports and defines for its cells, and the course's own answers by name."""
    tree = ast.parse(source_path(chapter).read_text(encoding="utf-8"))
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    space: dict[str, Any] = {}
    exec(compile(ast.Module(imports, []), "imports", "exec"), space)
    for node in tree.body:
        if _is_at_hand(node):
            with contextlib.suppress(Exception):  # what rests on a cell that isn't run here
                exec(compile(ast.Module([node], []), "at hand", "exec"), space)
    for exercise, piece in solutions(chapter).items():
        space[piece.name] = course_part(exercise)
    return space


def from_files(folder: Path) -> Iterator[Answer]:
    """The answers in the JSON files of a folder, or in one file.

    A file holds a list of objects: `exercise`, `code`, and as one likes `name`, `sound` (true), and
    `says`, a sentence's beginning or several; without it no sentence of the exercise is true.
    """
    for path in sorted(folder.rglob("*.json")) if folder.is_dir() else [folder]:
        for i, entry in enumerate(json.loads(path.read_text(encoding="utf-8"))):
            says = entry.get("says") or ()
            sentences = (says,) if isinstance(says, str) else tuple(says)
            name = entry.get("name") or f"{path.stem} {i + 1}"
            kept = None if entry.get("sound") else sentences
            yield Answer(str(entry["exercise"]), name, entry["code"], kept)
