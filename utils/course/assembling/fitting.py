"""Whether a model with a learner's parts in it still computes what the library's computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from utils.course.assembling.assembled import Answer, AssembledGPT, Sampling, write
from utils.data.texts.models import TextModel

__all__ = ["departure", "departure_on"]

SHORT = 40  # tokens of the longest text that is tried before the longest of all


def departure(opened: TextModel, parts: Mapping[str, Answer]) -> str:
    """On what the parts compute or write something else than the course's; empty if on nothing."""
    context = opened.context_length
    dice = torch.Generator().manual_seed(0)
    for size in sorted({1, 7, min(SHORT, context), context}):
        ids = torch.randint(opened.model.config.vocab_size, (size,), generator=dice).tolist()
        found = departure_on(opened, parts, ids)
        if found:
            return found
    return _draws(parts) or _writes(opened, parts)


@torch.no_grad()
def departure_on(opened: TextModel, parts: Mapping[str, Answer], ids: Sequence[int]) -> str:
    """How the logits after a text of ids depart from the library's."""
    given = torch.tensor([list(ids)[-opened.context_length :]])
    expected, got = opened.model(given), AssembledGPT(opened.model, parts)(given)
    size = given.shape[1]
    text = f"for a text of {size} token{'s' * (size > 1)}"
    if got.shape != expected.shape:
        shapes = f"{tuple(got.shape)} where {tuple(expected.shape)} are expected"
        return f"{text} it gives logits of shape {shapes}"
    far = ~torch.isclose(got, expected, rtol=1e-3, atol=1e-3)
    if not far.any():
        return ""
    place = tuple(far.nonzero()[0].tolist())
    values = f"{got[place]:.4g} where {expected[place]:.4g} is expected"
    after = opened.decode([int(given[0, place[1]])])
    return f"{text} the logits depart, first after token {place[1] + 1}, “{after}”: {values}"


def _draws(parts: Mapping[str, Answer]) -> str:
    """How tokens are drawn from five rows of logits, greedily and by dart."""
    rows = torch.randn(5, 50, generator=torch.Generator().manual_seed(0)) * 3
    for heat in (0.0, 0.8):
        ours, theirs = ([Sampling(each, heat)(row) for row in rows] for each in ({}, parts))
        if ours != theirs:
            how = f"at temperature {heat:g} from five rows of 50 logits (seed 0)"
            return f"{how} it draws the ids {theirs} where {ours} are expected"
    return ""


def _writes(opened: TextModel, parts: Mapping[str, Answer]) -> str:
    """What is written behind an empty text, where a story begins."""
    ours, theirs = (write(opened, each, "", 3) for each in ({}, parts))
    if ours == theirs:
        return ""
    written = f"writes “{opened.decode(theirs)}”" if theirs else "writes nothing"
    return f"after an empty text it {written}, and the course's writes “{opened.decode(ours)}”"
