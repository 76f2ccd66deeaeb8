"""Chapter 06, fourth part: how much work a token makes."""

from __future__ import annotations

from collections.abc import Callable

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_06.counts import (
    Counts,
    Slips,
    said_of_parts,
    with_slips,
)
from utils.course.exercises.probing import counting
from utils.llm.gpt.model import GPTConfig

# 6.5 · FLOPs


def flops_per_token(config: GPTConfig, n_tokens: int) -> Counts:
    """What it takes to compute one more token that looks at n_tokens, itself among them."""
    c, n_layers = config.d_model, config.n_layers
    return {
        "attention": 2 * n_layers * 4 * c * c,
        "looks": 2 * n_layers * 2 * n_tokens * c,
        "feed-forward": 2 * n_layers * 8 * c * c,
        "head": 2 * config.vocab_size * c,
    }


_HALF = "that is half of it: each multiplication comes with an addition, and {}."
_WHAT = {
    "attention": "there are four matrices of C × C",
    "looks": "there are two products with each of the n tokens, query times key and weight times "
    "value",
    "feed-forward": "there are two matrices of 4 C × C",
    "head": "it has V · C weights",
}
_TRAINING = "that is training, forward and backward: a forward pass takes 2 for each weight, not 6."
_ONE_BLOCK = "this is one block, and there are n_layers of them."
_WHOLE_TEXT = "that is what all n_tokens take: count for one of them."
_BIASES = "biases, norms and the like are left out: they are small beside the products."


