"""Machines of chapter 01: what answers to what and how fast, and a network of two layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor

from utils.viz import style
from utils.viz.diagrams.sheet import Box, Sheet
from utils.viz.picture import Picture

#: From one name to another, and how fast the second answers to the first.
Rates = Mapping[tuple[str, str], float]


class _Node(Protocol):
    """A number that remembers its parents, the rates at which it answers to them, and its grad."""

    data: float
    grad: float
    parents: Sequence[Any]
    rates: Sequence[float]


def rates(values: Mapping[str, float], along: Rates, finding: str) -> Picture:
    """The chain rule as a graph: each name with its value, each edge with its rate.

    The last of `values` is the result; below every other one stands, in red, how fast the result
    answers to it: over all ways there, the product of the rates on the way, summed up.
    Raises ValueError for an edge that leads nowhere, or back.
    """
    order = list(values)
    wrong = [edge for edge in along if not {*edge} <= {*order} or _back(edge, order)]
    if wrong:
        raise ValueError(f"{wrong[0]} must lead from one of {order} to a later one")
    answers = {order[-1]: 1.0}
    for name in reversed(order[:-1]):
        ways = (rate * answers[to] for (start, to), rate in along.items() if start == name)
        answers[name] = sum(ways)
    return _graph(values, along, answers, finding)


def backward(named: Mapping[str, _Node], finding: str) -> Picture:
    """The same graph, read off numbers that remember their parents and rates, after `backward()`.

    `named` gives each of them its name, parents first; the rates and the red numbers are the
    numbers' own.
    """
    names = {id(node): name for name, node in named.items()}
    along: dict[tuple[str, str], float] = {}
    for name, node in named.items():
        for parent, rate in zip(node.parents, node.rates, strict=False):
            if id(parent) in names:  # not a number that nobody named
                edge = names[id(parent)], name
                along[edge] = along.get(edge, 0.0) + rate
    values = {name: node.data for name, node in named.items()}
    return _graph(values, along, {name: node.grad for name, node in named.items()}, finding)


def _back(edge: tuple[str, str], order: list[str]) -> bool:
    return order.index(edge[0]) >= order.index(edge[1])


def _columns(order: list[str], along: Rates) -> dict[str, int]:
    """How many steps each name is away from the numbers that answer to nothing."""
    column = dict.fromkeys(order, 0)
    for name in order:
        column[name] = max([column[a] + 1 for a, b in along if b == name], default=0)
    last = max(column.values())
    for name in order[:-1]:  # a number that is only given stands just before its first use
        if not any(b == name for _, b in along):
            column[name] = min([column[b] for a, b in along if a == name], default=last) - 1
    return column


def _graph(
    values: Mapping[str, float], along: Rates, answers: Mapping[str, float], finding: str
) -> Picture:
    order = list(values)
    column = _columns(order, along)
    rows = {c: [n for n in order if column[n] == c] for c in range(max(column.values()) + 1)}
    tall = max(len(names) for names in rows.values())
    height = 0.15 + 0.95 * tall
    sheet = Sheet(height=height)
    step = (style.WIDTH - 1.7) / max(1, len(rows) - 1)
    boxes: dict[str, Box] = {}
    for c, names in rows.items():
        for i, name in enumerate(names):
            y = height / 2 + 0.1 + 0.95 * ((len(names) - 1) / 2 - i)
            kind = "hot" if name == order[-1] else "data" if c else "learned"
            at = 0.85 + c * step, y
            text = f"{name}\n{_short(values[name])}"
            boxes[name] = sheet.box(at, text, kind, size=(1.3, 0.42), name=name)
    for name, box in boxes.items():
        if name != order[-1]:
            at = box.x, box.bottom[1] - 0.13
            sheet.text(at, f"in all × {_short(answers[name])}", ink=style.VERMILLION, size=10)
    for (a, b), rate in along.items():
        far = column[b] - column[a] > 1
        over = [(boxes[b].x, boxes[a].y)] if far else []  # past the columns between
        text = f"× {_short(rate)}"
        sheet.arrow(boxes[a], boxes[b], text, via=over, font=11, ink=style.BLACK)
    said = ", ".join(f"{name} {_short(value)}" for name, value in values.items())
    felt = ", ".join(f"to {n} at {_short(answers[n])}" for n in order[:-1])
    return sheet.picture(finding, f"values: {said}\n{order[-1]} answers {felt}")


def _short(value: float) -> str:
    """A number with at most two decimals and a real minus.

    >>> _short(-6.0), _short(0.126), _short(2)
    ('−6', '0.13', '2')
    """
    rounded = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if rounded == "-0" else rounded.replace("-", "−")


def network(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, finding: str) -> Picture:
    """Two layers as neurons: w1 (D, H), b1 (H,), w2 (H, K), b2 (K,), each number at its place.

    Raises ValueError for more than 5 neurons in a layer: their numbers would lie on each other.
    """
    sizes = [len(w1), len(b1), len(b2)]
    if max(sizes) > 5:
        raise ValueError(f"layers of {sizes} neurons; at most 5 each can be drawn with numbers")
    height = 0.1 + 1.15 * max(sizes)
    sheet = Sheet(height=height)
    names = ("x", "hidden", "output")
    layers = [
        [_neuron(sheet, 1.0 + 2.95 * i, _row(height, n, k), names[i], k, n) for k in range(n)]
        for i, n in enumerate(sizes)
    ]
    for below, above, weights in zip(layers, layers[1:], (w1, w2), strict=False):
        for (i, a), (j, b) in ((p, q) for p in enumerate(below) for q in enumerate(above)):
            text = f"× {_short(float(weights[i, j]))}"
            # A third of the way, where lines that cross are still apart.
            at = a.x + 0.3 * (b.x - a.x), a.y + 0.3 * (b.y - a.y)
            sheet.arrow(a, b, say=False)
            sheet.text(at, text, size=10.5, on="white")
            sheet.say(a, b, text)
    for above, bias, bend in ((layers[1], b1, True), (layers[2], b2, False)):
        for box, value in zip(above, bias, strict=True):
            text = f"+ {_short(float(value))}".replace("+ −", "− ")
            at = box.x, box.bottom[1] - 0.13
            sheet.text(at, f"{text}, then ReLU" if bend else text, size=10, ink=style.BLUE)
    biases = "; ".join(
        f"biases of {name}: {', '.join(_short(float(v)) for v in bias)}"
        for name, bias in (("hidden", b1), ("output", b2))
    )
    return sheet.picture(finding, f"{biases}; the hidden ones pass through ReLU")


def _row(height: float, n: int, k: int) -> float:
    return height / 2 + 0.1 + 1.15 * ((n - 1) / 2 - k)


def _neuron(sheet: Sheet, x: float, y: float, name: str, k: int, n: int) -> Box:
    label = name + ("₁₂₃₄₅"[k] if n > 1 else "")
    kind = {"x": "data", "hidden": "learned", "output": "hot"}[name]
    return sheet.box((x, y), label, kind, size=(0.95, 0.36))
