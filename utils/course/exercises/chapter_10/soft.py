"""Chapter 10: vectors in front of the words, and the words that they are nearest to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.tuning import soft_prompts

# 10.5 · a soft prompt in front

CUT_OFF = Remark(
    "The numbers are right, but autograd finds no way back from the inputs to `soft`, so the soft "
    "prompt can't learn: leave out detach, tolist and torch.tensor."
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


def _with(soft: Tensor, ids: Tensor, tokens: Tensor, *, targets: Callable[..., Tensor]) -> Inputs:
    return prepend(soft, ids, tokens)[0], targets(len(soft), ids)


def _joined(
    soft: Tensor,
    ids: Tensor,
    tokens: Tensor,
    *,
    join: Callable[[Tensor, Tensor], Tensor],
) -> Inputs:
    return join(soft.expand(len(ids), -1, -1), tokens[ids]), _wanted(len(soft), ids)


def _last_left_out(n: int, ids: Tensor) -> Tensor:
    targets = torch.full((len(ids), n + ids.shape[1]), IGNORED)
    targets[:, n:-1] = ids[:, 1:]
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
    made = answer(soft.requires_grad_(), ids, tokens)
    cut_off = (
        isinstance(made, tuple | list)
        and len(made) == 2
        and isinstance(made[0], Tensor)
        and not made[0].requires_grad
    )
    return (*made, CUT_OFF) if cut_off else made


PREPEND = Exercise(
    id="10.5",
    title="A soft prompt in front",
    minutes=10,
    stars=2,
    reference=prepend,
    probes=[
        _soft(1, 2, 1, [1, 0]),
        _soft(2, 3, 2, [2, 0, 1]),
        _soft(3, 4, 2, [3, 1], [0, 2]),
        _soft(2, 5, 3, [4, 0, 1, 3], [2, 2, 0, 1], [1, 4, 3, 0]),
        _soft(4, 6, 5, [5, 0, 3, 3, 1], [1, 2, 4, 0, 0]),
    ],
    mistakes={
        "The soft prompt stands after the ids: no word could look at it, since all look back. Put "
        "it in front.": partial(_joined, join=lambda s, w: torch.cat([w, s], dim=1)),
        "The soft prompt was added to the words: it is put in front of them.": partial(
            _joined, join=lambda s, w: w + s.mean(dim=1, keepdim=True)
        ),
        "The soft prompt took the place of the first words: the words come behind it.": partial(
            _joined, join=_over_the_first
        ),
        "The soft prompt runs backwards.": partial(
            _joined, join=lambda s, w: torch.cat([s.flip(1), w], dim=1)
        ),
        "Only the first text got the soft prompt: it stands in front of each.": partial(
            _joined, join=_only_first_text
        ),
        "The vectors were averaged into one: there are P of them.": partial(
            _joined, join=lambda s, w: torch.cat([s.mean(dim=1, keepdim=True), w], dim=1)
        ),
        "The targets are off by one: the last soft vector is the one that is asked for the first "
        "token, and the last token is asked for nothing.": partial(
            _with, targets=partial(_wanted, first=0)
        ),
        "The first token is not learned: the last soft vector is asked for it.": partial(
            _with, targets=_last_left_out
        ),
        "The targets begin at the first vector: what the soft prompt's vectors say among "
        "themselves is of no interest. Only the last one is asked for a token.": partial(
            _with, targets=lambda n, ids: F.pad(ids, (0, n), value=IGNORED)
        ),
        "Where nothing is wanted the target is −100, which cross_entropy leaves out: 0 is a "
        "token.": partial(_with, targets=partial(_wanted, nothing=0)),
        "Where nothing is wanted the target is −100, which cross_entropy leaves out; −1 makes it "
        "fail.": partial(_with, targets=partial(_wanted, nothing=-1)),
        "The targets have only T places: the inputs have P + T.": partial(
            _with, targets=lambda n, ids: ids
        ),
    },
    alternatives={"text by text": _prepend_by_loop, "into a tensor made before": _by_filling},
    call=learnable,
    parts=("inputs", "targets"),
)

# 10.6 · the nearest token


def nearest(vectors: Tensor, tokens: Tensor) -> Inputs:
    """For each vector the token whose embedding has the largest cosine with it, and the cosine."""
    ids, cosines = soft_prompts.nearest_tokens(vectors, tokens)
    return ids[:, 0], cosines[:, 0]


def _largest(scores: Tensor) -> Inputs:
    found = scores.max(dim=-1)
    return found.indices, found.values


def _cosines(vectors: Tensor, tokens: Tensor) -> Tensor:
    return F.normalize(vectors, dim=-1) @ F.normalize(tokens, dim=-1).T


def _by_distance(vectors: Tensor, tokens: Tensor) -> Inputs:
    ids = torch.cdist(vectors, tokens).argmin(dim=-1)
    return ids, _cosines(vectors, tokens).gather(-1, ids[:, None])[:, 0]


def _by_dot_product(vectors: Tensor, tokens: Tensor) -> Inputs:
    ids = (vectors @ tokens.T).argmax(dim=-1)
    return ids, _cosines(vectors, tokens).gather(-1, ids[:, None])[:, 0]


def _down_the_columns(vectors: Tensor, tokens: Tensor) -> Inputs:
    return _largest(F.normalize(vectors, dim=0) @ F.normalize(tokens, dim=0).T)


def _nearest_by_loop(vectors: Tensor, tokens: Tensor) -> Inputs:
    ids, cosines = [], []
    for vector in vectors.double().numpy():
        found = [
            float(vector @ row / np.linalg.norm(vector) / np.linalg.norm(row))
            for row in tokens.double().numpy()
        ]
        ids.append(max(range(len(found)), key=found.__getitem__))
        cosines.append(max(found))
    return torch.tensor(ids), torch.tensor(cosines)


def _by_cosine_similarity(vectors: Tensor, tokens: Tensor) -> Inputs:
    return _largest(F.cosine_similarity(vectors[:, None], tokens[None], dim=-1))


def _vectors(p: int, v: int, c: int) -> tuple[Tensor, Tensor]:
    """Vectors, and a table whose rows are of very different lengths."""
    seed = 1060 + 100 * p + 10 * v + c
    lengths = torch.linspace(0.5, 4.0, v)[:, None]
    return uniform(p, c, seed=seed) + 0.01, (uniform(v, c, seed=seed + 1) + 0.01) * lengths


NEAREST = Exercise(
    id="10.6",
    title="The nearest token",
    minutes=8,
    stars=1,
    reference=nearest,
    probes=[
        (torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0], [9.0, 9.0]])),
        (torch.tensor([[0.0, 0.5], [-1.0, -1.0]]), torch.tensor([[3.0, 4.0], [0.0, 6.0]])),
        _vectors(3, 4, 2),
        _vectors(5, 9, 3),
        _vectors(8, 30, 6),
    ],
    mistakes={
        "This is the largest dot product: a long row wins, wherever it points. Divide by the "
        "lengths.": _by_dot_product,
        "This is the smallest distance, and a vector found by gradient may be much longer than any "
        "word's. Compare directions: the cosine.": _by_distance,
        "The cosines are dot products: divide by the lengths of both.": lambda v, t: _largest(
            v @ t.T
        ),
        "You divided by the length of the token's row alone: a cosine needs both.": lambda v, t: (
            _largest(v @ F.normalize(t, dim=-1).T)
        ),
        "You divided by the length of the vector alone: a cosine needs both.": lambda v, t: (
            _largest(F.normalize(v, dim=-1) @ t.T)
        ),
        "This is the farthest: the largest cosine is wanted.": lambda v, t: (
            _largest(-_cosines(v, t))[0],
            -_largest(-_cosines(v, t))[1],
        ),
        "The sign was dropped: a row that points the other way is not near.": lambda v, t: _largest(
            _cosines(v, t).abs()
        ),
        "You divided down the columns: the length of a vector is taken along its last "
        "axis.": _down_the_columns,
        "You took, for each token, the nearest vector: it is for each vector the nearest "
        "token.": lambda v, t: _largest(_cosines(t, v)),
        "The two are swapped: first the ids, then the cosines.": lambda v, t: nearest(v, t)[::-1],
    },
    alternatives={"a loop": _nearest_by_loop, "cosine_similarity": _by_cosine_similarity},
    parts=("ids", "cosines"),
    atol=1e-5,
)
