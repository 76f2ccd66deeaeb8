"""The exercise of chapter 01 in which a loop that learns badly is mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm import learning

Network = list[Tensor]
Run = tuple[list[float], Network]


def train_soundly(
    start: Network, at: Tensor, label: Tensor, learning_rate: float, n_steps: int
) -> Run:
    """Descent on the mean log loss from `start`: the loss before each step, and the network.

    Shapes: start w1 (D, H), b1 (H,), w2 (H, 1), b2 (1,); at (N, D); label (N,) of 0 and 1.
    """
    return _train(start, at, label, learning_rate, n_steps)


def _loss(network: Network, at: Tensor, label: Tensor, wrong: Wrong) -> Tensor:
    w1, b1, w2, b2 = network
    hidden = at @ w1 + b1 if "no bend" in wrong else torch.relu(at @ w1 + b1)
    if wrong & {"cut off", "smaller steps"}:
        hidden = hidden.data
    score = (hidden @ w2 + b2)[:, 0]
    if "cut at the score" in wrong:
        score = score.detach() + b2
    _, losses = learning.logistic_and_loss(score, label)
    return losses.sum() if "sum" in wrong else losses.mean()


def _gradients(loss: Tensor, network: Network, kept: list[Tensor]) -> list[Tensor]:
    """The gradient of each parameter, the kept ones added to those of the first parameters."""
    found = torch.autograd.grad(loss, network, allow_unused=True)
    gradients = [
        torch.zeros_like(p) if g is None else g for p, g in zip(network, found, strict=True)
    ]
    added = [g + k for g, k in zip(gradients, kept, strict=False)]
    return added + gradients[len(added) :]


def _train(
    start: Network,
    at: Tensor,
    label: Tensor,
    learning_rate: float,
    n_steps: int,
    *,
    wrong: Wrong = frozenset(),
) -> Any:
    """The training loop, with the slips named in `wrong`."""
    network = [parameter.clone().requires_grad_() for parameter in start]
    used: list[Tensor] = []
    history = []
    for _ in range(n_steps + ("one too many" in wrong) - ("one too few" in wrong)):
        loss = _loss(network, at, label, wrong)
        if "item" in wrong:
            loss = loss.item()
            loss.backward()
        kept = {"adds up": 4, "smaller steps": 4, "last reset": 3, "half reset": 2}
        used = _gradients(loss, network, used[: max(map(kept.get, wrong & kept.keys()), default=0)])
        rate = -learning_rate if "uphill" in wrong else learning_rate
        rate /= 10 if wrong & {"a tenth", "smaller steps"} else 1
        rate = 1.0 if "no rate" in wrong else 0.0 if "reset too early" in wrong else rate
        with torch.no_grad():
            for parameter, gradient in zip(network, used, strict=True):
                parameter -= rate * gradient
        after = _loss(network, at, label, wrong) if "after" in wrong else loss
        history.append(after.item())
    network = [parameter.detach() for parameter in network]
    if "start" in wrong:
        return history, start
    return history if "history only" in wrong else (history, network)


def _bent_otherwise(
    start: Network, at: Tensor, label: Tensor, learning_rate: float, n_steps: int
) -> Run:
    """At 0 exactly, clamp lets the gradient through and relu doesn't."""
    network = [parameter.clone().requires_grad_() for parameter in start]
    history = []
    for _ in range(n_steps):
        w1, b1, w2, b2 = network
        hidden = (at @ w1 + b1).clamp(min=0)
        loss = learning.logistic_and_loss((hidden @ w2 + b2)[:, 0], label)[1].mean()
        gradients = torch.autograd.grad(loss, network)
        pairs = zip(network, gradients, strict=True)
        network = [(p - learning_rate * g).detach().requires_grad_() for p, g in pairs]
        history.append(loss.item())
    return history, network


def _with_another(make: Callable[[Network, float], Any]) -> Callable[..., Run]:
    """The sound loop with another optimiser, which has rules of its own."""

    def answer(
        start: Network, at: Tensor, label: Tensor, learning_rate: float, n_steps: int
    ) -> Run:
        network = [torch.nn.Parameter(parameter.clone()) for parameter in start]
        optimiser, history = make(network, learning_rate), []
        for _ in range(n_steps):
            optimiser.zero_grad()
            loss = _loss(network, at, label, frozenset())
            loss.backward()
            optimiser.step()
            history.append(loss.item())
        return history, [parameter.detach() for parameter in network]

    return answer


_NOT_HIS_STEP = (
    "Both faults are gone, and so is the step, learning rate · gradient: {} takes one of another "
    "length. The loop walks by plain descent, as torch.optim.SGD does."
)
_OPTIMISERS: dict[str, Callable[..., Any]] = {
    "Adam": lambda network, rate: torch.optim.Adam(network, lr=rate),
    "AdamW": lambda network, rate: torch.optim.AdamW(network, lr=rate),
    "RMSprop": lambda network, rate: torch.optim.RMSprop(network, lr=rate),
    "SGD with a momentum": lambda network, rate: torch.optim.SGD(network, lr=rate, momentum=0.9),
}


