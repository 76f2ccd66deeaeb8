"""Exercise 11.3: SwiGLU, the feed-forward layer of today's models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_11.learning import (
    THROUGH_NUMPY,
    learned,
    the_same,
    through_numpy,
)
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.gpt import block


def swiglu(x: Tensor, w_gate: Tensor, w_up: Tensor, w_down: Tensor) -> Tensor:
    """(silu(x · w_gateᵀ) * (x · w_upᵀ)) · w_downᵀ for x (B, T, C); weights (F, C), (F, C), (C, F).

    A row of a weight is an output, as `nn.Linear` and a model's file keep it.
    """
    return block.swiglu(x, w_gate, w_up, w_down)


Enter = Callable[[Tensor, Tensor, Tensor], Tensor]


def _forward(
    x: Tensor,
    w_gate: Tensor,
    w_up: Tensor,
    w_down: Tensor,
    *,
    gate: Enter = lambda x, own, other: x @ own.T,
    up: Enter = lambda x, own, other: x @ own.T,
    bend: Callable[[Tensor], Tensor] = F.silu,
    join: Callable[[Tensor, Tensor], Tensor] = lambda gate, up: gate * up,
    leave: Callable[[Tensor, Tensor], Tensor] = lambda hidden, w: hidden @ w.T,
    after: Callable[..., Any] = lambda x, hidden, out: out,
) -> Any:
    """The layer with a bend where a wrong turn wants one."""
    hidden = join(bend(gate(x, w_gate, w_up)), up(x, w_up, w_gate))
    return after(x, hidden, leave(hidden, w_down))


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "gate": {
        "w_gate was used as (C, F): a row is an output here, x @ w_gate.T.": (
            lambda x, own, other: x @ own
        ),
        "The gate was computed with w_up: it has a matrix of its own, w_gate.": (
            lambda x, own, other: x @ other.T
        ),
        "x was bent before it went through w_gate: bend what comes out.": (
            lambda x, own, other: F.silu(x) @ own.T
        ),
    },
    "up": {
        "w_up was used as (C, F): a row is an output here, x @ w_up.T.": (
            lambda x, own, other: x @ own
        ),
        "Both factors came from w_gate: the second is x @ w_up.T.": (
            lambda x, own, other: x @ other.T
        ),
        "Both factors were bent: only the gate is, x @ w_up.T stays as it is.": (
            lambda x, own, other: F.silu(x @ own.T)
        ),
        "w_up was not used: what the gate lets through is x @ w_up.T.": lambda x, own, other: (
            torch.ones_like(x @ own.T)
        ),
    },
    "bend": {
        "The gate is a bare sigmoid, as in the first GLU: SiLU is a · σ(a).": torch.sigmoid,
        "The gate was bent with the exact GELU: SwiGLU takes SiLU, a · σ(a).": F.gelu,
        "The gate was bent with the tanh formula of GELU: SwiGLU takes SiLU, a · σ(a).": (
            lambda a: F.gelu(a, approximate="tanh")
        ),
        "The gate was bent with ReLU: SwiGLU takes SiLU, a · σ(a).": torch.relu,
        "The gate was bent with tanh: SwiGLU takes SiLU, a · σ(a).": torch.tanh,
        "The gate was not bent: without SiLU the layer is a bare product.": lambda a: a,
        "σ got 1.702 · a, a quick GELU: SiLU is a · σ(a).": lambda a: a * torch.sigmoid(1.702 * a),
        "The gate went through a softmax: SiLU takes number by number, a · σ(a).": lambda a: (
            a.softmax(dim=-1)
        ),
        "The gate was bent with Mish: SwiGLU takes SiLU, a · σ(a).": F.mish,
        "The sign inside σ is turned: SiLU is a · σ(a), a / (1 + exp(−a)).": lambda a: (
            a * torch.sigmoid(-a)
        ),
        "The gate was bent twice: one SiLU is enough.": lambda a: F.silu(F.silu(a)),
    },
    "join": {
        "Gate and up were added: multiply them, number by number.": lambda gate, up: gate + up,
        "The product was bent once more: only the gate is bent.": lambda gate, up: F.silu(
            gate * up
        ),
        "The gate was lost on the way: multiply it with x @ w_up.T.": lambda gate, up: up,
        "You subtracted: multiply the two, number by number.": lambda gate, up: gate - up,
        "The two stand side by side: multiply them, number by number.": lambda gate, up: torch.cat(
            [gate, up], dim=-1
        ),
    },
    "leave": {
        "w_down is missing: what comes out is F wide, and the residual stream has C columns.": (
            lambda hidden, w: hidden
        ),
        "w_down was used as (F, C): a row is an output here, hidden @ w_down.T.": (
            lambda hidden, w: hidden @ w
        ),
    },
    "after": {
        "You added x: that is the residual, and the block adds it, not this layer.": (
            lambda x, hidden, out: x + out
        ),
        "The output was bent too: nothing follows w_down.": lambda x, hidden, out: F.silu(out),
        "You returned hidden and output: the output alone.": lambda x, hidden, out: (hidden, out),
    },
}


def _swapped(x: Tensor, w_gate: Tensor, w_up: Tensor, w_down: Tensor) -> Tensor:
    return _forward(x, w_up, w_gate, w_down)


def _bent_product(x: Tensor, w_gate: Tensor, w_up: Tensor, w_down: Tensor) -> Tensor:
    return F.silu((x @ w_gate.T) * (x @ w_up.T)) @ w_down.T


def _with_fused_input(x: Tensor, w_gate: Tensor, w_up: Tensor, w_down: Tensor) -> Tensor:
    gate, up = F.linear(x, torch.cat([w_gate, w_up])).chunk(2, dim=-1)
    return F.linear(gate / (1 + torch.exp(-gate)) * up, w_down)


def _token_by_token(x: Tensor, *weights: Tensor) -> Tensor:
    rows = [_forward(token, *weights) for text in x for token in text]
    return torch.stack(rows).view(*x.shape[:2], -1)


def _explain(args: tuple[Tensor, ...], expected: Tensor, got: Any) -> str | None:
    """Whether what came out can have left by w_down, whose columns span not all of C."""
    w_down = args[3].detach().double()
    found = torch.as_tensor(got).detach().double()
    if the_same(expected, found):
        return None
    if w_down.shape[0] <= w_down.shape[1]:  # then anything can come out of it
        return None
    rows = found.flatten(0, 1).T  # (C, B · T)
    hidden = torch.linalg.lstsq(w_down, rows).solution
    if not torch.allclose(w_down @ hidden, rows, atol=1e-4):
        return None
    return (
        "It leaves by w_down as it should; what goes in, the hidden numbers, is not "
        "silu(x @ w_gate.T) * (x @ w_up.T)."
    )


def _probe(b: int, t: int, c: int, f: int, high: float = 1.2) -> tuple[Tensor, ...]:
    seed = 11_300 + 100 * b + 10 * t + c
    shapes = ((b, t, c), (f, c), (f, c), (c, f))
    return tuple(
        uniform(*shape, seed=seed + i, low=-high, high=high) for i, shape in enumerate(shapes)
    )


SWIGLU = Exercise(
    id="11.3",
    title="SwiGLU",
    minutes=5,
    stars=1,
    reference=swiglu,
    probes=[
        _probe(1, 2, 4, 3),
        _probe(1, 1, 2, 5),
        _probe(2, 3, 4, 9),
        _probe(1, 4, 5, 5, high=2.5),
        _probe(3, 1, 6, 2, high=2.0),
        _probe(1, 3, 2, 4),
        learned(*_probe(2, 2, 3, 5)),
    ],
    mistakes=at_one_step(_forward, _STEPS)
    | {
        "Gate and up are swapped: SiLU bends x @ w_gate.T, and x @ w_up.T stays as it is.": (
            _swapped
        ),
        "SiLU came after the product: bend the gate alone, then multiply.": _bent_product,
        "The weights lie with a row for each column that comes out: a product is x @ w.T, not "
        "x @ w.": lambda x, gate, up, down: (F.silu(x @ gate) * (x @ up)) @ down,
        THROUGH_NUMPY: through_numpy(swiglu),
    },
    together=at_two_steps(_forward, _STEPS),
    alternatives={
        "gate and up in one product": _with_fused_input,
        "token by token": _token_by_token,
        "float64": lambda *args: swiglu(*(arg.double() for arg in args)),
        "einsum": lambda x, g, u, d: torch.einsum(
            "btf,cf->btc",
            F.silu(torch.einsum("btc,fc->btf", x, g)) * torch.einsum("btc,fc->btf", x, u),
            d,
        ),
    },
    explain=_explain,
    atol=1e-5,
)
