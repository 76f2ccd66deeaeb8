"""Sources are listed where a paragraph of them stands."""

from __future__ import annotations

import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.course.building.build import course_root, targets
from utils.course.building.frame import list_sources

TOLD = """## Recap

It is so.

Sources. The loop: M. Phuong and M. Hutter, [*Formal: Algorithms*](https://x.org/1), 2022, Alg.
13. Top-k: A. Fan, *One*, 2018; with a *penalty*: Y. Wu, *Two: a tale*, 2016. pass@k: the
llama.cpp project.

| English |"""
LISTED = """## Recap

It is so.

**Sources**

- **The loop**: M. Phuong and M. Hutter, [*Formal: Algorithms*](https://x.org/1), 2022, Alg. 13.
- **Top-k**: A. Fan, *One*, 2018; with a *penalty*: Y. Wu, *Two: a tale*, 2016.
- **pass@k**: the llama.cpp project.

| English |"""


def listed(text: str) -> str:
    notebook = new_notebook(cells=[new_code_cell(text), new_markdown_cell(text)])
    list_sources(notebook)
    assert notebook.cells[0].source == text
    return notebook.cells[1].source


def test_a_paragraph_of_sources_becomes_a_list_by_subject() -> None:
    assert listed(TOLD) == LISTED
    assert listed(LISTED) == LISTED


@pytest.mark.parametrize("text", ["The Sources. Of it: all.", "Resources. One: A. B, *C*, 1."])
def test_other_paragraphs_are_left_alone(text: str) -> None:
    assert listed(text) == text


def test_every_chapters_sources_name_what_they_are_of() -> None:
    entries = [
        line
        for target in targets(course_root())
        if target.solved
        for cell in target.generate().cells
        if cell.cell_type == "markdown" and "**Sources" in cell.source
        for line in cell.source.split("**Sources")[1].splitlines()
        if line.startswith("- ")
    ]
    assert len(entries) > 90
    for entry in entries:
        assert re.match(r"- \*\*[^*:.]{3,60}\*\*: \S.*\.$", entry), entry
        assert not re.search(r"\d{4}\. [A-Z][a-z]+[^.*]*: ", entry), entry
