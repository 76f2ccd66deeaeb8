"""Chapter 06, first part: from ids to vectors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

# 6.1 · embeddings with positions


def embed(ids: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
    """The vector of each token plus the vector of its place, (B, T, C)."""
    return tokens[ids] + places[: ids.shape[1]]


_PLACES = {
    "no places": lambda ids, places: torch.zeros(1),
    "by id": lambda ids, places: places[ids],
    "by id, round": lambda ids, places: places[ids % len(places)],
    "by id, cut": lambda ids, places: places[ids.clamp(max=len(places) - 1)],
    "from 1, cut": lambda ids, places: places[
        torch.arange(1, ids.shape[1] + 1).clamp(max=len(places) - 1)
    ],
    "as many as texts": lambda ids, places: places[: len(ids)],
    "backwards": lambda ids, places: places[: ids.shape[1]].flip(0),
    "from the end": lambda ids, places: places[-ids.shape[1] :],
    "from 1": lambda ids, places: places[1 : ids.shape[1] + 1],
    "whole table": lambda ids, places: places,
    "first place": lambda ids, places: places[0],
    "last place": lambda ids, places: places[ids.shape[1] - 1],
    "place T": lambda ids, places: places[ids.shape[1]],
    "along the batch": lambda ids, places: places[: len(ids)][:, None],
    "summed up": lambda ids, places: places[: ids.shape[1]].cumsum(0),
    "numbers": lambda ids, places: torch.arange(ids.shape[1])[:, None],
    "behind T": lambda ids, places: places[ids.shape[1] :],
    "first alone": lambda ids, places: F.pad(places[:1], (0, 0, 0, ids.shape[1] - 1)),
    "mean place": lambda ids, places: places.mean(0),
    "all texts": lambda ids, places: places[torch.arange(ids.numel()) % len(places)].view(
        *ids.shape, -1
    ),
}
_JOINED = {
    "multiplied": lambda token, place: token * place,
    "matrices": lambda token, place: token @ place.mT,
    "tokens left out": lambda token, place: place.expand_as(token),
    "both": lambda token, place: (token, place),
    "averaged": lambda token, place: (token + place) / 2,
    "scaled": lambda token, place: token * token.shape[-1] ** 0.5 + place,
    "all scaled": lambda token, place: (token + place) * token.shape[-1] ** 0.5,
    "subtracted": lambda token, place: token - place,
    "normed": lambda token, place: F.layer_norm(token + place, token.shape[-1:]),
    "side by side": lambda token, place: torch.cat([token, place.expand_as(token)], dim=-1),
}


def _embed(ids: Tensor, tokens: Tensor, places: Tensor, *, wrong: Wrong = frozenset()) -> Tensor:
    """The vectors, with a bend where a wrong turn wants one."""
    if "swapped" in wrong:
        tokens, places = places, tokens
    ids = ids - 1 if "ids from 1" in wrong else ids
    token, place = tokens[ids], places[: ids.shape[1]]
    for slip in wrong & _PLACES.keys():
        place = _PLACES[slip](ids, places)
    join = [_JOINED[slip] for slip in wrong & _JOINED.keys()] or [torch.add]
    out = join[0](token, place)
    if "one text" in wrong:
        return out[0]
    if "one too few" in wrong:
        return out[:, :-1]
    return out.mT if "turned" in wrong else out


_SAID = {
    "no places": "The places are missing: add to each token's vector the one of the place where "
    "it stands.",
    "by id": "The places were looked up by the token's id: a place is where the token stands, 0, "
    "1, 2, … along the text.",
    "by id, round": "Places were looked up by the token's id, cut down to the table: a place is "
    "where the token stands, 0, 1, 2, … along the text.",
    "by id, cut": "Places were looked up by the token's id, at most the table's last: a place is "
    "where the token stands, 0, 1, 2, … along the text.",
    "from 1, cut": "Your places begin at 1, and the last one twice: the first token stands at "
    "place 0.",
    "as many as texts": "You took T from the batch: ids is (B, T), so T is ids.shape[1].",
    "backwards": "The places run backwards: the first token stands at place 0.",
    "from the end": "Your places end where the table ends: a short text stands at its beginning, "
    "0 to T − 1.",
    "from 1": "Your places begin at 1: the first token stands at place 0.",
    "whole table": "The places' table has N rows, and a text only T of them: take the first T, "
    "places[: ids.shape[1]].",
    "first place": "Every token got the vector of place 0: each place along the text has its own.",
    "last place": "Every token got the vector of the last place, T − 1: each place along the text "
    "has its own.",
    "place T": "Every token got the vector of place T: each place along the text has its own, "
    "from 0 to T − 1.",
    "along the batch": "The place was counted along the batch: all texts begin at place 0, and it "
    "grows along the second axis.",
    "numbers": "You added the number of the place: each has a vector of its own, a row of "
    "`places`.",
    "behind T": "You took the places from T on: the first T, places[: ids.shape[1]].",
    "first alone": "Only the first token got the vector of its place: each of them does.",
    "matrices": "The two were multiplied as matrices: add them, number by number.",
    "tokens left out": "The tokens are missing: add each token's vector, tokens[ids].",
    "both": "Two tensors came back: return their sum.",
    "one too few": "The last token of each text is missing: all T of them, (B, T, C).",
    "summed up": "The places were summed up along the text: a place has its own vector alone.",
    "mean place": "Every token got the mean of all places: each place along the text has its own.",
    "all texts": "The places go on from one text to the next: every text begins at place 0.",
    "multiplied": "The two vectors were multiplied: add them.",
    "averaged": "The two vectors were averaged: add them.",
    "scaled": "The token's vector was multiplied by √C: the transformer of 2017 does that, GPT-2 "
    "doesn't.",
    "all scaled": "The sum was multiplied by √C: GPT-2 leaves it as it is.",
    "subtracted": "The place was subtracted: add the two vectors.",
    "normed": "The sum was normed: the blocks do that themselves, and the stream begins with the "
    "plain sum.",
    "side by side": "The two vectors were put side by side: add them, so that the width stays C.",
    "swapped": "The tables are swapped: the ids look up tokens, and the places are 0, 1, 2 and "
    "so on.",
    "ids from 1": "Ids count from 0, and so do the rows of the table: tokens[ids].",
    "one text": "Only the first text came back: all of the batch, (B, T, C).",
    "turned": "The last two axes are turned: (B, T, C), a row for each token.",
}


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


def tables(v: int, n: int, c: int, *ids: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """ids, a table of v tokens and one of n places, c columns each."""
    seed = 610 + 100 * v + 10 * n + c
    return torch.tensor(ids), uniform(v, c, seed=seed), uniform(n, c, seed=seed + 1)


_OFTEN = (
    "no places",
    "by id",
    "from 1",
    "backwards",
    "along the batch",
    "multiplied",
    "averaged",
    "scaled",
    "side by side",
    "ids from 1",
)
_APART = [
    "no places | by id | from 1 | backwards | along the batch",
    "multiplied | averaged | scaled | side by side",
    "no places | multiplied | averaged | side by side",
    "ids from 1 | by id",
]

EMBED = Exercise(
    id="6.1",
    title="Embeddings with positions",
    minutes=5,
    stars=1,
    reference=embed,
    probes=[
        tables(4, 3, 2, [3, 1]),
        tables(5, 4, 3, [4, 0, 4], [1, 1, 2]),
        tables(7, 6, 2, [3, 3, 0, 1], [5, 0, 1, 3], [1, 1, 1, 1], [0, 2, 2, 0]),
        tables(9, 3, 4, [8, 2, 7]),
        tables(3, 6, 5, [2], [0]),
        tables(4, 4, 3, [3, 3, 0, 1], [2, 0, 1, 3]),
    ],
    mistakes=alone(_embed, _SAID),
    together=in_pairs(_embed, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
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
