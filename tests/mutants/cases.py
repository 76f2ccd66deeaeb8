"""Answers written by hand: how a file of them says whose they are and what they must be told."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from utils.course.checking import registry

HERE = Path(__file__).parent
#: For `says`: whatever is said, so long as the answer falls.
ANY = "any"

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """One answer: `says` holds the beginnings of the sentences that are true of it, or `ANY`."""

    exercise: str
    name: str
    answer: Answer
    says: tuple[str, ...] = ()
    is_sound: bool = False

    @property
    def label(self) -> str:
        return f"{self.exercise} {self.name}"


_found: list[Case] = []


def wrong(id: str, says: str | tuple[str, ...] | None = None) -> Callable[[Answer], Answer]:
    """Mark a function or class as a wrong answer to exercise `id`.

    `says` is the beginning of the sentence that it must be told, or several that are true of it;
    None where no sentence of the exercise is; `ANY` where that is not looked at.
    """

    def mark(answer: Answer) -> Answer:
        wrongs(id, says, **{answer.__name__: answer})
        return answer

    return mark


def wrongs(id: str, /, says: str | tuple[str, ...] | None = None, **answers: Answer) -> None:
    """Several wrong answers of which the same is true, each under its name."""
    sentences = (says,) if isinstance(says, str) else says or ()
    _found.extend(Case(id, name, answer, sentences) for name, answer in answers.items())


def sound(id: str) -> Callable[[Answer], Answer]:
    """Mark a function or class as a sound answer to exercise `id`, which must pass."""

    def mark(answer: Answer) -> Answer:
        sounds(id, **{answer.__name__: answer})
        return answer

    return mark


def sounds(id: str, /, **answers: Answer) -> None:
    """Several sound answers, each under its name."""
    _found.extend(Case(id, name, answer, is_sound=True) for name, answer in answers.items())


def course(id: str) -> Answer:
    """The course's own answer to an exercise, for cases that build on an earlier one."""
    return registry.exercise(id).reference


@cache
def load(chapter: str) -> tuple[Case, ...]:
    """The cases of a chapter, `"04"`. Raises ValueError where two of an exercise share a name."""
    _found.clear()
    for kind in ("wrong", "sound"):
        file, folder = HERE / kind / f"chapter_{chapter}.py", HERE / kind / f"chapter_{chapter}"
        for path in [file] * file.is_file() + sorted(folder.glob("*.py")):
            _run(path, f"mutants.{kind}.chapter_{chapter}.{path.stem}")
    cases = tuple(_found)
    seen: set[tuple[str, bool]] = set()
    for case in cases:
        if not case.exercise.startswith(f"{int(chapter)}."):
            raise ValueError(f"{case.label} stands among the cases of chapter {chapter}")
        if (case.label, case.is_sound) in seen:
            raise ValueError(f"two cases are called {case.label}: give one another name")
        seen.add((case.label, case.is_sound))
    return cases


def _run(path: Path, name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def chapters() -> list[str]:
    """The numbers of the chapters that have exercises: `["00", "01", …]`."""
    return sorted({f"{int(id.split('.')[0]):02d}" for id in registry.exercises()})
