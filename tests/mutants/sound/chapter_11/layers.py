"""Sound answers of odd kinds to the exercises of chapter 11: what a layer computes."""

from __future__ import annotations

import functools
import math

import torch
from mutants.cases import sound, sounds
from torch import nn
from torch.nn import functional as F

sounds(
    "11.1",
    pow=lambda x, w, e: w * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + e),
    power=lambda x, w, e: x * (((x * x).sum(-1, keepdim=True) / x.shape[-1] + e) ** -0.5) * w,
    unsqueezed=lambda x, w, e: x / (x.square().mean(-1) + e).sqrt()[..., None] * w,
    double=lambda x, w, e: (x.double() / (x.double() ** 2).mean(-1, True).add(e).sqrt()) * w,
    dotted=lambda x, w, e: (
        x / torch.sqrt((x[..., None, :] @ x[..., :, None])[..., 0] / len(w) + e) * w
    ),
    diagonal=lambda x, w, e: (x / (x.square().mean(-1, keepdim=True) + e).sqrt()) @ torch.diag(w),
    variance=lambda x, w, e: (
        w * x / (x.var(-1, correction=0, keepdim=True) + x.mean(-1, keepdim=True) ** 2 + e).sqrt()
    ),
    hypot=lambda x, w, e: (
        w * x / torch.hypot(x.norm(dim=-1, keepdim=True) / len(w) ** 0.5, torch.tensor(e**0.5))
    ),
)


@sound("11.1")
def as_a_module(x, weight, eps):
    layer = nn.RMSNorm(x.shape[-1], eps=eps, dtype=x.dtype)
    return torch.func.functional_call(layer, {"weight": weight}, x)


@sound("11.1")
def row_by_row(x, weight, eps):
    rows = x.flatten(0, -2) if x.ndim > 1 else x[None]
    return torch.stack([r / (r @ r / len(r) + eps).sqrt() * weight for r in rows]).view_as(x)


sounds(
    "11.2",
    log_base=lambda x, p, b: spun(x, p[:, None] * torch.exp(-halves(x) * math.log(b))),
    ratio=lambda x, p, b: spun(x, torch.outer(p.float(), 1.0 / b ** halves(x))),
    einsum=lambda x, p, b: spun(x, torch.einsum("t,i->ti", p.float(), b ** -halves(x))),
    loops=lambda x, p, b: torch.stack(
        [spun(x[:, h], p[:, None] * b ** -halves(x)) for h in range(x.shape[1])], 1
    ),
    double=lambda x, p, b: spun(x.double(), p[:, None].double() * b ** -halves(x).double()),
    swapped_axes=lambda x, p, b: spun(
        x.transpose(1, 2), (p[:, None] * b ** -halves(x))[:, None]
    ).transpose(1, 2),
    flat=lambda x, p, b: spun(x.flatten(0, 1), p[:, None] * b ** -halves(x)).view(x.shape),
)


def halves(x):
    return torch.arange(0, x.shape[-1], 2) / x.shape[-1]


def spun(x, angles):
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([a * cos - b * sin, b * cos + a * sin], dim=-1).reshape(x.shape)


@sound("11.2")
def polar(x, positions, base):
    turn = torch.polar(torch.ones(1), positions[:, None] * base ** -halves(x))
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turn).flatten(3)


@sound("11.2")
def all_by_matrices(x, positions, base):
    angles = positions[:, None] * base ** -halves(x)
    rows = [
        torch.stack(row, -1)
        for row in ((angles.cos(), -angles.sin()), (angles.sin(), angles.cos()))
    ]
    pairs = x.unflatten(-1, (-1, 2))
    return torch.einsum("tpij,bhtpj->bhtpi", torch.stack(rows, -2), pairs).flatten(-2)


@sound("11.2")
def column_by_column(x, positions, base):
    out = torch.empty_like(x)
    for i in range(0, x.shape[-1], 2):
        angle = positions / base ** (i / x.shape[-1])
        out[..., i] = x[..., i] * angle.cos() - x[..., i + 1] * angle.sin()
        out[..., i + 1] = x[..., i + 1] * angle.cos() + x[..., i] * angle.sin()
    return out


@sound("11.2")
def through_halves(x, positions, base):
    """Sorted into halves, turned as Hugging Face does, and sorted back."""
    x = torch.cat([x[..., ::2], x[..., 1::2]], dim=-1)
    angles = torch.cat([positions[:, None] * base ** -halves(x)] * 2, dim=-1)
    first, second = x.chunk(2, dim=-1)
    x = x * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()
    return torch.stack(x.chunk(2, dim=-1), dim=-1).flatten(-2)


