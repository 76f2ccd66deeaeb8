"""Wrong answers to exercise 6.2."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, wrongs
from torch import Tensor


def walk(ids: Tensor, tokens: Tensor, places: Tensor, blocks: list) -> list[Tensor]:
    """The stream at every depth, as a learner collects it."""
    xs = [tokens[ids] + places[: ids.shape[1]]]
    for block in blocks:
        xs.append(block(xs[-1]))
    return xs


wrongs(
    "6.2",
    says="The final norm is missing: the last vector",
    no_norm=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), xs[-1] @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
    no_norm_no_first=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs[1:]), xs[-1] @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="The last depth of the stream is the normed",
    norm_kept=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack([*xs[:-1], norm(xs[-1])]), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="These are chances, not logits: leave the",
    softmaxed=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), (norm(xs[-1]) @ tokens.T).softmax(-1))
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="There are logits for every depth: the last",
    lens=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(torch.stack(xs)) @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="The depths stand on the second axis:",
    second_axis=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs, 1), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="The depths were joined along the batch:",
    cat_depths=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.cat(xs), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="The stream lacks its first depth, the",
    without_first=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs[1:]), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says=ANY,
    last_only=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1])[:, -1] @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
    one_block=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, blocks[:1])),
    scaled_head=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1]) @ tokens.T / math.sqrt(tokens.shape[1]))
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="Only the logits came back: return the stream",
    logits_alone=lambda ids, tokens, places, blocks, norm: (
        norm(walk(ids, tokens, places, blocks)[-1]) @ tokens.T
    ),
)
wrongs(
    "6.2",
    says="The two are in the other order: first the",
    order_turned=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (norm(xs[-1]) @ tokens.T, torch.stack(xs))
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="The places are missing: without them, no",
    no_places=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, 0 * places, blocks)),
    softmaxed_without_places=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), (norm(xs[-1]) @ tokens.T).softmax(-1))
    )(walk(ids, tokens, 0 * places, blocks)),
)
wrongs(
    "6.2",
    says="You added each block's input to its output: a",
    doubled=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, [lambda x, b=b: x + b(x) for b in blocks])),
)
wrongs(
    "6.2",
    says="The blocks run backwards: the first one gets",
    backwards=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, blocks[::-1])),
)
wrongs(
    "6.2",
    says="The norm stands behind every block: each",
    normed_each=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), xs[-1] @ tokens.T)
    )(walk(ids, tokens, places, [lambda x, b=b: norm(b(x)) for b in blocks])),
)
wrongs(
    "6.2",
    says="The head is the wrong table: it scores",
    head_places=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1]) @ places.T)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="The head's table is the wrong way round:",
    head_untransposed=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1]) @ tokens)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="The head reads the embeddings: it reads what",
    embedding_read=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[0]) @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="These are ids of tokens: return a score for",
    argmaxed=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), (norm(xs[-1]) @ tokens.T).argmax(-1))
    )(walk(ids, tokens, places, blocks)),
)
wrongs(
    "6.2",
    says="This is the last depth alone: the stream",
    list_kept=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (xs[-1], norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
)