def _plain(network: Network, rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(network, lr=rate)


def _by_hand(start: Network, at: Tensor, label: Tensor, learning_rate: float, n_steps: int) -> Run:
    w1, b1, w2, b2 = (parameter.clone() for parameter in start)
    history = []
    for _ in range(n_steps):
        before = at @ w1 + b1
        hidden = before.clamp(min=0)
        chance, losses = learning.logistic_and_loss((hidden @ w2 + b2)[:, 0], label)
        history.append(losses.mean().item())
        error = (chance - label)[:, None] / len(at)  # (N, 1)
        back = error @ w2.T * (before > 0)  # (N, H)
        w2, b2 = w2 - learning_rate * hidden.T @ error, b2 - learning_rate * error.sum(0)
        w1, b1 = w1 - learning_rate * at.T @ back, b1 - learning_rate * back.sum(0)
    return history, [w1, b1, w2, b2]


_SAID = {
    "adds up": "The gradients still add up: `backward` adds to `.grad`, so each step walks along "
    "the sum of all gradients so far. Reset them at every step.",
    "cut off": "The first layer still learns nothing: w1 and b1 stay as they were. `.data`, like "
    "`.detach()`, lets no gradient through, and a step is for all four parameters.",
    "cut at the score": "Only the last bias learns: the score is cut off from the weights, so no "
    "gradient comes through to them.",
    "half reset": "Two gradients still add up, those of w1 and b1: reset all four at every step.",
    "last reset": "Three gradients still add up, those of w1, b1 and w2: reset all four, in the "
    "loop over the parameters.",
    "reset too early": "Now nothing moves: the parameters stay as they were. A gradient is used "
    "before it is reset, and a step changes the parameter itself: `parameter -= …`, where "
    "`parameter = …` would only bind the name anew.",
    "uphill": "You walk uphill: subtract the gradient.",
    "no rate": "The learning rate does nothing: multiply the gradient by it.",
    "a tenth": "Your steps are a tenth as long: take the learning rate that is given.",
    "no bend": "The bend is gone, and two layers without one are a single weighted sum: keep "
    "torch.relu, and leave out `.data` alone.",
    "sum": "Your loss is a sum over the examples: take the mean, or the steps are N times as long.",
    "after": "You note the loss after each step: note the one that you stepped on, before it.",
    "one too many": "One step too many: take n_steps of them.",
    "one too few": "One step too few: take n_steps of them.",
    "start": "You return the network that you were given: return the one that was trained.",
    "history only": "The network is missing from what you return: two things, the losses and the "
    "four parameters.",
}
_BY_THEMSELVES = {
    "smaller steps": "Smaller steps only hide the symptom: both faults are in the loop still. Find "
    "what cuts the first layer off, and what lets the gradients add up.",
    "item": "`item` makes a plain number of the loss, and only the tensor has a `backward`: call "
    "`loss.backward()` first, and note `loss.item()`.",
}
_APART = [
    "adds up | half reset | last reset | reset too early | uphill | no rate",
    "cut off | cut at the score | half reset | last reset",
    "one too many | one too few",
    "start | history only",
    "reset too early | after | start",
    "sum | no rate",
    "cut off | cut at the score | reset too early",
    "a tenth | uphill | no rate | sum | reset too early | adds up | half reset | last reset",
    "no bend | cut off | cut at the score",
]


def _net(d: int, h: int, seed: int) -> Network:
    """Numbers of one decimal, and biases of more: so that no score stands on the bend at 0."""
    return [
        uniform(d, h, seed=seed),
        uniform(h, seed=seed + 1) + 0.037,
        uniform(h, 1, seed=seed + 2),
        uniform(1, seed=seed + 3),
    ]


def _labels(n: int) -> Tensor:
    return (torch.arange(n) % 3 == 0).float()


FIND_THE_BUG = Exercise(
    id="1.9",
    title="Find the bug",
    minutes=8,
    stars=2,
    reference=train_soundly,
    probes=[
        (_net(2, 3, seed=30), uniform(5, 2, seed=34), _labels(5), 0.5, 1),
        (_net(2, 3, seed=30), uniform(5, 2, seed=34), _labels(5), 0.5, 3),
        (_net(3, 4, seed=40), uniform(7, 3, seed=44), _labels(7), 0.2, 8),
    ],
    mistakes=alone(_train, _SAID | _BY_THEMSELVES)
    | {_NOT_HIS_STEP.format(name): _with_another(make) for name, make in _OPTIMISERS.items()},
    together=in_pairs(_train, _SAID, _APART),
    alternatives={
        "torch's optimiser": _with_another(_plain),
        "backpropagation by hand": _by_hand,
        "bent by clamp": _bent_otherwise,
    },
    parts=("losses", "network"),
    rtol=1e-3,
    atol=1e-5,
)
