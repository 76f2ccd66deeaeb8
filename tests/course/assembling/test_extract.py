"""An answer is lifted out of its notebook with all that it needs, and nothing more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from utils.course.assembling.extract import piece_from_json, piece_to_json, pieces, source_of


def notebook(path: Path, *cells: str) -> Path:
    made = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


CELLS = (
    "import math\nimport numpy as np, torch\nfrom torch import Tensor as T, nn\nHALF = 0.5\n"
    "OTHER = open('never opened')",
    "%matplotlib inline\ndef double(x):\n    return x / HALF",
    "double(3",
    "def square(x: T) -> 'T':\n    ### BEGIN SOLUTION\n    math = 3  # its own\n"
    "    return helper(x) if x < 0 else double(x) * x / 2\n"
    "    ### END SOLUTION\n\n\nsquare = check('9.1', square)",
    "def helper(x):\n    return torch.tensor(x).item()",
    "@staticmethod\ndef my_cube(x):\n    return square(x) * x * np.e**0\n"
    "cube = check('9.2', my_cube)",
    "HALF = 0.25",
    "check('9.3', lambda x: x)",
)


@pytest.fixture
def found(tmp_path: Path) -> dict:
    return pieces([notebook(tmp_path / "09_x.ipynb", *CELLS), tmp_path / "none.ipynb"])


def test_an_answer_brings_what_it_needs(found: dict) -> None:
    source, names = source_of(["9.2", "9.1"], found, ["9.1", "9.2"])
    assert names == {"9.2": "my_cube", "9.1": "square"}
    assert "never opened" not in source
    assert "SOLUTION" not in source
    assert "import math" not in source
    assert "nn" not in source.split()
    space: dict = {}
    exec(source, space)
    assert space["square"](3) == 9
    assert space["my_cube"](3) == 27


def test_what_comes_after_the_check_is_not_taken(found: dict) -> None:
    statements = found["9.1"].statements
    assert [s.source for s in statements if "HALF =" in s.source] == ["HALF = 0.5"]
    assert not any("def helper" in s.source for s in statements)


def test_a_part_that_is_not_theirs_is_the_courses(found: dict) -> None:
    source, names = source_of(["9.1", "9.2"], found, ["9.2"])
    assert names == {"9.2": "my_cube"}
    assert 'square = course_part("9.1")' in source
    assert "def square" not in source
    space = {"course_part": {"9.1": lambda x: 100}.get}
    exec(source, space)
    assert space["my_cube"](2) == 200
    assert source_of(["9.1"], found, []) == ("", {})


def test_only_named_functions_are_pieces(found: dict) -> None:
    assert set(found) == {"9.1", "9.2"}


def test_a_piece_travels_as_json(found: dict) -> None:
    for piece in found.values():
        assert piece_from_json(json.loads(json.dumps(piece_to_json(piece)))) == piece


def test_the_last_check_of_an_exercise_counts(tmp_path: Path) -> None:
    cells = [f"def f(x):\n    return {n}\nf = check('9.1', f)" for n in (1, 2)]
    found = pieces([notebook(tmp_path / "09.ipynb", *cells)])
    space: dict = {}
    exec(source_of(["9.1"], found, ["9.1"])[0], space)
    assert space["f"](0) == 2
