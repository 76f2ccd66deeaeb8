"""Which cell of one notebook is which of another: by id, by exercise, by what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from utils.course.keeping_up.cells import Cell, Exercise, exercises_in, is_stub, key, same

__all__ = ["base_guessed", "copies", "exercise_pairs", "successors"]

ALIKE = 0.5  # of two cells' words in common, from which on one is the other, rewritten
MAY_LACK_IDS = 0.5  # of the cells: of more than that nobody can tell whose they are

Pairs = dict[int, int]


def copies(mine: Sequence[Cell], base: Sequence[Cell]) -> Pairs:
    """Of a learner's cells, those that came with the course, by the cell they came as.

    An id is kept through all editing; where a program has dropped the ids, the exercise tells, or
    the text.
    """
    pairs: Pairs = {}
    _add_by(pairs, _by_id(mine), _by_id(base))
    _add_by(pairs, _by_exercise(mine), _by_exercise(base))
    _add_same(pairs, mine, base)
    return pairs


def successors(base: Sequence[Cell], new: Sequence[Cell]) -> Pairs:
    """Of one release's cells, what became of them in another.

    Ids number the cells below a heading, so one more cell renames the next: what a cell says goes
    before what it is called.
    """
    old, now = exercises_in(base), exercises_in(new)
    pairs: Pairs = {}
    for one, other in exercise_pairs(old, now):
        pairs[one.cell] = other.cell
        if one.text is not None and other.text is not None:
            pairs[one.text] = other.text
    taken = {e.cell for e in old.values()}, {e.cell for e in now.values()}
    _add_same(pairs, base, new, taken)
    ids = _by_id(new)
    for i, cell in enumerate(base):
        j = ids.get(cell["id"])
        if j is not None and _may_pair(pairs, i, j, taken) and _alike(cell, new[j]):
            pairs[i] = j
    for i, j in _between(pairs, len(base), len(new)):
        if _may_pair(pairs, i, j, taken) and _alike(base[i], new[j]):
            pairs[i] = j
    return pairs


def exercise_pairs(
    old: Mapping[str, Exercise], new: Mapping[str, Exercise]
) -> list[tuple[Exercise, Exercise]]:
    """The exercises of one release that another has too, though perhaps under another number."""
    pairs = [(e, new[e.id]) for e in old.values() if e.id in new and e.is_like(new[e.id])]
    for one in old.values():
        left = {e.id for _, e in pairs}
        if one in [e for e, _ in pairs]:
            continue
        like = [e for e in new.values() if e.id not in left and one.is_like(e)]
        if len(like) == 1:
            pairs.append((one, like[0]))
    return pairs


def base_guessed(mine: Sequence[Cell], new: Sequence[Cell]) -> list[Cell] | None:
    """The release that a notebook was made from, as far as the notebook itself can tell.

    Cells with ids as the builder gives them count as the release's own, unedited, save for
    exercises with work in them. None where the ids are gone.
    """
    own = [cell for cell in mine if _is_builders(cell)]
    if len(own) < MAY_LACK_IDS * len(mine):
        return None
    released, answered = exercises_in(new), exercises_in(mine)
    base = []
    at_work = {e.cell: released.get(e.id) for e in answered.values() if not is_stub(mine[e.cell])}
    for i, cell in enumerate(mine):
        if not _is_builders(cell):
            continue
        twin = at_work.get(i)
        if i not in at_work:
            base.append(cell)
        elif twin is not None:
            base.append({**new[twin.cell], "id": cell["id"]})
        else:
            base.append({**cell, "source": ""})  # work on an exercise that is no more
    return base


def _is_builders(cell: Cell) -> bool:
    """A heading's words and a number, as in `the-block-2`; Jupyter's own ids are hexadecimal."""
    words, _, number = cell["id"].rstrip("x").rpartition("-")
    hexadecimal = len(cell["id"]) == 36 and set(cell["id"]) <= set("0123456789abcdef-")
    return bool(words) and number.isdecimal() and not hexadecimal


def _by_id(cells: Sequence[Cell]) -> dict[str, int]:
    """The first cell of each id."""
    return {cell["id"]: i for i, cell in reversed([*enumerate(cells)]) if cell["id"]}


def _by_exercise(cells: Sequence[Cell]) -> dict[str, int]:
    return {id_: exercise.cell for id_, exercise in exercises_in(cells).items()}


def _add_by(pairs: Pairs, mine: Mapping[str, int], base: Mapping[str, int]) -> None:
    for name, i in mine.items():
        j = base.get(name)
        if j is not None and i not in pairs and j not in pairs.values():
            pairs[i] = j


def _add_same(
    pairs: Pairs,
    ones: Sequence[Cell],
    others: Sequence[Cell],
    taken: tuple[Iterable[int], Iterable[int]] = ((), ()),
) -> None:
    """Pair the cells that say the same: of several alike, in their order."""
    waiting: dict[str, list[int]] = {}
    for j, cell in enumerate(others):
        if j not in pairs.values() and j not in taken[1]:
            waiting.setdefault(key(cell), []).append(j)
    for i, cell in enumerate(ones):
        if i not in pairs and i not in taken[0] and waiting.get(key(cell)):
            pairs[i] = waiting[key(cell)].pop(0)


def _may_pair(pairs: Pairs, i: int, j: int, taken: tuple[set[int], set[int]]) -> bool:
    return i not in pairs and j not in pairs.values() and i not in taken[0] and j not in taken[1]


def _alike(one: Cell, other: Cell) -> bool:
    if one.get("cell_type") != other.get("cell_type"):
        return False
    matcher = SequenceMatcher(None, one["source"].split(), other["source"].split(), autojunk=False)
    return same(one, other) or matcher.real_quick_ratio() >= ALIKE <= matcher.ratio()


def _between(pairs: Pairs, n_ones: int, n_others: int) -> Iterator[tuple[int, int]]:
    """Candidates for the cells that are left: those between the same two neighbours."""
    low = 0
    for i in range(n_ones):
        if i in pairs:
            low = pairs[i] + 1
            continue
        high = next((pairs[k] for k in range(i + 1, n_ones) if k in pairs), n_others)
        yield from ((i, j) for j in range(low, high))
