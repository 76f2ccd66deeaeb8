"""What chapter 08 says of scores, pies and darts to answers written as learners write them."""

from __future__ import annotations

import pytest
import torch
from helpers.feedback import said
from torch.nn import functional as F

from utils.course.checking import registry
from utils.llm.sampling import loop as sampling


def top_k_with_topk(logits, k):
    values, ids = torch.topk(logits, min(k, logits.size(-1)))
    return torch.full_like(logits, float("-inf")).scatter_(-1, ids, values)


def top_k_that_keeps_the_last_of_equal(logits, k):
    backwards = logits.flip(-1)
    order = backwards.argsort(dim=-1, descending=True, stable=True)
    kept = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order[..., :k], True)
    return logits.masked_fill(~kept.flip(-1), -1e9)


def top_k_by_threshold(logits, k):
    v, _ = torch.topk(logits, min(k, logits.size(-1)))
    logits = logits.clone()
    logits[logits < v[..., [-1]]] = -float("inf")
    return logits


def top_k_in_place(logits, k):
    kept = torch.zeros_like(logits, dtype=torch.bool)
    kept.scatter_(-1, logits.topk(min(k, logits.shape[-1])).indices, True)
    logits[~kept] = -torch.inf
    return logits


def nucleus_as_others_do(chances, p):
    sizes, ids = torch.sort(chances, descending=False)
    remove = sizes.cumsum(-1) <= 1 - p
    remove[..., -1:] = False
    kept = chances.masked_fill(torch.zeros_like(remove).scatter(-1, ids, remove), 0)
    return kept / kept.sum(-1, keepdim=True)


def nucleus_of_the_last_of_equal(chances, p):
    return registry.exercise("8.4").reference(chances.flip(-1), p).flip(-1)


def nucleus_forgetting_to_scatter(chances, p):
    sizes, _ = chances.sort(descending=True)
    sizes[(sizes.cumsum(-1) - sizes) >= max(p, 1e-9)] = 0
    return sizes / sizes.sum(-1, keepdim=True)


def throw_one_at_a_time(chances, darts):
    ids = []
    for pie, dart in zip(chances, darts, strict=True):
        total = torch.tensor(0.0)
        for token in range(len(pie)):
            total = total + pie[token]
            if dart < total:
                break
        ids.append(token)
    return torch.tensor(ids)


def throw_and_remember_the_last_that_is_none(chances, darts):
    ids = []
    for pie, dart in zip(chances.tolist(), darts.tolist(), strict=True):
        total, hit = 0.0, 0
        for token, size in enumerate(pie):
            hit = token if size > 0 else hit
            total += size
            if dart < total:
                break
        ids.append(hit)
    return torch.tensor(ids)


def throw_at_a_pie_made_whole(chances, darts):
    sums = chances.cumsum(-1)
    return (sums / sums[:, -1:] <= darts[:, None]).sum(-1)


def throw_with_a_clamp(chances, darts):
    return (chances.cumsum(-1) <= darts[:, None]).sum(-1).clamp(max=chances.shape[-1] - 1)


def throw_by_rank(chances, darts):
    sizes = chances.sort(-1, descending=True).values
    return (sizes.cumsum(-1) <= darts[:, None]).sum(-1)


def throw_at_the_first_pie(chances, darts):
    return registry.exercise("8.5").reference(chances[:1].expand(len(darts), -1), darts)


def min_p_from_the_largest(logits, p):
    if not p:
        return logits
    lowest = logits.max(-1, keepdim=True).values + torch.tensor(p).log()
    return torch.where(logits >= lowest, logits, torch.tensor(-1e9))


def min_p_of_one_number(logits, p):
    chances = logits.softmax(-1)
    return logits.masked_fill(chances < p * chances.max(), -torch.inf)


def top_k_gathered_back(logits, k):
    ordered, ids = logits.sort(descending=True)
    ordered[..., k:] = -torch.inf
    return ordered.gather(-1, ids)


def top_k_by_threshold_of_some_rows(logits, k):
    return logits.masked_fill(
        logits < logits.topk(min(k, logits.shape[-1])).values[..., -1], -torch.inf
    )


def nucleus_of_one_pie(chances, p):
    sizes, ids = chances.sort(descending=True)
    kept = sizes.cumsum(-1) - sizes < p
    kept[0] = True
    left = torch.zeros_like(chances).scatter(-1, ids, sizes * kept)
    return left / left.sum()


def nucleus_that(back="scatter", sort=True, finish=lambda left: left / left.sum(-1, keepdim=True)):
    """Without a token that is kept always, as one writes it first."""

    def nucleus(chances, p):
        sizes, ids = chances.sort(dim=-1, descending=True)
        if not sort:
            sizes, ids = chances, torch.arange(chances.shape[-1]).expand_as(chances)
        left = finish(sizes * (sizes.cumsum(-1) - sizes < p))
        return (
            left.gather(-1, ids)
            if back == "gather"
            else torch.zeros_like(left).scatter(-1, ids, left)
        )

    return nucleus


