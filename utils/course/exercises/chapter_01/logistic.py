"""The logistic function of chapter 01, and its loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import differentiable, uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm import learning

# 1.5 · the logistic function and its loss


def _losses(score: Tensor, label: Tensor, p: Tensor, wrong: Wrong) -> Tensor:
    """The loss of each example, or what a slip makes of it."""
    against = (1 - 2 * label) * score
    sound = nn.functional.softplus(against)
    chance = torch.where(label == 1, p, 1 - p)
    losses: dict[str, Callable[[], Tensor]] = {
        "other chance": lambda: nn.functional.softplus(-against),
        "only ones": lambda: label * sound,
        "only noughts": lambda: (1 - label) * sound,
        "label ignored": lambda: nn.functional.softplus(-score),
        "no logarithm": lambda: 1 - chance,
        "distance": lambda: (p - label).square(),
        "error": lambda: p - label,
        "limited": lambda: -(chance + 1e-7).log(),
        "rounded first": lambda: -chance.log(),
        "nought times": lambda: -(label * p.log() + (1 - label) * (1 - p).log()),
        "too large": lambda: against.exp().log1p(),
        "guarded": lambda: torch.where(against > 30, against, torch.log1p(against.exp())),
    }
    each = next((losses[slip] for slip in wrong & losses.keys()), lambda: sound)()
    each = each / math.log(2) if "bits" in wrong else each
    return -each if "no minus" in wrong else each


def _logistic(score: Tensor, label: Tensor, *, wrong: Wrong = frozenset()) -> Any:
    """Chance and loss, with the slips named in `wrong`."""
    chances: dict[str, Callable[[Tensor], Tensor]] = {
        "falls": lambda z: torch.sigmoid(-z),
        "naive": lambda z: z.exp() / (1 + z.exp()),
        "tanh": torch.tanh,
        "plain score": lambda z: z,
        "decided": lambda z: (z > 0).float() + 0 * z,
    }
    chance = next((chances[slip] for slip in wrong & chances.keys()), torch.sigmoid)(score)
    loss = _losses(score, label, chance, wrong)
    loss = loss.mean() if "mean" in wrong else loss.sum() if "sum" in wrong else loss
    if "loss only" in wrong:
        return loss
    return (loss, chance) if "crossed" in wrong else (chance, loss)


def _logistic_by_rows(score: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    pairs = zip(score, label.tolist(), strict=True)
    losses = [nn.functional.softplus(-z if yes == 1 else z) for z, yes in pairs]
    return torch.sigmoid(score), torch.stack(losses)


def _logistic_as_tensors(score: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    losses = [max(a, 0) + math.log1p(math.exp(-abs(a))) for a in ((1 - 2 * label) * score).tolist()]
    return torch.sigmoid(score), torch.tensor(losses)


def _logistic_as_math(score: Tensor, label: Tensor) -> tuple[list[float], list[float]]:
    losses = [math.log1p(math.exp(a)) for a in ((1 - 2 * label) * score).tolist()]
    return torch.sigmoid(score).tolist(), losses


_LIMITED = (
    "You limit the loss: compute it from the score, not from the chance. At a score of ±1000 on "
    "the wrong side it is 1000, and yours stops growing, just where the model is most wrong."
)
_LOGISTIC_SAID = {
    "mean": "You averaged the loss: here each example keeps its own, the mean comes later.",
    "sum": "You summed the loss: here each example keeps its own, the mean comes later.",
    "crossed": "Right numbers, wrong order: the chance first, then the loss.",
    "loss only": "You return only the loss: return two things, the chance and the loss.",
    "other chance": "The loss takes the logarithm of the wrong chance: where the label is 1, use "
    "the chance of a yes; where it is 0, one minus it.",
    "only ones": "Your loss looks only at the label 1: an example with label 0 pays "
    "−ln(1 − chance).",
    "only noughts": "Your loss looks only at the label 0: an example with label 1 pays "
    "−ln(chance).",
    "label ignored": "Your loss ignores the label: it is always −ln(chance of a yes).",
    "no minus": "The minus is missing: the logarithm of a chance is negative, and a loss is not.",
    "no logarithm": "Your loss is one minus the chance given to the label: take −ln of that "
    "chance instead.",
    "distance": "Your loss is the squared distance to the label: take the logarithm instead.",
    "error": "Your loss is chance − label, which is its derivative: the loss is −ln of the chance "
    "given to the label.",
    "bits": "Your logarithm has the base 2: take the natural one, torch.log.",
    "falls": "Your logistic falls where it should rise: a high score is a likely yes, "
    "1 / (1 + e^−z).",
    "tanh": "Your chance is tanh, which goes from −1 to 1: the logistic function is "
    "1 / (1 + e^−z).",
    "plain score": "You return the score itself as the chance: put it through the logistic "
    "function, 1 / (1 + e^−z).",
    "decided": "You return the decision, 0 or 1: the chance is 1 / (1 + e^−z).",
    "limited": _LIMITED,
    "rounded first": "Your chances are fine, but the loss becomes infinite: the chance was rounded "
    "to 0 before you took its logarithm. Compute the loss from the score: ln(1 + e^−z).",
    "nought times": "One of your two terms should be 0, but 0 times the logarithm of 0 is NaN (not "
    "a number), and where that logarithm counts, the loss is infinite. Compute it from the score: "
    "ln(1 + e^−z).",
    "too large": "e^1000 is too large for a float, so your loss is infinite where it should be "
    "1000: ln(1 + e^z) is z for large z, and torch.logaddexp(z, 0 · z) knows both ends.",
    "guarded": "Your loss is right, and its gradient is not: at a score of 1000 autograd also goes "
    "through the branch that was not taken, where infinity times 0 is NaN. Compute it in one "
    "piece: torch.logaddexp(a, 0 · a).",
    "naive": "e^1000 is too large for a float, and infinity divided by infinity is NaN (not a "
    "number): write the chance as 1 / (1 + e^−z).",
}
_LOGISTIC_APART = [
    "mean | sum | crossed | loss only",
    "falls | tanh | plain score | decided | naive",
    "other chance | only ones | only noughts | label ignored | no logarithm | distance | error"
    " | limited | rounded first | nought times | too large | guarded",
    "loss only | falls | tanh | plain score | decided | naive",
    "limited | rounded first | nought times | no logarithm | distance | error | falls | tanh"
    " | plain score | decided",
    "no minus | no logarithm | distance | error",
    "bits | no logarithm | distance | error",
    "naive | rounded first",
    "guarded | crossed | loss only",
]


def _said_of_loss(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names a loss that stays finite and small where the score is huge and wrong."""
    loss, wanted = got[1].detach(), expected[1].detach()
    huge = wanted > 500
    limited = huge.any() and loss.isfinite().all() and (loss[huge] < 0.9 * wanted[huge]).all()
    return _LIMITED if limited and (loss > -1e-3).all() else None


