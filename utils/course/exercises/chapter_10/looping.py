"""Chapter 10, last part: a loop that teaches, once with a bug to find and once from nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import alone, in_pairs

Batch = tuple[Tensor, Tensor]
Loss = Callable[[nn.Module, Batch], Tensor]
Wrong = frozenset[str]
NONE: Wrong = frozenset()


class Small(nn.Module):
    """A model of two tables, of which the first is frozen; while it trains it says half as much.

    The half stands for dropout, without the dice.
    """

    def __init__(self, vocab_size: int, width: int, seed: int) -> None:
        super().__init__()
        tables = (uniform(vocab_size, width, seed=seed + i) for i in range(2))
        self.read, self.say = (nn.Parameter(table) for table in tables)
        self.read.requires_grad_(False)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (B, T, V)."""
        logits = self.read[ids] @ self.say.T
        return logits / 2 if self.training else logits

    def __repr__(self) -> str:
        return f"a model of {len(self.say)} tokens"


def _lessons(v: int, *marks: str, seed: int) -> Batch:
    """Ids and a mask, from a row of characters a text: x is to be learned."""
    learned = torch.tensor([[mark == "x" for mark in row] for row in marks])
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(v, learned.shape, generator=dice), learned


# 10.8 · a loop that learns badly


def teach(model: nn.Module, ids: Tensor, learned: Tensor, steps: int, rate: float) -> list[float]:
    """Train a model on the tokens that are to be learned, and return the loss of each step."""
    return _teach(model, ids, learned, steps, rate)


def _teach(
    model: nn.Module,
    ids: Tensor,
    learned: Tensor,
    steps: int,
    rate: float,
    *,
    read: Callable[[Tensor], Tensor] = lambda ids: ids[:, :-1],
    asked: Callable[[Tensor], Tensor] = lambda ids: ids[:, 1:],
    mask: Callable[[Tensor, Tensor], Tensor] = lambda learned, ids: learned[:, 1:],
    clear: bool = True,
    reduction: str = "mean",
    factor: float = 1.0,
) -> list[float]:
    inputs, targets, wanted = read(ids), asked(ids), mask(learned, ids)
    optimizer = torch.optim.AdamW(model.parameters(), lr=factor * rate)
    losses = []
    model.train()
    for _ in range(steps):
        logits = model(inputs)
        loss = F.cross_entropy(logits[wanted], targets[wanted], reduction=reduction)
        if clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _teach_by_ignoring(
    model: nn.Module, ids: Tensor, learned: Tensor, steps: int, rate: float
) -> list[float]:
    targets = ids.masked_fill(~learned, -100)[:, 1:]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    losses = []
    for _ in range(steps):
        model.train()
        loss = F.cross_entropy(model(ids)[:, :-1].transpose(1, 2), targets)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _teach_by_weights(
    model: nn.Module, ids: Tensor, learned: Tensor, steps: int, rate: float
) -> list[float]:
    weights = learned[:, 1:].float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    losses = []
    model.train()
    for _ in range(steps):
        chances = model(ids[:, :-1]).log_softmax(-1)
        paid = -chances.gather(-1, ids[:, 1:, None])[..., 0]
        loss = (paid * weights).sum() / weights.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def taught(
    answer: Callable[..., Any],
    model: nn.Module,
    ids: Tensor,
    learned: Tensor,
    steps: int,
    rate: float,
) -> Any:
    """The losses of a training, and what the model says of the lessons after it."""
    losses = answer(model, ids, learned, steps, rate)
    if losses is None:
        return None
    with torch.no_grad():
        said = model.eval()(ids)
    return {"the losses": losses, "the logits after it": said}


