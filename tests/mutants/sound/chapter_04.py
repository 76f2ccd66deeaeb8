"""Sound answers of odd kinds to the exercises of chapter 04."""

from __future__ import annotations

import math

import numpy as np
import torch
from mutants.cases import course, sound, sounds

sounds(
    "4.2",
    lower=lambda n: torch.ones(n, n, dtype=torch.bool).tril(),
    other_name=lambda length: torch.arange(length)[:, None] >= torch.arange(length),
)


@sound("4.2")
def cell_by_cell(n):
    return torch.tensor([[column <= row for column in range(n)] for row in range(n)]).view(n, n)


# 4.1

sounds(
    "4.1",
    a_list=lambda *a: [*course("4.1")(*a)],
    numpy=lambda *a: tuple(each.numpy() for each in course("4.1")(*a)),
    float64=lambda x, q, k, v, m: course("4.1")(x.double(), q.double(), k.double(), v.double(), m),
    bert=lambda *a: _steps(*a, hide=lambda s: s + (1 - a[4].float()) * -10_000.0),
    billion=lambda *a: _steps(*a, hide=lambda s: torch.where(a[4], s, -1e9)),
    least=lambda *a: _steps(*a, hide=lambda s: s.masked_fill(~a[4], torch.finfo(s.dtype).min)),
    other_names=lambda a, b, c, d, e: course("4.1")(a, b, c, d, e),
    einsum=lambda *a: _steps(*a, product=lambda q, k: torch.einsum("ic,jc->ij", q, k)),
)


def _steps(x, w_q, w_k, w_v, mask, hide=None, product=lambda q, k: q @ k.T):
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    scores = product(q, k) / k.shape[1] ** 0.5
    masked = hide(scores) if hide else scores.masked_fill(mask.logical_not(), -torch.inf)
    weights = torch.softmax(masked, 1)
    return q, k, v, scores, masked, weights, weights.matmul(v)


