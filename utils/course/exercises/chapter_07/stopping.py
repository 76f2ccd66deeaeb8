"""Chapter 07, a loop of one's own: validation, early stopping, the best weights kept."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs

# 7.7 · the loop

Losses = list[float]


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_of: Callable[[nn.Module, int], Tensor],
    validate: Callable[[nn.Module], float],
    steps: int,
    every: int,
    patience: int,
) -> Losses:
    """The held-out losses, one for each look; the model is left with the weights of the best."""
    return _fit(model, optimizer, loss_of, validate, steps, every, patience)


def _fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_of: Callable[[nn.Module, int], Tensor],
    validate: Callable[[nn.Module], float],
    steps: int,
    every: int,
    patience: int,
    *,
    wrong: Wrong = frozenset(),
    begin: float = math.inf,
) -> Any:
    """The loop, with a bend where a wrong turn wants one."""
    best, kept, waited, held_out = begin, None, 0, []
    for step in range(steps):
        _learn(model, optimizer, loss_of, step, wrong)
        if (step if "looks early" in wrong else step + 1) % every and "every step" not in wrong:
            continue
        held_out.append(_look(model, validate, wrong))
        if "each kept" in wrong:
            kept = copy.deepcopy(model.state_dict())
        if _is_better(held_out, best, wrong):
            best, kept = held_out[-1], copy.deepcopy(model.state_dict())
            waited = waited if "in all" in wrong else 0
        else:
            waited += 1
            if "never stops" not in wrong and waited >= _limit(patience, wrong):
                if "leaves at once" in wrong:
                    return held_out
                break
    if (kept is not None or "no guard" in wrong) and "last kept" not in wrong:
        model.load_state_dict(kept)
    ends = {"best alone": best, "last alone": held_out[-1:], "nothing": None}
    return next((ends[slip] for slip in wrong & ends.keys()), held_out)


def _telling_training(
    model: nn.Module, optimizer: Any, loss_of: Callable[..., Tensor], *rest: Any
) -> Losses:
    told: Losses = []

    def noted(model: nn.Module, step: int) -> Tensor:
        loss = loss_of(model, step)
        told.append(loss.item())
        return loss

    _fit(model, optimizer, noted, *rest)
    return told


def _looking_first(model: nn.Module, optimizer: Any, *rest: Any, unlearned: bool = False) -> Losses:
    loss_of, validate, steps, every, patience = rest
    best, kept, waited, held_out = math.inf, None, 0, []
    for step in range(steps):
        if (step or unlearned) and step % every == 0:
            held_out.append(_look(model, validate, frozenset()))
            waited += 1
            if held_out[-1] < best:
                best, kept, waited = held_out[-1], copy.deepcopy(model.state_dict()), 0
            if waited >= patience:
                break
        _learn(model, optimizer, loss_of, step, frozenset())
    if kept is not None:
        model.load_state_dict(kept)
    return held_out


def _back_at_the_end(model: nn.Module, *rest: Any) -> Losses:
    held_out = _fit(model, *rest, wrong=frozenset(["stays in eval"]))
    model.train()
    return held_out


def _learn(
    model: nn.Module, optimizer: Any, loss_of: Callable[..., Tensor], step: int, wrong: Wrong
) -> None:
    if "left in eval" in wrong:
        model.train()
    if "no zero_grad" not in wrong:
        optimizer.zero_grad()
    loss_of(model, 0 if "one batch" in wrong else step).backward()
    if "no step" not in wrong:
        optimizer.step()


def _look(model: nn.Module, validate: Callable[[nn.Module], float], wrong: Wrong) -> float:
    if "training mode" not in wrong:
        model.eval()
    with torch.set_grad_enabled("recorded" in wrong):
        loss = float(validate(model))
    if not wrong & {"stays in eval", "left in eval"}:
        model.train()
    return loss


def _is_better(held_out: Losses, best: float, wrong: Wrong) -> bool:
    if "against the last" in wrong:
        return len(held_out) == 1 or held_out[-1] < held_out[-2]
    if "highest" in wrong:
        return held_out[-1] > best or best == math.inf
    return held_out[-1] <= best if "equal is better" in wrong else held_out[-1] < best


def _limit(patience: int, wrong: Wrong) -> int:
    later = {"one late": 1, "one early": -1}
    return 1 if "at once" in wrong else patience + sum(later[s] for s in wrong & later.keys())


_SAID = {
    "last kept": "The model was left with its last weights: put back those of the best look. Keep "
    "a "
    "copy of them, copy.deepcopy(model.state_dict()), since `state_dict` holds the weights "
    "themselves.",
    "leaves at once": "Where patience ends, you return before the best weights are put back: "
    "leave the loop with `break`, and put them back behind it.",
    "each kept": "You kept the weights of every look, so the last ones were put back: keep those "
    "of the best alone.",
    "no guard": "Where nobody looked, there is nothing to put back: load the weights only if some "
    "were kept.",
    "no zero_grad": "The gradients add up over the steps: optimizer.zero_grad() before each.",
    "no step": "Nothing is learned: zero_grad, backward, step, in this order.",
    "one batch": "Every step learned from the batch of step 0: loss_of(model, step).",
    "in all": "The looks without a gain were counted in all: `patience` of them in a row, so begin "
    "anew after each gain.",
    "one late": "You stopped a look late: the look at which `patience` in a row have brought "
    "nothing is the last.",
    "one early": "You stopped a look early: `patience` looks in a row may bring nothing.",
    "at once": "You stopped at the first look that brought nothing: `patience` of them in a row.",
    "never stops": "You never stopped: after `patience` looks in a row that brought nothing, leave "
    "the loop.",
    "against the last": "Each look was compared with the one before: compare with the best of all.",
    "equal is better": "A loss that only equals the best was taken for a gain: it must be below.",
    "highest": "The weights of the highest loss were kept: the lowest is the best.",
    "looks early": "You looked after step 1, and then every so often: look after `every` steps, "
    "2 · `every` and so on.",
    "every step": "You looked after every step: only after each `every` of them.",
    "training mode": "The model was in training mode while it was judged, dropout and all: "
    "model.eval() before, model.train() after.",
    "stays in eval": "After the first look the model stayed in eval mode: model.train() behind it.",
    "left in eval": "The model is left in eval mode: model.train() behind the last look, too.",
    "recorded": "Judging was recorded for a backward pass that never comes, which costs memory: "
    "`with torch.no_grad():`.",
    "best alone": "You returned the best loss alone: return the list of all.",
    "last alone": "You returned the last loss alone: return the list of all.",
    "nothing": "Nothing was returned: return the list of the held-out losses.",
}
_OFTEN = (
    "last kept",
    "no zero_grad",
    "in all",
    "one late",
    "looks early",
    "training mode",
    "stays in eval",
    "recorded",
)
_APART = ["in all | one late", "training mode | stays in eval"]


class Lesson:
    """A small training whose held-out losses are given, so that all about a loop can be seen."""

    def __init__(self, steps: int, every: int, patience: int, held_out: Sequence[float]) -> None:
        self.numbers = steps, every, patience
        self.held_out = held_out
        self.n_looks = self.n_steps = 0
        self.recorded = False

    def loss_of(self, model: nn.Module, step: int) -> Tensor:
        """The loss of the step's batch; Python's ValueError where it is asked for too many."""
        self.n_steps += 1
        if self.n_steps > 60:
            raise ValueError("60 steps, and there should be fewer: does the loop end?")
        wanted = torch.tensor([0.3 * step, -0.2 * (step % 3)])
        size = 1.0 if model.training else 1.5
        return ((size * model.weight[0] - wanted) ** 2).sum()

    def validate(self, model: nn.Module) -> float:
        """The next of the given losses; more in training mode, as with dropout."""
        self.recorded |= torch.is_grad_enabled()
        k, last = self.n_looks, len(self.held_out) - 1
        self.n_looks += 1
        more = 0.4 * (k % 3) if model.training else 0.0
        return self.held_out[min(k, last)] + 0.05 * max(0, k - last) + more

    def __repr__(self) -> str:
        return "{} steps, a look every {}, patience {}, held-out losses {}".format(
            *self.numbers, list(self.held_out)
        )


def trained(answer: Callable[..., Any], lesson: Lesson) -> Any:
    """Let an answer train a small model: what it returns, the weights, the steps, and two flags."""
    torch.manual_seed(0)
    model = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.7, -0.4]]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.07, momentum=0.5)
    returned = answer(model, optimizer, lesson.loss_of, lesson.validate, *lesson.numbers)
    weights = model.weight.detach()[0].clone()
    return returned, weights, lesson.n_steps, lesson.recorded, model.training


def _with_saved_tensors(model: nn.Module, optimizer: Any, *rest: Any) -> Any:
    loss_of, validate, steps, every, patience = rest
    held_out, saved, at = [], [p.detach().clone() for p in model.parameters()], None
    done = 0
    while done < steps:
        for p in model.parameters():
            p.grad = None
        loss_of(model, done).backward()
        optimizer.step()
        done += 1
        if done % every == 0:
            model.eval()
            with torch.inference_mode():
                held_out.append(validate(model))
            model.train()
            if at is None or held_out[-1] < held_out[at]:
                at, saved = len(held_out) - 1, [p.detach().clone() for p in model.parameters()]
            if len(held_out) - 1 - at == patience:
                break
    if at is not None:
        with torch.no_grad():
            for p, q in zip(model.parameters(), saved, strict=True):
                p.copy_(q)
    return held_out


def _by_rounds(model: nn.Module, optimizer: Any, *rest: Any) -> Any:
    loss_of, validate, steps, every, patience = rest
    rounds, held_out, kept = (
        [range(i, min(i + every, steps)) for i in range(0, steps, every)],
        [],
        {},
    )
    for numbers in rounds:
        for step in numbers:
            model.zero_grad()
            loss_of(model, step).backward()
            optimizer.step()
        if len(numbers) < every:
            break
        with torch.no_grad():
            held_out += [validate(model.eval())]
        model.train()
        if held_out[-1] == min(held_out) and held_out.index(min(held_out)) == len(held_out) - 1:
            kept = {name: weights.clone() for name, weights in model.state_dict().items()}
        since = len(held_out) - 1 - held_out.index(min(held_out))
        if since >= patience:
            break
    if kept:
        model.load_state_dict(kept)
    return tuple(held_out)


FIT = Exercise(
    id="7.7",
    title="A loop that knows when to stop",
    minutes=12,
    stars=3,
    reference=fit,
    probes=[
        (Lesson(12, 2, 2, [2.4, 1.9, 2.1, 1.7, 1.8, 1.75]),),
        (Lesson(20, 3, 2, [3.1, 2.2, 2.5, 2.6, 1.0, 0.9]),),
        (Lesson(11, 4, 1, [1.3, 0.9, 0.8]),),
        (Lesson(13, 1, 3, [2.0, 1.5, 1.5, 1.5, 1.5, 1.2]),),
        (Lesson(5, 7, 2, [1.0]),),
        (Lesson(16, 2, 3, [2.0, 2.2, 1.6, 1.9, 1.8, 1.5, 1.7, 1.6]),),
        (Lesson(6, 1, 2, [1.1, 1.2, 1.15, 0.7]),),
        (Lesson(8, 2, 2, [3e4, 2e4, 2.5e4, 2.6e4]),),
        (Lesson(0, 2, 1, [1.0]),),
    ],
    mistakes=alone(_fit, _SAID)
    | {
        "The losses of the training steps came back: return what `validate` gave at each "
        "look.": _telling_training,
        "`loss_of` was asked for the steps from 1 on: they count from 0.": (
            lambda model, optimizer, loss_of, *rest: _fit(
                model, optimizer, lambda model, step: loss_of(model, step + 1), *rest
            )
        ),
        "After the first look the model learned in eval mode, and was brought back only at the "
        "end: model.train() behind each look.": _back_at_the_end,
        "Your best loss begins at a number, and all losses may lie above it: begin at math.inf, or "
        "with the first look.": partial(_fit, begin=100.0),
        "With steps = 0 nothing is to be learned: ask before the first step.": (
            lambda model, optimizer, loss_of, validate, steps, *rest: _fit(
                model, optimizer, loss_of, validate, max(1, steps), *rest
            )
        ),
        "You look before the step, and so before anything is learned: look behind "
        "optimizer.step(), where (step + 1) % every == 0.": partial(_looking_first, unlearned=True),
        "You look before the step, and never after the last: look behind optimizer.step(), where "
        "(step + 1) % every == 0.": _looking_first,
    },
    together=in_pairs(_fit, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
    alternatives={"saved tensors": _with_saved_tensors, "round by round": _by_rounds},
    call=trained,
    parts=("held-out losses", "weights", "steps", "recorded", "training mode"),
)
