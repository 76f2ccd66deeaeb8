"""Whether a model with a learner's parts in it still computes what the library's computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch

from utils.course.assembling.assembled import Sampling, machine, prompt_ids, write
from utils.course.assembling.modern import ModernGPT
from utils.course.assembling.places import Answer, is_chat
from utils.data.texts.models import TextModel

__all__ = ["departure", "departure_on"]

SHORT = 40  # tokens of the longest text that is tried before the longest of all
ONE_BY_ONE = 12  # tokens that are read as they are when a text is written
FEW = 4  # such tokens, of a large model
LARGE = 20_000_000  # parameters of a model that takes seconds to read its longest text

#: What each model computes without anyone's parts.
_known: WeakKeyDictionary[TextModel, dict[Any, Any]] = WeakKeyDictionary()


def departure(opened: TextModel, parts: Mapping[str, Answer]) -> str:
    """On what the parts compute or write something else than the course's; empty if on nothing."""
    context = opened.context_length
    dice = torch.Generator().manual_seed(0)
    short = min(SHORT, context)
    for size in sorted({1, 7, short, short if _is_large(opened) else context}):
        ids = torch.randint(opened.model.config.vocab_size, (size,), generator=dice).tolist()
        found = departure_on(opened, parts, ids)
        if found:
            return found
    return _draws(parts) or _frames(opened, parts) or _writes(opened, parts)


@torch.no_grad()
def departure_on(opened: TextModel, parts: Mapping[str, Answer], ids: Sequence[int]) -> str:
    """How the logits after a text of ids depart from the library's."""
    given = torch.tensor([list(ids)[-opened.context_length :]])
    expected = _once(opened, tuple(ids), lambda: opened.model(given))
    built, size = machine(opened.model, parts), given.shape[1]
    if isinstance(built, ModernGPT):  # the last tokens one by one, from what is kept of the others
        for end in range(max(1, size - (FEW if _is_large(opened) else ONE_BY_ONE)), size):
            built(given[:, :end])
    got = built(given)
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


def _is_large(opened: TextModel) -> bool:
    return opened.model.num_parameters() > LARGE


def _once(opened: TextModel, what: Any, compute: Callable[[], Any]) -> Any:
    known = _known.setdefault(opened, {})
    if what not in known:
        known[what] = compute()
    return known[what]


def _draws(parts: Mapping[str, Answer]) -> str:
    """How tokens are drawn from five rows of logits, greedily and by dart."""
    rows = torch.randn(5, 50, generator=torch.Generator().manual_seed(0)) * 3
    for heat in (0.0, 0.8):
        ours, theirs = ([Sampling(each, heat)(row) for row in rows] for each in ({}, parts))
        if ours != theirs:
            how = f"at temperature {heat:g} from five rows of 50 logits (seed 0)"
            return f"{how} it draws the ids {theirs} where {ours} are expected"
    return ""


def _frames(opened: TextModel, parts: Mapping[str, Answer]) -> str:
    """How a question is framed, for a model that answers."""
    if not is_chat(opened):
        return ""
    ours, theirs = (prompt_ids(opened, each, "Who are you?") for each in ({}, parts))
    if ours == theirs:
        return ""
    return f"it frames a question in {len(theirs)} tokens that are not the {len(ours)} expected"


def _writes(opened: TextModel, parts: Mapping[str, Answer]) -> str:
    """What is written behind an empty text, where a story begins."""
    ours = _once(opened, "written", lambda: write(opened, {}, "", 3))
    theirs = write(opened, parts, "", 3)
    if ours == theirs:
        return ""
    written = f"writes “{opened.decode(theirs)}”" if theirs else "writes nothing"
    return f"after an empty text it {written}, and the course's writes “{opened.decode(ours)}”"
