"""Wrong answers to exercises 1.5, 1.6 and 1.7."""

from __future__ import annotations

import math

import torch
from mutants.cases import ANY, wrong, wrongs
from torch.nn import functional

CUT_OFF = ("Your loss is right, but cut off", "`math.exp` cannot", "the numbers are right, but")


def chance(z):
    return torch.sigmoid(z)


def sound(z, y):
    return functional.softplus((1 - 2 * y) * z)


wrongs("1.5", "You averaged the loss", a=lambda z, y: (chance(z), sound(z, y).mean()))
wrongs("1.5", "You summed the loss", b=lambda z, y: (chance(z), sound(z, y).sum()))
wrongs("1.5", "Right numbers, wrong order", c=lambda z, y: (sound(z, y), chance(z)))
wrongs("1.5", "You return only the loss", d=sound)
wrongs(
    "1.5",
    "The loss takes the logarithm of the wrong",
    e=lambda z, y: (chance(z), functional.softplus((2 * y - 1) * z)),
)
wrongs(
    "1.5",
    "Your loss looks only at the label 1",
    f=lambda z, y: (chance(z), -y * functional.logsigmoid(z)),
)
wrongs("1.5", "Your loss ignores the label", g=lambda z, y: (chance(z), -functional.logsigmoid(z)))
wrongs("1.5", "The minus is missing", h=lambda z, y: (chance(z), -sound(z, y)))
wrongs("1.5", "Your loss is the squared distance", i=lambda z, y: (chance(z), (y - chance(z)) ** 2))
wrongs("1.5", "Your loss is chance − label", j=lambda z, y: (chance(z), chance(z) - y))
wrongs(
    "1.5", "Your logarithm has the base 2", k=lambda z, y: (chance(z), sound(z, y) / math.log(2))
)
wrongs("1.5", "Your chance is tanh", m=lambda z, y: (torch.tanh(z), sound(z, y)))
wrongs("1.5", "You return the score itself", n=lambda z, y: (z, sound(z, y)))
wrongs(
    "1.5",
    "Your loss is right, and its gradient is not",
    guarded=lambda z, y: (
        chance(z),
        torch.where(
            (1 - 2 * y) * z > 50, (1 - 2 * y) * z, torch.log(1 + torch.exp((1 - 2 * y) * z))
        ),
    ),
    guarded_twice=lambda z, y: (
        chance(z),
        torch.where(
            y == 1,
            torch.where(z < -30, -z, torch.log1p(torch.exp(-z))),
            torch.where(z > 30, z, torch.log1p(torch.exp(z))),
        ),
    ),
)
wrongs(
    "1.5",
    "Your chances are fine, but the loss becomes infinite",
    rounded=lambda z, y: (chance(z), -torch.log(torch.where(y == 1, chance(z), 1 - chance(z)))),
    by_power=lambda z, y: (chance(z), -torch.log(chance(z) ** y * (1 - chance(z)) ** (1 - y))),
)
wrongs(
    "1.5",
    "One of your two terms",
    terms=lambda z, y: (chance(z), -(y * chance(z).log() + (1 - y) * (1 - chance(z)).log())),
)
wrongs(
    "1.5",
    "You limit the loss",
    clamped=lambda z, y: (
        chance(z),
        -torch.where(y == 1, chance(z), 1 - chance(z)).clamp(1e-9).log(),
    ),
    eps=lambda z, y: (chance(z), -(torch.where(y == 1, chance(z), 1 - chance(z)) + 1e-12).log()),
    scores_clamped=lambda z, y: (chance(z), sound(z.clamp(-50, 50), y)),
)
wrongs(
    "1.5",
    "e^1000 is too large for a float",
    overflow=lambda z, y: (chance(z), torch.log(1 + torch.exp((1 - 2 * y) * z))),
)
wrongs(
    "1.5",
    CUT_OFF,
    numbers=lambda z, y: (
        chance(z),
        torch.tensor(
            [max(a, 0) + math.log1p(math.exp(-abs(a))) for a in ((1 - 2 * y) * z).tolist()]
        ),
    ),
    detached=lambda z, y: (chance(z), sound(z, y).detach()),
)
wrongs(
    "1.5",
    None,
    hinge=lambda z, y: (chance(z), (1 - (2 * y - 1) * z).clamp(min=0)),
    twice=lambda z, y: (chance(z), 2 * sound(z, y)),
    label_of_two=lambda z, y: (chance(z), functional.softplus(-y * z)),
)
wrongs(
    "1.5",
    ("The minus is missing", "You averaged the loss"),
    two=lambda z, y: (chance(z), -sound(z, y).mean()),
)
wrongs("1.5", ANY, caret=lambda z, y: (1 / (1 + math.e ^ -z), sound(z, y)))


