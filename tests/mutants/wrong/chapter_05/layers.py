"""Wrong answers to exercises 5.1 to 5.3, as learners write them."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, wrongs
from torch.nn import functional as F

# 5.1


def _norm(x, w, b, spread, centred=None):
    c = x - x.mean(-1, keepdim=True) if centred is None else centred
    return c / spread * w + b


def _variance(x):
    return x.var(-1, correction=0, keepdim=True)


wrongs(
    "5.1",
    says="You divided the squares by C − 1",
    var=lambda x, w, b, e: _norm(x, w, b, (x.var(-1, keepdim=True) + e).sqrt()),
)
wrongs("5.1", says="Two things", std=lambda x, w, b, e: _norm(x, w, b, x.std(-1, keepdim=True) + e))
wrongs(
    "5.1",
    says="Your ε stands outside the root",
    outside=lambda x, w, b, e: _norm(x, w, b, _variance(x).sqrt() + e),
)
wrongs(
    "5.1",
    says=("Your ε is a small number of your own", "All is right but ε"),
    fixed_5=lambda x, w, b, e: F.layer_norm(x, x.shape[-1:], w, b),
    fixed_6=lambda x, w, b, e: _norm(x, w, b, (_variance(x) + 1e-6).sqrt()),
    fixed_12=lambda x, w, b, e: _norm(x, w, b, (_variance(x) + 1e-12).sqrt()),
)
wrongs(
    "5.1",
    says="All is right but ε",
    large=lambda x, w, b, e: _norm(x, w, b, (_variance(x) + 2 * e).sqrt()),
)
wrongs(
    "5.1",
    says="ε is no lower bound",
    clamp=lambda x, w, b, e: _norm(x, w, b, _variance(x).clamp(min=e).sqrt()),
)
wrongs("5.1", says="ε was left out", no_eps=lambda x, w, b, e: _norm(x, w, b, _variance(x).sqrt()))
wrongs(
    "5.1",
    says="You divided by the variance",
    no_root=lambda x, w, b, e: _norm(x, w, b, _variance(x) + e),
)
wrongs(
    "5.1",
    says="Weight and bias have changed places",
    swapped=lambda x, w, b, e: _norm(x, b, w, (_variance(x) + e).sqrt()),
)
wrongs(
    "5.1",
    says="You took mean and variance over the tokens",
    tokens=lambda x, w, b, e: (
        (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + e).sqrt() * w + b
    ),
)
wrongs(
    "5.1",
    says="This is RMSNorm",
    rms=lambda x, w, b, e: x / (x.square().mean(-1, keepdim=True) + e).sqrt() * w + b,
)
wrongs(
    "5.1", says="The mean was kept", kept=lambda x, w, b, e: x / (_variance(x) + e).sqrt() * w + b
)
wrongs(
    "5.1",
    says=("`keepdim=True` is missing",),
    lost=lambda x, w, b, e: (x - x.mean(-1)) / (x.var(-1, correction=0) + e).sqrt() * w + b,
)
wrongs(
    "5.1",
    says=ANY,
    lost_mean=lambda x, w, b, e: _norm(x, w, b, (_variance(x) + e).sqrt(), x - x.mean(-1)),
)
wrongs(
    "5.1",
    says=("The bias was forgotten", "You divided the squares"),
    two=lambda x, w, b, e: _norm(x, w, 0, (x.var(-1, keepdim=True) + e).sqrt()),
)
wrongs(
    "5.1",
    says="Mean, weight and bias are right",
    cube=lambda x, w, b, e: _norm(x, w, b, (_variance(x) + e) ** (1 / 3)),
)
wrongs(
    "5.1",
    says="With bias and weight undone",
    bias_first=lambda x, w, b, e: _norm(
        x + b, w, b, (_variance(x) + e).sqrt(), x + b - x.mean(-1, keepdim=True)
    ),
)
wrongs(
    "5.1",
    says=ANY,
    nothing=lambda x, w, b, e: None,
    unchanged=lambda x, w, b, e: x * w + b,
    axis_zero=lambda x, w, b, e: _norm(x, w, b, (x.var(0, correction=0) + e).sqrt()),
    batch=lambda x, w, b, e: F.batch_norm(x.mT, None, None, w, b, True, eps=e).mT,
    caret=lambda x, w, b, e: (x - x.mean(-1, keepdim=True)) ^ 2,
    group=lambda x, w, b, e: (x - x.mean()) / (x.var(correction=0) + e).sqrt() * w + b,
)


# 5.2

ROOT = math.sqrt(2 / math.pi)


def _gelu(x, inner=None, around=None):
    t = torch.tanh(ROOT * (x + 0.044715 * x**3) if inner is None else inner)
    return 0.5 * x * (1 + t) if around is None else around(t)


wrongs("5.2", says="This is the exact GELU", exact=lambda x: F.gelu(x))
wrongs("5.2", says="This is ReLU", relu=lambda x: x.clamp(min=0))
wrongs("5.2", says="This is SiLU", silu=lambda x: x * x.sigmoid())
wrongs("5.2", says="This is the quick form", quick=lambda x: x * (1.702 * x).sigmoid())
wrongs("5.2", says="The factor ½ is missing", no_half=lambda x: 2 * _gelu(x))
wrongs("5.2", says="The cube is missing", no_cube=lambda x: _gelu(x, ROOT * x))
wrongs(
    "5.2",
    says="Your bracket closes too early",
    bracket=lambda x: _gelu(x, ROOT * x + 0.044715 * x**3),
)
wrongs(
    "5.2",
    says="The 1 in the bracket is missing",
    no_one=lambda x: _gelu(x, around=lambda t: 0.5 * x * t),
)
wrongs(
    "5.2", says="The x in front is missing", no_x=lambda x: _gelu(x, around=lambda t: (1 + t) / 2)
)
wrongs("5.2", says="Your factor is 0.44715", point=lambda x: _gelu(x, ROOT * (x + 0.44715 * x**3)))
wrongs("5.2", says="Your x is squared", square=lambda x: _gelu(x, ROOT * (x + 0.044715 * x**2)))
wrongs(
    "5.2",
    says="The root reaches only the 2",
    root_two=lambda x: _gelu(x, math.sqrt(2) / math.pi * (x + 0.044715 * x**3)),
)
wrongs(
    "5.2", says="There is no tanh", no_tanh=lambda x: 0.5 * x * (1 + ROOT * (x + 0.044715 * x**3))
)
wrongs(
    "5.2",
    says=("The factor √(2/π) is missing", "The factor ½ is missing"),
    two=lambda x: x * (1 + torch.tanh(x + 0.044715 * x**3)),
)
wrongs(
    "5.2",
    says="What stands round the tanh may be right",
    other_root=lambda x: _gelu(x, 0.7 * (x + 0.044715 * x**3)),
    fourth=lambda x: _gelu(x, ROOT * (x + 0.04 * x**3)),
)
wrongs("5.2", says="Read backwards", threefold=lambda x: 3 * _gelu(x), plus=lambda x: _gelu(x) + 2)
wrongs(
    "5.2",
    says=ANY,
    caret=lambda x: _gelu(x, ROOT * (x + 0.044715 * (x ^ 3))),
    by_math=lambda x: 0.5 * x * (1 + math.tanh(ROOT * (x + 0.044715 * x**3))),
    nothing=lambda x: None,
    softplus=lambda x: F.softplus(x),
    elu=lambda x: F.elu(x),
    sine=lambda x: 0.5 * x * (1 + torch.sin(ROOT * x)),
)


# 5.3


def _layer(x, w, b, o, c, bend=None, inner=None, out=None):
    inner = x @ w + b if inner is None else inner
    hidden = (bend or (lambda h: F.gelu(h, approximate="tanh")))(inner)
    return hidden, (hidden @ o + c) if out is None else out(hidden)


wrongs("5.3", says="The bend is missing", straight=lambda *a: _layer(*a, bend=lambda h: h))
wrongs("5.3", says="You bent with ReLU", relu=lambda *a: _layer(*a, bend=torch.relu))
wrongs("5.3", says="You bent with the exact GELU", exact=lambda *a: _layer(*a, bend=F.gelu))
wrongs("5.3", says="The bias b_in was dropped", no_b=lambda x, w, *a: _layer(x, w, *a, inner=x @ w))
wrongs(
    "5.3", says="You added b_out where b_in", swapped_in=lambda x, w, b, o, c: _layer(x, w, c, o, c)
)
wrongs(
    "5.3",
    says=("You added b_out where b_in", "You added b_in where b_out"),
    both=lambda x, w, b, o, c: _layer(x, w, c, o, b),
)
wrongs(
    "5.3", says="w_out was used transposed", turned=lambda x, w, b, o, c: _layer(x, w, b, o.T, c)
)
wrongs(
    "5.3", says="w_in was used transposed", turned_in=lambda x, w, b, o, c: _layer(x, w.T, b, o, c)
)
wrongs(
    "5.3",
    says="The output was bent as well",
    bent=lambda x, w, b, o, c: _layer(
        x, w, b, o, c, out=lambda h: F.gelu(h @ o + c, approximate="tanh")
    ),
)
wrongs(
    "5.3",
    says="You added x",
    residual=lambda x, w, b, o, c: _layer(x, w, b, o, c, out=lambda h: x + h @ o + c),
)
wrongs(
    "5.3",
    says="`hidden` is what it was before",
    early=lambda x, w, b, o, c: (
        x @ w + b,
        _layer(x, w, b, o, c)[1],
    ),
)
wrongs("5.3", says="You returned the output first", order=lambda *a: _layer(*a)[::-1])
wrongs("5.3", says="You returned only the output", only=lambda *a: _layer(*a)[1])
wrongs(
    "5.3",
    says=("You bent with ReLU", "The bias b_out was dropped"),
    two=lambda x, w, b, o, c: _layer(x, w, b, o, 0 * c, bend=torch.relu),
)
wrongs(
    "5.3",
    says="`hidden` is right, and `out` is not",
    doubled=lambda x, w, b, o, c: _layer(x, w, b, o, c, out=lambda h: 2 * (h @ o) + c),
    scaled=lambda x, w, b, o, c: _layer(x, w, b, o, 2 * c),
)
wrongs(
    "5.3",
    says="`hidden` departs first",
    leaky=lambda *a: _layer(*a, bend=F.leaky_relu),
    quick=lambda *a: _layer(*a, bend=lambda h: h * (1.702 * h).sigmoid()),
)
wrongs(
    "5.3",
    says=ANY,
    both_turned=lambda x, w, b, o, c: _layer(x, w.T, b, o.T, c),
    nothing=lambda *a: None,
    one_matrix=lambda x, w, b, o, c: (x @ w, x @ w @ o),
    dropout=lambda x, w, b, o, c: _layer(x, w, b, o, c, bend=lambda h: F.dropout(h, 0.5)),
)
