"""Small trainings by `course train`, in this process."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from utils.course import cli


def course_train(*words: object) -> Result:
    """What the command says, and how it ends."""
    return CliRunner().invoke(cli.app, ["train", *map(str, words)])


def write(path: Path, word: str) -> Path:
    """A text of some kB, in which the word comes often."""
    path.write_text("".join(f"{word} {n} and {word}.\n" for n in range(200)), encoding="utf-8")
    return path
