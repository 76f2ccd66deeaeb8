"""Wrong answers to exercise 6.5."""

from __future__ import annotations

from mutants.cases import ANY, course, wrongs

wrongs(
    "6.5",
    says="You counted multiplications only: each comes",
    halved=lambda f, n: {k: v // 2 for k, v in course("6.5")(f, n).items()},
)
wrongs(
    "6.5",
    says="That is training, forward and backward: a",
    tripled=lambda f, n: {k: 3 * v for k, v in course("6.5")(f, n).items()},
)
wrongs(
    "6.5",
    says="That is what all n_tokens take: count for one",
    times_n=lambda f, n: {k: n * v for k, v in course("6.5")(f, n).items()},
)
wrongs(
    "6.5",
    says="This is one block: there are n_layers of",
    one_layer=lambda f, n: (
        {k: v if k == "head" else v // f.n_layers for k, v in course("6.5")(f, n).items()}
    ),
)
wrongs(
    "6.5",
    says="`looks`: that is half of it: each",
    looks_half=lambda f, n: course("6.5")(f, n) | {"looks": 2 * f.n_layers * n * f.d_model},
)
wrongs(
    "6.5",
    says="`looks`: that is what all n_tokens take:",
    looks_square=lambda f, n: course("6.5")(f, n) | {"looks": 4 * f.n_layers * n * n * f.d_model},
)
wrongs(
    "6.5",
    says="`looks`: it looks at the n_tokens that there",
    looks_context=lambda f, n: (
        course("6.5")(f, n) | {"looks": 4 * f.n_layers * f.context_length * f.d_model}
    ),
)
wrongs(
    "6.5",
    says="`looks`: all heads look, not one alone:",
    looks_head=lambda f, n: (
        course("6.5")(f, n) | {"looks": 4 * f.n_layers * n * f.d_model // f.n_heads}
    ),
)
wrongs(
    "6.5",
    says="`looks`: the number of heads makes no",
    looks_heads=lambda f, n: (
        course("6.5")(f, n) | {"looks": 4 * f.n_layers * n * f.d_model * f.n_heads}
    ),
)
wrongs(
    "6.5",
    says="`looks`: they are missing: they take work",
    looks_none=lambda f, n: course("6.5")(f, n) | {"looks": 0},
    ffn_and_looks=lambda f, n: (
        course("6.5")(f, n) | {"feed-forward": 16 * f.d_model**2, "looks": 0}
    ),
)
wrongs(
    "6.5",
    says="`looks`: the token looks at itself too:",
    looks_without_self=lambda f, n: (
        course("6.5")(f, n) | {"looks": 4 * f.n_layers * (n - 1) * f.d_model}
    ),
)
wrongs(
    "6.5",
    says="A tied head works as well: it has no matrix",
    head_none_tied=lambda f, n: (
        course("6.5")(f, n) | {"head": 0 if f.tied else 2 * f.vocab_size * f.d_model}
    ),
)
wrongs(
    "6.5",
    says="`head`: that is half of it: each",
    head_half=lambda f, n: course("6.5")(f, n) | {"head": f.vocab_size * f.d_model},
)
wrongs(
    "6.5",
    says="`head`: the embedding is a look-up, no",
    head_twice=lambda f, n: course("6.5")(f, n) | {"head": 4 * f.vocab_size * f.d_model},
)
wrongs(
    "6.5",
    says="`attention`: it has four matrices of C × C:",
    attention_three=lambda f, n: course("6.5")(f, n) | {"attention": 6 * f.n_layers * f.d_model**2},
)
wrongs(
    "6.5",
    says="`attention`: biases, norms and the like are",
    attention_bias=lambda f, n: (
        course("6.5")(f, n) | {"attention": f.n_layers * (8 * f.d_model**2 + 4 * f.d_model)}
    ),
)
wrongs(
    "6.5",
    says="`attention`: the looks are counted in: they",
    attention_with_looks=lambda f, n: (
        course("6.5")(f, n) | {"attention": f.n_layers * (8 * f.d_model**2 + 4 * n * f.d_model)}
    ),
)
wrongs(
    "6.5",
    says="`feed-forward`: that is half of it: each",
    ffn_half=lambda f, n: course("6.5")(f, n) | {"feed-forward": 8 * f.n_layers * f.d_model**2},
)
wrongs(
    "6.5",
    says="`feed-forward`: it is 4 C wide",
    ffn_narrow=lambda f, n: course("6.5")(f, n) | {"feed-forward": 4 * f.n_layers * f.d_model**2},
)
wrongs(
    "6.5",
    says=ANY,
    total=lambda f, n: sum(course("6.5")(f, n).values()),
)
