"""Wrong answers to the exercises of chapter 11: the norm, the rotation, the gate."""

from __future__ import annotations

import math

import torch
from mutants.cases import wrong, wrongs
from torch.nn import functional as F


def mean_square(x, dim=-1):
    return x.pow(2).mean(dim, keepdim=True)


wrongs(
    "11.1",
    "The mean was subtracted, as LayerNorm does",
    centred=lambda x, w, e: (
        w
        * (x - x.mean(-1, keepdim=True))
        / torch.sqrt((x - x.mean(-1, keepdim=True)).pow(2).mean(-1, keepdim=True) + e)
    ),
    layer_norm=lambda x, w, e: F.layer_norm(x, x.shape[-1:], w, None, e),
)
wrongs(
    "11.1",
    "The mean was subtracted above the line",
    only_above=lambda x, w, e: w * (x - x.mean(-1, keepdim=True)) * torch.rsqrt(mean_square(x) + e),
)
wrongs(
    "11.1",
    "You took the variance: that measures",
    var=lambda x, w, e: x / (x.var(-1, keepdim=True, unbiased=False) + e) ** 0.5 * w,
)
wrongs(
    "11.1",
    "You took the variance, and with C − 1",
    var_of_a_sample=lambda x, w, e: x / (x.var(-1, keepdim=True) + e) ** 0.5 * w,
)
wrongs(
    "11.1",
    "ε stands outside the root",
    std_plus=lambda x, w, e: x / (mean_square(x).sqrt() + e) * w,
    norm_plus=lambda x, w, e: w * x / (x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5 + e),
)
wrongs("11.1", "ε was left out", no_eps=lambda x, w, e: x / mean_square(x) ** 0.5 * w)
wrongs(
    "11.1",
    "You summed the squares",
    total=lambda x, w, e: x / (x.square().sum(-1, keepdim=True) + e).sqrt() * w,
)
wrongs(
    "11.1",
    "The mean has lost its axis",
    no_keepdim=lambda x, w, e: x / (x.pow(2).mean(-1) + e).sqrt() * w,
)
wrongs("11.1", "The weight was left out", no_weight=lambda x, w, e: x / (mean_square(x) + e).sqrt())
wrongs("11.1", "The weight was added", plus=lambda x, w, e: x / (mean_square(x) + e).sqrt() + w)
wrongs(
    "11.1",
    "You multiplied by 1 + weight",
    gemma=lambda x, w, e: x * (mean_square(x) + e).rsqrt() * (1.0 + w),
)
wrongs(
    "11.1",
    "You took the mean over the tokens (axis",
    over_tokens=lambda x, w, e: x / (mean_square(x, -2) + e).sqrt() * w,
)
wrongs(
    "11.1",
    "You took one mean for all tokens",
    over_all=lambda x, w, e: x / (x.square().mean() + e).sqrt() * w,
)
wrongs(
    "11.1",
    "You counted the axis from the front",
    dim_2=lambda x, w, e: x / (mean_square(x, 2) + e).sqrt() * w,
)
wrongs(
    "11.1",
    "Your ε is a small number",
    own_eps=lambda x, w, e: x / (mean_square(x) + 1e-6).sqrt() * w,
)
wrongs("11.1", "The root is missing", no_root=lambda x, w, e: x / (mean_square(x) + e) * w)
wrongs("11.1", "You multiplied by √", times=lambda x, w, e: x * (mean_square(x) + e).sqrt() * w)
wrongs(
    "11.1", "You divided by the weight", over=lambda x, w, e: x / (mean_square(x) + e).sqrt() / w
)
wrongs(
    "11.1",
    "You squared the mean",
    mean_first=lambda x, w, e: x / (x.mean(-1, keepdim=True) ** 2 + e).sqrt() * w,
)
wrongs(
    "11.1",
    "You took the mean of the sizes",
    sizes=lambda x, w, e: x / (x.abs().mean(-1, keepdim=True) + e).sqrt() * w,
)
wrongs(
    "11.1",
    "You took the mean of the sizes |x|: square them first.\n   The root is missing",
    root_of_sizes=lambda x, w, e: x / (x.abs().mean(-1, keepdim=True) + e) * w,
)
wrongs(
    "11.1",
    "You took the largest square in place of their mean.\n   ε stands outside",
    largest=lambda x, w, e: x / (x.abs().amax(-1, keepdim=True) + e) * w,
)
wrongs(
    "11.1",
    "Each token is divided by one number",
    median=lambda x, w, e: x / (x.square().median(-1, keepdim=True).values + e).sqrt() * w,
)
wrongs(
    "11.1",
    "ε stands outside the root: it is added to the mean square, √(mean + ε).\n   The weight was",
    outside_and_unweighted=lambda x, w, e: x / (mean_square(x).sqrt() + e),
)
wrongs(
    "11.1",
    says=None,
    hat=lambda x, w, e: x / ((x ^ 2).mean(-1, keepdim=True) + e).sqrt() * w,
    nothing=lambda x, w, e: None,
    detached=lambda x, w, e: (x / (mean_square(x) + e).sqrt() * w).detach(),
    a_list=lambda x, w, e: [x / (mean_square(x) + e).sqrt() * w],
)
wrongs(
    "11.1",
    "NumPy knows no gradient",
    arrays=lambda x, w, e: torch.from_numpy(
        x.numpy() / (((x.numpy() ** 2).mean(-1, keepdims=True) + e) ** 0.5) * w.numpy()
    ),
)


