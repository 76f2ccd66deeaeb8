"""The last exercise of chapter 01: a network of two layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import differentiable, uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm import learning


def _two_layer(
    x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, *, wrong: Wrong = frozenset()
) -> Any:
    """The network, with the slips named in `wrong`."""
    before = x @ w1 if wrong & {"no b1", "late b1"} else x @ w1 + b1
    bends = {
        "no bend": lambda z: z,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "size": torch.abs,
        "other half": lambda z: z.clamp(max=0),
        "steps": lambda z: (z > 0).float() + 0 * z,
    }
    bend = next((bends[slip] for slip in wrong & bends.keys()), torch.relu)
    hidden = bend(before) + b1 if "late b1" in wrong else bend(before)
    if "overwritten" in wrong:
        before = hidden
    output = (before if "skipped" in wrong else hidden) @ w2
    if "no b2" not in wrong:
        output = output + b2
    output = output.relu() if "bent output" in wrong else output
    output = output.sigmoid() if "chance" in wrong else output
    if "output only" in wrong:
        return output
    return (hidden, before, output) if "crossed" in wrong else (before, hidden, output)


_LATE_BIAS = (
    "You added b1 after the ReLU: it belongs before, it says where the unit begins to answer."
)
_SAID = {
    "no bend": "There is no bend between the layers: without the ReLU, two layers are one.",
    "bent output": "You bent the output too: it is a score, and must be free to be negative.",
    "chance": "You made a chance of the output: it is a score, and the logistic comes later, in "
    "the loss.",
    "no b1": "The first bias is missing: add b1 to x @ w1.",
    "no b2": "The second bias is missing: add b2 to hidden @ w2.",
    "late b1": _LATE_BIAS,
    "crossed": "Right numbers, wrong order: `before` the ReLU comes first, `hidden` after it "
    "second.",
    "skipped": "The second layer reads what stood before the ReLU: give it the hidden values.",
    "overwritten": "`before` holds the values after the ReLU: keep what stood there before it, and "
    "mind that `relu_` and `+=` write over the tensor that they are given.",
    "output only": "You return only the output: return all three stages, before, hidden, output.",
    "sigmoid": "You bent with the logistic function: ReLU is the larger of the number and 0.",
    "tanh": "You bent with tanh: ReLU is the larger of the number and 0.",
    "steps": "Your bend gives 1 for whatever is above 0: ReLU keeps the number itself.",
    "size": "You took the absolute value: ReLU sets negative numbers to 0 and does not mirror "
    "them.",
    "other half": "You kept the negative half: ReLU keeps what is above 0.",
}
_APART = [
    "no bend | sigmoid | tanh | size | other half | steps | skipped",
    "no b1 | late b1",
    "bent output | chance",
    "no bend | overwritten | crossed | skipped | late b1",
    "output only | crossed | overwritten | skipped",
]


def _said_of_layers(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Names a bias added after the ReLU, also where `before` is right, and a bend that leaks."""
    x, w1, b1, *_ = args
    before, hidden = (torch.as_tensor(each).float() for each in got[:2])
    if torch.allclose(before, x @ w1 - b1, 1e-4):
        return "You subtracted b1: add it, x @ w1 + b1."
    late = (x @ w1).relu() + b1
    if hidden.shape == late.shape and torch.allclose(hidden, late, 1e-4):
        return _LATE_BIAS
    if torch.allclose(before, expected[0], 1e-4):
        above, below = before > 0, before < 0
        if below.any() and (hidden[below] != 0).any():
            leaks = torch.allclose(hidden[above], before[above], 1e-4)
            return (
                "`hidden` is not 0 where `before` is negative"
                f"{', as a leaky ReLU leaves it' * leaks}: ReLU makes each of those 0, and leaves "
                "the others as they are."
            )
    return None


def _turned(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> tuple[Tensor, ...]:
    before = x @ w1.T + b1
    hidden = torch.relu(before)
    output = hidden @ w2.T + b2
    return before, hidden, output


def _weights_first(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> tuple[Tensor, ...]:
    before = w1 @ x + b1
    hidden = torch.relu(before)
    return before, hidden, w2 @ hidden + b2


def _two_layer_by_rows(
    x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor
) -> tuple[Tensor, ...]:
    def layer(rows: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        return torch.stack([row @ weights + bias for row in rows])

    before = layer(x, w1, b1)
    hidden = torch.where(before > 0, before, 0.0)
    return before, hidden, layer(hidden, w2, b2)


def _two_layer_by_modules(
    x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor
) -> tuple[Tensor, ...]:
    before = nn.functional.linear(x, w1.T, b1)
    hidden = nn.functional.relu(before)
    return before, hidden, nn.functional.linear(hidden, w2.T, b2)


def _weights(d: int, h: int, k: int, seed: int) -> tuple[Tensor, ...]:
    """Two layers from d over h to k, with no bias at zero."""
    return (
        uniform(d, h, seed=seed),
        uniform(h, seed=seed + 1, low=0.3, high=1.5),
        uniform(h, k, seed=seed + 2),
        uniform(k, seed=seed + 3, low=-1.5, high=-0.3),
    )


TWO_LAYERS = Exercise(
    id="1.7",
    title="A network of two layers",
    minutes=4,
    stars=2,
    reference=learning.two_layer,
    probes=[
        (
            torch.tensor([[1.0, -2.0], [0.5, 1.0], [2.0, -1.0]]),
            torch.tensor([[1.0, 3.0, -2.0, 0.5], [2.0, -1.0, 0.5, 1.5]]),
            torch.tensor([0.5, -1.0, 1.5, 0.25]),
            torch.tensor([[2.0], [-1.0], [0.5], [-2.5]]),
            torch.tensor([-0.25]),
        ),
        (uniform(3, 2, seed=12), *_weights(2, 4, 1, seed=13)),
        (uniform(5, 3, seed=17), *_weights(3, 4, 2, seed=18)),
    ],
    mistakes=alone(_two_layer, _SAID)
    | {
        "Your weights are transposed: here w1 is (inputs, hidden), so multiply by w1 itself, not "
        "by w1.T.": _turned,
        "Each row of x is an example, and meets the columns of w1: x @ w1, in this order.": (
            _weights_first
        ),
        "Your numbers are right, but cut off from the weights, so nothing could be trained through "
        "them: compute with tensors all the way, without .tolist(), .item(), .detach() or numpy.": (
            lambda *tensors: learning.two_layer(*(t.detach() for t in tensors))
        ),
    },
    together=in_pairs(_two_layer, _SAID, _APART),
    alternatives={
        "torch's own": _two_layer_by_modules,
        "row by row": _two_layer_by_rows,
        "einsum": lambda x, w1, b1, w2, b2: (
            before := torch.einsum("nd,dh->nh", x, w1) + b1,
            hidden := torch.maximum(before, torch.zeros(())),
            torch.einsum("nh,hk->nk", hidden, w2) + b2,
        ),
        "float64": lambda *tensors: learning.two_layer(*(t.double() for t in tensors)),
    },
    call=differentiable,
    parts=("before", "hidden", "output"),
    explain=_said_of_layers,
)
