"""Chapter 10, first part: a loss on the answer alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import Remark, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.tuning import answers as finetuning

# 10.1 · the loss mask


def answer_loss(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    """The mean of −ln p over the tokens that are to be learned, all texts together."""
    return finetuning.answer_loss(logits, ids, learned)


def _paid(logits: Tensor, ids: Tensor) -> Tensor:
    """−ln p of each token but the first, (B, T − 1)."""
    return -logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]


def _masked(
    logits: Tensor,
    ids: Tensor,
    learned: Tensor,
    *,
    mask: Callable[[Tensor], Tensor] = lambda learned: learned[:, 1:],
    reduce: Callable[[Tensor, Tensor], Tensor] = lambda paid, mask: paid[mask].mean(),
) -> Tensor:
    """What is paid where a mask, (B, T − 1), is True, made one number."""
    return reduce(_paid(logits, ids), mask(learned))


def _own_token(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    return F.cross_entropy(logits[learned], ids[learned])


def _own_token_but_the_first(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    mask = learned.clone()
    mask[:, 0] = False
    return _own_token(logits, ids, mask)


def _backwards(mask: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """The loss that asks each place for the token before it, where a mask of (B, T − 1) is True."""

    def loss(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
        kept = mask(learned)
        return F.cross_entropy(logits[:, 1:][kept], ids[:, :-1][kept])

    return loss


def _over_all_marks(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    return (_paid(logits, ids) * learned[:, 1:]).sum() / learned.sum()


def _zeroed_logits(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    shown = logits[:, :-1] * learned[:, 1:, None]
    return F.cross_entropy(shown.flatten(0, 1), ids[:, 1:].flatten())


def _zeroed_targets(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    return _paid(logits, ids * learned).mean()


def _zeros_ignored(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    targets = (ids * learned)[:, 1:]
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets.flatten(), ignore_index=0)


def _rolled(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    mask = learned.roll(-1, dims=1)
    return F.cross_entropy(logits[mask], ids.roll(-1, dims=1)[mask])


def _swapped(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    mask = learned[:, 1:]
    return F.cross_entropy(ids[:, 1:][mask], logits[:, :-1][mask])


def _by_loop(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    found = []
    for text, scores in enumerate(logits.double()):
        for place in range(1, ids.shape[1]):
            if learned[text, place]:
                before = scores[place - 1]
                found.append(before.logsumexp(0) - before[ids[text, place]])
    return sum(found) / len(found)


def _by_ignoring(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    targets = ids.masked_fill(~learned, -100)[:, 1:]
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), targets)


def _by_weights(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    weights = learned[:, 1:].double()
    return (_paid(logits, ids) * weights).sum() / weights.sum()


def _texts(v: int, *marks: str) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, ids and a mask, from a row of characters a text: x is to be learned."""
    learned = torch.tensor([[mark == "x" for mark in row] for row in marks])
    seed = 1000 + 10 * v + learned.numel()
    ids = torch.randint(v, learned.shape, generator=torch.Generator().manual_seed(seed))
    return uniform(*learned.shape, v, seed=seed), ids, learned


def trained_through(
    answer: Callable[..., Any], logits: Tensor, ids: Tensor, learned: Tensor
) -> Any:
    """Call an answer that the chapter trains by: a loss that is right must have a gradient, too."""
    loss = answer(logits.requires_grad_(), ids, learned)
    if difference(answer_loss(logits, ids, learned), loss):
        return loss
    if not isinstance(loss, Tensor):
        return Remark(
            "The number is right, but a plain number has no gradient, so nothing can learn from "
            "it: return the tensor, without .item() or float()."
        )
    return (
        loss
        if loss.requires_grad
        else Remark(
            "The number is right, but autograd finds no way back from it to the logits, so nothing "
            "can learn from it: leave out detach, .data and no_grad."
        )
    )


