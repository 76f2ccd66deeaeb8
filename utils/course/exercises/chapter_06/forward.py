"""Chapter 06, first part: from vectors to logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_06.embed import embed, tables
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

Layer = Callable[[Tensor], Tensor]

# 6.2 · the forward pass


def gpt(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks: Sequence[Layer], final_norm: Layer
) -> tuple[Tensor, Tensor]:
    """The stream at every depth, (L + 1, B, T, C), and the logits, (B, T, V)."""
    return _gpt(ids, tokens, places, blocks, final_norm)


def _through(blocks: Sequence[Layer], x: Tensor) -> list[Tensor]:
    return list(accumulate(blocks, lambda x, block: block(x), initial=x))


_ENTER: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "no places": lambda ids, tokens, places: tokens[ids],
    "by id": lambda ids, tokens, places: tokens[ids] + places[ids],
    "backwards": lambda ids, tokens, places: tokens[ids] + places[: ids.shape[1]].flip(0),
}
_THROUGH: dict[str, Callable[[Sequence[Layer], Tensor, Layer], list[Tensor]]] = {
    "first block": lambda blocks, x, norm: _through([blocks[0] for _ in blocks], x),
    "last first": lambda blocks, x, norm: _through(blocks[::-1], x),
    "side by side": lambda blocks, x, norm: [x, *(block(x) for block in blocks)],
    "added twice": lambda blocks, x, norm: list(
        accumulate(blocks, lambda x, block: x + block(x), initial=x)
    ),
    "norm after each": lambda blocks, x, norm: list(
        accumulate(blocks, lambda x, block: norm(block(x)), initial=x)
    ),
    "norm before each": lambda blocks, x, norm: list(
        accumulate(blocks, lambda x, block: block(norm(x)), initial=x)
    ),
    "norm first": lambda blocks, x, norm: _through(blocks, norm(x)),
    "one too few": lambda blocks, x, norm: _through(blocks[:-1], x),
    "first left out": lambda blocks, x, norm: _through(blocks[1:], x),
}
_LAST: dict[str, Callable[[list[Tensor], Layer], Tensor]] = {
    "no norm": lambda depths, norm: depths[-1],
    "norm twice": lambda depths, norm: norm(norm(depths[-1])),
    "of the embeddings": lambda depths, norm: norm(depths[0]),
    "one depth early": lambda depths, norm: norm(depths[-2]) if depths[1:] else norm(depths[0]),
    "every depth": lambda depths, norm: norm(torch.stack(depths)),
    "sum of depths": lambda depths, norm: norm(torch.stack(depths).sum(0)),
}
_LEAVE: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": lambda logits: logits.softmax(dim=-1),
    "log_softmax": lambda logits: logits.log_softmax(dim=-1),
    "softmax along the text": lambda logits: logits.softmax(dim=1),
    "last place": lambda logits: logits[:, -1:],
    "last place, no axis": lambda logits: logits[:, -1],
    "likeliest": lambda logits: logits.argmax(-1),
}
_STREAM: dict[str, Callable[[list[Tensor], Layer], Any]] = {
    "no first depth": lambda depths, norm: torch.stack(depths[1:] or depths),
    "no last depth": lambda depths, norm: torch.stack(depths[:-1] or depths),
    "last normed": lambda depths, norm: torch.stack([*depths[:-1], norm(depths[-1])]),
    "normed depth more": lambda depths, norm: torch.stack([*depths, norm(depths[-1])]),
    "all normed": lambda depths, norm: norm(torch.stack(depths)),
    "one tensor": lambda depths, norm: torch.stack([depths[-1]] * len(depths)),
    "texts first": lambda depths, norm: torch.stack(depths, dim=1),
    "depths last": lambda depths, norm: torch.stack(depths, dim=-1),
    "in a row": lambda depths, norm: torch.cat(depths),
    "last alone": lambda depths, norm: depths[-1],
    "a list": lambda depths, norm: depths,
}


def _gpt(
    ids: Tensor,
    tokens: Tensor,
    places: Tensor,
    blocks: Sequence[Layer],
    final_norm: Layer,
    *,
    wrong: Wrong = frozenset(),
) -> Any:
    """A forward pass with a bend where a wrong turn wants one."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Any:
        return next((slips[slip] for slip in wrong & slips.keys()), usual)

    x = chosen(_ENTER, embed)(ids, tokens, places)
    depths = chosen(_THROUGH, lambda blocks, x, norm: _through(blocks, x))(blocks, x, final_norm)
    bare = wrong & {"norm after each", "norm first", "norm before each"}
    last = chosen(_LAST, lambda depths, norm: depths[-1] if bare else norm(depths[-1]))
    table = places if "head of places" in wrong else tokens
    table = table if "not turned" in wrong else table.mT
    logits = last(depths, final_norm) @ table
    for slip in sorted(wrong & _LEAVE.keys()):
        logits = _LEAVE[slip](logits)
    if "scaled" in wrong:
        logits = logits / tokens.shape[1] ** 0.5
    stream = chosen(_STREAM, lambda depths, norm: torch.stack(depths))(depths, final_norm)
    if "only logits" in wrong:
        return logits
    return (logits, stream) if "logits first" in wrong else (stream, logits)


