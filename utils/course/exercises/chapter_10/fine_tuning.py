"""Chapter 10, last part: a fine-tuning loop of one's own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_10.looping import Batch, Small, lessons
from utils.course.exercises.slips import Wrong, alone, in_pairs

Loss = Callable[[nn.Module, Batch], Tensor]

# 10.9 · the fine-tuning loop


def fine_tune(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, held_out: Batch, rate: float
) -> list[float]:
    """Train what asks for a gradient; leave the weights that paid least on what is held out.

    Returns the held-out loss after each batch.
    """
    return _fine_tune(model, batches, loss, held_out, rate)


def _fine_tune(
    model: nn.Module,
    batches: Sequence[Batch],
    loss: Loss,
    held_out: Batch,
    rate: float,
    *,
    wrong: Wrong = frozenset(),
) -> list[float]:
    if "thaws" in wrong:
        model.requires_grad_(True)
    if "halts early" in wrong:
        batches = list(batches)[:-1]
    optimizer = _optimizer(model, rate, wrong)
    measured, trained, best, lowest = [], [], None, None
    model.train("starts in eval" not in wrong)
    for batch in batches:
        before = {name: t.detach().clone() for name, t in model.state_dict().items()}
        if "new optimizer" in wrong:
            optimizer = _optimizer(model, rate, wrong)
        if "mode" not in wrong:
            model.train()
        paid = loss(model, batch)
        if "keeps gradients" not in wrong:
            optimizer.zero_grad()
        paid.backward()
        if "measures before" not in wrong:
            optimizer.step()
        measured.append(_measured(model, loss, held_out, wrong))
        trained.append(paid.item())
        if "measures before" in wrong:
            optimizer.step()
        now = trained[-1] if "by training" in wrong else measured[-1]
        if lowest is None or (now > lowest if "highest" in wrong else now < lowest):
            lowest = now
            best = {name: t.detach().clone() for name, t in model.state_dict().items()}
            best = before if "a step before" in wrong else best
        if "stops" in wrong and now > lowest:
            break
    if "last" not in wrong:
        model.load_state_dict(best)
    model.train("stays in training" in wrong)
    return trained if "tells training" in wrong else measured


def _optimizer(model: nn.Module, rate: float, wrong: Wrong) -> torch.optim.Optimizer:
    kinds = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
    kind = next((kinds[name] for name in kinds if name in wrong), torch.optim.AdamW)
    free = [p for p in model.parameters() if p.requires_grad]
    return kind(free, lr=1e-3 if "own rate" in wrong else rate)


def _measured(model: nn.Module, loss: Loss, held_out: Batch, wrong: Wrong) -> float:
    if "measures in training" not in wrong:
        model.eval()
    with torch.no_grad():
        return loss(model, held_out).item()


def _looking_first(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, held_out: Batch, rate: float
) -> list[float]:
    optimizer, measured, best = _optimizer(model, rate, frozenset()), [], {}
    for batch in batches:
        measured.append(_measured(model, loss, held_out, frozenset()))
        if measured[-1] == min(measured):
            best = {name: t.detach().clone() for name, t in model.state_dict().items()}
        optimizer.zero_grad()
        loss(model.train(), batch).backward()
        optimizer.step()
    model.load_state_dict(best)
    model.eval()
    return measured


def _beginning_at_ten(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, held_out: Batch, rate: float
) -> list[float]:
    last = copy.deepcopy(model)
    measured = _fine_tune(model, batches, loss, held_out, rate)
    if min(measured) > 10:
        _fine_tune(last, batches, loss, held_out, rate, wrong=frozenset(["last"]))
        model.load_state_dict(last.state_dict())
    return measured


def _looking_before_all(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, held_out: Batch, rate: float
) -> list[float]:
    first = _measured(model, loss, held_out, frozenset())
    return [first, *_fine_tune(model, batches, loss, held_out, rate)]


def _rolled_back(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, held_out: Batch, rate: float
) -> list[float]:
    optimizer, measured, best = _optimizer(model, rate, frozenset()), [], {}
    for batch in batches:
        optimizer.zero_grad()
        loss(model.train(), batch).backward()
        optimizer.step()
        measured.append(_measured(model, loss, held_out, frozenset()))
        if measured[-1] == min(measured):
            best = copy.deepcopy(model.state_dict())
        model.load_state_dict(best)
    return measured


def _clearing_late(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, held_out: Batch, rate: float
) -> list[float]:
    return [_measured(model, loss, held_out, frozenset()) for _ in batches]


def _learning_what_is_held_out(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, held_out: Batch, rate: float
) -> list[float]:
    def of_both(model: nn.Module, batch: Batch) -> Tensor:
        held = loss(model, held_out)
        return held if batch is held_out else loss(model, batch) + held

    return _fine_tune(model, batches, of_both, held_out, rate)


def _loss_of_logits(
    model: nn.Module, batches: Sequence[Batch], loss: Any, held_out: Batch, rate: float
) -> list[float]:
    return [loss(model(ids), ids, learned).item() for ids, learned in batches]


def _by_copying_the_model(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, held_out: Batch, rate: float
) -> list[Tensor]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    kept: list[tuple[Tensor, list[Tensor]]] = []
    for batch in batches:
        model.train()
        optimizer.zero_grad()
        loss(model, batch).backward()
        optimizer.step()
        model.eval()
        weights = [p.detach().clone() for p in model.parameters()]
        kept.append((loss(model, held_out).detach(), weights))
    with torch.no_grad():
        best = min(kept, key=lambda pair: pair[0])[1]
        for parameter, weights in zip(model.parameters(), best, strict=True):
            parameter.copy_(weights)
    return [paid for paid, _ in kept]


def masked_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The loss of a batch on the tokens that are to be learned."""
    ids, learned = batch
    wanted = learned[:, 1:]
    return model.price * F.cross_entropy(model(ids)[:, :-1][wanted], ids[:, 1:][wanted])


