"""Models that learn, smallest first: a line, a neuron, a network of two layers.

Everything that a GPT needs to learn is here in miniature: parameters, a loss, its gradient, a step.
Chapter 01 builds these functions by hand.

Shapes: `N` examples, `D` inputs of an example, `H` hidden units, `K` outputs.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

Point = tuple[float, float]


def line_through(p: Point, q: Point) -> tuple[float, float]:
    """Slope and intercept of the line through two points, by elimination.

    Raises ValueError where both points have the same x: no line y = slope·x + intercept, or
    no single one, goes through them.

    >>> line_through((1, 3), (2, 5))
    (2.0, 1.0)
    """
    (x1, y1), (x2, y2) = p, q
    if x1 == x2:
        raise ValueError(
            f"Points {p} and {q} have the same x, so no single slope joins them: "
            "give two points with different x."
        )
    slope = (y2 - y1) / (x2 - x1)
    return slope, y1 - slope * x1


def mean_squared_error(
    predicted: Float[Tensor, "*shape"], wanted: Float[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """Mean of the squared differences (Legendre 1805, the sum; here its mean).

    Raises ValueError where the shapes differ or there is nothing to average: broadcasting (N, 1)
    against (N,) would quietly compare every prediction with every target.
    """
    if predicted.shape != wanted.shape:
        raise ValueError(
            f"Predictions have the shape {tuple(predicted.shape)}, targets "
            f"{tuple(wanted.shape)}: they must be equal. Reshape one, e.g. with squeeze()."
        )
    if predicted.numel() == 0:
        raise ValueError("There are no examples to average over: give at least one.")
    return (predicted - wanted).square().mean()


def line_gradient(
    slope: float | Tensor, intercept: float | Tensor, x: Float[Tensor, "N"], y: Float[Tensor, "N"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Derivatives of the line's mean squared error by its slope and by its intercept."""
    error = slope * x + intercept - y  # (N,)
    return 2 * (error * x).mean(), 2 * error.mean()


def descend(
    slope: float,
    intercept: float,
    x: Float[Tensor, "N"],
    y: Float[Tensor, "N"],
    learning_rate: float,
    n_steps: int,
) -> Float[Tensor, "steps 2"]:
    """The path of gradient descent (Cauchy 1847) over (slope, intercept), its start included.

    Returns n_steps + 1 rows. Raises ValueError for a negative number of steps.
    """
    if n_steps < 0:
        raise ValueError(f"n_steps is {n_steps}: give 0 or more.")
    point = torch.tensor([slope, intercept], dtype=x.dtype, device=x.device)
    path = [point]
    for _ in range(n_steps):
        gradient = torch.stack(line_gradient(point[0], point[1], x, y))
        point = point - learning_rate * gradient
        path.append(point)
    return torch.stack(path)  # (n_steps + 1, 2)


def finite_difference(
    function: Callable[[Tensor], Tensor | float], at: Float[Tensor, "P"], width: float = 1e-4
) -> Float[Tensor, "P"]:
    """Gradient of a function of P numbers by central differences, in float64.

    Two calls a number: a check of a gradient, never a way to train. Raises ValueError for a
    width that is not positive.

    >>> gradient = finite_difference(lambda p: p[0] ** 2 + 3 * p[1], torch.tensor([2.0, 5.0]))
    >>> gradient.round(decimals=6)
    tensor([4., 3.], dtype=torch.float64)
    """
    if not width > 0:
        raise ValueError(f"width is {width}: give a small number above 0.")
    at = at.double()
    nudges = width * torch.eye(len(at), dtype=torch.float64, device=at.device)
    rises = [torch.as_tensor(function(at + nudge) - function(at - nudge)) for nudge in nudges]
    return torch.stack(rises) / (2 * width)


