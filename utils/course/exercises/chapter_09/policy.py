"""Exercise 9.8: the loss whose gradient makes more likely what was paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm.reasoning import self_teaching


def policy_loss(logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor) -> Tensor:
    """Minus Σ advantage · log p(token written), over the tokens to learn from, by their number."""
    return self_teaching.policy_loss(logits, targets, learned, advantages)


def _slipped(
    logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor, wrong: Wrong
) -> Tensor:
    chances = logits.softmax(-1 if "axis" not in wrong else 1)
    told = chances if "chance" in wrong else chances.log()
    told = logits if "scores" in wrong else told
    told = told.gather(-1, targets[..., None])[..., 0]
    weights = advantages[:, None] if "unweighted" not in wrong else torch.ones_like(told)
    if "positive" in wrong:
        weights = weights.clamp(min=0)
    terms = told * weights if "all tokens" in wrong else told * weights * learned
    total = terms.sum() if "climbs" in wrong else -terms.sum()
    if "sum" in wrong:
        return total
    if "by rows" in wrong:
        return total / len(targets)
    return total / (targets.numel() if "by places" in wrong else learned.sum())


SAID = {
    "climbs": "The sign is turned round: the optimiser goes down, so the loss is minus the sum, or "
    "what was paid becomes less likely.",
    "all tokens": "What stands behind the end of an answer is counted as well: leave out where "
    "`learned` is False.",
    "unweighted": "The advantages are missing: this makes every answer more likely, the wrong ones "
    "too.",
    "positive": "Answers with a negative advantage are left out: they must become less likely.",
    "chance": "These are the chances themselves: the gradient of the expected reward is a mean of "
    "the gradient of *log* p.",
    "scores": "These are raw scores, no logarithms of chances: take `log_softmax` over the "
    "vocabulary first.",
    "axis": "Your softmax runs over the tokens of the text: it belongs over the vocabulary, the "
    "last axis.",
    "sum": "The division by the number of learned tokens is missing.",
    "by rows": "You divide by the number of answers: divide by the number of learned tokens, "
    "`learned.sum()`.",
    "by places": "You divide by all places, the empty ones behind an answer too: divide by "
    "`learned.sum()`.",
}
APART = [
    "sum | by rows | by places",
    "unweighted | positive",
    "chance | scores",
    "axis | scores",
    "all tokens | by places",
]


def _with_gradient(answer: Callable[..., Any], logits: Tensor, *rest: Tensor) -> Any:
    """The loss and its gradient by the logits, or a remark where there is no way back to them."""
    logits = logits.clone().requires_grad_()
    loss = answer(logits, *rest)
    if not isinstance(loss, Tensor) or loss.ndim:
        return loss
    if not loss.requires_grad:
        return loss, Remark("a loss that autograd finds no way back from")
    return loss.detach(), torch.autograd.grad(loss, logits)[0]


def _by_cross_entropy(
    logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor
) -> Tensor:
    losses = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return (losses * advantages.unsqueeze(1))[learned].sum() / learned.sum()


def _by_loop(logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor) -> Tensor:
    total = logits.new_zeros(())
    for n, t in learned.nonzero().tolist():
        total = total - advantages[n] * logits[n, t].log_softmax(-1)[targets[n, t]]
    return total / learned.sum()


def _by_distribution(
    logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor
) -> Tensor:
    told = torch.distributions.Categorical(logits=logits).log_prob(targets)
    return -(told * advantages[:, None] * learned).sum() / learned.count_nonzero()


def _probe(n: int, t: int, v: int, seed: int, ends: list[int]) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(v, (n, t), generator=generator)
    learned = torch.arange(t) < torch.tensor(ends)[:, None]
    return (
        uniform(n, t, v, seed=seed),
        targets.masked_fill(~learned, 0),
        learned,
        uniform(n, seed=seed + 1, low=-1.5),
    )


POLICY_LOSS = Exercise(
    id="9.8",
    title="The policy-gradient step",
    minutes=10,
    stars=3,
    reference=policy_loss,
    probes=[
        _probe(2, 3, 4, 3, [3, 1]),
        _probe(1, 1, 3, 5, [1]),
        _probe(3, 2, 5, 7, [1, 2, 2]),
        _probe(4, 5, 3, 9, [5, 2, 3, 1]),
        _probe(5, 4, 6, 11, [4, 4, 1, 2, 3]),
    ],
    mistakes={
        **alone(_slipped, SAID),
        "The loss is cut off from the scores (`detach`, `item` or `no_grad`): the number is right, "
        "and nothing can be learned from it.": lambda *args: policy_loss(*args).detach(),
        "Return one number: sum over all tokens of all answers.": lambda *args: (
            policy_loss(*args) * torch.ones(args[3].shape)
        ),
    },
    together=in_pairs(_slipped, SAID, APART),
    alternatives={
        "cross-entropy": _by_cross_entropy,
        "a loop": _by_loop,
        "a distribution": _by_distribution,
    },
    call=_with_gradient,
    parts=("the loss", "its gradient by the scores"),
)
