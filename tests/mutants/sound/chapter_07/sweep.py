"""Sound answers to exercise 7.8."""

from __future__ import annotations

import math

import torch
from mutants.cases import sounds

sounds(
    "7.8",
    finer=lambda run: min(
        [1e-4 * 1.4**k for k in range(24)],
        key=lambda rate: (lambda x: x if x == x else math.inf)(run(rate, 1, 20)),
    ),
    two_seeds=lambda run: min(
        [1e-4 * 2**k for k in range(14)],
        key=lambda rate: (lambda x: x if x == x else math.inf)(run(rate, 0, 20) + run(rate, 7, 20)),
    ),
    from_above=lambda run: min(
        [1.0 / 2**k for k in range(14)],
        key=lambda rate: (lambda x: math.inf if math.isnan(x) else x)(run(rate, 3, 20)),
    ),
    a_tensor=lambda run: torch.tensor(
        min(
            [1e-4 * 2**k for k in range(14)],
            key=lambda rate: (lambda x: x if x == x else math.inf)(run(rate, 0, 20)),
        )
    ),
)
