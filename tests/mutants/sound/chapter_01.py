"""Sound answers of odd kinds to the exercises of chapter 01."""

from __future__ import annotations

import functools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import torch
from mutants.cases import course, sound, sounds
from torch.nn import functional


def line(p, q):
    if p[0] == q[0]:
        raise ValueError("no line")
    m = (q[1] - p[1]) / (q[0] - p[0])
    return m, p[1] - m * p[0]


@sound("1.1")
def by_fractions(p, q):
    (x1, y1), (x2, y2) = [tuple(map(Fraction, point)) for point in (p, q)]
    if x1 == x2:
        raise ValueError("no line")
    m = (y2 - y1) / (x2 - x1)
    return float(m), float(y1 - m * x1)


@sound("1.1")
def by_the_error(p, q):
    try:
        m = (p[1] - q[1]) / (p[0] - q[0])
    except ZeroDivisionError:
        raise ValueError("upright") from None
    return m, q[1] - m * q[0]


@sound("1.1")
def other_names(first, second):
    return line(second, first)


@sound("1.1")
def kramer(p, q):
    det = p[0] - q[0]
    if not det:
        raise ValueError
    return (p[1] - q[1]) / det, (p[0] * q[1] - q[0] * p[1]) / det


sounds(
    "1.1",
    a_list=lambda p, q: list(line(p, q)),
    an_array=lambda p, q: np.array(line(p, q)),
    a_tensor=lambda p, q: torch.tensor(line(p, q), dtype=torch.float64),
    numbers_of_numpy=lambda p, q: tuple(map(np.float64, line(p, q))),
    two_tensors=lambda p, q: tuple(torch.tensor(v, dtype=torch.float64) for v in line(p, q)),
)

sounds(
    "1.2",
    numpy=lambda p, w: ((p.numpy() - w.numpy()) ** 2).mean(),
    mean_of_list=lambda p, w: (
        sum((a - b) ** 2 for a, b in zip(p.tolist(), w.tolist(), strict=True)) / len(p)
    ),
    other_way=lambda wanted, predicted: ((wanted - predicted) ** 2).mean(),
    norm=lambda p, w: (p - w).norm() ** 2 / len(p),
    functional=lambda p, w: functional.mse_loss(p, w, reduction="sum") / p.numel(),
    power=lambda p, w: torch.pow(p - w, 2).sum() / p.shape[0],
    einsum=lambda p, w: torch.einsum("n,n->", p - w, p - w) / len(p),
    float64=lambda p, w: (p - w).double().square().mean().item(),
    variance=lambda p, w: (p - w).var(unbiased=False) + (p - w).mean() ** 2,
    reduced=lambda p, w: functools.reduce(lambda t, e: t + e * e, (p - w).tolist(), 0.0) / len(p),
)


def error(a, b, x, y):
    return a * x + b - y


sounds(
    "1.3",
    plain=lambda a, b, x, y: (2 * (error(a, b, x, y) * x).mean(), 2 * error(a, b, x, y).mean()),
    dot=lambda a, b, x, y: (
        2 * error(a, b, x, y) @ x / len(x),
        2 * error(a, b, x, y).sum() / len(x),
    ),
    other_sign=lambda a, b, x, y: (
        -2 * ((y - a * x - b) * x).mean(),
        -2 * (y - a * x - b).mean(),
    ),
    floats=lambda a, b, x, y: (
        float(2 * (error(a, b, x, y) * x).mean()),
        float(2 * error(a, b, x, y).mean()),
    ),
    one_tensor=lambda a, b, x, y: torch.stack(
        [(2 * error(a, b, x, y) * x).mean(), 2 * error(a, b, x, y).mean()]
    ),
    numpy=lambda a, b, x, y: (
        2 * np.mean(error(a, b, x.numpy(), y.numpy()) * x.numpy()),
        2 * np.mean(error(a, b, x.numpy(), y.numpy())),
    ),
    moments=lambda a, b, x, y: (
        2 * (a * (x * x).mean() + b * x.mean() - (x * y).mean()),
        2 * (a * x.mean() + b - y.mean()),
    ),
    a_list=lambda a, b, x, y: [(2 * error(a, b, x, y) * x).mean(), (2 * error(a, b, x, y)).mean()],
    func=lambda a, b, x, y: torch.func.grad(
        lambda m, c: ((m * x + c - y) ** 2).mean(), argnums=(0, 1)
    )(torch.tensor(a), torch.tensor(b)),
)

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


