"""Sound answers of odd kinds to exercises 1.8 and 1.9."""

from __future__ import annotations

import functools
import math
from collections import Counter

import torch
from mutants.cases import course, sound, sounds
from torch.nn import functional


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


def _bent_by(bend):
    """The mended loop with another way to write the bend."""

    def train(start, at, label, learning_rate, n_steps):
        network, history = [p.detach().clone().requires_grad_() for p in start], []
        for _ in range(n_steps):
            w1, b1, w2, b2 = network
            score = (bend(at @ w1 + b1) @ w2 + b2)[:, 0]
            loss = course("1.5")(score, label)[1].mean()
            gradients = torch.autograd.grad(loss, network)
            with torch.no_grad():
                for parameter, gradient in zip(network, gradients, strict=True):
                    parameter -= learning_rate * gradient
            history.append(loss.item())
        return history, [p.detach() for p in network]

    return train


sounds(
    "1.9",
    by_maximum=_bent_by(lambda h: torch.maximum(h, torch.zeros(()))),
    by_a_mask=_bent_by(lambda h: h * (h >= 0)),
    by_clamp=_bent_by(lambda h: h.clamp(min=0)),
)
