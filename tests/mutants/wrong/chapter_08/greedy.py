"""Wrong answers to exercise 8.1."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrongs

wrongs(
    "8.1",
    says="These are tokens for every place: only what",
    all_places=lambda x: x.argmax(-1),
)
wrongs(
    "8.1",
    says="You read the scores at the first place, which",
    first_place=lambda x: x[:, 0].argmax(-1),
    first_across=lambda x: x[:, 0].argmax(0),
)
wrongs(
    "8.1",
    says="`argmax` without dim counts through the whole",
    no_dim=lambda x: x[:, -1].argmax(),
)
wrongs(
    "8.1",
    says="You compared the texts with each other: each",
    across=lambda x: x[:, -1].argmax(0),
)
wrongs(
    "8.1",
    says="This is the largest logit itself: the token",
    largest=lambda x: x[:, -1].max(-1).values,
)
wrongs(
    "8.1",
    says="`max` gives the logits and the ids: return",
    max_pair=lambda x: x[:, -1].max(-1),
)
wrongs(
    "8.1",
    says="This is the least likely token: argmax, not",
    least=lambda x: x[:, -1].argmin(-1),
)
wrongs(
    "8.1",
    says="You took the last text: the places are the",
    last_text=lambda x: x[-1].argmax(-1),
)
wrongs(
    "8.1",
    says="There is an axis too many: one id a text,",
    kept_axis=lambda x: x[:, -1].argmax(-1, keepdim=True),
    kept_place=lambda x: x[:, -1:].argmax(-1),
)
wrongs(
    "8.1",
    says="You joined the scores of all places, as a mean or",
    averaged=lambda x: x.mean(1).argmax(-1),
    added_up=lambda x: x.sum(1).argmax(-1),
)
wrongs(
    "8.1",
    says="You looked for the largest logit of all",
    flat=lambda x: x.flatten(1).argmax(-1),
)
wrongs(
    "8.1",
    says="This is the chance of the token: return its",
    chance=lambda x: x[:, -1].softmax(-1).amax(-1),
)
wrongs(
    "8.1",
    says="You threw a dart: greedy always takes the",
    thrown=lambda x: torch.multinomial(x[:, -1].softmax(-1), 1).squeeze(-1),
)
wrongs(
    "8.1",
    says="You sorted first, and then the largest stands",
    sorted_first=lambda x: x[:, -1].sort(descending=True).values.argmax(-1),
)
wrongs(
    "8.1",
    says=ANY,
    topk=lambda x: x[:, -1].topk(1).indices,
    second_last=lambda x: x[:, -2].argmax(-1),
    one_text=lambda x: x[0, -1].argmax(),
)
wrongs(
    "8.1",
    says="You took the logit furthest from 0: a large",
    absolute=lambda x: x[:, -1].abs().argmax(-1),
)
wrongs(
    "8.1",
    says="Of equal logits you took the last: take the",
    last_equal=lambda x: x.shape[-1] - 1 - x[:, -1].flip(-1).argmax(-1),
)
