"""Wrong answers to exercises 1.1 and 1.2."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, wrong, wrongs


def line(slope, intercept, upright=None):
    """An answer from its two formulas of x1, y1, x2, y2 (the intercept's has the slope, too)."""

    def answer(p, q):
        (x1, y1), (x2, y2) = p, q
        if x1 == x2:
            if upright is not None:
                return upright(x1, y1)
            raise ValueError("no line")
        m = slope(x1, y1, x2, y2)
        return m, intercept(m, x1, y1, x2, y2)

    return answer


def sound_slope(x1, y1, x2, y2):
    return (y2 - y1) / (x2 - x1)


def sound_intercept(m, x1, y1, x2, y2):
    return y1 - m * x1


wrongs(
    "1.1",
    None,
    upside_down=line(
        lambda x1, y1, x2, y2: (x2 - x1) / (y2 - y1) if y1 != y2 else math.inf, sound_intercept
    ),
)
wrongs(
    "1.1",
    "Your slope has the wrong sign",
    crossed=line(lambda a, b, c, d: (b - d) / (c - a), sound_intercept),
)
wrongs(
    "1.1", "You divided with //", floor=line(lambda a, b, c, d: (d - b) // (c - a), sound_intercept)
)
wrongs(
    "1.1",
    "Your slope is only the change of y",
    rise=line(lambda a, b, c, d: d - b, sound_intercept),
)
wrongs(
    "1.1",
    "Your slope has lost its sign",
    sizes=line(lambda a, b, c, d: abs((d - b) / (c - a)), sound_intercept),
)
wrongs(
    "1.1",
    None,
    by_x2=line(lambda a, b, c, d: (d - b) / c if c else 0.0, sound_intercept),
    summed=line(lambda a, b, c, d: (d + b) / (c + a) if c + a else 0.0, sound_intercept),
    zero=line(sound_slope, lambda m, *rest: 0.0),
    times=line(sound_slope, lambda m, a, b, c, d: m * b - a),
)
wrongs("1.1", "Your intercept is the y of the first", y1=line(sound_slope, lambda m, a, b, c, d: b))
wrongs(
    "1.1", "Your intercept is the y of the second", y2=line(sound_slope, lambda m, a, b, c, d: d)
)
wrongs("1.1", "You walk away", plus=line(sound_slope, lambda m, a, b, c, d: b + m * a))
wrongs(
    "1.1",
    "Your intercept mixes",
    mixed=line(sound_slope, lambda m, a, b, c, d: b - m * c),
)
wrongs(
    "1.1",
    "Your intercept takes the y of the second",
    mixed_the_other_way=line(sound_slope, lambda m, a, b, c, d: d - m * a),
)
wrongs(
    "1.1",
    "Your intercept has the wrong sign",
    turned=line(sound_slope, lambda m, a, b, c, d: m * a - b),
)
wrongs(
    "1.1", "Your intercept is one step back", no_x=line(sound_slope, lambda m, a, b, c, d: b - m)
)
wrongs(
    "1.1",
    "For two points with the same x you return None",
    none=line(sound_slope, sound_intercept, lambda x, y: None),
)
wrongs(
    "1.1",
    "For two points with the same x you return a pair",
    nones=line(sound_slope, sound_intercept, lambda x, y: (None, None)),
)
wrongs(
    "1.1",
    None,
    infinite=line(sound_slope, sound_intercept, lambda x, y: (math.inf, math.nan)),
    says_so=line(sound_slope, sound_intercept, lambda x, y: "no line"),
)
wrongs(
    "1.1",
    "For two points with the same x you return the ValueError",
    error_returned=line(sound_slope, sound_intercept, lambda x, y: ValueError("no line")),
)
wrongs(
    "1.1",
    "Two points with the same x do not have a flat line",
    flat=line(sound_slope, sound_intercept, lambda x, y: (0.0, y)),
)
wrongs(
    "1.1",
    "The slope is rounded",
    rounded=line(lambda *v: round(sound_slope(*v), 2), sound_intercept),
)
wrongs(
    "1.1", "You made a whole number", whole=line(lambda *v: int(sound_slope(*v)), sound_intercept)
)


@wrong("1.1", "Two points with the same x make you divide")
def not_guarded(p, q):
    slope = (q[1] - p[1]) / (q[0] - p[0])
    return slope, p[1] - slope * p[0]


@wrong("1.1", "Right numbers, wrong order")
def intercept_first(p, q):
    if p[0] == q[0]:
        raise ValueError("no line")
    slope = (q[1] - p[1]) / (q[0] - p[0])
    return p[1] - slope * p[0], slope


@wrong("1.1", "You unpacked the points crosswise")
def columns(p, q):
    (x1, x2), (y1, y2) = p, q
    if x1 == x2:
        raise ValueError("no line")
    slope = (y2 - y1) / (x2 - x1)
    return slope, y1 - slope * x1


@wrong("1.1", ANY)
def either_equal(p, q):
    if p[0] == q[0] or p[1] == q[1]:
        raise ValueError("no line")
    slope = (q[1] - p[1]) / (q[0] - p[0])
    return slope, p[1] - slope * p[0]


@wrong("1.1", "No line of the form")
def infinite_slope(p, q):
    if p[0] == q[0]:
        return float("inf"), -float("inf")
    slope = (q[1] - p[1]) / (q[0] - p[0])
    return slope, p[1] - slope * p[0]


@wrong("1.1", ("Right numbers, wrong order", "You walk away"))
def two_at_once(p, q):
    if p[0] == q[0]:
        raise ValueError("no line")
    slope = (q[1] - p[1]) / (q[0] - p[0])
    return p[1] + slope * p[0], slope


@wrong("1.1", ANY)
def other_error(p, q):
    if p[0] == q[0]:
        raise ZeroDivisionError("no line")
    slope = (q[1] - p[1]) / (q[0] - p[0])
    return slope, p[1] - slope * p[0]


@wrong("1.1", None)
def only_the_slope(p, q):
    if p[0] == q[0]:
        raise ValueError("no line")
    return (q[1] - p[1]) / (q[0] - p[0])


wrongs("1.2", "You return one number per example", each=lambda p, w: (p - w) ** 2)
wrongs(
    "1.2",
    "You took the sum",
    total=lambda p, w: ((p - w) ** 2).sum(),
    dot=lambda p, w: (p - w) @ (p - w),
    looped=lambda p, w: sum((a - b) ** 2 for a, b in zip(p, w, strict=True)),
)
wrongs(
    "1.2",
    "You averaged the errors before",
    early=lambda p, w: (p - w).mean() ** 2,
    means=lambda p, w: (p.mean() - w.mean()) ** 2,
)
wrongs("1.2", None, summed=lambda p, w: (p - w).sum() ** 2 / len(p))
wrongs("1.2", "You averaged the errors themselves", plain=lambda p, w: (p - w).mean())
wrongs(
    "1.2",
    "You averaged the sizes",
    sizes=lambda p, w: (p - w).abs().mean(),
    l1=lambda p, w: torch.nn.functional.l1_loss(p, w),
)
wrongs("1.2", "You took the square root", rmse=lambda p, w: ((p - w) ** 2).mean() ** 0.5)
wrongs(
    "1.2",
    "You halved",
    half=lambda p, w: ((p - w) ** 2).mean() / 2,
    half_first=lambda p, w: (0.5 * (p - w) ** 2).mean(),
)
wrongs(
    "1.2",
    "You divide by N − 1",
    less=lambda p, w: (
        ((p - w) ** 2).sum() / max(len(p) - 1, 1) if len(p) > 1 else torch.tensor(math.inf)
    ),
)
wrongs("1.2", "You doubled", doubled=lambda p, w: ((p - w) * 2).mean())
wrongs(
    "1.2",
    "You squared predictions",
    apart=lambda p, w: (p**2 - w**2).mean(),
    means_of_squares=lambda p, w: (p**2).mean() - (w**2).mean(),
)
wrongs("1.2", "You added what was wanted", plus=lambda p, w: ((p + w) ** 2).mean())
wrongs("1.2", "That is the largest", largest=lambda p, w: ((p - w) ** 2).max())
wrongs("1.2", "That is the middle", middle=lambda p, w: ((p - w) ** 2).median())
wrongs("1.2", ("You took the sum", "You took the square root"), length=lambda p, w: (p - w).norm())
wrongs("1.2", ("You took the sum", "You halved"), half_sum=lambda p, w: 0.5 * ((p - w) ** 2).sum())
wrongs(
    "1.2",
    ("You took the sum", "You averaged the sizes"),
    sum_of_sizes=lambda p, w: (p - w).abs().sum(),
)
wrongs(
    "1.2",
    None,
    huber=lambda p, w: torch.nn.functional.smooth_l1_loss(p, w),
)
wrongs("1.2", "`**` binds closer", precedence=lambda p, w: (p - w**2).mean())
wrongs("1.2", "That is the squared error of the first", first=lambda p, w: (p[0] - w[0]) ** 2)
wrongs("1.2", "You divided each error", relative=lambda p, w: (((p - w) / w) ** 2).mean())
wrongs(
    "1.2",
    "expected a tensor of shape (), got a builtin_function_or_method: the brackets of a call",
    no_call=lambda p, w: ((p - w) ** 2).mean,
)
wrongs(
    "1.2",
    "You compared every prediction with every target",
    broadcast=lambda p, w: ((p[:, None] - w) ** 2).mean(),
)
wrongs("1.2", ANY, caret=lambda p, w: ((p - w) ^ 2).mean(), variance=lambda p, w: (p - w).var())
