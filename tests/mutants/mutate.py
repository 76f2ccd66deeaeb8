"""The chapters' solutions with one thing changed: what a slip of the fingers makes of them."""

from __future__ import annotations

import ast
import difflib
import json
import random
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from mutants.edits import blocks, variants
from utils.course.assembling.extract import Piece, Statement, pieces, source_of

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True)
class Mutant:
    """A solution with one change: `change` shows the lines that differ, `code` is the program.

    The program defines `name`, the answer, with all that it needs of its chapter.
    """

    exercise: str
    change: str
    code: str
    name: str


def source_path(chapter: str) -> Path:
    """The source of a chapter, `"04"`."""
    return next((ROOT / "solutions").glob(f"{chapter}_*.py"))


@cache
def solutions(chapter: str) -> dict[str, Piece]:
    """The solutions of a chapter by exercise, each with what it needs of the cells above."""
    text = source_path(chapter).read_text(encoding="utf-8")
    cell = {"cell_type": "code", "source": text, "metadata": {}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chapter.ipynb"
        path.write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]}))
        return pieces([path])


def mutants(
    chapter: str, exercise: str, dice: random.Random | None = None, most: int | None = None
) -> list[Mutant]:
    """Every mutant of a solution, none twice; or `most` of them, in the order of the dice."""
    piece = solutions(chapter).get(exercise)
    found: dict[str, Mutant] = {}
    for i, statement in enumerate(piece.statements if piece else ()):
        if BEGIN not in statement.source:
            continue
        plain = ast.unparse(ast.parse(statement.source))
        for source in changed_sources(statement.source, dice):
            if len(found) == most:
                break
            if source == plain or source in found:
                continue
            program = _program(piece, i, source)
            found[source] = Mutant(exercise, _change(plain, source), program, piece.name)
    return list(found.values())


def _program(piece: Piece, i: int, source: str) -> str:
    statements = list[Statement](piece.statements)
    statements[i] = replace(statements[i], source=source)
    changed = replace(piece, statements=statements)
    return source_of([piece.exercise], {piece.exercise: changed}, [piece.exercise])[0]


def _change(before: str, after: str) -> str:
    """What differs, as `line → line`."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    old = [line[2:].strip() for line in lines if line.startswith("- ")]
    new = [line[2:].strip() for line in lines if line.startswith("+ ")]
    if old == new:
        new = ["the same, in the loop before it"]
    return f"{'; '.join(old) or 'nothing'} → {'; '.join(new) or 'nothing'}"


def changed_sources(source: str, dice: random.Random | None = None) -> Iterator[str]:
    """The statement again and again, each time with another change between its markers."""
    tree = ast.parse(source)
    edits = list(_edits(tree, _solution_lines(source)))
    if dice:
        dice.shuffle(edits)
    for holder, key, variant in edits:
        yield from _with(tree, holder, key, variant)


def _edits(tree: ast.AST, inside: set[int]) -> Iterator[tuple[Any, Any, Any]]:
    """What holds something that can change, under which key, and what may stand there instead."""
    names = _names(tree)
    for node, holder, key in _places(tree):
        # What has no line of its own, such as a slice, stands with what holds it.
        if (getattr(node, "lineno", None) or _first_line(node)) in inside:
            yield from ((holder, key, variant) for variant in variants(node, names))
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and block[-1].lineno in inside:
                kept = [each for each in block if each.lineno not in inside]
                for changed in blocks(block[len(kept) :]):
                    yield vars(node), field, [*kept, *changed]


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, Any, Any]]:
    """Every node, with what holds it and under which key."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                yield value, vars(parent), field
            elif isinstance(value, list):
                yield from ((n, value, i) for i, n in enumerate(value) if isinstance(n, ast.AST))


def _with(tree: ast.AST, holder: Any, key: Any, variant: Any) -> Iterator[str]:
    """The code with `variant` at that place, where it still is some; then all is as it was."""
    kept, holder[key] = holder[key], variant
    try:
        source = ast.unparse(tree)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "mutant", "exec")
    except (SyntaxError, ValueError, AttributeError):
        return
    finally:
        holder[key] = kept
    yield source


def _solution_lines(source: str) -> set[int]:
    inside, lines = False, set[int]()
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip() in (BEGIN, END):
            inside = line.strip() == BEGIN
        elif inside:
            lines.add(number)
    return lines


def _first_line(node: ast.AST) -> int:
    return min((n.lineno for n in ast.walk(node) if hasattr(n, "lineno")), default=-1)


def _names(tree: ast.AST) -> list[str]:
    """The parameters and local names of a function, in the order in which they come up."""
    names = dict.fromkeys(n.arg for n in ast.walk(tree) if isinstance(n, ast.arg))
    stored = (n for n in ast.walk(tree) if isinstance(n, ast.Name))
    names |= dict.fromkeys(n.id for n in stored if isinstance(n.ctx, ast.Store))
    return list(names)
