"""Exercises 4.2 and 4.3: the causal mask and the padding mask."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention.heads import causal_mask, padding_mask

TO_BE_ADDED = (
    "These are numbers to add to the scores, 0 and −inf. This mask says it by True, may look, and "
    "False."
)
NUMBERS = "These are ones and zeros: make them True and False, with .bool() or a comparison."
_KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    TO_BE_ADDED: lambda mask: torch.zeros(mask.shape).masked_fill(~mask, -math.inf),
    NUMBERS: lambda mask: mask.float(),
    "These are ones and zeros of a whole-number dtype: make them True and False, with .bool() or a "
    "comparison.": lambda mask: mask.int(),
}


def _causal(
    n_tokens: int,
    *,
    shape: Callable[[Tensor], Tensor] = lambda square: square.tril(),
    kind: Callable[[Tensor], Tensor] = lambda mask: mask,
) -> Tensor:
    return kind(shape(torch.ones(n_tokens, n_tokens, dtype=torch.bool)))


def _causal_by_loop(n_tokens: int) -> Tensor:
    return torch.tensor([[key <= query for key in range(n_tokens)] for query in range(n_tokens)])


_SHAPES: dict[str, dict[str, Callable[..., Any]]] = {
    "shape": {
        "Your mask lets a token see its future: use the lower triangle (tril), not the upper.": (
            lambda square: square.triu()
        ),
        "A token may look at itself: keep the diagonal.": lambda square: square.tril(-1),
        "Your mask is the wrong way round: in this course True means *may look*, though some of "
        "PyTorch's own layers mean the opposite.": lambda square: square.triu(1),
        "One step of future leaks: the diagonal is the last that a row may see.": (
            lambda square: square.tril(1)
        ),
        "A token sees only itself and the one before: the whole past is open.": (
            lambda square: square.tril().triu(-1)
        ),
        "Everybody may look at everybody here: close the future.": lambda square: square,
        "A token sees only itself: its whole past is open.": lambda square: square.tril().triu(),
        "Nobody may look at anybody here: open the diagonal and what is below it.": (
            lambda square: ~square
        ),
        "The triangle stands mirrored, as if the last row had nothing before it: row i is True up "
        "to column i.": lambda square: square.tril().flip(0),
        "The triangle is mirrored from left to right: row i is True from the first column up to "
        "column i.": lambda square: square.tril().flip(1),
        "This is a single row of the table: the mask has a row for each token that looks.": (
            lambda square: square[0]
        ),
        "The mask has one row and one column too many: it is (T, T).": lambda square: torch.ones(
            len(square) + 1, len(square) + 1, dtype=torch.bool
        ).tril(),
    },
    "kind": _KINDS,
}


def _said_of_its_shape(args: tuple[int], expected: Tensor, got: Any) -> str | None:
    """Names axes that are too many, a table in one row, and a table of another size."""
    shape, n = tuple(torch.as_tensor(got).shape), args[0]
    if shape == (n, n):
        return None
    if len(shape) > 2 and [size for size in shape if size != 1] == [n, n]:
        ones = len(shape) - 2
        return (
            f"The mask has {ones} more ax{'i' if ones == 1 else 'e'}s, of length 1: it is (T, T), "
            "and broadcasting adds the rest where it is used."
        )
    if n > 1 and len(shape) == 1 and shape[0] in (n, n * n, n * (n + 1) // 2):
        return "The mask is one row of numbers: give it a row for each token that looks, (T, T)."
    if len(shape) == 2:
        rows, columns = shape
        return f"The mask is a table of {rows} × {columns}: for n_tokens = {n} it is {n} × {n}."
    return None


def _said_of_looks(args: tuple[int], expected: Tensor, got: Any) -> str | None:
    """Names a past that is open only so far back."""
    mask = torch.as_tensor(got)
    reach = int(mask.sum(dim=1).max())
    if 0 < reach < args[0] and torch.equal(mask, expected & ~expected.tril(-reach)):
        return f"A token sees {reach} places, its own and those just before: all its past is open."
    return None


CAUSAL_MASK = Exercise(
    id="4.2",
    title="The causal mask",
    minutes=3,
    stars=1,
    reference=causal_mask,
    probes=[(3,), (1,), (2,), (7,)],
    mistakes=at_one_step(_causal, _SHAPES),
    together=at_two_steps(_causal, _SHAPES),
    explain=_said_of_looks,
    explain_form=_said_of_its_shape,
    alternatives={
        "loops": _causal_by_loop,
        "positions compared": lambda n: torch.arange(n)[:, None] >= torch.arange(n),
        "not the upper triangle": lambda n: ~torch.ones(n, n, dtype=torch.bool).triu(1),
        "counted up": lambda n: torch.eye(n).cumsum(0).bool(),
    },
)


def _padding(
    lengths: Tensor,
    n_tokens: int,
    *,
    compare: Callable[[Tensor, Tensor], Tensor] = lambda place, length: place < length,
    lay: Callable[[Tensor], Tensor] = lambda words: words[:, None, None, :],
    kind: Callable[[Tensor], Tensor] = lambda mask: mask,
) -> Tensor:
    return kind(lay(compare(torch.arange(n_tokens), lengths[:, None])))


def _padding_by_loop(lengths: Tensor, n_tokens: int) -> Tensor:
    mask = torch.zeros(len(lengths), 1, 1, n_tokens, dtype=torch.bool)
    for b, length in enumerate(lengths.tolist()):
        mask[b, :, :, :length] = True
    return mask


def _padding_by_repeat(lengths: Tensor, n_tokens: int) -> Tensor:
    rows = [[True] * n + [False] * (n_tokens - n) for n in lengths.tolist()]
    return torch.tensor(rows).view(len(rows), 1, 1, n_tokens)


_LAID: dict[str, dict[str, Callable[..., Any]]] = {
    "compare": {
        "One token of filling counts as a word: positions begin at 0, so those of a text are below "
        "its length.": lambda place, length: place <= length,
        "The last word of each text is hidden: positions begin at 0, not at 1.": (
            lambda place, length: place + 1 < length
        ),
        "Your mask is the wrong way round: True is a word here and False is filling, though "
        "PyTorch's `key_padding_mask` means the opposite.": lambda place, length: place >= length,
        "True stands for the filling but one: True is a word, and its position is below the "
        "length.": lambda place, length: place > length,
        "Your mask takes the filling to stand in front: here it stands behind the text.": (
            lambda place, length: (place < length).flip(-1)
        ),
        "The first text's length is used for all: compare with lengths[:, None], one row a text.": (
            lambda place, length: (place < length[:1]).expand(len(length), -1)
        ),
        "Only the last word of each text is True: every place below the length holds a word.": (
            lambda place, length: place == length - 1
        ),
        "Nothing is hidden here: a place at the length or behind it holds filling.": (
            lambda place, length: (place + 0 * length) >= 0
        ),
        "The longest length is used for all: compare with lengths[:, None], one row a text.": (
            lambda place, length: (place < length.max()).expand(len(length), -1)
        ),
    },
    "lay": {
        "You hid the queries: a word must not look *at* filling, so the filling's column is False, "
        "on the last axis.": lambda words: words[:, None, :, None],
        "Two axes are missing: give (B, 1, 1, T), so that the mask fits every head and every query "
        "by broadcasting.": lambda words: words,
        "One axis is missing: give (B, 1, 1, T), one axis for the heads and one for the queries.": (
            lambda words: words[:, None]
        ),
        "The new axes stand in front: the batch comes first, (B, 1, 1, T).": lambda words: words[
            None, None
        ],
        "The mask is a table (B, 1, T, T), with the filling's rows hidden too: a single row of "
        "columns is enough, (B, 1, 1, T).": lambda words: (
            words[:, None, None, :] & words[:, None, :, None]
        ),
        "The mask is copied for every query: broadcasting does that, so (B, 1, 1, T) is enough.": (
            lambda words: words[:, None, None, :].expand(-1, 1, words.shape[1], -1)
        ),
        "The axes of length 1 stand behind: the last axis is the token that is looked at, "
        "(B, 1, 1, T).": lambda words: words[:, :, None, None],
    },
    "kind": _KINDS,
}


def _said_of_padding(args: tuple[Tensor, int], expected: Tensor, got: Any) -> str | None:
    """Names a shape that is none of (B, 1, 1, T), by its axes."""
    shape, (b, t) = tuple(torch.as_tensor(got).shape), (len(args[0]), args[1])
    if shape == (b, 1, 1, t):
        return None
    return f"Your mask has the shape {shape}: it is (B, 1, 1, T), here {(b, 1, 1, t)}."


PADDING_MASK = Exercise(
    id="4.3",
    title="The padding mask",
    minutes=5,
    stars=1,
    reference=padding_mask,
    probes=[
        (torch.tensor([3, 1, 2]), 4),
        (torch.tensor([1]), 1),
        (torch.tensor([1, 2]), 2),
        (torch.tensor([1, 2]), 4),
        (torch.tensor([2, 0, 6, 5, 1]), 6),
        (torch.tensor([2, 4, 1, 3]), 4),
    ],
    mistakes=at_one_step(_padding, _LAID)
    | {
        "Lengths and places stand on each other's axes: a row for each text, so "
        "torch.arange(n_tokens) < lengths[:, None].": lambda n, t: (torch.arange(t)[:, None] < n)[
            :, None, None
        ],
        "The lengths need an axis of their own, lengths[:, None], so that each text is compared "
        "with all places.": lambda n, t: (torch.arange(t) < n)[:, None, None, :],
        "The causal mask is in it already: this one tells of filling alone, (B, 1, 1, T), and the "
        "two are put together later.": lambda n, t: padding_mask(n, t) & causal_mask(t),
        "T is n_tokens, not the longest length: a batch may be wider than its texts.": (
            lambda n, t: padding_mask(n, int(n.max()))
        ),
    },
    together=at_two_steps(_padding, _LAID),
    explain_form=_said_of_padding,
    alternatives={
        "slices in a loop": _padding_by_loop,
        "lists": _padding_by_repeat,
        "rows of a triangle": lambda n, t: torch.ones(t + 1, t, dtype=torch.bool).tril(-1)[n][
            :, None, None
        ],
    },
)
