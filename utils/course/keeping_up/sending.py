"""`course report`: a learner's answers for the authors, without what says whose they are."""

from __future__ import annotations

import ast
import getpass
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from utils.course.assembling.extract import Piece, pieces, source_of
from utils.course.checking.check import RIGHT, WRONG
from utils.course.grading.progress import read_course
from utils.llm.machine.files import replacing

__all__ = ["KIND", "answers_in", "as_text", "write_report"]

KIND = "answers to the course's exercises"
VERSION = 1
_PERSONAL = (
    r"(?<![\w?])[A-Z]:[\\/][\w.~ -]+[\\/][^'\"]*",
    r"\\\\\w[\w.-]*\\[^'\"]*",
    r"~\w*[\\/][^\s'\"]*",
    r"/(?:home|Users|root|tmp|mnt|media|content|workspaces|private|var|opt|work)\b[^\s'\"]*",
    r"[\w.+-]+@[\w-]+\.[\w.]+",
)
_INSTEAD = "…"


def answers_in(folder: Path) -> list[dict[str, str]]:
    """The answers that were judged when their notebook last ran, in the order of the course.

    Each is its `exercise`, its `verdict`, "right" or "wrong", the name of its `function`, and its
    `code`, with what it needs of its notebook. Comments and docstrings are left out, and so are
    paths, addresses and the name of this computer's user.
    """
    chapters = read_course(folder)
    found = pieces(sorted(folder.glob("[0-9][0-9]_*.ipynb")))
    said = {id_: status for chapter in chapters for id_, status in chapter.said.items()}
    return [
        _answer(id_, status, found)
        for id_, status in said.items()
        if status in (RIGHT, WRONG) and id_ in found
    ]


def _answer(id_: str, status: str, found: dict[str, Piece]) -> dict[str, str]:
    source, names = source_of([id_], found, [id_])
    return {
        "exercise": id_,
        "verdict": status,
        "function": names[id_],
        "code": anonymous(source, _users()),
    }


def anonymous(source: str, users: Iterable[str] = ()) -> str:
    """The code without comments and docstrings, and without what is personal in its texts.

    >>> anonymous("x = 'see /home/ana/notes.txt'  # Ana's")
    "x = 'see …'"
    """
    tree = _Anonymous(users).visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


class _Anonymous(ast.NodeTransformer):
    """Takes docstrings out of a tree, and paths, addresses and names of users out of its texts."""

    def __init__(self, users: Iterable[str]) -> None:
        named = [rf"\b{re.escape(user)}\b" for user in users if len(user) > 2]
        self.personal = re.compile("|".join([*_PERSONAL, *named]), re.IGNORECASE)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if getattr(node, "body", None) == []:  # of a text alone
            node.body = [ast.Pass()]
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            node.value = self.personal.sub(_INSTEAD, node.value)
        elif isinstance(node.value, bytes):
            text = self.personal.sub("?", node.value.decode("latin-1"))
            node.value = text.encode("latin-1")
        return node


def _users() -> list[str]:
    try:
        return [*{getpass.getuser(), Path.home().name} - {"root", "user", "jovyan"}]
    except (OSError, KeyError, RuntimeError):  # a container without a name for its user
        return []


def as_text(answers: list[dict[str, str]]) -> str:
    """The file that is sent."""
    content: dict[str, Any] = {"kind": KIND, "version": VERSION, "answers": answers}
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


def write_report(text: str, path: Path) -> None:
    """Write the file. Raises ValueError where a file stands that is no such report."""
    check_free(path)
    with replacing(path) as file:
        file.write(text.encode())


def check_free(path: Path) -> None:
    """Raises ValueError where no report may be written."""
    if path.suffix != ".json":
        raise ValueError(f"--out is {path}: give a name that ends in .json")
    if path.exists() and not _is_ours(path):
        raise ValueError(f"{path} exists and is no report of this kind: give another name")


def _is_ours(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("kind") == KIND
