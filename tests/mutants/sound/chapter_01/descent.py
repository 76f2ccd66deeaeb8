"""Sound answers of odd kinds to exercise 1.4."""

from __future__ import annotations

import numpy as np
import torch
from mutants.cases import course, sound

gradient = course("1.3")


@sound("1.4")
def by_recursion(a, b, x, y, rate, n):
    here = torch.tensor([[a, b]])
    if n == 0:
        return here
    da, db = gradient(a, b, x, y)
    rest = by_recursion(float(a - rate * da), float(b - rate * db), x, y, rate, n - 1)
    return torch.cat([here, rest])


@sound("1.4")
def filled_in(a, b, x, y, learning_rate, n_steps):
    path = torch.empty(n_steps + 1, 2)
    path[0] = torch.tensor([a, b])
    for i in range(n_steps):
        path[i + 1] = path[i] - learning_rate * torch.stack(gradient(*path[i], x, y))
    return path


@sound("1.4")
def in_numpy(a, b, x, y, rate, n):
    path = [np.array([a, b])]
    for _ in range(n):
        e = path[-1][0] * x.numpy() + path[-1][1] - y.numpy()
        path.append(path[-1] - rate * 2 * np.array([(e * x.numpy()).mean(), e.mean()]))
    return np.stack(path)


@sound("1.4")
def with_backward(a, b, x, y, rate, n):
    point = torch.tensor([a, b], requires_grad=True)
    path = [point.tolist()]
    for _ in range(n):
        ((point[0] * x + point[1] - y) ** 2).mean().backward()
        with torch.no_grad():
            point -= rate * point.grad
            point.grad.zero_()
        path.append(point.tolist())
    return torch.tensor(path)


@sound("1.4")
def by_a_matrix(a, b, x, y, rate, n):
    design = torch.stack([x, torch.ones_like(x)], dim=1)
    point, path = torch.tensor([a, b]), []
    for _ in range(n + 1):
        path.append(point)
        point = point - 2 * rate / len(x) * design.T @ (design @ point - y)
    return torch.stack(path)


@sound("1.4")
def by_columns(a, b, x, y, rate, n):
    slopes, intercepts = [a], [b]
    for _ in range(n):
        da, db = gradient(slopes[-1], intercepts[-1], x, y)
        slopes.append(float(slopes[-1] - rate * da))
        intercepts.append(float(intercepts[-1] - rate * db))
    return torch.tensor([slopes, intercepts]).T


@sound("1.4")
def in_place(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n):
        da, db = gradient(a, b, x, y)
        a -= rate * da.item()
        b -= rate * db.item()
        path.append((a, b))
    return torch.tensor(path, dtype=torch.float64)


@sound("1.4")
def names_of_ones_own(m, c, xs, ys, step, count):
    return by_columns(m, c, xs, ys, step, count)
