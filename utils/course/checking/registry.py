"""Where the exercises of the course are found, by id."""

from __future__ import annotations

import difflib
import pkgutil
from functools import cache
from importlib import import_module

from utils.course import exercises as chapters
from utils.course.checking.exercise import Exercise
from utils.course.checking.show import show


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises of the course by id, in the order of the chapters.

    Raises ValueError where two exercises share an id.
    """
    found: dict[str, Exercise] = {}
    names = sorted(module.name for module in pkgutil.iter_modules(chapters.__path__))
    for name in names:
        if not name.startswith("chapter_"):
            continue
        for exercise in import_module(f"{chapters.__name__}.{name}").EXERCISES:
            if exercise.id in found:
                raise ValueError(f"two exercises have the id {exercise.id}: give one another id")
            found[exercise.id] = exercise
    return found


def exercise(id: str) -> Exercise:
    """The exercise with this id, e.g. `"2.3"`.

    Raises ValueError, naming the nearest ids, where there is none, and for a number, since 8.1 and
    8.10 are one number and two ids.
    """
    known = exercises()
    if not isinstance(id, str):
        raise ValueError(f'ids are text: write check("{show(id)}", …), with quotation marks')
    if id in known:
        return known[id]
    near = difflib.get_close_matches(id, known, n=3, cutoff=0.3) or list(known)[:3]
    raise ValueError(f"no exercise has the id {id!r}; did you mean {' or '.join(near)}?")
