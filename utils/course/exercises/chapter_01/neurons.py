"""The later exercises of chapter 01, on one neuron: the logistic, its loss, its gradient."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import differentiable, uniform
from utils.llm import learning

# 1.5 · the logistic function and its loss


def _naive_chance(score: Tensor) -> Tensor:
    return score.exp() / (1 + score.exp())


def _loss_of(chance: Tensor, label: Tensor) -> Tensor:
    return -torch.where(label == 1, chance, 1 - chance).log()


def _logistic_with(loss: Any, chance: Any = torch.sigmoid) -> Any:
    """An answer with this loss of (chance, score, label)."""

    def answer(score: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        return chance(score), loss(chance(score), score, label)

    return answer


def _logistic_by_rows(score: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    losses = []
    for z, yes in zip(score, label, strict=True):
        against = -z if yes == 1 else z
        losses.append(against if against > 30 else torch.log1p(against.exp()))
    return torch.sigmoid(score), torch.stack(losses)


def _logistic_as_tensors(score: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    losses = [max(a, 0) + math.log1p(math.exp(-abs(a))) for a in ((1 - 2 * label) * score).tolist()]
    return torch.sigmoid(score), torch.tensor(losses)


_LIMITED = (
    "You limit the loss: compute it from the score, not from the chance. At a score of ±1000 on "
    "the wrong side it is 1000, and yours stops growing, just where the model is most wrong."
)


def _said_of_loss(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names a loss that stays finite and small where the score is huge and wrong."""
    loss, wanted = got[1].detach(), expected[1].detach()
    huge = wanted > 500
    limited = huge.any() and loss.isfinite().all() and (loss[huge] < 0.9 * wanted[huge]).all()
    return _LIMITED if limited and (loss > -1e-3).all() else None


