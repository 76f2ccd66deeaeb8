"""Exercise 5.3: the feed-forward layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_05.gelu import gelu, gelu_in_numpy
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps

Pair = tuple[Tensor, Tensor]


def feed_forward(x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor) -> Pair:
    """The hidden numbers (B, T, F), and the output (B, T, C)."""
    return _forward(x, w_in, b_in, w_out, b_out)


def _forward(
    x: Tensor,
    w_in: Tensor,
    b_in: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    *,
    enter: Callable[..., Tensor] = lambda x, w, b, other: x @ w + b,
    bend: Callable[[Tensor], Tensor] = gelu,
    leave: Callable[..., Tensor] = lambda hidden, w, b, other: hidden @ w + b,
    after: Callable[[Tensor, Tensor], Tensor] = lambda x, out: out,
    give: Callable[..., Any] = lambda inner, hidden, out: (hidden, out),
) -> Any:
    """The layer with a bend where a wrong turn wants one."""
    inner = enter(x, w_in, b_in, b_out)
    hidden = bend(inner)
    return give(inner, hidden, after(x, leave(hidden, w_out, b_out, b_in)))


_TURNED = "You returned the output first: `hidden, out`."
_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "enter": {
        "The bias b_in was dropped.": lambda x, w, b, other: x @ w,
        "b_in was subtracted: add it.": lambda x, w, b, other: x @ w - b,
        "b_in was added to x, before the matrix: it comes behind it, x @ w_in + b_in.": (
            lambda x, w, b, other: (x + b[: x.shape[-1]]) @ w
        ),
        "You added b_out where b_in belongs.": lambda x, w, b, other: x @ w + other,
        "w_in was used transposed, as nn.Linear stores it: here it is (C, F), x @ w_in.": (
            lambda x, w, b, other: x @ w.T + b
        ),
    },
    "bend": {
        "The bend is missing: without it the two matrices could be one.": lambda inner: inner,
        "You bent with ReLU: this layer uses GELU.": torch.relu,
        "You bent with the exact GELU: GPT-2's is the tanh formula of exercise 5.2.": F.gelu,
        "You bent with SiLU, x · σ(x): this layer uses GELU.": F.silu,
        "You bent with a tanh alone: this layer uses GELU.": torch.tanh,
        "You bent with a sigmoid: this layer uses GELU.": torch.sigmoid,
        "You bent twice: one GELU stands between the matrices.": lambda inner: gelu(gelu(inner)),
        "You took a softmax for the bend: this layer uses GELU, number by number.": lambda inner: (
            inner.softmax(dim=-1)
        ),
    },
    "leave": {
        "The bias b_out was dropped.": lambda hidden, w, b, other: hidden @ w,
        "b_out was subtracted: add it.": lambda hidden, w, b, other: hidden @ w - b,
        "You added b_in where b_out belongs.": lambda hidden, w, b, other: hidden @ w + other,
        "w_out was used transposed, as nn.Linear stores it: here it is (F, C), hidden @ w_out.": (
            lambda hidden, w, b, other: hidden @ w.T + b
        ),
    },
    "after": {
        "The output was bent as well: nothing follows the second matrix, or the layer could hardly "
        "subtract.": lambda x, out: gelu(out),
        "You added x: that is the residual, and it is added by the block, not here.": (
            lambda x, out: x + out
        ),
    },
    "give": {
        "`hidden` is what it was before the bend: return what goes into w_out.": (
            lambda inner, hidden, out: (inner, out)
        ),
        _TURNED: lambda inner, hidden, out: (out, hidden),
        "You returned only the output: return `hidden` before it.": lambda inner, hidden, out: out,
        "You returned only `hidden`: return the output too, behind it.": lambda i, hidden, out: (
            hidden
        ),
    },
}


def _bend_first(x: Tensor, w: Tensor, b: Tensor, o: Tensor, c: Tensor) -> Pair:
    return _forward(gelu(x), w, b, o, c, bend=lambda inner: inner)


def _bend_last(x: Tensor, w: Tensor, b: Tensor, o: Tensor, c: Tensor) -> Pair:
    return _forward(x, w, b, o, c, bend=lambda i: i, after=lambda x, out: gelu(out))


def _bias_after_the_bend(x: Tensor, w: Tensor, b: Tensor, o: Tensor, c: Tensor) -> Pair:
    hidden = gelu(x @ w) + b
    return hidden, hidden @ o + c


def _token_by_token(x: Tensor, *weights: Tensor) -> Pair:
    rows = [_forward(token, *weights) for text in x for token in text]
    hidden, out = (torch.stack(part) for part in zip(*rows, strict=True))
    return hidden.view(*x.shape[:2], -1), out.view(x.shape)


def _in_numpy(
    x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    inner = np.einsum("btc,cf->btf", x.numpy(), w_in.numpy()) + b_in.numpy()
    hidden = gelu_in_numpy(inner)
    return hidden, np.einsum("btf,fc->btc", hidden, w_out.numpy()) + b_out.numpy()


def _turned(args: tuple[Tensor, ...], first: Tensor, second: Tensor) -> bool:
    """Whether the first result is the output that belongs to the second."""
    *_, w_out, b_out = args
    if second.shape[-1] != len(w_out) or first.shape[-1] != len(b_out):
        return False
    return torch.allclose(first, second @ w_out + b_out, rtol=1e-4, atol=1e-4)


def _explain(args: tuple[Tensor, ...], expected: Pair, got: Any) -> str | None:
    hidden, out = (torch.as_tensor(each).float() for each in got)
    if _turned(args, hidden, out):
        return f"{_TURNED} And what stands second is not GELU of x @ w_in + b_in."
    if torch.allclose(hidden, expected[0], rtol=1e-4, atol=1e-5):
        return "`hidden` is right, and `out` is not: it is hidden @ w_out + b_out."
    follows = torch.allclose(out, hidden @ args[3] + args[4], rtol=1e-4, atol=1e-4)
    tail = "; `out` follows from it as it should" if follows else ""
    return f"`hidden` departs first: it is GELU of x @ w_in + b_in{tail}."


def _explain_form(args: tuple[Tensor, ...], expected: Pair, got: Any) -> str | None:
    """Names an output that stands first, whatever the bend was."""
    first, second = (torch.as_tensor(each).float() for each in got)
    return _TURNED if _turned(args, first, second) else None


def _probe(b: int, t: int, c: int, f: int, high: float = 1.0) -> tuple[Tensor, ...]:
    seed = 5300 + 100 * b + 10 * t + c
    shapes = ((b, t, c), (c, f), (f,), (f, c), (c,))
    return tuple(
        uniform(*shape, seed=seed + i, low=-high, high=high) for i, shape in enumerate(shapes)
    )


FEED_FORWARD = Exercise(
    id="5.3",
    title="The feed-forward layer",
    minutes=4,
    stars=1,
    reference=feed_forward,
    probes=[
        _probe(1, 2, 3, 3),
        _probe(1, 1, 2, 5),
        _probe(2, 3, 4, 16),
        _probe(1, 4, 5, 5, high=2.0),
        _probe(3, 1, 6, 2, high=2.0),
    ],
    mistakes=at_one_step(_forward, _STEPS)
    | {
        "The bend came first: x goes through w_in before it is bent.": _bend_first,
        "The bend came last: it belongs between the two matrices.": _bend_last,
        "b_in was added after the bend: it shifts where the bend is, so it comes before.": (
            _bias_after_the_bend
        ),
    },
    together=at_two_steps(_forward, _STEPS),
    alternatives={
        "token by token": _token_by_token,
        "numpy's einsum": _in_numpy,
        "torch's own": lambda x, w, b, o, c: (
            F.gelu(F.linear(x, w.T, b), approximate="tanh"),
            F.linear(F.gelu(F.linear(x, w.T, b), approximate="tanh"), o.T, c),
        ),
        "float64": lambda *args: _forward(*(arg.double() for arg in args)),
    },
    parts=("hidden", "out"),
    explain=_explain,
    explain_form=_explain_form,
    atol=1e-5,
)