_SAID = {
    "no places": "The places are missing: without them, no block knows where a token stands.",
    "by id": "The places were looked up by the token's id: they are 0, 1, 2, … along the text.",
    "backwards": "The places run backwards: the first token stands at place 0.",
    "first block": "The first block was used for all: go on to the next block each time.",
    "last first": "The blocks run backwards: the first one gets the embeddings.",
    "side by side": "Every block got the embeddings: a block gets what the one before it returned.",
    "added twice": "You added each block's input to its output: a block does that inside, with "
    "both of its halves.",
    "norm after each": "The norm stands behind every block: each block has its own norms inside, "
    "and final_norm comes once, after the last.",
    "norm before each": "The norm stands in front of every block: each has its own norms inside, "
    "and final_norm comes once, after the last.",
    "norm first": "The norm stands before the blocks: final_norm comes after the last.",
    "one too few": "The last block was left out: go through all of them.",
    "first left out": "The first block was left out: go through all of them.",
    "no norm": "The final norm is missing: the last vector goes through final_norm before it "
    "meets the head.",
    "norm twice": "The final norm came twice: once is enough.",
    "of the embeddings": "The head reads the embeddings: it reads what the last block returned.",
    "one depth early": "The head reads the depth before the last: it reads what the last block "
    "returned.",
    "every depth": "There are logits for every depth: the last one alone is asked for, (B, T, V).",
    "sum of depths": "The head reads the sum of all depths: each block has added to the stream "
    "already, so it reads the last.",
    "softmax": "These are chances, not logits: leave the softmax to the loss, which takes one "
    "itself.",
    "log_softmax": "These are logarithms of chances: leave the logits as the head gives them.",
    "softmax along the text": "A softmax ran along the text: the head leaves scores, and the loss "
    "takes a softmax over the vocabulary.",
    "scaled": "The logits were divided by √C, as attention's scores are: the head divides by "
    "nothing.",
    "a list": "The stream came back as a list of its depths: torch.stack(depths) makes one tensor.",
    "last place": "These are the logits of the last token only: every place predicts its next "
    "token.",
    "last place, no axis": "These are the logits of the last token only, (B, V): every place "
    "predicts its next token, (B, T, V).",
    "likeliest": "These are ids of tokens: return a score for every token of the vocabulary.",
    "head of places": "The head is the wrong table: it scores tokens, not places.",
    "not turned": "The head's table is the wrong way round: tokens is (V, C), so multiply by "
    "tokens.T.",
    "no first depth": "The stream lacks its first depth, the embeddings: it has L + 1 depths.",
    "no last depth": "The stream lacks its last depth, what the last block returned: it has L + 1 "
    "depths.",
    "last normed": "The last depth of the stream is the normed one: keep what the last block "
    "returned, and norm it for the head alone.",
    "normed depth more": "The stream has a depth too many, the normed one: it ends with what the "
    "last block returned.",
    "all normed": "All depths are normed: the stream is what the blocks return, and the norm "
    "serves the head alone.",
    "one tensor": "All depths are the last one: x += … changes the tensor that your list already "
    "holds, so write x = x + … instead.",
    "texts first": "The depths stand on the second axis: torch.stack(depths) puts them on the "
    "first, (L + 1, B, T, C).",
    "depths last": "The depths stand on the last axis: torch.stack(depths) puts them on the "
    "first, (L + 1, B, T, C).",
    "in a row": "The depths were joined along the batch: torch.stack gives them an axis of their "
    "own, torch.cat doesn't.",
    "last alone": "This is the last depth alone: the stream holds all L + 1.",
    "logits first": "The two are in the other order: first the stream, then the logits.",
    "only logits": "Only the logits came back: return the stream as well, first.",
}


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
    return *tables(v, n, c, *ids), blocks, _norm(c, seed + 100)


_OFTEN = (
    "no places",
    "by id",
    "side by side",
    "added twice",
    "norm after each",
    "no norm",
    "softmax",
    "last place",
    "no first depth",
    "no last depth",
    "last normed",
    "texts first",
    "logits first",
)
_APART = [
    "no places | by id",
    "side by side | added twice | norm after each | last normed",
    "norm after each | no norm",
    "logits first | no first depth | no last depth | last normed | texts first",
]

FORWARD = Exercise(
    id="6.2",
    title="The forward pass of a GPT",
    minutes=10,
    stars=2,
    reference=gpt,
    probes=[
        _model(5, 4, 3, 2, [3, 1]),
        _model(4, 6, 3, 1, [2, 0, 1]),
        _model(6, 5, 4, 3, [5, 0, 3, 3], [1, 2, 4, 0]),
        _model(3, 4, 5, 1, [1]),
        _model(4, 5, 4, 4, [0, 3, 2, 1], [2, 2, 1, 0], [3, 1, 1, 2]),
    ],
    mistakes=alone(_gpt, _SAID),
    together=in_pairs(_gpt, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
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
