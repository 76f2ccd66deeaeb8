"""Chapter 08, what is done to the pie: the nucleus."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_08.heat import rescaled
from utils.course.exercises.probing import free_among_equals, number_kept, uniform

# 8.4 · the nucleus


def nucleus(chances: Tensor, p: float) -> Tensor:
    """The fewest tokens with at least p together, rescaled to 1; 0 elsewhere.

    One token at least.  (..., V) -> (..., V)
    """
    return _nucleus(chances, p)


def _nucleus(
    chances: Tensor,
    p: float,
    *,
    stays: Callable[[Tensor, Tensor, float], Tensor] = lambda sizes, sums, p: sums - sizes < p,
    sort: Callable[[Tensor], Any] = lambda c: c.sort(dim=-1, descending=True),
    back: bool = True,
    least: int = 1,
    finish: Callable[[Tensor], Tensor] = rescaled,
) -> Tensor:
    """The nucleus, with a bend where a wrong turn wants one."""
    sizes, ids = sort(chances)
    kept = stays(sizes, sizes.cumsum(-1), p)
    kept[..., :least] = True
    left = sizes * kept
    return finish(torch.zeros_like(chances).scatter(-1, ids, left) if back else left)


def _in_order_of_ids(chances: Tensor) -> tuple[Tensor, Tensor]:
    return chances, torch.arange(chances.shape[-1]).expand_as(chances)


def _as_many_from_the_front(chances: Tensor, p: float) -> Tensor:
    n_kept = (_nucleus(chances, p) > 0).sum(-1, keepdim=True)
    return rescaled(chances * (torch.arange(chances.shape[-1]) < n_kept))


def _of_the_first_row(chances: Tensor, p: float) -> Tensor:
    rows = chances.reshape(-1, chances.shape[-1])
    return rescaled(rows * (_nucleus(rows[0], p) > 0)).view(chances.shape)


def _as_many_as_the_first(chances: Tensor, p: float) -> Tensor:
    n = int((_nucleus(chances, p).reshape(-1, chances.shape[-1])[0] > 0).sum())
    return rescaled(chances * (chances.argsort(-1, descending=True).argsort(-1) < n))


def _with_all_that_equal_the_last(chances: Tensor, p: float) -> Tensor:
    kept = _nucleus(chances, p) > 0
    least = chances.masked_fill(~kept, math.inf).amin(-1, keepdim=True)
    return rescaled(chances * (chances >= least))


def _by_taking(chances: Tensor, p: float) -> Tensor:
    """Take the largest slice until they are enough."""
    rows = []
    for row in chances.reshape(-1, chances.shape[-1]).tolist():
        taken: dict[int, float] = {}
        while not taken or (sum(taken.values()) < p and len(taken) < len(row)):
            best = max((i for i in range(len(row)) if i not in taken), key=row.__getitem__)
            taken[best] = row[best]
        whole = sum(taken.values())
        rows.append([taken.get(i, 0.0) / whole for i in range(len(row))])
    return torch.tensor(rows).view(chances.shape)


def _from_below(chances: Tensor, p: float) -> Tensor:
    """Cut the smallest as long as they are no more than 1 − p together."""
    sizes, ids = chances.sort(dim=-1)
    cut = sizes.cumsum(-1) <= 1 - p
    cut[..., -1] = False
    return rescaled(chances * ~cut.gather(-1, ids.argsort(-1)))


def _with_shifted_mask(chances: Tensor, p: float) -> Tensor:
    sizes, ids = torch.sort(chances, descending=True)
    over = sizes.cumsum(-1) >= p
    over[..., 1:] = over[..., :-1].clone()
    over[..., 0] = False
    cut = torch.zeros_like(over).scatter(-1, ids, over)
    return chances.log().masked_fill(cut, -math.inf).softmax(-1)


def _gathered(chances: Tensor, p: float, least: int = 1) -> Tensor:
    left = _nucleus(chances, p, back=False, least=least)
    return left.gather(-1, chances.argsort(dim=-1, descending=True, stable=True))


def _mask_gathered(chances: Tensor, p: float) -> Tensor:
    sizes, ids = chances.sort(dim=-1, descending=True)
    kept = sizes.cumsum(-1) - sizes < p
    kept[..., 0] = True
    return rescaled(chances * kept.gather(-1, ids))


_AND_ONE = " And keep one token at least: at p = 0 nothing is left."


def _pies(*shape: int, seed: int) -> Tensor:
    return uniform(*shape, seed=seed, low=-3.0, high=3.0).softmax(-1)


_UNLIKE = torch.tensor([[0.125, 0.5, 0.125, 0.25], [0.25, 0.25, 0.25, 0.25]])


def _how_many(args: tuple[Any, ...], expected: Tensor, got: Tensor) -> str | None:
    """Say what are no chances, or name the row that keeps more or fewer tokens than it should."""
    if (torch.as_tensor(got) < 0).any():
        return (
            "A chance lies between 0 and 1, and here are numbers below 0: return chances, 0 where "
            "a token is cut."
        )
    return number_kept(torch.as_tensor(expected) > 0, torch.as_tensor(got) > 0)


NUCLEUS = Exercise(
    id="8.4",
    title="The nucleus",
    minutes=12,
    stars=3,
    reference=nucleus,
    probes=[
        (torch.tensor([0.125, 0.625, 0.25]), 0.75),
        (torch.tensor([0.25, 0.125, 0.5, 0.125]), 0.75),
        (torch.tensor([0.375, 0.625]), 0.0),
        (_UNLIKE, 0.625),
        (torch.tensor([[0.0625, 0.0625, 0.875], [0.25, 0.25, 0.5]]), 0.3),
        (_UNLIKE.flip(-1), 1.0),
        (_pies(3, 6, seed=841), 0.9),
        (_pies(2, 3, 5, seed=842), 0.5),
        (_pies(2, 12, seed=843), 0.7),
    ],
    mistakes={
        "Each row was divided by what is left of the whole batch: by its own sum, dim=-1 and "
        "keepdim=True.": partial(_nucleus, finish=lambda left: left / left.sum()),
        "You divided by p, and what is left has p or more: divide by its own sum.": lambda c, p: (
            _nucleus(c, p, finish=lambda left: left / max(p, 1e-9))
        ),
        "A token was kept where its own chance reaches p: it is what the larger ones have together "
        "that decides.": lambda c, p: rescaled(c * ((c >= p) | (c == c.amax(-1, keepdim=True)))),
        "All that equal the last one kept were kept with it: the fewest tokens, so of equal ones "
        "only as many as are needed.": _with_all_that_equal_the_last,
        "Every row keeps as many tokens as the first: each has a number of its own.": (
            _as_many_as_the_first
        ),
        "The token that crosses p was cut, so less than p is left: it stays.": partial(
            _nucleus, stays=lambda sizes, sums, p: sums < p
        ),
        "The token that crosses p was cut, unless it reaches p exactly: it stays in any case.": (
            partial(_nucleus, stays=lambda sizes, sums, p: sums <= p)
        ),
        "The token that crosses p was cut, and where the first crosses it nothing is left, 0 / 0: "
        "it stays.": partial(_nucleus, stays=lambda sizes, sums, p: sums < p, least=0),
        "The token that crosses p was cut, unless it reaches p exactly, and where the first "
        "crosses it nothing is left, 0 / 0: it stays.": partial(
            _nucleus, stays=lambda sizes, sums, p: sums <= p, least=0
        ),
        "One too many is kept: where the slices reach p exactly, that is enough.": partial(
            _nucleus, stays=lambda sizes, sums, p: sums - sizes <= p
        ),
        "One too many is kept: the last to stay is the one that crosses p.": partial(
            _nucleus,
            stays=lambda sizes, sums, p: F.pad((sums - sizes < p)[..., :-1], (1, 0), value=True),
        ),
        "At p = 0 nothing is left: keep one token at least.": partial(_nucleus, least=0),
        "The right slices, in falling order: put each back where it stood, or token 0 gets the "
        "largest (scatter).": partial(_nucleus, back=False),
        "The sorted slices went back to wrong places: `gather` with the ids sorts, and `scatter` "
        "with them puts back.": _gathered,
        "The sorted slices went back to wrong places: `gather` with the ids sorts, and `scatter` "
        "with them puts back." + _AND_ONE: partial(_gathered, least=0),
        "The mask belongs to the sorted slices, and `gather` with the ids puts it in wrong places: "
        "`scatter` with them brings it back.": _mask_gathered,
        "The slices that stay are all equally large: they keep their proportions, so divide them "
        "by their sum.": partial(_nucleus, finish=lambda left: rescaled((left > 0).float())),
        "What is left does not sum to 1: divide by its sum.": partial(
            _nucleus, finish=lambda left: left
        ),
        "A softmax over chances levels them: divide what is left by its sum.": partial(
            _nucleus, finish=lambda left: left.masked_fill(left == 0, -math.inf).softmax(-1)
        ),
        "What is left sums to 1 once it is divided by its sum: the softmax after that levels it.": (
            partial(
                _nucleus,
                finish=lambda left: rescaled(left).masked_fill(left == 0, -math.inf).softmax(-1),
            )
        ),
        "A softmax gives those that were cut a share again, since e⁰ is 1, and levels the others: "
        "divide what is left by its sum.": partial(_nucleus, finish=lambda left: left.softmax(-1)),
        "A softmax gives those that were cut a share again, since e⁰ is 1, and levels the others: "
        "divide what is left by its sum." + _AND_ONE: partial(
            _nucleus, finish=lambda left: left.softmax(-1), least=0
        ),
        "You took ranks for ids: as many tokens are kept as it takes, but the first of the "
        "vocabulary, not the likeliest.": _as_many_from_the_front,
        "You added the slices up in the order of the ids: begin with the largest.": partial(
            _nucleus, sort=_in_order_of_ids
        ),
        "You added the slices up in the order of the ids: begin with the largest." + _AND_ONE: (
            partial(_nucleus, sort=_in_order_of_ids, least=0)
        ),
        "You began with the smallest: sort in falling order.": partial(
            _nucleus, sort=partial(torch.sort, dim=-1)
        ),
        "You kept the slices that are larger than p, each by itself: it is their sum that "
        "counts.": partial(_nucleus, stays=lambda sizes, sums, p: sizes >= p),
        "You kept the slices above p times the largest: that is min-p, and here the sum counts.": (
            partial(_nucleus, stays=lambda sizes, sums, p: sizes >= p * sizes[..., :1])
        ),
        "The slices kept have 1 − p together: p is what stays.": lambda c, p: _nucleus(c, 1 - p),
        "Only the likeliest token is left: that is greedy.": lambda c, p: _nucleus(c, 0.0),
        "All rows keep the tokens of the first: each row has its own.": _of_the_first_row,
        "These are logits, −inf where a token is cut: return chances that sum to 1.": (
            lambda c, p: _nucleus(c, p).log()
        ),
    },
    alternatives={
        "take until there is enough": _by_taking,
        "cut from below": _from_below,
        "a mask shifted by one": _with_shifted_mask,
        "float64": lambda c, p: _nucleus(c.double(), p),
        "numpy": lambda c, p: _by_taking(c, p).numpy(),
    },
    explain=_how_many,
    call=free_among_equals(nucleus, lambda c: c > 0, lambda c, kept: rescaled(c * kept)),
)
