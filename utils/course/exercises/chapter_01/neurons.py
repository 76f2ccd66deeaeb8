"""What flows back through a neuron, the smallest backpropagation of chapter 01."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm import learning

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


def _neuron_score(weights: Tensor, bias: float, x: Tensor, wrong: Wrong) -> Tensor:
    if "no bias" in wrong:
        return x @ weights
    return x @ weights - bias if "bias subtracted" in wrong else x @ weights + bias


def _neuron_error(score: Tensor, label: Tensor, wrong: Wrong) -> Tensor:
    """The error of each example, or what a slip takes for it."""
    chance = torch.sigmoid(score)
    errors: dict[str, Callable[[], Tensor]] = {
        "flipped": lambda: label - chance,
        "bell": lambda: (chance - label) * chance * (1 - chance),
        "doubled": lambda: 2 * (chance - label),
        "decided": lambda: (chance > 0.5).float() - label,
        "plain score": lambda: score - label,
        "tanh": lambda: torch.tanh(score) - label,
        "size": lambda: (chance - label).abs(),
        "squared": lambda: (chance - label).square(),
        "chance": lambda: chance,
        "shared": lambda: (chance - label) / len(label),
    }
    return next((errors[slip] for slip in wrong & errors.keys()), lambda: chance - label)()


def _neuron(
    weights: Tensor, bias: float, x: Tensor, label: Tensor, *, wrong: Wrong = frozenset()
) -> Any:
    """Error and derivatives, with the slips named in `wrong`."""
    score = _neuron_score(weights, bias, x, wrong)
    error, chance = _neuron_error(score, label, wrong), torch.sigmoid(score)
    each = error * chance * (1 - chance) if "late bell" in wrong else error
    each = 2 * each if "late double" in wrong else each
    n = x.shape[1] if "by inputs" in wrong else len(x)
    by_weights = x.T @ each / (x.shape[1] if "weights by inputs" in wrong else n)
    by_bias = each.sum() / n
    if "shared" in wrong:
        by_weights, by_bias = by_weights * len(x), by_bias * len(x)
    if wrong & {"sums", "weights sum"}:
        by_weights = x.T @ each
    if wrong & {"sums", "bias sum"}:
        by_bias = each.sum()
    if "apart" in wrong:
        by_weights = each.mean() * x.mean(dim=0)
    if "weights in it" in wrong:
        by_weights = by_weights * weights
    if "bias in it" in wrong:
        by_bias = by_bias * bias
    first = error.mean() if "mean error" in wrong else error
    if "two only" in wrong:
        return by_weights, by_bias
    return (first, by_bias, by_weights) if "crossed" in wrong else (first, by_weights, by_bias)


def _x_not_turned(weights: Tensor, bias: float, x: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    error = torch.sigmoid(x @ weights + bias) - label
    return error, x @ error / len(x), error.mean()


def _weights_first(weights: Tensor, bias: float, x: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    error = torch.sigmoid(weights @ x + bias) - label
    return error, x.T @ error / len(x), error.mean()


def _score_not_summed(weights: Tensor, bias: float, x: Tensor, label: Tensor) -> tuple[Tensor, ...]:
    error = torch.sigmoid(x * weights + bias) - label
    return error, x.T @ error / len(x), error.mean()


_NEURON_SAID = {
    "flipped": "Every sign is flipped: the error is chance minus label.",
    "bell": "p(1−p) has cancelled against the logarithm: the error is chance − label, and nothing "
    "else.",
    "late bell": "p(1−p) has cancelled against the logarithm. Your error is right; average "
    "error · x, and error, as they are.",
    "late double": "The 2 belongs to the squared error.",
    "doubled": "The 2 belongs to the squared error: here the error is chance − label.",
    "weights by inputs": "Divide by the number of examples, not of inputs.",
    "by inputs": "Divide by the number of examples, not of inputs, in both derivatives.",
    "decided": "You rounded the chance to yes or no before you compared (Rosenblatt's perceptron "
    "does): keep the chance itself.",
    "plain score": "You compared the score with the label: put it through the logistic function "
    "first.",
    "tanh": "You bent with tanh: the logistic function is torch.sigmoid.",
    "size": "You took the size of the error: it keeps its sign, which says which way to go.",
    "squared": "You squared the error: here it is chance − label as it is.",
    "chance": "You return the chance as the error: subtract the label.",
    "no bias": "The bias is missing from the score: it is w · x + b.",
    "bias subtracted": "You subtracted the bias: the score is w · x + b.",
    "sums": "You summed over the examples: the loss is a mean, so divide both derivatives by their "
    "number.",
    "bias sum": "The derivative by the bias is still a sum: average it as you did for the weights.",
    "weights sum": "The derivative by the weights is still a sum: average it as you did for the "
    "bias.",
    "apart": "You averaged the errors and the inputs apart: weigh each example's inputs by its own "
    "error, then average.",
    "weights in it": "The derivative by the weights has the weights in it: a nudge of a weight "
    "moves the score x times as far, whatever the weight is.",
    "bias in it": "The derivative by the bias has the bias in it: a nudge of the bias moves the "
    "score as far as itself, whatever the bias is.",
    "mean error": "You averaged the error that you return first: each example keeps its own.",
    "shared": "The derivatives are right, but the first result should be the plain error, chance − "
    "label, not yet divided by the number of examples.",
    "crossed": "Right numbers, wrong order: error, then the derivative by the weights, then the "
    "one by the bias.",
    "two only": "The error is missing from what you return: three things, the error of each "
    "example first.",
}
_NEURON_APART = [
    "flipped | bell | doubled | decided | plain score | tanh | size | squared | chance | shared",
    "late bell | late double | bell | doubled | shared",
    "weights by inputs | by inputs | sums | weights sum | apart | shared",
    "weights by inputs | by inputs | sums | bias sum | shared",
    "no bias | bias subtracted",
    "bias sum | weights sum",
    "two only | shared | mean error | crossed",
    "two only | late bell | bell | late double | doubled",
    "decided | plain score | tanh | chance | late bell | late double",
]


def _said_of_neuron(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names an error that was made of the score, whatever was then made of it."""
    weights, bias, x, label = args
    error = torch.as_tensor(got[0]).float()
    if torch.allclose(error, x @ weights + bias - label, atol=1e-5):
        return _NEURON_SAID["plain score"]
    return None


