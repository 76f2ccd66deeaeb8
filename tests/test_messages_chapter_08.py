"""What chapter 08 says to answers written the way learners write them, not the way we test."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from utils.course.checking import RIGHT, judge
from utils.course.exercises.chapter_08 import EXERCISES
from utils.llm import sampling

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def said(id: str, answer: object) -> str:
    verdict = judge(BY_ID[id], answer)
    return "right" if verdict.status == RIGHT else verdict.diagnosis


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
    return BY_ID["8.4"].reference(chances.flip(-1), p).flip(-1)


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


def write_like_nanogpt(model, ids, max_new_tokens, choose, stop_id):
    idx = torch.tensor(ids).unsqueeze(0)
    for _ in range(max_new_tokens):
        token = choose(model(idx)[:, -1, :].squeeze(0))
        idx = torch.cat((idx, torch.tensor([[token]])), dim=1)
        if token == stop_id:
            break
    return idx[0, len(ids) :].tolist()


def write_with_generate(model, ids, max_new_tokens, choose, stop_id):
    new = sampling.generate(
        model, torch.tensor(ids), max_new_tokens,
        lambda logits, ids, generator: torch.tensor([choose(logits[0])]), (stop_id,), cache=False,
    )  # fmt: skip
    return [int(token) for token in new]


def beam_step_with_tensors(beams, log_chances, width, stop_id):
    found = []
    for ids, total in beams:
        if ids[-1:] == [stop_id]:
            found.append((ids, total))
        else:
            own = torch.tensor(log_chances(ids), dtype=torch.float64)
            best = own.topk(min(width, len(own)))
            pairs = zip(best.indices, best.values, strict=True)
            found += [([*ids, int(i)], total + x) for i, x in pairs]
    found.sort(key=lambda beam: float(beam[1]) / len(beam[0]), reverse=True)
    return found[:width]


def append_without_looking(cache, k, v):
    end = cache.length + k.shape[2]
    cache.keys[:, :, cache.length : end] = k
    cache.values[:, :, cache.length : end] = v
    cache.length = end
    return cache.keys[:, :, :end], cache.values[:, :, :end]


def append_forgetting_the_length(cache, k, v):
    end = cache.length + k.shape[2]
    if end > cache.keys.shape[2]:
        raise ValueError
    cache.keys[:, :, cache.length : end] = k
    cache.values[:, :, cache.length : end] = v
    return cache.keys[:, :, :end], cache.values[:, :, :end]


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
        ("8.5", throw_one_at_a_time),
        ("8.6", write_with_generate),
        ("8.7", beam_step_with_tensors),
    ],
)
def test_sound_answers_of_the_package_and_of_learners_pass(id, answer):
    assert said(id, answer) == "right"


def append_and_return_the_room(cache, k, v):
    append_without_looking(cache, k, v)
    return cache.keys, cache.values


def append_with_cat(cache, k, v):
    cache.keys = torch.cat([cache.keys, k], dim=2)
    cache.values = torch.cat([cache.values, v], dim=2)
    return cache.keys, cache.values


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


def beam_step_without_an_end(beams, log_chances, width, stop_id):
    found = []
    for ids, total in beams:
        found += [([*ids, token], total + x) for token, x in enumerate(log_chances(ids))]
    return sorted(found, key=lambda beam: beam[1], reverse=True)[:width]


def beam_step_from_the_worst(beams, log_chances, width, stop_id):
    return BY_ID["8.7"].reference(beams, log_chances, width, stop_id)[::-1]


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
        ("8.7", beam_step_without_an_end, "Texts that have ended were continued, and all were"),
        ("8.7", beam_step_from_the_worst, "These are the right texts"),
        ("8.8", append_and_return_the_room, "The whole room was returned"),
        ("8.8", append_with_cat, "The new tokens were put behind the whole room"),
        ("8.4", nucleus_forgetting_to_scatter, "The right slices, in falling order"),
        ("8.4", lambda c, p: c * (c.cumsum(-1) <= p), "the row does not sum to 1"),
        ("8.5", lambda c, d: torch.multinomial(c, 1).squeeze(1), "You threw a dart of your own"),
        ("8.5", lambda c, d: (c.cumsum(1) < d[:, None]).sum(1), "A dart on the border"),
        ("8.6", write_like_nanogpt, "The stop token was emitted"),
        ("8.8", append_without_looking, "Nobody looked whether there is room"),
        ("8.8", append_forgetting_the_length, "cache.length stayed where it was"),
    ],
)
def test_usual_wrong_answers_are_told_why(id, answer, begins):
    assert said(id, answer).startswith(begins)