sounds(
    "4.2",
    numpy=lambda n: np.tril(np.ones((n, n), dtype=bool)),
    not_upper=lambda n: ~torch.ones(n, n, dtype=torch.bool).triu(1),
    greater=lambda n: torch.ge(torch.arange(n)[:, None], torch.arange(n)[None]),
    cumulated=lambda n: torch.eye(n).cumsum(0) > 0,
    equal_ones=lambda n: torch.tril(torch.ones(n, n)) == 1,
)
sounds(
    "4.3",
    numpy=lambda n, t: (np.arange(t) < n.numpy()[:, None])[:, None, None],
    unsqueezed=lambda n, t: (torch.arange(t) < n[:, None]).unsqueeze(1).unsqueeze(1),
    viewed=lambda n, t: (torch.arange(t)[None] < n[:, None]).view(len(n), 1, 1, t),
    greater=lambda n, t: n[:, None, None, None] > torch.arange(t),
    listed=lambda n, t: torch.tensor([[[[j < m for j in range(t)]]] for m in n.tolist()]),
    cumulated=lambda n, t: torch.ones(len(n), t).cumsum(1).le(n[:, None])[:, None, None],
    other_names=lambda sizes, width: course("4.3")(sizes, width),
    equal_ones=lambda n, t: (torch.arange(t) < n[:, None]).int()[:, None, None] == 1,
)
sounds(
    "4.4",
    a_list=lambda x, n, w: [*course("4.4")(x, n, w)],
    numpy=lambda x, n, w: tuple(each.numpy() for each in course("4.4")(x, n, w)),
    permuted=lambda x, n, w: (
        x.reshape(*x.shape[:2], n, -1).permute(0, 2, 1, 3),
        w(x.reshape(*x.shape[:2], n, -1).permute(0, 2, 1, 3)).permute(0, 2, 1, 3).reshape(x.shape),
    ),
    contiguous=lambda x, n, w: (
        x.view(*x.shape[:2], n, -1).transpose(1, 2),
        w(x.view(*x.shape[:2], n, -1).transpose(1, 2)).transpose(1, 2).contiguous().view(x.shape),
    ),
    split=lambda x, n, w: (
        torch.stack(x.split(x.shape[-1] // n, -1), 1),
        torch.cat([*w(torch.stack(x.split(x.shape[-1] // n, -1), 1)).unbind(1)], -1),
    ),
    float64=lambda x, n, w: course("4.4")(x.double(), n, w),
    other_names=lambda a, b, c: course("4.4")(a, b, c),
    swapaxes=lambda x, n, w: (
        x.unflatten(2, (n, -1)).swapaxes(1, 2),
        w(x.unflatten(2, (n, -1)).swapaxes(1, 2)).swapaxes(1, 2).flatten(2),
    ),
)
sounds(
    "4.5",
    a_list=lambda *a: [*course("4.5")(*a)],
    numpy=lambda *a: tuple(each.numpy() for each in course("4.5")(*a)),
    float64=lambda *a: course("4.5")(*(each.double() for each in a[:5]), *a[5:]),
    three_matrices=lambda *a: _layer(*a),
    linear=lambda x, w, b, o, c, n, m: _layer(
        x, w, b, o, c, n, m, project=torch.nn.functional.linear
    ),
    billion=lambda *a: _layer(*a, low=-1e9),
    other_names=lambda a, b, c, d, e, f, g: course("4.5")(a, b, c, d, e, f, g),
    scaled_query=lambda *a: _layer(*a, early=True),
)


def _layer(x, w, b, o, c, n, mask, *, low=-torch.inf, early=False, project=None):
    parts = zip(w.chunk(3, 1), b.chunk(3), strict=True)
    q, k, v = ((x @ m + s).unflatten(-1, (n, -1)).transpose(1, 2) for m, s in parts)
    root = q.shape[-1] ** 0.5
    scores = (q / root) @ k.mT if early else q @ k.mT / root
    weights = scores.masked_fill(~mask, low).softmax(-1)
    merged = (weights @ v).transpose(1, 2).flatten(2)
    return project(merged, o.T, c) if project else merged @ o + c, weights


sounds(
    "4.6",
    numpy=lambda x, p: course("4.6")(x, p).numpy(),
    float64=lambda x, p: course("4.6")(x.double(), p),
    complex=lambda x, p: torch.view_as_real(
        torch.view_as_complex(x.unflatten(1, (-1, 2)).contiguous())
        * torch.exp(1j * p[:, None] * 10_000.0 ** (-torch.arange(0, x.shape[1], 2) / x.shape[1]))
    ).flatten(1),
    by_exp=lambda x, p: _rotated(
        x, p, torch.exp(-math.log(10_000) * torch.arange(0, x.shape[1], 2) / x.shape[1])
    ),
    one_over=lambda x, p: _rotated(
        x, p, 1 / 10_000 ** (torch.arange(x.shape[1] // 2) * 2 / x.shape[1])
    ),
    other_names=lambda rows, places: course("4.6")(rows, places),
    rotated_half=lambda x, p: _by_rotated_half(x, p),
    filled=lambda x, p: _filled(x, p),
)


def _rotated(x, p, speeds):
    angles = torch.outer(p.float(), speeds)
    a, b = x[:, ::2], x[:, 1::2]
    pairs = (a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos())
    return torch.stack(pairs, 2).reshape(x.shape)


def _by_rotated_half(x, p):
    speeds = 10_000.0 ** (-torch.arange(0, x.shape[1], 2) / x.shape[1])
    angles = (p[:, None] * speeds).repeat_interleave(2, 1)
    turned = torch.stack([-x[:, 1::2], x[:, 0::2]], -1).flatten(1)
    return x * angles.cos() + turned * angles.sin()


def _filled(x, p):
    out = torch.empty_like(x)
    for i in range(0, x.shape[1], 2):
        angle = p * 10_000.0 ** (-i / x.shape[1])
        out[:, i] = x[:, i] * angle.cos() - x[:, i + 1] * angle.sin()
        out[:, i + 1] = x[:, i] * angle.sin() + x[:, i + 1] * angle.cos()
    return out


def _sums(q, k, v):
    return torch.einsum("tm,td->tmd", k, v).cumsum(0), k.cumsum(0)


sounds(
    "4.7",
    float64=lambda q, k, v: course("4.7")(q.double(), k.double(), v.double()),
    numpy=lambda q, k, v: course("4.7")(q, k, v).numpy(),
    batched_products=lambda q, k, v: (
        (q[:, None] @ _sums(q, k, v)[0])[:, 0] / (q * _sums(q, k, v)[1]).sum(1, keepdim=True)
    ),
    joined=lambda q, k, v: _joined(q, k, v),
    einsum=lambda q, k, v: (
        torch.einsum("tm,tmd->td", q, _sums(q, k, v)[0])
        / torch.einsum("tm,tm->t", q, _sums(q, k, v)[1])[:, None]
    ),
    other_names=lambda ask, offer, say: course("4.7")(ask, offer, say),
    a_loop=lambda q, k, v: _running(q, k, v),
    halves=lambda q, k, v: torch.cat(
        [course("4.7")(q, k, v[:, :1]), *([course("4.7")(q, k, v[:, 1:])] * (v.shape[1] > 1))], 1
    ),
)


def _joined(q, k, v):
    """The divisor as one more column of the values, all ones."""
    with_ones = torch.cat([v, torch.ones(len(v), 1)], 1)
    found = (q[:, :, None] * (k[:, :, None] * with_ones[:, None]).cumsum(0)).sum(1)
    return found[:, :-1] / found[:, -1:]


def _running(q, k, v):
    out, state, total = torch.empty_like(v), 0, 0
    for t in range(len(v)):
        state, total = state + k[t][:, None] * v[t], total + k[t]
        out[t] = q[t] @ state / (q[t] @ total)
    return out


sounds(
    "4.8",
    a_list=lambda *a: [*course("4.8")(*a)],
    softmax=lambda x, w, o, n: _cured(x, w, o, n, lambda s: s.softmax(-1)),
    logsumexp=lambda x, w, o, n: _cured(
        x, w, o, n, lambda s: (s - s.logsumexp(-1, keepdim=True)).exp()
    ),
    turned=lambda x, w, o, n: _cured(x, w, o, n, lambda s: s.mT.softmax(-2).mT),
    float64=lambda x, w, o, n: course("4.8")(x.double(), w.double(), o.double(), n),
    numpy=lambda *a: tuple(each.numpy() for each in course("4.8")(*a)),
    other_names=lambda a, b, c, d: course("4.8")(a, b, c, d),
    row_sums=lambda x, w, o, n: _cured(
        x, w, o, n, lambda s: s.softmax(-1) / s.softmax(-1).sum(-1)[..., None]
    ),
)


def _cured(x, w, o, n, weigh):
    q, k, v = (t.unflatten(-1, (n, -1)).transpose(1, 2) for t in (x @ w).chunk(3, -1))
    future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    weights = weigh((q @ k.mT / q.shape[-1] ** 0.5).masked_fill(future, -torch.inf))
    return (weights @ v).transpose(1, 2).flatten(2) @ o, weights