sounds(
    "11.3",
    sigmoid=lambda x, g, u, d: ((x @ g.T) * torch.sigmoid(x @ g.T) * (x @ u.T)) @ d.T,
    linear=lambda x, g, u, d: F.linear(F.silu(F.linear(x, g)) * F.linear(x, u), d),
    tanh=lambda x, g, u, d: F.linear((h := x @ g.T) * (1 + torch.tanh(h / 2)) / 2 * (x @ u.T), d),
    turned=lambda x, g, u, d: (d @ (F.silu(g @ x.mT) * (u @ x.mT))).mT,
    doubles=lambda *a: one(*(each.double() for each in a)),
    stacked=lambda x, g, u, d: (
        lambda both: (F.silu(both[..., : len(g)]) * both[..., len(g) :]) @ d.T
    )(x @ torch.cat([g, u]).T),
    up_first=lambda x, g, u, d: ((x @ u.T) * F.silu(x @ g.T)).matmul(d.mT),
    neuron=lambda x, g, u, d: sum(
        (F.silu(x @ g[i]) * (x @ u[i]))[..., None] * d[:, i] for i in range(len(g))
    ),
)


def one(x, g, u, d):
    return (F.silu(x @ g.T) * (x @ u.T)) @ d.T


@sound("11.3")
def module(x, w_gate, w_up, w_down):
    def layer(weight):
        made = nn.Linear(*weight.shape[::-1], bias=False)
        return functools.partial(torch.func.functional_call, made, {"weight": weight})

    gate, up, down = map(layer, (w_gate, w_up, w_down))
    return down(F.silu(gate(x)) * up(x))


def seen(q, k):
    return torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])


def attend(q, k, v):
    scores = (q @ k.mT) * q.shape[-1] ** -0.5
    return scores.masked_fill(~seen(q, k), -torch.inf).softmax(-1) @ v


sounds(
    "11.4",
    interleaved=lambda q, k, v: attend(
        q,
        torch.repeat_interleave(k, q.shape[1] // k.shape[1], dim=1),
        torch.repeat_interleave(v, q.shape[1] // v.shape[1], dim=1),
    ),
    indexed=lambda q, k, v: (lambda heads: attend(q, k[:, heads], v[:, heads]))(
        torch.arange(q.shape[1]) // (q.shape[1] // k.shape[1])
    ),
    gqa=lambda q, k, v: F.scaled_dot_product_attention(q, k, v, seen(q, k), enable_gqa=True),
    added=lambda q, k, v: F.scaled_dot_product_attention(
        q,
        k,
        v,
        torch.zeros(seen(q, k).shape, dtype=q.dtype).masked_fill(~seen(q, k), -torch.inf),
        enable_gqa=True,
    ),
    group_by_group=lambda q, k, v: torch.cat(
        [
            attend(group, k[:, i : i + 1], v[:, i : i + 1])
            for i, group in enumerate(q.chunk(k.shape[1], dim=1))
        ],
        dim=1,
    ),
    double=lambda q, k, v: F.scaled_dot_product_attention(
        q.double(), k.double(), v.double(), seen(q, k), enable_gqa=True
    ),
    broadcast=lambda q, k, v: attend_groups(q.unflatten(1, (k.shape[1], -1)), k, v),
    text_by_text=lambda q, k, v: torch.stack(
        [attend_groups(q[b].unflatten(0, (k.shape[1], -1)), k[b], v[b], 0) for b in range(len(q))]
    ),
)


def attend_groups(q, k, v, axis=1):
    k, v = k.unsqueeze(axis + 1), v.unsqueeze(axis + 1)
    hidden = ~torch.ones(q.shape[-2], k.shape[-2]).tril(k.shape[-2] - q.shape[-2]).bool()
    scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(hidden, -1e9)
    return (scores.softmax(-1) @ v).flatten(axis, axis + 1)


@sound("11.4")
def by_exp(q, k, v):
    n = q.shape[1] // k.shape[1]
    k, v = (
        x[:, :, None].expand(-1, -1, n, -1, -1).reshape(len(q), -1, *x.shape[2:]) for x in (k, v)
    )
    weights = torch.exp(q @ k.transpose(2, 3) / math.sqrt(q.shape[3])) * seen(q, k)
    return weights / weights.sum(-1, keepdim=True) @ v
