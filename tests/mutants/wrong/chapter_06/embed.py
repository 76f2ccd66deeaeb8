"""Wrong answers to exercise 6.1."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, wrongs
from torch.nn import functional as F

wrongs(
    "6.1",
    says="The places are missing: add to each token's",
    plain=lambda ids, tokens, places: tokens[ids],
)
wrongs(
    "6.1",
    says="The places' table has N rows, and a text only",
    whole_table=lambda ids, tokens, places: tokens[ids] + places,
)
wrongs(
    "6.1",
    says=ANY,
    by_batch=lambda ids, tokens, places: tokens[ids] + places[: ids.shape[0]],
    from_one=lambda ids, tokens, places: (
        tokens[ids] + places[torch.arange(1, ids.shape[1] + 1) % len(places)]
    ),
    one_short=lambda ids, tokens, places: tokens[ids] + places[: ids.shape[1] - 1],
    ids_as_places=lambda ids, tokens, places: (
        F.embedding(ids, tokens) + F.embedding(ids.clamp(max=len(places) - 1), places)
    ),
    twice_tokens=lambda ids, tokens, places: 2 * tokens[ids] + places[: ids.shape[1]],
    twice_places=lambda ids, tokens, places: tokens[ids] + 2 * places[: ids.shape[1]],
    divided=lambda ids, tokens, places: (
        (tokens[ids] + places[: ids.shape[1]]) / math.sqrt(tokens.shape[1])
    ),
    exchanged=lambda ids, tokens, places: places[ids % len(places)] + tokens[: ids.shape[1]],
    flat=lambda ids, tokens, places: (tokens[ids] + places[: ids.shape[1]]).flatten(0, 1),
    summed_text=lambda ids, tokens, places: (tokens[ids] + places[: ids.shape[1]]).sum(1),
    column_places=lambda ids, tokens, places: tokens[ids] + places[: ids.shape[1], :1],
)
wrongs(
    "6.1",
    says="Every token got the vector of the last place,",
    last_place=lambda ids, tokens, places: tokens[ids] + places[ids.shape[-1] - 1],
)
wrongs(
    "6.1",
    says="The two vectors were put side by side: add",
    joined=lambda ids, tokens, places: torch.cat(
        [tokens[ids], places[: ids.shape[1]].repeat(len(ids), 1, 1)], -1
    ),
)
wrongs(
    "6.1",
    says="The two vectors were multiplied: add",
    product=lambda ids, tokens, places: tokens[ids] * places[: ids.shape[1]],
)
wrongs(
    "6.1",
    says="The two vectors were averaged: add",
    mean_of_both=lambda ids, tokens, places: torch.stack(
        [tokens[ids], places[: ids.shape[1]].expand_as(tokens[ids])]
    ).mean(0),
)
wrongs(
    "6.1",
    says="The token's vector was multiplied by √C: the",
    root=lambda ids, tokens, places: (
        math.sqrt(tokens.shape[1]) * tokens[ids] + places[: ids.shape[1]]
    ),
)
wrongs(
    "6.1",
    says="The last two axes are turned: (B, T, C), a",
    transposed=lambda ids, tokens, places: (tokens[ids] + places[: ids.shape[1]]).transpose(1, 2),
)
wrongs(
    "6.1",
    says="Only the first text came back: all of the",
    first_text=lambda ids, tokens, places: tokens[ids[0]] + places[: ids.shape[1]],
)
wrongs(
    "6.1",
    says="The places run backwards: the first token",
    reversed_places=lambda ids, tokens, places: (
        tokens[ids] + places[torch.arange(ids.shape[1] - 1, -1, -1)]
    ),
)
wrongs(
    "6.1",
    says="The place was subtracted: add the two",
    minus=lambda ids, tokens, places: tokens[ids] - places[: ids.shape[1]],
)
wrongs(
    "6.1",
    says="The sum was normed: the blocks do that",
    layer_normed=lambda ids, tokens, places: F.layer_norm(
        tokens[ids] + places[: ids.shape[1]], [tokens.shape[1]]
    ),
)

wrongs(
    "6.1",
    says="Places were looked up by the token's id, cut",
    by_id_round=lambda ids, tokens, places: tokens[ids] + places[ids % len(places)],
)
wrongs(
    "6.1",
    says="You took T from the batch",
    as_many_as_texts=lambda ids, tokens, places: tokens[ids] + places[: ids.shape[0]],
)
