"""Chapter 06, first part: from ids to vectors, and from vectors to logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform

Layer = Callable[[Tensor], Tensor]

# 6.1 · embeddings with positions


def embed(ids: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
    """The vector of each token plus the vector of its place, (B, T, C)."""
    return tokens[ids] + places[: ids.shape[1]]


def _embed_by_loop(ids: Tensor, tokens: Tensor, places: Tensor) -> np.ndarray:
    out = np.zeros((*ids.shape, tokens.shape[1]))
    for text, row in enumerate(ids.tolist()):
        for place, token in enumerate(row):
            out[text, place] = tokens[token].numpy() + places[place].numpy()
    return out


def _embed_by_one_hot(ids: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
    which = F.one_hot(ids, len(tokens)).double()
    where = torch.eye(len(places)).double()[: ids.shape[1]]
    return which @ tokens.double() + where @ places.double()


def _tables(v: int, n: int, c: int, *ids: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """ids, a table of v tokens and one of n places, c columns each."""
    seed = 610 + 100 * v + 10 * n + c
    return torch.tensor(ids), uniform(v, c, seed=seed), uniform(n, c, seed=seed + 1)


EMBED = Exercise(
    id="6.1",
    title="Embeddings with positions",
    minutes=8,
    stars=1,
    reference=embed,
    probes=[
        _tables(2, 2, 1, [1, 0]),
        _tables(3, 3, 2, [0, 2]),
        _tables(5, 4, 3, [4, 0, 4], [1, 1, 2]),
        _tables(4, 4, 2, [3, 3, 0, 1], [2, 0, 1, 3], [1, 1, 1, 1], [0, 2, 2, 0]),
        _tables(9, 3, 4, [8, 5, 7]),
        _tables(3, 6, 5, [2], [0]),
    ],
    mistakes={
        "The places are missing: add to each token's vector the one of the place where it "
        "stands.": lambda ids, tokens, places: tokens[ids],
        "The places were looked up by the token's id: a place is where the token stands, 0, 1, "
        "2, … along the text.": lambda ids, tokens, places: tokens[ids] + places[ids],
        "The places run backwards: the first token stands at place 0.": (
            lambda ids, tokens, places: tokens[ids] + places[: ids.shape[1]].flip(0)
        ),
        "Your places end where the table ends: a short text stands at its beginning, 0 to "
        "T − 1.": lambda ids, tokens, places: tokens[ids] + places[-ids.shape[1] :],
        "Your places begin at 1: the first token stands at place 0.": (
            lambda ids, tokens, places: tokens[ids] + places[1 + torch.arange(ids.shape[1])]
        ),
        "Every token got the vector of place 0: each place along the text has its own.": (
            lambda ids, tokens, places: tokens[ids] + places[0]
        ),
        "The place was counted along the batch: all texts begin at place 0, and it grows along "
        "the second axis.": lambda ids, tokens, places: (
            tokens[ids] + places[torch.arange(len(ids))][:, None]
        ),
        "The two vectors were multiplied: add them.": lambda ids, tokens, places: (
            tokens[ids] * places[: ids.shape[1]]
        ),
        "The two vectors were put side by side: add them, so that the width stays C.": (
            lambda ids, tokens, places: torch.cat(
                [tokens[ids], places[: ids.shape[1]].expand(len(ids), -1, -1)], dim=-1
            )
        ),
        "The two vectors were averaged: add them.": lambda ids, tokens, places: (
            (tokens[ids] + places[: ids.shape[1]]) / 2
        ),
        "The token's vector was multiplied by √C: the transformer of 2017 does that, GPT-2 "
        "doesn't.": lambda ids, tokens, places: (
            tokens[ids] * tokens.shape[1] ** 0.5 + places[: ids.shape[1]]
        ),
        "The tables are swapped: the ids look up tokens, and the places are 0, 1, 2 and so on.": (
            lambda ids, tokens, places: places[ids] + tokens[: ids.shape[1]]
        ),
    },
    alternatives={
        "F.embedding": lambda ids, tokens, places: (
            F.embedding(ids, tokens) + F.embedding(torch.arange(ids.shape[1]), places)
        ),
        "modules": lambda ids, tokens, places: (
            torch.nn.Embedding.from_pretrained(tokens)(ids)
            + torch.nn.Embedding.from_pretrained(places)(torch.arange(ids.shape[1]))
        ),
        "one-hot vectors times matrices, float64": _embed_by_one_hot,
        "loops, numpy": _embed_by_loop,
    },
)

# 6.2 · the forward pass


def gpt(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    """The stream at every depth, (L + 1, B, T, C), and the logits, (B, T, V)."""
    return _gpt(ids, tokens, places, blocks, final_norm)


def _through(blocks: Sequence[Layer], x: Tensor) -> list[Tensor]:
    return list(accumulate(blocks, lambda x, block: block(x), initial=x))


def _gpt(
    ids: Tensor,
    tokens: Tensor,
    places: Tensor,
    blocks: Sequence[Layer],
    final_norm: Layer,
    *,
    enter: Callable[[Tensor, Tensor, Tensor], Tensor] = embed,
    order: Callable[[list[Layer]], list[Layer]] = list,
    through: Callable[[Sequence[Layer], Tensor], list[Tensor]] = _through,
    norm: bool = True,
    leave: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> tuple[Tensor, Tensor]:
    """A forward pass with a bend where a wrong turn wants one."""
    depths = through(order(list(blocks)), enter(ids, tokens, places))
    last = final_norm(depths[-1]) if norm else depths[-1]
    return torch.stack(depths), leave(last @ tokens.T)


def _transposed(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    depths = _through(blocks, embed(ids, tokens, places))
    return torch.stack(depths), final_norm(depths[-1]) @ tokens


def _without_the_embedding(*args: object) -> tuple[Tensor, Tensor]:
    stream, logits = _gpt(*args)  # type: ignore[arg-type]
    return stream[1:], logits


def _without_the_last(*args: object) -> tuple[Tensor, Tensor]:
    stream, logits = _gpt(*args)  # type: ignore[arg-type]
    return stream[:-1], logits


def _norm_in_the_stream(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    stream, logits = _gpt(ids, tokens, places, blocks, final_norm)
    return torch.cat([stream[:-1], final_norm(stream[-1:])]), logits


def _norm_after_each(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    x = embed(ids, tokens, places)
    depths = list(accumulate(blocks, lambda x, block: final_norm(block(x)), initial=x))
    return torch.stack(depths), depths[-1] @ tokens.T


def _norm_first(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    depths = _through(blocks, final_norm(embed(ids, tokens, places)))
    return torch.stack(depths), depths[-1] @ tokens.T


def _head_of_places(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    depths = _through(blocks, embed(ids, tokens, places))
    return torch.stack(depths), final_norm(depths[-1]) @ places.T


def _all_normed(*args: object) -> tuple[Tensor, Tensor]:
    stream, logits = _gpt(*args)  # type: ignore[arg-type]
    return args[-1](stream), logits  # type: ignore[operator]


def _one_tensor(*args: object) -> tuple[Tensor, Tensor]:
    """x += … in the loop: the list holds one tensor, L + 1 times."""
    stream, logits = _gpt(*args)  # type: ignore[arg-type]
    return stream[-1:].expand_as(stream).clone(), logits


def _logits_first(*args: object) -> tuple[Tensor, Tensor]:
    stream, logits = _gpt(*args)  # type: ignore[arg-type]
    return logits, stream


def _side_by_side(blocks: Sequence[Layer], x: Tensor) -> list[Tensor]:
    return [x, *(block(x) for block in blocks)]


def _text_by_text(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    streams, logits = [], []
    for text in ids:
        x = torch.stack([tokens[i] + places[t] for t, i in enumerate(text.tolist())])[None]
        depths = [x]
        for i in range(len(blocks)):
            depths.append(blocks[i](depths[i]))
        streams.append(torch.cat(depths))
        logits.append(torch.einsum("tc,vc->tv", final_norm(depths[-1])[0], tokens))
    return torch.stack(streams, dim=1), torch.stack(logits)


def _into_a_table(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    stream = torch.empty(len(blocks) + 1, *ids.shape, tokens.shape[1])
    stream[0] = embed(ids, tokens, places)
    for depth, block in enumerate(blocks, start=1):
        stream[depth] = block(stream[depth - 1])
    return stream, F.linear(final_norm(stream[-1]), tokens)


def _block(c: int, seed: int) -> Layer:
    """A small layer with what matters here of a block's: it adds, and mixes a token's past in."""
    weight = uniform(c, c, seed=seed)

    def layer(x: Tensor) -> Tensor:
        return x + torch.tanh(x.cumsum(dim=1) @ weight)

    return layer


def _norm(c: int, seed: int) -> Layer:
    weight, bias = uniform(c, seed=seed, low=0.5), uniform(c, seed=seed + 1)

    def norm(x: Tensor) -> Tensor:
        return F.layer_norm(x, (c,), weight, bias, eps=0.1)

    return norm


def _model(
    v: int, n: int, c: int, n_layers: int, *ids: list[int]
) -> tuple[Tensor, Tensor, Tensor, list[Layer], Layer]:
    seed = 10 * n_layers + 620
    blocks = [_block(c, seed + i) for i in range(n_layers)]
    return *_tables(v, n, c, *ids), blocks, _norm(c, seed + 100)


FORWARD = Exercise(
    id="6.2",
    title="The forward pass of a GPT",
    minutes=15,
    stars=2,
    reference=gpt,
    probes=[
        _model(2, 2, 2, 1, [1]),
        _model(3, 3, 3, 1, [2, 0]),
        _model(4, 5, 3, 2, [3, 0, 1]),
        _model(6, 4, 2, 3, [5, 0, 3, 3], [1, 2, 4, 0]),
        _model(4, 4, 4, 4, [0, 3, 2, 1], [2, 2, 1, 0], [3, 1, 1, 2]),
    ],
    mistakes={
        "The final norm is missing: the last vector goes through final_norm before it meets the "
        "head.": partial(_gpt, norm=False),
        "The norm stands behind every block: each block has its own norms inside, and "
        "final_norm comes once, after the last.": _norm_after_each,
        "The norm stands before the blocks: final_norm comes after the last.": _norm_first,
        "The first block was used for all: go on to the next block each time.": partial(
            _gpt, order=lambda blocks: [blocks[0] for _ in blocks]
        ),
        "The blocks run backwards: the first one gets the embeddings.": partial(
            _gpt, order=lambda blocks: blocks[::-1]
        ),
        "Every block got the embeddings: a block gets what the one before it returned.": partial(
            _gpt, through=_side_by_side
        ),
        "You added each block's input to its output: a block does that inside, with both of its "
        "halves.": partial(
            _gpt,
            through=lambda blocks, x: list(
                accumulate(blocks, lambda x, block: x + block(x), initial=x)
            ),
        ),
        "These are chances, not logits: leave the softmax to the loss, which takes one itself.": (
            partial(_gpt, leave=lambda logits: logits.softmax(dim=-1))
        ),
        "These are logarithms of chances: leave the logits as the head gives them.": partial(
            _gpt, leave=lambda logits: logits.log_softmax(dim=-1)
        ),
        "The head's table is the wrong way round: tokens is (V, C), so multiply by "
        "tokens.T.": _transposed,
        "The places are missing: without them, no block knows where a token stands.": partial(
            _gpt, enter=lambda ids, tokens, places: tokens[ids]
        ),
        "The places were looked up by the token's id: they are 0, 1, 2, … along the text.": partial(
            _gpt, enter=lambda ids, tokens, places: tokens[ids] + places[ids]
        ),
        "The places run backwards: the first token stands at place 0.": partial(
            _gpt,
            enter=lambda ids, tokens, places: tokens[ids] + places[: ids.shape[1]].flip(0),
        ),
        "The head is the wrong table: it scores tokens, not places.": _head_of_places,
        "These are the logits of the last token only: every place predicts its next token.": (
            partial(_gpt, leave=lambda logits: logits[:, -1:])
        ),
        "The stream lacks its first depth, the embeddings: it has L + 1 depths.": (
            _without_the_embedding
        ),
        "The stream lacks its last depth, what the last block returned: it has L + 1 depths.": (
            _without_the_last
        ),
        "The last depth of the stream is the normed one: keep what the last block returned, and "
        "norm it for the head alone.": _norm_in_the_stream,
        "All depths are normed: the stream is what the blocks return, and the norm serves the "
        "head alone.": _all_normed,
        "All depths are the last one: x += … changes the tensor that your list already holds, so "
        "write x = x + … instead.": _one_tensor,
        "The two are in the other order: first the stream, then the logits.": _logits_first,
    },
    alternatives={
        "text by text": _text_by_text,
        "into a table made before": _into_a_table,
        "reduce, for the logits": lambda ids, tokens, places, blocks, final_norm: (
            torch.stack(_through(blocks, embed(ids, tokens, places))),
            final_norm(reduce(lambda x, b: b(x), blocks, embed(ids, tokens, places))) @ tokens.mT,
        ),
    },
    parts=("stream", "logits"),
    atol=1e-5,
)
