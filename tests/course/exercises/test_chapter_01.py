"""What chapter 01 says to answers written the way learners write them, not the way we test."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from utils.course.checking import registry
from utils.course.checking.check import judge
from utils.llm.learning import line_gradient


def whole_slope(p, q):
    (x1, y1), (x2, y2) = p, q
    if x1 == x2:
        raise ValueError("same x")
    slope = int((y2 - y1) / (x2 - x1))
    return slope, y1 - slope * x1


def rounded_slope(p, q):
    (x1, y1), (x2, y2) = p, q
    if x1 == x2:
        raise ValueError("same x")
    slope = round((y2 - y1) / (x2 - x1), 1)
    return slope, y1 - slope * x1


def nearly_upright_is_upright(p, q):
    (x1, y1), (x2, y2) = p, q
    if abs(x1 - x2) < 1e-3:
        raise ValueError("same x")
    slope = (y2 - y1) / (x2 - x1)
    return slope, y1 - slope * x1


def in_place(slope, intercept, x, y, learning_rate, n_steps):
    path = [(slope, intercept)]
    for _ in range(n_steps):
        a, b = line_gradient(slope, intercept, x, y)
        slope -= learning_rate * a
        intercept -= learning_rate * b
        path.append((slope, intercept))
    return torch.tensor(path)


def columns(slope, intercept, x, y, learning_rate, n_steps):
    slopes, intercepts = [slope], [intercept]
    for _ in range(n_steps):
        a, b = line_gradient(slopes[-1], intercepts[-1], x, y)
        slopes.append(float(slopes[-1] - learning_rate * a))
        intercepts.append(float(intercepts[-1] - learning_rate * b))
    return torch.tensor([slopes, intercepts])


def without_start(slope, intercept, x, y, learning_rate, n_steps):
    path = []
    for _ in range(n_steps):
        a, b = line_gradient(slope, intercept, x, y)
        slope, intercept = float(slope - learning_rate * a), float(intercept - learning_rate * b)
        path.append((slope, intercept))
    return torch.tensor(path)


def without_zeroing(slope, intercept, x, y, learning_rate, n_steps):
    point = torch.tensor([slope, intercept], requires_grad=True)
    path = [point.detach().clone()]
    for _ in range(n_steps):
        (point[0] * x + point[1] - y).square().mean().backward()
        with torch.no_grad():
            point -= learning_rate * point.grad
        path.append(point.detach().clone())
    return torch.stack(path)


def chances(label, chance):
    return torch.where(label == 1, chance, 1 - chance)


def clamped(score, label):
    chance = torch.sigmoid(score)
    return chance, -chances(label, chance).clamp(min=1e-12).log()


def with_eps(score, label):
    chance = torch.sigmoid(score)
    return chance, -(label * (chance + 1e-9).log() + (1 - label) * (1 - chance + 1e-9).log())


def bce(score, label):
    chance = torch.sigmoid(score)
    return chance, nn.functional.binary_cross_entropy(chance, label.detach(), reduction="none")


def two_terms(score, label):
    chance = 1 / (1 + torch.exp(-score))
    return chance, -label * torch.log(chance) - (1 - label) * torch.log(1 - chance)


def detached(score, label):
    against = ((1 - 2 * label) * score).detach()
    return torch.sigmoid(score), nn.functional.softplus(against)


def in_math(score, label):
    signs = [(1 - 2 * y) * z for z, y in zip(score.tolist(), label.tolist(), strict=True)]
    losses = [max(a, 0) + math.log1p(math.exp(-abs(a))) for a in signs]
    return torch.sigmoid(score), torch.tensor(losses)


def late_bias_before_right(x, w1, b1, w2, b2):
    hidden = torch.relu(x @ w1) + b1
    return x @ w1 + b1, hidden, hidden @ w2 + b2


def by_numbers(x, w1, b1, w2, b2):
    before = x.detach() @ w1.detach() + b1.detach()
    hidden = before.relu()
    return before, hidden, hidden @ w2.detach() + b2.detach()


SAID = {
    whole_slope: ("1.1", "You made a whole number of the slope"),
    rounded_slope: ("1.1", "The slope is rounded"),
    nearly_upright_is_upright: ("1.1", "it raised ValueError: same x"),
    in_place: ("1.4", "From the second step on, `slope -= …` changes the very tensor"),
    columns: ("1.4", "Your path is turned: one row a point"),
    without_start: ("1.4", "The start is missing"),
    without_zeroing: ("1.4", "`backward` adds to `.grad`"),
    clamped: ("1.5", "You limit the loss"),
    with_eps: ("1.5", "You limit the loss"),
    bce: ("1.5", "You limit the loss"),
    two_terms: ("1.5", "One of your two terms should be 0"),
    detached: ("1.5", "Your loss is right, but cut off"),
    in_math: ("1.5", "Your loss is right, but cut off"),
    late_bias_before_right: ("1.7", "You added b1 after the ReLU"),
    by_numbers: ("1.7", "Your numbers are right, but cut off"),
}


@pytest.mark.parametrize("answer", SAID, ids=lambda answer: answer.__name__)
def test_a_wrong_turn_is_told_what_it_is(answer):
    id, said = SAID[answer]
    assert judge(registry.exercise(id), answer).diagnosis.startswith(said)


@pytest.mark.parametrize("answer", [detached, by_numbers], ids=lambda answer: answer.__name__)
def test_a_result_that_is_cut_off_is_not_told_a_wrong_number_of_items(answer):
    assert "items" not in judge(registry.exercise(SAID[answer][0]), answer).diagnosis


def test_the_product_with_an_infinite_logarithm_is_shown_as_nan():
    assert "[nan, inf, inf, nan]" in judge(registry.exercise("1.5"), two_terms).diagnosis
