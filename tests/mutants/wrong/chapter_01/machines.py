"""Wrong answers to exercises 1.8 and 1.9."""

from __future__ import annotations

import torch
from mutants.cases import wrong, wrongs
from torch.nn import functional


def value(product=None, walk=None):
    """A class of values with another product (data, rates) or another way back."""

    class Value:
        def __init__(self, data, parents=(), rates=()):
            self.data, self.grad = data, 0.0
            self.parents, self.rates = parents, rates

        def __add__(self, other):
            return Value(self.data + other.data, (self, other), (1.0, 1.0))

        def __mul__(self, other):
            if product:
                data, rates = product(self.data, other.data)
                return Value(data, (self, other), rates)
            return Value(self.data * other.data, (self, other), (other.data, self.data))

        def backward(self):
            (walk or sound_walk)(self)

    return Value


def ordered(end):
    order, seen = [], set()

    def visit(v):
        if v not in seen:
            seen.add(v)
            for parent in v.parents:
                visit(parent)
            order.append(v)

    visit(end)
    return order


def sound_walk(end, start=1.0, share=lambda v, rate: rate * v.grad, adds=True):
    end.grad = start
    for v in reversed(ordered(end)):
        for parent, rate in zip(v.parents, v.rates, strict=True):
            parent.grad = parent.grad + share(v, rate) if adds else share(v, rate)


def by_generations(end):
    end.grad, generation, seen = 1.0, [end], {end}
    while generation:
        following = []
        for v in generation:
            for parent, rate in zip(v.parents, v.rates, strict=True):
                parent.grad += rate * v.grad
                if parent not in seen:
                    seen.add(parent)
                    following.append(parent)
        generation = following


def forwards(end):
    end.grad = 1.0
    for v in ordered(end):
        for parent, rate in zip(v.parents, v.rates, strict=True):
            parent.grad += rate * v.grad


def every_path(end):
    def send(v, gradient):
        v.grad += gradient
        for parent, rate in zip(v.parents, v.rates, strict=True):
            send(parent, gradient * rate)

    send(end, 1.0)


def recursive_overwriting(end):
    end.grad = end.grad or 1.0
    for parent, rate in zip(end.parents, end.rates, strict=True):
        parent.grad = rate * end.grad
        recursive_overwriting(parent)


def only_its_parents(end):
    end.grad = 1.0
    for parent, rate in zip(end.parents, end.rates, strict=True):
        parent.grad += rate


def first_parent(end):
    end.grad = 1.0
    for v in reversed(ordered(end)):
        if v.parents:
            v.parents[0].grad += v.rates[0] * v.grad


wrongs("1.8", "The rates of your product are crossed", a=value(lambda x, y: (x * y, (x, y))))
wrongs("1.8", "Your product passes the gradient on", b=value(lambda x, y: (x * y, (1.0, 1.0))))
wrongs("1.8", "The rate of a product", c=value(lambda x, y: (x * y, (x * y, x * y))))
wrongs("1.8", "Your product adds", d=value(lambda x, y: (x + y, (y, x))))
wrongs(
    "1.8",
    "Every rate is 0",
    nothing=value(walk=lambda end: None),
    e=value(walk=lambda end: sound_walk(end, 0.0)),
)
wrongs(
    "1.8", "A value that is used twice gets", f=value(walk=lambda end: sound_walk(end, adds=False))
)
wrongs(
    "1.8",
    "Only the parents of the last value",
    g=value(walk=forwards),
    h=value(walk=only_its_parents),
)
wrongs("1.8", "Only the first parent", i=value(walk=first_parent))
wrongs(
    "1.8",
    "You pass on the rate alone",
    j=value(walk=lambda end: sound_walk(end, share=lambda v, rate: rate)),
)
wrongs(
    "1.8",
    "You multiply the rate by the value's data",
    k=value(walk=lambda end: sound_walk(end, share=lambda v, rate: rate * v.data)),
)
wrongs("1.8", "Right numbers, but you walk every path", m=value(walk=every_path))
wrongs(
    "1.8",
    ("The rates of your product are crossed", "A value that is used twice gets"),
    n=value(lambda x, y: (x * y, (x, y)), lambda end: sound_walk(end, adds=False)),
)
wrongs(
    "1.8",
    "You go back generation by generation",
    generations=value(walk=by_generations),
)
wrongs(
    "1.8",
    None,
    starts_with_the_data=value(walk=lambda end: sound_walk(end, end.data)),
    minus=value(walk=lambda end: sound_walk(end, share=lambda v, rate: -rate * v.grad)),
    one_rate=value(lambda x, y: (x * y, (y,))),
    gradient_squared=value(
        walk=lambda end: sound_walk(end, share=lambda v, rate: rate * v.grad**2)
    ),
    overwriting=value(walk=recursive_overwriting),
)


