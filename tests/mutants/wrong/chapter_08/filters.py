"""Wrong answers to exercise 8.3."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrongs
from torch import Tensor


def kept(chances: Tensor, p: float, stays: object, least: int = 1) -> Tensor:
    """A nucleus by a rule of the learner's own."""
    sizes, ids = chances.sort(-1, descending=True)
    mask = stays(sizes, sizes.cumsum(-1), p)
    mask[..., :least] = True
    left = sizes * mask
    return torch.zeros_like(chances).scatter(-1, ids, left / left.sum(-1, keepdim=True))


wrongs(
    "8.3",
    says="Of equal logits at the border you kept all,",
    threshold=lambda x, k: x.masked_fill(
        x < x.topk(min(k, x.shape[-1])).values[..., -1:], -torch.inf
    ),
)
wrongs(
    "8.3",
    says="One too many is kept: the k largest stay",
    one_more=lambda x, k: course("8.3")(x, k + 1),
)
wrongs(
    "8.3",
    says="You cut what equals the k-th largest, and so",
    one_less=lambda x, k: x.masked_fill(
        x <= x.topk(min(k, x.shape[-1])).values[..., -1:], -torch.inf
    ),
)
wrongs(
    "8.3",
    says="There may be fewer than k tokens: then keep",
    no_min=lambda x, k: torch.full_like(x, -torch.inf).scatter(
        -1, x.topk(k).indices, x.topk(k).values
    ),
)
wrongs(
    "8.3",
    says="The others are 0 here, and a logit of 0 has a",
    zeros=lambda x, k: torch.zeros_like(x).scatter(
        -1, x.topk(min(k, x.shape[-1])).indices, x.topk(min(k, x.shape[-1])).values
    ),
)
wrongs(
    "8.3",
    says="Only the k logits are returned: the row keeps",
    values=lambda x, k: x.topk(min(k, x.shape[-1])).values,
)
wrongs(
    "8.3",
    says="These are ids: return logits, −inf for those",
    indices=lambda x, k: x.topk(min(k, x.shape[-1])).indices,
)
wrongs(
    "8.3",
    says="These are chances: return logits, the softmax",
    chances=lambda x, k: course("8.3")(x, k).softmax(-1),
)
wrongs(
    "8.3",
    says=ANY,
    smallest=lambda x, k: (
        -course("8.3")(-x, k).masked_fill(course("8.3")(-x, k) == -torch.inf, torch.inf)
    ),
)
wrongs(
    "8.3",
    says="The right logits are kept, in falling order:",
    in_order=lambda x, k: x.sort(-1, descending=True).values.masked_fill(
        torch.arange(x.shape[-1]) >= k, -torch.inf
    ),
)
wrongs(
    "8.3",
    says="You took ranks for ids, and kept the first k",
    front=lambda x, k: x.masked_fill(torch.arange(x.shape[-1]).expand_as(x) >= k, -torch.inf),
)
wrongs(
    "8.3",
    says="You cut the k largest and kept the others:",
    rest=lambda x, k: x.scatter(-1, x.topk(min(k, x.shape[-1])).indices, -torch.inf),
)
wrongs(
    "8.3",
    says="This says which are kept: return their",
    mask=lambda x, k: course("8.3")(x, k).isfinite(),
)
wrongs(
    "8.3",
    says="The tokens cut have -100: give them −inf,",
    small_number=lambda x, k: course("8.3")(x, k).clamp(min=-100),
)
wrongs(
    "8.3",
    says="The k largest of the whole batch are kept:",
    batch_by_ids=lambda x, k: course("8.3")(x.flatten(), k).view_as(x),
)
wrongs(
    "8.3",
    says="Of equal logits at the border you kept all, and",
    batch=lambda x, k: x.masked_fill(
        x < x.flatten().topk(min(k, x.numel())).values[-1], -torch.inf
    ),
)
