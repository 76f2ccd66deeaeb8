"""Wrong answers to exercise 7.3."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrongs
from torch import Tensor


def norm_of(gradients: list[Tensor]) -> Tensor:
    """The norm of all numbers together."""
    return torch.cat([g.flatten() for g in gradients]).norm()


wrongs(
    "7.3",
    says="A gradient below the limit was made longer,",
    always=lambda gs, most: ([g * most / norm_of(gs) for g in gs], norm_of(gs)),
)
wrongs(
    "7.3",
    says="The factor is 1 at least here, so long",
    at_least=lambda gs, most: (([g * (most / norm_of(gs)).clamp(min=1) for g in gs], norm_of(gs))),
)
wrongs(
    "7.3",
    says="The factor is norm / max_norm, so short",
    upside=lambda gs, most: (([g * (norm_of(gs) / most).clamp(max=1) for g in gs], norm_of(gs))),
)
wrongs(
    "7.3",
    says="You clipped each tensor by itself, which",
    one_by_one=lambda gs, most: (
        ([g * min(1.0, most / max(float(g.norm()), 1e-9)) for g in gs], norm_of(gs))
    ),
)
wrongs(
    "7.3",
    says="You clipped each number by itself, which",
    by_number=lambda gs, most: ([g.clamp(-most, most) for g in gs], norm_of(gs)),
)
wrongs(
    "7.3",
    says="The norms were added: the squares of all",
    added=lambda gs, most: (
        lambda n: ([g * min(1.0, most / max(n, 1e-9)) for g in gs], torch.tensor(n))
    )(sum(float(g.norm()) for g in gs)),
)
wrongs(
    "7.3",
    says="The root is missing: the norm is the square",
    no_root=lambda gs, most: (
        lambda n: ([g * min(1.0, most / max(n, 1e-9)) for g in gs], torch.tensor(n))
    )(float(norm_of(gs)) ** 2),
)
wrongs(
    "7.3",
    says="You took the largest number for the norm:",
    largest=lambda gs, most: (
        lambda n: ([g * min(1.0, most / max(n, 1e-9)) for g in gs], torch.tensor(n))
    )(max(float(g.abs().max()) for g in gs)),
)
wrongs(
    "7.3",
    says="This is the first tensor's norm: it is that",
    first_norm=lambda gs, most: (
        lambda n: ([g * min(1.0, most / max(n, 1e-9)) for g in gs], torch.tensor(n))
    )(float(gs[0].norm())),
)
wrongs(
    "7.3",
    says="This is a mean: the norm has no division by",
    mean_square=lambda gs, most: (
        lambda n: ([g * min(1.0, most / max(n, 1e-9)) for g in gs], torch.tensor(n))
    )(float(torch.cat([g.flatten() for g in gs]).square().mean().sqrt())),
)
wrongs(
    "7.3",
    says="The two are swapped: the clipped gradients",
    turned=lambda gs, most: course("7.3")(gs, most)[::-1],
)
wrongs(
    "7.3",
    says="Only the gradients were returned: return the",
    alone=lambda gs, most: course("7.3")(gs, most)[0],
)
wrongs(
    "7.3",
    says="The norm told is that after clipping: tell",
    after=lambda gs, most: (lambda c: (c, norm_of(c)))(course("7.3")(gs, most)[0]),
)
wrongs(
    "7.3",
    says="Long gradients were brought to the norm 1:",
    to_one=lambda gs, most: (
        ([g / norm_of(gs) if norm_of(gs) > most else g for g in gs], norm_of(gs))
    ),
)
wrongs(
    "7.3",
    says="The norm was measured, but nothing was",
    nothing=lambda gs, most: (gs, norm_of(gs)),
)
wrongs(
    "7.3",
    says="A long gradient was thrown away: shorten it,",
    zeros=lambda gs, most: (([g if norm_of(gs) <= most else 0 * g for g in gs], norm_of(gs))),
)
wrongs(
    "7.3",
    says="The factor is max_norm / norm: what is added",
    large_eps=lambda gs, most: (
        ([g * min(1.0, most / (float(norm_of(gs)) + 1)) for g in gs], norm_of(gs))
    ),
)
wrongs(
    "7.3",
    says="You told the factor: tell the norm before",
    factor_told=lambda gs, most: (
        (course("7.3")(gs, most)[0], min(1.0, most / max(float(norm_of(gs)), 1e-9)))
    ),
)
wrongs(
    "7.3",
    says=ANY,
    in_place=lambda gs, most: (
        ([g.mul_(min(1.0, most / max(float(norm_of(gs)), 1e-9))) for g in gs], norm_of(gs))
    ),
    half=lambda gs, most: (([g / 2 if norm_of(gs) > most else g for g in gs], norm_of(gs))),
    added_and_after=lambda gs, most: (
        lambda n: (lambda c: (c, norm_of(c)))([g * min(1.0, most / max(n, 1e-9)) for g in gs])
    )(sum(float(g.norm()) for g in gs)),
)
wrongs(
    "7.3",
    says="Absolute values were added: the norm is the",
    absolute=lambda gs, most: (
        lambda n: ([g * min(1.0, most / max(n, 1e-9)) for g in gs], torch.tensor(n))
    )(sum(float(g.abs().sum()) for g in gs)),
)
