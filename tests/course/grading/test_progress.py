"""`course progress`: read from outputs, with what must be there taken from the course."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from typer.testing import CliRunner

from utils.course import cli
from utils.course.checking import registry
from utils.course.grading.progress import exercises_of, markdown, read_chapter, read_course, table


def write(path: Path, *texts: str) -> Path:
    cells = [
        new_code_cell(
            f'f = check("{text.split()[1]}", f)', outputs=[new_output("stream", text=text)]
        )
        for text in texts
    ]
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    squares, gradient = "✅ 1.2 The squares\n", "❌ 1.3 The gradient: no\n   got 1\n"
    write(tmp_path / "01_models.ipynb", squares, gradient)
    write(tmp_path / "02_text.ipynb", "⬜ 2.1 Bytes: not attempted yet.\n", "✅ 2.1 Bytes\n")
    return tmp_path


def test_the_last_word_on_each_exercise_counts(folder: Path) -> None:
    one, two = read_course(folder)
    assert (one.said["1.2"], one.said["1.3"], one.said["1.4"]) == (
        "right",
        "wrong",
        "not attempted",
    )
    assert two.said["2.1"] == "right"
    assert (one.week, two.week, one.solved, two.solved) == (1, 1, 1, 1)


def test_what_another_cell_prints_has_no_say(tmp_path: Path) -> None:
    path = write(tmp_path / "01_models.ipynb", "✅ 1.2 The squares\n⬜ 1.3 a part of a list\n")
    assert read_chapter(path).said["1.3"] == "not attempted"
    write(path, "✅ 1.2 The squares\n", "✅ 1.3 The gradient\n❌ 1.2 a part of a list\n")
    assert read_chapter(path).solved == 2


def test_what_must_be_there_is_the_courses(folder: Path) -> None:
    (one, _) = read_course(folder)
    assert list(one.said) == exercises_of(1)
    known = registry.exercises()
    minutes = sum(known[id_].minutes for id_ in exercises_of(1))
    assert one.minutes_left == minutes - known["1.2"].minutes


def test_every_exercise_of_the_course_belongs_to_one_chapter() -> None:
    assert sorted(id_ for n in range(12) for id_ in exercises_of(n)) == sorted(registry.exercises())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', '{"cells": [3]}', "[" * 100_000])
def test_what_is_no_notebook_is_named_and_costs_nothing_else(folder: Path, text: str) -> None:
    (folder / "03_broken.ipynb").write_text(text)
    *fine, broken = read_course(folder)
    assert broken.problem
    assert [chapter.solved for chapter in fine] == [1, 1]
    assert "03 broken" in table(read_course(folder))


def test_notebooks_are_only_read(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    said = CliRunner().invoke(cli.app, ["progress", str(folder)])
    assert said.exit_code == 0
    assert "Week 1:" in said.output
    assert "❌" in said.output
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_line_to_post(folder: Path) -> None:
    line = markdown(read_course(folder))
    assert line.startswith(f"01 1/{len(exercises_of(1))} · 02 1/{len(exercises_of(2))} · **2 of ")
    assert "1 wrong" in line
    assert "\n" not in line


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli.app, ["progress", str(tmp_path)]).exit_code == 2


def test_outputs_of_the_solutions_say_that_all_is_solved() -> None:
    solved = read_chapter(next(Path(cli.course_root(), "solutions").glob("03_*.ipynb")))
    assert solved.solved == len(solved.said)
    assert solved.minutes_left == 0


def test_a_chapter_has_the_name_that_it_gives_itself(tmp_path: Path) -> None:
    path = tmp_path / "06_a_whole_gpt.ipynb"
    heading = nbformat.v4.new_markdown_cell("# 06 · A whole GPT\n\nIt begins.")
    nbformat.write(new_notebook(cells=[heading]), path)
    assert read_chapter(path).title == "A whole GPT"
    assert "06 A whole GPT" in table([read_chapter(path)])
