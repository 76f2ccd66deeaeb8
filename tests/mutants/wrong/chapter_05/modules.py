"""Wrong answers to exercise 5.6, as learners write them."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrong, wrongs
from torch import nn
from torch.nn import functional as F

from utils.llm import attention


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
