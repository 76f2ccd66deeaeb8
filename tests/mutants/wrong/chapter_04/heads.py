"""Wrong answers to exercises 4.4, 4.5 and 4.8, as learners write them."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrong, wrongs

# 4.4


def _cut(x, n):
    return x.view(*x.shape[:2], n, x.shape[2] // n).transpose(1, 2)


def _join(heads):
    return heads.transpose(1, 2).flatten(-2)


wrongs(
    "4.4",
    says="You added x to what was merged",
    residual=lambda x, n, w: (_cut(x, n), x + _join(w(_cut(x, n)))),
)
wrongs(
    "4.4",
    says="You split with `view` and merged with `view`",
    view_view=lambda x, n, w: (
        x.reshape(x.shape[0], n, x.shape[1], -1),
        w(x.reshape(x.shape[0], n, x.shape[1], -1)).reshape(x.shape),
    ),
)
wrongs(
    "4.4",
    says="Your heads have the right shape",
    view_in=lambda x, n, w: (
        x.reshape(x.shape[0], n, x.shape[1], -1),
        _join(w(x.reshape(x.shape[0], n, x.shape[1], -1))),
    ),
)
wrongs(
    "4.4",
    says="The heads were merged in the wrong order",
    view_out=lambda x, n, w: (
        _cut(x, n),
        w(_cut(x, n)).reshape(x.shape),
    ),
)
wrongs(
    "4.4",
    says="`view` refuses",
    refused=lambda x, n, w: (
        _cut(x, n),
        w(_cut(x, n)).transpose(1, 2).view(x.shape),
    ),
)
wrongs(
    "4.4",
    says="Your `heads` have been worked on",
    worked=lambda x, n, w: (
        w(_cut(x, n)),
        _join(w(_cut(x, n))),
    ),
)
wrongs("4.4", says="The work was left out", no_work=lambda x, n, w: (_cut(x, n), _join(_cut(x, n))))
wrongs(
    "4.4",
    says="The heads are right, and the work was done twice",
    twice=lambda x, n, w: (
        _cut(x, n),
        _join(w(w(_cut(x, n)))),
    ),
)
wrongs(
    "4.4",
    says="The heads were not brought forward",
    no_turn=lambda x, n, w: (
        x.unflatten(-1, (n, -1)),
        _join(w(x.unflatten(-1, (n, -1)))),
    ),
)
wrongs(
    "4.4",
    says="You returned `merged` first",
    swapped=lambda x, n, w: (
        _join(w(_cut(x, n))),
        _cut(x, n),
    ),
)
wrongs("4.4", says="You returned only what was merged", merged=lambda x, n, w: _join(w(_cut(x, n))))
wrongs(
    "4.4",
    says="The heads are right; `merged` is not",
    doubled=lambda x, n, w: (
        _cut(x, n),
        2 * _join(w(_cut(x, n))),
    ),
    one_head=lambda x, n, w: (_cut(x, n), _join(w(_cut(x, n)).flip(1))),
)
wrongs(
    "4.4",
    says="The heads were averaged",
    mean=lambda x, n, w: (
        _cut(x, n),
        w(_cut(x, n)).mean(1),
    ),
)
wrongs(
    "4.4",
    says="`merged` is right, and `heads` are not",
    scaled=lambda x, n, w: (
        2 * _cut(x, n),
        _join(w(_cut(x, n))),
    ),
)
wrongs(
    "4.4",
    says=ANY,
    dealt=lambda x, n, w: (
        x.unflatten(-1, (-1, n)).permute(0, 3, 1, 2),
        w(x.unflatten(-1, (-1, n)).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).flatten(-2),
    ),
    tokens_first=lambda x, n, w: (x.transpose(0, 1), x),
    stacked=lambda x, n, w: (torch.stack(x.chunk(n, 1), 1), x),
    no_n=lambda x, n, w: (_cut(x, 2), _join(w(_cut(x, 2)))),
    chunked=lambda x, n, w: (x.chunk(n, -1), w(x)),
    last_turned=lambda x, n, w: (_cut(x, n).mT, _join(w(_cut(x, n)))),
)


# 4.5


def _layer(x, w, b, o, c, n, mask, *, scale=None, hide=None, weigh=None, join=_join, last=None):
    q, k, v = (_cut(t, n) for t in (x @ w + b).chunk(3, -1))
    scores = q @ k.mT / (scale or q.shape[-1] ** 0.5)
    scores = (hide or (lambda s: s.masked_fill(~mask, -torch.inf)))(scores)
    weights = (weigh or (lambda s: s.softmax(-1)))(scores)
    found = join(weights @ v)
    return (last or (lambda f: f @ o + c))(found), weights


def _causal(length):
    return torch.ones(length, length, dtype=torch.bool).tril()


def _bare(x, w, b, o, c, n, mask):
    return _layer(x, w, 0 * b, o, c, n, mask, last=lambda f: f @ o)


wrongs("4.5", says="The last projection is missing", no_out=lambda *a: _layer(*a, last=lambda f: f))
wrongs("4.5", says="w_out was dropped", only_bias=lambda *a: _layer(*a, last=lambda f: f + a[4]))
wrongs(
    "4.5",
    says="You multiplied by w_out.T",
    turned=lambda *a: _layer(*a, last=lambda f: f @ a[3].T + a[4]),
)
wrongs(
    "4.5", says="You added x", residual=lambda *a: _layer(*a, last=lambda f: a[0] + f @ a[3] + a[4])
)
wrongs("4.5", says="You scaled by √C", root_c=lambda *a: _layer(*a, scale=a[0].shape[-1] ** 0.5))
wrongs(
    "4.5", says="You scaled twice", twice=lambda *a: _layer(*a, scale=float(a[0].shape[-1] // a[5]))
)
wrongs("4.5", says="The mask was left out", no_mask=lambda *a: _layer(*a, hide=lambda s: s))
wrongs(
    "4.5",
    says="You hide with a causal mask of your own",
    causal_own=lambda *a: _layer(*a[:6], _causal(a[0].shape[1])),
)
wrongs(
    "4.5",
    says="A weight is 0 where the mask allows a look",
    causal_too=lambda *a: _layer(*a[:6], a[6] & _causal(a[0].shape[1])),
)
wrongs(
    "4.5",
    says="The mask is the wrong way round",
    inverted=lambda *a: _layer(*a[:6], ~a[6], weigh=lambda s: s.softmax(-1).nan_to_num()),
)
wrongs(
    "4.5",
    says=("The mask of the first text", "A weight stands"),
    first_mask=lambda *a: _layer(*a[:6], a[6] if a[6].ndim < 4 else a[6][:1]),
)
wrongs("4.5", says="Both biases were dropped", bare=_bare)
wrongs(
    "4.5",
    says=("The bias b_qkv was dropped", "You scaled by √C"),
    two=lambda x, w, b, *a: _layer(x, w, 0 * b, *a, scale=x.shape[-1] ** 0.5),
)
wrongs(
    "4.5",
    says="The heads were merged in the wrong order",
    merged=lambda *a: _layer(*a, join=lambda h: h.reshape(a[0].shape)),
)
wrongs("4.5", says="There is one head", one=lambda x, w, b, o, c, n, m: _layer(x, w, b, o, c, 1, m))
wrongs(
    "4.5",
    says="The weights are right, and the output is not",
    doubled=lambda *a: (
        2 * _layer(*a)[0],
        _layer(*a)[1],
    ),
    scaled=lambda *a: _layer(*a, last=lambda f: 2 * f @ a[3] + a[4]),
)
wrongs(
    "4.5",
    says="A row of weights must sum to 1",
    squares=lambda *a: _layer(*a, weigh=lambda s: s.softmax(-1) ** 2),
)
wrongs("4.5", says="The weights depart first", colder=lambda *a: _layer(*a, scale=0.5))
wrongs(
    "4.5",
    says=ANY,
    swapped=lambda *a: _layer(*a)[::-1],
    by_torch_mean=lambda *a: (_layer(*a)[0], _layer(*a)[1].mean(1)),
    kqv=lambda x, w, *a: _layer(x, torch.cat([*w.chunk(3, 1)][::-1], 1), *a),
    only=lambda *a: _layer(*a)[0],
    after=lambda *a: _layer(*a, hide=lambda s: s, weigh=lambda s: s.softmax(-1) * a[6]),
    over_heads=lambda *a: _layer(*a, weigh=lambda s: s.softmax(1)),
    view=lambda *a: _layer(*a, join=lambda h: h.transpose(1, 2).view(a[0].shape)),
)


# 4.8


def _leaky(x, w, o, n, *, divide=None, hide=None, scale=None):
    q, k, v = (_cut(t, n) for t in (x @ w).chunk(3, -1))
    scores = q @ k.mT / (scale or q.shape[-1] ** 0.5)
    future = torch.ones(x.shape[1], x.shape[1]).triu(1).bool()
    scores = (hide or (lambda s: s.masked_fill(future, -torch.inf)))(scores)
    kernel = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = (divide or (lambda e: e / e.sum(-2, keepdim=True)))(kernel)
    return _join(weights @ v) @ o, weights


def _rowwise(kernel):
    return kernel / kernel.sum(-1, keepdim=True)


wrongs("4.8", says="The bug is still there", as_it_was=_leaky)
wrongs(
    "4.8",
    says="You divided the rows after the columns",
    again=lambda *a: _leaky(*a, divide=lambda e: _rowwise(e / e.sum(-2, keepdim=True))),
)
wrongs(
    "4.8",
    says="You took a softmax of what is exponentiated",
    twice=lambda *a: _leaky(*a, divide=lambda e: e.softmax(-1)),
)
wrongs(
    "4.8",
    says="You divide by the sum over the heads",
    heads=lambda *a: _leaky(*a, divide=lambda e: e / e.sum(1, keepdim=True)),
)
wrongs(
    "4.8",
    says="You divide by the sum of everything",
    everything=lambda *a: _leaky(*a, divide=lambda e: e / e.sum()),
)
wrongs("4.8", says="Nothing is divided any more", nothing=lambda *a: _leaky(*a, divide=lambda e: e))
wrongs(
    "4.8",
    says="The row's sum has lost its axis",
    lost=lambda *a: _leaky(*a, divide=lambda e: e / e.sum(-1)[:, :, None]),
)
wrongs(
    "4.8",
    says="The scale was right before",
    scale=lambda x, *a: _leaky(x, *a, divide=_rowwise, scale=x.shape[-1] ** 0.5),
)
wrongs(
    "4.8",
    says="The mask was right before, and now it is gone",
    no_mask=lambda *a: _leaky(*a, divide=_rowwise, hide=lambda s: s),
)
wrongs(
    "4.8",
    says=("The bug is still there", "The mask"),
    worse=lambda *a: _leaky(*a, hide=lambda s: s),
)
wrongs(
    "4.8",
    says="A row of weights is shared out",
    half=lambda *a: _leaky(*a, divide=lambda e: _rowwise(e) / 2),
    tril=lambda *a: _leaky(*a, divide=lambda e: (e / e.sum(-2, keepdim=True)).tril() * 0.9),
)
wrongs(
    "4.8",
    says="The weights are cured",
    doubled=lambda *a: (
        2 * _leaky(*a, divide=_rowwise)[0],
        _leaky(*a, divide=_rowwise)[1],
    ),
    no_out=lambda x, w, o, n: (
        _leaky(x, w, torch.eye(len(o)), n, divide=_rowwise)[0],
        _leaky(x, w, o, n, divide=_rowwise)[1],
    ),
)
wrongs(
    "4.8",
    says="No weight looks ahead",
    colder=lambda *a: _leaky(*a, divide=lambda e: _rowwise(e**2)),
)
wrongs(
    "4.8",
    says=ANY,
    swapped=lambda *a: _leaky(*a, divide=_rowwise)[::-1],
    only=lambda *a: _leaky(*a, divide=_rowwise)[0],
    shut=lambda *a: _leaky(*a, divide=lambda e: torch.zeros_like(e)),
    none=lambda *a: None,
    detached=lambda *a: (_leaky(*a)[0] * 0, _leaky(*a)[1]),
    columns_both=lambda *a: _leaky(*a, divide=lambda e: e / e.sum((-2, -1), keepdim=True)),
)


@wrong("4.8", "The weights lie on their side")
def columns_turned(x, w_qkv, w_out, n_heads):
    q, k, v = (
        part.unflatten(-1, (n_heads, -1)).transpose(1, 2) for part in (x @ w_qkv).chunk(3, dim=-1)
    )
    scores = q @ k.mT / k.shape[-1] ** 0.5
    scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), -torch.inf)
    kernel = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = (kernel / kernel.sum(-2, keepdim=True)).mT
    return (weights @ v).transpose(1, 2).flatten(2) @ w_out, weights
