"""Chapter 04, first part: self-attention for a whole matrix, and who may look at whom."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import HIDDEN, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.attention.heads import attention_for_one_query, causal_mask, padding_mask

Steps = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]

# 4.1 · self-attention for a matrix


def self_attention(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, mask: Tensor) -> Steps:
    """Every step of attention among the rows of x: q, k, v, scores, masked, weights, out."""
    return _attend(x, w_q, w_k, w_v, mask)


def _root_width(q: Tensor, x: Tensor) -> float:
    return math.sqrt(q.shape[-1])


def _forbid(scores: Tensor, mask: Tensor) -> Tensor:
    return scores.masked_fill(~mask, -math.inf)


def _attend(
    x: Tensor,
    w_q: Tensor,
    w_k: Tensor,
    w_v: Tensor,
    mask: Tensor,
    *,
    scale: Callable[[Tensor, Tensor], float] = _root_width,
    score: Callable[[Tensor, Tensor], Tensor] = lambda q, k: q @ k.mT,
    forbid: Callable[[Tensor, Tensor], Tensor] = _forbid,
    weigh: Callable[[Tensor, Tensor], Tensor] = lambda masked, mask: masked.softmax(dim=-1),
    average: Callable[..., Tensor] = lambda weights, v, k, x: weights @ v,
) -> Steps:
    """The road from x to out, with a bend where a wrong turn wants one."""
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    scores = score(q, k) / scale(q, x)
    masked = forbid(scores, mask)
    weights = weigh(masked, mask)
    return q, k, v, scores, masked, weights, average(weights, v, k, x)


def _scores_before_the_division(*args: Tensor) -> Steps:
    q, k, v, scores, *rest = self_attention(*args)
    return q, k, v, scores * _root_width(q, q), *rest


def _divided_after_the_softmax(*args: Tensor) -> Steps:
    q, k, v, scores, *_ = _scores_before_the_division(*args)
    masked = _forbid(scores, args[-1])
    weights = masked.softmax(dim=-1) / _root_width(q, q)
    return q, k, v, scores, masked, weights, weights @ v


def _filled_in_place(*args: Tensor) -> Steps:
    q, k, v, _, masked, *rest = self_attention(*args)
    return q, k, v, masked, masked, *rest


NOT_SMALL_ENOUGH = (
    "A forbidden score became a small number, but not small enough: what is left of it is "
    "still a look at the forbidden. Fill in −inf."
)


def _forbidden_in_another_way(args: tuple[Tensor, ...], expected: Steps, got: Steps) -> str | None:
    """What a first case shows where the numbers alone could be anybody's."""
    mask = args[-1]
    masked, weights = (torch.as_tensor(got[i]) for i in (4, 5))
    forbidden = masked[~mask]
    lowest = expected[3].min()
    if forbidden.numel() and (forbidden < lowest).all() and (forbidden > HIDDEN).any():
        return NOT_SMALL_ENOUGH
    if weights.isnan().any() and difference(expected[3], got[3]) is None:
        return (
            "A row of weights is 0 / 0: with large scores all that is allowed may have been "
            "rounded to 0. Forbid on the scores, with −inf, not on the weights."
        )
    return None


def _by_rows(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, mask: Tensor) -> Steps:
    """A query at a time, over the keys that it may look at."""
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    scores = torch.stack([(k * query).sum(-1) for query in q]) / q.shape[1] ** 0.5
    weights, out = torch.zeros(len(x), len(x)), torch.zeros(len(x), v.shape[1])
    for i, allowed in enumerate(mask):
        out[i], weights[i, allowed] = attention_for_one_query(q[i], k[allowed], v[allowed])
    return q, k, v, scores, _forbid(scores, mask), weights, out


def _by_torch(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, mask: Tensor) -> Steps:
    *steps, _ = self_attention(x, w_q, w_k, w_v, mask)
    q, k, v = (part[None, None] for part in steps[:3])
    return *steps, F.scaled_dot_product_attention(q, k, v, attn_mask=mask)[0, 0]


def _probe(t: int, c: int, d: int, dv: int, mask: Tensor, size: float = 2.0) -> tuple[Tensor, ...]:
    seed = 100 * t + 10 * c + d
    x = uniform(t, c, seed=seed, low=-size, high=size)
    weights = (uniform(c, n, seed=seed + i) for i, n in enumerate((d, d, dv), start=1))
    return x, *weights, mask


_PATCHY = torch.tensor([[1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 1, 0], [0, 1, 0, 1]], dtype=torch.bool)

