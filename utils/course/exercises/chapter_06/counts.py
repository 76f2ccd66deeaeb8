"""Chapter 06, third part: how many numbers, and how much work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from utils.course.checking.exercise import Exercise
from utils.llm.gpt.counts import parameter_table
from utils.llm.gpt.model import GPT, GPTConfig

Counts = dict[str, int]

# 6.4 · parameters


def count_parameters(config: GPTConfig) -> Counts:
    """How many parameters each part of a GPT-2 has; all together they are the model."""
    return parameter_table(config)


def _count(
    config: GPTConfig,
    *,
    per_block: Callable[[int], int] = lambda c: 3 * c * c + 3 * c + c * c + c,
    feed_forward: Callable[[int], int] = lambda c: 8 * c * c + 5 * c,
    norms: Callable[[int], int] = lambda c: 4 * c,
    final_norm: Callable[[int], int] = lambda c: 2 * c,
    head: Callable[[GPTConfig], int] = lambda f: 0 if f.tied else f.vocab_size * f.d_model,
    layers: Callable[[GPTConfig], int] = lambda f: f.n_layers,
) -> Counts:
    c, n_layers = config.d_model, layers(config)
    return {
        "token embedding": config.vocab_size * c,
        "position embedding": config.context_length * c,
        "attention": n_layers * per_block(c),
        "feed-forward": n_layers * feed_forward(c),
        "norms": n_layers * norms(c),
        "final norm": final_norm(c),
        "head": head(config),
    }


def _with(part: str, number: Callable[[GPTConfig], int]) -> Callable[[GPTConfig], Counts]:
    return lambda config: count_parameters(config) | {part: number(config)}


def _by_looking(config: GPTConfig) -> Counts:
    """Build it, without numbers in it, and count."""
    with torch.device("meta"):
        model = GPT(config)
    found = dict.fromkeys(count_parameters(config), 0)
    keys = {
        "final norm": "final_norm",
        "norms": "norm",
        "token embedding": "token_embedding",
        "position embedding": "position_embedding",
        "attention": "attention",
        "feed-forward": "feed_forward",
        "head": "head",
    }
    for name, weights in model.named_parameters():
        part = next(part for part, key in keys.items() if key in name)
        found[part] += weights.numel()
    return found


def _by_layers(config: GPTConfig) -> Counts:
    c = config.d_model

    def linear(n_in: int, n_out: int) -> int:
        return sum(p.numel() for p in nn.Linear(n_in, n_out, device="meta").parameters())

    found = dict.fromkeys(count_parameters(config), 0)
    found["token embedding"] = config.vocab_size * c
    found["position embedding"] = config.context_length * c
    for _ in range(config.n_layers):
        found["attention"] += linear(c, 3 * c) + linear(c, c)
        found["feed-forward"] += linear(c, 4 * c) + linear(4 * c, c)
        found["norms"] += 4 * c
    found["final norm"] = 2 * c
    found["head"] = 0 if config.tied else linear(c, config.vocab_size) - config.vocab_size
    return found


COUNT = Exercise(
    id="6.4",
    title="Where the parameters are",
    minutes=12,
    stars=2,
    reference=count_parameters,
    probes=[
        (GPTConfig(3, 2, 1, 1, 2),),
        (GPTConfig(10, 4, 2, 2, 6),),
        (GPTConfig(7, 5, 3, 2, 4, tied=False),),
        (GPTConfig.preset("gpt2"),),
    ],
    mistakes={
        "The tokens' table is counted twice: a tied head is the same matrix, and adds none.": (
            partial(_count, head=lambda f: f.vocab_size * f.d_model)
        ),
        "A head that isn't tied has a matrix of its own, V × C.": partial(_count, head=lambda f: 0),
        "It is the other way round: a tied head adds nothing, and one that isn't tied "
        "V × C.": partial(_count, head=lambda f: f.vocab_size * f.d_model if f.tied else 0),
        "This head has a bias for each token: GPT-2's has none.": partial(
            _count, head=lambda f: 0 if f.tied else f.vocab_size * (f.d_model + 1)
        ),
        "This is one block: there are n_layers of them.": partial(_count, layers=lambda f: 1),
        "All biases are missing in attention and feed-forward: each output has one.": partial(
            _count, per_block=lambda c: 4 * c * c, feed_forward=lambda c: 8 * c * c
        ),
        "The biases of attention are missing: 3 C for queries, keys and values, C for the "
        "output.": partial(_count, per_block=lambda c: 4 * c * c),
        "The biases of the feed-forward layer are missing: 4 C inside, C on the way out.": partial(
            _count, feed_forward=lambda c: 8 * c * c
        ),
        "Attention has a bias for each output too: 3 C for queries, keys and values, and C "
        "more.": partial(_count, per_block=lambda c: 4 * c * c + 3 * c),
        "Each output has a bias: 4 C inside the feed-forward layer, C on the way out.": partial(
            _count, feed_forward=lambda c: 8 * c * c + 2 * c
        ),
        "Attention ends with a projection: beside queries, keys and values there is a fourth "
        "matrix, C × C, with C biases.": partial(_count, per_block=lambda c: 3 * c * c + 3 * c),
        "The feed-forward layer has two matrices, C × 4 C up and 4 C × C down.": partial(
            _count, feed_forward=lambda c: 4 * c * c + 4 * c
        ),
        "The feed-forward layer is 4 C wide inside.": partial(
            _count, feed_forward=lambda c: 2 * c * c + 2 * c
        ),
        "The heads don't multiply anything: they share the columns of the same matrices.": _with(
            "attention", lambda f: f.n_layers * f.n_heads * (4 * f.d_model**2 + 4 * f.d_model)
        ),
        "The final norm has a weight and a bias for each column, like the others.": partial(
            _count, final_norm=lambda c: 0
        ),
        "A block has two norms, one before each half.": partial(_count, norms=lambda c: 2 * c),
        "A norm has a weight and a bias for each column.": partial(
            _count, norms=lambda c: 2 * c, final_norm=lambda c: c
        ),
        "The places have a table too, context_length × C.": _with(
            "position embedding", lambda f: 0
        ),
        "The places' table has a row for each place, not for each token.": _with(
            "position embedding", lambda f: f.vocab_size * f.d_model
        ),
    },
    alternatives={
        "part by part": _count,
        "build it and count": _by_looking,
        "layer by layer": _by_layers,
    },
    timeout=30.0,  # a GPT-2 that is built with numbers in it takes seconds
)

# 6.5 · FLOPs


def flops_per_token(config: GPTConfig, n_tokens: int) -> Counts:
    """What it takes to compute one more token that looks at n_tokens, itself among them."""
    return _flops(config, n_tokens)


def _flops(
    config: GPTConfig,
    n_tokens: int,
    *,
    each: int = 2,
    attention: int = 4,
    feed_forward: int = 8,
    looks: Callable[[GPTConfig, int], int] = lambda f, n: 2 * n * f.d_model,
    layers: Callable[[GPTConfig], int] = lambda f: f.n_layers,
    head: Callable[[GPTConfig], int] = lambda f: f.vocab_size * f.d_model,
) -> Counts:
    c, n_layers = config.d_model, layers(config)
    return {
        "attention": each * n_layers * attention * c * c,
        "looks": each * n_layers * looks(config, n_tokens),
        "feed-forward": each * n_layers * feed_forward * c * c,
        "head": each * head(config),
    }


def _of_the_whole_text(config: GPTConfig, n_tokens: int) -> Counts:
    return {part: n_tokens * work for part, work in _flops(config, n_tokens).items()}


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
    minutes=12,
    stars=2,
    reference=flops_per_token,
    probes=[
        (GPTConfig(3, 4, 1, 1, 2), 1),
        (GPTConfig(10, 8, 2, 2, 6), 5),
        (GPTConfig(7, 9, 3, 2, 4, tied=False), 9),
        (GPTConfig.preset("gpt2"), 1024),
    ],
    mistakes={
        "You counted multiplications only: each comes with an addition, so 2 for each "
        "weight.": partial(_flops, each=1),
        "That is training, forward and backward: a forward pass alone takes 2 for each weight, "
        "not 6.": partial(_flops, each=6),
        "This is one block: there are n_layers of them.": partial(_flops, layers=lambda f: 1),
        "A look takes two products with each of the n tokens: query times key, and weight times "
        "value.": partial(_flops, looks=lambda f, n: n * f.d_model),
        "The looks of every token are in it, n² of them: this one token looks at n.": partial(
            _flops, looks=lambda f, n: 2 * n * n * f.d_model
        ),
        "The token looks at itself too: n_tokens counts it already.": partial(
            _flops, looks=lambda f, n: 2 * (n - 1) * f.d_model
        ),
        "That is the mean over a text, where early tokens have fewer to look at: this one looks "
        "at all n_tokens.": partial(_flops, looks=lambda f, n: (n + 1) * f.d_model),
        "That is what all n_tokens take: count for one of them.": _of_the_whole_text,
        "The number of heads makes no difference: each head is C / H wide.": partial(
            _flops, looks=lambda f, n: 2 * n * f.d_model * f.n_heads
        ),
        "All heads look, not one alone: together they are C wide.": partial(
            _flops, looks=lambda f, n: 2 * n * f.d_head
        ),
        "The looks are missing: they take work without having parameters.": partial(
            _flops, looks=lambda f, n: 0
        ),
        "It looks at the n_tokens that there are, not at the whole context_length.": partial(
            _flops, looks=lambda f, n: 2 * f.context_length * f.d_model
        ),
        "Tied or not, the head has to be multiplied: 2 V C.": partial(
            _flops, head=lambda f: 0 if f.tied else f.vocab_size * f.d_model
        ),
        "The head is missing: 2 V C.": partial(_flops, head=lambda f: 0),
        "The embedding is a look-up, no product: it costs nothing, and the head 2 V C.": partial(
            _flops, head=lambda f: 2 * f.vocab_size * f.d_model
        ),
        "Attention has four matrices of C × C: queries, keys, values and output.": partial(
            _flops, attention=3
        ),
        "The feed-forward layer has two matrices of 4 C × C.": partial(_flops, feed_forward=4),
    },
    alternatives={"product by product": _by_products},
)
