"""Sound answers of odd kinds to the exercises of chapter 04."""

from __future__ import annotations

import torch
from mutants.cases import sound, sounds

sounds(
    "4.2",
    lower=lambda n: torch.ones(n, n, dtype=torch.bool).tril(),
    other_name=lambda length: torch.arange(length)[:, None] >= torch.arange(length),
)


@sound("4.2")
def cell_by_cell(n):
    return torch.tensor([[column <= row for column in range(n)] for row in range(n)]).view(n, n)
