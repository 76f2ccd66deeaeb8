"""Sound answers to exercise 7.5."""

from __future__ import annotations

import torch
from mutants.cases import sounds

sounds(
    "7.5",
    stacked=lambda g, rows, size: (
        torch.stack([g(p) * len(p) for p in rows.split(size)]).sum(0) / len(rows)
    ),
    ones=lambda g, rows, size: sum(g(row[None]) for row in rows) / len(rows),
    shares=lambda g, rows, size: sum(g(p) * (len(p) / len(rows)) for p in rows.split(size)),
    in_float64=lambda g, rows, size: (
        sum(g(p).double() * len(p) for p in rows.split(size)) / len(rows)
    ),
    in_numpy=lambda g, rows, size: (
        sum(g(p) * len(p) for p in rows.split(size)) / len(rows)
    ).numpy(),
    a_list=lambda g, rows, size: (
        torch.stack([g(p) * len(p) for p in torch.split(rows, size)]).sum(0).div(len(rows))
    ),
)
