"""Sound answers to exercise 6.4."""

from __future__ import annotations

import torch
from mutants.cases import course, sounds

sounds(
    "6.4",
    turned=lambda f: dict(reversed(course("6.4")(f).items())),
    tensors=lambda f: {k: torch.tensor(v) for k, v in course("6.4")(f).items()},
    twelve=lambda f: (
        course("6.4")(f)
        | {"attention": f.n_layers * 12 * f.d_model**2 // 3 + 4 * f.n_layers * f.d_model}
    ),
)
