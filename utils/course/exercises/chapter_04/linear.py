"""Exercise 4.7: attention without the table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention import heads as attention
from utils.llm.machine.costs import Watch

TABLE = Remark("by way of a table of T × T")
GROWTH = Remark("by way of work that grows as T²")


def watched(answer: Callable[..., Any], *args: Tensor) -> Any:
    """Call an answer and watch what it makes: a remark stands for a result that took T² numbers.

    A long input is given in half first. Twice the tokens may touch twice the numbers, not four
    times as many.
    """
    n_tokens = len(args[0])
    if n_tokens < 100:
        return answer(*args)
    with Watch() as half:
        answer(*(x[: n_tokens // 2].clone() for x in args))
    with Watch() as whole:
        result = answer(*args)
    if whole.largest_numbers >= n_tokens**2:
        return TABLE
    return GROWTH if whole.touched > 2.5 * half.touched else result


def linear_attention(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    """Σ over j ≤ i of (φ(qᵢ)·φ(kⱼ)) vⱼ, divided by the sum of the same weights, in O(T)."""
    return attention.linear_attention(phi_q, phi_k, v, feature_map=lambda x: x, causal=True)


def _linear(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    *,
    features: Callable[[Tensor], Tensor] = lambda x: x,
    total: Callable[[Tensor], Tensor] = lambda x: x.cumsum(0),
    total_keys: Callable[[Tensor], Tensor] | None = None,
    read: Callable[[Tensor, Tensor], Tensor] = lambda q, keys: (q * keys).sum(-1, keepdim=True),
    divide: Callable[..., Tensor] = lambda top, divisor, v: top / divisor,
) -> Tensor:
    """Linear attention with a bend where a wrong turn wants one."""
    q, k = features(phi_q), features(phi_k)
    sums = total(k[:, :, None] * v[:, None, :])  # (T, M, Dv)
    keys = (total_keys or total)(k)  # (T, M)
    return divide(torch.einsum("tm,tmd->td", q, sums), read(q, keys), v)


def everything(x: Tensor) -> Tensor:
    """The sum over the whole text, at every token."""
    return x.sum(0, keepdim=True).expand(x.shape)


def _so_far(x: Tensor) -> Tensor:
    return torch.arange(1.0, len(x) + 1)[:, None]


_OWN_LEFT_OUT = (
    "A token doesn't see itself, and the first one sees nothing: the running sum includes the "
    "token's own key and value."
)
_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "features": {
        "A feature map was applied once more: phi_q and phi_k are features already.": (
            lambda x: torch.nn.functional.elu(x) + 1
        ),
        "An exponential was applied: phi_q and phi_k are features already.": torch.exp,
        "A softmax was applied: phi_q and phi_k are features already, all positive.": (
            lambda x: x.softmax(dim=-1)
        ),
    },
    "total": {
        "Every token sees the whole text: the sum must stop at the token itself, so use a running "
        "sum (cumsum).": everything,
        _OWN_LEFT_OUT: lambda x: x.cumsum(0) - x,
        "Your running sum goes from the back: each token sees itself and its future.": (
            lambda x: x.flip(0).cumsum(0).flip(0)
        ),
    },
    "total_keys": {
        "The values are summed up to the token, but their weights over the whole text: both sums "
        "stop at the token.": everything,
        "The running sum of the keys is missing below the line: the divisor is φ(q) · Σ φ(k), over "
        "all tokens so far.": lambda x: x,
        "The running sum of the keys goes along the features: along the tokens, cumsum(0).": (
            lambda x: x.cumsum(-1)
        ),
    },
    "read": {
        "The divisor lost its axis, and broadcasting put it beside the wrong numbers: "
        "sum(-1, keepdim=True).": lambda q, keys: (q * keys).sum(-1),
        "The query has no part in your divisor: it is φ(q) · Σ φ(k).": lambda q, keys: keys.sum(
            -1, keepdim=True
        ),
        "You divided by the mean of φ(q) · Σ φ(k) over the features: a dot product is their sum.": (
            lambda q, keys: (q * keys).mean(-1, keepdim=True)
        ),
    },
    "divide": {
        "The weights don't sum to 1: divide by φ(q) · Σ φ(k).": lambda top, divisor, v: top,
        "You divided by the number of tokens so far: divide by the sum of the weights, "
        "φ(q) · Σ φ(k).": lambda top, divisor, v: top / _so_far(v),
        "You divided by the number of all tokens: divide by the sum of the weights, "
        "φ(q) · Σ φ(k).": lambda top, divisor, v: top / len(v),
        "You divided twice: once by φ(q) · Σ φ(k) is enough.": lambda top, divisor, v: (
            top / divisor / divisor
        ),
        "You multiplied by φ(q) · Σ φ(k): divide by it.": lambda top, divisor, v: top * divisor,
    },
}


def _no_sum_above(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    own = (phi_q * phi_k).sum(-1, keepdim=True) * v
    return own / (phi_q * phi_k.cumsum(0)).sum(-1, keepdim=True)


def _table(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    weights = (phi_q @ phi_k.T).tril()
    return weights @ v / weights.sum(-1, keepdim=True)


def _softmax_table(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    allowed = torch.ones(len(v), len(v), dtype=torch.bool).tril()
    return (phi_q @ phi_k.T).masked_fill(~allowed, -torch.inf).softmax(-1) @ v


def _over_all_before(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    rows = []
    for i, query in enumerate(phi_q):
        weights = phi_k[: i + 1] @ query
        rows.append(weights @ v[: i + 1] / weights.sum())
    return torch.stack(rows)


def _by_recurrence(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    state, total = torch.zeros(phi_k.shape[1], v.shape[1]), torch.zeros(phi_k.shape[1])
    rows = []
    for query, key, value in zip(phi_q, phi_k, v, strict=True):
        state, total = state + torch.outer(key, value), total + key
        rows.append(query @ state / (query @ total))
    return torch.stack(rows)


def _of_earlier(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    """What each token gets of those before it alone; the first one gets NaN."""
    return _linear(phi_q, phi_k, v, total=lambda x: x.cumsum(0) - x)


def _explain(args: tuple[Tensor, ...], expected: Tensor, got: Any) -> str | None:
    """Which words are right tells most: the first may see itself alone, the last all."""
    found = torch.as_tensor(got).float()
    factors = found / expected
    if len(found) < 3:
        return None
    if torch.allclose(found[1:], _of_earlier(*args)[1:], rtol=1e-3):
        return _OWN_LEFT_OUT
    if torch.allclose(factors, factors[:, :1].expand_as(factors), rtol=1e-3):
        return "Each row is right but for a factor of its own: look at the divisor, φ(q) · Σ φ(k)."
    if torch.allclose(found[-1], expected[-1], rtol=1e-3):
        return "The last word is right and an earlier one is not: each sum stops at its own word."
    if torch.allclose(found[0], expected[0], rtol=1e-3):
        return (
            "The first word is right, and a later one is not: look at what is summed over words, "
            "and divide only once the query has read both sums."
        )
    return None


def _features(t: int, m: int, dv: int) -> tuple[Tensor, Tensor, Tensor]:
    seed = 470 + t
    positive = partial(uniform, t, m, low=0.1, high=2.0)
    return positive(seed=seed), positive(seed=seed + 1), uniform(t, dv, seed=seed + 2)


LINEAR_ATTENTION = Exercise(
    id="4.7",
    title="Linear attention",
    minutes=15,
    stars=3,
    reference=linear_attention,
    probes=[
        _features(3, 2, 4),
        _features(1, 2, 1),
        _features(2, 1, 2),
        _features(4, 3, 4),
        _features(5, 5, 5),
        _features(200, 4, 3),
    ],
    mistakes={
        "Your numbers are right, but on the way you made a table of T × T. Multiply keys with "
        "values first, and let the queries come last.": _table,
        "Your numbers are right, but for twice the tokens you handle four times the numbers: a "
        "loop goes over all earlier tokens for each one, or makes a tensor longer token by token. "
        "Keep a running sum.": _over_all_before,
        "This is the softmax of the products: here the product φ(q) · φ(k) is itself the "
        "weight, before the division.": _softmax_table,
        "Only a token's own value stands above the line: keys times values need a running sum too, "
        "(phi_k[:, :, None] * v[:, None, :]).cumsum(0).": _no_sum_above,
        "Each word gets its own value back: nothing was summed over the words before it. Both "
        "running sums go along the tokens, cumsum(0).": lambda q, k, v: v.clone(),
        "Queries and keys are swapped: the running sums are made of the keys, and a query reads "
        "them.": lambda q, k, v: _linear(k, q, v),
    }
    | at_one_step(_linear, _STEPS),
    together=at_two_steps(_linear, _STEPS),
    alternatives={
        "running sums": _linear,
        "a recurrence, token by token": _by_recurrence,
        "float64": lambda *args: _linear(*(arg.double() for arg in args)),
    },
    call=watched,
    explain=_explain,
)