SELF_ATTENTION = Exercise(
    id="4.1",
    title="Self-attention for a matrix",
    minutes=15,
    stars=2,
    reference=self_attention,
    probes=[
        _probe(1, 2, 2, 1, causal_mask(1)),
        _probe(2, 3, 2, 1, causal_mask(2)),
        _probe(3, 2, 4, 5, torch.ones(3, 3, dtype=torch.bool)),
        _probe(4, 3, 5, 2, _PATCHY),
        _probe(6, 5, 3, 4, causal_mask(6), size=4.0),
    ],
    mistakes={
        "The scale is missing: divide the scores by √D, the square root of a query's "
        "width.": partial(_attend, scale=lambda q, x: 1.0),
        "You divided by D itself: the scale is its square root.": partial(
            _attend, scale=lambda q, x: q.shape[-1]
        ),
        "You scaled by the width of x: a dot product sums over the D numbers of a query, so the "
        "scale is √D.": partial(_attend, scale=lambda q, x: math.sqrt(x.shape[-1])),
        "You scaled by √T, the number of tokens: the scale is √D, the number of terms in one dot "
        "product.": partial(_attend, scale=lambda q, x: math.sqrt(len(x))),
        "Your softmax runs down the columns, over the queries: each query shares out its own "
        "attention among the keys, along the row, dim=-1.": partial(
            _attend, weigh=lambda masked, mask: masked.softmax(dim=0)
        ),
        "The mask came after the softmax, so a row no longer sums to 1: forbid on the scores, "
        "with −inf, and take the softmax then.": partial(
            _attend,
            forbid=lambda scores, mask: scores,
            weigh=lambda scores, mask: scores.softmax(dim=-1) * mask,
        ),
        "A forbidden score became 0, by a product with the mask or by a fill. e⁰ is 1, so it "
        "still gets a weight: fill in −inf.": partial(
            _attend, forbid=lambda scores, mask: scores * mask
        ),
        NOT_SMALL_ENOUGH: partial(
            _attend, forbid=lambda scores, mask: scores.masked_fill(~mask, -10.0)
        ),
        "You filled in place, so `scores` changed too: `masked` needs a tensor of its own, as "
        "from masked_fill without the underscore.": _filled_in_place,
        "Your `scores` are those before the division: divide by √D first, then mask, and return "
        "both.": _scores_before_the_division,
        "You divided by √D after the softmax: that shrinks the weights, which then don't sum to "
        "1. Divide the scores.": _divided_after_the_softmax,
        "The mask is the wrong way round: True means that the row may look there, so fill in "
        "−inf where it is False, ~mask.": partial(
            _attend, forbid=lambda scores, mask: scores.masked_fill(mask, -math.inf)
        ),
        "You left out the mask.": partial(_attend, forbid=lambda scores, mask: scores),
        "Queries and keys are swapped: q comes from w_q, k from w_k.": (
            lambda x, w_q, w_k, w_v, mask: _attend(x, w_k, w_q, w_v, mask)
        ),
        "Your scores are transposed: the row is the token that looks, the column the one it "
        "looks at, so q @ k.T and not k @ q.T.": partial(_attend, score=lambda q, k: k @ q.mT),
        "You averaged with the weights transposed: row i of weights @ v is the average that "
        "token i gets.": partial(_attend, average=lambda weights, v, k, x: weights.mT @ v),
        "You averaged x: what is averaged is the values, v.": partial(
            _attend, average=lambda weights, v, k, x: weights @ x
        ),
        "You averaged the keys: what is averaged is the values, v.": partial(
            _attend, average=lambda weights, v, k, x: weights @ k
        ),
    },
    alternatives={
        "a query at a time": _by_rows,
        "torch's own": _by_torch,
        "−1e9 for −inf": partial(
            _attend, forbid=lambda scores, mask: scores.masked_fill(~mask, -1e9)
        ),
        "an additive mask": partial(
            _attend,
            forbid=lambda scores, mask: scores + torch.zeros(mask.shape).masked_fill(~mask, -1e30),
        ),
        "einsum": partial(_attend, score=lambda q, k: torch.einsum("id,jd->ij", q, k)),
        "float64": lambda x, w_q, w_k, w_v, mask: self_attention(
            x.double(), w_q.double(), w_k.double(), w_v.double(), mask
        ),
        "a list": lambda *args: [*self_attention(*args)],
    },
    parts=("q", "k", "v", "scores", "masked", "weights", "out"),
    explain=_forbidden_in_another_way,
)

