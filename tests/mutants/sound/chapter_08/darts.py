"""Sound answers to exercise 8.5."""

from __future__ import annotations

import torch
from mutants.cases import course, sounds


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
    "8.5",
    searched=lambda c, d: torch.searchsorted(
        c.cumsum(-1), (d * c.cumsum(-1)[:, -1])[:, None], right=True
    )[:, 0],
    whole=lambda c, d: (
        (c / c.sum(-1, keepdim=True)).double().cumsum(-1)
        / (c / c.sum(-1, keepdim=True)).double().sum(-1, keepdim=True)
        <= d.double()[:, None]
    ).sum(-1),
    in_numpy=lambda c, d: course("8.5")(c, d).numpy(),
)