def sides(z, y):
    return (1 - 2 * y) * z


sounds(
    "1.5",
    softplus=lambda z, y: (torch.sigmoid(z), functional.softplus(sides(z, y))),
    threshold_of_softplus=lambda z, y: (z.sigmoid(), functional.softplus(z) - y * z),
    logaddexp=lambda z, y: (z.sigmoid(), torch.logaddexp(sides(z, y), 0 * z)),
    logsumexp=lambda z, y: (
        z.sigmoid(),
        torch.logsumexp(torch.stack([sides(z, y), torch.zeros_like(z)]), dim=0),
    ),
    two_branches=lambda z, y: (
        z.sigmoid(),
        torch.where(y == 1, -functional.logsigmoid(z), -functional.logsigmoid(-z)),
    ),
    two_terms=lambda z, y: (
        z.sigmoid(),
        -y * functional.logsigmoid(z) - (1 - y) * functional.logsigmoid(-z),
    ),
    a_list=lambda score, target: [
        torch.sigmoid(score),
        functional.softplus(sides(score, target)),
    ],
    float64=lambda z, y: (z.double().sigmoid(), functional.softplus(sides(z.double(), y))),
    hyperbolic=lambda z, y: (0.5 + 0.5 * torch.tanh(z / 2), functional.softplus(sides(z, y))),
    cross_entropy=lambda z, y: (
        z.sigmoid(),
        functional.cross_entropy(torch.stack([0 * z, z], 1), y.long(), reduction="none"),
    ),
)


def back(weights, bias, x, label):
    error = torch.sigmoid(x @ weights + bias) - label
    return error, x.T @ error / len(x), error.mean()


sounds(
    "1.6",
    plain=back,
    a_list=lambda *given: list(back(*given)),
    row_first=lambda w, b, x, y: (
        (e := (x @ w + b).sigmoid() - y),
        e @ x / len(y),
        e.sum() / len(y),
    ),
    einsum=lambda w, b, x, y: (
        (e := torch.sigmoid(torch.einsum("nd,d->n", x, w) + b) - y),
        torch.einsum("n,nd->d", e, x) / len(e),
        e.mean(),
    ),
    mv=lambda w, b, x, y: ((e := torch.sigmoid(x.mv(w) + b) - y), x.T.mv(e) / len(x), e.mean()),
    columns=lambda w, b, x, y: (
        (e := torch.sigmoid(x @ w + b) - y),
        torch.stack([(e * column).mean() for column in x.T]),
        e.mean(),
    ),
    bias_as_float=lambda w, b, x, y: (*back(w, b, x, y)[:2], float(back(w, b, x, y)[2])),
    other_names=lambda w, c, inputs, labels: back(w, c, inputs, labels),
    float64=lambda w, b, x, y: back(w.double(), b, x.double(), y.double()),
    linear=lambda w, b, x, y: (
        (e := functional.linear(x, w[None])[:, 0].add(b).sigmoid() - y),
        (e[:, None] * x).mean(0),
        e.mean(),
    ),
)

