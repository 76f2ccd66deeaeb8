"""Wrong answers to exercise 7.5."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrong, wrongs

wrongs(
    "7.5",
    says="This is the mean of the parts' means, so a",
    mean_of_means=lambda g, rows, size: torch.stack([g(p) for p in rows.split(size)]).mean(0),
)
wrongs(
    "7.5",
    says="The parts were added and never divided: the",
    sums=lambda g, rows, size: sum(g(p) for p in rows.split(size)),
)
wrongs(
    "7.5",
    says="The sum over the rows was not divided: the",
    weighed_sum=lambda g, rows, size: sum(g(p) * len(p) for p in rows.split(size)),
    each_row_summed=lambda g, rows, size: sum(g(row[None]) for row in rows),
)
wrongs(
    "7.5",
    says="You divided by `size`, the rows of a part,",
    by_size=lambda g, rows, size: sum(g(p) for p in rows.split(size)) / size,
)
wrongs(
    "7.5",
    says="You divided by `size`: divide the weighted",
    weighed_by_size=lambda g, rows, size: sum(g(p) * len(p) for p in rows.split(size)) / size,
)
wrongs(
    "7.5",
    says="You divided by the number of rows, but each",
    unweighed=lambda g, rows, size: sum(g(p) for p in rows.split(size)) / len(rows),
)
wrongs(
    "7.5",
    says="You counted every part as a full one: the",
    full_parts=lambda g, rows, size: sum(g(p) * size for p in rows.split(size)) / len(rows),
)
wrongs(
    "7.5",
    says="The last part, shorter than the others, was",
    dropped=lambda g, rows, size: (
        sum(
            (g(rows[i : i + size]) * size for i in range(0, len(rows) - size + 1, size)),
            torch.zeros(rows.shape[1] - 1),
        )
        / len(rows)
    ),
)
wrongs(
    "7.5",
    says="Only the first part was used: go on to the",
    first=lambda g, rows, size: g(rows[:size]),
)
wrongs(
    "7.5",
    says="Only the last part is left, as if the",
    last=lambda g, rows, size: g(rows.split(size)[-1]),
)
wrongs(
    "7.5",
    says="You asked for all rows at once: take at most",
    at_once=lambda g, rows, size: g(rows),
)
wrongs(
    "7.5",
    says="Your parts have a row more than there is room",
    one_more=lambda g, rows, size: sum(g(p) * len(p) for p in rows.split(size + 1)) / len(rows),
)
wrongs(
    "7.5",
    says="`chunk(size)` cuts into that many parts:",
    chunks=lambda g, rows, size: sum(g(p) * len(p) for p in rows.chunk(size)) / len(rows),
    chunk_means=lambda g, rows, size: torch.stack([g(p) for p in rows.chunk(size)]).mean(0),
)
wrongs(
    "7.5",
    says="You weighed each part by its numbers,",
    numel=lambda g, rows, size: sum(g(p) * p.numel() for p in rows.split(size)) / len(rows),
)
wrongs(
    "7.5",
    says="You divided each part by its number of rows,",
    divided_twice=lambda g, rows, size: sum(g(p) / len(p) for p in rows.split(size)) / len(rows),
)
wrongs(
    "7.5",
    says="Your parts overlap, so most rows count more",
    overlapping=lambda g, rows, size: (
        sum(g(rows[i : i + size]) * len(rows[i : i + size]) for i in range(len(rows))) / len(rows)
    ),
)
wrongs(
    "7.5",
    says="You divided the weighted sum by the number of",
    by_parts=lambda g, rows, size: (
        sum(g(p) * len(p) for p in rows.split(size)) / len(rows.split(size))
    ),
)
wrongs(
    "7.5",
    says=ANY,
    columns=lambda g, rows, size: sum(g(p) * len(p) for p in rows.split(size)) / rows.shape[1],
)


@wrong("7.5", ANY)
def as_long_as_a_row(gradient, rows, size):
    total = torch.zeros(rows.shape[1] - 1)
    for part in rows.split(size):
        total += gradient(part) * len(part)
    return total / len(rows)


wrongs(
    "7.5",
    in_the_rows_dtype=lambda g, rows, size: (
        sum(g(p).double() * len(p) for p in rows.split(size)) / len(rows)
    ).to(rows.dtype),
)
