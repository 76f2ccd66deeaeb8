"""What chapter 07 says to answers written the way learners write them, not the way we test."""

from __future__ import annotations

import math

import pytest
import torch
from helpers.feedback import said
from torch.nn import functional as F

from utils.course.checking import registry


def loss_of(logits, ids, **settings):
    scores, targets = logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()
    return F.cross_entropy(scores, targets, ignore_index=-1, **settings)


def loss_by_text(logits, ids, mask=lambda ids: ids[:, 1:] != -1, axis=-1):
    chances = logits.log_softmax(axis)[:, :-1]
    taken = chances.gather(2, ids[:, 1:].clamp(min=0).unsqueeze(2)).squeeze(2)
    return -taken[mask(ids)].mean()


def loss_with_numpy(logits, ids):
    logs = logits.log_softmax(-1).numpy()
    rows, places = (ids[:, 1:] != -1).nonzero(as_tuple=True)
    return torch.tensor(-logs[rows, places, ids[rows, places + 1]].mean(), requires_grad=True)


def loss_with_softmax(logits, ids):
    e = logits[:, :-1].exp()
    logs = (e / e.sum(-1, keepdim=True)).log()
    return F.nll_loss(logs.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=-1)


def rate(step, steps, peak, warm_up, least, *, share=None, end=None):
    if step < warm_up:
        return peak * (step + 1) / warm_up
    if step >= steps:
        return least if end is None else end
    progress = (step - warm_up) / (steps - warm_up)
    share = share or (lambda x: (1 + math.cos(math.pi * x)) / 2)
    return least + (peak - least) * share(progress)


def rate_with_min(step, steps, peak, warm_up, least):
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = min(1, (step - warm_up) / (steps - warm_up))
    return least + (peak - least) * (1 + math.cos(math.pi * progress)) / 2


def rate_one_too_late(step, steps, peak, warm_up, least):
    if step < warm_up:
        return peak * (step + 1) / warm_up
    if step > steps:
        return least
    progress = (step - warm_up) / (steps - warm_up)
    return least + (peak - least) * (1 + math.cos(math.pi * progress)) / 2


def rate_climbing_too_long(step, steps, peak, warm_up, least):
    if step <= warm_up:
        return peak * (step + 1) / warm_up
    return rate(step, steps, peak, warm_up, least)


def clip_by(gradients, most, factor=lambda g, norm, most: min(1.0, most / (norm + 1e-9))):
    norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradients))
    return [g * factor(g, norm, most) for g in gradients], torch.tensor(norm)


def clip_in_place(gradients, most):
    norm = torch.stack([g.norm() for g in gradients]).norm()
    for g in gradients:
        g.mul_(min(1.0, most / max(norm.item(), 1e-9)))
    return gradients, norm


def adamw(p, g, m, s, t, rate, betas, eps, decay, *, pick=lambda *parts: parts):
    b1, b2 = betas
    m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g
    fm, fs = m / (1 - b1**t), s / (1 - b2**t)
    return pick(m, s, fm, fs, p * (1 - rate * decay) - rate * fm / (fs**0.5 + eps))


def adamw_l2(p, g, *rest):
    return adamw(p, g + rest[-1] * p, *rest[:-1], 0.0)


def adamw_l2_without_eps(p, g, m, s, t, rate, betas, eps, decay):
    return adamw(p, g + decay * p, m, s, t, rate, betas, 0.0, 0.0)


def accumulate_full_parts(divide):
    def answer(gradient, rows, size):
        n = len(rows) // size
        total = torch.zeros(rows.shape[1] - 1)
        for i in range(n):
            total += gradient(rows[i * size : (i + 1) * size]) * size
        return total / divide(len(rows), size, n) if n else total

    return answer


def accumulate_weighed(gradient, rows, size):
    numbers = sum(gradient(part) * part.numel() for part in rows.split(size))
    return numbers / rows.numel()


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("7.1", loss_of),
        ("7.1", loss_by_text),
        ("7.1", lambda x, y: loss_of(x.double(), y)),
        ("7.1", lambda x, y: F.cross_entropy(x[:, :-1].mT, y[:, 1:], ignore_index=-1)),
        ("7.2", rate),
        ("7.3", clip_by),
        ("7.3", lambda gs, most: (clip_by(gs, most)[0], clip_by(gs, most)[1].item())),
        ("7.3", lambda gs, most: (tuple(clip_by(gs, most)[0]), clip_by(gs, most)[1])),
        ("7.4", adamw),
        ("7.3", lambda gs, most: clip_by([g.double() for g in gs], most)),
        ("7.4", lambda *a: [x.double() for x in adamw(*a)]),
        ("7.4", lambda *a: [x.numpy() for x in adamw(*a)]),
        ("7.5", accumulate_weighed),
        ("7.5", lambda *a: accumulate_weighed(*a).double()),
    ],
)
def test_sound_answers_of_learners_pass(id, answer):
    assert said(id, answer) == "right"


