"""Sound answers to exercise 6.5."""

from __future__ import annotations

from mutants.cases import course, sounds

sounds(
    "6.5",
    turned=lambda f, n: dict(reversed(course("6.5")(f, n).items())),
    six=lambda f, n: (
        course("6.5")(f, n)
        | {"feed-forward": 16 * f.n_layers * f.d_model**2, "head": 2 * f.d_model * f.vocab_size}
    ),
)
