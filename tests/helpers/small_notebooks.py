"""Notebooks of a few cells, for tests of what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

REPORT = """
from utils.course.checking.reporting import report
def check(id, answer, status="right", diagnosis=None):
    line = {"id": id, "title": f"Title {id}", "status": status, "diagnosis": diagnosis}
    report(line | {"seconds": 0.25})
    return answer
"""


def heading(text: str) -> Any:
    return new_markdown_cell(text)


def code(source: str, *tags: str) -> Any:
    return new_code_cell(source, metadata={"tags": list(tags)})


def write(path: Path, *cells: Any, **metadata: Any) -> None:
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata), path)


def stamp(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.glob("*.ipynb")}