def _with_its_gradient(answer: Callable[..., Any], score: Tensor, label: Tensor) -> Any:
    """Call the answer, and look at the gradient of its loss: a remark where it isn't finite."""
    score = score.requires_grad_()
    result = differentiable(lambda z: answer(z, label), score)
    if not isinstance(result, tuple | list) or len(result) != 2:
        return result
    loss = result[1]
    if not isinstance(loss, Tensor) or not loss.requires_grad or not loss.isfinite().all():
        return result
    (gradient,) = torch.autograd.grad(loss.sum(), score, retain_graph=True, allow_unused=True)
    if gradient is None or gradient.isfinite().all():
        return result
    return (*result, Remark("the gradient of the loss is NaN"))


LOGISTIC = Exercise(
    id="1.5",
    title="The logistic function and its loss",
    minutes=12,
    stars=3,
    reference=learning.logistic_and_loss,
    probes=[
        (torch.tensor([2.0, -0.5, 1.5]), torch.tensor([1.0, 1.0, 0.0])),
        (torch.tensor([0.0]), torch.tensor([1.0])),
        (torch.tensor([2.0, 2.0, -1.5]), torch.tensor([1.0, 0.0, 0.0])),
        (uniform(7, seed=9, low=-4, high=4), torch.tensor([1.0, 0, 0, 1, 1, 0, 1])),
        (torch.tensor([1000.0, 1000.0, -1000.0, -1000.0]), torch.tensor([1.0, 0.0, 1.0, 0.0])),
        (torch.tensor([30.0, -30.0]), torch.tensor([0.0, 1.0])),
    ],
    mistakes=alone(_logistic, _LOGISTIC_SAID)
    | {
        "Your loss is right, but cut off from the scores, so nothing could be trained through it: "
        "compute with tensors all the way, without .tolist(), .item(), .detach() or numpy.": (
            _logistic_as_tensors
        ),
        "e^1000 is too large for a float: your chance is infinity divided by infinity, and your "
        "loss takes its logarithm. Write the chance as 1 / (1 + e^−z), the loss as ln(1 + e^−z).": (
            partial(_logistic, wrong=frozenset(["naive", "rounded first"]))
        ),
        "Your first result is the chance given to the label: return the chance of a yes, whatever "
        "the label is.": lambda z, y: (
            torch.sigmoid((2 * y - 1) * z),
            nn.functional.softplus((1 - 2 * y) * z),
        ),
        "`math.exp` cannot take a number of this size, and plain numbers cannot be trained "
        "through: compute with tensors, torch.logaddexp(a, 0 · a).": _logistic_as_math,
    },
    together=in_pairs(_logistic, _LOGISTIC_SAID, _LOGISTIC_APART),
    alternatives={
        "torch's own": lambda z, y: (
            torch.sigmoid(z),
            nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none"),
        ),
        "the logarithm of sigmoid": lambda z, y: (
            torch.sigmoid(z),
            -nn.functional.logsigmoid((2 * y - 1) * z),
        ),
        "the larger of two": lambda z, y: (
            torch.sigmoid(z),
            ((1 - 2 * y) * z).clamp(min=0) + (-z.abs()).exp().log1p(),
        ),
        "a loop": _logistic_by_rows,
        "float64": lambda z, y: learning.logistic_and_loss(z.double(), y.double()),
        "logaddexp": lambda z, y: (
            1 / (1 + torch.exp(-z)),
            torch.logaddexp((1 - 2 * y) * z, torch.zeros_like(z)),
        ),
    },
    call=_with_its_gradient,
    parts=("chance", "loss"),
    explain=_said_of_loss,
)