def _common(part: str) -> list[tuple[str, Callable[[GPTConfig, int], int]]]:
    """What can go wrong in any part."""

    def right(config: GPTConfig, n_tokens: int) -> int:
        return flops_per_token(config, n_tokens)[part]

    found = [
        (_HALF.format(_WHAT[part]), lambda f, n: right(f, n) // 2),
        (_TRAINING, lambda f, n: 3 * right(f, n)),
        (_WHOLE_TEXT, lambda f, n: n * right(f, n)),
        ("it takes work.", lambda f, n: 0),
    ]
    if part == "head":
        return found
    return [
        *found,
        (_ONE_BLOCK, lambda f, n: right(f, n) // f.n_layers),
        (
            "this is one block, and only its multiplications.",
            lambda f, n: right(f, n) // f.n_layers // 2,
        ),
    ]


def _per_block(number: Callable[[GPTConfig, int], int]) -> Callable[[GPTConfig, int], int]:
    return lambda f, n: 2 * f.n_layers * number(f, n)


_WORK: Slips = {
    "attention": [
        *_common("attention"),
        (
            "it has four matrices of C × C: queries, keys, values and output.",
            _per_block(lambda f, n: 3 * f.d_model**2),
        ),
        ("that is one matrix: there are four of C × C.", _per_block(lambda f, n: f.d_model**2)),
        (
            "the projection at the end goes from C to C.",
            _per_block(lambda f, n: 6 * f.d_model**2),
        ),
        (_BIASES, lambda f, n: f.n_layers * (8 * f.d_model**2 + 4 * f.d_model)),
        (
            "the heads share the columns of the same matrices: their number makes no difference.",
            _per_block(lambda f, n: 4 * f.d_model**2 * f.n_heads),
        ),
        (
            "each head reads all C columns: together their matrices are C × C.",
            _per_block(lambda f, n: 4 * f.d_model * f.d_head),
        ),
        (
            "the looks are counted in: they have a number of their own.",
            _per_block(lambda f, n: 4 * f.d_model**2 + 2 * n * f.d_model),
        ),
    ],
    "looks": [
        *_common("looks")[:3],
        (
            "they are missing: they take work without having parameters.",
            lambda f, n: 0,
        ),
        *_common("looks")[4:],
        (
            "two products with each of the n tokens, and each multiplication comes with an "
            "addition: 4 n C a block.",
            lambda f, n: f.n_layers * n * f.d_model,
        ),
        (
            "the token looks at itself too: n_tokens counts it already.",
            _per_block(lambda f, n: 2 * (n - 1) * f.d_model),
        ),
        (
            "n_tokens counts the token itself already.",
            _per_block(lambda f, n: 2 * (n + 1) * f.d_model),
        ),
        (
            "that is the mean over a text, where early tokens have fewer to look at: this one "
            "looks at all n_tokens.",
            _per_block(lambda f, n: (n + 1) * f.d_model),
        ),
        (
            "the number of heads makes no difference: each head is C / H wide.",
            _per_block(lambda f, n: 2 * n * f.d_model * f.n_heads),
        ),
        (
            "all heads look, not one alone: together they are C wide.",
            _per_block(lambda f, n: 2 * n * f.d_head),
        ),
        (
            "query and key are as long as they are wide: a score takes C products in all heads "
            "together.",
            _per_block(lambda f, n: 2 * n * f.n_heads),
        ),
        (
            "it looks at the n_tokens that there are, not at the whole context_length.",
            _per_block(lambda f, n: 2 * f.context_length * f.d_model),
        ),
        (
            "a key and a value are vectors of width C: n · C, not n · C².",
            _per_block(lambda f, n: 2 * n * f.d_model**2),
        ),
    ],
    "feed-forward": [
        *_common("feed-forward"),
        ("it is 4 C wide inside.", _per_block(lambda f, n: 2 * f.d_model**2)),
        ("its matrices are C × 4 C, not 4 C × 4 C.", _per_block(lambda f, n: 32 * f.d_model**2)),
        (_BIASES, lambda f, n: f.n_layers * (16 * f.d_model**2 + 5 * f.d_model)),
    ],
    "head": [
        *_common("head")[:3],
        ("tied or not, it has to be multiplied: 2 V C.", lambda f, n: 0),
        (
            "it works once, behind the last block.",
            lambda f, n: 2 * f.n_layers * f.vocab_size * f.d_model,
        ),
        (
            "the embedding is a look-up, no product: it costs nothing, and the head 2 V C.",
            lambda f, n: 4 * f.vocab_size * f.d_model,
        ),
        ("it has no bias.", lambda f, n: f.vocab_size * (2 * f.d_model + 1)),
        ("it is a product of V rows with C columns: 2 V C.", lambda f, n: 2 * f.d_model**2),
    ],
}


def _everywhere(change: Callable[[str, int, GPTConfig, int], int]) -> Callable[..., Counts]:
    """The table with every part changed in the same way."""
    return lambda config, n_tokens: {
        part: change(part, number, config, n_tokens)
        for part, number in flops_per_token(config, n_tokens).items()
    }


_OF_ALL_PARTS = {
    "A tied head works as well: it has no matrix of its own, and has to be multiplied, 2 V C.": (
        _everywhere(lambda part, number, f, n: 0 if part == "head" and f.tied else number)
    ),
    "You counted multiplications only: each comes with an addition, so 2 for each weight.": (
        _everywhere(lambda part, number, f, n: number // 2)
    ),
    "That is training, forward and backward: a forward pass alone takes 2 for each weight, not "
    "6.": _everywhere(lambda part, number, f, n: 3 * number),
    "This is one block: there are n_layers of them.": _everywhere(
        lambda part, number, f, n: number if part == "head" else number // f.n_layers
    ),
    "That is what all n_tokens take: count for one of them.": _everywhere(
        lambda part, number, f, n: n * number
    ),
}


def _product(rows: int, inner: int, columns: int) -> int:
    """The FLOPs of a matrix product: a multiplication and an addition for each pair."""
    return 2 * rows * inner * columns


def _by_products(config: GPTConfig, n_tokens: int) -> Counts:
    c, d = config.d_model, config.d_model // config.n_heads
    found = dict.fromkeys(("attention", "looks", "feed-forward"), 0)
    for _ in range(config.n_layers):
        found["attention"] += _product(1, c, 3 * c) + _product(1, c, c)
        for _ in range(config.n_heads):
            found["looks"] += _product(1, d, n_tokens) + _product(1, n_tokens, d)
        found["feed-forward"] += _product(1, c, 4 * c) + _product(1, 4 * c, c)
    return found | {"head": _product(1, c, config.vocab_size)}


FLOPS = Exercise(
    id="6.5",
    title="What one token costs",
    minutes=8,
    stars=2,
    reference=flops_per_token,
    probes=[
        (GPTConfig(23, 17, 11, 7, 35), 13),
        (GPTConfig(29, 19, 13, 5, 55, tied=False), 17),
        (GPTConfig(3, 4, 1, 1, 2), 1),
        (GPTConfig.preset("gpt2"), 1024),
    ],
    mistakes=_OF_ALL_PARTS | with_slips(flops_per_token, _WORK),
    alternatives={"product by product": _by_products},
    call=counting,
    explain=said_of_parts(_WORK),
)
