"""Where the exercises of the course are found, by id."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from utils.course.exercise import Exercise

WEEKS = range(1, 6)


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises of the course by id, in the order of the chapters.

    Raises ValueError where two exercises share an id.
    """
    found: dict[str, Exercise] = {}
    for week in WEEKS:
        name = f"utils.course.exercises.week_{week}"
        if find_spec(name) is None:
            continue
        for exercise in import_module(name).EXERCISES:
            if exercise.id in found:
                raise ValueError(f"two exercises have the id {exercise.id}: give one another id")
            found[exercise.id] = exercise
    return found


def exercise(id: str) -> Exercise:
    """The exercise with this id, e.g. `"2.3"`.

    Raises ValueError, naming the nearest ids, where there is none.
    """
    known = exercises()
    if id in known:
        return known[id]
    near = difflib.get_close_matches(str(id), known, n=3, cutoff=0.3) or list(known)[:3]
    raise ValueError(f"no exercise has the id {id!r}; did you mean {' or '.join(near)}?")
