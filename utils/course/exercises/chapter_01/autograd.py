"""Autograd in miniature, the machine of chapter 01."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from typing import Any

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm import learning

_OF_THE_LAST = "rate of the last"
_TOO_MANY = 2_000  # gradients written in one walk; the largest of the graphs has some forty values


class _TooManyWalks(Exception):
    """Raised inside an answer that walks a graph path by path."""


def _play(answer: Any, program: str, numbers: dict[str, float]) -> dict[str, float] | Remark:
    """Run a program on Values and send its last line back: the result, each name's rate, its own.

    A remark stands in the result's place where gradients are written so often that every path must
    have been walked on its own.
    """
    values = {name: answer(number) for name, number in numbers.items()}
    for value in values.values():  # a text doubled forty times would fill the memory
        if not all(hasattr(value, name) for name in ("data", "backward")):
            return value
    kind, writes = type(next(iter(values.values()))), Counter[str]()

    def counting(self: Any, name: str, value: Any) -> None:
        writes[name] += 1
        if writes["grad"] > _TOO_MANY:
            raise _TooManyWalks
        object.__setattr__(self, name, value)

    *lines, last = program.split("; ")
    known = dict(values)
    exec("\n".join(lines), known)
    end = eval(last, known)
    kind.__setattr__ = counting
    try:
        end.backward()
    except _TooManyWalks:
        return Remark("you walk every path on its own")
    finally:
        del kind.__setattr__
    between = {name: v for name, v in known.items() if hasattr(v, "backward")}
    rates = {f"rate of {name}": v.grad for name, v in (values | between).items()}
    return {"result": end.data} | rates | {_OF_THE_LAST: end.grad}


@cache
def _kind(wrong: Wrong) -> type:
    """A class of values with the slips named in `wrong`."""

    class Value:
        def __init__(self, data: float, parents: Any = (), rates: Any = ()) -> None:
            self.data, self.grad = data, 0.0
            self.parents, self.rates = parents, rates

        def __add__(self, other: Any) -> Any:
            return Value(self.data + other.data, (self, other), (1.0, 1.0))

        def __mul__(self, other: Any) -> Any:
            if "bare product" in wrong:
                return self.data * other.data
            return Value(*_product(self, other, wrong))

        def backward(self) -> None:
            if "calls backward" in wrong:
                _by_backward(self)
                return
            if "path by path" in wrong:
                _along_every_path(self, 1.0)
                return
            self.grad = 0.0 if "no start" in wrong else 1.0
            order = _by_generation(self) if "by generation" in wrong else _order(self, wrong)
            for value in order:
                _pass_on(value, wrong)
            if "given only" in wrong:
                _forget([value for value in order if value.parents])
            if "ends only" in wrong:
                _forget([value for value in order if value.parents and value is not self])
            if "not itself" in wrong:
                _forget([self])

    return Value


def _product(a: Any, b: Any, wrong: Wrong) -> tuple[float, tuple[Any, Any], tuple[float, float]]:
    rates = (b.data, a.data)
    if "own rates" in wrong:
        rates = (a.data, b.data)
    if "rates of a sum" in wrong:
        rates = (1.0, 1.0)
    if "product as rate" in wrong:
        rates = (a.data * b.data, a.data * b.data)
    return a.data + b.data if "added" in wrong else a.data * b.data, (a, b), rates


def _order(end: Any, wrong: Wrong) -> list[Any]:
    """The values in the order in which they pass on, the end first; or as a slip has it."""
    order: list[Any] = []

    def visit(value: Any, depth: int = 0) -> None:
        known = [each.data for each in order] if "equal data" in wrong else order
        if (value.data if "equal data" in wrong else value) in known and "no memory" not in wrong:
            return
        if "too early" in wrong:
            order.insert(0, value)
        if depth < 1 or "one step" not in wrong:
            for parent in value.parents:
                visit(parent, depth + 1)
        if "too early" not in wrong:
            order.append(value)

    visit(end)
    if "one step" in wrong:
        return [end]
    return order[::-1]


def _by_generation(end: Any) -> list[Any]:
    """The end, then its parents, then theirs, each where it is met first."""
    order = [end]
    for value in order:
        order += [parent for parent in dict.fromkeys(value.parents) if parent not in order]
    return order


def _forget(values: list[Any]) -> None:
    for value in values:
        value.grad = 0.0


def _pass_on(value: Any, wrong: Wrong) -> None:
    pairs = list(zip(value.parents, value.rates, strict=True))
    if "one a parent" in wrong:
        pairs = list(dict(pairs).items())
    for parent, rate in pairs[:1] if "first only" in wrong else pairs:
        share = rate * value.grad
        if "rates added" in wrong:
            share = rate + value.grad
        if "rate alone" in wrong:
            share = rate
        if "data" in wrong:
            share = rate * value.data
        parent.grad = share if "overwritten" in wrong else parent.grad + share


def _along_every_path(value: Any, passed: float) -> None:
    value.grad += passed
    for parent, rate in zip(value.parents, value.rates, strict=True):
        _along_every_path(parent, rate * passed)


def _by_backward(value: Any) -> None:
    """Each parent sends on all that it has so far, as often as something arrives."""
    value.grad = value.grad or 1.0
    for parent, rate in zip(value.parents, value.rates, strict=True):
        parent.grad += rate * value.grad
        parent.backward()


def _make(data: float, *, wrong: Wrong = frozenset()) -> Any:
    return _kind(wrong)(data)


_SAID = {
    "own rates": "The rates of your product are crossed: a nudge of the first factor moves it as "
    "many times as far as the second is large, so the rates are (other.data, self.data).",
    "rates of a sum": "Your product passes the gradient on as it is, as a sum does: multiply it by "
    "the rate, and the rate of one factor is the other.",
    "product as rate": "The rate of a product by a factor is the other factor, not the product.",
    "added": "Your product adds: its data is self.data * other.data.",
    "no start": "Every rate is 0, nothing has come back: the last value answers to itself at the "
    "rate 1, so begin with self.grad = 1.0, and pass it on.",
    "overwritten": "A value that is used twice gets something back from both uses, and yours keeps "
    "only what came last: add it up, with += in place of =.",
    "too early": "A value passes on before all of its uses have reported, where one lies nearer to "
    "the end than another: append it to the order only after all of its parents, and walk that "
    "order in reverse.",
    "no memory": "A value that is used twice stands twice in your order, and passes on twice: "
    "remember which ones you have seen.",
    "one step": "Only the parents of the last value get a rate: theirs have parents, too. Walk "
    "through the whole graph, from the last value to the first.",
    "first only": "Only the first parent gets its rate: a sum and a product have two.",
    "rate alone": "You pass on the rate alone: rates in a row multiply, so multiply it by the "
    "value's own grad.",
    "data": "You multiply the rate by the value's data: it is its grad that comes back.",
    "rates added": "You add the rate to the gradient: rates in a row multiply, rate * value.grad.",
    "path by path": "Right numbers, but you walk every path on its own, and forty doublings in a "
    "row have a million million paths: pass on once for each value, when all its uses have "
    "reported.",
}
_NOT_ITSELF = (
    "The last value has no rate: it answers to itself at the rate 1, and that stands in its grad."
)
_BETWEEN = (
    "The values that were given have their rates, and one between them and the last has not: leave "
    "its own in the grad of every value behind the last one."
)
_BY_THEMSELVES = {
    "not itself": _NOT_ITSELF,
    "given only": "Only the values that were given have a rate: leave its own in the grad of every "
    "value on the way, and 1 in the grad of the last.",
    "ends only": _BETWEEN,
    "by generation": "You go back generation by generation, so a value passes on while a use of it "
    "that lies farther back has still to report: let each pass on only after all that use it.",
    "one a parent": "In a * a both parents are the same value, and it has two rates: go through "
    "parents and rates side by side, since a dict or a set keeps one of the two.",
    "equal data": "Two values with the same number in them are two values: remember which you have "
    "seen by the value itself, not by its data.",
    "bare product": "Your product is a plain number, and that has no way back: return a Value with "
    "its parents and rates.",
    "calls backward": "A value that is used twice is sent back twice, and sends on the second time "
    "what it had the first time as well: put the values in an order first, and let each pass on "
    "once.",
}
_APART = [
    "own rates | rates of a sum | product as rate",
    "no start | rate alone | data | path by path",
    "overwritten | too early | no memory | one step | path by path",
    "first only | rate alone | data | path by path | overwritten",
    "no start | overwritten",
    "no start | too early",
    "no start | no memory",
    "no start | one step",
    "no start | first only",
    "no start | own rates",
    "no start | rates of a sum",
    "no start | product as rate",
    "one step | no memory | too early | rate alone | data | first only",
    "path by path | own rates | rates of a sum | product as rate | added",
    "rates added | rate alone | data | path by path | no start",
]


def _by_counting(data: float) -> Any:
    """Kahn's way: a value passes on when the last of its uses has reported."""

    class Value(_kind(frozenset())):  # type: ignore[misc]
        def __add__(self, other: Any) -> Any:
            return Value(self.data + other.data, (self, other), (1.0, 1.0))

        def __mul__(self, other: Any) -> Any:
            return Value(self.data * other.data, (self, other), (other.data, self.data))

        def backward(self) -> None:
            uses, stack, seen = Counter[int](), [self], {id(self)}
            while stack:
                for parent in stack.pop().parents:
                    uses[id(parent)] += 1
                    if id(parent) not in seen:
                        seen.add(id(parent))
                        stack.append(parent)
            self.grad, ready = 1.0, [self]
            while ready:
                value = ready.pop()
                for parent, rate in zip(value.parents, value.rates, strict=True):
                    parent.grad += rate * value.grad
                    uses[id(parent)] -= 1
                    if not uses[id(parent)]:
                        ready.append(parent)

    return Value(data)


