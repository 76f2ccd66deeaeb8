"""Chapter 06, a bug to find: texts of different lengths in one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone

# 6.7 · places and filling

Block = Callable[..., Tensor]
Layer = Callable[[Tensor], Tensor]


def next_scores(
    texts: list[list[int]],
    tokens: Tensor,
    places: Tensor,
    blocks: Sequence[Block],
    final_norm: Layer,
) -> Tensor:
    """The scores of the token after each text, (B, V), whatever else is in the batch."""
    return _scores(texts, tokens, places, blocks, final_norm)


_PLACES: dict[str, Callable[[Tensor], Tensor]] = {
    "filling counted": lambda told: torch.arange(told.shape[1]).expand(told.shape),
    "from 1": lambda told: told.cumsum(1),
    "backwards": lambda told: (told.sum(1, keepdim=True) - told.cumsum(1)).clamp(min=0),
    "as the first": lambda told: (told[:1].cumsum(1) - 1).clamp(min=0).expand(told.shape),
    "all 0": lambda told: torch.zeros_like(told, dtype=torch.long),
    "no places": lambda told: torch.zeros_like(told, dtype=torch.long),
    "rolled back": lambda told: torch.stack(
        [torch.arange(len(row)).roll(-int((~row).sum())) for row in told]
    ),
    "too far": lambda told: (
        torch.arange(told.shape[1]) + (~told).sum(1, keepdim=True) - (~told).sum(1).min()
    ),
}
_MASKS: dict[str, Callable[[Tensor], Tensor | None]] = {
    "filling seen": lambda told: None,
    "mask of the first": lambda told: told[:1, None, None, :],
    "mask turned": lambda told: ~told[:, None, None, :],
}
_LAST: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "first column": lambda x, told: x[:, 0],
    "one early": lambda x, told: x[:, -2] if x.shape[1] > 1 else x[:, -1],
    "mean": lambda x, told: (x * told[..., None]).sum(1) / told.sum(1, keepdim=True),
}


def _scores(
    texts: list[list[int]],
    tokens: Tensor,
    places: Tensor,
    blocks: Sequence[Block],
    final_norm: Layer,
    *,
    wrong: Wrong = frozenset(),
) -> Tensor:
    """All texts at once, with a bend where a wrong turn wants one."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Any:
        return next((slips[slip] for slip in wrong & slips.keys()), usual)

    if "cut" in wrong:
        texts = [text[-min(map(len, texts)) :] for text in texts]
    if "shortest first" in wrong:
        texts = sorted(texts, key=len)
    if "sorted" in wrong:
        texts = sorted(texts, key=len, reverse=True)
    longest = max(map(len, texts))
    n_filling = torch.tensor([longest - len(text) for text in texts])
    ids = torch.tensor([[0] * (longest - len(text)) + text for text in texts])
    told = torch.arange(longest) >= n_filling[:, None]  # (B, T)
    if "filling by id" in wrong:
        told = ids != 0
    if "filling to the first" in wrong:
        told = (ids != 0).cumsum(1) > 0
    where = chosen(_PLACES, lambda told: (told.cumsum(1) - 1).clamp(min=0))(told)
    mask = chosen(_MASKS, lambda told: told[:, None, None, :])(told)
    x = tokens[ids] if "no places" in wrong else tokens[ids] + places[where]
    for block in blocks:
        x = block(x, mask)
    if "every place" in wrong:
        return final_norm(x) @ tokens.T
    last = chosen(_LAST, lambda x, told: x[:, -1])(x, told)
    return (last if "no norm" in wrong else final_norm(last)) @ tokens.T


_SAID = {
    "filling counted": "The places still count the filling: the first token of a text stands at "
    "place 0, however much filling is in front of it.",
    "from 1": "The places begin at 1: the first token of a text stands at place 0.",
    "backwards": "The places run backwards: the first token of a text stands at place 0.",
    "as the first": "All texts got the places of the first: each has its own filling in front.",
    "all 0": "All tokens stand at place 0: a text's places are 0, 1, 2, … from its first token on.",
    "no places": "The places are missing: to each token's vector belongs that of its place.",
    "rolled back": "The places were rolled to the left: they move right by the filling, and the "
    "first token of a text stands at place 0.",
    "filling by id": "You take every token 0 for filling, and 0 is a token like any other: the "
    "filling is what stands before a text begins.",
    "filling to the first": "You take the tokens 0 at a text's beginning for filling, and a text "
    "may begin with token 0: the filling is what you have put in front.",
    "every place": "The scores of every place came back: those behind the last token of each text, "
    "(B, V).",
    "shortest first": "The texts were sorted, the shortest first: keep the order they came in.",
    "too far": "You moved the places of short texts on: subtract their filling.",
    "filling seen": "The filling is looked at: each block needs the mask as well.",
    "mask of the first": "All texts got the mask of the first: each has its own filling.",
    "mask turned": "The mask is turned round: True where a token may be looked at.",
    "first column": "You read the first column: the next token is scored where the text ends.",
    "one early": "You read one column early: the next token is scored where the text ends.",
    "mean": "You took the mean over the text: the next token is scored where the text ends.",
    "cut": "The texts were cut to the length of the shortest: every token counts.",
    "sorted": "The texts were sorted by their lengths: keep the order they came in.",
    "no norm": "The final norm is missing: the last vector goes through it before the head.",
}


