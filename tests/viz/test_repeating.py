"""A notebook with every kind of piece in it gives the same outputs when it is run again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = [
    """
import ipywidgets as widgets
from utils.course import ask
from utils.course.asking.ask import all_questions
from utils.viz import plots
from utils.viz.explorer import Explorer
""",
    'plots.lines({"model": [3.0, 1.0, 0.5]}, "step", "bits", "It falls.", floor=0.47)',
    """
def draw(n):
    return plots.bars({"n": n}, "count", f"There are {n}.")

piece = Explorer({"n": widgets.IntSlider(2)}, draw)
piece
""",
    'piece.controls["n"].value = 5\nprint(piece)',
    "ask(next(iter(all_questions())))",
]


def nbval(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", str(path)]
    command += ["--rootdir", str(path.parent), "-c", os.devnull, "-p", "no:cacheprovider"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=path.parent, env=environment, capture_output=True, text=True, encoding="utf-8"
    )


@pytest.mark.slow
def test_a_notebook_with_all_the_pieces_repeats_under_strict_nbval(tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.strip(), id=f"c{i}") for i, cell in enumerate(CELLS)]
    )
    NotebookClient(notebook, kernel_name="python3", store_widget_state=False).execute()
    assert "base64" not in json.dumps([_texts(cell) for cell in notebook.cells])
    path = tmp_path / "pieces.ipynb"
    nbformat.write(notebook, path)
    done = nbval(path)
    assert done.returncode == 0, done.stdout + done.stderr


def _texts(cell: nbformat.NotebookNode) -> list[dict[str, str]]:
    return [
        {mime: text for mime, text in output.get("data", {}).items() if mime.startswith("text/")}
        for output in cell.outputs
    ]
