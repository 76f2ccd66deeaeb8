"""A learner's chapter and a newer release's made one: the release's cells, the learner's work."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from utils.course.keeping_up.cells import (
    Cell,
    cells_of,
    exercises_in,
    note,
    raw,
    same,
)
from utils.course.keeping_up.matching import base_guessed, copies, exercise_pairs, successors

__all__ = ["CannotMerge", "Merged", "merged"]

GONE = "## Kept from before the update\n\nThe exercises below are no longer in this chapter."


class CannotMerge(ValueError):
    """The two can't be made one without losing something; the message says why."""


@dataclass
class Merged:
    """The notebook, and what became of the learner's work in it.

    `answers` are the exercises whose cells are the learner's; `changed` has the lines by which the
    release's cells of those differ, `reworded` the sentences where the text alone does, new ones
    first, `moved` their new numbers, `removed` those that are no longer asked. `fresh`
    are the release's new exercises. `edited`, `beside` and `added` count the learner's other cells:
    kept in place, kept below the release's newer one, and written between the course's.
    """

    notebook: dict[str, Any]
    answers: list[str] = field(default_factory=list)
    changed: dict[str, str] = field(default_factory=dict)
    reworded: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    edited: int = 0
    beside: int = 0
    added: int = 0


class _Merge:
    """One merge at work: `behind` holds further cells by the release's cell that they follow."""

    def __init__(self, mine: list[Cell], base: list[Cell], new: list[Cell]) -> None:
        self.mine, self.base, self.new = mine, base, new
        self.copies, self.successors = copies(mine, base), successors(base, new)
        self.old_exercises, self.exercises = exercises_in(base), exercises_in(new)
        self.numbers = {
            one.id: other.id for one, other in exercise_pairs(self.old_exercises, self.exercises)
        }
        self.behind: dict[int, list[Cell]] = {}
        self.gone: list[Cell] = []
        self.ids = {cell["id"] for cell in new}
        self.result = Merged({})

    def run(self) -> list[Cell]:
        """The cells of both, in the release's order."""
        place: dict[int, Cell] = {}
        anchor = -1
        for i, cell in enumerate(self.mine):
            b = self.copies.get(i)
            n = self.successors.get(b) if b is not None else None
            if n is not None:
                anchor = n
                place[n] = self._kept_or_new(cell, self.base[b], n)
            elif b is None:
                self.result.added += 1
                self._put_behind(anchor, cell)
            elif not same(cell, self.base[b]):
                self._orphan(cell, b, anchor)
        cells = [*self._further(self.behind.get(-1, ()))]
        for n, cell in enumerate(self.new):
            cells += [place.get(n, cell), *self._further(self.behind.get(n, ()))]
        if self.gone:
            cells += self._further([note(GONE, "kept-from-before"), *self.gone])
        self.result.fresh = [e for e in self.exercises if e not in self.numbers.values()]
        return cells

    def _further(self, cells: Iterable[Cell]) -> Iterator[Cell]:
        """Cells that are not the release's, under ids that no other cell has."""
        for cell in cells:
            id_, count = cell["id"] or "cell", 1
            while id_ in self.ids:
                count += 1
                id_ = f"{cell['id'][:56] or 'cell'}-m{count}"
            self.ids.add(id_)
            yield {**cell, "id": id_}

    def _kept_or_new(self, cell: Cell, base: Cell, n: int) -> Cell:
        """What stands in place of the release's cell `n`, which was `base`, and is `cell` here."""
        new = self.new[n]
        if same(cell, new):
            return _under(cell, new)
        if same(cell, base):
            return new
        exercise = next((e for e in self.exercises.values() if e.cell == n), None)
        if exercise is not None and cell.get("cell_type") == "code":
            return self._answer(cell, base, new, exercise.id)
        if not cell["source"].strip():
            return new
        if same(base, new):
            self.result.edited += 1
            return _under(cell, new)
        self._keep_below(cell, n, "The release has another version of the cell above; yours was:")
        return new

    def _answer(self, cell: Cell, base: Cell, new: Cell, id_: str) -> Cell:
        old = next((o for o, now in self.numbers.items() if now == id_), id_)
        self.result.answers.append(id_)
        if old != id_:
            self.result.moved[old] = id_
            cell = {**cell, "source": _renumbered(cell["source"], old, id_)}
            base = {**base, "source": _renumbered(base["source"], old, id_)}
        said = _difference(base["source"].splitlines(), new["source"].splitlines())
        texts = self._texts(old, id_)
        if said:
            self.result.changed[id_] = said
            self._put_behind(self.exercises[id_].cell, _changed(id_, new))
        elif texts is not None and not same(*texts):
            lines = _difference(*map(_sentences, texts)).splitlines()
            self.result.reworded[id_] = "\n".join(sorted(lines, key=lambda line: line[0] != "+"))
        return _under(cell, new)

    def _texts(self, old: str, id_: str) -> tuple[Cell, Cell] | None:
        if old not in self.old_exercises:
            return None
        before, now = self.old_exercises[old].text, self.exercises[id_].text
        return None if before is None or now is None else (self.base[before], self.new[now])

    def _orphan(self, cell: Cell, b: int, anchor: int) -> None:
        """Keep what was made of a cell that the release no longer has."""
        exercise = next((e for e in self.old_exercises.values() if e.cell == b), None)
        if exercise is not None:
            self.result.removed.append(exercise.id)
            title = f"**Exercise {exercise.id} · {exercise.title}**, your answer:"
            self.gone += [note(title, "kept-exercise"), raw(cell)]
        else:
            self._keep_below(cell, anchor, "The release no longer has this cell; yours was:")

    def _keep_below(self, cell: Cell, n: int, why: str) -> None:
        self.result.beside += 1
        self._put_behind(n, note(why, "kept-beside"))
        self._put_behind(n, raw(cell) if cell.get("cell_type") == "code" else cell)

    def _put_behind(self, n: int, cell: Cell) -> None:
        self.behind.setdefault(n, []).append(cell)


