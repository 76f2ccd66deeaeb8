"""Exercise 4.4: split into heads, work, merge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention.heads import merge_heads, split_heads

Work = Callable[[Tensor], Tensor]


def nothing(heads: Tensor) -> Tensor:
    """Work that changes nothing."""
    return heads


def add_up(heads: Tensor) -> Tensor:
    """Work as attention's: what a token gets depends on the tokens before it, in its own head."""
    scale = torch.arange(1.0, heads.shape[1] + 1)[:, None, None]
    return heads.cumsum(dim=2) * scale


def through_heads(x: Tensor, n_heads: int, work: Work) -> tuple[Tensor, Tensor]:
    """x split into heads, and the heads merged again after work has been done on them."""
    heads = split_heads(x, n_heads)
    return heads, merge_heads(work(heads))


def _through(
    x: Tensor,
    n_heads: int,
    work: Work,
    *,
    split: Callable[[Tensor, int], Tensor] = split_heads,
    merge: Callable[[Tensor], Tensor] = merge_heads,
    give: Callable[[Tensor, Tensor, Tensor], Any] = lambda heads, worked, merged: (heads, merged),
) -> Any:
    heads = split(x, n_heads)
    worked = work(heads)
    return give(heads, worked, merge(worked))


def view_split(x: Tensor, n_heads: int) -> Tensor:
    """The wrong split: the row of numbers is cut anew, and tokens are mixed with heads."""
    return x.reshape(x.shape[0], n_heads, x.shape[1], -1)


def view_merge(heads: Tensor) -> Tensor:
    """The wrong merge that undoes the wrong split."""
    return heads.reshape(heads.shape[0], heads.shape[2], -1)


def dealt_split(x: Tensor, n_heads: int) -> Tensor:
    """Columns dealt out to the heads in turn."""
    return x.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2)


def dealt_merge(heads: Tensor) -> Tensor:
    """A column of each head in turn."""
    return heads.permute(0, 2, 3, 1).flatten(-2)


def merge_that_may_refuse(heads: Tensor) -> Tensor:
    """`view` after `transpose`, which raises where the numbers lie in another order."""
    turned = heads.transpose(1, 2)
    return turned.view(*turned.shape[:2], -1)


VIEW_REFUSES = (
    "`view` refuses: after `transpose` the numbers are read in an order that they are not stored "
    "in. `flatten` and `reshape` copy where they must."
)


def split_by_slices(x: Tensor, n_heads: int) -> Tensor:
    """A sound split, head by head."""
    return torch.stack(x.chunk(n_heads, dim=-1), dim=1)


def merge_by_cat(heads: Tensor) -> Tensor:
    """A sound merge, head by head."""
    return torch.cat([heads[:, h] for h in range(heads.shape[1])], dim=-1)


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "split": {
        "Your heads have the right shape and the wrong contents: `view` only cuts the row of "
        "numbers anew, and mixes tokens with heads. Cut the last axis in two, then transpose.": (
            view_split
        ),
        "The columns were dealt out in turn: head 0 gets the first D columns, head 1 the next D. "
        "Cut the last axis into (n_heads, D), not (D, n_heads).": dealt_split,
        "The heads were not brought forward: transpose tokens and heads, (B, H, T, D).": (
            lambda x, n: x.unflatten(-1, (n, -1))
        ),
        "The last two axes are turned as well: heads are (B, H, T, D).": lambda x, n: (
            split_heads(x, n).mT
        ),
        "Your last axis was cut into (D, n_heads), and the axes brought forward so: head and "
        "column have changed places.": lambda x, n: x.unflatten(-1, (-1, n)).transpose(1, 2),
    },
    "merge": {
        "The heads were merged in the wrong order: transpose heads and tokens back before you "
        "flatten, or the tokens get mixed.": view_merge,
        "The heads were merged in turn, a column of each: head 0's D columns come first, then "
        "head 1's.": dealt_merge,
        VIEW_REFUSES: merge_that_may_refuse,
        "The heads were averaged: put them side by side, so that nothing is lost.": lambda heads: (
            heads.mean(dim=1)
        ),
        "The heads were added up: put them side by side, so that nothing is lost.": lambda heads: (
            heads.sum(dim=1)
        ),
        "The heads are back behind the tokens, but not joined: flatten the last two axes.": (
            lambda heads: heads.transpose(1, 2)
        ),
        "The heads are not merged: transpose them back and join the last two axes.": (
            lambda heads: heads
        ),
        "You joined the heads' axis with the tokens': transpose before you flatten.": (
            lambda heads: heads.flatten(1, 2)
        ),
    },
    "give": {
        "Your `heads` have been worked on already: return them as they were cut.": (
            lambda heads, worked, merged: (worked, merged)
        ),
        "You returned `merged` first: the heads come before it.": lambda heads, worked, merged: (
            merged,
            heads,
        ),
        "You returned only what was merged: return the heads too, before it.": (
            lambda heads, worked, merged: merged
        ),
        "You returned only the heads: return what was merged too, behind them.": (
            lambda heads, worked, merged: heads
        ),
    },
}


def _view_both_ways(x: Tensor, n_heads: int, work: Work) -> tuple[Tensor, Tensor]:
    return _through(x, n_heads, work, split=view_split, merge=view_merge)


