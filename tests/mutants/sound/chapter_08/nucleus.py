"""Sound answers to exercise 8.4."""

from __future__ import annotations

import torch
from mutants.cases import course, sounds
from torch import Tensor
from torch.nn import functional as F


def kept(chances: Tensor, p: float, stays: object, least: int = 1) -> Tensor:
    """A nucleus by a rule of the learner's own."""
    sizes, ids = chances.sort(-1, descending=True)
    mask = stays(sizes, sizes.cumsum(-1), p)
    mask[..., :least] = True
    left = sizes * mask
    return torch.zeros_like(chances).scatter(-1, ids, left / left.sum(-1, keepdim=True))


sounds(
    "8.4",
    rule=lambda c, p: kept(c, p, lambda sizes, sums, p: sums - sizes < p),
    padded=lambda c, p: kept(
        c, p, lambda sizes, sums, p: F.pad((sums < p)[..., :-1], (1, 0), value=True)
    ),
    in_float64=lambda c, p: course("8.4")(c.double(), p),
    in_numpy=lambda c, p: course("8.4")(c, p).numpy(),
)