def _said_of_its_form(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names a derivative that still has a row for each example."""
    by_weights, n = torch.as_tensor(got[1]), len(args[2])
    if tuple(by_weights.shape) == (n, len(args[0])):
        return (
            "The derivative by the weights still has a row for each example: take their mean, and "
            "one number for each weight is left."
        )
    return None


NEURON = Exercise(
    id="1.6",
    title="What flows back through a neuron",
    minutes=10,
    stars=2,
    reference=learning.neuron_gradient,
    probes=[
        (
            torch.tensor([1.0, -0.5]),
            0.25,
            torch.tensor([[1.0, 2.0], [-1.0, 0.5], [3.0, 1.0]]),
            torch.tensor([1.0, 1.0, 0.0]),
        ),
        (torch.tensor([2.0]), -1.0, torch.tensor([[0.5]]), torch.tensor([1.0])),
        (
            uniform(3, seed=10),
            -0.5,
            uniform(5, 3, seed=11),
            torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0]),
        ),
    ],
    mistakes=alone(_neuron, _NEURON_SAID)
    | {
        "x has a row for each example, and the sum runs over examples: turn it, x.T @ error.": (
            _x_not_turned
        ),
        "x has a row for each example, and each row is to meet the weights: the score is "
        "x @ weights + bias, in this order.": _weights_first,
        "x * weights is not summed yet: x @ weights adds up the products of each row, one score "
        "for each example.": _score_not_summed,
    },
    together=in_pairs(_neuron, _NEURON_SAID, _NEURON_APART),
    alternatives={
        "autograd": _neuron_by_autograd,
        "loops": _neuron_by_loops,
        "broadcasting": lambda w, b, x, y: (
            error := torch.sigmoid((x * w).sum(dim=-1) + b) - y,
            (error[:, None] * x).mean(dim=0),
            error.mean(),
        ),
        "float64": lambda w, b, x, y: learning.neuron_gradient(
            w.double(), b, x.double(), y.double()
        ),
    },
    parts=("error", "derivative by the weights", "derivative by the bias"),
    explain=_said_of_neuron,
    explain_form=_said_of_its_form,
)