def neuron(error=lambda p, y: p - y, w=None, b=None, gives=torch.sigmoid, score=None):
    def answer(weights, bias, x, label):
        z = score(weights, bias, x) if score else x @ weights + bias
        e = error(gives(z), label)
        by_weights = w(e, x) if w else x.T @ e / len(x)
        return e, by_weights, b(e, x) if b else e.mean()

    return answer


wrongs("1.6", "Every sign is flipped", a=neuron(lambda p, y: y - p))
wrongs(
    "1.6",
    "p(1−p) has cancelled against the logarithm: the",
    b=neuron(lambda p, y: (p - y) * p * (1 - p)),
)
wrongs("1.6", "The 2 belongs to the squared error: here", c=neuron(lambda p, y: 2 * (p - y)))
wrongs("1.6", "You rounded the chance", d=neuron(lambda p, y: p.round() - y))
wrongs("1.6", "You compared the score", e=neuron(gives=lambda z: z))
wrongs("1.6", "You bent with tanh", f=neuron(gives=torch.tanh))
wrongs("1.6", "You took the size", g=neuron(lambda p, y: (p - y).abs()))
wrongs("1.6", "You squared the error", h=neuron(lambda p, y: (p - y) ** 2))
wrongs("1.6", "You return the chance as the error", i=neuron(lambda p, y: p))
wrongs("1.6", "The bias is missing from the score", j=neuron(score=lambda w, b, x: x @ w))
wrongs("1.6", "You subtracted the bias", k=neuron(score=lambda w, b, x: x @ w - b))
wrongs(
    "1.6", "You summed over the examples", m=neuron(w=lambda e, x: x.T @ e, b=lambda e, x: e.sum())
)
wrongs("1.6", "The derivative by the bias is still a sum", n=neuron(b=lambda e, x: e.sum()))
wrongs("1.6", "The derivative by the weights is still a sum", o=neuron(w=lambda e, x: e @ x))
wrongs(
    "1.6",
    "You averaged the errors and the inputs apart",
    p=neuron(w=lambda e, x: e.mean() * x.mean(0)),
)
wrongs(
    "1.6",
    "Divide by the number of examples, not of inputs.",
    q=neuron(w=lambda e, x: x.T @ e / x.shape[1]),
)
wrongs(
    "1.6",
    ("Every sign is flipped", "You summed over the examples"),
    r=neuron(lambda p, y: y - p, lambda e, x: x.T @ e, lambda e, x: e.sum()),
)
wrongs(
    "1.6",
    None,
    mean_of_products=neuron(w=lambda e, x: (e[:, None] * x).mean()),
    one_a_row=neuron(w=lambda e, x: e[:, None] * x),
    bias_times_x=neuron(b=lambda e, x: (e * x[:, 0]).mean()),
    through_softmax=neuron(gives=lambda z: z.softmax(0)),
)


@wrong("1.6", "x has a row for each example, and each row is to meet")
def weights_first(weights, bias, x, label):
    p = torch.sigmoid(weights @ x + bias)
    return p - label, x.T @ (p - label) / len(x), (p - label).mean()


@wrong("1.6", "x has a row for each example, and the sum")
def not_turned(weights, bias, x, label):
    error = torch.sigmoid(x @ weights + bias) - label
    return error, x @ error / len(x), error.mean()


@wrong("1.6", ("Right numbers, wrong order", "the results are right"))
def other_order(weights, bias, x, label):
    error = torch.sigmoid(x @ weights + bias) - label
    return error, error.mean(), x.T @ error / len(x)


@wrong("1.6", "You averaged the error that you return first")
def mean_first(weights, bias, x, label):
    error = torch.sigmoid(x @ weights + bias) - label
    return error.mean(), x.T @ error / len(x), error.mean()


