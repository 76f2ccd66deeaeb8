"""Wrong answers to exercise 8.7."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, wrongs
from torch import Tensor


def kept(chances: Tensor, p: float, stays: object, least: int = 1) -> Tensor:
    """A nucleus by a rule of the learner's own."""
    sizes, ids = chances.sort(-1, descending=True)
    mask = stays(sizes, sizes.cumsum(-1), p)
    mask[..., :least] = True
    left = sizes * mask
    return torch.zeros_like(chances).scatter(-1, ids, left / left.sum(-1, keepdim=True))


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


wrongs(
    "8.7",
    says="Texts of different lengths were compared by",
    by_total=lambda *a: searched(*a, rank=lambda ids, total: total),
)
wrongs(
    "8.7",
    says="The length is one too large: divide by the",
    one_too_long=lambda *a: searched(*a, rank=lambda ids, total: total / (len(ids) + 1)),
)
wrongs(
    "8.7",
    says="You divided by the root of the length: divide",
    rooted=lambda *a: searched(*a, rank=lambda ids, total: total / math.sqrt(len(ids))),
)
wrongs(
    "8.7",
    says="The total was multiplied by the length, so",
    multiplied=lambda *a: searched(*a, rank=lambda ids, total: total * len(ids)),
)
wrongs(
    "8.7",
    says="The new token's ln p took the place of the",
    own_alone=lambda *a: searched(*a, add=lambda total, own: own),
)
wrongs(
    "8.7",
    says="You added a chance to a total of logarithms:",
    chances_added=lambda *a: searched(*a, add=lambda total, own: total + math.exp(own)),
)
wrongs(
    "8.7",
    says="You multiplied ln p: chances are multiplied,",
    product=lambda *a: searched(*a, add=lambda total, own: total * own),
)
wrongs(
    "8.7",
    says="A text that has ended was continued: behind",
    goes_on=lambda *a: searched(*a, ended=lambda ids, stop: False),
)
wrongs(
    "8.7",
    says="The search begins with a beam without tokens,",
    empty=lambda *a: searched(*a, ended=lambda ids, stop: ids[-1] == stop),
)
wrongs(
    "8.7",
    says="Token 0 was taken for the stop token: ask for",
    zero_stops=lambda *a: searched(*a, ended=lambda ids, stop: bool(ids) and ids[-1] == 0),
)
wrongs(
    "8.7",
    says="The worst come first: ln p is below 0, and",
    worst=lambda *a: searched(*a, best=False),
)
wrongs(
    "8.7",
    says="All the candidates came back: keep the best",
    all_of_them=lambda *a: searched(*a[:2], 999, a[3]),
)
wrongs(
    "8.7",
    says="You kept as many texts as there were beams:",
    as_many_as_before=lambda *a: searched(*a[:2], len(a[0]), a[3]),
)
wrongs(
    "8.7",
    says="These are the right texts, but the best comes",
    turned=lambda *a: searched(*a)[::-1],
)
wrongs(
    "8.7",
    says="The mean was kept in place of the total: rank",
    means=lambda *a: [(ids, total / len(ids)) for ids, total in searched(*a)],
)
wrongs(
    "8.7",
    says="You returned chances: keep the sum of ln p as",
    exped=lambda *a: [(ids, math.exp(total)) for ids, total in searched(*a)],
)
wrongs(
    "8.7",
    says="A beam is the pair (ids, total), in this",
    swapped=lambda *a: [(total, ids) for ids, total in searched(*a)],
)
wrongs(
    "8.7",
    says="The tokens before the new one are lost:",
    new_tokens=lambda *a: [(ids[-1:], total) for ids, total in searched(*a)],
)
wrongs(
    "8.7",
    says=ANY,
    total_counts=lambda beams, f, w, s: searched(
        beams,
        f,
        w,
        s,
        ended=lambda ids, stop: (
            bool(ids) and ids[-1] == stop and any(t for i, t in beams if i == ids)
        ),
    ),
    ids_alone=lambda *a: [ids for ids, _ in searched(*a)],
)
