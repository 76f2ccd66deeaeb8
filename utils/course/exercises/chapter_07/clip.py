"""Chapter 07, clipping by the global norm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm.training.optimizer import clip_by_global_norm

# 7.3 · clipping

Gradients = Sequence[Tensor]


def clip(gradients: Gradients, max_norm: float) -> tuple[list[Tensor], Tensor]:
    """The gradients, shortened together to a norm of at most max_norm; and their norm before."""
    return clip_by_global_norm(gradients, max_norm)


def _norm(gradients: Gradients) -> Tensor:
    return torch.stack([g.norm() for g in gradients]).norm()


def _flat(gradients: Gradients) -> Tensor:
    return torch.cat([g.flatten() for g in gradients])


Clipped = list[Tensor]
_NORMS: dict[str, Callable[[Gradients], Tensor]] = {
    "sum of norms": lambda gs: sum(g.norm() for g in gs),
    "no root": lambda gs: _norm(gs) ** 2,
    "longest": lambda gs: max(g.norm() for g in gs),
    "largest": lambda gs: _flat(gs).abs().max(),
    "absolute": lambda gs: _flat(gs).abs().sum(),
    "mean": lambda gs: _flat(gs).square().mean().sqrt(),
    "mean of norms": lambda gs: sum(g.norm() for g in gs) / len(gs),
    "first": lambda gs: gs[0].norm(),
    "last": lambda gs: gs[-1].norm(),
    "plain sum": lambda gs: _flat(gs).sum(),
    "half": lambda gs: _norm(gs) / 2,
}
_CUTS: dict[str, Callable[[Gradients, float, Tensor], Clipped]] = {
    "always": lambda gs, most, norm: [g * most / norm.clamp(min=1e-12) for g in gs],
    "always, 0 / 0": lambda gs, most, norm: [g * most / norm for g in gs],
    "one by one": lambda gs, most, norm: [g * min(1, most / max(g.norm(), 1e-12)) for g in gs],
    "each number": lambda gs, most, norm: [g.clamp(-most, most) for g in gs],
    "each number below": lambda gs, most, norm: [g.clamp(max=most) for g in gs],
    "to 1": lambda gs, most, norm: [g / norm if norm > most else g for g in gs],
    "nothing": lambda gs, most, norm: list(gs),
    "thrown away": lambda gs, most, norm: [g * (norm <= most) for g in gs],
    "upside down": lambda gs, most, norm: [g * norm / most if norm > most else g for g in gs],
    "at least 1": lambda gs, most, norm: [g * (most / norm).clamp(min=1) for g in gs],
    "turned and at most 1": lambda gs, most, norm: [g * (norm / most).clamp(max=1) for g in gs],
    "times max_norm": lambda gs, most, norm: [g * most if norm > most else g for g in gs],
    "divided": lambda gs, most, norm: [g / most if norm > most else g for g in gs],
    "too short": lambda gs, most, norm: [g * (most / (norm + 1)).clamp(max=1) for g in gs],
    "subtracted": lambda gs, most, norm: [g - (norm - most) if norm > most else g for g in gs],
    "joined": lambda gs, most, norm: list(_flat(gs)[None] * (most / norm).clamp(max=1)),
}
_TOLD: dict[str, Callable[[Clipped, Tensor, float], Any]] = {
    "norm after": lambda clipped, norm, most: (clipped, _norm(clipped)),
    "swapped": lambda clipped, norm, most: (norm, clipped),
    "gradients alone": lambda clipped, norm, most: clipped,
    "norm alone": lambda clipped, norm, most: norm,
    "factor told": lambda clipped, norm, most: (clipped, (most / norm).clamp(max=1)),
    "limit told": lambda clipped, norm, most: (clipped, most),
}


def _clip(gradients: Gradients, max_norm: float, *, wrong: Wrong = frozenset()) -> Any:
    """Clipped and norm, with a bend where a wrong turn wants one."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Any:
        return next((slips[slip] for slip in wrong & slips.keys()), usual)

    norm = chosen(_NORMS, _norm)(gradients)
    cut = chosen(_CUTS, lambda gs, most, norm: [g * min(1.0, most / max(norm, 1e-12)) for g in gs])
    clipped = cut(gradients, max_norm, norm)
    return chosen(_TOLD, lambda clipped, norm, most: (clipped, norm))(clipped, norm, max_norm)