def network(bend=torch.relu, before=lambda x, w, b: x @ w + b, out=lambda h, w, b: h @ w + b):
    def answer(x, w1, b1, w2, b2):
        first = before(x, w1, b1)
        hidden = bend(first)
        return first, hidden, out(hidden, w2, b2)

    return answer


wrongs("1.7", "There is no bend", a=network(bend=lambda z: z))
wrongs("1.7", "You bent with the logistic", b=network(bend=torch.sigmoid))
wrongs("1.7", "You bent with tanh", c=network(bend=torch.tanh))
wrongs("1.7", "You took the absolute value", d=network(bend=torch.abs))
wrongs(
    "1.7",
    "You kept the negative half",
    e=network(bend=lambda z: z.clamp(max=0)),
    f=network(bend=lambda z: torch.minimum(z, torch.zeros(()))),
)
wrongs("1.7", "The first bias is missing", g=network(before=lambda x, w, b: x @ w))
wrongs("1.7", "The second bias is missing", h=network(out=lambda h, w, b: h @ w))
wrongs("1.7", "You subtracted b1", minus_bias=network(before=lambda x, w, b: x @ w - b))
wrongs(
    "1.7",
    "`hidden` is not 0 where `before` is negative",
    gelu=network(bend=functional.gelu),
    leaky=network(bend=lambda z: functional.leaky_relu(z, 0.1)),
    softmaxed=network(bend=lambda z: z.softmax(-1)),
)
wrongs("1.7", "You bent the output too", i=network(out=lambda h, w, b: torch.relu(h @ w + b)))
wrongs(
    "1.7",
    "You made a chance of the output",
    j=network(out=lambda h, w, b: torch.sigmoid(h @ w + b)),
)
wrongs(
    "1.7",
    None,
    relu6=network(bend=lambda z: z.clamp(0, 1)),
    weights_bent=network(out=lambda h, w, b: h @ w.relu() + b),
    typo=network(before=lambda x, w, b: b + x + w),
)
wrongs(
    "1.7",
    ("There is no bend", "The second bias is missing"),
    two=network(bend=lambda z: z, out=lambda h, w, b: h @ w),
)
wrongs(
    "1.7",
    ("The first bias is missing", "The second bias is missing"),
    no_biases=network(before=lambda x, w, b: x @ w, out=lambda h, w, b: h @ w),
)


@wrong("1.7", "`before` holds the values after")
def bent_in_place(x, w1, b1, w2, b2):
    before = x @ w1 + b1
    hidden = before.relu_()
    return before, hidden, hidden @ w2 + b2


@wrong("1.7", "`before` holds the values after")
def one_name(x, w1, b1, w2, b2):
    h = torch.relu(x @ w1 + b1)
    return h, h, h @ w2 + b2


@wrong("1.7", "You added b1 after")
def late_bias(x, w1, b1, w2, b2):
    before = x @ w1
    hidden = torch.relu(before) + b1
    return before, hidden, hidden @ w2 + b2


@wrong("1.7", "Your weights are transposed")
def transposed(x, w1, b1, w2, b2):
    before = x @ w1.T + b1
    hidden = torch.relu(before)
    return before, hidden, hidden @ w2.T + b2


@wrong("1.7", ("You return only the output",))
def output_only(x, w1, b1, w2, b2):
    return torch.relu(x @ w1 + b1) @ w2 + b2


@wrong("1.7", "The second layer reads")
def skipped(x, w1, b1, w2, b2):
    before = x @ w1 + b1
    return before, torch.relu(before), before @ w2 + b2


@wrong("1.7", None)
def added_in_place(x, w1, b1, w2, b2):
    b1 += x @ w1
    hidden = torch.relu(b1)
    return b1, hidden, hidden @ w2 + b2


@wrong("1.7", None)
def input_bent(x, w1, b1, w2, b2):
    hidden = torch.relu_(x) @ w1 + b1
    return hidden, hidden, hidden @ w2 + b2


@wrong("1.7", None)
def hidden_with_hidden(x, w1, b1, w2, b2):
    before = x @ w1 + b1
    hidden = torch.relu(before)
    return before, hidden, hidden @ hidden + b2