ALL = "The loss is on the prompt, too: only the tokens marked in `learned` count."
MASKS: dict[str, Callable[[Tensor], Tensor]] = {
    "The mask is shifted by one: the logits at place t speak of token t + 1, so take the mask "
    "of the token that is spoken of, learned[:, 1:].": lambda learned: learned[:, :-1],
    ALL: lambda learned: torch.ones_like(learned[:, 1:]),
    "The mask is turned round: this learns the prompt and leaves out the answer.": (
        lambda learned: ~learned[:, 1:]
    ),
}
BY_TEXT = (
    "This is a mean of each text's mean, so a token of a short answer counts for more. Take "
    "one mean over all marked tokens."
)
BY_ALL = (
    "You divided by all tokens, prompt and filling among them: divide by the number of marked ones."
)
REDUCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    BY_TEXT: lambda paid, mask: ((paid * mask).sum(1) / mask.sum(1)).mean(),
    BY_ALL: lambda paid, mask: (paid * mask).mean(),
    "The losses were summed: take their mean.": lambda paid, mask: paid[mask].sum(),
    "You divided by the number of texts: divide by the number of marked tokens, of all texts "
    "together.": lambda paid, mask: paid[mask].sum() / len(paid),
    "The sign is missing: a loss is −ln p.": lambda paid, mask: -paid[mask].mean(),
    "The loss is in bits: take natural logarithms, as PyTorch does.": (
        lambda paid, mask: paid[mask].mean() / math.log(2)
    ),
    "These are the chances' mean: take −ln of each.": lambda paid, mask: (-paid[mask]).exp().mean(),
    "The logarithm was taken of the mean chance: take the mean of the logarithms.": (
        lambda paid, mask: -(-paid[mask]).exp().mean().log()
    ),
    "This is a perplexity: the loss is its logarithm.": lambda paid, mask: paid[mask].mean().exp(),
    "The median was taken: take the mean.": lambda paid, mask: paid[mask].median(),
}
ANSWER_LOSS = Exercise(
    id="10.1",
    title="The loss mask",
    minutes=6,
    stars=2,
    reference=answer_loss,
    probes=[
        _texts(3, ".xx."),
        _texts(4, "..xx."),
        _texts(5, "..xx..", ".xxxx."),
        _texts(6, "x.xx.", "...xx", "xxxxx"),
        _texts(7, "...xxxx..", "..xxxxxxx", ".....x...", "....xx..."),
    ],
    mistakes={
        **{said: partial(_masked, mask=mask) for said, mask in MASKS.items()},
        **{said: partial(_masked, reduce=reduce) for said, reduce in REDUCTIONS.items()},
        "Each place is asked for its own token: the logits at place t speak of token t + 1.": (
            _own_token
        ),
        "Leaving out the first place is no shift: each place is still asked for its own token. "
        "The logits at place t speak of token t + 1.": _own_token_but_the_first,
        "The shift goes the wrong way: place t + 1 is asked for token t, which it has read. "
        "logits[:, :-1] goes with ids[:, 1:] and learned[:, 1:].": _backwards(
            lambda learned: learned[:, :-1]
        ),
        "The shift goes the wrong way: place t + 1 is asked for token t, which it has read. The "
        "mask is the right one: logits[:, :-1] goes with ids[:, 1:].": _backwards(
            lambda learned: learned[:, 1:]
        ),
        "There are two softmaxes: cross_entropy takes the logits, and makes the chances "
        "itself.": lambda logits, ids, learned: answer_loss(logits.softmax(-1), ids, learned),
        "You divided by the number of all marks, and the first token of a text is never asked "
        "for, whatever its mark: count learned[:, 1:].": _over_all_marks,
        "Setting logits to zero doesn't leave a token out: it says that all tokens are equally "
        "likely there, and that costs ln V.": _zeroed_logits,
        "Setting ids to zero doesn't leave a token out: it asks for token 0 there.": (
            _zeroed_targets
        ),
        "Tokens of the id 0 are left out: 0 is a token like any other, and -100 is what "
        "cross_entropy leaves out by itself.": _zeros_ignored,
        "`roll` brings the mark of the first token round to the last place: cut it off, "
        "learned[:, 1:].": _rolled,
        "Only the last token of each text counts: all that are marked in `learned` do.": (
            lambda logits, ids, learned: F.cross_entropy(logits[:, -2], ids[:, -1])
        ),
        "The arguments of cross_entropy are swapped: first the logits, then the ids.": _swapped,
    },
    together={
        (one, other): partial(_masked, mask=mask, reduce=reduce)
        for one, mask in MASKS.items()
        for other, reduce in REDUCTIONS.items()
        if one != ALL or other not in (BY_ALL, BY_TEXT)  # that is the first of them alone
    },
    alternatives={
        "a loop": _by_loop,
        "targets of −100": _by_ignoring,
        "weights of 0 and 1": _by_weights,
        "pick first, then cross_entropy": lambda logits, ids, learned: F.cross_entropy(
            logits[:, :-1][learned[:, 1:]], ids[:, 1:][learned[:, 1:]]
        ),
    },
    call=trained_through,
)
