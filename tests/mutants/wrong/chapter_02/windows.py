"""Wrong answers to exercises 2.7 and 2.8."""

from __future__ import annotations

import math
from functools import cache

import torch
from mutants.cases import wrong, wrongs

from utils.data import storyworld
from utils.llm.counting.ngram import NGramModel


def cut(starts, shift=1, shape=lambda t: t):
    def answer(ids, length):
        begin = list(starts(len(ids), length))
        rows = [
            torch.tensor([list(ids[i + s : i + s + length]) for i in begin]) for s in (0, shift)
        ]
        return tuple(map(shape, rows))

    return answer


def end_to_end(n, length):
    return range(0, n - length, length)


wrongs("2.7", "Inputs and targets are the same", a=cut(end_to_end, 0))


wrongs("2.7", "The windows overlap", b=cut(lambda n, t: range(n - t)))


wrongs("2.7", "Each window begins one id further", c=cut(lambda n, t: range(0, n - t, t + 1)))


wrongs("2.7", "You cut the first window only", d=cut(lambda n, t: [0]))


wrongs(
    "2.7",
    "The windows are right, but they are lists",
    e=cut(end_to_end, shape=lambda t: t.tolist()),
)


wrongs("2.7", "Ids are whole numbers", f=cut(end_to_end, shape=lambda t: t.float()))


wrongs("2.7", "Your tensors are turned", g=cut(end_to_end, shape=lambda t: t.T))


wrongs(
    "2.7",
    "The ids are right, but they stand in one row",
    h=cut(end_to_end, shape=lambda t: t.reshape(-1)),
)


wrongs(
    "2.7",
    ("Inputs and targets are exchanged", "the results"),
    i=lambda ids, t: cut(end_to_end)(ids, t)[::-1],
)


wrongs("2.7", "The targets are missing", j=lambda ids, t: cut(end_to_end)(ids, t)[0])


wrongs(
    "2.7",
    "The last target of a window",
    k=lambda ids, t: ((w := cut(end_to_end)(ids, t)[0]), w.roll(-1, 1)),
)


wrongs(
    "2.7",
    "The targets look back",
    m=lambda ids, t: ((w := cut(end_to_end)(ids, t)[0]), w.roll(1, 1)),
)


wrongs(
    "2.7",
    "One target for a whole window",
    n=lambda ids, t: ((w := cut(end_to_end)(ids, t))[0], w[1][:, -1]),
)


wrongs(
    "2.7",
    ("The windows overlap", "Inputs and targets are the same"),
    o=cut(lambda n, t: range(n - t), 0),
)


wrongs(
    "2.7",
    None,
    by_two=lambda ids, t: cut(end_to_end, 2)([*ids, 0], t),
    one_dimension_more=cut(end_to_end, shape=lambda t: t[None]),
    pair=lambda ids, t: list(zip(ids, ids[1:], strict=False)),
    ids_as_they_are=lambda ids, t: (torch.tensor(ids[:-1]), torch.tensor(ids[1:])),
)


@wrong("2.7", "The last target needs one id more")
def one_short(ids, length):
    row = torch.tensor(ids)
    n = len(row) // length
    inputs = row[: n * length].view(n, length)
    targets = row[1 : n * length + 1].view(n, length)
    return inputs, targets


@wrong("2.7", "The ids run down the columns")
def columns(ids, length):
    row = torch.tensor(ids)
    n = (len(row) - 1) // length
    return row[: n * length].view(length, n).T, row[1 : n * length + 1].view(length, n).T


@wrong("2.7", None)
def rest_not_dropped(ids, length):
    row = torch.tensor(ids)
    return row[:-1].view(-1, length), row[1:].view(-1, length)


@wrong("2.7", "A whole window is lost")
def last_lost(ids, length):
    n = max((len(ids) - length - 1) // length, 1)
    row = torch.tensor(ids)
    return row[: n * length].view(n, length), row[1 : n * length + 1].view(n, length)


def experiment(first=1000, second=2000, judge=slice(2000, 2300), strength=1.0, judge_twice=None):
    def answer(order):
        read, bits = STORIES(), []
        for n, judged in ((first, judge), (second, judge_twice or judge)):
            model = NGramModel(order, strength).fit(read[:n], storyworld.VOCABULARY)
            bits.append(model.bits_per_word(read[judged]))
        return bits[0] - bits[1]

    return answer


@cache
def STORIES():
    return [story.split() for story in storyworld.stories(2300, seed=11)]


wrongs(
    "2.8",
    "That is the gain with its sign turned",
    a=experiment(2000, 1000),
)


wrongs(
    "2.8",
    "A model of yours is judged on stories that it has read",
    b=experiment(judge=slice(0, 300)),
)


wrongs("2.8", "Your models have not read", c=experiment(1000, 1000), d=experiment(2000, 2000))


wrongs(
    "2.8",
    "Your models have not read",
    f=experiment(250, 2000),
    half_of_each=experiment(500, 1000),
    i=experiment(1900, 2000),
    nearly_all_of_the_second=experiment(1000, 1100),
)


wrongs(
    "2.8",
    "A model of yours has another strength",
    g=experiment(strength=0.1),
    k=experiment(strength=8.0),
)


wrongs("2.8", "A model of yours is judged on stories", e=experiment(judge=slice(1000, 1300)))
wrongs("2.8", "No NGramModel reads", h=lambda order: 1.0)
wrongs("2.8", "You measured", ratio=lambda order: 1.0 + experiment()(order))
wrongs("2.8", "That is the gain in nats", j=lambda order: experiment()(order) * math.log(2))
wrongs(
    "2.8",
    "Your two models are judged on different",
    two_judges=experiment(judge=slice(2000, 2020), judge_twice=slice(2020, 2040)),
)


wrongs("2.8", None, n=lambda order: "much", o=lambda order: (0.1, 0.2))


wrongs("2.8", "A model of yours has another order", always_the_fourth=lambda order: experiment()(4))


def _by_view(count, shift=1, padding=0):
    def answer(ids, length):
        row, n = torch.tensor([*ids, *[0] * padding * length]), count(len(ids), length)
        return row[: n * length].view(n, length), row[shift:][: n * length].view(n, length)

    return answer


wrongs(
    "2.7",
    says="The last window was filled up",
    filled_up=_by_view(lambda n, t: -(-(n - 1) // t), padding=1),
)
wrongs(
    "2.7",
    says="The targets are two ids further on",
    two_on=_by_view(lambda n, t: (n - 2) // t, shift=2),
)
wrongs(
    "2.7", says="A window may be missing at the end", n_less_t=_by_view(lambda n, t: (n - t) // t)
)