def _dealt_both_ways(x: Tensor, n_heads: int, work: Work) -> tuple[Tensor, Tensor]:
    return _through(x, n_heads, work, split=dealt_split, merge=dealt_merge)


def _tokens_in_front(x: Tensor, n_heads: int, work: Work) -> tuple[Tensor, Tensor]:
    heads = x.unflatten(-1, (n_heads, -1))
    return heads, work(heads).flatten(-2)


def _said_of_its_form(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names heads whose axes stand in another order, and what was merged in another form."""
    (x, n_heads, _), (heads, merged) = args, (torch.as_tensor(each) for each in got)
    (b, t, c), shape = x.shape, tuple(heads.shape)
    if sorted(shape) == sorted(expected[0].shape) and shape != tuple(expected[0].shape):
        return (
            f"Your heads stand as {shape}: they are (B, H, T, D), here {tuple(expected[0].shape)}. "
            "Cut the last axis into heads and columns, then bring the heads before the tokens."
        )
    if shape != tuple(expected[0].shape):
        return (
            f"Your heads have the shape {shape}: cut the last axis, of {c}, into {n_heads} heads "
            f"of {c // n_heads}, and bring the heads forward, (B, H, T, D)."
        )
    if merged.shape != x.shape and merged.numel() == x.numel():
        return (
            f"What was merged has the shape {tuple(merged.shape)}: bring the heads back behind the "
            f"tokens and join the last two axes, (B, T, C), here {(b, t, c)}."
        )
    return None


def _backwards(x: Tensor, n_heads: int, work: Work) -> tuple[Tensor, Tensor]:
    heads = split_heads(x, n_heads).flip(1)
    return heads, merge_heads(work(heads).flip(1))


def _explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    heads, merged = (torch.as_tensor(each).float() for each in got)
    x, _, work = args
    if torch.allclose(heads, expected[0]):
        again = work(heads)
        if torch.allclose(merged, merge_heads(work(again))):
            return "The heads are right, and the work was done twice: merge what it returns once."
        return (
            "The heads are right; `merged` is not. It is what `work` makes of them as they are, "
            "transposed back and joined."
        )
    if torch.allclose(merged, expected[1]):
        return "`merged` is right, and `heads` are not: they are x, cut and turned, and no more."
    if torch.allclose(heads.sum(), x.sum(), atol=1e-3):
        return "Your heads hold the numbers of x, but not each its own D columns of every token."
    return None


THROUGH_HEADS = Exercise(
    id="4.4",
    title="Split, work, merge",
    minutes=10,
    stars=2,
    reference=through_heads,
    probes=[
        (torch.arange(12.0).view(1, 3, 4), 2, add_up),
        (uniform(1, 1, 2, seed=440), 2, nothing),
        (torch.arange(8.0).view(1, 2, 4), 2, nothing),
        (torch.arange(48.0).view(2, 4, 6), 3, add_up),
        (uniform(3, 5, 8, seed=441), 4, add_up),
        (uniform(2, 3, 4, seed=442), 1, add_up),
        (uniform(2, 3, 5, seed=443), 5, add_up),
        (uniform(3, 3, 9, seed=444), 3, add_up),
    ],
    mistakes=at_one_step(_through, _STEPS)
    | {
        "You split with `view` and merged with `view`. That undoes itself, but in between no "
        "head holds its own columns: cut the last axis in two, then transpose.": _view_both_ways,
        "The columns were dealt out in turn, and merged so too, which undoes itself; but head 0 "
        "should hold the first D columns. Cut the last axis into (n_heads, D), not "
        "(D, n_heads).": _dealt_both_ways,
        "The heads were never brought forward, so that `work` takes the tokens for heads: "
        "transpose after the cut, (B, H, T, D), and back before you flatten.": _tokens_in_front,
        "The heads come last to first: keep their order.": _backwards,
        "You added x to what was merged: return what `work` found, merged, without x.": (
            lambda x, n_heads, work: _through(
                x, n_heads, work, give=lambda heads, worked, merged: (heads, x + merged)
            )
        ),
        "The work was left out: merge what `work(heads)` returns.": lambda x, n, work: (
            split_heads(x, n),
            x,
        ),
        "The work was done on x itself, before the heads were cut: it belongs to the heads.": (
            lambda x, n, work: (split_heads(work(x[:, None])[:, 0], n), work(x[:, None])[:, 0])
        ),
    },
    together=at_two_steps(_through, _STEPS),
    alternatives={
        "slices, stacked and joined": lambda x, n, work: _through(
            x, n, work, split=split_by_slices, merge=merge_by_cat
        ),
        "einsum": lambda x, n, work: _through(
            x,
            n,
            work,
            split=lambda x, n: torch.einsum("bthd->bhtd", x.unflatten(-1, (n, -1))),
        ),
        "permute": lambda x, n, work: _through(
            x,
            n,
            work,
            split=lambda x, n: x.view(*x.shape[:2], n, x.shape[2] // n).permute(0, 2, 1, 3),
        ),
        "float64": lambda x, n, work: through_heads(x.double(), n, work),
    },
    parts=("heads", "merged"),
    explain=_explain,
    explain_form=_said_of_its_form,
)
