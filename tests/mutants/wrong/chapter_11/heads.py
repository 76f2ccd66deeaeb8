"""Wrong answers to the exercises of chapter 11: grouped queries, and what their cache takes."""

from __future__ import annotations

import math

import torch
from mutants.cases import wrong, wrongs
from torch.nn import functional as F


def seen(t, n):
    return torch.ones(t, n).tril(n - t).bool()


def shared(k, n):
    return k.repeat_interleave(n, 1)


def attend(q, k, v, share=shared, root=None, mask=seen, softmax=lambda s: s.softmax(-1)):
    n = q.shape[1] // k.shape[1]
    scores = q @ share(k, n).transpose(-2, -1) / (q.shape[-1] ** 0.5 if root is None else root)
    scores = scores.masked_fill(~mask(q.shape[2], k.shape[2]), float("-inf"))
    return softmax(scores) @ share(v, n)


@wrong("11.4", says="The query heads read the key heads in turn")
def groups_behind(q, k, v):
    b, h, t, d = q.shape
    q = q.view(b, h // k.shape[1], k.shape[1], t, d)
    scores = torch.einsum("bghtd,bhsd->bghts", q, k) / math.sqrt(d)
    scores = scores.masked_fill(~seen(t, k.shape[2]), -torch.inf)
    return torch.einsum("bghts,bhsd->bghtd", scores.softmax(-1), v).reshape(b, h, t, d)


@wrong("11.4", says="The query heads read the key heads in turn")
def expanded_in_front(q, k, v):
    n = q.shape[1] // k.shape[1]
    k, v = (x[:, None].expand(-1, n, -1, -1, -1).flatten(1, 2) for x in (k, v))
    return attend(q, k, v)


@wrong("11.4", says="The weights were masked behind the softmax")
def masked_late(q, k, v):
    n = q.shape[1] // k.shape[1]
    weights = (q @ shared(k, n).mT / q.shape[-1] ** 0.5).softmax(-1)
    return weights.masked_fill(~seen(q.shape[2], k.shape[2]), 0.0) @ shared(v, n)


@wrong("11.4", says="The forbidden scores became 0")
def zeros_for_infinity(q, k, v):
    n = q.shape[1] // k.shape[1]
    scores = q @ shared(k, n).mT / math.sqrt(q.shape[-1])
    return (scores * seen(q.shape[2], k.shape[2])).softmax(-1) @ shared(v, n)


@wrong("11.4", says="Your mask sets the first query beside")
def square_cut(q, k, v):
    return attend(q, k, v, mask=lambda t, n: torch.tril(torch.ones(t, n)) == 1)


@wrong("11.4", says="Your mask sets the first query beside")
def by_is_causal(q, k, v):
    n = q.shape[1] // k.shape[1]
    return F.scaled_dot_product_attention(q, shared(k, n), shared(v, n), is_causal=True)


@wrong("11.4", says="The queries of a group were averaged")
def mean_query(q, k, v):
    n = q.shape[1] // k.shape[1]
    return attend(q.unflatten(1, (-1, n)).mean(2), k, v).repeat_interleave(n, 1)


wrongs(
    "11.4",
    "The query heads read the key heads in turn",
    tiled=lambda *a: attend(*a, share=lambda k, n: k.repeat(1, n, 1, 1)),
    cat=lambda *a: attend(*a, share=lambda k, n: torch.cat([k] * n, dim=1)),
)
wrongs("11.4", "The scores were not scaled", unscaled=lambda *a: attend(*a, root=1))
wrongs(
    "11.4",
    "You divided by √C",
    by_c=lambda q, k, v: attend(q, k, v, root=math.sqrt(q.shape[1] * q.shape[3])),
)
wrongs("11.4", "You divided by D", by_d=lambda q, k, v: attend(q, k, v, root=q.shape[-1]))
wrongs(
    "11.4", "You multiplied by √D", times=lambda q, k, v: attend(q, k, v, root=q.shape[-1] ** -0.5)
)
wrongs(
    "11.4",
    "You divided by the root of the number of heads",
    by_heads=lambda q, k, v: attend(q, k, v, root=q.shape[1] ** 0.5),
)
wrongs(
    "11.4",
    "There is no mask",
    open=lambda *a: attend(*a, mask=lambda t, n: torch.ones(t, n).bool()),
)
wrongs(
    "11.4",
    "A token may look at itself",
    strict=lambda *a: attend(*a, mask=lambda t, n: torch.ones(t, n).tril(n - t - 1).bool()),
)
wrongs(
    "11.4",
    "Your mask lets a token see the next",
    one_on=lambda *a: attend(*a, mask=lambda t, n: torch.ones(t, n).tril(n - t + 1).bool()),
)
wrongs(
    "11.4",
    "The softmax went over the queries",
    columns=lambda *a: attend(*a, softmax=lambda s: s.softmax(-2)),
)
wrongs(
    "11.4",
    "The softmax went over the heads",
    across=lambda *a: attend(*a, softmax=lambda s: s.softmax(1)),
)
wrongs("11.4", "The weights are not normalised", bare=lambda *a: attend(*a, softmax=torch.exp))
wrongs("11.4", "The heads were merged", merged=lambda *a: attend(*a).transpose(1, 2).flatten(2))
wrongs("11.4", "Heads and tokens have changed", turned=lambda *a: attend(*a).transpose(1, 2))
wrongs("11.4", "The keys stand in the values' place", keys=lambda q, k, v: attend(q, k, k))
wrongs("11.4", "Keys and values are swapped", swapped=lambda q, k, v: attend(q, v, k))
wrongs("11.4", "NumPy knows", arrays=lambda q, k, v: attend(torch.tensor(q.numpy()), k, v))
wrongs(
    "11.4",
    "The keys were not shared out",
    unshared=lambda q, k, v: F.scaled_dot_product_attention(q, k, v, seen(q.shape[2], k.shape[2])),
)
wrongs(
    "11.4",
    says=None,
    nothing=lambda q, k, v: None,
    detached=lambda *a: attend(*a).detach(),
)
wrongs(
    "11.4",
    says="any",
    first_head=lambda q, k, v: attend(q, k[:, :1], v[:, :1]),
    window=lambda *a: attend(*a, mask=lambda t, n: seen(t, n) & seen(t, n).mT.flip(1)),
    last_query=lambda *a: attend(*a)[:, :, -1:],
    heads_flipped=lambda q, k, v: attend(q, k.flip(1), v.flip(1)),
    dropped=lambda *a: F.dropout(attend(*a), 0.5),
)


def product(*sizes, both=2):
    total = both
    for size in sizes:
        total *= size
    return total


wrongs("11.8", "You counted keys or values alone", one=lambda *s: product(*s, both=1))
wrongs("11.8", "You counted three matrices", three=lambda *s: product(*s, both=3))
wrongs("11.8", "Your number is twice", four=lambda *s: product(*s, both=4))
wrongs("11.8", "You counted bits", bits=lambda *s: 8 * product(*s))
wrongs("11.8", "You divided by 8", eighth=lambda *s: product(*s) // 8)
wrongs("11.8", "The layers are missing", layer=lambda a, h, d, t, n: product(h, d, t, n))
wrongs("11.8", "The heads are missing", head=lambda a, h, d, t, n: product(a, d, t, n))
wrongs("11.8", "d_head is missing", width=lambda a, h, d, t, n: product(a, h, t, n))
wrongs("11.8", "The tokens are missing", token=lambda a, h, d, t, n: product(a, h, d, n))
wrongs("11.8", "The bytes of a number are missing", numbers=lambda *s: product(*s[:4]))
wrongs(
    "11.8", "Heads were counted twice", heads_twice=lambda a, h, d, t, n: product(a, h, h * d, t, n)
)
wrongs("11.8", "d_head was counted twice", d_twice=lambda a, h, d, t, n: product(a, h * d, d, t, n))
wrongs(
    "11.8", "The tokens were counted twice", square=lambda a, h, d, t, n: product(a, h, d, t * t, n)
)
wrongs("11.8", "You gave megabytes", mega=lambda *s: product(*s) / 10**6)
wrongs("11.8", "You gave mebibytes", mebi=lambda *s: product(*s) / 1024 / 1024)
wrongs("11.8", "You gave kibibytes", kibi=lambda *s: product(*s) / 1024)
wrongs("11.8", "You gave kilobytes", kilo=lambda *s: product(*s) / 1000)
wrongs("11.8", "It came back as text", text=lambda *s: f"{product(*s)}")
wrongs("11.8", "Every number takes 4 bytes", single=lambda *s: product(*s[:4], 4))
wrongs("11.8", "Every number takes 2 bytes", half=lambda *s: product(*s[:4], 2))
wrongs("11.8", "The sizes were added", added=lambda *s: 2 * sum(s))
wrongs("11.8", "You counted the attention weights", weights=lambda a, h, d, t, n: a * h * t * t * n)
wrongs("11.8", "The last token is missing", short=lambda a, h, d, t, n: product(a, h, d, t - 1, n))
wrongs(
    "11.8",
    "You counted keys or values alone: both are kept, so twice as much.\n   You counted",
    keys_in_bits=lambda *s: 8 * product(*s, both=1),
)
wrongs("11.8", says=None, nothing=lambda *s: None, more=lambda *s: product(*s) + 1)
wrongs(
    "11.8",
    says="any",
    power=lambda a, h, d, t, n: 2 * a * h * d * t**n,
    tensor=lambda *s: torch.tensor(product(*s) / 2),
)


@wrong("11.4", says="The cache is left out")
def newest_only(q, k, v):
    n, t = q.shape[1] // k.shape[1], q.shape[2]
    k, v = (each[:, :, -t:].repeat_interleave(n, 1) for each in (k, v))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    look = torch.ones(t, t, dtype=torch.bool).tril()
    return scores.masked_fill(~look, -torch.inf).softmax(-1) @ v


wrongs(
    "11.8",
    "d_head and n_tokens were added",
    width_with_tokens=lambda layers, heads, width, tokens, each: (
        layers * heads * (width + tokens) * each * 2
    ),
)
wrongs(
    "11.8",
    "n_tokens² stands where",
    tokens_for_width=lambda layers, heads, width, tokens, each: (
        2 * layers * heads * tokens**2 * each
    ),
)
