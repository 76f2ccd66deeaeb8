"""The variants of a chapter: which exercises each run of it answers, and with what.

A variant is a dictionary from the id of each answered exercise to the name of one of its listed
alternatives, or to OWN for the chapter's own solution. What it does not name is not attempted.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from itertools import combinations, count
from math import comb

from utils.course.building.source import Source, checked_ids
from utils.course.checking import registry

OWN = ""
Variant = dict[str, str]


def halves(n_ids: int) -> list[tuple[int, ...]]:
    """For each exercise the runs that answer it: of any two, one run has each without the other.

    Each is answered in half of the runs, and no two in the same half (Sperner 1928), so five
    runs are enough for ten exercises. The runs with none and with all solved are nbval's.
    """
    n_runs = next(n for n in count(2) if comb(n, n // 2) >= n_ids)
    return list(combinations(range(n_runs), (n_runs + 1) // 2))[:n_ids]


def mixed(alternatives: Mapping[str, Sequence[str]]) -> list[Variant]:
    """The runs of `halves`; an exercise is answered by another of its alternatives each time."""
    chosen = halves(len(alternatives))
    runs: list[Variant] = [{} for _ in range(1 + max(max(half) for half in chosen))]
    for (id, names), half in zip(alternatives.items(), chosen, strict=True):
        for place, run in enumerate(half):
            runs[run][id] = names[place] if place < len(names) else OWN
    return runs


def further(alternatives: Mapping[str, Sequence[str]]) -> list[Variant]:
    """Runs with the alternatives that found no place in those, as many of them as go together."""
    answered = len(halves(len(alternatives))[0])
    left = {id: names[answered:] for id, names in alternatives.items()}
    most = max(map(len, left.values()))
    return [{id: names[i] for id, names in left.items() if i < len(names)} for i in range(most)]


def alternatives(ids: Sequence[str]) -> dict[str, list[str]]:
    """The names of the alternatives that each exercise lists."""
    return {id: list(registry.exercise(id).alternatives) for id in ids}


def cells(source: Source, variant: Variant) -> list[tuple[str, str]]:
    """The id and the text of every code cell, with the answers of a variant in place."""
    found = []
    for cell in source.unsolved({id for id, name in variant.items() if name == OWN}).cells:
        if cell.cell_type == "code":
            found.append((cell.id, _answered(cell.source, checked_ids(cell), variant)))
    return found


def _answered(text: str, ids: Sequence[str], variant: Variant) -> str:
    for id in ids:
        if variant.get(id, OWN) != OWN:
            module = "__import__('helpers.signatures').signatures"
            call = f"{module}.alternative({id!r}, {variant[id]!r})"
            text = re.sub(rf'check\("{re.escape(id)}", *\w+\)', f"check({id!r}, {call})", text)
    return text


def seeds(text: str) -> str:
    """The lines of a cell that set the global dice: they fall for the cells behind it, too."""
    lines = [ast.unparse(statement) for statement in ast.parse(text).body]
    return "\n".join(line for line in lines if line.startswith(SEEDS))


SEEDS = ("torch.manual_seed(", "random.seed(", "np.random.seed(")
