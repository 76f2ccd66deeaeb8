"""Wrong answers to exercise 7.2."""

from __future__ import annotations

import math

from mutants.cases import course, wrongs

wrongs(
    "7.2",
    says="The warm-up is off by one: step 0 is the",
    from_zero=lambda n, m, p, w, low: course("7.2")(n, m, p, w, low) if n >= w else p * n / w,
)
wrongs(
    "7.2",
    says="Behind the warm-up the rate stays at the peak",
    flat_peak=lambda n, m, p, w, low: p * (n + 1) / w if n < w else p if n < m else low,
    floored=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * (1 + math.cos(math.pi * ((n - w) // (m - w)))) / 2
    ),
)
wrongs(
    "7.2",
    says="Behind the end the rate is peak · min_rate:",
    share_of_peak=lambda n, m, p, w, low: course("7.2")(n, m, p, w, low) if n < m else p * low,
)
wrongs(
    "7.2",
    says="It falls in a straight line: from the peak",
    linear=lambda n, m, p, w, low: (
        course("7.2")(n, m, p, w, low) if n < w or n >= m else p + (low - p) * (n - w) / (m - w)
    ),
)
wrongs(
    "7.2",
    says="There is no warm-up: below step number",
    no_warm_up=lambda n, m, p, w, low: course("7.2")(n, m, p, 0, low),
)
wrongs(
    "7.2",
    says="min_rate is forgotten: the cosine ends there,",
    to_zero=lambda n, m, p, w, low: course("7.2")(n, m, p, w, 0.0),
)
wrongs(
    "7.2",
    says="The cosine was cut off at min_rate: it should",
    cut_off=lambda n, m, p, w, low: (
        max(low, course("7.2")(n, m, p, w, 0.0)) if n >= w else p * (n + 1) / w
    ),
)
wrongs(
    "7.2",
    says="min_rate was added on top, so the peak is too",
    on_top=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + p * (1 + math.cos(math.pi * (n - w) / (m - w))) / 2
    ),
)
wrongs(
    "7.2",
    says="This cosine goes down and up again: half of",
    whole_wave=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * (1 + math.cos(2 * math.pi * (n - w) / (m - w))) / 2
    ),
)
wrongs(
    "7.2",
    says="The cosine counts from step 0, so there is a",
    from_step_0=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * (1 + math.cos(math.pi * n / m)) / 2
    ),
)
wrongs(
    "7.2",
    says="It climbs: 1 − cos goes from 0 to 2, and 1 +",
    rising=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * (1 - math.cos(math.pi * (n - w) / (m - w))) / 2
    ),
)
wrongs(
    "7.2",
    says="The cosine begins at step number `warm_up`:",
    one_late=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n <= w and w
        else low
        if n >= m
        else low + (p - low) * (1 + math.cos(math.pi * (n - w) / (m - w))) / 2
    ),
)
wrongs(
    "7.2",
    says="The half is missing: 1 + cos goes from 2 to 0,",
    no_half=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * (1 + math.cos(math.pi * (n - w) / (m - w)))
    ),
)
wrongs(
    "7.2",
    says="From step number `steps` on the rate is",
    no_end=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low + (p - low) * (1 + math.cos(math.pi * (n - w) / max(1, m - w))) / 2
    ),
)
wrongs(
    "7.2",
    says="The angle is in degrees: math.cos wants",
    degrees=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * (1 + math.cos(180 * (n - w) / (m - w))) / 2
    ),
)
wrongs(
    "7.2",
    says="This is a quarter of a cosine, flat at the",
    quarter=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * math.cos(math.pi / 2 * (n - w) / (m - w))
    ),
)
wrongs(
    "7.2",
    says="The warm-up is off by one: its last step,",
    warm_plus_one=lambda n, m, p, w, low: (
        p * (n + 1) / (w + 1) if n < w else course("7.2")(n, m, p, w, low)
    ),
)
wrongs(
    "7.2",
    says="This step is on the cosine, its progress (4 −",
    exponential=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * math.exp(-(n - w) / (m - w))
    ),
)
wrongs(
    "7.2",
    says="The cosine is off by one: yours is at",
    one_less=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * (1 + math.cos(math.pi * (n - w) / max(1, m - w - 1))) / 2
    ),
)
