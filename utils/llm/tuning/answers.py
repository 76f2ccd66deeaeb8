"""Teach a model its answers: texts of different lengths, and a loss that leaves out the question.

Shapes: `N` texts, `B` of them in a batch, `T` tokens, `V` tokens of the vocabulary. A `loss_mask`
(N, T) is True at the tokens that the model is to learn to write, False at what it is given (the
prompt) and at the filling.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.training.interrupts import deferred_interrupt
from utils.llm.training.optimizer import make_adamw, parameter_groups
from utils.llm.training.schedule import cosine_with_warm_up

__all__ = ["TuneHistory", "answer_loss", "exact_matches", "fill_up", "train_on_answers"]


@dataclass
class TuneHistory:
    """What a training on answers went through.

    `losses` are those of each step's batch, in nats per learned token; `exact` is the share of
    held-out texts whose every token would have been written right, after so many `steps`.
    """

    losses: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    exact: list[float] = field(default_factory=list)


def fill_up(
    texts: Sequence[Sequence[int]], masks: Sequence[Sequence[bool]], filler: int = 0
) -> tuple[Int[Tensor, "N T"], Bool[Tensor, "N T"]]:
    """Texts and their masks as two tensors, the shorter ones filled up behind.

    Under a causal mask no token sees what stands behind it, so any filler will do; it is never
    learned. Raises ValueError where a mask is not as long as its text.

    >>> fill_up([[5, 6, 7], [8, 9]], [[False, True, True], [False, True]])[0]
    tensor([[5, 6, 7],
            [8, 9, 0]])
    """
    for i, (text, mask) in enumerate(zip(texts, masks, strict=True)):
        if len(text) != len(mask):
            raise ValueError(
                f"Text {i} has {len(text)} tokens and its mask {len(mask)}: give True or False "
                "for each token."
            )
    pad = nn.utils.rnn.pad_sequence
    ids = pad([torch.tensor(text) for text in texts], batch_first=True, padding_value=filler)
    return ids, pad([torch.tensor(mask, dtype=torch.bool) for mask in masks], batch_first=True)


def answer_loss(
    logits: Float[Tensor, "B T V"], ids: Int[Tensor, "B T"], loss_mask: Bool[Tensor, "B T"]
) -> Float[Tensor, ""]:
    """The mean cross-entropy, in nats, of the tokens that the mask marks.

    The logits at place t speak of the token at t + 1, so both ids and mask are shifted by one.
    Raises ValueError where the mask marks no token that has one before it.
    """
    wanted = loss_mask[:, 1:]
    if not bool(wanted.any()):
        raise ValueError(
            "The loss mask marks nothing to learn: it must be True at the tokens of the answer "
            "(the first token of a text can't be learned, since nothing stands before it)."
        )
    return F.cross_entropy(logits[:, :-1][wanted], ids[:, 1:][wanted])


@torch.no_grad()
def exact_matches(
    model: nn.Module, ids: Int[Tensor, "N T"], loss_mask: Bool[Tensor, "N T"], batch: int = 512
) -> Bool[Tensor, "N"]:
    """True for the texts whose marked tokens are all the likeliest ones.

    They are read in one pass, the right tokens before each. Where all are right, the greedy model
    writes just this text: its first token is right, so the second is asked after the same words,
    and so on. It follows that this is exactly how often it would, at a fraction of the work.
    """
    training = model.training
    model.eval()
    found = [
        (model(part)[:, :-1].argmax(dim=-1) == part[:, 1:]) | ~mask[:, 1:]
        for part, mask in zip(ids.split(batch), loss_mask.split(batch), strict=True)
    ]
    model.train(training)
    return torch.cat([right.all(dim=1) for right in found])


def train_on_answers(
    model: nn.Module,
    ids: Int[Tensor, "N T"],
    loss_mask: Bool[Tensor, "N T"],
    steps: int,
    *,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    warm_up: int | None = None,
    weight_decay: float = 0.01,
    clip: float = 1.0,
    seed: int = 0,
    held_out: tuple[Int[Tensor, "M T"], Bool[Tensor, "M T"]] | None = None,
    evaluate_every: int = 0,
    watch: Callable[[int], None] | None = None,
    until: float | None = None,
    report: int = 0,
    loss: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
) -> TuneHistory:
    """Train a model in place, by AdamW, on the tokens that the mask marks, and on no others.

    `loss(logits, ids, mask)` is `answer_loss` where none is given. Parameters that ask for no
    gradient stay as they are. The learning rate climbs for `warm_up`
    steps (a tenth of all, 100 at most) and then falls along a cosine. With `held_out` texts and
    their mask, `exact_matches` is measured every so many steps, and at the end; it all ends sooner
    where the share reaches `until`. `watch` is called just as often, with the number of steps done.
    With `report`, a line of progress is printed that many steps apart. Ctrl-C ends it after the
    step, and what was learned is kept.

    Raises ValueError for ids and a mask of different shapes, or nothing to learn.
    """
    _check(ids, loss_mask)
    warm_up = min(100, steps // 10) if warm_up is None else warm_up
    optimizer = make_adamw(parameter_groups(model, weight_decay), learning_rate, (0.9, 0.95))
    free = [p for group in optimizer.param_groups for p in group["params"]]
    history, start = TuneHistory(), time.perf_counter()
    model.train()
    with deferred_interrupt() as interrupted:
        for step, rows in enumerate(_batches(len(ids), batch_size, steps, seed)):
            for group in optimizer.param_groups:
                group["lr"] = cosine_with_warm_up(step, steps, learning_rate, warm_up)
            paid = (loss or answer_loss)(model(ids[rows]), ids[rows], loss_mask[rows])
            optimizer.zero_grad()
            paid.backward()
            nn.utils.clip_grad_norm_(free, clip)
            optimizer.step()
            history.losses.append(paid.item())
            last = bool(interrupted) or step + 1 == steps
            due = last or (evaluate_every and (step + 1) % evaluate_every == 0)
            if watch and due:
                watch(step + 1)
            if held_out and due:
                history.steps.append(step + 1)
                history.exact.append(exact_matches(model, *held_out).float().mean().item())
                if until is not None and history.exact[-1] >= until:
                    break
            if report and (step + 1) % report == 0:
                _tell(history.losses, steps, time.perf_counter() - start)
            if interrupted:
                print(f"interrupted after {step + 1} of {steps} steps; what was learned is kept")
                break
    model.eval()
    return history


def _check(ids: Tensor, loss_mask: Tensor) -> None:
    if ids.ndim != 2 or ids.shape != loss_mask.shape or loss_mask.dtype != torch.bool:
        raise ValueError(
            f"ids have the shape {tuple(ids.shape)}, the loss mask is {loss_mask.dtype} of the "
            f"shape {tuple(loss_mask.shape)}: give (texts, tokens) and True or False for each."
        )
    empty = ~loss_mask[:, 1:].any(dim=1)
    if bool(empty.any()):
        raise ValueError(
            f"The loss mask of text {int(empty.nonzero()[0])} marks nothing to learn: it must be "
            "True at the tokens of the answer."
        )


def _batches(n: int, size: int, steps: int, seed: int) -> Iterator[Int[Tensor, "B"]]:
    """Row numbers for each step: every row comes once before any comes again."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        while len(order) < size:
            order = torch.cat([order, torch.randperm(n, generator=generator)])
        yield order[:size]
        order = order[size:]


def _tell(losses: Sequence[float], steps: int, seconds: float) -> None:
    left = seconds / len(losses) * (steps - len(losses))
    mean = sum(losses[-20:]) / len(losses[-20:])
    print(f"step {len(losses)} of {steps}: {mean:.3f} nats a token, {left:.0f} s left", flush=True)
