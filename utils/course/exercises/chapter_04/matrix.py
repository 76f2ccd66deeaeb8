"""Exercise 4.1: self-attention for a whole matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention.heads import attention_for_one_query, causal_mask

Steps = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
NAMES = ("q", "k", "v", "scores", "masked", "weights", "out")
LOW = -5e3  # a score so low that no other comes near it: −10,000, as in BERT's code, and below


def self_attention(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, mask: Tensor) -> Steps:
    """Every step of attention among the rows of x: q, k, v, scores, masked, weights, out."""
    return _attend(x, w_q, w_k, w_v, mask)


def _forbid(scores: Tensor, mask: Tensor) -> Tensor:
    return scores.masked_fill(~mask, -math.inf)


def _project(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return x @ w_q, x @ w_k, x @ w_v


def _attend(
    x: Tensor,
    w_q: Tensor,
    w_k: Tensor,
    w_v: Tensor,
    mask: Tensor,
    *,
    project: Callable[..., tuple[Tensor, Tensor, Tensor]] = _project,
    score: Callable[[Tensor, Tensor], Tensor] = lambda q, k: q @ k.mT,
    scale: Callable[..., Tensor] = lambda scores, q, x: scores / math.sqrt(q.shape[-1]),
    forbid: Callable[[Tensor, Tensor], Tensor] = _forbid,
    weigh: Callable[..., Tensor] = lambda masked, scores, mask: masked.softmax(dim=-1),
    average: Callable[..., Tensor] = lambda weights, v, k, x: weights @ v,
    give: Callable[[Steps], Any] = lambda steps: steps,
) -> Any:
    """The road from x to out, with a bend where a wrong turn wants one."""
    q, k, v = project(x, w_q, w_k, w_v)
    scores = scale(score(q, k), q, x)
    masked = forbid(scores, mask)
    weights = weigh(masked, scores, mask)
    return give((q, k, v, scores, masked, weights, average(weights, v, k, x)))


def _scores_before_the_division(*args: Tensor) -> Steps:
    q, k, v, scores, *rest = self_attention(*args)
    return q, k, v, scores * math.sqrt(q.shape[-1]), *rest


def _divided_after_the_softmax(*args: Tensor) -> Steps:
    q, k, v, scores, *_ = _scores_before_the_division(*args)
    masked = _forbid(scores, args[-1])
    weights = masked.softmax(dim=-1) / math.sqrt(q.shape[-1])
    return q, k, v, scores, masked, weights, weights @ v


def _filled_in_place(*args: Tensor) -> Steps:
    q, k, v, _, masked, *rest = self_attention(*args)
    return q, k, v, masked, masked, *rest


NOT_SMALL_ENOUGH = (
    "A forbidden score became a small number, and a large score may come near it, so that the "
    "forbidden gets a look. Fill in −inf."
)
WRONG_WAY_ROUND = (
    "The mask is the wrong way round: True means that the row may look there, so fill in "
    "−inf where it is False, ~mask."
)
_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "project": {
        "Queries and keys are swapped: q comes from w_q, k from w_k.": (
            lambda x, w_q, w_k, w_v: (x @ w_k, x @ w_q, x @ w_v)
        ),
        "Your keys are made with w_q: they have a matrix of their own, w_k.": (
            lambda x, w_q, w_k, w_v: (x @ w_q, x @ w_q, x @ w_v)
        ),
        "Your queries are made with w_k: they have a matrix of their own, w_q.": (
            lambda x, w_q, w_k, w_v: (x @ w_k, x @ w_k, x @ w_v)
        ),
        "Your values are made with w_k: they have a matrix of their own, w_v.": (
            lambda x, w_q, w_k, w_v: (x @ w_q, x @ w_k, x @ w_k)
        ),
    },
    "score": {
        "Your scores are transposed: the row is the token that looks, the column the one it looks "
        "at, so q @ k.T and not k @ q.T.": lambda q, k: k @ q.mT,
        "You multiplied queries with queries: a score is query · key, q @ k.T.": lambda q, k: (
            q @ q.mT
        ),
    },
    "scale": {
        "The scale is missing: divide the scores by √D, the square root of a query's width.": (
            lambda s, q, x: s
        ),
        "You divided by D itself: the scale is its square root.": lambda s, q, x: s / q.shape[-1],
        "You scaled by the width of x: a dot product sums over the D numbers of a query, so the "
        "scale is √D.": lambda s, q, x: s / math.sqrt(x.shape[-1]),
        "You scaled by √T, the number of tokens: the scale is √D, the number of terms in one dot "
        "product.": lambda s, q, x: s / math.sqrt(len(x)),
        "You multiplied by √D: divide the scores by it.": lambda s, q, x: (
            s * math.sqrt(q.shape[-1])
        ),
    },
    "forbid": {
        "A forbidden score became 0, by a product with the mask or by a fill. e⁰ is 1, so it still "
        "gets a weight: fill in −inf.": lambda scores, mask: scores * mask,
        NOT_SMALL_ENOUGH: lambda scores, mask: scores.masked_fill(~mask, -10.0),
        WRONG_WAY_ROUND: lambda scores, mask: scores.masked_fill(mask, -math.inf),
        "You left out the mask.": lambda scores, mask: scores,
        "The mask is transposed: its rows look, its columns are looked at, as in the scores.": (
            lambda scores, mask: scores.masked_fill(~mask.mT, -math.inf)
        ),
        "A forbidden score became +inf, which takes all the weight: fill in −inf.": (
            lambda scores, mask: scores.masked_fill(~mask, math.inf)
        ),
        "∞ · 0 is NaN (not a number): a mask can't be multiplied by −inf. masked_fill(~mask, "
        "-torch.inf) puts it only where it belongs.": lambda scores, mask: (
            scores + (~mask) * -math.inf
        ),
    },
    "weigh": {
        "Your softmax runs down the columns, over the queries: each query shares out its own "
        "attention among the keys, along the row, dim=-1.": lambda masked, scores, mask: (
            masked.softmax(dim=0)
        ),
        "The mask came after the softmax, so a row no longer sums to 1: take the softmax of the "
        "masked scores.": lambda masked, scores, mask: scores.softmax(dim=-1) * mask,
        "Your softmax is taken of the scores, not of the masked ones: the forbidden still get "
        "weights.": lambda masked, scores, mask: scores.softmax(dim=-1),
        "You forbade after the softmax, and divided by what was left: with large scores that is "
        "0 / 0. Take the softmax of the masked scores.": lambda masked, scores, mask: (
            scores.softmax(dim=-1) * mask / (scores.softmax(dim=-1) * mask).sum(-1, keepdim=True)
        ),
        "Your exponentials are not divided by their sum: a row of weights must sum to 1.": (
            lambda masked, scores, mask: masked.exp()
        ),
        "Your exponentials overflow: large scores make ∞ / ∞. Use softmax, which subtracts the "
        "largest score first.": lambda masked, scores, mask: (
            masked.exp() / masked.exp().sum(-1, keepdim=True)
        ),
    },
    "average": {
        "You averaged with the weights transposed: row i of weights @ v is the average that token "
        "i gets.": lambda weights, v, k, x: weights.mT @ v,
        "You averaged x: what is averaged is the values, v.": lambda weights, v, k, x: weights @ x,
        "You averaged the keys: what is averaged is the values, v.": lambda weights, v, k, x: (
            weights @ k
        ),
    },
    "give": {
        "`weights` and `masked` have changed places: q, k, v, scores, masked, weights, out.": (
            lambda s: (*s[:4], s[5], s[4], s[6])
        ),
        "`scores` and `masked` have changed places: q, k, v, scores, masked, weights, out.": (
            lambda s: (*s[:3], s[4], s[3], *s[5:])
        ),
        "`masked` is missing: return all seven, q, k, v, scores, masked, weights, out.": (
            lambda s: (*s[:4], *s[5:])
        ),
        "`scores` are missing: return all seven, q, k, v, scores, masked, weights, out.": (
            lambda s: (*s[:3], *s[4:])
        ),
        "Only `out` came back: return all seven steps, q, k, v, scores, masked, weights, out.": (
            lambda s: s[-1]
        ),
        "Only `out` and `weights` came back: return all seven steps, q, k, v, scores, masked, "
        "weights, out.": lambda s: (s[-1], s[-2]),
        "`out` and `weights` have changed places: out comes last.": lambda s: (*s[:5], s[6], s[5]),
        "q, k and v are missing: return all seven, q, k, v, scores, masked, weights, out.": (
            lambda s: s[3:]
        ),
    },
}


def _about_scores(products: Tensor, scores: Tensor, root: float) -> str:
    factors = (scores / products)[products.abs() > 1e-3]
    if len(factors) > 1 and torch.allclose(factors, factors.mean().expand_as(factors), rtol=1e-3):
        return (
            f"q, k and v are right. Your scores are {factors.mean():.3g} · (q @ k.T), and should "
            f"be 1 / √D, here {1 / root:.3g}, of it."
        )
    return "q, k and v are right, and `scores` are not: they are q @ k.T / √D."


def _explain(args: tuple[Tensor, ...], expected: Steps, got: Any) -> str | None:
    """The first step that departs, by what follows from the steps before it."""
    mask, steps = args[-1], [torch.as_tensor(each).float() for each in got]
    wrong = [difference(e, g, atol=1e-5) is not None for e, g in zip(expected, steps, strict=True)]
    first = wrong.index(True)
    if first < 3:
        return f"`{NAMES[first]}` is the first to depart: it is x @ w_{NAMES[first]}."
    if first == 3:
        return _about_scores(steps[0] @ steps[1].mT, steps[3], math.sqrt(steps[0].shape[-1]))
    if first == 4:
        forbidden = steps[4][~mask]
        if difference(steps[3][mask], steps[4][mask], atol=1e-5) is not None:
            return (
                "`masked` is wrong where a look is allowed: there it holds the scores themselves."
            )
        if len(forbidden) and (forbidden < expected[3].min()).all():
            return NOT_SMALL_ENOUGH
        return "`scores` are right; `masked` is not. Fill in −inf where the mask is False."
    if first == 5:
        rows = steps[5].sum(dim=-1)
        if (rows - 1).abs().max() < 1e-3:
            return (
                "`masked` is right, and each row of weights sums to 1; but it is not its softmax."
            )
        return "`masked` is right; a row of `weights` is its softmax, and must sum to 1."
    if first == 6:
        return "`weights` are right, and `out` is not: it is weights @ v."
    return None


def _plain(answer: Callable[..., Any], *args: Tensor) -> Any:
    """Call an answer; a forbidden score that is low enough stands for −inf."""
    found, mask = answer(*args), args[-1]
    if not isinstance(found, tuple | list) or len(found) != len(NAMES):
        return found
    masked = found[4]
    if not isinstance(masked, Tensor) or masked.shape != mask.shape:
        return found
    hidden = masked.detach().masked_fill(~mask & (masked < LOW), -math.inf)
    return (*found[:4], hidden, *found[5:])


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


def _probe(t: int, c: int, d: int, mask: Tensor, size: float = 2.0) -> tuple[Tensor, ...]:
    seed = 100 * t + 10 * c + d
    x = uniform(t, c, seed=seed, low=-size, high=size)
    weights = (uniform(c, d, seed=seed + i) for i in (1, 2, 3))
    return x, *weights, mask


_PATCHY = torch.tensor([[1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 1, 0], [0, 1, 0, 1]], dtype=torch.bool)

SELF_ATTENTION = Exercise(
    id="4.1",
    title="Self-attention for a matrix",
    minutes=10,
    stars=2,
    reference=self_attention,
    probes=[
        _probe(3, 4, 2, causal_mask(3)),
        _probe(1, 2, 3, causal_mask(1)),
        _probe(3, 2, 4, torch.ones(3, 3, dtype=torch.bool)),
        _probe(4, 3, 5, _PATCHY),
        _probe(5, 3, 3, causal_mask(5)),
        _probe(6, 5, 3, causal_mask(6), size=9.0),
        _probe(4, 4, 2, causal_mask(4), size=12.0),
    ],
    mistakes=at_one_step(_attend, _STEPS)
    | {
        "You filled in place, so `scores` changed too: `masked` needs a tensor of its own, as "
        "from masked_fill without the underscore.": _filled_in_place,
        "Your `scores` are those before the division: divide by √D first, then mask, and return "
        "both.": _scores_before_the_division,
        "You divided by √D after the softmax: that shrinks the weights, which then don't sum to "
        "1. Divide the scores.": _divided_after_the_softmax,
    },
    together=at_two_steps(_attend, _STEPS, alone=("score", "average", "give")),
    alternatives={
        "a query at a time": _by_rows,
        "torch's own": _by_torch,
        "−1e9 for −inf": lambda *args: _attend(
            *args, forbid=lambda scores, mask: scores.masked_fill(~mask, -1e9)
        ),
        "an additive mask, as in BERT": lambda *args: _attend(
            *args, forbid=lambda scores, mask: scores + (1 - mask.float()) * -10_000.0
        ),
        "einsum": lambda *args: _attend(*args, score=lambda q, k: torch.einsum("id,jd->ij", q, k)),
        "all three in one tensor": lambda x, w_q, w_k, w_v, mask: _attend(
            x, w_q, w_k, w_v, mask, project=lambda x, *each: tuple(x @ torch.stack(each))
        ),
        "float64": lambda x, w_q, w_k, w_v, mask: self_attention(
            x.double(), w_q.double(), w_k.double(), w_v.double(), mask
        ),
        "a list": lambda *args: [*self_attention(*args)],
    },
    call=_plain,
    parts=NAMES,
    explain=_explain,
)