sounds(
    "1.7",
    clamp=lambda x, w1, b1, w2, b2: ((z := x @ w1 + b1), (h := z.clamp(min=0)), h @ w2 + b2),
    masked=lambda x, w1, b1, w2, b2: ((z := x @ w1 + b1), (h := z * (z > 0)), h @ w2 + b2),
    addmm=lambda x, w1, b1, w2, b2: (
        (z := torch.addmm(b1, x, w1)),
        (h := z.relu()),
        torch.addmm(b2, h, w2),
    ),
    where=lambda x, w1, b1, w2, b2: (
        (z := x @ w1 + b1),
        (h := torch.where(z > 0, z, torch.zeros_like(z))),
        h @ w2 + b2,
    ),
    module=lambda x, w1, b1, w2, b2: (
        (z := x @ w1 + b1),
        (h := torch.nn.ReLU()(z)),
        functional.linear(h, w2.T, b2),
    ),
    a_list=lambda x, w1, b1, w2, b2: [(z := x @ w1 + b1), z.relu(), z.relu() @ w2 + b2],
    half_of_both=lambda x, w1, b1, w2, b2: (
        (z := x @ w1 + b1),
        (h := (z + z.abs()) / 2),
        h @ w2 + b2,
    ),
    float64=lambda x, w1, b1, w2, b2: (
        (z := x.double() @ w1.double() + b1),
        z.relu(),
        z.relu() @ w2.double() + b2,
    ),
    clone_first=lambda x, w1, b1, w2, b2: (
        (z := x @ w1 + b1),
        (h := z.clone().relu_()),
        h @ w2 + b2,
    ),
)


def value(walk):
    class Value:
        def __init__(self, data, parents=(), rates=()):
            self.data, self.grad = data, 0.0
            self.parents, self.rates = parents, rates

        def __add__(self, other):
            return type(self)(self.data + other.data, (self, other), (1.0, 1.0))

        def __mul__(self, other):
            return type(self)(self.data * other.data, (self, other), (other.data, self.data))

        backward = walk

    return Value


def behind(end):
    seen, stack = [], [end]
    while stack:
        v = stack.pop()
        if not any(v is s for s in seen):
            seen.append(v)
            stack.extend(v.parents)
    return seen


def by_a_stack(self):
    order, stack, seen = [], [(self, False)], set()
    while stack:
        v, done = stack.pop()
        if done:
            order.append(v)
        elif id(v) not in seen:
            seen.add(id(v))
            stack.append((v, True))
            stack.extend((parent, False) for parent in v.parents)
    self.grad = 1.0
    for v in order[::-1]:
        for parent, rate in zip(v.parents, v.rates, strict=True):
            parent.grad += rate * v.grad


def by_uses(self):
    uses = Counter(id(parent) for v in behind(self) for parent in v.parents)
    self.grad, ready = 1.0, [self]
    while ready:
        v = ready.pop()
        for parent, rate in zip(v.parents, v.rates, strict=True):
            parent.grad += rate * v.grad
            uses[id(parent)] -= 1
            if uses[id(parent)] == 0:
                ready.append(parent)


def by_depth(self):
    depth = {}

    def visit(v):
        if id(v) not in depth:
            depth[id(v)] = 1 + max((visit(parent) for parent in v.parents), default=0)
        return depth[id(v)]

    visit(self)
    self.grad = 1.0
    for v in sorted(behind(self), key=lambda v: -depth[id(v)]):
        for parent, rate in zip(v.parents, v.rates, strict=True):
            parent.grad += rate * v.grad


def in_a_dict(self):
    uses = Counter(id(parent) for v in behind(self) for parent in v.parents)
    coming, ready = {id(self): 1.0}, [self]
    while ready:
        v = ready.pop(0)
        v.grad = coming[id(v)]
        for parent, rate in zip(v.parents, v.rates, strict=True):
            coming[id(parent)] = coming.get(id(parent), 0.0) + rate * v.grad
            uses[id(parent)] -= 1
            if not uses[id(parent)]:
                ready.append(parent)


