"""Sound answers to exercise 7.2."""

from __future__ import annotations

import math

import torch
from mutants.cases import course, sounds

sounds(
    "7.2",
    a_tensor=lambda *a: torch.tensor(course("7.2")(*a)),
    halves=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else low + (p - low) * (1 - math.sin(math.pi / 2 * (n - w) / (m - w)) ** 2)
    ),
    mean_of_both=lambda n, m, p, w, low: (
        p * (n + 1) / w
        if n < w
        else low
        if n >= m
        else (p + low) / 2 + (p - low) / 2 * math.cos(math.pi * (n - w) / (m - w))
    ),
    renamed=lambda step, total, top, ramp, floor: course("7.2")(step, total, top, ramp, floor),
)
