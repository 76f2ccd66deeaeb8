"""Wrong answers to exercise 8.10."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrong, wrongs
from torch import Tensor


def kept(chances: Tensor, p: float, stays: object, least: int = 1) -> Tensor:
    """A nucleus by a rule of the learner's own."""
    sizes, ids = chances.sort(-1, descending=True)
    mask = stays(sizes, sizes.cumsum(-1), p)
    mask[..., :least] = True
    left = sizes * mask
    return torch.zeros_like(chances).scatter(-1, ids, left / left.sum(-1, keepdim=True))


def cached(
    model: object,
    ids: list[int],
    most: int,
    choose: object,
    first: object = lambda ids: ids,
    then: object = lambda ids, new: new[-1:],
    before: object = lambda ids: [],
    out: object = lambda ids, new: new,
    batch: object = lambda ids: 1,
) -> list[int]:
    """The loop with a cache, with a line of the learner's own."""
    caches, new, given = model.make_caches(batch(ids)), [], first(ids)
    if before(ids):
        model(torch.tensor([before(ids)]), caches=caches)
    while len(new) < most:
        new.append(choose(model(torch.tensor([given]), caches=caches)[0, -1]))
        given = then(ids, new)
    return out(ids, new)


wrongs(
    "8.10",
    says="The last token of the prompt is still read",
    as_it_was=lambda *a: cached(*a, before=lambda ids: ids, first=lambda ids: ids[-1:]),
)
wrongs(
    "8.10",
    says="The whole text is read at each step, behind",
    all_again=lambda *a: cached(*a, then=lambda ids, new: ids + new),
)
wrongs(
    "8.10",
    says="The last two tokens are read at each step, so",
    two=lambda *a: cached(*a, then=lambda ids, new: (ids + new)[-2:]),
)
wrongs(
    "8.10",
    says="The token before the newest is read at each",
    late=lambda *a: cached(*a, then=lambda ids, new: (ids + new)[-2:-1]),
)
wrongs(
    "8.10",
    says="The prompt is read at each step, behind what",
    prompt_again=lambda *a: cached(*a, then=lambda ids, new: [*ids, new[-1]]),
)
wrongs(
    "8.10",
    says="The last token of the prompt is never read:",
    cut=lambda *a: cached(*a, first=lambda ids: ids[:-1] or ids),
)
wrongs(
    "8.10",
    says="Only the last token of the prompt is read:",
    last_alone=lambda *a: cached(*a, first=lambda ids: ids[-1:]),
)
wrongs(
    "8.10",
    says="Only the first token of the prompt is read:",
    first_alone=lambda *a: cached(*a, first=lambda ids: ids[:1]),
)
wrongs(
    "8.10",
    says="The prompt is returned as well: return the",
    with_prompt=lambda *a: cached(*a, out=lambda ids, new: ids + new),
)
wrongs(
    "8.10",
    says="The text is right, but it was read anew for",
    no_cache=lambda model, ids, most, choose: (
        [*map(int, course("8.6")(model, ids, most, choose, -1))]
    ),
)
wrongs(
    "8.10",
    says="The whole prompt is read twice, and so kept",
    twice=lambda *a: cached(*a, before=lambda ids: ids),
)
wrongs(
    "8.10",
    says=ANY,
    first_again=lambda *a: cached(*a, before=lambda ids: ids[:1]),
    empty_read=lambda *a: cached(*a, before=lambda ids: ids[:-1], first=lambda ids: ids[:0]),
    newest_twice=lambda *a: cached(*a, then=lambda ids, new: new[-1:] * 2),
    first_new=lambda *a: cached(*a, then=lambda ids, new: new[:1]),
)
wrongs(
    "8.10",
    says="There is a token too many: max_new_tokens of",
    one_more=lambda model, ids, most, choose: cached(model, ids, most + 1, choose),
)
wrongs(
    "8.10",
    says="There is a token too few: max_new_tokens of",
    one_less=lambda model, ids, most, choose: cached(model, ids, most, choose)[:-1],
)
wrongs(
    "8.10",
    says="You took the likeliest token yourself: let",
    greedy=lambda model, ids, most, choose: cached(
        model, ids, most, lambda logits: int(logits.argmax())
    ),
)
wrongs(
    "8.10",
    no_text=lambda *a: cached(*a, batch=lambda ids: 0),
    two_texts=lambda *a: cached(*a, batch=lambda ids: 2),
    a_text_a_token=lambda *a: cached(*a, batch=len),
)


@wrong("8.10", "any")
def one_cache_for_all_layers(model, ids, max_new_tokens, choose):
    caches, new, given = model.make_caches(1)[:1], [], ids
    while len(new) < max_new_tokens:
        new.append(choose(model(torch.tensor([given]), caches=caches)[0, -1]))
        given = new[-1:]
    return new


@wrong("8.10")
def caches_by_place(model, ids, max_new_tokens, choose):
    caches, new, given = model.make_caches(1), [], ids
    while len(new) < max_new_tokens:
        new.append(choose(model(torch.tensor([given]), caches)[0, -1]))
        given = new[-1:]
    return new


@wrong("8.10", says="All layers got the same cache")
def the_same_cache_for_each_layer(model, ids, max_new_tokens, choose):
    caches, new, given = [model.make_caches(1)[0]] * len(model.make_caches(1)), [], ids
    while len(new) < max_new_tokens:
        new.append(choose(model(torch.tensor([given]), caches=caches)[0, -1]))
        given = new[-1:]
    return new


@wrong("8.10", says="The first text is right, and the same call")
def caches_on_the_model(model, ids, max_new_tokens, choose):
    if not hasattr(model, "caches"):
        model.caches = model.make_caches(1)
    new, given = [], ids
    while len(new) < max_new_tokens:
        new.append(choose(model(torch.tensor([given]), caches=model.caches)[0, -1]))
        given = new[-1:]
    return new
