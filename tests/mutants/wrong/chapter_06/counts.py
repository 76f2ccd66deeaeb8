"""Wrong answers to exercise 6.4."""

from __future__ import annotations

from mutants.cases import ANY, course, wrongs

wrongs(
    "6.4",
    says="This is one block: there are n_layers of",
    one_layer=lambda f: (
        course("6.4")(f)
        | {
            "attention": 4 * f.d_model * (f.d_model + 1),
            "feed-forward": 8 * f.d_model**2 + 5 * f.d_model,
            "norms": 4 * f.d_model,
        }
    ),
)
wrongs(
    "6.4",
    says="`attention`: the biases are missing: 3 C for",
    attention_no_bias=lambda f: course("6.4")(f) | {"attention": f.n_layers * 4 * f.d_model**2},
    two_parts=lambda f: (
        course("6.4")(f) | {"attention": f.n_layers * 4 * f.d_model**2, "final norm": f.d_model}
    ),
)
wrongs(
    "6.4",
    says="`attention`: beside queries, keys and values",
    attention_three=lambda f: (
        course("6.4")(f) | {"attention": f.n_layers * 3 * f.d_model * (f.d_model + 1)}
    ),
)
wrongs(
    "6.4",
    says="`attention`: the heads share the columns of",
    attention_heads=lambda f: (
        course("6.4")(f) | {"attention": f.n_layers * f.n_heads * 4 * f.d_model * (f.d_model + 1)}
    ),
)
wrongs(
    "6.4",
    says="`attention`: queries, keys and values have",
    attention_bias_once=lambda f: (
        course("6.4")(f) | {"attention": f.n_layers * (4 * f.d_model**2 + f.d_model)}
    ),
)
wrongs(
    "6.4",
    says="`feed-forward`: the biases are missing: 4 C",
    ffn_no_bias=lambda f: course("6.4")(f) | {"feed-forward": f.n_layers * 8 * f.d_model**2},
)
wrongs(
    "6.4",
    says="`feed-forward`: there are two matrices: C × 4",
    ffn_one=lambda f: (
        course("6.4")(f) | {"feed-forward": f.n_layers * (4 * f.d_model**2 + 4 * f.d_model)}
    ),
)
wrongs(
    "6.4",
    says="`feed-forward`: on the way out there are C",
    ffn_equal_bias=lambda f: (
        course("6.4")(f) | {"feed-forward": f.n_layers * (8 * f.d_model**2 + 8 * f.d_model)}
    ),
)
wrongs(
    "6.4",
    says="`feed-forward`: it is 4 C wide",
    ffn_narrow=lambda f: (
        course("6.4")(f) | {"feed-forward": f.n_layers * (2 * f.d_model**2 + 2 * f.d_model)}
    ),
)
wrongs(
    "6.4",
    says="`norms`: a block has two norms, each with a",
    norms_weights=lambda f: course("6.4")(f) | {"norms": f.n_layers * 2 * f.d_model},
)
wrongs(
    "6.4",
    says="`norms`: this is one block, and there are",
    norms_one_layer=lambda f: course("6.4")(f) | {"norms": 4 * f.d_model},
)
wrongs(
    "6.4",
    says="`norms`: the final norm is counted in: it has",
    norms_with_final=lambda f: (
        course("6.4")(f) | {"norms": f.n_layers * 4 * f.d_model + 2 * f.d_model}
    ),
)
wrongs(
    "6.4",
    says="`final norm`: it has a bias too: 2",
    final_weight=lambda f: course("6.4")(f) | {"final norm": f.d_model},
)
wrongs(
    "6.4",
    says="`final norm`: it has a weight and a bias for",
    final_none=lambda f: course("6.4")(f) | {"final norm": 0},
)
wrongs(
    "6.4",
    says="`head`: a tied head is the same matrix as the",
    head_always=lambda f: course("6.4")(f) | {"head": f.vocab_size * f.d_model},
)
wrongs(
    "6.4",
    says="`head`: one that isn't tied has a matrix of",
    head_never=lambda f: course("6.4")(f) | {"head": 0},
)
wrongs(
    "6.4",
    says="The head has a bias for each token if it",
    head_bias=lambda f: (
        course("6.4")(f) | {"head": 0 if f.tied else f.vocab_size * f.d_model + f.vocab_size}
    ),
)
wrongs(
    "6.4",
    says="`position embedding`: the table has a row for",
    places_vocab=lambda f: course("6.4")(f) | {"position embedding": f.vocab_size * f.d_model},
)
wrongs(
    "6.4",
    says="`position embedding`: the places have a table",
    places_none=lambda f: course("6.4")(f) | {"position embedding": 0},
)
wrongs(
    "6.4",
    says="`feed-forward`: this is one block, and there",
    ffn_and_head=lambda f: (
        course("6.4")(f)
        | {"feed-forward": 8 * f.d_model**2 + 5 * f.d_model, "head": f.vocab_size * f.d_model}
    ),
)
wrongs(
    "6.4",
    says=ANY,
    key_missing=lambda f: {k: v for k, v in course("6.4")(f).items() if k != "head"},
    total=lambda f: sum(course("6.4")(f).values()),
)
