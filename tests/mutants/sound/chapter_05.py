"""Sound answers to the exercises of chapter 05, of odd kinds."""

from __future__ import annotations

import math

import numpy as np
import torch
from mutants.cases import course, sound, sounds
from torch import nn
from torch.nn import functional as F

from utils.llm import attention

sounds(
    "5.1",
    functional=lambda x, w, b, e: F.layer_norm(x, (x.shape[-1],), w, b, e),
    std_squared=lambda x, w, b, e: (
        ((x - x.mean(-1, keepdim=True)) / (x.std(-1, correction=0, keepdim=True) ** 2 + e).sqrt())
        * w
        + b
    ),
    rsqrt=lambda x, w, b, e: (
        (x - x.mean(-1)[..., None]) * torch.rsqrt(x.var(-1, unbiased=False)[..., None] + e) * w + b
    ),
    numpy=lambda x, w, b, e: (
        (x.numpy() - x.numpy().mean(-1, keepdims=True))
        / np.sqrt(x.numpy().var(-1, keepdims=True) + e)
        * w.numpy()
        + b.numpy()
    ),
    float64=lambda x, w, b, e: F.layer_norm(x.double(), x.shape[-1:], w.double(), b.double(), e),
    var_mean=lambda x, w, b, e: _by_var_mean(x, w, b, e),
    addcmul=lambda x, w, b, e: torch.addcmul(b, F.layer_norm(x, x.shape[-1:], eps=e), w),
    other_names=lambda stream, scale, shift, small: course("5.1")(stream, scale, shift, small),
    token_by_token=lambda x, w, b, e: torch.stack(
        [torch.stack([course("5.1")(token, w, b, e) for token in text]) for text in x]
    ),
)


def _by_var_mean(x, w, b, e):
    variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
    return (x - mean) / (variance + e).sqrt() * w + b


sounds(
    "5.2",
    module=nn.GELU(approximate="tanh"),
    functional=lambda x: F.gelu(x, approximate="tanh"),
    powers=lambda x: x / 2 * (1 + torch.tanh((2 / math.pi) ** 0.5 * (x + 0.044715 * x * x * x))),
    numpy=lambda x: F.gelu(x, approximate="tanh").numpy(),
    exponentials=lambda x: (
        x / (1 + torch.exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x.pow(3))))
    ),
    float64=lambda x: F.gelu(x.double(), approximate="tanh"),
    digits=lambda x: 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x**3))),
    other_name=lambda numbers: course("5.2")(numbers),
)
sounds(
    "5.3",
    a_list=lambda *a: [*course("5.3")(*a)],
    numpy=lambda *a: tuple(each.numpy() for each in course("5.3")(*a)),
    float64=lambda *a: course("5.3")(*(each.double() for each in a)),
    addmm=lambda x, w, b, o, c: _linear(x, w, b, o, c),
    einsum=lambda x, w, b, o, c: (
        F.gelu(torch.einsum("btc,cf->btf", x, w) + b, approximate="tanh"),
        torch.einsum("btf,fc->btc", course("5.3")(x, w, b, o, c)[0], o) + c,
    ),
    other_names=lambda a, b, c, d, e: course("5.3")(a, b, c, d, e),
    matmul=lambda x, w, b, o, c: (
        course("5.2")(torch.matmul(x, w).add(b)),
        course("5.2")(torch.matmul(x, w).add(b)).matmul(o).add(c),
    ),
    one_text_at_a_time=lambda x, *a: tuple(
        torch.stack(part) for part in zip(*(course("5.3")(text, *a) for text in x), strict=True)
    ),
)


def _linear(x, w, b, o, c):
    hidden = F.gelu(F.linear(x, w.mT, b), approximate="tanh")
    return hidden, F.linear(hidden, o.mT, c)


def _recursive(x, *layers):
    if not layers:
        return []
    x = x + layers[1](layers[0](x))
    return [x, *_recursive(x, *layers[2:])]


