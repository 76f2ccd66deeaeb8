"""A notebook's cells as plain data, and the exercises among them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from utils.course.building import plan
from utils.course.grading.unseen import checks

Cell = dict[str, Any]

_HEADING = re.compile(r"^#{1,6}[ \t]+Exercise[ \t]+(\d+\.\w+)[ \t]*[·:.–—-]?[ \t]*(.*)$", re.M)
_ID = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True)
class Exercise:
    """An exercise in a notebook: where its answer is checked, and where its text stands, if so."""

    id: str
    cell: int
    text: int | None = None
    title: str = ""
    name: str = ""

    def is_like(self, other: Exercise) -> bool:
        """Whether both ask for the same: by title, or by the name of the function."""
        titles, names = {self.title, other.title}, {self.name, other.name}
        return (len(titles) == 1 and "" not in titles) or (len(names) == 1 and "" not in names)


def cells_of(notebook: dict[str, Any]) -> list[Cell]:
    """The cells, each with a text for its source and whatever else its kind must have."""
    return [_whole(cell) for cell in notebook["cells"]]


def _whole(cell: Cell) -> Cell:
    whole = dict(cell)
    source, metadata = cell.get("source") or "", cell.get("metadata")
    whole["source"] = "".join(map(str, source)) if isinstance(source, list) else str(source)
    whole["metadata"] = metadata if isinstance(metadata, dict) else {}
    whole["id"] = _ID.sub("-", str(cell.get("id") or ""))[:64]
    if cell.get("cell_type") == "code":
        outputs = cell.get("outputs")
        whole["outputs"] = outputs if isinstance(outputs, list) else []
        whole.setdefault("execution_count", None)
    else:
        whole.pop("outputs", None)
        whole.pop("execution_count", None)
    return whole


def same(one: Cell, other: Cell) -> bool:
    """Whether two cells say the same, whatever they are called and have put out."""
    return (one.get("cell_type"), one["source"]) == (other.get("cell_type"), other["source"])


def exercises_in(cells: Sequence[Cell]) -> dict[str, Exercise]:
    """The exercises by id; the last cell that checks one is its cell."""
    found: dict[str, Exercise] = {}
    texts: dict[str, tuple[int, str]] = {}
    for i, cell in enumerate(cells):
        if cell.get("cell_type") == "markdown":
            texts.update({m[1]: (i, m[2].strip()) for m in _HEADING.finditer(cell["source"])})
        elif cell.get("cell_type") == "code":
            for id_, name in _checked(cell["source"]):
                text, title = texts.get(id_, (None, ""))
                found[id_] = Exercise(id_, i, text, title, name)
    return found


def _checked(source: str) -> Iterator[tuple[str, str]]:
    """The exercises that a cell checks, and the name of each answer, empty where it has none."""
    if "check" not in source:
        return
    names = {check.id: check.answer or "" for check in checks(plan.Cell(0, source, ""))}
    for id_ in plan.checked_ids(source):
        yield id_, names.get(id_, "")


def in_bytes(notebook: dict[str, Any]) -> bytes:
    """The file of a notebook, as the builder and JupyterLab write it.

    Raises ValueError where it is none that they open.
    """
    import nbformat

    made = nbformat.from_dict(notebook)
    try:
        nbformat.validate(made)
    except nbformat.ValidationError as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    try:
        return (nbformat.writes(made, indent=1, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half a character, which only an escape can hold
        return (nbformat.writes(made, indent=1, ensure_ascii=True) + "\n").encode()


def note(text: str, id_: str) -> Cell:
    """A cell that the update adds, to say something at its place."""
    tag = {"tags": ["course-update"]}
    return {"cell_type": "markdown", "id": id_, "metadata": tag, "source": text}


def raw(cell: Cell) -> Cell:
    """Code that is kept and no longer run: the very text, in a cell without outputs."""
    return {"cell_type": "raw", "id": cell["id"], "metadata": {}, "source": cell["source"]}


def is_stub(cell: Cell) -> bool:
    """Whether an exercise's cell holds no work: functions that only say whose turn it is."""
    tree = plan.parse(cell["source"])
    if tree is None or any(line.strip().startswith("#") for line in cell["source"].splitlines()):
        return False
    stubs = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    return bool(stubs) and all(map(_is_left, tree.body))


def _is_left(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return all(map(_is_left, node.body))
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_check = isinstance(node, ast.Assign | ast.Expr) and isinstance(node.value, ast.Call)
    stub = isinstance(node, ast.Raise) and "your turn" in ast.unparse(node)
    return stub or is_text or is_check or isinstance(node, ast.Import | ast.ImportFrom)


def digest_of(notebook: dict[str, Any]) -> str:
    """The builder's own mark of what a notebook says: the same for all copies of one release."""
    course = notebook["metadata"].get("course")
    said = course.get("sources") if isinstance(course, dict) else None
    return said if isinstance(said, str) else ""


def key(cell: Cell) -> str:
    """What two cells that say the same share."""
    return json.dumps([cell.get("cell_type"), cell["source"]])