def by_asking_the_uses(self):
    users = {}
    for v in behind(self):
        for parent, rate in zip(v.parents, v.rates, strict=True):
            users.setdefault(id(parent), []).append((v, rate))

    @functools.cache
    def gradient_of(v):
        if v is self:
            return 1.0
        return math.fsum(rate * gradient_of(user) for user, rate in users[id(v)])

    for v in behind(self):
        v.grad = gradient_of(v)


@sound("1.8")
class WithClosures:
    def __init__(self, data, parents=(), rates=()):
        self.data, self.grad, self.parents = data, 0.0, parents
        self.send = lambda: None

    def __add__(self, other):
        out = WithClosures(self.data + other.data, (self, other))

        def send():
            self.grad += out.grad
            other.grad += out.grad

        out.send = send
        return out

    def __mul__(self, other):
        out = WithClosures(self.data * other.data, (self, other))

        def send():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.send = send
        return out

    def backward(self):
        order, seen = [], set()

        def build(v):
            if v not in seen:
                seen.add(v)
                for parent in v.parents:
                    build(parent)
                order.append(v)

        build(self)
        self.grad = 1
        for v in reversed(order):
            v.send()


sounds(
    "1.8",
    stack=value(by_a_stack),
    uses=value(by_uses),
    depth=value(by_depth),
    dictionary=value(in_a_dict),
    asking=value(by_asking_the_uses),
    subclass=type("Node", (value(by_a_stack),), {}),
    course=type("Value", (course("1.8"),), {}),
)


def trained(forget, forward=None):
    def answer(start, at, label, learning_rate, n_steps):
        network = [p.clone().requires_grad_() for p in start]
        history = []
        for _ in range(n_steps):
            w1, b1, w2, b2 = network
            score = (torch.relu(at @ w1 + b1) @ w2 + b2)[:, 0]
            loss = functional.binary_cross_entropy_with_logits(score, label)
            forget(network)
            loss.backward()
            with torch.no_grad():
                for p in network:
                    p -= learning_rate * p.grad
            history.append(loss.item())
        return history, network

    return answer


def none(network):
    for p in network:
        p.grad = None


def noughts(network):
    for p in network:
        if p.grad is not None:
            p.grad.zero_()


@sound("1.9")
def new_tensors(start, at, label, rate, n):
    network, history = list(start), []
    for _ in range(n):
        network = [p.detach().clone().requires_grad_() for p in network]
        w1, b1, w2, b2 = network
        score = torch.relu(at @ w1 + b1) @ w2 + b2
        loss = functional.binary_cross_entropy_with_logits(score[:, 0], label)
        found = torch.autograd.grad(loss, network)
        history.append(loss.item())
        network = [p - rate * g for p, g in zip(network, found, strict=True)]
    return history, [p.detach() for p in network]


@sound("1.9")
def through_func(start, at, label, learning_rate, n_steps):
    def loss(w1, b1, w2, b2):
        score = torch.relu(at @ w1 + b1) @ w2 + b2
        return functional.softplus((1 - 2 * label) * score[:, 0]).mean()

    network, history = tuple(start), []
    for _ in range(n_steps):
        found, value = torch.func.grad_and_value(loss, argnums=(0, 1, 2, 3))(*network)
        history.append(float(value))
        network = tuple(p - learning_rate * g for p, g in zip(network, found, strict=True))
    return history, list(network)


sounds(
    "1.9",
    set_to_none=trained(none),
    set_to_noughts=trained(noughts),
    pairs=lambda *given: [list(part) for part in trained(none)(*given)],
    other_names=lambda net, xs, ys, rate, count: trained(noughts)(net, xs, ys, rate, count),
    float64=lambda start, at, label, rate, n: trained(none)(
        [p.double() for p in start], at.double(), label.double(), rate, n
    ),
    plain_tensors=lambda *given: (
        trained(none)(*given)[0],
        tuple(p.detach() for p in trained(none)(*given)[1]),
    ),
)