STILL = (
    "The bug is still in it: ask which tokens are learned. The mask of the token that is asked for "
    "stands one place on."
)
TEACH = Exercise(
    id="10.8",
    title="A loop that learns badly",
    minutes=4,
    stars=2,
    reference=teach,
    probes=[
        (Small(5, 3, seed=1080), *_lessons(5, "..xx.", seed=1), 2, 0.05),
        (Small(4, 2, seed=1081), *_lessons(4, "..xxx..", "...xx..", seed=2), 3, 0.2),
        (Small(7, 4, seed=1082), *_lessons(7, ".xxx.", "...xx", "..xx.", seed=3), 6, 0.05),
    ],
    mistakes={
        STILL: partial(_teach, mask=lambda learned, ids: learned[:, :-1]),
        "Now all tokens are learned, the request and the filling, too: only those that are marked "
        "count.": partial(_teach, mask=lambda learned, ids: torch.ones_like(learned[:, 1:])),
        "The mask is turned round: now the request is learned, and the answer isn't.": partial(
            _teach, mask=lambda learned, ids: ~learned[:, 1:]
        ),
        "Now each place is asked for its own token, which it reads: targets are ids[:, 1:].": (
            partial(
                _teach, asked=lambda ids: ids[:, :-1], mask=lambda learned, ids: learned[:, :-1]
            )
        ),
        "Each place is asked for its own token, and the mask is another's: targets are "
        "ids[:, 1:].": partial(_teach, asked=lambda ids: ids[:, :-1]),
        "The shift goes the wrong way: the model reads ids[:, :-1] and is asked for ids[:, 1:].": (
            partial(
                _teach,
                read=lambda ids: ids[:, 1:],
                asked=lambda ids: ids[:, :-1],
                mask=lambda learned, ids: learned[:, :-1],
            )
        ),
        "Tokens 0 are left out, which is no mask: the request is learned, and an end mark, whose "
        "id is 0, isn't.": partial(_teach, mask=lambda learned, ids: ids[:, 1:] != 0),
        "The mask is right now. But the gradients of all steps add up: zero_grad, as it "
        "was.": partial(_teach, clear=False),
        "The mask is right now. But the losses are summed: take their mean, as it was.": partial(
            _teach, reduction="sum"
        ),
        "The mask is right now. But the learning rate is another: leave it as it is.": partial(
            _teach, factor=0.1
        ),
    },
    alternatives={"targets of −100": _teach_by_ignoring, "weights": _teach_by_weights},
    call=taught,
)

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
    wrong: Wrong = NONE,
) -> list[float]:
    if "thaws" in wrong:
        model.requires_grad_(True)
    if "halts early" in wrong:
        batches = list(batches)[:-1]
    optimizer = _optimizer(model, rate, wrong)
    measured, trained, best, lowest = [], [], None, None
    model.train("starts in eval" not in wrong)
    for batch in batches:
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
    return F.cross_entropy(model(ids)[:, :-1][wanted], ids[:, 1:][wanted])


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


def _tuning(v: int, width: int, n: int, rate: float, seed: int) -> tuple[Any, ...]:
    """A model, `n` batches of lessons, another that is held out, and a rate."""
    marks = "..xxx", ".xxx."
    batches = [_lessons(v, *marks, seed=seed + i) for i in range(n)]
    held_out = _lessons(v, *marks, "...xx", seed=seed + n)
    return Small(v, width, seed=seed), batches, held_out, rate


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
    "by training": "The weights that you kept paid least on their own batch: choose by what is "
    "held out.",
    "highest": "The weights that you kept paid most on what is held out: the least is wanted.",
    "SGD": "This is plain gradient descent: take AdamW.",
    "Adam": "This is Adam, without decay: take AdamW.",
    "own rate": "The learning rate is AdamW's own, 0.001: hand it `rate`.",
    "stays in training": "The model is left in training mode: model.eval() at the end.",
    "thaws": "What was frozen has learned: only what asks for a gradient may.",
    "tells training": "The losses that you returned are those of the batches: return the held-out "
    "ones.",
    "halts early": "The last batch was not learned.",
    "stops": "It stops at the first rise: go through all batches, and keep the best.",
}
APART = (
    "last | by training | highest",
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
    ],
    mistakes=alone(_fine_tune, WRONG_LOOPS),
    together={
        pair: answer
        for pair, answer in in_pairs(_fine_tune, WRONG_LOOPS, APART).items()
        if not COMMON.isdisjoint(pair)
    },
    alternatives={"all kept, then the least": _by_copying_the_model},
    call=tuned,
)
