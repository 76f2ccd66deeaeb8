"""Sound answers to exercise 6.7."""

from __future__ import annotations

import torch
from mutants.cases import course, sounds
from torch import Tensor


def company(
    texts: list[list[int]],
    tokens: Tensor,
    places: Tensor,
    blocks: list,
    final_norm: object,
    where: object = lambda told: (told.cumsum(1) - 1).clamp(min=0),
    mask: object = lambda told: told[:, None, None, :],
    last: object = lambda x: x[:, -1],
    behind: bool = False,
) -> Tensor:
    """Texts of different lengths at once, cured but for what is given."""
    longest = max(len(text) for text in texts)
    padded = [[0] * (longest - len(text)) for text in texts]
    pairs = zip(padded, texts, strict=True)
    ids = torch.tensor([t + p if behind else p + t for p, t in pairs])
    front = torch.tensor([[0 if behind else len(p)] for p in padded])
    told = torch.arange(longest) >= front
    x = tokens[ids] + places[where(told)]
    for block in blocks:
        x = block(x, mask(told))
    return final_norm(last(x)) @ tokens.T


sounds(
    "6.7",
    cured=lambda texts, *rest: company(texts, *rest),
    behind=lambda texts, tokens, places, blocks, norm: torch.cat(
        [course("6.7")([t], tokens, places, blocks, norm) for t in texts]
    ),
    wrapped=lambda texts, *rest: company(texts, *rest, where=lambda told: told.cumsum(1) - 1),
    modulo=lambda texts, *rest: company(
        texts, *rest, where=lambda told: (told.cumsum(1) - 1) % told.shape[1]
    ),
    square_mask=lambda texts, *rest: company(
        texts, *rest, mask=lambda told: told[:, None, None, :].expand(-1, 1, told.shape[1], -1)
    ),
    in_float64=lambda texts, *rest: company(texts, *rest).double(),
    in_numpy=lambda texts, *rest: company(texts, *rest).numpy(),
)
