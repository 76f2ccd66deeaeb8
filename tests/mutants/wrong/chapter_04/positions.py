"""Wrong answers to exercises 4.6 and 4.7, as learners write them."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrong, wrongs
from torch import Tensor


@wrong("4.6", says="Your frequencies grow")
def minus_forgotten(x: Tensor, positions: Tensor) -> Tensor:
    speeds = 10_000.0 ** (torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    angles = positions[:, None] * speeds
    a, b = x[:, 0::2], x[:, 1::2]
    pairs = [a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()]
    return torch.stack(pairs, dim=-1).flatten(-2)


@wrong("4.6", says="The pairs are turned, and still apart")
def flatten_forgotten(x: Tensor, positions: Tensor) -> Tensor:
    speeds = 10_000.0 ** (-torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    angles = positions[:, None] * speeds
    a, b = x[:, 0::2], x[:, 1::2]
    pairs = [a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()]
    return torch.stack(pairs, dim=-1)


# 4.6


def _turned(x, angles, a=None, b=None):
    a, b = x[:, 0::2], x[:, 1::2]
    c, s = angles.cos(), angles.sin()
    return torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2)


def _speeds(x, exponent=1.0, base=10_000.0):
    return base ** (-exponent * torch.arange(0, x.shape[1], 2) / x.shape[1])


wrongs(
    "4.6",
    says="Your base is 1000",
    small_base=lambda x, p: _turned(x, p[:, None] * _speeds(x, base=1000.0)),
)
wrongs(
    "4.6",
    says="Your frequencies fall half",
    half=lambda x, p: _turned(x, p[:, None] * _speeds(x, 0.5)),
)
wrongs(
    "4.6",
    says="Your frequencies fall twice",
    double=lambda x, p: _turned(x, p[:, None] * _speeds(x, 2.0)),
)
wrongs(
    "4.6",
    says="Every pair was turned by the same angle",
    same=lambda x, p: _turned(x, p[:, None] * torch.ones(x.shape[1] // 2)),
)
wrongs(
    "4.6",
    says="Your positions are off by one",
    one=lambda x, p: _turned(x, (p + 1)[:, None] * _speeds(x)),
)
wrongs(
    "4.6",
    says="You counted the positions",
    own=lambda x, p: _turned(x, torch.arange(len(x))[:, None] * _speeds(x)),
)
wrongs(
    "4.6", says="You turned the other way", minus=lambda x, p: _turned(x, -p[:, None] * _speeds(x))
)
wrongs(
    "4.6",
    says="The pairs are turned, and still apart",
    apart=lambda x, p: _turned(x, p[:, None] * _speeds(x)).unflatten(-1, (-1, 2)),
)
wrongs(
    "4.6",
    says="The pairs were flattened whole",
    long=lambda x, p: _turned(x, p[:, None] * _speeds(x)).flatten(),
)
wrongs(
    "4.6",
    says="The turned columns were put back",
    halves=lambda x, p: torch.cat(
        [
            _turned(x, p[:, None] * _speeds(x))[:, 0::2],
            _turned(x, p[:, None] * _speeds(x))[:, 1::2],
        ],
        1,
    ),
)
wrongs(
    "4.6",
    says="A rotation keeps the length",
    doubled=lambda x, p: 2 * _turned(x, p[:, None] * _speeds(x)),
    added=lambda x, p: x + _turned(x, p[:, None] * _speeds(x)),
)
wrongs(
    "4.6",
    says="Every pair keeps its length",
    double_place=lambda x, p: _turned(x, 2 * p[:, None] * _speeds(x)),
    swapped_speeds=lambda x, p: _turned(x, p[:, None] * _speeds(x).flip(0)),
)
wrongs(
    "4.6",
    says="The first pair is right",
    base_2e4=lambda x, p: _turned(x, p[:, None] * _speeds(x, base=2e4)),
)
wrongs("4.6", says="x came back unturned", same_x=lambda x, p: x.clone())
wrongs(
    "4.6",
    says=("Your positions are off by one", "Your frequencies fall half"),
    both=lambda x, p: _turned(x, (p + 1)[:, None] * _speeds(x, 0.5)),
)
wrongs(
    "4.6",
    says=ANY,
    listed=lambda x, p: _turned(x, p[:, None] * _speeds(x)).tolist(),
    batched=lambda x, p: _turned(x, p[:, None] * _speeds(x))[None],
    pair=lambda x, p: (x[:, 0::2], x[:, 1::2]),
    nothing=lambda x, p: None,
    no_column=lambda x, p: _turned(x, p * _speeds(x)),
)


@wrong("4.6", says="The second of a pair was computed from a first")
def overwritten(x: Tensor, positions: Tensor) -> Tensor:
    out, angles = x.clone(), positions[:, None] * _speeds(x)
    out[:, 0::2] = out[:, 0::2] * angles.cos() - out[:, 1::2] * angles.sin()
    out[:, 1::2] = out[:, 0::2] * angles.sin() + out[:, 1::2] * angles.cos()
    return out


# 4.7


def _parts(q, k, v):
    return torch.einsum("tm,tmd->td", q, (k[:, :, None] * v[:, None]).cumsum(0)), (
        q * k.cumsum(0)
    ).sum(-1, keepdim=True)


def _over(top_and_divisor, change=lambda top, divisor: top / divisor):
    return change(*top_and_divisor)


wrongs("4.7", says="The weights don't sum to 1", no_divisor=lambda *a: _parts(*a)[0])
wrongs(
    "4.7",
    says="You divided by the number of tokens so far",
    count=lambda q, k, v: _parts(q, k, v)[0] / torch.arange(1, len(v) + 1)[:, None],
)
wrongs("4.7", says="The divisor lost its axis", lost=lambda *a: _parts(*a)[0] / _parts(*a)[1][:, 0])
wrongs(
    "4.7",
    says="Each word gets its own value back",
    no_sums=lambda q, k, v: (
        torch.einsum("tm,tmd->td", q, k[:, :, None] * v[:, None]) / (q * k).sum(-1, keepdim=True)
    ),
    along_features=lambda q, k, v: (
        torch.einsum("tm,tmd->td", q, (k[:, :, None] * v[:, None]).cumsum(1))
        / (q * k.cumsum(1)).sum(-1, keepdim=True)
    ),
    values=lambda q, k, v: v + 0,
)
wrongs(
    "4.7",
    says="Only a token's own value stands above",
    above=lambda q, k, v: (
        torch.einsum("tm,tmd->td", q, k[:, :, None] * v[:, None]) / _parts(q, k, v)[1]
    ),
)
wrongs(
    "4.7",
    says="The running sum of the keys is missing",
    below=lambda q, k, v: _parts(q, k, v)[0] / (q * k).sum(-1, keepdim=True),
)
wrongs(
    "4.7",
    says="Every token sees the whole text",
    all=lambda q, k, v: q @ (k.T @ v) / (q @ k.sum(0))[:, None],
)
wrongs(
    "4.7",
    says="Queries and keys are swapped",
    swapped=lambda q, k, v: _parts(k, q, v)[0] / _parts(k, q, v)[1],
)
wrongs(
    "4.7",
    says="The query has no part in your divisor",
    no_query=lambda q, k, v: _parts(q, k, v)[0] / k.cumsum(0).sum(-1, keepdim=True),
)
wrongs(
    "4.7",
    says="Your numbers are right, but on the way",
    table=lambda q, k, v: (q @ k.T).tril() @ v / (q @ k.T).tril().sum(1, keepdim=True),
)
wrongs(
    "4.7",
    says="This is the softmax of the products",
    softmax=lambda q, k, v: (
        (q @ k.T).masked_fill(~torch.ones(len(v), len(v)).tril().bool(), -torch.inf).softmax(-1) @ v
    ),
)
wrongs(
    "4.7",
    says="A token doesn't see itself",
    behind=lambda q, k, v: (
        torch.einsum(
            "tm,tmd->td", q, (k[:, :, None] * v[:, None]).cumsum(0) - k[:, :, None] * v[:, None]
        )
        / (q * (k.cumsum(0) - k)).sum(-1, keepdim=True)
    ),
)
wrongs(
    "4.7",
    says="Each row is right but for a factor",
    doubled=lambda *a: 2 * _parts(*a)[0] / _parts(*a)[1],
    epsilon=lambda *a: _parts(*a)[0] / (_parts(*a)[1] + 1),
    root=lambda *a: _parts(*a)[0] / _parts(*a)[1] ** 0.5,
)
wrongs(
    "4.7",
    says=("An exponential was applied", "The weights don't sum to 1"),
    both=lambda q, k, v: _parts(q.exp(), k.exp(), v)[0],
)
wrongs(
    "4.7",
    says=ANY,
    means=lambda q, k, v: v.cumsum(0) / torch.arange(1, len(v) + 1)[:, None],
    pair=lambda *a: _parts(*a),
    turned=lambda q, k, v: _parts(q, k, v)[0].T,
    sums=lambda q, k, v: q @ (k.T @ v),
    nothing=lambda q, k, v: None,
)
