"""Wrong answers to the exercises of chapter 04."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrong, wrongs
from torch import Tensor

wrongs(
    "4.2",
    says="Your mask lets a token see its future",
    upper=lambda n: torch.ones(n, n).triu().bool(),
    turned=lambda n: torch.arange(n)[:, None] <= torch.arange(n),
)
wrongs("4.2", says="A token sees only itself", only_itself=lambda n: torch.eye(n, dtype=torch.bool))


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


# 4.1


def _steps(x, w_q, w_k, w_v, mask, *, scale=None, hide=None, weigh=None, product=None):
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    scores = (product or (lambda q, k: q @ k.T))(q, k) / (scale or q.shape[-1] ** 0.5)
    masked = (hide or (lambda s: s.masked_fill(~mask, -torch.inf)))(scores)
    weights = (weigh or (lambda m: m.softmax(-1)))(masked)
    return q, k, v, scores, masked, weights, weights @ v


wrongs("4.1", says="The scale is missing", no_scale=lambda *a: _steps(*a, scale=1.0))
wrongs(
    "4.1",
    says="You scaled by the width of x",
    by_x=lambda *a: _steps(*a, scale=a[0].shape[-1] ** 0.5),
)
wrongs(
    "4.1",
    says="q, k and v are right. Your scores are",
    by_eight=lambda *a: _steps(*a, scale=8.0),
    by_d_squared=lambda *a: _steps(*a, scale=float(a[1].shape[-1] ** 2)),
)
wrongs(
    "4.1",
    says="q, k and v are right, and `scores` are not",
    cosines=lambda *a: _steps(
        *a, product=lambda q, k: torch.cosine_similarity(q[:, None], k[None], dim=-1)
    ),
    distances=lambda *a: _steps(*a, product=lambda q, k: -torch.cdist(q, k)),
)
wrongs(
    "4.1",
    says="A forbidden score became a small number",
    a_thousand=lambda *a: _steps(*a, hide=lambda s: s.masked_fill(~a[4], -1e3)),
    a_hundred=lambda *a: _steps(*a, hide=lambda s: s.masked_fill(~a[4], -100.0)),
    two_hundred=lambda *a: _steps(*a, hide=lambda s: s + (1 - a[4].float()) * -200),
)
wrongs(
    "4.1",
    says="A forbidden score became +inf",
    minus_forgotten=lambda *a: _steps(*a, hide=lambda s: s.masked_fill(~a[4], torch.inf)),
)
wrongs(
    "4.1",
    says="∞ · 0 is NaN",
    times_inf=lambda *a: _steps(*a, hide=lambda s: s + (~a[4]) * -torch.inf),
)
wrongs(
    "4.1",
    says="Your exponentials overflow",
    by_hand=lambda *a: _steps(*a, weigh=lambda m: m.exp() / m.exp().sum(-1, keepdim=True)),
)
wrongs(
    "4.1",
    says="`masked` is right",
    squared=lambda *a: _steps(*a, weigh=lambda m: m.softmax(-1) ** 2),
    colder=lambda *a: _steps(*a, weigh=lambda m: (2 * m).softmax(-1)),
)
wrongs(
    "4.1",
    says="`weights` are right, and `out` is not",
    doubled=lambda *a: (*_steps(*a)[:6], 2 * _steps(*a)[6]),
    residual=lambda *a: (*_steps(*a)[:6], _steps(*a)[6] + _steps(*a)[2]),
)
wrongs(
    "4.1",
    says="`masked` is missing",
    six=lambda *a: (*_steps(*a)[:4], *_steps(*a)[5:]),
)
wrongs("4.1", says="Only `out` came back", only_out=lambda *a: _steps(*a)[-1])
wrongs(
    "4.1",
    says=("Queries and keys are swapped", "The scale is missing"),
    swapped_unscaled=lambda x, w_q, w_k, w_v, m: _steps(x, w_k, w_q, w_v, m, scale=1.0),
)
wrongs(
    "4.1",
    says="The mask is transposed",
    mask_turned=lambda x, q, k, v, m: (
        *_steps(x, q, k, v, m)[:4],
        *_steps(x, q, k, v, m.T)[4:],
    ),
)
wrongs(
    "4.1",
    says=ANY,
    turned_products=lambda x, q, k, v, m: _steps(x, q.T, k.T, v.T, m),
    mask_softmax=lambda *a: _steps(*a, weigh=lambda m: a[4].softmax(-1)),
    list_of_two=lambda *a: [_steps(*a)[-1], _steps(*a)[-2]],
    nothing=lambda *a: None,
    out_first=lambda *a: _steps(*a)[::-1],
)

# 4.2, 4.3

wrongs(
    "4.2",
    says="These are numbers to add to the scores",
    additive=lambda n: torch.full((n, n), -torch.inf).triu(1),
)
wrongs(
    "4.2",
    says="These are ones and zeros",
    floats=lambda n: torch.ones(n, n).tril(),
    integers=lambda n: torch.ones(n, n, dtype=torch.long).tril(),
)
wrongs(
    "4.2",
    says="A token may look at itself",
    strict=lambda n: torch.arange(n)[:, None] > torch.arange(n),
)
wrongs(
    "4.2",
    says="Your mask is the wrong way round",
    inverted=lambda n: torch.arange(n)[:, None] < torch.arange(n),
)
wrongs(
    "4.2",
    says="One step of future leaks",
    one_more=lambda n: torch.arange(n)[:, None] + 1 >= torch.arange(n),
)
wrongs("4.2", says="Everybody may look", all_true=lambda n: torch.ones(n, n, dtype=torch.bool))
wrongs("4.2", says="Nobody may look", none=lambda n: torch.zeros(n, n, dtype=torch.bool))
wrongs(
    "4.2",
    says="The mask has one row and one column too many",
    larger=lambda n: torch.ones(n + 1, n + 1).tril().bool(),
)
wrongs(
    "4.2",
    says=("Your mask lets a token see", "These are"),
    upper_floats=lambda n: torch.ones(n, n).triu(),
)
wrongs(
    "4.2",
    says=ANY,
    row=lambda n: torch.arange(n) <= n,
    lists=lambda n: [[j <= i for j in range(n)] for i in range(n)],
    column=lambda n: (torch.arange(n) <= n)[:, None],
    batch=lambda n: torch.ones(1, n, n).tril().bool(),
    fixed=lambda n: torch.ones(3, 3).tril().bool(),
    junk=lambda n: torch.empty(n, n).tril().bool(),
    caret=lambda n: torch.ones(n, n) ^ torch.ones(n, n),
    scores=lambda n: torch.zeros(n, n).masked_fill(torch.ones(n, n).triu(1).bool(), -1e9),
)

wrongs(
    "4.3",
    says="One token of filling counts",
    at_most=lambda n, t: (torch.arange(t) <= n[:, None])[:, None, None],
)
wrongs(
    "4.3",
    says="The last word of each text is hidden",
    from_one=lambda n, t: (torch.arange(1, t + 1) < n[:, None])[:, None, None],
)
wrongs(
    "4.3",
    says="Your mask is the wrong way round",
    torch_way=lambda n, t: (torch.arange(t) >= n[:, None])[:, None, None],
)
wrongs(
    "4.3",
    says="You hid the queries",
    rows=lambda n, t: (torch.arange(t) < n[:, None])[:, None, :, None],
)
wrongs("4.3", says="Two axes are missing", flat=lambda n, t: torch.arange(t) < n[:, None])
wrongs(
    "4.3", says="One axis is missing", three=lambda n, t: (torch.arange(t) < n[:, None])[:, None]
)
wrongs(
    "4.3",
    says="The new axes stand in front",
    front=lambda n, t: (torch.arange(t) < n[:, None])[None, None],
)
wrongs(
    "4.3",
    says="T is n_tokens",
    longest=lambda n, t: (torch.arange(int(n.max())) < n[:, None])[:, None, None],
)
wrongs(
    "4.3",
    says="These are ones and zeros",
    ones=lambda n, t: (torch.arange(t) < n[:, None])[:, None, None].float(),
)
wrongs(
    "4.3",
    says="These are numbers to add",
    additive=lambda n, t: torch.zeros(len(n), 1, 1, t).masked_fill(
        ~(torch.arange(t) < n[:, None])[:, None, None], -torch.inf
    ),
)
wrongs(
    "4.3",
    says=("Your mask is the wrong way round", "Two axes are missing"),
    inverted_flat=lambda n, t: torch.arange(t) >= n[:, None],
)
wrongs(
    "4.3",
    says=("One token of filling counts", "You hid the queries"),
    rows_at_most=lambda n, t: (torch.arange(t) <= n[:, None])[:, None, :, None],
)
wrongs(
    "4.3",
    says=ANY,
    equal=lambda n, t: (torch.arange(t) == n[:, None])[:, None, None],
    no_column=lambda n, t: (torch.arange(t) < n)[None, None, None],
    nested=lambda n, t: [[[[j < m for j in range(t)]]] for m in n.tolist()],
    square=lambda n, t: (torch.arange(t) < n[:, None])[:, None, None].expand(-1, 1, t, t),
    swapped=lambda n, t: torch.arange(len(n)) < t,
    zeros=lambda n, t: torch.zeros(len(n), 1, 1, t, dtype=torch.bool),
    sums=lambda n, t: n.sum(),
    five_axes=lambda n, t: (torch.arange(t) < n[:, None])[:, None, None, None],
)

# 4.4


def _cut(x, n):
    return x.view(*x.shape[:2], n, x.shape[2] // n).transpose(1, 2)


def _join(heads):
    return heads.transpose(1, 2).flatten(-2)


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
