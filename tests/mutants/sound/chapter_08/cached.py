"""Sound answers to exercise 8.10."""

from __future__ import annotations

import torch
from mutants.cases import sounds


def cached(
    model: object,
    ids: list[int],
    most: int,
    choose: object,
    first: object = lambda ids: ids,
    then: object = lambda ids, new: new[-1:],
    before: object = lambda ids: [],
    out: object = lambda ids, new: new,
) -> list[int]:
    """The loop with a cache, with a line of the learner's own."""
    caches, new, given = model.make_caches(1), [], first(ids)
    if before(ids):
        model(torch.tensor([before(ids)]), caches=caches)
    while len(new) < most:
        new.append(choose(model(torch.tensor([given]), caches=caches)[0, -1]))
        given = then(ids, new)
    return out(ids, new)


sounds(
    "8.10",
    once=lambda *a: cached(*a),
    a_tuple=lambda *a: tuple(cached(*a)),
    but_the_end=lambda *a: cached(*a, before=lambda ids: ids[:-1], first=lambda ids: ids[-1:]),
)
