"""Sound answers to exercise 7.4."""

from __future__ import annotations

from mutants.cases import sounds


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


sounds(
    "7.4",
    by_hand=lambda *a: adam(a),
    a_list=lambda *a: [*adam(a)],
    in_float64=lambda *a: tuple(x.double() for x in adam(a)),
    in_numpy=lambda *a: tuple(x.numpy() for x in adam(a)),
    lerped=lambda *a: adam(a, mean=lambda m, g, b: m.lerp(g, 1 - b)),
    factored=lambda *a: adam(a, new=lambda p, f, s, r, e, d, g: p - r * (d * p + f / (s**0.5 + e))),
)
