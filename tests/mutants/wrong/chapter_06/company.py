"""Wrong answers to exercise 6.7."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrong, wrongs
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


wrongs(
    "6.7",
    says="The places still count the filling: the first",
    as_it_was=lambda texts, *rest: company(
        texts, *rest, where=lambda told: torch.arange(told.shape[1]).expand(told.shape)
    ),
)
wrongs(
    "6.7",
    says="The places begin at 1: the first token of a",
    from_one=lambda texts, *rest: company(texts, *rest, where=lambda told: told.cumsum(1)),
)
wrongs(
    "6.7",
    says="All tokens stand at place 0: a text's places",
    all_zero=lambda texts, *rest: company(
        texts, *rest, where=lambda told: torch.zeros_like(told).long()
    ),
)
wrongs(
    "6.7",
    says="The filling is looked at: each block needs",
    no_mask=lambda texts, *rest: company(texts, *rest, mask=lambda told: None),
)
wrongs(
    "6.7",
    says="The mask is turned round: True where a token",
    mask_turned=lambda texts, *rest: company(
        texts, *rest, mask=lambda told: ~told[:, None, None, :]
    ),
)
wrongs(
    "6.7",
    says="All texts got the mask of the first: each has",
    first_mask=lambda texts, *rest: company(
        texts, *rest, mask=lambda told: told[:1, None, None, :]
    ),
    mask_of_two_axes=lambda texts, *rest: company(texts, *rest, mask=lambda told: told[0]),
)
wrongs(
    "6.7",
    says="You read the last column, and the filling",
    behind_and_last=lambda texts, *rest: company([[*t] for t in texts], *rest, behind=True),
)
wrongs(
    "6.7",
    says="The texts were cut to the length of the",
    shortest=lambda texts, *rest: company([t[-min(map(len, texts)) :] for t in texts], *rest),
)
wrongs(
    "6.7",
    says=ANY,
    from_the_front=lambda texts, *rest: company([t[: min(map(len, texts))] for t in texts], *rest),
    mean_column=lambda texts, *rest: company(texts, *rest, last=lambda x: x.mean(1)),
    all_columns=lambda texts, *rest: company(texts, *rest, last=lambda x: x),
    by_length=lambda texts, *rest: company(sorted(texts, key=len), *rest),
    first_alone=lambda texts, *rest: company(texts[:1], *rest),
    from_the_longest=lambda texts, *rest: company(
        texts, *rest, where=lambda told: (told.shape[1] - told.cumsum(1)).clamp(min=0)
    ),
    no_mask_old_places=lambda texts, *rest: company(
        texts,
        *rest,
        where=lambda told: torch.arange(told.shape[1]).expand(told.shape),
        mask=lambda told: None,
    ),
    chances=lambda texts, *rest: company(texts, *rest).softmax(-1),
)
wrongs(
    "6.7",
    says="You read the first column: the next token is",
    first_column=lambda texts, *rest: company(texts, *rest, last=lambda x: x[:, 0]),
)
wrongs(
    "6.7",
    says="The texts were sorted by their lengths: keep",
    longest_first=lambda texts, *rest: company(sorted(texts, key=len, reverse=True), *rest),
)
wrongs(
    "6.7",
    says="All texts got the places of the first: each",
    as_the_first=lambda texts, *rest: company(
        texts, *rest, where=lambda told: (told[:1].cumsum(1) - 1).clamp(min=0).expand(told.shape)
    ),
)


@wrong("6.7", says="the result is right, but the argument was changed")
def fills_the_callers_texts_up(texts, tokens, places, blocks, final_norm):
    ends = torch.tensor([len(text) - 1 for text in texts])
    for text in texts:
        text += [0] * (max(ends) - len(text) + 1)
    x = tokens[torch.tensor(texts)] + places[: len(texts[0])]
    for block in blocks:
        x = block(x)
    return final_norm(x[torch.arange(len(ends)), ends]) @ tokens.T