def heat_with_whole_numbers(logits, t):
    if t == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1])
    return F.softmax(logits / t, dim=-1)


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("8.1", lambda logits: sampling.greedy(logits[:, -1])),
        ("8.2", lambda logits, t: sampling.temperature(t)(logits).softmax(-1)),
        ("8.3", lambda logits, k: sampling.top_k(k)(logits)),
        ("8.3", top_k_with_topk),
        ("8.3", top_k_that_keeps_the_last_of_equal),
        ("8.4", lambda chances, p: sampling.top_p(p)(chances.log()).softmax(-1)),
        ("8.4", nucleus_of_the_last_of_equal),
        ("8.4", nucleus_as_others_do),
        ("8.5", throw_and_remember_the_last_that_is_none),
        ("8.5", throw_at_a_pie_made_whole),
        ("8.9", lambda logits, p: sampling.min_p(p)(logits)),
        ("8.9", min_p_from_the_largest),
    ],
)
def test_sound_answers_of_the_package_and_of_learners_pass(id, answer):
    assert said(id, answer) == "right"


@pytest.mark.parametrize(
    ("id", "answer", "begins"),
    [
        ("8.1", lambda logits: logits[:, -1, :].max(dim=-1)[0], "This is the largest logit"),
        ("8.1", lambda logits: torch.argmax(logits[:, -1, :]), "`argmax` without dim"),
        ("8.2", lambda x, t: F.softmax(x, dim=-1) / max(t, 1e-8), "the row does not sum to 1"),
        ("8.2", lambda x, t: F.softmax(x / max(t, 1e-8), dim=-1), "At temperature 0 equal logits"),
        ("8.2", lambda x, t: F.softmax(x / (t or 1.0), dim=-1), "Temperature 0 was taken for no"),
        ("8.3", top_k_by_threshold, "Of equal logits at the border you kept all"),
        ("8.3", top_k_in_place, "the result is right, but the argument was changed"),
        ("8.1", lambda logits: logits[-1].argmax(-1), "You took the last text"),
        ("8.3", top_k_gathered_back, "The sorted logits went back to wrong places"),
        ("8.3", top_k_by_threshold_of_some_rows, "3 tokens are left, and 2 should be."),
        ("8.4", nucleus_of_one_pie, "4 tokens are left in row [0], and 2 should be."),
        ("8.5", lambda c, d: (d[:, None] < c.cumsum(1)).int().argmax(1), "Rounding leaves the sum"),
        ("8.4", nucleus_forgetting_to_scatter, "The right slices, in falling order"),
        ("8.4", lambda c, p: c * (c.cumsum(-1) <= p), "the row does not sum to 1"),
        ("8.5", lambda c, d: torch.multinomial(c, 1).squeeze(1), "You threw a dart of your own"),
        ("8.5", lambda c, d: (c.cumsum(1) < d[:, None]).sum(1), "A dart on the border"),
        ("8.2", heat_with_whole_numbers, "At temperature 0 you returned whole numbers"),
        (
            "8.2",
            lambda x, t: F.softmax(x / t, 0) if t else sampling.temperature(0)(x).softmax(-1),
            "The softmax ran down the batch",
        ),
        ("8.3", lambda x, k: top_k_with_topk(x, k).clamp(min=-1000), "The tokens cut have -1000"),
        ("8.4", nucleus_that("gather"), "The sorted slices went back to wrong places"),
        ("8.4", nucleus_that(sort=False), "You added the slices up in the order of the ids"),
        ("8.4", nucleus_that(finish=lambda left: left.softmax(-1)), "A softmax gives those"),
        ("8.4", nucleus_that(), "At p = 0 nothing is left"),
        ("8.5", throw_one_at_a_time, "Rounding left a dart beyond the last sum, and you took"),
        ("8.5", throw_with_a_clamp, "Rounding left a dart beyond the last sum, and you took"),
        ("8.5", throw_by_rank, "You sorted the slices, and returned a rank"),
        ("8.5", throw_at_the_first_pie, "All darts were thrown at the first pie"),
        ("8.5", lambda c, d: throw_with_a_clamp(c, d)[:, None], "There is an axis too many"),
        ("8.9", min_p_of_one_number, "The largest chance of the whole batch"),
        ("8.9", lambda x, p: x.masked_fill(x.softmax(-1) < p, -torch.inf), "You compared the"),
    ],
)
def test_usual_wrong_answers_are_told_why(id, answer, begins):
    assert said(id, answer).startswith(begins)
