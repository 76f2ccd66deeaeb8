"""Reading a learner's notebook without running it: its cells, and the exercises it should have."""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$")
_EXERCISE = re.compile(r"Exercise\s+(\d+\.\w+)\s*(?:[·:.–—-]\s*)?(.*)")
_CHECK = re.compile(r"""^[^#"'\n]*\bcheck\(\s*["']([^"'\n]+)["']""", re.MULTILINE)

_BINDING = re.compile(r"^\s*(?:def\s+|class\s+|import\s+)?(\w+)\s*(?:[=(:]|$)", re.MULTILINE)


class NotANotebook(ValueError):
    """The file can't be run as a notebook; the message says why, and what to do."""


@dataclass(frozen=True)
class Cell:
    """A code cell that is not empty; `number` counts as a fresh Run All does, from 1."""

    number: int
    source: str
    heading: str
    tags: frozenset[str] = frozenset()


@dataclass
class Plan:
    """The code cells in order, and per exercise id its title and the cell that checks it."""

    cells: list[Cell] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    checked_in: dict[str, int] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        return list(dict.fromkeys([*self.titles, *self.checked_in]))


def read_plan(path: Path) -> Plan:
    """The plan of the notebook at `path`; raises `NotANotebook`."""
    plan, heading = Plan(), ""
    for cell in _cells(path):
        source = cell.get("source", "")
        source = "".join(source) if isinstance(source, list) else str(source)
        if cell.get("cell_type") == "markdown":
            heading = _read_headings(source, plan) or heading
        elif cell.get("cell_type") == "code" and source.strip():
            tags = (cell.get("metadata") or {}).get("tags")
            tags = frozenset(tags if isinstance(tags, list) else [])
            plan.cells.append(Cell(len(plan.cells) + 1, source, heading, tags))
            for id_ in checked_ids(source):
                plan.checked_in[id_] = plan.cells[-1].number
    if not plan.cells:
        raise NotANotebook("is empty: it has no code cell to run")
    return plan


def _cells(path: Path) -> list[dict[str, Any]]:
    if path.is_dir():
        raise NotANotebook("is a folder that holds no notebook")
    try:
        return notebook_of(path.read_bytes())["cells"]
    except FileNotFoundError:
        raise NotANotebook("does not exist") from None
    except OSError as error:
        raise NotANotebook(f"can't be read: {error.strerror or error}") from error


def notebook_of(content: bytes) -> dict[str, Any]:
    """A file's notebook as plain data, of format 4; raises `NotANotebook`."""
    notebook = _json(content)
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise NotANotebook("is no notebook: it is JSON, but not of the notebook format")
    try:
        notebook = notebook if notebook["nbformat"] == 4 else _upgraded(notebook)
        cells = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
        metadata = notebook.get("metadata") or {}
        spec, info = metadata.get("kernelspec") or {}, metadata.get("language_info") or {}
        language = str(info.get("name") or spec.get("language") or "python")
    except Exception as error:
        raise NotANotebook(f"is no notebook that can be read: {error!r}") from error
    if language.lower() not in {"python", "python3", "ipython"}:
        raise NotANotebook(f"is a notebook in {language}, and the course's kernel runs Python")
    return {**notebook, "metadata": metadata, "cells": cells}


def _upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """A notebook of an older format as one of version 4."""
    import nbformat  # loads a second's worth of schemas, which today's notebooks do without

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nbformat.converter.convert(nbformat.reader.reads(json.dumps(content)), 4)


def _json(content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotANotebook("is no notebook: it is not text in UTF-8") from None
    if not text.strip():
        raise NotANotebook("is no notebook: the file is empty")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        if re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE):
            raise NotANotebook(
                "holds the marks of an unfinished merge (<<<<<<<): settle it with git first"
            ) from None
        raise NotANotebook(f"is no notebook: it is not JSON ({error})") from None


def _read_headings(markdown: str, plan: Plan) -> str:
    """Note the exercises that the headings of one cell announce; the last heading, or ''."""
    last, fenced = "", False
    for line in markdown.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        found = None if fenced else _HEADING.match(line)
        if found:
            last = found.group(1).strip("*_` ")
            exercise = _EXERCISE.match(last)
            if exercise:
                plan.titles[exercise.group(1)] = exercise.group(2).strip()
    return last


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell, its magics translated; None where it is not Python."""
    if source.lstrip().startswith("%%"):  # such as %%time, whose body is Python as a rule
        source = source.lstrip().partition("\n")[2]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError):
        return None


def checked_ids(source: str) -> list[str]:
    """The ids in the calls of `check` in a cell, read by eye where the cell does not parse.

    >>> checked_ids('f = check("2.3", f)'), checked_ids('def f(: \\ncheck("2.4", f)')
    (['2.3'], ['2.4'])
    """
    tree = parse(source) if "check" in source else None  # to parse takes long, and few have it
    if tree is None:
        return _CHECK.findall(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return [
        call.args[0].value
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) == "check"
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ]


def names_bound(source: str) -> set[str]:
    """Every name that a cell would define, had it run; by eye where the cell does not parse."""
    tree = parse(source)
    return set(_BINDING.findall(source) if tree is None else _bound(tree))


def _bound(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.alias):
            names.append((node.asname or node.name).split(".")[0])
    return names
