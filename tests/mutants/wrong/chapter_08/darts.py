"""Wrong answers to exercise 8.5."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrongs


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
    "8.5",
    says="A dart on the border of two slices hits the",
    below=lambda c, d: (c.cumsum(-1) < d[:, None]).sum(-1),
    searched=lambda c, d: torch.searchsorted(c.cumsum(-1), d[:, None])[:, 0],
)
wrongs(
    "8.5",
    says="Rounding leaves the sum of a pie a little",
    unscaled=lambda c, d: (c.cumsum(-1) <= d[:, None]).sum(-1),
)
wrongs(
    "8.5",
    says="Rounding left a dart beyond the last sum, and",
    clamped=lambda c, d: (c.cumsum(-1) <= d[:, None]).sum(-1).clamp(max=c.shape[-1] - 1),
)
wrongs(
    "8.5",
    says="You counted the slices smaller than the dart:",
    slices=lambda c, d: (c <= d[:, None]).sum(-1),
)
wrongs(
    "8.5",
    says="You threw a dart of your own: use the number",
    own=lambda c, d: torch.multinomial(c, 1)[:, 0],
)
wrongs(
    "8.5",
    says="This is the likeliest token, wherever the",
    likeliest=lambda c, d: c.argmax(-1),
)
wrongs(
    "8.5",
    says="All slices are equally large here: a token's",
    even=lambda c, d: (d * c.shape[-1]).long(),
)
wrongs(
    "8.5",
    says="The sums run down the batch: along the",
    down=lambda c, d: (c.cumsum(0) <= d[:, None]).sum(-1),
)
wrongs(
    "8.5",
    says=ANY,
    no_axis=lambda c, d: (c.cumsum(-1) <= d).sum(-1),
    above=lambda c, d: (c.cumsum(-1) > d[:, None]).sum(-1),
)
wrongs(
    "8.5",
    says="You sorted the slices, and returned a rank in",
    sorted_sizes=lambda c, d: course("8.5")(c.sort(-1, descending=True).values, d),
)
wrongs(
    "8.5",
    says="There is an axis too many: one id a pie,",
    axis=lambda c, d: course("8.5")(c, d)[:, None],
)
wrongs(
    "8.5",
    says="The id is one too high: a dart below the",
    one_high=lambda c, d: course("8.5")(c, d) + 1,
)
wrongs(
    "8.5",
    says="The id is one too low: a dart below the first",
    one_low=lambda c, d: course("8.5")(c, d) - 1,
)
wrongs(
    "8.5",
    says="The same dart was thrown at all pies: each",
    same_dart=lambda c, d: course("8.5")(c, d[:1].expand(len(c))),
)

wrongs(
    "8.5",
    says="The id is one too low, where it can be",
    one_lower=lambda c, d: (course("8.5")(c, d) - 1).clamp(min=0),
)
wrongs(
    "8.5",
    says="This is the nearest of the sums",
    nearest_sum=lambda c, d: (c.cumsum(-1) - (d * c.sum(-1))[:, None]).abs().argmin(-1),
)
wrongs(
    "8.5",
    says="You counted the slices that are no larger than",
    slices_counted=lambda c, d: (c <= d[:, None]).sum(-1).clamp(max=c.shape[-1] - 1),
)
