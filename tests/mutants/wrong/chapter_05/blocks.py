"""Wrong answers to exercises 5.4 to 5.6, as learners write them."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrong, wrongs
from torch import nn
from torch.nn import functional as F

from utils.llm import attention

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


@wrong("5.6", says="All parameters are there")
class Halved(_Parts):
    def forward(self, x):
        return x + 0.5 * self.attention(self.norm_1(x)) + self.think(self.norm_2(x))


@wrong("5.6", says="the block has no norm_2")
class NormMadeInForward(_Parts):
    def __init__(self, d_model, n_heads):
        super().__init__(d_model, n_heads)
        del self.norm_2

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.think(nn.LayerNorm(x.shape[-1])(x))


@wrong("5.6", says="The norm of the feed-forward layer is missing")
class Norm2Unused(_Parts):
    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.think(x)


@wrong("5.6", says="norm_1 stands before both branches")
class Norm1Twice(_Parts):
    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.think(self.norm_1(x))


@wrong("5.6", says="the numbers are right, but no gradient reaches norm_2.weight")
class Detached(_Parts):
    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.down(F.gelu(self.up(self.norm_2(x)), approximate="tanh").detach())


@wrong("5.6", says="the numbers are right, but no gradient reaches norm_1.weight")
class NoGradAtFirst(_Parts):
    def forward(self, x):
        with torch.no_grad():
            found = self.attention(self.norm_1(x))
        x = x + found
        return x + self.think(self.norm_2(x))


@wrong("5.6", says="the numbers are right, but part of the gradient of x")
class StreamDetached(_Parts):
    def forward(self, x):
        x = x.detach() + self.attention(self.norm_1(x))
        return x + self.think(self.norm_2(x))


@wrong("5.6", says="At the feed-forward layer the stream passes as it is")
class HalfABlock(_Parts):
    def forward(self, x):
        return x + self.attention(self.norm_1(x)) + 0 * self.think(self.norm_2(x))


@wrong("5.6", says=ANY)
class InPlace(_Parts):
    def forward(self, x):
        x = x.clone()
        x += self.attention(self.norm_1(x))  # autograd needs the old x
        return x + self.think(self.norm_2(x))


@wrong("5.6", says=ANY)
class Mistyped(_Parts):
    forward = None


@wrong("5.6", says="forward returns None: is there a `return`")
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
