"""Chapter 07, clipping by the global norm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_07.calls import members_like
from utils.course.exercises.probing import uniform
from utils.llm.training.optimizer import clip_by_global_norm

# 7.3 · clipping

Gradients = Sequence[Tensor]


def clip(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], Tensor]:
    """The gradients, shortened together to a norm of at most max_norm; and their norm before."""
    return clip_by_global_norm(gradients, max_norm)


def _norm(gradients: Gradients) -> Tensor:
    return torch.stack([g.norm() for g in gradients]).norm()


def _scaled(gradients: Gradients, max_norm: float, norm: Tensor) -> list[Tensor]:
    factor = (max_norm / norm).clamp(max=1.0)
    return [g * factor for g in gradients]


def _with_norm(norm: object) -> object:
    """Clip by another norm, and tell that one."""

    def answer(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], Tensor]:
        found = norm(gradients)
        return _scaled(gradients, max_norm, found), found

    return answer


def _flat(gradients: Gradients) -> Tensor:
    return torch.cat([g.flatten() for g in gradients])


def _by_torch(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], Tensor]:
    holders = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for holder, g in zip(holders, gradients, strict=True):
        holder.grad = g.clone()
    norm = torch.nn.utils.clip_grad_norm_(holders, max_norm)
    return [holder.grad for holder in holders], norm


def _by_loop(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], float]:
    norm = math.sqrt(sum(x * x for g in gradients for x in g.flatten().tolist()))
    if norm <= max_norm:
        return list(gradients), norm
    return [g * max_norm / norm for g in gradients], norm


def _by_grad_attributes(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], Tensor]:
    norm = torch.nn.utils.clip_grad_norm_(gradients, max_norm)
    return list(gradients), norm


CLIP = Exercise(
    id="7.3",
    title="Clip by the global norm",
    minutes=8,
    stars=2,
    reference=clip,
    probes=[
        ([torch.tensor([3.0]), torch.tensor([4.0])], 1.0),
        ([torch.tensor([0.3]), torch.tensor([-0.4])], 1.0),
        ([torch.tensor([0.0, 0.0])], 1.0),
        ([uniform(3, seed=1), uniform(2, 4, seed=2, low=-9.0, high=9.0)], 2.5),
        ([uniform(2, 2, seed=3), torch.tensor(5.0), uniform(1, 3, seed=4)], 0.5),
        ([uniform(4, seed=5), uniform(3, seed=6)], 100.0),
    ],
    mistakes={
        "A gradient below the limit was made longer: clip only where the norm is above "
        "max_norm.": lambda gs, most: (
            [g * most / _norm(gs).clamp(min=1e-12) for g in gs],
            _norm(gs),
        ),
        "A gradient below the limit was made longer, and one of zeros became 0 / 0: clip only "
        "where the norm is above max_norm.": lambda gs, most: (
            [g * most / _norm(gs) for g in gs],
            _norm(gs),
        ),
        "You clipped each tensor by itself, which bends the direction: one norm over all of them, "
        "one factor for all.": lambda gs, most: (
            [_scaled([g], most, g.norm())[0] for g in gs],
            _norm(gs),
        ),
        "You clipped each number by itself, which bends the direction: multiply all by one "
        "factor.": lambda gs, most: ([g.clamp(-most, most) for g in gs], _norm(gs)),
        "The norms were added: the squares of all numbers are added, and then comes the root.": (
            _with_norm(lambda gs: sum(g.norm() for g in gs))
        ),
        "The root is missing: the norm is the square root of the sum of squares.": _with_norm(
            lambda gs: _norm(gs) ** 2
        ),
        "You took the longest tensor's norm: the norm of all is the root of all squares' sum.": (
            _with_norm(lambda gs: max(g.norm() for g in gs))
        ),
        "You took the largest number for the norm: square all, sum, and take the root.": (
            _with_norm(lambda gs: _flat(gs).abs().max())
        ),
        "Absolute values were added: the norm is the root of the sum of squares.": _with_norm(
            lambda gs: _flat(gs).abs().sum()
        ),
        "This is a mean: the norm has no division by how many numbers there are.": _with_norm(
            lambda gs: _flat(gs).square().mean().sqrt()
        ),
        "The norm told is that after clipping: tell the one before, which says how often you "
        "clip.": lambda gs, most: (clip(gs, most)[0], _norm(clip(gs, most)[0])),
        "Long gradients were brought to the norm 1: bring them to max_norm.": lambda gs, most: (
            [g / _norm(gs) if _norm(gs) > most else g for g in gs],
            _norm(gs),
        ),
        "The norm was measured, but nothing was clipped: a gradient is returned as it was.": (
            lambda gs, most: (list(gs), _norm(gs))
        ),
        "A long gradient was thrown away: shorten it, its direction is still the best there is.": (
            lambda gs, most: ([g * (_norm(gs) <= most) for g in gs], _norm(gs))
        ),
        "The factor is upside down: max_norm / norm is below 1 where there is something to "
        "clip.": lambda gs, most: (
            [g * _norm(gs) / most if _norm(gs) > most else g for g in gs],
            _norm(gs),
        ),
        "The two are swapped: the clipped gradients first, then the norm.": lambda gs, most: clip(
            gs, most
        )[::-1],
        "clip_grad_norm_ reads and changes the `.grad` of parameters: these are gradients, and "
        "have none of their own, so it finds the norm 0. Take the norm yourself.": (
            _by_grad_attributes
        ),
        "Only the gradients were returned: return the norm before clipping as well, "
        "`clipped, norm`.": lambda gs, most: clip(gs, most)[0],
    },
    alternatives={
        "PyTorch's own": _by_torch,
        "a loop over numbers": _by_loop,
        "flattened": lambda gs, most: (
            [g * min(1.0, most / max(_flat(gs).norm().item(), 1e-9)) for g in gs],
            _flat(gs).norm(),
        ),
        "in float64 on the way": lambda gs, most: (
            [g.to(gs[0].dtype) for g in clip([g.double() for g in gs], most)[0]],
            _norm([g.double() for g in gs]),
        ),
    },
    call=members_like(("clipped",), 0),
    parts=("clipped", "norm"),
)