@wrong("11.1", says="x was changed in place")
def written_over(x, weight, eps):
    x /= torch.sqrt(x.pow(2).mean(-1, keepdim=True) + eps)
    return x * weight


def turned(x, positions, base, power=lambda d: torch.arange(0, d, 2) / d, sign=1.0):
    angles = positions[:, None] * base ** -power(x.shape[-1])
    even, odd = x[..., ::2], x[..., 1::2]
    cos, sin = torch.cos(angles), sign * torch.sin(angles)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


@wrong("11.2", says="You paired column i with column i + D/2, as Hugging Face")
def rotate_half(x, positions, base):
    inv = 1.0 / base ** (torch.arange(0, x.shape[-1], 2).float() / x.shape[-1])
    angles = torch.cat([positions[:, None] * inv] * 2, dim=-1)
    one, two = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-two, one], dim=-1) * angles.sin()


@wrong("11.2", says="You paired column i with column i + D/2, and put them back")
def halves_interleaved(x, positions, base):
    d = x.shape[-1]
    angles = positions[:, None] * base ** (-torch.arange(0, d, 2) / d)
    a, b = x[..., : d // 2], x[..., d // 2 :]
    out = torch.stack(
        [a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1
    )
    return out.reshape(x.shape)


@wrong("11.2", says="The turned columns were put back in another order")
def joined_in_halves(x, positions, base):
    out = turned(x, positions, base)
    return torch.cat([out[..., 0::2], out[..., 1::2]], -1)


@wrong("11.2", says="The second of a pair was computed from a first")
def turned_in_place(x, positions, base):
    out = x.clone()
    angles = positions[:, None] * base ** (-torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    out[..., 0::2] = out[..., 0::2] * angles.cos() - out[..., 1::2] * angles.sin()
    out[..., 1::2] = out[..., 0::2] * angles.sin() + out[..., 1::2] * angles.cos()
    return out


@wrong("11.2", says="The angles went along the heads' axis")
def heads_for_tokens(x, positions, base):
    return turned(x.transpose(1, 2), positions, base).transpose(1, 2)


@wrong("11.2", says="x was changed in place")
def written_into(x, positions, base):
    out = turned(x.clone(), positions, base)
    x[..., 0::2] = out[..., 0::2]
    x[..., 1::2] = out[..., 1::2]
    return x


@wrong("11.2", says="Only the first head")
def one_head(x, positions, base):
    return torch.cat([turned(x[:, :1], positions, base), x[:, 1:]], 1)


wrongs("11.2", "You turned the other way", back=lambda x, p, b: turned(x, p, b, sign=-1.0))
wrongs("11.2", "Your base is 10000", own_base=lambda x, p, b: turned(x, p, 10000.0))
wrongs(
    "11.2",
    "You counted the positions from 0",
    from_zero=lambda x, p, b: turned(x, torch.arange(x.shape[2]), b),
)
wrongs("11.2", "Your positions are one too large", next_place=lambda x, p, b: turned(x, p + 1, b))
wrongs(
    "11.2",
    "Your exponent falls half",
    i_over_d=lambda x, p, b: turned(x, p, b, lambda d: torch.arange(d // 2) / d),
)
wrongs(
    "11.2",
    "Your exponent falls twice",
    four_i=lambda x, p, b: turned(x, p, b, lambda d: 2 * torch.arange(0, d, 2) / d),
    over_half=lambda x, p, b: turned(x, p, b, lambda d: torch.arange(0, d, 2) / (d / 2)),
)
wrongs(
    "11.2",
    "Your frequencies grow",
    growing=lambda x, p, b: turned(x, p, b, lambda d: -torch.arange(0, d, 2) / d),
)
wrongs(
    "11.2",
    "Every pair was turned by the same",
    alike=lambda x, p, b: turned(x, p, b, lambda d: torch.zeros(d // 2)),
)
wrongs(
    "11.2",
    "The exponent is not divided",
    undivided=lambda x, p, b: turned(x, p, b, lambda d: torch.arange(0, d, 2).float()),
)
wrongs(
    "11.2",
    "The angles have a factor 2π",
    rounds=lambda x, p, b: turned(x, 2 * math.pi * p, b),
)
wrongs(
    "11.2",
    "The angles are in radians, and you",
    degrees=lambda x, p, b: turned(x, torch.deg2rad(p.float()), b),
)
wrongs(
    "11.2",
    "Your pairs come last to first",
    flipped=lambda x, p, b: turned(x, p, b, lambda d: torch.arange(0, d, 2).flip(0) / d),
)
wrongs(
    "11.2",
    "The pairs are turned, and still apart",
    unflattened=lambda x, p, b: turned(x, p, b).unflatten(-1, (-1, 2)),
)
wrongs("11.2", "x came back unturned", same=lambda x, p, b: x.clone())
wrongs("11.2", "A rotation keeps the length", doubled=lambda x, p, b: 2 * turned(x, p, b))
wrongs("11.2", "A rotation keeps the length", added=lambda x, p, b: x + turned(x, p, b))
wrongs(
    "11.2",
    ("The first pair is right", "Every pair keeps"),
    log_spaced=lambda x, p, b: turned(x, p, b, lambda d: torch.linspace(0, 1, d // 2)),
)
wrongs(
    "11.2",
    says=None,
    nothing=lambda x, p, b: None,
    detached=lambda x, p, b: turned(x, p, b).detach(),
)
wrongs(
    "11.2",
    "NumPy knows",
    arrays=lambda x, p, b: torch.from_numpy(turned(torch.from_numpy(x.numpy()), p, b).numpy()),
)


def gated(x, g, u, d, bend=F.silu, join=torch.mul):
    return join(bend(x @ g.T), x @ u.T) @ d.T


wrongs(
    "11.3",
    "Gate and up are swapped",
    swapped=lambda x, g, u, d: F.linear(F.linear(x, g) * F.silu(F.linear(x, u)), d),
)
wrongs("11.3", "The gate is a bare sigmoid", glu=lambda *a: gated(*a, bend=torch.sigmoid))
wrongs("11.3", "The gate was bent with the exact GELU", geglu=lambda *a: gated(*a, bend=F.gelu))
wrongs(
    "11.3",
    "The gate was bent with the tanh formula",
    tanh_gelu=lambda *a: gated(*a, bend=lambda h: F.gelu(h, approximate="tanh")),
)
wrongs("11.3", "The gate was bent with ReLU", reglu=lambda *a: gated(*a, bend=F.relu))
wrongs("11.3", "The gate was not bent", bilinear=lambda *a: gated(*a, bend=lambda h: h))
wrongs("11.3", "The gate was bent with tanh", tanh=lambda *a: gated(*a, bend=torch.tanh))
wrongs(
    "11.3", "The gate was bent twice", twice=lambda *a: gated(*a, bend=lambda h: F.silu(F.silu(h)))
)
wrongs("11.3", "Gate and up were added", summed=lambda *a: gated(*a, join=torch.add))
wrongs("11.3", "You subtracted", less=lambda *a: gated(*a, join=torch.sub))
wrongs(
    "11.3",
    "SiLU came after the product",
    late=lambda x, g, u, d: F.silu((x @ g.T) * (x @ u.T)) @ d.T,
)
wrongs(
    "11.3",
    "Both factors were bent",
    both=lambda x, g, u, d: (F.silu(x @ g.T) * F.silu(x @ u.T)) @ d.T,
)
wrongs("11.3", "w_up was not used", plain=lambda x, g, u, d: F.silu(x @ g.T) @ d.T)
wrongs("11.3", "The gate was lost", ungated=lambda x, g, u, d: x @ u.T @ d.T)
wrongs("11.3", "Both factors came from w_gate", gate_twice=lambda x, g, u, d: gated(x, g, g, d))
wrongs("11.3", "The gate was computed with w_up", up_twice=lambda x, g, u, d: gated(x, u, u, d))
wrongs("11.3", "w_down is missing", no_down=lambda x, g, u, d: F.silu(x @ g.T) * (x @ u.T))
wrongs("11.3", "You added x", residual=lambda x, g, u, d: x + gated(x, g, u, d))
wrongs("11.3", "The output was bent too", bent=lambda x, g, u, d: F.silu(gated(x, g, u, d)))
wrongs("11.3", "w_down was used as (F, C)", flat=lambda x, g, u, d: F.silu(x @ g.T) * (x @ u.T) @ d)
wrongs(
    "11.3", "σ got 1.702", quick=lambda *a: gated(*a, bend=lambda h: h * torch.sigmoid(1.702 * h))
)
wrongs(
    "11.3", "The sign inside σ", sign=lambda *a: gated(*a, bend=lambda h: h / (1 + torch.exp(h)))
)
wrongs(
    "11.3",
    "You returned hidden and output",
    two=lambda x, g, u, d: (
        F.silu(x @ g.T) * (x @ u.T),
        gated(x, g, u, d),
    ),
)
wrongs(
    "11.3",
    ("w_gate was used as (C, F)", "w_gate was used as (C, F)"),
    no_turn_of_the_gate=lambda x, g, u, d: F.silu(x @ g) * (x @ u.T) @ d.T,
)
wrongs(
    "11.3",
    "The two stand side by side",
    side=lambda x, g, u, d: torch.cat([F.silu(x @ g.T), x @ u.T], dim=-1) @ d.T,
)
wrongs(
    "11.3",
    "NumPy knows",
    arrays=lambda x, *w: torch.from_numpy(gated(torch.from_numpy(x.numpy()), *w).numpy()),
)
wrongs(
    "11.3",
    "It leaves by w_down",
    elu=lambda *a: gated(*a, bend=F.elu),
    softplus=lambda *a: gated(*a, bend=F.softplus),
    squared=lambda *a: gated(*a, bend=lambda h: F.relu(h) ** 2),
)
wrongs("11.3", says=None, nothing=lambda *a: None, detached=lambda *a: gated(*a).detach())


@wrong("11.1")
def detached_on_the_way(x, weight, eps):
    y = x.detach()
    return y / (y.square().mean(dim=-1, keepdim=True) + eps).sqrt() * weight


@wrong("11.1")
def divisor_detached(x, weight, eps):
    return x / (x.square().mean(dim=-1, keepdim=True) + eps).sqrt().detach() * weight