LOGISTIC = Exercise(
    id="1.5",
    title="The logistic function and its loss",
    minutes=8,
    stars=2,
    reference=learning.logistic_and_loss,
    probes=[
        (torch.tensor([0.0]), torch.tensor([1.0])),
        (torch.tensor([2.0, 2.0, -1.5]), torch.tensor([1.0, 0.0, 0.0])),
        (uniform(7, seed=9, low=-4, high=4), torch.tensor([1.0, 0, 0, 1, 1, 0, 1])),
        (torch.tensor([1000.0, 1000.0, -1000.0, -1000.0]), torch.tensor([1.0, 0.0, 1.0, 0.0])),
        (torch.tensor([30.0, -30.0]), torch.tensor([0.0, 1.0])),
    ],
    mistakes={
        "Your loss is right, but cut off from the scores, so nothing could be trained through it: "
        "compute with tensors all the way, without .tolist(), .item(), .detach() or numpy.": (
            _logistic_as_tensors
        ),
        "You averaged the loss: here each example keeps its own, the mean comes later.": (
            _logistic_with(lambda p, z, y: nn.functional.softplus((1 - 2 * y) * z).mean())
        ),
        "The loss takes the logarithm of the wrong chance: where the label is 1, use the chance "
        "of a yes; where it is 0, one minus it.": _logistic_with(
            lambda p, z, y: nn.functional.softplus((2 * y - 1) * z)
        ),
        "Your loss looks only at the label 1: an example with label 0 pays −ln(1 − chance).": (
            _logistic_with(lambda p, z, y: y * nn.functional.softplus(-z))
        ),
        "Your loss ignores the label: it is always −ln(chance of a yes).": _logistic_with(
            lambda p, z, y: nn.functional.softplus(-z)
        ),
        "The minus is missing: the logarithm of a chance is negative, and a loss is not.": (
            _logistic_with(lambda p, z, y: -nn.functional.softplus((1 - 2 * y) * z))
        ),
        "Your loss is the squared distance to the label: take the logarithm instead.": (
            _logistic_with(lambda p, z, y: (p - y).square())
        ),
        "Your logistic falls where it should rise: a high score is a likely yes, 1 / (1 + e^−z).": (
            _logistic_with(
                lambda p, z, y: nn.functional.softplus((2 * y - 1) * z), lambda z: (-z).sigmoid()
            )
        ),
        _LIMITED: _logistic_with(lambda p, z, y: -(torch.where(y == 1, p, 1 - p) + 1e-7).log()),
        "Your chances are fine, but the loss becomes infinite: the chance was rounded to 0 before "
        "you took its logarithm. Compute the loss from the score: ln(1 + e^−z).": _logistic_with(
            lambda p, z, y: _loss_of(p, y)
        ),
        "One of your two terms should be 0, but 0 times the logarithm of 0 is NaN (not a number), "
        "and where that logarithm counts, the loss is infinite. Compute it from the score: "
        "ln(1 + e^−z).": _logistic_with(lambda p, z, y: -(y * p.log() + (1 - y) * (1 - p).log())),
        "e^1000 is too large for a float, so your loss is infinite where it should be 1000: "
        "ln(1 + e^z) is z for large z, and torch.logaddexp(z, 0 · z) knows both ends.": (
            _logistic_with(lambda p, z, y: ((1 - 2 * y) * z).exp().log1p())
        ),
        "e^1000 is too large for a float, and infinity divided by infinity is NaN (not a number): "
        "write the chance as 1 / (1 + e^−z).": _logistic_with(
            lambda p, z, y: nn.functional.softplus((1 - 2 * y) * z), _naive_chance
        ),
        "e^1000 is too large for a float: your chance is infinity divided by infinity, and your "
        "loss takes its logarithm. Write the chance as 1 / (1 + e^−z), the loss as ln(1 + e^−z).": (
            _logistic_with(lambda p, z, y: _loss_of(p, y), _naive_chance)
        ),
    },
    alternatives={
        "torch's own": _logistic_with(
            lambda p, z, y: nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")
        ),
        "the logarithm of sigmoid": _logistic_with(
            lambda p, z, y: -nn.functional.logsigmoid((2 * y - 1) * z)
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
    call=differentiable,
    parts=("chance", "loss"),
    explain=_said_of_loss,
)


# 1.6 · what flows back through a neuron


def _neuron_by_autograd(
    weights: Tensor, bias: float, x: Tensor, label: Tensor
) -> tuple[Tensor, ...]:
    w, b = weights.clone().requires_grad_(), torch.tensor(bias, requires_grad=True)
    score = x @ w + b
    losses = nn.functional.binary_cross_entropy_with_logits(score, label, reduction="none")
    (error,) = torch.autograd.grad(losses.sum(), score, retain_graph=True)
    return error, *torch.autograd.grad(losses.mean(), [w, b])


def _neuron_by_loops(
    weights: Tensor, bias: float, x: Tensor, label: Tensor
) -> tuple[Tensor, Tensor, float]:
    errors, by_weights, by_bias = [], [0.0] * len(weights), 0.0
    for row, yes in zip(x.tolist(), label.tolist(), strict=True):
        score = sum(w * v for w, v in zip(weights.tolist(), row, strict=True)) + bias
        errors.append(1 / (1 + math.exp(-score)) - yes)
        by_bias += errors[-1] / len(x)
        for i, v in enumerate(row):
            by_weights[i] += errors[-1] * v / len(x)
    return torch.tensor(errors), torch.tensor(by_weights), by_bias


def _neuron_with(
    error: Any, by_weights: Any = None, by_bias: Any = None, gives: Any = torch.sigmoid
) -> Any:
    """An answer with this error of (chance, label), and these derivatives of (error, x)."""

    def answer(weights: Tensor, bias: float, x: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        e = error(gives(x @ weights + bias), label)
        wide = by_weights(e, x) if by_weights else x.T @ e / len(x)
        return e, wide, by_bias(e, x) if by_bias else e.mean()

    return answer


def _neuron_extra(factor: Any) -> Any:
    """An answer with the right error, whose derivatives have a factor(chance, x) too many."""

    def answer(weights: Tensor, bias: float, x: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        chance = torch.sigmoid(x @ weights + bias)
        wide = torch.cat([x, torch.ones(len(x), 1)], dim=1)  # (N, D + 1), the bias's input is 1
        gradient = ((chance - label)[:, None] * wide * factor(chance, x)).mean(dim=0)
        return chance - label, gradient[:-1], gradient[-1]

    return answer


NEURON = Exercise(
    id="1.6",
    title="What flows back through a neuron",
    minutes=8,
    stars=3,
    reference=learning.neuron_gradient,
    probes=[
        (torch.tensor([2.0]), -1.0, torch.tensor([[0.5]]), torch.tensor([1.0])),
        (
            torch.tensor([1.0, -0.5]),
            0.25,
            torch.tensor([[1.0, 2.0], [-1.0, 0.5], [3.0, 1.0]]),
            torch.tensor([1.0, 1.0, 0.0]),
        ),
        (
            uniform(3, seed=10),
            -0.5,
            uniform(5, 3, seed=11),
            torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0]),
        ),
    ],
    mistakes={
        "Every sign is flipped: the error is chance minus label.": _neuron_with(lambda p, y: y - p),
        "p(1−p) has cancelled against the logarithm: the error is chance − label, and nothing "
        "else.": _neuron_with(lambda p, y: (p - y) * p * (1 - p)),
        "p(1−p) has cancelled against the logarithm. Your error is right; average error · x, and "
        "error, as they are.": _neuron_extra(lambda p, x: (p * (1 - p)).unsqueeze(-1)),
        "The 2 belongs to the squared error.": _neuron_extra(lambda p, x: 2.0),
        "The 2 belongs to the squared error: here the error is chance − label.": _neuron_with(
            lambda p, y: 2 * (p - y)
        ),
        "Divide by the number of examples, not of inputs.": _neuron_extra(
            lambda p, x: x.new_tensor([len(x) / x.shape[1]] * x.shape[1] + [1.0])
        ),
        "Divide by the number of examples, not of inputs, in both derivatives.": _neuron_extra(
            lambda p, x: len(x) / x.shape[1]
        ),
        "You rounded the chance to yes or no before you compared (Rosenblatt's perceptron does): "
        "keep the chance itself.": _neuron_with(lambda p, y: (p > 0.5).float() - y),
        "You compared the score with the label: put it through the logistic function first.": (
            _neuron_with(lambda z, y: z - y, gives=lambda z: z)
        ),
        "You summed over the examples: the loss is a mean, so divide both derivatives by their "
        "number.": _neuron_with(lambda p, y: p - y, lambda e, x: x.T @ e, lambda e, x: e.sum()),
        "The derivative by the bias is still a sum: average it as you did for the weights.": (
            _neuron_with(lambda p, y: p - y, by_bias=lambda e, x: e.sum())
        ),
        "The derivative by the weights is still a sum: average it as you did for the bias.": (
            _neuron_with(lambda p, y: p - y, by_weights=lambda e, x: x.T @ e)
        ),
        "You averaged the errors and the inputs apart: weigh each example's inputs by its own "
        "error, then average.": _neuron_with(
            lambda p, y: p - y, by_weights=lambda e, x: e.mean() * x.mean(dim=0)
        ),
        "x has a row for each example, and the sum runs over examples: turn it, x.T @ error.": (
            _neuron_with(lambda p, y: p - y, by_weights=lambda e, x: x @ e / len(x))
        ),
        "The derivatives are right, but the first result should be the plain error, chance − "
        "label, not yet divided by the number of examples.": _neuron_with(
            lambda p, y: (p - y) / len(y), lambda e, x: x.T @ e, lambda e, x: e.sum()
        ),
    },
    alternatives={
        "autograd": _neuron_by_autograd,
        "loops": _neuron_by_loops,
        "broadcasting": _neuron_with(lambda p, y: p - y, lambda e, x: (e[:, None] * x).mean(dim=0)),
        "float64": lambda w, b, x, y: learning.neuron_gradient(
            w.double(), b, x.double(), y.double()
        ),
    },
    parts=("error", "derivative by the weights", "derivative by the bias"),
)
