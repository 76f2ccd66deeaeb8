"""Sound answers to exercise 8.3."""

from __future__ import annotations

import torch
from mutants.cases import course, sounds

sounds(
    "8.3",
    sorted_ids=lambda x, k: torch.full_like(x, -torch.inf).scatter(
        -1, x.argsort(-1, descending=True)[..., :k], x.sort(-1, descending=True).values[..., :k]
    ),
    large=lambda x, k: course("8.3")(x, k).clamp(min=-1e9),
    in_float64=lambda x, k: course("8.3")(x.double(), k),
    in_numpy=lambda x, k: course("8.3")(x, k).numpy(),
    where=lambda x, k: torch.where(course("8.3")(x, k).isfinite(), x, -torch.inf),
)