@wrong("1.8", "A value that is used twice stands twice")
class NoMemory:
    def __init__(self, data, parents=(), rates=()):
        self.data, self.grad, self.parents, self.rates = data, 0.0, parents, rates

    def __add__(self, other):
        return NoMemory(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return NoMemory(self.data * other.data, (self, other), (other.data, self.data))

    def backward(self):
        order = []

        def visit(v):
            for parent in v.parents:
                visit(parent)
            order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            for parent, rate in zip(v.parents, v.rates, strict=True):
                parent.grad += rate * v.grad


def loop(
    cut=lambda h: h,
    reset="after",
    note="before",
    mean=True,
    sign=-1,
    extra=0,
    network_of=None,
    bend=torch.relu,
):
    def answer(start, at, label, learning_rate, n_steps):
        w1, b1, w2, b2 = network = [p.clone().requires_grad_() for p in start]
        history = []

        def loss_now():
            score = (cut(bend(at @ w1 + b1)) @ w2 + b2)[:, 0]
            losses = functional.binary_cross_entropy_with_logits(score, label, reduction="none")
            return losses.mean() if mean else losses.sum()

        for _ in range(n_steps + extra):
            loss = loss_now()
            loss.backward()
            if reset == "too early":
                for p in network:
                    p.grad = torch.zeros_like(p)
            with torch.no_grad():
                for p in network:
                    if p.grad is not None:
                        p += sign * learning_rate * p.grad
                        if reset == "after":
                            p.grad = None
            if reset == "last layer":
                w2.grad = b2.grad = None
            history.append(loss.item() if note == "before" else loss_now().item())
        return history, start if network_of else [p.detach() for p in network]

    return answer


STILL = ("The gradients still add up", "The first layer still learns nothing")
wrongs("1.9", STILL, as_it_was=loop(torch.detach, None))
wrongs("1.9", "The gradients still add up", a=loop(reset=None))
wrongs(
    "1.9",
    "The first layer still learns nothing",
    b=loop(torch.detach),
    c=loop(lambda h: h.data),
    d=loop(lambda h: torch.tensor(h.tolist())),
)
wrongs("1.9", "Now nothing moves", e=loop(reset="too early"))
wrongs("1.9", "Two gradients still add up", f=loop(reset="last layer"))
wrongs("1.9", "You walk uphill", g=loop(sign=1))
wrongs("1.9", "Your loss is a sum", h=loop(mean=False))
wrongs("1.9", "You note the loss after", i=loop(note="after"))
wrongs("1.9", "One step too many", j=loop(extra=1))
wrongs("1.9", "One step too few", k=loop(extra=-1))
wrongs("1.9", "You return the network that you were given", m=loop(network_of="start"))
wrongs("1.9", ("The network is missing",), n=lambda *given: loop()(*given)[0])
wrongs(
    "1.9", ("The first layer still", "You note the loss after"), o=loop(torch.detach, note="after")
)
wrongs(
    "1.9",
    None,
    sigmoid=loop(torch.sigmoid),
    halved=loop(lambda h: h / 2),
    history_of_tensors=lambda *given: ([torch.tensor(0.0)], loop()(*given)[1]),
    network_first=lambda *given: loop()(*given)[::-1],
)


@wrong("1.9", None)
def in_place_on_the_start(start, at, label, learning_rate, n_steps):
    history, network = loop()(start, at, label, learning_rate, n_steps)
    for p, trained in zip(start, network, strict=True):
        p.copy_(trained)
    return history, network


def sent_on_by_the_parents(end):
    if end.grad == 0.0:
        end.grad = 1.0
    for parent, rate in zip(end.parents, end.rates, strict=True):
        parent.grad += rate * end.grad
        sent_on_by_the_parents(parent)


wrongs(
    "1.8",
    "You add the rate to the gradient",
    rate_added=value(walk=lambda end: sound_walk(end, share=lambda v, rate: rate + v.grad)),
)
wrongs("1.8", "A value that is used twice is sent back twice", w=value(walk=sent_on_by_the_parents))


@wrong("1.9", "`item` makes a plain number of the loss")
def item_first(start, at, label, learning_rate, n_steps):
    network = [p.clone().requires_grad_() for p in start]
    history = []
    for _ in range(n_steps):
        w1, b1, w2, b2 = network
        score = (torch.relu(at @ w1 + b1) @ w2 + b2)[:, 0]
        loss = functional.binary_cross_entropy_with_logits(score, label).item()
        loss.backward()
        history.append(loss)
    return history, network


@wrong("1.9", "Smaller steps only hide the symptom")
def smaller_steps(start, at, label, learning_rate, n_steps):
    return loop(torch.detach, None)(start, at, label, learning_rate / 10, n_steps)


wrongs("1.9", "The bend is gone", no_bend=loop(bend=lambda h: h))