_SAID = {
    "sum of norms": "The norms were added: the squares of all numbers are added, and then comes "
    "the root.",
    "no root": "The root is missing: the norm is the square root of the sum of squares.",
    "longest": "You took the longest tensor's norm: the norm of all is the root of all squares' "
    "sum.",
    "largest": "You took the largest number for the norm: square all, sum, and take the root.",
    "absolute": "Absolute values were added: the norm is the root of the sum of squares.",
    "mean": "This is a mean: the norm has no division by how many numbers there are.",
    "mean of norms": "This is the mean of the tensors' norms: square all numbers, sum, and take "
    "the root.",
    "first": "This is the first tensor's norm: it is that of all numbers together.",
    "last": "This is the last tensor's norm: it is that of all numbers together.",
    "plain sum": "The numbers were added without squaring: the norm is the root of the sum of "
    "squares.",
    "half": "The norm is halved: it is the root of the sum of squares.",
    "always": "A gradient below the limit was made longer: clip only where the norm is above "
    "max_norm.",
    "always, 0 / 0": "A gradient below the limit was made longer, and one of zeros became 0 / 0: "
    "clip only where the norm is above max_norm.",
    "one by one": "You clipped each tensor by itself, which bends the direction: one norm over all "
    "of them, one factor for all.",
    "each number": "You clipped each number by itself, which bends the direction: multiply all by "
    "one factor.",
    "each number below": "You clipped each number by itself, and only those above 0: multiply all "
    "by one factor.",
    "to 1": "Long gradients were brought to the norm 1: bring them to max_norm.",
    "nothing": "The norm was measured, but nothing was clipped: a gradient is returned as it was.",
    "thrown away": "A long gradient was thrown away: shorten it, its direction is still the best "
    "there is.",
    "upside down": "The factor is upside down: max_norm / norm is below 1 where there is something "
    "to clip.",
    "at least 1": "The factor is 1 at least here, so long gradients stay and short ones grow: it "
    "is 1 at most, clamp(max=1).",
    "turned and at most 1": "The factor is norm / max_norm, so short gradients shrink and long "
    "ones stay: turn it round, max_norm / norm.",
    "times max_norm": "Long gradients were multiplied by max_norm: the factor is max_norm / norm.",
    "divided": "Long gradients were divided by max_norm: the factor is max_norm / norm.",
    "too short": "The factor is max_norm / norm: what is added to the norm, to keep from dividing "
    "by 0, must be tiny.",
    "subtracted": "Something was subtracted from every number, which bends the direction: multiply "
    "all by one factor.",
    "joined": "The gradients came back as one long vector: a list of tensors, in the shapes they "
    "had.",
    "norm after": "The norm told is that after clipping: tell the one before, which says how often "
    "you clip.",
    "swapped": "The two are swapped: the clipped gradients first, then the norm.",
    "gradients alone": "Only the gradients were returned: return the norm before clipping as well, "
    "`clipped, norm`.",
    "norm alone": "Only the norm was returned: return the gradients as well, `clipped, norm`.",
    "factor told": "You told the factor: tell the norm before clipping.",
    "limit told": "You told max_norm: tell the norm before clipping.",
}
_OFTEN = (
    "sum of norms",
    "no root",
    "longest",
    "absolute",
    "mean",
    "always",
    "always, 0 / 0",
    "to 1",
    "upside down",
    "at least 1",
    "divided",
    "norm after",
    "swapped",
    "gradients alone",
)
_APART = [
    "sum of norms | no root | longest | absolute | mean",
    "always | always, 0 / 0 | to 1 | upside down | at least 1 | divided",
    "norm after | swapped | gradients alone",
    "norm after | sum of norms | no root | longest | absolute | mean",
]


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
    minutes=6,
    stars=2,
    reference=clip,
    probes=[
        ([torch.tensor([1.5, -0.7]), torch.tensor([2.6])], 0.8),
        ([torch.tensor([0.3]), torch.tensor([-0.4])], 1.7),
        ([torch.tensor([0.0, 0.0])], 1.3),
        ([torch.tensor([[0.2, -0.1]]), torch.tensor([0.4])], 0.6),
        ([uniform(3, seed=1), uniform(2, 4, seed=2, low=-9.0, high=9.0)], 2.5),
        ([uniform(2, 2, seed=3), torch.tensor(5.0), uniform(1, 3, seed=4)], 0.5),
        ([uniform(4, seed=5), uniform(3, seed=6)], 100.0),
    ],
    mistakes=alone(_clip, _SAID)
    | {
        "clip_grad_norm_ reads and changes the `.grad` of parameters: these are gradients, and "
        "have none of their own, so it finds the norm 0. Take the norm yourself.": (
            _by_grad_attributes
        ),
    },
    together=in_pairs(_clip, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
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
    parts=("clipped", "norm"),
)
