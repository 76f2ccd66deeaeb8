"""Exercise 9.8: the loss whose gradient makes more likely what was paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import Remark, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import number, uniform
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
    told = chances.log2() if "log2" in wrong else told
    told = logits if "scores" in wrong else told
    told = told.gather(-1, targets[..., None])[..., 0]
    weights = advantages[:, None] if "unweighted" not in wrong else torch.ones_like(told)
    if "positive" in wrong:
        weights = weights.clamp(min=0)
    counted = ~learned if "turned" in wrong else learned
    terms = told * weights if wrong & {"all tokens", "never left out"} else told * weights * counted
    total = terms.sum() if "climbs" in wrong else -terms.sum()
    if "sum" in wrong:
        return total
    if "by rows" in wrong:
        return total / len(targets)
    if wrong & {"by places", "never left out"}:
        return total / targets.numel()
    return total / counted.sum().clamp(min=1)


SAID = {
    "climbs": "The sign is turned round: the optimiser goes down, so the loss is minus the sum, or "
    "what was paid becomes less likely.",
    "all tokens": "What stands behind the end of an answer is counted as well: leave out where "
    "`learned` is False.",
    "never left out": "`learned` has no say: leave out the empty places behind the end of an "
    "answer, in the sum and in the number that it is divided by.",
    "turned": "`learned` is turned round: True stands where there is something to learn.",
    "log2": "These are logarithms to base 2: take the natural one, as log_softmax does.",
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
    "sum | by rows | by places | never left out | turned",
    "all tokens | never left out | turned",
    "log2 | chance | scores",
    "unweighted | positive",
    "chance | scores",
    "axis | scores",
    "all tokens | by places",
]


CUT = (
    "The loss is cut off from the scores (`detach`, `item` or `no_grad`): the number is right, and "
    "nothing can be learned from it."
)
CUT_IN_PART = (
    "The number is right, but its gradient by the scores isn't: part of the way back is cut off."
)


def _with_gradient(answer: Callable[..., Any], logits: Tensor, *rest: Tensor) -> Any:
    """The loss, or a remark where it is right and its gradient by the logits isn't."""
    logits = logits.clone().requires_grad_()
    loss = answer(logits, *rest)
    wanted = policy_loss(logits, *rest)
    if number(loss) is None or difference(wanted.detach(), torch.as_tensor(loss).detach()):
        return loss
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return Remark("the number is right, but autograd finds no way back to the scores")
    pairs = [torch.autograd.grad(each.sum(), logits)[0] for each in (wanted, loss)]
    return Remark("the number is right, but its gradient isn't") if difference(*pairs) else loss


def _told(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.log_softmax(dim=-1).gather(-1, targets[..., None])  # (N, T, 1)


def _mean_of_means(logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor) -> Tensor:
    told = (_told(logits, targets)[..., 0] * learned).sum(1) / learned.sum(1)
    return -(told * advantages).mean()


def _shifted(logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor) -> Tensor:
    told, counted = _told(logits[:, :-1], targets[:, 1:])[..., 0], learned[:, 1:]
    return -(told * counted * advantages[:, None]).sum() / counted.sum()


def _shifted_and_kept(
    logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor
) -> Tensor:
    told, counted = _told(logits[:, :-1], targets[:, 1:])[..., 0], learned[:, 1:]
    return -(told * counted * advantages[:, None]).sum() / counted.sum().clamp(min=1)


def _axis_left(logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor) -> Tensor:
    return -(_told(logits, targets) * learned * advantages[:, None]).sum() / learned.sum()


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
        CUT: lambda *args: policy_loss(*args).detach(),
        CUT_IN_PART: lambda logits, *rest: policy_loss(
            torch.cat([logits[:1], logits[1:].detach()]), *rest
        ),
        "This is the mean of the answers' own means, so a token of a short answer counts for more: "
        "one sum over all learned tokens, one division.": _mean_of_means,
        "You shifted once more: `targets` are what was sampled at these very places.": _shifted,
        "You shifted once more, and of each answer a token is lost: `targets` are what was sampled "
        "at these very places.": _shifted_and_kept,
        "`gather` leaves an axis of length 1 behind, (N, T, 1), and it meets `learned` the wrong "
        "way: [..., 0] takes it off.": _axis_left,
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
)