def merged(mine: dict[str, Any], base: dict[str, Any] | None, new: dict[str, Any]) -> Merged:
    """A newer release's chapter `new` with all that a learner wrote into `mine`, made from `base`.

    The notebooks are plain data and stay as they are. An answer keeps every byte and its outputs;
    so do notes and added cells. Without a base, a cell that the course gave counts as unedited
    unless it is an exercise. Raises CannotMerge where not all of the learner's cells would be kept.
    """
    own, released = cells_of(mine), cells_of(new)
    before = cells_of(base) if base is not None else base_guessed(own, released)
    if before is None:
        raise CannotMerge("its cells have no ids, and the release it was made from isn't at hand")
    merge = _Merge(own, before, released)
    cells = merge.run()
    _check_nothing_lost(own, before, cells, merge.result.moved)
    metadata = {**new["metadata"], **mine["metadata"], "course": new["metadata"].get("course", {})}
    merge.result.notebook = {**new, "metadata": metadata, "cells": cells}
    return merge.result


def _check_nothing_lost(
    mine: Sequence[Cell], base: Sequence[Cell], cells: Sequence[Cell], moved: dict[str, str]
) -> None:
    given = {cell["source"] for cell in base}
    kept = [cell["source"] for cell in cells]
    for cell in mine:
        forms = {cell["source"], *(_renumbered(cell["source"], *pair) for pair in moved.items())}
        if not cell["source"].strip() or cell["source"] in given:
            continue
        found = next((source for source in kept if source in forms), None)
        if found is None:
            raise CannotMerge(f"a cell of yours would be lost: {cell['source'][:60]!r}")
        kept.remove(found)


def _under(cell: Cell, new: Cell) -> Cell:
    """The learner's cell under the release's id, and with the release's tags."""
    tags = [*new["metadata"].get("tags", ())]
    tags += [tag for tag in cell["metadata"].get("tags", ()) if tag not in tags]
    metadata = {**cell["metadata"], **({"tags": tags} if tags else {})}
    return {**cell, "id": new["id"], "metadata": metadata}


def _renumbered(source: str, old: str, new: str) -> str:
    """The source with its check, and its stub, under another number."""
    source = re.sub(rf"""(\bcheck\(\s*["']){re.escape(old)}(?=["'])""", rf"\g<1>{new}", source)
    return source.replace(f'"Exercise {old}: your turn"', f'"Exercise {new}: your turn"')


def _sentences(cell: Cell) -> list[str]:
    """A text's sentences, however its lines are broken."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", cell["source"]))
    return [part for text in paragraphs for part in re.split(r"(?<=[.?:]) ", text) if part]


def _difference(before: list[str], now: list[str]) -> str:
    """The lines by which a release differs from the one before, empty where none does."""
    lines = difflib.unified_diff(before, now, lineterm="", n=0)
    return "\n".join([line for line in lines if not line.startswith(("---", "+++", "@@"))])


def _changed(id_: str, new: Cell) -> Cell:
    longest = max(map(len, re.findall("`+", new["source"])), default=0)
    fence = "`" * max(3, longest + 1)
    return note(
        f"**Exercise {id_} changed with the update.** Your answer stands above as you left it: run "
        "it again. The course's cell is now\n\n"
        f"<details><summary>this</summary>\n\n{fence}python\n{new['source']}\n{fence}\n\n"
        "</details>",
        f"update-{id_.replace('.', '-')}",
    )
