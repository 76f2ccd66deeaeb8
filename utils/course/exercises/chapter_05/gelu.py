"""Exercise 5.2: GELU by GPT-2's formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.gpt import block


def gelu(x: Tensor) -> Tensor:
    """x times roughly the chance that a standard normal number is below x, by a tanh."""
    return block.gelu(x)


def _gelu(
    x: Tensor,
    *,
    inner: Callable[[Tensor], Tensor] = lambda x: x + 0.044715 * x**3,
    scale: float = math.sqrt(2 / math.pi),
    bend: Callable[[Tensor], Tensor] = torch.tanh,
    outer: Callable[[Tensor, Tensor], Tensor] = lambda x, t: 0.5 * x * (1 + t),
) -> Tensor:
    """GELU with a bend where a wrong turn wants one."""
    return outer(x, bend(scale * inner(x)))


_STEPS: dict[str, dict[str, Any]] = {
    "inner": {
        "Your x is squared: it is x³, which keeps the sign.": lambda x: x + 0.044715 * x**2,
        "The factor 0.044715 belongs to x³ alone.": lambda x: 0.044715 * (x + x**3),
        "The cube is missing: √(2/π) · (x + 0.044715 · x³).": lambda x: x,
        "You cubed 0.044715 together with x: only x is cubed.": lambda x: x + (0.044715 * x) ** 3,
        "The factor 0.044715 is missing before x³.": lambda x: x + x**3,
        "The cube is subtracted: √(2/π) · (x + 0.044715 · x³).": lambda x: x - 0.044715 * x**3,
        "The x before the cube is missing: √(2/π) · (x + 0.044715 · x³).": lambda x: (
            0.044715 * x**3
        ),
        "Your factor is 0.44715: it is 0.044715.": lambda x: x + 0.44715 * x**3,
        "Your factor is 0.0044715: it is 0.044715.": lambda x: x + 0.0044715 * x**3,
        "You cubed the whole bracket: only the second x is cubed.": lambda x: (
            (x + 0.044715 * x) ** 3
        ),
        "3 is a factor here: x³ is x · x · x, x**3.": lambda x: x + 0.044715 * 3 * x,
    },
    "scale": {
        "You left out the root: the factor is √(2/π) = 0.798, not 2/π = 0.637.": 2 / math.pi,
        "Your factor is √(π/2): it is √(2/π) = 0.798.": math.sqrt(math.pi / 2),
        "The factor √(2/π) is missing.": 1.0,
        "The root reaches only the 2: √(2/π), not √2 / π.": math.sqrt(2) / math.pi,
        "The root reaches only the π: √(2/π), not 2 / √π.": 2 / math.sqrt(math.pi),
        "Your factor is √(2π): it is √(2/π) = 0.798.": math.sqrt(2 * math.pi),
    },
    "bend": {
        "There is no tanh: put √(2/π) · (x + 0.044715 · x³) through one.": lambda inner: inner,
        "This is a sigmoid where a tanh should be: tanh goes from −1 to 1.": torch.sigmoid,
        "You took the tangent of an angle: tanh is another function, torch.tanh.": torch.tan,
        "You took the error function of the bracket: the bracket is made for a tanh.": torch.erf,
    },
    "outer": {
        "The factor ½ is missing: for a large x the bracket is 2, and GELU(x) should be x.": (
            lambda x, t: x * (1 + t)
        ),
        "The x in front is missing: without it this is the chance alone, between 0 and 1.": (
            lambda x, t: 0.5 * (1 + t)
        ),
        "The 1 in the bracket is missing: ½ · x · (1 + tanh …).": lambda x, t: 0.5 * x * t,
        "The 1 was added in the wrong place: ½ · x · (1 + tanh …).": lambda x, t: 0.5 * x + t,
        "The sign before the tanh is wrong: ½ · x · (1 + tanh …).": lambda x, t: 0.5 * x * (1 - t),
        "The 1 stands outside the bracket: ½ · x · (1 + tanh …).": lambda x, t: 0.5 * x * t + 1,
        "The ½ reaches x alone and 1 + tanh is added: the three are multiplied.": lambda x, t: (
            0.5 * x + 1 + t
        ),
        "½ and x are missing: ½ · x · (1 + tanh …).": lambda x, t: 1 + t,
        "Only the tanh came back: ½ · x · (1 + tanh …).": lambda x, t: t,
    },
}


def _bracket_too_early(x: Tensor) -> Tensor:
    return _gelu(x, scale=1.0, inner=lambda x: math.sqrt(2 / math.pi) * x + 0.044715 * x**3)


def _by_loop(x: Tensor) -> Tensor:
    def one(value: float) -> float:
        turned = math.sqrt(2 / math.pi) * (value + 0.044715 * value**3)
        return value * (1 + math.tanh(turned)) / 2

    return torch.tensor([one(value) for value in x.flatten().tolist()]).view(x.shape)


def gelu_in_numpy(x: np.ndarray) -> np.ndarray:
    """The same formula, in NumPy."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _explain(args: tuple[Tensor], expected: Tensor, got: Any) -> str | None:
    """Read the bracket back out of the result, and its factor out of the bracket."""
    (x,), found = args, torch.as_tensor(got).double()
    x = x.double()
    bent = 2 * found / x - 1  # what stands in the place of the tanh
    if not bent.isfinite().all() or (x.abs() > 4).any():
        return None
    if (found[x < 0] == 0).all() and (x < 0).any():
        return "Where x is negative yours is 0, as in a ReLU: GELU dips below 0 there."
    if (bent.abs() >= 1).any():
        return (
            "Read backwards, 2 · result / x − 1 should be a tanh, between −1 and 1, and is not: "
            "look at what stands round the tanh, ½ · x · (1 + tanh …)."
        )
    return (
        "What stands round the tanh may be right; what is under it is not: "
        "√(2/π) · (x + 0.044715 · x³)."
    )


GELU = Exercise(
    id="5.2",
    title="GELU",
    minutes=4,
    stars=1,
    reference=gelu,
    probes=[
        (torch.tensor([1.0, -1.3, 2.1]),),
        (torch.tensor([0.0]),),
        (uniform(2, 3, seed=520, low=-3.0, high=3.0),),
        (torch.linspace(-10, 10, 41),),
    ],
    mistakes={
        "This is ReLU: zero for every negative number. GELU bends smoothly, and dips below 0 "
        "between.": torch.relu,
        "This is the exact GELU, x · Φ(x). GPT-2 was trained with the tanh formula, which differs "
        "from it in the fourth decimal, and weights want the function they were trained "
        "with.": F.gelu,
        "This is the quick form, x · σ(1.702 x). It is off by up to 0.02: use the tanh "
        "formula.": lambda x: x * torch.sigmoid(1.702 * x),
        "This is SiLU, x · σ(x), which other models use.": F.silu,
        "Your bracket closes too early: √(2/π) multiplies x³ as well.": _bracket_too_early,
    }
    | at_one_step(_gelu, _STEPS),
    together=at_two_steps(_gelu, _STEPS),
    alternatives={
        "torch's own": partial(F.gelu, approximate="tanh"),
        "as a sigmoid": lambda x: (
            x * torch.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
        ),
        "numpy": lambda x: gelu_in_numpy(x.numpy()),
        "a loop": _by_loop,
        "float64": lambda x: _gelu(x.double()),
    },
    explain=_explain,
    atol=1e-5,
)
