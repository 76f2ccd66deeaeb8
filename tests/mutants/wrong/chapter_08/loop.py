"""Wrong answers to exercise 8.6."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrongs


def written(
    model: object,
    ids: list[int],
    most: int,
    choose: object,
    stop: int,
    read: object = lambda ids, new: ids + new,
    pick: object = lambda logits: logits[0, -1],
    out: object = lambda ids, new: new,
    ends: bool = True,
) -> object:
    """The loop, with a line of the learner's own."""
    new: list[int] = []
    for _ in range(most):
        token = choose(pick(model(torch.tensor([read(ids, new)]))))
        if token == stop and ends:
            break
        new.append(token)
    return out(ids, new)


wrongs(
    "8.6",
    says=ANY,
    emits=lambda *a: [*written(*a, out=lambda ids, new: new), a[4]],
    all_places=lambda *a: written(*a, pick=lambda logits: logits[0]),
    batched=lambda *a: written(*a, pick=lambda logits: logits[:, -1]),
    a_tensor_of_two_axes=lambda *a: written(*a, out=lambda ids, new: torch.tensor([new])),
)
wrongs(
    "8.6",
    says="The text went on through the stop token:",
    through=lambda *a: written(*a, ends=False),
    through_with_prompt=lambda *a: written(*a, ends=False, out=lambda ids, new: ids + new),
)
wrongs(
    "8.6",
    says="The prompt is returned as well: return the",
    with_prompt=lambda *a: written(*a, out=lambda ids, new: ids + new),
)
wrongs(
    "8.6",
    says="The model reads the last token alone: it",
    last_alone=lambda *a: written(*a, read=lambda ids, new: (ids + new)[-1:]),
)
wrongs(
    "8.6",
    says="The model reads the prompt again and again:",
    prompt_alone=lambda *a: written(*a, read=lambda ids, new: ids),
)
wrongs(
    "8.6",
    says="The prompt is forgotten after the first new",
    new_alone=lambda *a: written(*a, read=lambda ids, new: new or ids),
)
wrongs(
    "8.6",
    says="You read the scores at the first place: the",
    first_place=lambda *a: written(*a, pick=lambda logits: logits[0, 0]),
)
wrongs(
    "8.6",
    says="`choose` takes logits, and you gave it",
    chances=lambda *a: written(*a, pick=lambda logits: logits[0, -1].softmax(-1)),
)
wrongs(
    "8.6",
    says="You took the likeliest token yourself: let",
    greedy=lambda *a: written(*a[:3], lambda logits: int(logits.argmax()), a[4]),
)
wrongs(
    "8.6",
    says="A stop token inside the prompt stopped it",
    prompt_stops=lambda *a: [] if a[4] in a[1] else written(*a),
)
wrongs(
    "8.6",
    says="The prompt ended with the stop token, and",
    ends_with_stop=lambda *a: [] if a[1][-1] == a[4] else written(*a),
)
wrongs(
    "8.6",
    says="max_new_tokens counts the new ones alone,",
    counts_prompt=lambda *a: written(a[0], a[1], max(0, a[2] - len(a[1])), *a[3:]),
)
wrongs(
    "8.6",
    says="There is a token too few: max_new_tokens of",
    one_less=lambda *a: written(a[0], a[1], a[2] - 1, *a[3:]),
)
wrongs(
    "8.6",
    says="There is a token too many: max_new_tokens of",
    one_more=lambda *a: written(a[0], a[1], a[2] + 1, *a[3:]),
)
wrongs(
    "8.6",
    says="The new tokens come backwards: the first one",
    backwards=lambda *a: written(*a, out=lambda ids, new: new[::-1]),
)
wrongs(
    "8.6",
    says="This is how many new tokens there are: return",
    count=lambda *a: written(*a, out=lambda ids, new: len(new)),
)