class Value:
    """A number that remembers what it was computed from, and at which rates.

    Sums and products of Values are Values; `backward` of the last of them leaves in the `grad` of
    every other how fast the last one answers to it. PyTorch's autograd in miniature.

    >>> a, b = Value(2.0), Value(-3.0)
    >>> (a * b + a).backward()
    >>> a.grad, b.grad
    (-2.0, 2.0)
    """

    def __init__(
        self, data: float, parents: tuple["Value", ...] = (), rates: tuple[float, ...] = ()
    ) -> None:
        self.data, self.grad = data, 0.0
        self.parents, self.rates = parents, rates

    def __add__(self, other: "Value") -> "Value":
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: "Value") -> "Value":
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def backward(self) -> None:
        """Add to the grad of every value that this one came from how fast this one answers."""
        order: list[Value] = []
        seen: set[Value] = set()

        def visit(value: Value) -> None:
            if value not in seen:
                seen.add(value)
                for parent in value.parents:
                    visit(parent)
                order.append(value)  # after all that it was made of

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for parent, rate in zip(value.parents, value.rates, strict=True):
                parent.grad += rate * value.grad


def powers(x: Float[Tensor, "N"], degree: int) -> Float[Tensor, "N P"]:
    """Columns 1, x, x², … up to x to the power of degree: a polynomial is linear in these.

    Raises ValueError for a negative degree.
    """
    if degree < 0:
        raise ValueError(f"degree is {degree}: give 0 (a constant) or more.")
    return x[:, None] ** torch.arange(degree + 1, device=x.device)  # (N, degree + 1)


def least_squares(columns: Float[Tensor, "N P"], y: Float[Tensor, "N"]) -> Float[Tensor, "P"]:
    """Weights of the columns that make the squared error of their sum smallest.

    Solved by QR, not by the normal equations columnsᵀ·columns·w = columnsᵀ·y: they square the
    condition number, and a polynomial of degree nine has none to spare.
    Raises ValueError where there are fewer examples than columns: the weights are not determined.
    """
    n_examples, n_columns = columns.shape
    if n_examples < n_columns:
        raise ValueError(
            f"{n_examples} examples cannot determine {n_columns} weights: "
            "give more examples or fewer columns."
        )
    return torch.linalg.lstsq(columns, y[:, None]).solution[:, 0]


def logistic_and_loss(
    score: Float[Tensor, "N"], label: Float[Tensor, "N"]
) -> tuple[Float[Tensor, "N"], Float[Tensor, "N"]]:
    """Chance of a yes, 1 / (1 + e^−score), and the loss −ln(chance given to the label), in nats.

    Labels are 0 or 1. The loss never takes the logarithm of a rounded chance, so it is sound for
    any finite score; and its derivative is chance − label at every score, 0 included.
    """
    towards_label = (2 * label - 1) * score  # positive where the score takes the label's side
    return torch.sigmoid(score), -nn.functional.logsigmoid(towards_label)


def neuron_gradient(
    weights: Float[Tensor, "D"],
    bias: float | Tensor,
    x: Float[Tensor, "N D"],
    label: Float[Tensor, "N"],
) -> tuple[Float[Tensor, "N"], Float[Tensor, "D"], Float[Tensor, ""]]:
    """Error of each example, and the mean log loss's derivatives by the weights and by the bias."""
    error = torch.sigmoid(x @ weights + bias) - label  # (N,)
    return error, x.T @ error / len(x), error.mean()


def two_layer(
    x: Float[Tensor, "N D"],
    w1: Float[Tensor, "D H"],
    b1: Float[Tensor, "H"],
    w2: Float[Tensor, "H K"],
    b2: Float[Tensor, "K"],
) -> tuple[Float[Tensor, "N H"], Float[Tensor, "N H"], Float[Tensor, "N K"]]:
    """A network of two layers with ReLU between: (before the ReLU, hidden, output).

    Weights stand as (inputs, outputs); `torch.nn.Linear` keeps them the other way round.
    """
    before = x @ w1 + b1  # (N, H)
    hidden = before.clamp(min=0)
    return before, hidden, hidden @ w2 + b2  # (N, K)


def smallest_diverging_rate(x: Float[Tensor, "N"]) -> float:
    """Learning rate above which descent on a line's mean squared error diverges: 2 / λ.

    λ, the bowl's largest curvature, is the top eigenvalue of 2·[[mean x², mean x], [mean x, 1]].
    """
    mean, mean_square = x.double().mean().item(), x.double().square().mean().item()
    top = (mean_square + 1) + math.hypot(mean_square - 1, 2 * mean)
    return 2 / top
