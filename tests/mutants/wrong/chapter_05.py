"""Wrong answers to the exercises of chapter 05, as learners write them."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, course, wrong, wrongs
from torch import nn
from torch.nn import functional as F

from utils.llm import attention

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
    says="Your ε is a small number of your own",
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
    says="The mean has lost its axis",
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

# 5.4


def _block(x, n1, a, n2, f, first=None, second=None):
    step = lambda x, n, w: x + w(n(x))  # noqa: E731
    middle = (first or step)(x, n1, a)
    return middle, (second or step)(middle, n2, f)


def _post(x, n, w):
    return n(x + w(x))


wrongs(
    "5.4", says="This is the post-norm block", post=lambda *a: _block(*a, first=_post, second=_post)
)
wrongs(
    "5.4",
    says="At attention the norm stands behind the sum",
    one=lambda *a: _block(*a, first=_post),
)
wrongs(
    "5.4",
    says="At the feed-forward layer the norm stands behind the sum",
    other=lambda *a: _block(*a, second=_post),
)
wrongs(
    "5.4",
    says="Both residuals are lost",
    none=lambda *a: _block(*a, first=lambda x, n, w: w(n(x)), second=lambda x, n, w: w(n(x))),
)
wrongs(
    "5.4",
    says="The residual around attention is lost",
    lost=lambda *a: _block(*a, first=lambda x, n, w: w(n(x))),
)
wrongs(
    "5.4",
    says="At attention you normalised the stream itself",
    stream=lambda *a: _block(*a, first=lambda x, n, w: n(x) + w(n(x))),
)
wrongs(
    "5.4",
    says="The branch of attention is gone through twice",
    twice=lambda *a: _block(*a, first=lambda x, n, w: (x + w(n(x))) + w(n(x + w(n(x))))),
)
wrongs(
    "5.4",
    says="The two branches both read x",
    parallel=lambda x, n1, a, n2, f: (
        x + a(n1(x)),
        x + a(n1(x)) + f(n2(x)),
    ),
)
wrongs("5.4", says="You used norm_1 for both", same=lambda x, n1, a, n2, f: _block(x, n1, a, n1, f))
wrongs("5.4", says="The norms are swapped", swapped=lambda x, n1, a, n2, f: _block(x, n2, a, n1, f))
wrongs("5.4", says="You returned the output first", order=lambda *a: _block(*a)[::-1])
wrongs(
    "5.4", says="x was added twice", x_twice=lambda x, *a: (_block(x, *a)[0], x + _block(x, *a)[1])
)
wrongs(
    "5.4",
    says=("The norm of attention is missing", "The residual around the feed"),
    two=lambda *a: _block(*a, first=lambda x, n, w: x + w(x), second=lambda x, n, w: w(n(x))),
)
wrongs(
    "5.4",
    says="`after_attention` is right",
    halved=lambda *a: _block(*a, second=lambda x, n, w: x + w(n(x)) / 2),
    minus=lambda *a: _block(*a, second=lambda x, n, w: x + w(n(-x))),
)
wrongs(
    "5.4",
    says="The second branch is right",
    scaled=lambda *a: _block(*a, first=lambda x, n, w: x + 0.5 * w(n(x))),
)
wrongs(
    "5.4",
    says=ANY,
    nothing=lambda *a: None,
    only=lambda *a: _block(*a)[1],
    unchanged=lambda x, *a: (x, x),
    three=lambda x, *a: (x, *_block(x, *a)),
)


@wrong("5.4", says=ANY)
def in_place(x, norm_1, attend, norm_2, feed_forward):
    x += attend(norm_1(x))
    out = x + feed_forward(norm_2(x))
    return x, out


# 5.5


def _count(norms=None, att=None, ff=None):
    def count(c, h):
        return (
            (norms or (lambda c: 4 * c))(c),
            (att or (lambda c: 4 * c * c + 4 * c))(c),
            (ff or (lambda c: 8 * c * c + 5 * c))(c),
        )

    return count


wrongs(
    "5.5",
    says="Attention has four biases, one a matrix, 4C in all, and you counted three",
    three=_count(att=lambda c: 4 * c * c + 3 * c),
)
wrongs(
    "5.5",
    says="Attention has four biases, one a matrix, 4C in all, and you counted one",
    one=_count(att=lambda c: 4 * c * c + c),
)
wrongs("5.5", says="The biases of attention are missing", no_bias=_count(att=lambda c: 4 * c * c))
wrongs(
    "5.5", says="Attention's last projection is missing", qkv=_count(att=lambda c: 3 * (c * c + c))
)
wrongs(
    "5.5",
    says="The biases of the matrices are missing",
    none=_count(att=lambda c: 4 * c * c, ff=lambda c: 8 * c * c),
)
wrongs("5.5", says="The block has two norms", one_norm=_count(norms=lambda c: 2 * c))
wrongs(
    "5.5",
    says="The second bias of the feed-forward layer is missing",
    four=_count(ff=lambda c: 8 * c * c + 4 * c),
)
wrongs(
    "5.5",
    says="The first bias of the feed-forward layer is missing",
    last=_count(ff=lambda c: 8 * c * c + c),
)
wrongs("5.5", says="Your hidden layer is 2C wide", narrow=_count(ff=lambda c: 4 * c * c + 3 * c))
wrongs(
    "5.5",
    says=("The block has two norms", "The biases of attention"),
    two=_count(lambda c: 2 * c, lambda c: 4 * c * c),
)
wrongs(
    "5.5",
    says=("A norm learns a weight", "The second bias"),
    three_wrong=_count(lambda c: 4, None, lambda c: 8 * c * c + 4 * c),
)
wrongs("5.5", says="You returned the sum", total=lambda c, h: 12 * c * c + 13 * c)
wrongs(
    "5.5",
    says="The norms come first",
    order=lambda c, h: (4 * c * c + 4 * c, 8 * c * c + 5 * c, 4 * c),
)
wrongs(
    "5.5",
    says="Attention and feed-forward layer have changed places",
    changed=lambda c, h: (4 * c, 8 * c * c + 5 * c, 4 * c * c + 4 * c),
)
wrongs(
    "5.5",
    says="`attention` is",
    by_heads=lambda c, h: (
        4 * c,
        4 * c * c + 4 * c + h,
        8 * c * c + 5 * c,
    ),
    five=_count(att=lambda c: 5 * c * c + 5 * c),
)
wrongs("5.5", says="`feed_forward` is", ten=_count(ff=lambda c: 10 * c * c + 5 * c))
wrongs("5.5", says="`norms` is", plus_one=_count(norms=lambda c: 4 * c + 1))
wrongs(
    "5.5",
    says=ANY,
    floats=lambda c, h: (4.0 * c, 4 * c * c + 4 * c, 8 * c**2 + 5 * c),
    power=lambda c, h: (4 * c, 4 * c**c, 8 * c),
    nothing=lambda c, h: None,
    fixed=lambda c, h: (8, 24, 42),
)

# 5.6


class _Parts(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.attention = attention.MultiHeadAttention(d_model, n_heads)
        self.up, self.down = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)

    def think(self, x):
        return self.down(F.gelu(self.up(x), approximate="tanh"))

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.think(self.norm_2(x))


@wrong("5.6", says="super().__init__() must be the first")
class NoSuper(nn.Module):
    def __init__(self, d_model, n_heads):
        self.norm_1 = nn.LayerNorm(d_model)
        self.attention = attention.MultiHeadAttention(d_model, n_heads)


@wrong("5.6", says="Nothing to be learned is found")
class MadeInForward(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.sizes = d_model, n_heads

    def forward(self, x):
        return _Parts(*self.sizes)(x)


@wrong("5.6", says="Nothing to be learned is found")
class InADict(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.parts = {"norm_1": nn.LayerNorm(d_model), "norm_2": nn.LayerNorm(d_model)}

    def forward(self, x):
        return self.parts["norm_1"](x)


@wrong("5.6", says="You bent with the exact GELU")
class Exact(_Parts):
    def think(self, x):
        return self.down(nn.GELU()(self.up(x)))


@wrong("5.6", says="You bent with ReLU")
class Relu(_Parts):
    def think(self, x):
        return self.down(F.relu(self.up(x)))


@wrong("5.6", says="The bend between up and down is missing")
class Straight(_Parts):
    def think(self, x):
        return self.down(self.up(x))


@wrong("5.6", says="forward returns the stream after each branch")
class Both(_Parts):
    def forward(self, x):
        middle = x + self.attention(self.norm_1(x))
        return middle, middle + self.think(self.norm_2(middle))


@wrong("5.6", says="Inside forward the gradient is switched off")
class NoGrad(_Parts):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


@wrong("5.6", says="The residual around the feed-forward layer is lost")
class Lost(_Parts):
    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return self.think(self.norm_2(x))


@wrong("5.6", says=("The norm of attention is missing", "The norm of the feed-forward"))
class NoNorms(_Parts):
    def forward(self, x):
        x = x + self.attention(x)
        return x + self.think(x)


@wrong("5.6", says="The second branch reads the old x")
class Parallel(_Parts):
    def forward(self, x):
        return x + self.attention(self.norm_1(x)) + self.think(self.norm_2(x))


@wrong("5.6", says="Both branches have the same norm")
class OneNorm(_Parts):
    def __init__(self, d_model, n_heads):
        super().__init__(d_model, n_heads)
        self.norm_2 = self.norm_1


@wrong("5.6", says="Your layers stand in an nn.Sequential")
class Sequence(_Parts):
    def __init__(self, d_model, n_heads):
        super().__init__(d_model, n_heads)
        self.feed_forward = nn.Sequential(self.up, nn.GELU(), self.down)
        del self.up, self.down


@wrong("5.6", says="up and down lack their biases")
class NoBias(_Parts):
    def __init__(self, d_model, n_heads):
        super().__init__(d_model, n_heads)
        self.up = nn.Linear(d_model, 4 * d_model, bias=False)
        self.down = nn.Linear(4 * d_model, d_model, bias=False)


@wrong("5.6", says="All parameters are there and learn")
class Halved(_Parts):
    def forward(self, x):
        return x + 0.5 * self.attention(self.norm_1(x)) + self.think(self.norm_2(x))


@wrong("5.6", says="The second branch adds nothing")
class HalfABlock(_Parts):
    def forward(self, x):
        return x + self.attention(self.norm_1(x)) + 0 * self.think(self.norm_2(x))


@wrong("5.6", says=ANY)
class Mistyped(_Parts):
    forward = None


@wrong("5.6", says=ANY)
class NoOutput(_Parts):
    def forward(self, x):
        self.think(x)


@wrong("5.6", says=ANY)
class Turned(_Parts):
    def __init__(self, n_heads, d_model):
        super().__init__(d_model, n_heads)


@wrong("5.6", says=ANY)
class OtherNames(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.attn = attention.MultiHeadAttention(d_model, n_heads)


wrongs("5.6", says=ANY, a_function=lambda d, n: lambda x: x, course_4=lambda d, n: course("5.4"))
wrongs("5.6", says=ANY, instance=_Parts(4, 2), nothing=lambda d, n: None)
