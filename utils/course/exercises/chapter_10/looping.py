"""Chapter 10, last part: a loop that teaches, with a bug to find."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform

Batch = tuple[Tensor, Tensor]


class Small(nn.Module):
    """A model of two tables, of which the first is frozen; while it trains it says half as much.

    The half stands for dropout, without the dice.
    """

    def __init__(self, vocab_size: int, width: int, seed: int) -> None:
        super().__init__()
        tables = (uniform(vocab_size, width, seed=seed + i) for i in range(2))
        self.read, self.say = (nn.Parameter(table) for table in tables)
        self.read.requires_grad_(False)
        self.price = 1.0  # what a nat of this model's costs

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (B, T, V)."""
        logits = self.read[ids] @ self.say.T
        return logits / 2 if self.training else logits

    def __repr__(self) -> str:
        return f"a model of {len(self.say)} tokens"


def lessons(v: int, *marks: str, seed: int) -> Batch:
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
    late: bool = False,
    walk: type[torch.optim.Optimizer] = torch.optim.AdamW,
    train: bool = True,
    scored: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> list[float]:
    inputs, targets, wanted = read(ids), asked(ids), mask(learned, ids)
    optimizer = walk(model.parameters(), lr=factor * rate)
    losses = []
    model.train(train)
    for _ in range(steps):
        logits = scored(model(inputs))
        loss = F.cross_entropy(logits[wanted], targets[wanted], reduction=reduction)
        if clear:
            optimizer.zero_grad()
        loss.backward()
        if late:
            optimizer.zero_grad()
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
    model: nn.Module,
    ids: Tensor,
    learned: Tensor,
    steps: int,
    rate: float,
    by: Callable[[Tensor], float | Tensor] = Tensor.sum,
) -> list[float]:
    weights = learned[:, 1:].float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    losses = []
    model.train()
    for _ in range(steps):
        chances = model(ids[:, :-1]).log_softmax(-1)
        paid = -chances.gather(-1, ids[:, 1:, None])[..., 0]
        loss = (paid * weights).sum() / by(weights)
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


def _explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    losses = [list(result["the losses"]) for result in (expected, got)]
    if abs(losses[0][0] - losses[1][0]) > 1e-4 or len(losses[0]) != len(losses[1]):
        return None
    return (
        "The first loss is right, so the mask is; what departs comes behind the first step: leave "
        "the rate, the optimizer and the order of the steps as they were."
    )


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
        (Small(5, 3, seed=1080), *lessons(5, "..xx.", seed=1), 2, 0.05),
        (Small(4, 2, seed=1081), *lessons(4, "..xxx..", "...xx..", seed=2), 3, 0.2),
        (Small(7, 4, seed=1082), *lessons(7, ".xxx.", "...xx", "..xx.", seed=3), 6, 0.05),
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
        "Whole rows go in, and each place is asked for its own token, which it reads: place t is "
        "asked for token t + 1, ids[:, 1:] and learned[:, 1:].": partial(
            _teach,
            read=lambda ids: ids,
            asked=lambda ids: ids,
            mask=lambda learned, ids: learned,
        ),
        "Inputs and targets are shifted already, and you shifted once more: each place is asked "
        "for the token after the next.": partial(
            _teach,
            asked=lambda ids: ids[:, 2:],
            mask=lambda learned, ids: learned[:, 2:],
            scored=lambda logits: logits[:, :-1],
        ),
        "A token counts here where it or the one before it is marked: its own mark alone, "
        "learned[:, 1:].": partial(
            _teach, mask=lambda learned, ids: learned[:, 1:] | learned[:, :-1]
        ),
        "A token counts here only where the one before it is marked too, so the first of an answer "
        "is lost: its own mark alone, learned[:, 1:].": partial(
            _teach, mask=lambda learned, ids: learned[:, 1:] & learned[:, :-1]
        ),
        "The mask stands a place too far on: the token that is asked for is ids[:, 1:], and its "
        "mark learned[:, 1:].": partial(
            _teach, mask=lambda learned, ids: F.pad(learned[:, 2:], (0, 1))
        ),
        "The mask is right now. But nothing is learned, the model says the same after each step: "
        "zero_grad, backward, step, as it was, and no zero_grad between the two.": partial(
            _teach, late=True
        ),
        "The mask is right now. But the optimizer is another: leave it AdamW.": partial(
            _teach, walk=torch.optim.SGD
        ),
        "The mask is right now. But nothing decays, as in Adam: leave AdamW as it was.": partial(
            _teach, walk=torch.optim.Adam
        ),
        "The mask is right now. But the model learns in eval mode: model.train(), as it "
        "was.": partial(_teach, train=False),
        "The mask is right now. But a step is missing: `steps` of them.": (
            lambda model, ids, learned, steps, rate: _teach(model, ids, learned, steps - 1, rate)
        ),
        "The mask is right now. But there is a step too many: `steps` of them.": (
            lambda model, ids, learned, steps, rate: _teach(model, ids, learned, steps + 1, rate)
        ),
        "The mask is right now. But the last loss came back alone: return those of all "
        "steps.": lambda *given: _teach(*given)[-1],
        "The mask is right now. But the gradients of all steps add up: zero_grad, as it "
        "was.": partial(_teach, clear=False),
        "The mask is right now. But the losses are summed: take their mean, as it was.": partial(
            _teach, reduction="sum"
        ),
        "The mask is right now. But the loss is divided by all tokens that are asked for: by the "
        "number of those that are marked.": partial(_teach_by_weights, by=Tensor.numel),
        "The mask is right now. But the learning rate is another: leave it as it is.": partial(
            _teach, factor=0.1
        ),
    },
    alternatives={"targets of −100": _teach_by_ignoring, "weights": _teach_by_weights},
    call=taught,
    explain=_explain,
)
