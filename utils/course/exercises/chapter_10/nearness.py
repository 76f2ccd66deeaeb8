"""Chapter 10: the words that vectors are nearest to."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.tuning import soft_prompts

Nearest = tuple[Tensor, Tensor]

# 10.6 · the nearest token


def nearest(vectors: Tensor, tokens: Tensor) -> Nearest:
    """For each vector the token whose embedding has the largest cosine with it, and the cosine."""
    ids, cosines = soft_prompts.nearest_tokens(vectors, tokens)
    return ids[:, 0], cosines[:, 0]


def _largest(scores: Tensor) -> Nearest:
    found = scores.max(dim=-1)
    return found.indices, found.values


def _cosines(vectors: Tensor, tokens: Tensor) -> Tensor:
    return F.normalize(vectors, dim=-1) @ F.normalize(tokens, dim=-1).T


def _by_distance(vectors: Tensor, tokens: Tensor) -> Nearest:
    ids = torch.cdist(vectors, tokens).argmin(dim=-1)
    return ids, _cosines(vectors, tokens).gather(-1, ids[:, None])[:, 0]


def _by_dot_product(vectors: Tensor, tokens: Tensor) -> Nearest:
    ids = (vectors @ tokens.T).argmax(dim=-1)
    return ids, _cosines(vectors, tokens).gather(-1, ids[:, None])[:, 0]


def _down_the_columns(vectors: Tensor, tokens: Tensor) -> Nearest:
    return _largest(F.normalize(vectors, dim=0) @ F.normalize(tokens, dim=0).T)


def _nearest_by_loop(vectors: Tensor, tokens: Tensor) -> Nearest:
    ids, cosines = [], []
    for vector in vectors.double().numpy():
        found = [
            float(vector @ row / np.linalg.norm(vector) / np.linalg.norm(row))
            for row in tokens.double().numpy()
        ]
        ids.append(max(range(len(found)), key=found.__getitem__))
        cosines.append(max(found))
    return torch.tensor(ids), torch.tensor(cosines)


def _by_cosine_similarity(vectors: Tensor, tokens: Tensor) -> Nearest:
    return _largest(F.cosine_similarity(vectors[:, None], tokens[None], dim=-1))


def _vectors(p: int, v: int, c: int) -> tuple[Tensor, Tensor]:
    """Vectors, and a table whose rows are of very different lengths."""
    seed = 1060 + 100 * p + 10 * v + c
    lengths = torch.linspace(0.5, 4.0, v)[:, None]
    return uniform(p, c, seed=seed) + 0.01, (uniform(v, c, seed=seed + 1) + 0.01) * lengths


def _length(x: Tensor) -> Tensor:
    return x.norm(dim=-1, keepdim=True)


def _by(scores: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Nearest]:
    """The largest of other scores (P, V), and what they are."""
    return lambda vectors, tokens: _largest(scores(vectors, tokens))


def _told_as(cosine: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Nearest]:
    """The right ids, beside something else than the cosine."""

    def answer(vectors: Tensor, tokens: Tensor) -> Nearest:
        ids, cosines = nearest(vectors, tokens)
        return ids, cosine(cosines)

    return answer


SWAPPED = "The two are swapped: first the ids, then the cosines."
SCORES: dict[str, Callable[[Tensor, Tensor], Nearest]] = {
    "This is the largest dot product: a long row wins, wherever it points. Divide by the "
    "lengths.": _by_dot_product,
    "This is the smallest distance, and a vector found by gradient may be much longer than any "
    "word's. Compare directions: the cosine.": _by_distance,
    "This is the smallest distance, told as a distance: compare directions, by the cosine.": (
        lambda v, t: (torch.cdist(v, t).argmin(-1), torch.cdist(v, t).amin(-1))
    ),
    "The cosines are dot products: divide by the lengths of both.": _by(lambda v, t: v @ t.T),
    "You divided by the length of the token's row alone: a cosine needs both.": _by(
        lambda v, t: v @ F.normalize(t, dim=-1).T
    ),
    "You divided by the length of the vector alone: a cosine needs both.": _by(
        lambda v, t: F.normalize(v, dim=-1) @ t.T
    ),
    "You divided by the squared lengths: a length is the root of the sum of squares.": _by(
        lambda v, t: _cosines(v, t) / _length(v) / _length(t).T
    ),
    "You divided by the root of the lengths: divide by the lengths themselves.": _by(
        lambda v, t: _cosines(v, t) * (_length(v) * _length(t).T).sqrt()
    ),
    "You divided by the sum of the lengths: divide by their product.": _by(
        lambda v, t: v @ t.T / (_length(v) + _length(t).T)
    ),
    "The lengths are sums of absolute values: a length is the root of the sum of squares.": _by(
        lambda v, t: F.normalize(v, p=1, dim=-1) @ F.normalize(t, p=1, dim=-1).T
    ),
    "You divided by the length of the whole tensor: each row has its own, dim=-1.": _by(
        lambda v, t: (v / v.norm()) @ (t / t.norm()).T
    ),
    "You divided by each row's largest number: its length is the root of the sum of squares.": _by(
        lambda v, t: F.normalize(v, p=math.inf, dim=-1) @ F.normalize(t, p=math.inf, dim=-1).T
    ),
    "This is the farthest: the largest cosine is wanted.": lambda v, t: (
        _largest(-_cosines(v, t))[0],
        -_largest(-_cosines(v, t))[1],
    ),
    "1 − cosine is how far two directions are apart, and its largest is the farthest: take the "
    "largest cosine.": _by(lambda v, t: 1 - _cosines(v, t)),
    "The sign was dropped: a row that points the other way is not near.": _by(
        lambda v, t: _cosines(v, t).abs()
    ),
    "You divided down the columns: the length of a vector is taken along its last "
    "axis.": _down_the_columns,
    "You took, for each token, the nearest vector: it is for each vector the nearest "
    "token.": lambda v, t: _largest(_cosines(t, v)),
    "The ids are right, and beside them stands 1 − cosine: return the cosine.": _told_as(
        lambda cosine: 1 - cosine
    ),
    "The ids are right, and beside them stands the angle: return its cosine.": _told_as(torch.acos),
    "The ids are right, and beside them stands the angle in degrees: return its cosine.": _told_as(
        lambda cosine: torch.acos(cosine).rad2deg()
    ),
    "The ids are right, and beside them stands the cosine's square: return the cosine.": _told_as(
        torch.square
    ),
    "The ids are right, and beside them stands a softmax of the cosines: return the largest "
    "cosine as it is.": lambda v, t: _largest(_cosines(v, t).softmax(-1)),
}


NEAREST = Exercise(
    id="10.6",
    title="The nearest token",
    minutes=4,
    stars=1,
    reference=nearest,
    probes=[
        (torch.tensor([[3.0, 0.0, 4.0]]), torch.tensor([[6.0, 1.0, 8.0], [0.0, 9.0, 40.0]])),
        (torch.tensor([[0.0, 0.5], [-1.0, -1.0]]), torch.tensor([[3.0, 4.0], [0.0, 6.0]])),
        _vectors(3, 4, 2),
        _vectors(5, 9, 3),
        _vectors(8, 30, 6),
    ],
    mistakes={
        **SCORES,
        SWAPPED: lambda v, t: nearest(v, t)[::-1],
        "Only the ids came back: return them and their cosines.": lambda v, t: nearest(v, t)[0],
        "Only the cosines came back: return the ids and their cosines.": (
            lambda v, t: nearest(v, t)[1]
        ),
        "All vectors got what is nearest to the first: each has its own.": lambda v, t: tuple(
            each[:1].expand(len(v)) for each in nearest(v, t)
        ),
        "The rows of the nearest tokens came back: return their ids.": lambda v, t: (
            t[nearest(v, t)[0]],
            nearest(v, t)[1],
        ),
        "There is an axis too many: one id and one cosine a vector, (P,), not (P, 1).": (
            lambda v, t: tuple(each[:, None] for each in nearest(v, t))
        ),
        "The nearest pair of all came back: each vector has its own, dim=-1.": lambda v, t: (
            _cosines(v, t).argmax(),
            _cosines(v, t).max(),
        ),
        "Each vector's id and cosine came as a pair: return two tensors, all ids and all "
        "cosines.": lambda v, t: [*zip(*(each.tolist() for each in nearest(v, t)), strict=True)],
        "The cosines of all tokens came back: return each vector's largest.": lambda v, t: (
            nearest(v, t)[0],
            _cosines(v, t),
        ),
    },
    together={
        (SWAPPED, said): lambda v, t, score=score: score(v, t)[::-1]
        for said, score in SCORES.items()
    },
    alternatives={"a loop": _nearest_by_loop, "cosine_similarity": _by_cosine_similarity},
    parts=("ids", "cosines"),
    atol=1e-5,
)