def _said_of_rates(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names a rate that was worked out, since those behind it are right, and not left behind."""
    wrong = {name for name, rate in expected.items() if not math.isclose(got[name], rate)}
    between = wrong - {f"rate of {name}" for name in args[1]} - {"result", _OF_THE_LAST}
    if wrong - between - {_OF_THE_LAST}:
        return None
    return _BETWEEN if between else _NOT_ITSELF


_DOUBLED = "c = a + a; " + "c = c + c; " * 39 + "c"

AUTOGRAD = Exercise(
    id="1.8",
    title="Autograd, in miniature",
    minutes=20,
    stars=3,
    reference=learning.Value,
    probes=[
        ("a * b", {"a": 2.0, "b": -3.0}),
        ("a * b + c", {"a": 2.0, "b": -3.0, "c": 5.0}),
        ("(a + b) * c", {"a": 1.5, "b": -4.0, "c": 3.0}),
        ("a * a", {"a": 3.0}),
        ("a + a", {"a": -2.5}),
        ("c = a * b; c * a + c", {"a": 2.0, "b": -3.0}),
        ("c = a * b; d = c + a; e = d * c; e + c * d", {"a": 2.0, "b": -3.0}),
        ("c = a * b; d = a * c; e = d * d; f = c + e; f * d", {"a": 1.5, "b": -0.5}),
        ("e = a * x + b; e * e", {"a": 1.0, "b": -1.0, "x": 4.0}),
        ("a", {"a": 7.0}),
        ("a * b", {"a": 2.0, "b": 5.0, "c": 1.0}),
        (_DOUBLED, {"a": 1.0}),
    ],
    mistakes=alone(_make, _SAID | _BY_THEMSELVES),
    together=in_pairs(_make, _SAID, _APART),
    call=_play,
    explain=_said_of_rates,
    alternatives={"counting the uses": _by_counting},
    timeout=2.0,
)