def _filled_behind(
    texts: list[list[int]],
    tokens: Tensor,
    places: Tensor,
    blocks: Sequence[Block],
    final_norm: Layer,
    last: Callable[[int], int] = lambda length: length - 1,
    masked: bool = False,
) -> Tensor:
    """Filling behind needs no mask, since nobody looks ahead; the ends lie in different columns."""
    longest = max(map(len, texts))
    x = tokens[torch.tensor([text + [0] * (longest - len(text)) for text in texts])]
    x = x + places[:longest]
    told = torch.arange(longest) < torch.tensor([len(text) for text in texts])[:, None]
    mask = told[:, None, None, :] if masked else None
    for block in blocks:
        x = block(x, mask)
    ends = torch.stack([row[last(len(text))] for row, text in zip(x, texts, strict=True)])
    return final_norm(ends) @ tokens.T


def _one_by_one(
    texts: list[list[int]],
    tokens: Tensor,
    places: Tensor,
    blocks: Sequence[Block],
    final_norm: Layer,
) -> Tensor:
    rows = []
    for text in texts:
        x = (tokens[text] + places[: len(text)])[None]
        for block in blocks:
            x = block(x)
        rows.append(final_norm(x[0, -1]) @ tokens.T)
    return torch.stack(rows)


def _wrapping_round(
    texts: list[list[int]],
    tokens: Tensor,
    places: Tensor,
    blocks: Sequence[Block],
    final_norm: Layer,
) -> Tensor:
    """Filling gets places from the end of the table, and nobody looks at it."""
    longest = max(map(len, texts))
    ids = torch.tensor([[0] * (longest - len(text)) + text for text in texts])
    told = torch.tensor([[i >= longest - len(t) for i in range(longest)] for t in texts])
    where = torch.arange(longest) - (longest - told.sum(1))[:, None]
    x = tokens[ids] + places[where]
    for block in blocks:
        x = block(x, told[:, None, None, :])
    return final_norm(x)[:, -1] @ tokens.T


class _Mixing:
    """A small layer with what matters here of a block's: a token looks at those it may look at."""

    def __init__(self, c: int, seed: int) -> None:
        self.weight = uniform(c, c, seed=seed)

    def __call__(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T, C) -> (B, T, C); `mask` broadcasts to (B, 1, T, T) and adds to the causal one."""
        b, t, _ = x.shape
        allowed = torch.ones(t, t, dtype=torch.bool).tril().expand(b, 1, t, t)
        if mask is not None:
            allowed = allowed & mask
        looks = allowed[:, 0].float()
        looks = looks / looks.sum(-1, keepdim=True).clamp(min=1)  # a row may be empty
        return x + torch.tanh(looks @ x @ self.weight)

    def __repr__(self) -> str:
        return "block"


class _Norm:
    """A norm with a weight and a bias of its own."""

    def __init__(self, c: int, seed: int) -> None:
        self.weight, self.bias = uniform(c, seed=seed, low=0.5), uniform(c, seed=seed + 1)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.nn.functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, eps=0.1)

    def __repr__(self) -> str:
        return "final_norm"


def _batch(v: int, n: int, c: int, n_layers: int, *texts: list[int]) -> tuple[Any, ...]:
    seed = 670 + 100 * v + 10 * n + c
    blocks = [_Mixing(c, seed + 2 + i) for i in range(n_layers)]
    tables = uniform(v, c, seed=seed), uniform(n, c, seed=seed + 1)
    return [*texts], *tables, blocks, _Norm(c, seed + 50)


COMPANY = Exercise(
    id="6.7",
    title="Find the bug: a text and its company",
    minutes=12,
    stars=2,
    reference=next_scores,
    probes=[
        _batch(4, 6, 3, 1, [3, 1, 2], [2]),
        _batch(5, 7, 3, 2, [4, 0, 3, 3], [1, 2], [0, 4, 1]),
        _batch(4, 5, 2, 1, [2, 3], [1, 3]),
        _batch(6, 9, 4, 3, [5], [1, 2, 0, 4, 3, 3], [2, 5]),
        _batch(3, 4, 5, 2, [2, 0, 1]),
    ],
    mistakes=alone(_scores, _SAID)
    | {
        "These are chances: return the scores, without a softmax.": lambda *args: _scores(
            *args
        ).softmax(-1),
        "You read the last column, and the filling stands behind: a short text ends earlier.": (
            lambda *args: _filled_behind(*args, last=lambda length: -1)
        ),
        "You read the last column, and the filling stands behind, where the mask hides it from the "
        "others and from itself: a short text ends earlier.": lambda *args: _filled_behind(
            *args, last=lambda length: -1, masked=True
        ),
        "The column with a text's length as its number is the first behind it: the text ends one "
        "earlier.": lambda *args: _filled_behind(
            *args, last=lambda length: min(length, max(map(len, args[0])) - 1)
        ),
    },
    alternatives={
        "filling behind": _filled_behind,
        "one by one": _one_by_one,
        "places below 0 for the filling": _wrapping_round,
    },
    atol=1e-5,
)
