"""Sound answers to exercise 8.7."""

from __future__ import annotations

from mutants.cases import sounds


def searched(
    beams: list,
    log_chances: object,
    width: int,
    stop: int,
    rank: object = lambda ids, total: total / len(ids),
    add: object = lambda total, own: total + own,
    ended: object = lambda ids, stop: bool(ids) and ids[-1] == stop,
    best: bool = True,
) -> list:
    """A step of the search, with a line of the learner's own."""
    found = []
    for ids, total in beams:
        if ended(ids, stop):
            found.append((ids, total))
        else:
            found += [([*ids, i], add(total, x)) for i, x in enumerate(log_chances(ids))]
    return sorted(found, key=lambda beam: rank(*beam), reverse=best)[:width]


sounds(
    "8.7",
    stepped=lambda *a: searched(*a),
    a_tuple=lambda *a: tuple(searched(*a)),
    negated=lambda *a: searched(*a, rank=lambda ids, total: -total / len(ids), best=False),
)
