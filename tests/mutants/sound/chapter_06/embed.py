"""Sound answers to exercise 6.1."""

from __future__ import annotations

import torch
from mutants.cases import sounds
from torch.nn import functional as F

sounds(
    "6.1",
    einsum=lambda i, t, p: (
        torch.einsum("btv,vc->btc", F.one_hot(i, len(t)).float(), t) + p[: i.shape[1]]
    ),
    gathered=lambda ids, tokens, places: (
        tokens.index_select(0, ids.flatten()).view(*ids.shape, -1) + places[: ids.size(-1)]
    ),
    narrowed=lambda a, b, c: F.embedding(a, b) + c.narrow(0, 0, a.size(1)).unsqueeze(0),
    in_float64=lambda ids, tokens, places: tokens.double()[ids] + places.double()[: ids.shape[1]],
    in_numpy=lambda ids, tokens, places: (
        tokens.numpy()[ids.numpy()] + places.numpy()[: ids.shape[1]]
    ),
    stacked=lambda ids, tokens, places: torch.stack(
        [tokens[row] + places[: len(row)] for row in ids]
    ),
    by_column=lambda ids, tokens, places: torch.stack(
        [tokens[ids[:, t]] + places[t] for t in range(ids.shape[1])], dim=1
    ),
    broadcast=lambda ids, tokens, places: (
        tokens[ids] + places[torch.arange(ids.shape[1]).expand(ids.shape)]
    ),
)
