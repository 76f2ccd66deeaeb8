"""The README's table of weeks and its figures are those of the course."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

from utils.course.asking import questions
from utils.course.checking.registry import exercises
from utils.course.cli import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def figure(words: str) -> int:
    (found,) = re.findall(rf"^\| {words}.*\| (?:more than )?([\d,]+) \|$", README, re.MULTILINE)
    return int(found.replace(",", ""))


def asked() -> int:
    names = [module.name for module in pkgutil.iter_modules(questions.__path__)]
    return sum(len(importlib.import_module(f"{questions.__name__}.{n}").QUESTIONS) for n in names)


def test_every_week_stands_once_and_every_chapter_is_linked_in_its_week() -> None:
    table = README.split("## Five weeks")[1].split("## ")[0]
    rows = re.findall(r"^\| (before|\d) \|.*\|$", table, re.MULTILINE)
    assert rows == ["before", "1", "2", "3", "4", "5"]
    linked = re.findall(r"\]\(chapters/(\w+)\.ipynb\)", table)
    assert linked == sorted(path.stem for path in (ROOT / "chapters").glob("[01]*.ipynb"))


def test_what_it_counts_is_there() -> None:
    mistakes = sum(len(exercise.mistakes) for exercise in exercises().values())
    for told, counted in (
        (figure("exercises, each"), len(exercises())),
        (figure("mistakes that a check"), mistakes),
        (figure("questions to predict"), asked()),
        (figure("notebooks that the tests"), 2 * len([*(ROOT / "solutions").glob("*.py")])),
    ):
        assert 0.9 * counted <= told <= counted


def test_every_command_that_it_names_is_one() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    in_code = " ".join(re.findall(r"`[^`\n]*`|^    .*$", README, re.MULTILINE))
    named = set(re.findall(r"\bcourse ([a-z]+)\b", in_code))
    assert named >= {"train", "chat", "serve", "update", "group", "progress", "report", "challenge"}
    assert named <= known


def test_it_opens_with_a_picture_that_says_what_it_shows() -> None:
    (alt, path) = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", README)[0]
    assert len(alt) > 60
    assert (ROOT / path).is_file()
    assert README.index(f"]({path})") < README.index("    make lab ")
