"""Wrong answers to exercise 7.4."""

from __future__ import annotations

import torch
from mutants.cases import wrong, wrongs


def adam(
    given: tuple,
    mean: object = lambda m, g, b: b * m + (1 - b) * g,
    square: object = lambda s, g, b: b * s + (1 - b) * g * g,
    fair: object = lambda x, b, t: x / (1 - b**t),
    new: object = lambda p, f, s, r, e, d, g: p - r * d * p - r * f / (s.sqrt() + e),
    out: object = lambda *parts: parts,
) -> object:
    """A step of AdamW, with a line of the learner's own."""
    p, g, m, s, t, rate, betas, eps, decay = given
    m, s = mean(m, g, betas[0]), square(s, g, betas[1])
    f, q = fair(m, betas[0], t), fair(s, betas[1], t)
    return out(m, s, f, q, new(p, f, q, rate, eps, decay, g))


wrongs(
    "7.4",
    says="The two betas are swapped: the first is the",
    betas_turned=lambda *a: adam((*a[:6], a[6][::-1], *a[7:])),
)
wrongs(
    "7.4",
    says="Both means were made with the first beta: the",
    one_beta=lambda *a: adam((*a[:6], (a[6][0],) * 2, *a[7:])),
)
wrongs(
    "7.4",
    says="Both means were made with the second beta:",
    second_for_both=lambda *a: adam((*a[:6], (a[6][1],) * 2, *a[7:])),
)
wrongs(
    "7.4",
    says="The new gradient has the weight 1: a running",
    full_gradient=lambda *a: adam(
        a, mean=lambda m, g, b: b * m + g, square=lambda s, g, b: b * s + g * g
    ),
)
wrongs(
    "7.4",
    says="The gradient was not squared: the second mean",
    not_squared=lambda *a: adam(a, square=lambda s, g, b: b * s + (1 - b) * g),
)
wrongs(
    "7.4",
    says="You averaged the absolute gradient: the",
    absolute=lambda *a: adam(a, square=lambda s, g, b: b * s + (1 - b) * g.abs()),
)
wrongs(
    "7.4",
    says="The correction of the bias is forgotten: both",
    no_correction=lambda *a: adam(a, fair=lambda x, b, t: x),
)
wrongs(
    "7.4",
    says="The correction lacks the power: divide by 1 −",
    no_power=lambda *a: adam(a, fair=lambda x, b, t: x / (1 - b)),
    no_decay_no_power=lambda *a: adam(
        a,
        fair=lambda x, b, t: x / (1 - b),
        new=lambda p, f, s, r, e, d, g: p - r * f / (s.sqrt() + e),
    ),
)
wrongs(
    "7.4",
    says="β was multiplied by step: it is taken to its",
    times_step=lambda *a: adam(a, fair=lambda x, b, t: x / (1 - b * t)),
)
wrongs(
    "7.4",
    says="The correction is one step late: use β to the",
    from_zero=lambda *a: adam((*a[:4], a[4] + 1, *a[5:])),
)
wrongs(
    "7.4",
    says="You multiplied by 1 − β^step: the means are",
    multiplied=lambda *a: adam(a, fair=lambda x, b, t: x * (1 - b**t)),
)
wrongs(
    "7.4",
    says="eps is inside the root: it is added to the",
    eps_inside=lambda *a: adam(
        a, new=lambda p, f, s, r, e, d, g: p - r * d * p - r * f / (s + e).sqrt()
    ),
)
wrongs(
    "7.4",
    says="The root is missing: divide by the square",
    no_root=lambda *a: adam(a, new=lambda p, f, s, r, e, d, g: p - r * d * p - r * f / (s + e)),
)
wrongs(
    "7.4",
    says="eps is missing: where the gradient is 0, so",
    no_eps=lambda *a: adam(a, new=lambda p, f, s, r, e, d, g: p - r * d * p - r * f / s.sqrt()),
)
wrongs(
    "7.4",
    says="The decay is forgotten: multiply the",
    no_decay=lambda *a: adam(a, new=lambda p, f, s, r, e, d, g: p - r * f / (s.sqrt() + e)),
)
wrongs(
    "7.4",
    says="The decay lacks the learning rate: shrink by",
    decay_whole=lambda *a: adam(
        a, new=lambda p, f, s, r, e, d, g: p - d * p - r * f / (s.sqrt() + e)
    ),
)
wrongs(
    "7.4",
    says="The parameter grew by the decay: it shrinks,",
    decay_added=lambda *a: adam(
        a, new=lambda p, f, s, r, e, d, g: p + r * d * p - r * f / (s.sqrt() + e)
    ),
)
wrongs(
    "7.4",
    says="You walked uphill: subtract the",
    uphill=lambda *a: adam(
        a, new=lambda p, f, s, r, e, d, g: p - r * d * p + r * f / (s.sqrt() + e)
    ),
)
wrongs(
    "7.4",
    says="The step was made from the gradient itself:",
    gradient_step=lambda *a: adam(
        a, new=lambda p, f, s, r, e, d, g: p - r * d * p - r * g / (s.sqrt() + e)
    ),
)
wrongs(
    "7.4",
    says="The decay went through the gradient, which is",
    l2=lambda *a: adam((a[0], a[1] + a[8] * a[0], *a[2:8], 0.0)),
)
wrongs(
    "7.4",
    says="You returned the new parameter alone: all",
    only_new=lambda *a: adam(a, out=lambda *parts: parts[-1]),
)
wrongs(
    "7.4",
    says="You returned the new parameter and the two",
    three=lambda *a: adam(a, out=lambda m, s, f, q, new: (new, m, s)),
)
wrongs(
    "7.4",
    says="Your parts are right, in another order:",
    turned=lambda *a: adam(a, out=lambda *parts: parts[::-1]),
)
wrongs(
    "7.4",
    says="The step lacks the learning rate: subtract",
    no_rate=lambda *a: adam(a, new=lambda p, f, s, r, e, d, g: p - r * d * p - f / (s.sqrt() + e)),
)


@wrong("7.4")
def rows_only(parameter, gradient, mean, square, step, rate, betas, eps, decay):
    numbers = zip(parameter, gradient, mean, square, strict=True)
    found = [adam((*each, step, rate, betas, eps, decay)) for each in numbers]
    return tuple(torch.tensor([float(x) for x in part]) for part in zip(*found, strict=True))