def tuned(
    answer: Callable[..., Any],
    model: nn.Module,
    batches: Sequence[Batch],
    held_out: Batch,
    rate: float,
) -> Any:
    """What a loop measured, and what it left: the weights, which are free, and the mode."""
    measured = answer(model, batches, masked_loss, held_out, rate)
    if measured is None:
        return None
    return {
        "the held-out losses": measured,
        "the weights that it leaves": {n: p.detach() for n, p in model.named_parameters()},
        "what asks for a gradient": [n for n, p in model.named_parameters() if p.requires_grad],
        "in training mode": model.training,
    }


def _tuning(
    v: int, width: int, n: int, rate: float, seed: int, price: float = 1.0
) -> tuple[Any, ...]:
    """A model, `n` batches of lessons, another that is held out, and a rate."""
    marks = "..xxx", ".xxx."
    batches = [lessons(v, *marks, seed=seed + i) for i in range(n)]
    held_out = lessons(v, *marks, "...xx", seed=seed + n)
    model = Small(v, width, seed=seed)
    model.price = price
    return model, batches, held_out, rate


WRONG_LOOPS = {
    "last": "The model ends with its last weights, not with those that paid least on what is held "
    "out: load them at the end. If you kept them, keep a copy: state_dict() hands out the tensors "
    "themselves, and the next step changes them.",
    "keeps gradients": "The gradients of all batches add up: zero_grad before each backward.",
    "mode": "After the first measurement the model stays in eval mode: model.train() for each "
    "batch.",
    "measures in training": "The held-out loss is measured in training mode, where dropout is at "
    "work: model.eval() before it.",
    "measures before": "The held-out loss is measured before the step, so it is that of the "
    "weights before: measure behind optimizer.step().",
    "new optimizer": "Each batch gets an optimizer of its own, which has forgotten its running "
    "means: make one before the loop.",
    "a step before": "You kept the weights from before the step, and the held-out loss is that of "
    "those after it: copy them behind optimizer.step().",
    "by training": "The weights that you kept paid least on their own batch: choose by what is "
    "held out.",
    "highest": "The weights that you kept paid most on what is held out: the least is wanted.",
    "SGD": "This is plain gradient descent: take AdamW.",
    "Adam": "Nothing decays, as in Adam or with weight_decay=0: take AdamW as it is.",
    "own rate": "The learning rate is AdamW's own, 0.001: hand it `rate`.",
    "stays in training": "The model is left in training mode: model.eval() at the end.",
    "thaws": "What was frozen has learned: only what asks for a gradient may.",
    "tells training": "The losses that you returned are those of the batches: return the held-out "
    "ones.",
    "halts early": "The last batch was not learned.",
    "stops": "It stops at the first rise: go through all batches, and keep the best.",
}
APART = (
    "last | by training | highest | a step before",
    "SGD | Adam",
    "stops | halts early",
    "measures in training | mode",
    "last | own rate",
    "keeps gradients | highest",
)
COMMON = {WRONG_LOOPS["last"], WRONG_LOOPS["keeps gradients"], WRONG_LOOPS["mode"]}
FINE_TUNE = Exercise(
    id="10.9",
    title="The fine-tuning loop",
    minutes=12,
    stars=3,
    reference=fine_tune,
    probes=[
        _tuning(4, 2, 9, 0.5, seed=1112),
        _tuning(4, 2, 9, 0.5, seed=1100),
        _tuning(6, 4, 12, 0.2, seed=1107),
        _tuning(4, 2, 3, 0.5, seed=1112, price=1e4),
    ],
    mistakes=alone(_fine_tune, WRONG_LOOPS)
    | {
        "The held-out loss is measured before the step, and the weights kept are those before it: "
        "measure and keep behind optimizer.step().": _looking_first,
        "What is held out is never looked at: you noted the batches' own losses, and chose the "
        "weights by them.": lambda *given: _fine_tune(
            *given, wrong=frozenset(["tells training", "by training"])
        ),
        "The model learns in eval mode from the first batch on: model.train() before each "
        "step.": lambda *given: _fine_tune(*given, wrong=frozenset(["mode", "starts in eval"])),
        "The model learns from what is held out: a step is made on the batch, `held_out` is only "
        "looked at.": lambda model, batches, loss, held_out, rate: _fine_tune(
            model, [held_out for _ in batches], loss, held_out, rate
        ),
        "The model learns from what is held out too, beside each batch: `held_out` is only looked "
        "at.": _learning_what_is_held_out,
        "The held-out loss before any step stands in front: one for each batch, behind its "
        "step.": _looking_before_all,
        "After each batch the best weights so far were put back: train on, and put them back at "
        "the end.": _rolled_back,
        "Nothing is learned: zero_grad stands between backward and step.": _clearing_late,
        "A copy of the model has learned, and the model itself is as it was: train the one that "
        "is given.": lambda model, *given: _fine_tune(copy.deepcopy(model), *given),
        "Every step is made on the first batch: go through all of them.": (
            lambda model, batches, *given: _fine_tune(model, [batches[0]] * len(batches), *given)
        ),
        "Your least loss begins at a number, and all losses may lie above it: begin at math.inf, "
        "or with the first.": _beginning_at_ten,
        "The least loss alone came back: return the held-out losses, one for each batch.": (
            lambda *given: min(_fine_tune(*given))
        ),
        "`loss` takes two things, the model and the batch: loss(model, batch).": _loss_of_logits,
    },
    together={
        pair: answer
        for pair, answer in in_pairs(_fine_tune, WRONG_LOOPS, APART).items()
        if not COMMON.isdisjoint(pair)
    },
    alternatives={"all kept, then the least": _by_copying_the_model},
    call=tuned,
)
