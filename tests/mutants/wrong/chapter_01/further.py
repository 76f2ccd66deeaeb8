"""Further wrong answers to the exercises of chapter 01."""

from __future__ import annotations

import math

import torch
from mutants.cases import course, wrong

line_gradient = course("1.3")
logistic_and_loss = course("1.5")


@wrong("1.1", "You raise a ValueError only where")
def refuses_only_the_same_point(p, q):
    if p == q:
        raise ValueError("one point is not enough")
    (x1, y1), (x2, y2) = p, q
    dx = x2 - x1
    slope = (y2 - y1) / dx if dx else math.inf
    return slope, y1 - slope * x1


@wrong("1.1", ("Two points with the same x make", "Points with the same y"))
def guards_y_in_place_of_x(p, q):
    (x1, y1), (x2, y2) = p, q
    if y1 == y2:
        raise ValueError("no line")
    slope = (y2 - y1) / (x2 - x1)
    return slope, y1 - slope * x1


@wrong("1.1", "That is where the line meets")
def where_it_meets_the_x_axis(p, q):
    (x1, y1), (x2, y2) = p, q
    if x1 == x2:
        raise ValueError("no line")
    slope = (y2 - y1) / (x2 - x1)
    return slope, -(y1 - slope * x1) / slope if slope else y1


@wrong("1.1", ("You divided with //", "For two points with the same x you return the ValueError"))
def floor_division_and_returns_the_error(p, q):
    (x1, y1), (x2, y2) = p, q
    if x1 == x2:
        return ValueError("no line")
    slope = (y2 - y1) // (x2 - x1)
    return slope, y1 - slope * x1


@wrong("1.2", "You cut each error")
def whole_numbers_only(predicted, wanted):
    total = 0
    for p, w in zip(predicted, wanted, strict=False):
        total += int(p - w) ** 2
    return total / len(predicted)


@wrong("1.2", "You compared every prediction")
def all_pairs(predicted, wanted):
    return ((predicted[:, None] - wanted) ** 2).mean()


@wrong("1.3", "You measured the loss over a step of 0.1")
def a_step_of_0_1_one_sided(slope, intercept, x, y):
    def loss(a, b):
        return ((a * x + b - y) ** 2).mean()

    h = 0.1
    here = loss(slope, intercept)
    return (loss(slope + h, intercept) - here) / h, (loss(slope, intercept + h) - here) / h


@wrong("1.4", "expected the dtype float, got int, whose whole")
def rounded_to_whole_numbers_by_the_dtype(slope, intercept, x, y, learning_rate, n_steps):
    path = torch.zeros(n_steps + 1, 2, dtype=torch.long)
    path[0] = torch.tensor([slope, intercept])
    for i in range(n_steps):
        da, db = line_gradient(slope, intercept, x, y)
        slope, intercept = float(slope - learning_rate * da), float(intercept - learning_rate * db)
        path[i + 1] = torch.tensor([slope, intercept])
    return path


@wrong("1.4", "The walk ends before")
def stops_when_it_has_converged(slope, intercept, x, y, learning_rate, n_steps):
    path = [(slope, intercept)]
    for _ in range(n_steps):
        da, db = line_gradient(slope, intercept, x, y)
        if abs(float(da)) < 0.05 and abs(float(db)) < 0.05:
            break
        slope, intercept = float(slope - learning_rate * da), float(intercept - learning_rate * db)
        path.append((slope, intercept))
    return torch.tensor(path)


@wrong("1.6", "The derivative by the weights still has a row")
def a_row_for_each_example(weights, bias, x, label):
    error = torch.sigmoid(x @ weights + bias) - label
    return error, x * error[:, None], error.mean()


@wrong("1.6", "You compared the score")
def no_logistic_and_the_two_of_the_square(weights, bias, x, label):
    error = x @ weights + bias - label
    return error, 2 * x.T @ error / len(x), 2 * error.mean()


@wrong("1.7", "`hidden` is not 0 where `before` is negative")
def leaky_bend(x, w1, b1, w2, b2):
    before = x @ w1 + b1
    hidden = torch.nn.functional.leaky_relu(before)
    return before, hidden, hidden @ w2 + b2


@wrong("1.9", "Both faults are gone")
def adam_for_a_cure(start, at, label, learning_rate, n_steps):
    w1, b1, w2, b2 = network = [p.clone().requires_grad_() for p in start]
    adam = torch.optim.Adam(network, lr=learning_rate)
    history = []
    for _ in range(n_steps):
        score = (torch.relu(at @ w1 + b1) @ w2 + b2)[:, 0]
        loss = logistic_and_loss(score, label)[1].mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        history.append(loss.item())
    return history, [p.detach() for p in network]