# 4.2 · the causal mask


def _causal_by_loop(n_tokens: int) -> Tensor:
    return torch.tensor([[key <= query for key in range(n_tokens)] for query in range(n_tokens)])


CAUSAL_MASK = Exercise(
    id="4.2",
    title="The causal mask",
    minutes=5,
    stars=1,
    reference=causal_mask,
    probes=[(1,), (2,), (3,), (7,)],
    mistakes={
        "Your mask lets a token see its future: use the lower triangle (tril), not the "
        "upper.": lambda n: torch.ones(n, n, dtype=torch.bool).triu(),
        "A token may look at itself: keep the diagonal.": lambda n: torch.ones(
            n, n, dtype=torch.bool
        ).tril(-1),
        "Your mask is the wrong way round: in this course True means *may look*, though some of "
        "PyTorch's own layers mean the opposite.": lambda n: ~causal_mask(n),
        "One step of future leaks: the diagonal is the last that a row may see.": lambda n: (
            torch.ones(n, n, dtype=torch.bool).tril(1)
        ),
        "A token sees only itself and the one before: the whole past is open.": lambda n: (
            causal_mask(n).triu(-1)
        ),
        "Everybody may look at everybody here: close the future.": lambda n: torch.ones(
            n, n, dtype=torch.bool
        ),
    },
    alternatives={
        "loops": _causal_by_loop,
        "positions compared": lambda n: torch.arange(n)[:, None] >= torch.arange(n),
        "not the upper triangle": lambda n: ~torch.ones(n, n, dtype=torch.bool).triu(1),
        "counted up": lambda n: torch.eye(n).cumsum(0).bool(),
    },
)

# 4.3 · the padding mask


def _padding_by_loop(lengths: Tensor, n_tokens: int) -> Tensor:
    mask = torch.zeros(len(lengths), 1, 1, n_tokens, dtype=torch.bool)
    for row, length in zip(mask, lengths.tolist(), strict=True):
        row[..., :length] = True
    return mask


def _padding_by_repeat(lengths: Tensor, n_tokens: int) -> Tensor:
    rows = [[True] * n + [False] * (n_tokens - n) for n in lengths.tolist()]
    return torch.tensor(rows).view(-1, 1, 1, n_tokens)


PADDING_MASK = Exercise(
    id="4.3",
    title="The padding mask",
    minutes=5,
    stars=1,
    reference=padding_mask,
    probes=[
        (torch.tensor([1]), 1),
        (torch.tensor([1, 2]), 2),
        (torch.tensor([3, 1, 4]), 4),
        (torch.tensor([1, 2]), 4),
        (torch.tensor([2, 0, 6, 5, 1]), 6),
    ],
    mistakes={
        "You hid the queries: a word must not look *at* filling, so the filling's column is "
        "False, on the last axis.": lambda n, t: padding_mask(n, t).mT,
        "One token of filling counts as a word: positions begin at 0, so those of a text are "
        "below its length.": lambda n, t: (torch.arange(t) <= n[:, None])[:, None, None],
        "The last word of each text is hidden: positions begin at 0, not at 1.": lambda n, t: (
            torch.arange(1, t + 1) < n[:, None]
        )[:, None, None],
        "Your mask is the wrong way round: True is a word here and False is filling, though "
        "PyTorch's `key_padding_mask` means the opposite.": lambda n, t: ~padding_mask(n, t),
        "Your mask takes the filling to stand in front: here it stands behind the text.": (
            lambda n, t: padding_mask(n, t).flip(-1)
        ),
        "Two axes are missing: give (B, 1, 1, T), so that the mask fits every head and every "
        "query by broadcasting.": lambda n, t: padding_mask(n, t)[:, 0, 0],
        "One axis is missing: give (B, 1, 1, T), one axis for the heads and one for the "
        "queries.": lambda n, t: padding_mask(n, t)[:, 0],
        "The first text's length is used for all: compare with lengths[:, None], one row a "
        "text.": lambda n, t: padding_mask(n[:1].expand(len(n)), t),
        "T is n_tokens, not the longest length: a batch may be wider than its texts.": (
            lambda n, t: padding_mask(n, int(n.max()))
        ),
    },
    alternatives={
        "slices in a loop": _padding_by_loop,
        "lists": _padding_by_repeat,
        "rows of a triangle": lambda n, t: torch.ones(t + 1, t, dtype=torch.bool).tril(-1)[n][
            :, None, None
        ],
    },
)
