"""Chapter 10: vectors in front of the words, and the words that they are nearest to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import Remark, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.tuning import soft_prompts

# 10.5 · a soft prompt in front

CUT_OFF = Remark(
    "The numbers are right, but autograd finds no way back from the inputs to `soft`, so the soft "
    "prompt can't learn: leave out detach, tolist and torch.tensor."
)
PARTLY = Remark(
    "The numbers are right, but only a part of `soft` gets a gradient, or a wrong one: each of its "
    "vectors is to learn from each text."
)
IGNORED = -100
Inputs = tuple[Tensor, Tensor]


def prepend(soft: Tensor, ids: Tensor, tokens: Tensor) -> Inputs:
    """The vectors that go in, (B, P + T, C), and the token wanted at each place, (B, P + T)."""
    return soft_prompts.prepend(soft, tokens[ids]), _wanted(len(soft), ids)


def _wanted(n: int, ids: Tensor, *, first: int = -1, nothing: int = IGNORED) -> Tensor:
    """`nothing` at each place, but ids from the place n + first on, as many as fit."""
    targets = torch.full((len(ids), n + ids.shape[1]), nothing)
    kept = ids[:, : targets.shape[1] - (n + first)]
    targets[:, n + first : n + first + kept.shape[1]] = kept
    return targets


def _joined(
    soft: Tensor,
    ids: Tensor,
    tokens: Tensor,
    *,
    join: Callable[[Tensor, Tensor], Tensor] = lambda s, w: torch.cat([s, w], dim=1),
    targets: Callable[..., Tensor] = lambda n, ids: _wanted(n, ids),
) -> Inputs:
    return join(soft.expand(len(ids), -1, -1), tokens[ids]), targets(len(soft), ids)


def _last_left_out(n: int, ids: Tensor) -> Tensor:
    targets = torch.full((len(ids), n + ids.shape[1]), IGNORED)
    targets[:, n:-1] = ids[:, 1:]
    return targets


def _last_not_asked_for(n: int, ids: Tensor) -> Tensor:
    targets = _wanted(n, ids)
    targets[:, -2] = IGNORED
    return targets


def _only_first_asked_for(n: int, ids: Tensor) -> Tensor:
    targets = _wanted(n, ids)
    targets[:, n:] = IGNORED
    return targets


def _last_says_the_first(n: int, ids: Tensor) -> Tensor:
    targets = _wanted(n, ids)
    targets[:, -1] = ids[:, 0]
    return targets


def _last_says_itself(n: int, ids: Tensor) -> Tensor:
    targets = _wanted(n, ids)
    targets[:, -1] = ids[:, -1]
    return targets


def _over_the_first(soft: Tensor, words: Tensor) -> Tensor:
    return torch.cat([soft, words], 1)[:, : words.shape[1]]


def _only_first_text(soft: Tensor, words: Tensor) -> Tensor:
    front = torch.zeros_like(soft)
    front[0] = soft[0]
    return torch.cat([front, words], dim=1)


def _prepend_by_loop(soft: Tensor, ids: Tensor, tokens: Tensor) -> Inputs:
    inputs, targets = [], []
    for row in ids.tolist():
        inputs.append(torch.stack([*soft, *(tokens[i] for i in row)]))
        targets.append([IGNORED] * (len(soft) - 1) + row + [IGNORED])
    return torch.stack(inputs), torch.tensor(targets)


def _by_filling(soft: Tensor, ids: Tensor, tokens: Tensor) -> Inputs:
    (b, t), p = ids.shape, len(soft)
    inputs = torch.empty(b, p + t, tokens.shape[1])
    inputs[:, :p], inputs[:, p:] = soft, F.embedding(ids, tokens)
    return inputs, F.pad(ids, (p - 1, 1), value=IGNORED)


def _soft(p: int, v: int, c: int, *ids: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    seed = 1050 + 100 * p + 10 * v + c
    return uniform(p, c, seed=seed), torch.tensor(ids), uniform(v, c, seed=seed + 1)


def learnable(answer: Callable[..., Any], soft: Tensor, ids: Tensor, tokens: Tensor) -> Any:
    """Call an answer whose soft prompt is to learn: a remark tells of a lost gradient."""
    soft.requires_grad_()
    made = answer(soft, ids, tokens)
    if not isinstance(made, tuple | list) or len(made) != 2:
        return made
    inputs = made[0]
    if not isinstance(inputs, Tensor) or not inputs.requires_grad:
        return (*made, CUT_OFF)
    if inputs.shape != (len(ids), len(soft) + ids.shape[1], soft.shape[1]):
        return made
    pull = torch.arange(1.0, 1 + inputs.numel()).view(inputs.shape).to(inputs.dtype)
    found = torch.autograd.grad(inputs, soft, pull, allow_unused=True, retain_graph=True)[0]
    wanted = pull[:, : len(soft)].sum(dim=0)
    sound = found is not None and torch.allclose(found.double(), wanted.double())
    return made if sound else (*made, PARTLY)


def _only_the_first(soft: Tensor, ids: Tensor, tokens: Tensor) -> Inputs:
    front = torch.cat([soft[:1], soft[1:].detach()])
    return prepend(front, ids, tokens)


JOINS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "The soft prompt stands after the ids: no word could look at it, since all look back. Put "
    "it in front.": lambda s, w: torch.cat([w, s], dim=1),
    "The soft prompt was added to the words: it is put in front of them.": (
        lambda s, w: w + s.mean(dim=1, keepdim=True)
    ),
    "The soft prompt took the place of the first words: the words come behind it.": (
        _over_the_first
    ),
    "The soft prompt was brought to the length 1: it goes in as it is.": lambda s, w: torch.cat(
        [F.normalize(s, dim=-1), w], dim=1
    ),
    "The soft prompt runs backwards.": lambda s, w: torch.cat([s.flip(1), w], dim=1),
    "Only the first text got the soft prompt: it stands in front of each.": _only_first_text,
    "The vectors were averaged into one: there are P of them.": (
        lambda s, w: torch.cat([s.mean(dim=1, keepdim=True), w], dim=1)
    ),
    "All texts got the words of the first: tokens[ids] are each text's own, (B, T, C).": (
        lambda s, w: torch.cat([s, w[:1].expand_as(w)], dim=1)
    ),
    "Only the words' vectors went in: the soft prompt is missing.": lambda s, w: w,
    "Only the soft prompt went in: the vectors of the words come behind it.": lambda s, w: s,
}
TARGETS: dict[str, Callable[..., Tensor]] = {
    "The targets are off by one: the last soft vector is the one that is asked for the first "
    "token, and the last token is asked for nothing.": partial(_wanted, first=0),
    "The targets stand one place too early: the last soft vector, at place P − 1, is the one that "
    "is asked for the first token.": partial(_wanted, first=-2),
    "The first token is not learned: the last soft vector is asked for it.": _last_left_out,
    "The targets begin at the first vector: what the soft prompt's vectors say among "
    "themselves is of no interest. Only the last one is asked for a token.": (
        lambda n, ids: F.pad(ids, (0, n), value=IGNORED)
    ),
    "`roll` asks the last place for the first token: the last soft vector is the one that is asked "
    "for it, and the last place for nothing.": lambda n, ids: F.pad(
        ids.roll(-1, dims=1), (n, 0), value=IGNORED
    ),
    "Where nothing is wanted the target is −100, which cross_entropy leaves out: 0 is a "
    "token.": partial(_wanted, nothing=0),
    "Where nothing is wanted the target is −100, which cross_entropy leaves out; −1 makes it "
    "fail.": partial(_wanted, nothing=-1),
    "The soft prompt's own places, but the last, are asked for token 0: nothing is wanted of them, "
    "−100.": lambda n, ids: F.pad(_wanted(n, ids)[:, n - 1 :], (n - 1, 0), value=0),
    "The last token is asked for nowhere: the place before it is.": _last_not_asked_for,
    "Only the first token is asked for: each place but the last is asked for the one behind it.": (
        _only_first_asked_for
    ),
    "The targets are one row: each text has its own, (B, P + T).": lambda n, ids: _wanted(n, ids)[
        0
    ],
    "The targets are floats: cross_entropy takes whole numbers, as torch.full(…, -100) makes "
    "them.": lambda n, ids: _wanted(n, ids).float(),
    "The targets have only T places: the inputs have P + T.": lambda n, ids: ids,
    "The targets have only T places: the inputs have P + T, and what is wanted comes one place "
    "before the token.": lambda n, ids: F.pad(ids[:, 1:], (0, 1), value=IGNORED),
}


def _explain(args: tuple[Any, ...], expected: Inputs, got: Any) -> str | None:
    """How the inputs were joined, whatever the targets are."""
    soft, ids, tokens = (arg.detach() for arg in args)
    found = got[0].detach()
    for said, join in JOINS.items() if difference(expected[0].detach(), found) else ():
        if not difference(join(soft.expand(len(ids), -1, -1), tokens[ids]), found):
            return said
    return None


PREPEND = Exercise(
    id="10.5",
    title="A soft prompt in front",
    minutes=8,
    stars=2,
    reference=prepend,
    probes=[
        _soft(3, 5, 2, [4, 1]),
        _soft(1, 2, 1, [1]),
        _soft(3, 4, 2, [3, 1], [0, 2]),
        _soft(2, 5, 3, [4, 0, 1, 3], [2, 2, 0, 1], [1, 4, 3, 0]),
        _soft(4, 6, 5, [5, 0, 3, 3, 1], [1, 2, 4, 0, 0]),
    ],
    mistakes={
        **{said: partial(_joined, join=join) for said, join in JOINS.items()},
        **{said: partial(_joined, targets=targets) for said, targets in TARGETS.items()},
        "The last place is asked for the token that it reads: nothing comes behind it, so its "
        "target is −100.": partial(_joined, targets=_last_says_itself),
        "The last place is asked for the text's first token: nothing comes behind it, so its "
        "target is −100.": partial(_joined, targets=_last_says_the_first),
        "The last token and its place are missing: all T tokens go in, and the last is asked for "
        "nothing.": lambda soft, ids, tokens: tuple(
            each[:, :-1] for each in prepend(soft, ids, tokens)
        ),
        "The soft prompt stands in front of every text of the batch: soft.expand(len(ids), -1, "
        "-1), since soft[None] is for one text.": lambda soft, ids, tokens: (
            torch.cat([soft[None], tokens[ids]], dim=1),
            _wanted(len(soft), ids),
        ),
        "Only the inputs came back: return the targets as well.": lambda *given: prepend(*given)[0],
        "The ids themselves went in: each stands for a row of the table, tokens[ids].": (
            lambda soft, ids, tokens: prepend(
                soft, ids, torch.arange(float(len(tokens)))[:, None].expand_as(tokens)
            )
        ),
        "You joined along the width: the soft prompt's vectors come before the words', along "
        "the places, dim=1.": partial(_joined, join=lambda s, w: torch.cat([s, w], dim=-1)),
    },
    together={
        (one, other): partial(_joined, join=join, targets=targets)
        for one, join in JOINS.items()
        for other, targets in TARGETS.items()
    },
    alternatives={"text by text": _prepend_by_loop, "into a tensor made before": _by_filling},
    call=learnable,
    parts=("inputs", "targets"),
    explain=_explain,
    explain_form=_explain,
)
