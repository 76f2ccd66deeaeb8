"""Sound answers to exercise 6.2."""

from __future__ import annotations

import torch
from mutants.cases import sounds
from torch import Tensor
from torch.nn import functional as F


def walk(ids: Tensor, tokens: Tensor, places: Tensor, blocks: list) -> list[Tensor]:
    """The stream at every depth, as a learner collects it."""
    xs = [tokens[ids] + places[: ids.shape[1]]]
    for block in blocks:
        xs.append(block(xs[-1]))
    return xs


sounds(
    "6.2",
    listed=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), norm(xs[-1]) @ tokens.T)
    )(walk(ids, tokens, places, blocks)),
    as_list=lambda ids, tokens, places, blocks, norm: (
        lambda xs: [torch.stack(xs), F.linear(norm(xs[-1]), tokens)]
    )(walk(ids, tokens, places, blocks)),
    einsum=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), torch.einsum("btc,vc->btv", norm(xs[-1]), tokens))
    )(walk(ids, tokens, places, blocks)),
    joined=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.cat([x[None] for x in xs]), norm(xs[-1]) @ tokens.mT)
    )(walk(ids, tokens, places, blocks)),
    normed_stream=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs), (norm(torch.stack(xs)) @ tokens.T)[-1])
    )(walk(ids, tokens, places, blocks)),
    in_numpy=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs).numpy(), (norm(xs[-1]) @ tokens.T).numpy())
    )(walk(ids, tokens, places, blocks)),
    in_float64=lambda ids, tokens, places, blocks, norm: (
        lambda xs: (torch.stack(xs).double(), norm(xs[-1]).double() @ tokens.double().T)
    )(walk(ids, tokens, places, blocks)),
)
