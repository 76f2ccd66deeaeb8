"""Chapters are linked where they are named, and papers where they are known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.course.building.build import course_root
from utils.course.building.linking import link_text
from utils.course.building.papers import PAPERS, address_of
from utils.course.building.source import read_source

SOURCES = sorted((course_root() / "solutions").glob("[0-9][0-9]_*.py"))
HERE = SOURCES[5]
SEVEN = SOURCES[7].stem


def linked(text: str) -> str:
    notebook = new_notebook(cells=[new_markdown_cell(text), new_code_cell("chapter 07")])
    link_text(notebook, HERE)
    assert notebook.cells[1].source == "chapter 07"
    return notebook.cells[0].source


def test_the_first_mention_of_another_chapter_is_linked() -> None:
    assert linked("as in chapter 07, chapter 07 or chapter 05") == (
        f"as in [chapter 07]({SEVEN}.ipynb), chapter 07 or chapter 05"
    )
    assert linked("chapters 07 and 08; chapter 77") == (
        f"[chapters 07]({SEVEN}.ipynb) and 08; chapter 77"
    )
    assert linked("as in chapter\n07.") == f"as in [chapter\n07]({SEVEN}.ipynb)."


def test_a_paper_is_linked_wherever_its_line_breaks() -> None:
    told = "A. Vaswani, *Attention Is All\nYou Need*, 2017, and *not a paper*, **a word**."
    assert linked(told) == told.replace(
        "*Attention Is All\nYou Need*",
        "[*Attention Is All\nYou Need*](https://arxiv.org/abs/1706.03762)",
    )
    assert "%2808%29" in linked("*Catastrophic Interference in Connectionist Networks*")


@pytest.mark.parametrize(
    "text",
    [
        "## After chapter 07",
        "`chapter 07` and ``` chapter 07 ```",
        "    chapter 07",
        "<details><summary>chapter 07</summary>as in chapter\n07</details>",
        "[chapter 07](elsewhere.ipynb)",
        "$chapter 07$",
        "5 *CTRL 6",
        "a*CTRL*b",
    ],
)
def test_what_is_no_plain_text_is_left_alone(text: str) -> None:
    assert linked(text) == text


def titles(path: Path) -> set[str]:
    """Those that stand before a year since 2010."""
    cells = [c.source for c in read_source(path).solved().cells if c.cell_type == "markdown"]
    told = " ".join(" ".join(cells).split())
    return set(re.findall(r"(?<!\*)\*([^*]+)\*(?!\*), 20[12]\d", told))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:2])
def test_each_paper_of_our_time_is_linked(path: Path) -> None:
    assert {title for title in titles(path) if not address_of(title)} == set()


def test_each_address_is_used() -> None:
    told = " ".join(
        " ".join(path.read_text("utf-8").replace("\n# ", " ") for path in SOURCES).split()
    )
    assert {title for title in PAPERS if f"*{title}*".casefold() not in told.casefold()} == set()