@pytest.mark.parametrize(
    ("id", "answer", "begins"),
    [
        ("7.1", lambda x, y: loss_of(x, y).item(), "The loss is right, but no gradient flows"),
        ("7.1", lambda x, y: loss_of(x, y).detach(), "The loss is right, but no gradient flows"),
        ("7.1", loss_with_numpy, "The loss is right, but no gradient flows"),
        ("7.1", lambda x, y: loss_of(x, y).detach() * 2, "twice what it should be"),
        ("7.1", lambda x, y: loss_of(x, y, reduction="sum") / len(y), "You divided by the number"),
        (
            "7.1",
            lambda x, y: loss_of(x, y, reduction="sum") / (y != -1).sum(),
            "You divided by the number of all tokens that are no filling",
        ),
        (
            "7.1",
            lambda x, y: loss_by_text(x, y, lambda ids: ids[:, :-1] != -1),
            "The mask looks at the inputs, so the last token",
        ),
        (
            "7.1",
            lambda x, y: loss_of(x, y, reduction="none")[(y[:, :-1] != -1).flatten()].mean(),
            "The mask looks at the inputs, ids[:, :-1]",
        ),
        ("7.1", lambda x, y: loss_by_text(x, y, lambda ids: ids[:, 1:] > 0), "Targets with the id"),
        ("7.1", lambda x, y: loss_by_text(x, y, axis=1), "The softmax ran along the axis"),
        (
            "7.1",
            lambda x, y: F.nll_loss(x[:, :-1].flatten(0, 1), y[:, 1:].flatten(), ignore_index=-1),
            "F.nll_loss expects logarithms",
        ),
        ("7.1", loss_with_softmax, "A large logit overflows"),
        ("7.2", rate_one_too_late, "Where the warm-up takes all the steps, steps − warm_up is 0"),
        ("7.2", rate_with_min, "Where the warm-up takes all the steps, steps − warm_up is 0"),
        ("7.2", rate_climbing_too_long, "The warm-up has a step too many"),
        (
            "7.2",
            lambda *a: rate(*a, share=lambda x: (1 + math.cos(math.pi * (x // 1))) / 2),
            "Behind the warm-up the rate stays at the peak",
        ),
        ("7.2", lambda *a: rate(*a, share=lambda x: math.cos(x * math.pi / 2)), "This is a quart"),
        (
            "7.2",
            lambda *a: rate(*a, share=lambda x: (1 - math.cos(math.pi * x)) / 2),
            "It climbs",
        ),
        ("7.2", lambda *a: rate(*a[:4], 0.0), "min_rate is forgotten"),
        ("7.2", lambda *a: rate(*a[:4], 0.0, end=a[4]), "min_rate is forgotten"),
        ("7.2", lambda n, m, top, up, low: top if n < up else rate(n, m, top, up, low), "There is"),
        ("7.2", lambda *a: rate(*a, share=lambda x: 0.9 - x), "The cosine begins at step number"),
        ("7.2", lambda *a: rate(*a, end=0.7), "From step number `steps` on"),
        ("7.3", lambda gs, most: clip_by(gs, most)[::-1], "The two are swapped"),
        (
            "7.3",
            lambda gs, most: (gs, torch.nn.utils.clip_grad_norm_(gs, most)),
            "clip_grad_norm_ reads and changes the `.grad`",
        ),
        ("7.3", clip_in_place, "the result is right, but the argument was changed"),
        ("7.4", adamw_l2, "The decay went through the gradient"),
        ("7.4", adamw_l2_without_eps, "The decay went through the gradient"),
        ("7.4", lambda p, g, *a: adamw(p, g + a[-1] * p, *a), "The decay acts twice"),
        (
            "7.4",
            lambda *a: adamw(*a[:6], (0.9, 0.95), *a[7:]),
            "You used fixed betas",
        ),
        (
            "7.4",
            lambda *a: adamw(*a, pick=lambda m, s, fm, fs, p: (p, m, s, fm, fs)),
            "Your parts are right, in another order",
        ),
        (
            "7.4",
            lambda *a: adamw(*a, pick=lambda *parts: parts[-1]),
            "You returned the new parameter alone",
        ),
        ("7.4", lambda *a: adamw(*a, pick=lambda *parts: parts[:2]), "expected 5 items, got 2"),
        ("7.5", accumulate_full_parts(lambda n, size, k: n), "The last part, shorter"),
        ("7.5", accumulate_full_parts(lambda n, size, k: size * k), "The last part, shorter"),
        (
            "7.5",
            accumulate_full_parts(lambda n, size, k: -(-n // size) * size),
            "The last part, shorter",
        ),
        (
            "7.5",
            lambda g, rows, size: sum(g(p) * len(p) for p in rows.chunk(size)) / len(rows),
            "`chunk(size)` cuts into that many parts",
        ),
        (
            "7.5",
            lambda g, rows, size: sum(g(p) * p.numel() for p in rows.split(size)) / len(rows),
            "You weighed each part by its numbers",
        ),
        (
            "7.6",
            lambda x, n: ((x.sum() / n).exp(), x.sum() / math.log(2) / n),
            "This is a perplexity per word",
        ),
        ("7.6", lambda x, n: (x.mean(), x.sum() / math.log(2) / n), "The exponential is forgotten"),
    ],
)
def test_usual_wrong_answers_are_told_why(id, answer, begins):
    assert said(id, answer).startswith(begins)


@pytest.mark.parametrize("id", ["7.1", "7.3", "7.4", "7.5"])
def test_a_small_error_does_not_pass_by_the_way_it_is_called(id):
    def off(value):
        if isinstance(value, tuple | list):
            return [*value[:-1], off(value[-1])]
        return value + 0.01

    assert said(id, lambda *args: off(registry.exercise(id).reference(*args))) != "right"