sounds(
    "5.4",
    a_list=lambda *a: [*course("5.4")(*a)],
    recursive=_recursive,
    numpy=lambda *a: tuple(each.numpy() for each in course("5.4")(*a)),
    other_names=lambda a, b, c, d, e: course("5.4")(a, b, c, d, e),
    add=lambda x, n, a, m, f: (
        torch.add(x, a(n(x))),
        torch.add(torch.add(x, a(n(x))), f(m(torch.add(x, a(n(x)))))),
    ),
    expanded=lambda x, n, a, m, f: (x + a(n(x)), x + a(n(x)) + f(m(x + a(n(x))))),
    float64=lambda x, *layers: tuple(each.double() for each in course("5.4")(x, *layers)),
)


@sound("5.4")
def on_a_copy(x, norm_1, attend, norm_2, feed_forward):
    x = x.clone()
    x += attend(norm_1(x))
    first = x.clone()
    x += feed_forward(norm_2(x))
    return first, x


sounds(
    "5.5",
    a_list=lambda c, h: [*course("5.5")(c, h)],
    numpy=lambda c, h: np.array(course("5.5")(c, h)),
    tensor=lambda c, h: torch.tensor(course("5.5")(c, h)),
    numpy_ints=lambda c, h: tuple(np.int64(each) for each in course("5.5")(c, h)),
    formula=lambda c, h: (4 * c, 4 * c * (c + 1), c * (8 * c + 5)),
    power=lambda c, h: (2 * 2 * c, 4 * (c**2 + c), 2 * 4 * c**2 + 5 * c),
    other_names=lambda width, whatever: course("5.5")(width, whatever),
    of_modules=lambda c, h: (
        2 * sum(p.numel() for p in nn.LayerNorm(c, device="meta").parameters()),
        4 * sum(p.numel() for p in nn.Linear(c, c, device="meta").parameters()),
        sum(p.numel() for p in nn.Linear(c, 4 * c, device="meta").parameters())
        + sum(p.numel() for p in nn.Linear(4 * c, c, device="meta").parameters()),
    ),
)


class _Parts(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.attention = attention.MultiHeadAttention(d_model, n_heads)
        self.up, self.down = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.down(F.gelu(self.up(self.norm_2(x)), approximate="tanh"))


@sound("5.6")
class OldSuper(nn.Module):
    def __init__(self, width, heads):
        super(OldSuper, self).__init__()  # noqa: UP008
        for name in ("norm_1", "norm_2"):
            setattr(self, name, nn.LayerNorm(width))
        self.attention = attention.MultiHeadAttention(width, heads)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, stream):
        after = stream + self.attention(self.norm_1(stream))
        return after + self.down(course("5.2")(self.up(self.norm_2(after))))


@sound("5.6")
class AddedByName(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        for name, part in _Parts(d_model, n_heads).named_children():
            self.add_module(name, part)

    forward = _Parts.forward


@sound("5.6")
class WithDefaults(_Parts):
    def __init__(self, d_model=64, n_heads=4, *, dropout=0.0):
        super().__init__(d_model, n_heads)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        return self.dropout(super().forward(x))


@sound("5.6")
class Plain(_Parts):
    pass


@sound("5.6")
class ByTheFunctions(_Parts):
    def forward(self, x):
        layers = self.up.weight.T, self.up.bias, self.down.weight.T, self.down.bias
        think = lambda h: course("5.3")(h, *layers)[1]  # noqa: E731
        return course("5.4")(x, self.norm_1, self.attention, self.norm_2, think)[1]


@sound("5.6")
class MeltedNorm(_Parts):
    def forward(self, x):
        x = self.attention(self.norm_1(x)).add(x)
        norm = course("5.1")(x, self.norm_2.weight, self.norm_2.bias, 1e-5)
        return torch.add(x, self.down(nn.GELU("tanh")(self.up(norm))))


@sound("5.6")
class Scripted(_Parts):
    def extra_repr(self):
        return "mine"


@sound("5.6")
class Expanded(_Parts):
    def forward(self, stream):
        found = self.attention(self.norm_1(stream))
        hidden = course("5.2")(self.up(self.norm_2(stream + found)))
        return stream + found + hidden @ self.down.weight.T + self.down.bias
