"""Chapter 06, third part: how many numbers are in a GPT."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import counting
from utils.llm.gpt.counts import parameter_table
from utils.llm.gpt.model import GPT, GPTConfig

Counts = dict[str, int]
Number = Callable[..., int]
#: For each part the numbers that people give in place of the right one, and what to say then.
Slips = Mapping[str, Sequence[tuple[str, Number]]]


def said_of_parts(slips: Slips) -> Callable[[tuple[Any, ...], Counts, Any], str | None]:
    """An `explain` that goes through the parts, and names what made each wrong number."""

    def explain(args: tuple[Any, ...], expected: Counts, got: Any) -> str | None:
        wrong = [part for part in expected if got[part] != expected[part]]
        said = []
        for part in wrong:
            named = (text for text, number in slips[part] if number(*args) == got[part])
            text = next(named, f"it should be {expected[part]:,}, and is {got[part]:,}.")
            said.append(f"`{part}`: {text}")
        others = sum("it should be" in text for text in said)
        return None if others == len(said) else " ".join(said)

    return explain


def with_slips(reference: Callable[..., Counts], slips: Slips) -> dict[str, Callable[..., Counts]]:
    """The `mistakes`: one part wrong at a time."""

    def bent(part: str, number: Number) -> Callable[..., Counts]:
        return lambda *args: reference(*args) | {part: number(*args)}

    return {
        f"`{part}`: {text}": bent(part, number)
        for part, wrong in slips.items()
        for text, number in wrong
    }


# 6.4 · parameters


def count_parameters(config: GPTConfig) -> Counts:
    """How many parameters each part of a GPT-2 has; all together they are the model."""
    return parameter_table(config)


def _in_blocks(a: int, b: int) -> Number:
    """a C² + b C, in every block."""
    return lambda f: f.n_layers * (a * f.d_model**2 + b * f.d_model)


_ONE_BLOCK = "this is one block, and there are n_layers of them."
_EACH_HEAD = "the heads share the columns of the same matrices: their number makes no difference."
_ONCE = "it is there once, not once a block."
_NO_BIAS = "a table has no biases."
_PARAMETERS: Slips = {
    "token embedding": [
        ("it has a row for each token, V of them, each C wide.", lambda f: f.vocab_size),
        ("that is one row: there are V.", lambda f: f.d_model),
        ("that is the places' table.", lambda f: f.context_length * f.d_model),
        (
            "the places' table is counted in: it has a number of its own.",
            lambda f: (f.vocab_size + f.context_length) * f.d_model,
        ),
        (_NO_BIAS, lambda f: (f.vocab_size + 1) * f.d_model),
        ("one table for all heads.", lambda f: f.vocab_size * f.d_model * f.n_heads),
        ("it is counted twice.", lambda f: 2 * f.vocab_size * f.d_model),
        ("a row is as wide as the model, C, not as a head.", lambda f: f.vocab_size * f.d_head),
        (_ONCE, lambda f: f.n_layers * f.vocab_size * f.d_model),
        ("the table is V × C: a vector for each token.", lambda f: f.d_model**2),
        ("it is the largest part of a small model, V × C.", lambda f: 0),
    ],
    "position embedding": [
        ("the places have a table too, context_length × C.", lambda f: 0),
        (
            "the table has a row for each place, not for each token.",
            lambda f: f.vocab_size * f.d_model,
        ),
        ("each place has a vector, C wide.", lambda f: f.context_length),
        ("that is one row: there are context_length.", lambda f: f.d_model),
        (_NO_BIAS, lambda f: (f.context_length + 1) * f.d_model),
        (_ONCE, lambda f: f.n_layers * f.context_length * f.d_model),
        ("it is counted twice.", lambda f: 2 * f.context_length * f.d_model),
        ("a row is as wide as the model, C.", lambda f: f.context_length * f.d_head),
    ],
    "attention": [
        (_ONE_BLOCK, lambda f: 4 * f.d_model**2 + 4 * f.d_model),
        ("the biases are missing: 3 C for queries, keys and values, C more.", _in_blocks(4, 0)),
        ("the output has a bias too: C more.", _in_blocks(4, 3)),
        ("queries, keys and values have biases too: 3 C.", _in_blocks(4, 1)),
        (
            "beside queries, keys and values there is a fourth matrix, C × C, with C biases: the "
            "projection at the end.",
            _in_blocks(3, 3),
        ),
        ("the projection at the end is missing, C × C, and all biases.", _in_blocks(3, 0)),
        ("the projection at the end has a matrix too, C × C.", _in_blocks(3, 4)),
        ("that is one matrix: there are four of C × C.", _in_blocks(1, 1)),
        (
            "queries, keys and values are three matrices, C to 3 C, beside the projection.",
            _in_blocks(2, 2),
        ),
        (
            "the projection at the end goes from C to C: the heads' results are C wide together.",
            _in_blocks(6, 4),
        ),
        (
            "a matrix has a bias for each output, not one in all.",
            lambda f: f.n_layers * (4 * f.d_model**2 + 4),
        ),
        (_EACH_HEAD, lambda f: f.n_layers * f.n_heads * (4 * f.d_model**2 + 4 * f.d_model)),
        (
            "the heads together have one matrix to queries, keys and values, C × 3 C, not one "
            "each.",
            lambda f: f.n_layers * (3 * f.n_heads + 1) * (f.d_model**2 + f.d_model),
        ),
        (
            "each head reads all C columns: together their matrices are C × C.",
            lambda f: f.n_layers * f.n_heads * (4 * f.d_head**2 + 4 * f.d_head),
        ),
        (
            "that is one head: together they are C wide.",
            lambda f: f.n_layers * (4 * f.d_model * f.d_head + 3 * f.d_head + f.d_model),
        ),
        ("this is one block, and without biases.", lambda f: 4 * f.d_model**2),
    ],
    "feed-forward": [
        (_ONE_BLOCK, lambda f: 8 * f.d_model**2 + 5 * f.d_model),
        ("the biases are missing: 4 C inside, C on the way out.", _in_blocks(8, 0)),
        ("there are 4 C biases inside, not C: one for each output.", _in_blocks(8, 2)),
        ("the way out has biases too: C.", _in_blocks(8, 4)),
        ("the inside has biases too: 4 C.", _in_blocks(8, 1)),
        ("on the way out there are C biases, one for each output, not 4 C.", _in_blocks(8, 8)),
        ("there are two matrices: C × 4 C up, and 4 C × C down.", _in_blocks(4, 4)),
        ("the matrix down is missing, 4 C × C, with C biases.", _in_blocks(4, 5)),
        ("there are two matrices, and each has biases.", _in_blocks(4, 0)),
        ("it is 4 C wide inside.", _in_blocks(2, 2)),
        ("it is 4 C wide inside, and its matrices have biases.", _in_blocks(2, 0)),
        ("there are two matrices, not three.", _in_blocks(24, 9)),
        (
            "a matrix has a bias for each output, not one in all.",
            lambda f: f.n_layers * (8 * f.d_model**2 + 2),
        ),
        (_EACH_HEAD, lambda f: f.n_layers * f.n_heads * (8 * f.d_model**2 + 5 * f.d_model)),
        ("this is one block, and without biases.", lambda f: 8 * f.d_model**2),
    ],
    "norms": [
        (_ONE_BLOCK, lambda f: 4 * f.d_model),
        ("a block has two norms, each with a weight and a bias for each column.", _in_blocks(0, 2)),
        ("a block has two norms, and each has 2 C numbers.", _in_blocks(0, 1)),
        ("a weight and a bias for each column, 2 C a norm.", lambda f: 4 * f.n_layers),
        (
            "the final norm is counted in: it has a number of its own.",
            lambda f: (4 * f.n_layers + 2) * f.d_model,
        ),
        ("a block has two norms, not three.", _in_blocks(0, 6)),
        ("a norm has 2 C numbers, not 4 C.", _in_blocks(0, 8)),
        ("this is one norm: a block has two, and there are n_layers.", lambda f: 2 * f.d_model),
        ("a norm has numbers that are learned: 2 C.", lambda f: 0),
        ("a norm has a number for each column, not for each pair.", _in_blocks(4, 0)),
    ],
    "final norm": [
        ("it has a weight and a bias for each column, like the others: 2 C.", lambda f: 0),
        ("it has a bias too: 2 C.", lambda f: f.d_model),
        ("it is one norm alone, 2 C.", lambda f: 4 * f.d_model),
        (_ONCE, lambda f: 2 * f.n_layers * f.d_model),
        ("a weight and a bias for each column, 2 C.", lambda f: 2),
        ("it norms C columns, not V.", lambda f: 2 * f.vocab_size),
    ],
    "head": [
        (
            "a tied head is the same matrix as the tokens' table, and adds none.",
            lambda f: f.vocab_size * f.d_model,
        ),
        ("one that isn't tied has a matrix of its own, V × C.", lambda f: 0),
        (
            "a tied head is the tokens' table and adds none; and no head has a bias.",
            lambda f: f.vocab_size * (f.d_model + 1),
        ),
        ("a head has no bias.", lambda f: f.vocab_size * (f.d_model * (not f.tied) + 1)),
    ],
}


def _all_parts(
    in_each: Callable[[str, int, GPTConfig], int],
) -> Callable[[GPTConfig], Counts]:
    """The table with every part changed in the same way."""
    return lambda config: {
        part: in_each(part, number, config) for part, number in count_parameters(config).items()
    }


_IN_BLOCKS = ("attention", "feed-forward", "norms")
_OF_THE_WHOLE: dict[str, Callable[[GPTConfig], Counts]] = {
    "This is one block: there are n_layers of them.": _all_parts(
        lambda part, number, f: number // f.n_layers if part in _IN_BLOCKS else number
    ),
    "All biases are missing in attention and feed-forward: each output has one.": lambda f: (
        count_parameters(f)
        | {"attention": _in_blocks(4, 0)(f), "feed-forward": _in_blocks(8, 0)(f)}
    ),
    "A norm has a weight and a bias for each column.": lambda f: (
        count_parameters(f) | {"norms": _in_blocks(0, 2)(f), "final norm": f.d_model}
    ),
    "The head is the other way round: a tied one adds nothing, and one that isn't tied V × C.": (
        lambda f: count_parameters(f) | {"head": f.vocab_size * f.d_model * f.tied}
    ),
    "The head has a bias for each token if it isn't tied: GPT-2's has none.": lambda f: (
        count_parameters(f) | {"head": f.vocab_size * (f.d_model + 1) * (not f.tied)}
    ),
    "Everything is there once more for each block: tables, final norm and head come once.": (
        _all_parts(lambda part, n, f: n if part in _IN_BLOCKS else n * f.n_layers)
    ),
}


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


def _by_formula(config: GPTConfig) -> Counts:
    c, n = config.d_model, config.n_layers
    return {
        "head": (1 - config.tied) * config.vocab_size * c,
        "final norm": c + c,
        "norms": 2 * n * (c + c),
        "feed-forward": n * (2 * 4 * c * c + 4 * c + c),
        "attention": 4 * n * c * (c + 1),
        "position embedding": config.context_length * c,
        "token embedding": config.vocab_size * c,
    }


COUNT = Exercise(
    id="6.4",
    title="Where the parameters are",
    minutes=8,
    stars=2,
    reference=count_parameters,
    probes=[
        (GPTConfig(23, 17, 11, 7, 35),),
        (GPTConfig(29, 19, 13, 5, 55, tied=False),),
        (GPTConfig(3, 2, 1, 1, 2),),
        (GPTConfig.preset("gpt2"),),
    ],
    mistakes=_OF_THE_WHOLE | with_slips(count_parameters, _PARAMETERS),
    alternatives={
        "by formula, in another order": _by_formula,
        "build it and count": _by_looking,
        "layer by layer": _by_layers,
    },
    explain=said_of_parts(_PARAMETERS),
    call=counting,
    timeout=30.0,  # a GPT-2 that is built with numbers in it takes seconds
)
