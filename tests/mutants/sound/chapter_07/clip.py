"""Sound answers to exercise 7.3."""

from __future__ import annotations

import torch
from mutants.cases import course, sounds
from torch import Tensor


def norm_of(gradients: list[Tensor]) -> Tensor:
    """The norm of all numbers together."""
    return torch.cat([g.flatten() for g in gradients]).norm()


sounds(
    "7.3",
    with_eps=lambda gs, most: (
        ([g * min(1.0, most / (float(norm_of(gs)) + 1e-6)) for g in gs], norm_of(gs))
    ),
    branch=lambda gs, most: (
        (gs if norm_of(gs) <= most else [g * most / norm_of(gs) for g in gs], norm_of(gs))
    ),
    a_tuple=lambda gs, most: (tuple(course("7.3")(gs, most)[0]), norm_of(gs)),
    a_number=lambda gs, most: (course("7.3")(gs, most)[0], norm_of(gs).item()),
    in_float64=lambda gs, most: (
        ([g.double() for g in course("7.3")(gs, most)[0]], norm_of(gs).double())
    ),
    in_numpy=lambda gs, most: (
        ([g.numpy() for g in course("7.3")(gs, most)[0]], norm_of(gs).numpy())
    ),
    maximum=lambda gs, most: (
        ([g * most / max(most, float(norm_of(gs))) for g in gs], norm_of(gs))
    ),
)
