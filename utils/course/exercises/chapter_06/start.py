"""Chapter 06, second part: the numbers a GPT starts with."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.llm.gpt.model import GPT, GPTConfig

# 6.3 · GPT-2's initialisation

RESIDUAL = ("attention.out.weight", "feed_forward.down.weight")
Start = Callable[[nn.Module, int], nn.Module]


def initialise(model: nn.Module, n_layers: int) -> nn.Module:
    """Fill the parameters as GPT-2's were filled before its training, and return the model."""
    return _initialise(model, n_layers)


def _shrink(n_layers: int) -> float:
    return 1 / math.sqrt(2 * n_layers)


def _normal(weights: Tensor, std: float) -> None:
    weights.normal_(std=std)


@torch.no_grad()
def _initialise(
    model: nn.Module,
    n_layers: int,
    *,
    std: float = 0.02,
    shrink: Callable[[int], float] = _shrink,
    residual: tuple[str, ...] = RESIDUAL,
    fill: Callable[[Tensor, float], Any] = _normal,
    biases: Callable[[Tensor], Any] = nn.init.zeros_,
    norms: Callable[[Tensor], Any] = nn.init.ones_,
    places: float = 0.02,
) -> nn.Module:
    """GPT-2's start, with a bend where a wrong turn wants one."""
    for name, weights in model.named_parameters():
        if "norm" in name and name.endswith("weight"):
            norms(weights)
        elif name.endswith("bias"):
            biases(weights)
        elif "position" in name:
            fill(weights, places)
        else:
            fill(weights, std * (shrink(n_layers) if name.endswith(residual) else 1.0))
    return model


@torch.no_grad()
def _only_the_residual(model: nn.Module, n_layers: int) -> nn.Module:
    """The residual projections are right; everything else keeps what PyTorch put there."""
    for name, weights in model.named_parameters():
        if name.endswith(RESIDUAL):
            weights.normal_(std=0.02 * _shrink(n_layers))
    return model


@torch.no_grad()
def _norms_at_one(model: nn.Module, n_layers: int) -> nn.Module:
    for name, weights in _initialise(model, n_layers).named_parameters():
        if "norm" in name:
            weights.fill_(1.0)
    return model


def _recorded(model: nn.Module, n_layers: int) -> nn.Module:
    for weights in model.parameters():
        weights.normal_(std=0.02)
    return model


@torch.no_grad()
def _deeper_is_smaller(model: nn.Module, n_layers: int) -> nn.Module:
    _initialise(model, n_layers)
    for i, block in enumerate(model.blocks):
        for weights in (block.attention.out.weight, block.feed_forward.down.weight):
            weights.mul_(math.sqrt(n_layers / (i + 1)))
    return model


@torch.no_grad()
def _norms_turned(model: nn.Module, n_layers: int) -> nn.Module:
    for name, weights in _initialise(model, n_layers).named_parameters():
        if "norm" in name:
            weights.fill_(float(name.endswith("bias")))
    return model


def _same_dice(weights: Tensor, std: float) -> None:
    torch.manual_seed(0)
    weights.normal_(std=std)


@torch.no_grad()
def _by_modules(model: nn.Module, n_layers: int) -> nn.Module:
    for name, module in model.named_modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            adds = name.endswith(("attention.out", "feed_forward.down"))
            nn.init.normal_(module.weight, std=0.02 * (2 * n_layers) ** -0.5 if adds else 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif name in ("token_embedding", "position_embedding"):
            nn.init.normal_(module.weight, std=0.02)
    return model


@torch.no_grad()
def _all_then_divided(model: nn.Module, n_layers: int) -> nn.Module:
    for name, weights in model.named_parameters():
        if weights.ndim == 2:
            weights.copy_(0.02 * torch.randn(weights.shape))
        else:
            weights.fill_(1.0 if "norm" in name and "weight" in name else 0.0)
    for block in model.blocks:
        block.attention.out.weight /= math.sqrt(2 * n_layers)
        block.feed_forward.down.weight /= math.sqrt(2 * n_layers)
    return model


REPLACED = (
    "Parameters were replaced by others: fill those that the model has, in place, since whoever "
    "shares one, an optimizer or a tied head, would keep the old."
)
FROZEN = (
    "The parameters no longer ask for a gradient, and nothing could be trained: leave "
    "requires_grad as it was."
)


def _replaced(model: nn.Module, n_layers: int) -> nn.Module:
    for module in model.modules():
        for name, weights in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(weights.detach().clone()))
    return initialise(model, n_layers)


def measured(answer: Start, model: nn.Module, n_layers: int) -> Any:
    """Let an answer fill a model, and return mean, deviation and kind of each parameter."""
    torch.manual_seed(n_layers)
    before = dict(model.named_parameters())
    returned = answer(model, n_layers)
    if returned is not model:
        return "another model" if isinstance(returned, nn.Module) else returned
    after = dict(model.named_parameters())
    if {name: id(w) for name, w in after.items()} != {name: id(w) for name, w in before.items()}:
        return Remark(REPLACED)
    if not all(weights.requires_grad for weights in after.values()):
        return Remark(FROZEN)
    found = {}
    for name, weights in model.named_parameters():
        values = weights.detach().double()
        twin = _twin(model, name, values)
        mean, spread = values.mean().item(), values.std(correction=0).item()
        # a sample of n normal numbers misses their mean by about deviation / √n
        centred = abs(mean) < 6 * spread / math.sqrt(values.numel())
        kind = twin or _kind(values, mean, spread)
        found[name] = (0.0 if centred else mean, spread, kind)
    return found


def _twin(model: nn.Module, name: str, values: Tensor) -> str:
    """Which matrix of the same shape has the same numbers, but for a factor; "" where none has."""
    if values.ndim < 2 or not values.any():
        return ""
    size = values.abs().max()
    for other, weights in model.named_parameters():
        if other == name:
            return ""
        if weights.shape == values.shape and weights.any():
            theirs = weights.detach().double()
            if torch.allclose(theirs / theirs.abs().max(), values / size, atol=1e-5):
                return f"the same as {other}"
    return ""


def _kind(values: Tensor, mean: float, spread: float) -> str:
    """By their fourth moment: 3 for normal numbers, 1.8 for evenly spread ones."""
    if spread == 0:
        return "all alike"
    return "normal" if ((values - mean) / spread).pow(4).mean() > 2.25 else "even"


def _should(name: str, n_layers: int) -> tuple[float, float]:
    """The mean and the deviation that the text asks for."""
    if name.endswith("bias"):
        return 0.0, 0.0
    if "norm" in name:
        return 1.0, 0.0
    return 0.0, 0.02 * (_shrink(n_layers) if name.endswith(RESIDUAL) else 1.0)


def explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Name the parameter that departs, and how."""
    if isinstance(got, Remark):
        return None
    if got == "another model":
        return "You returned another model: fill the one that you were given, and return it."
    for name, (mean, spread, kind) in expected.items():
        its_mean, its_spread, its_kind = got[name]
        if (its_mean, its_spread) == (BEFORE, 0.0):
            return f"You left {name} as it was: every parameter gets its number."
        if abs(its_mean - mean) > 0.01 or not math.isclose(its_spread, spread, rel_tol=0.1):
            right = "the mean {:.3g} and the deviation {:.3g}".format(*_should(name, args[1]))
            return f"{name} should have {right}, and has {its_mean:.3g} and {its_spread:.3g}."
        if its_kind.startswith("the same as "):
            other = its_kind.removeprefix("the same as ")
            return (
                f"{name} holds the same numbers as {other}: set the seed once, not before each "
                "matrix."
            )
        if its_kind != kind:
            return f"The numbers of {name} are not normal, though their deviation is right."
    return None


BEFORE = 7.0


class _Blank(GPT):
    """A small GPT all of whose parameters are 7."""

    def __init__(self, n_layers: int) -> None:
        super().__init__(
            GPTConfig(vocab_size=60, context_length=40, n_layers=n_layers, n_heads=2, d_model=64)
        )
        with torch.no_grad():
            for weights in self.parameters():
                weights.fill_(BEFORE)

    def __repr__(self) -> str:
        return f"a GPT of width {self.config.d_model}"


def _blank(n_layers: int) -> tuple[GPT, int]:
    return _Blank(n_layers), n_layers


INITIALISE = Exercise(
    id="6.3",
    title="GPT-2's initialisation",
    minutes=10,
    stars=2,
    reference=initialise,
    probes=[_blank(1), _blank(2), _blank(5)],
    mistakes={
        "All matrices have the same deviation: those that add to the stream, attention.out and "
        "feed_forward.down, get 0.02 / √(2 L).": partial(_initialise, shrink=lambda n: 1.0),
        "You counted the layers and not the additions: each layer adds twice, so divide by "
        "√(2 L).": partial(_initialise, shrink=lambda n: 1 / math.sqrt(n)),
        "You divided by 2 L: variances add up, deviations by their root, so divide by "
        "√(2 L).": partial(_initialise, shrink=lambda n: 1 / (2 * n)),
        "You multiplied by √(2 L): each of many additions must be small, so divide.": partial(
            _initialise, shrink=lambda n: math.sqrt(2 * n)
        ),
        "The deviation is √(0.02 / (2 L)): the root goes over 2 L alone.": partial(
            _initialise, shrink=lambda n: math.sqrt(0.02 / (2 * n)) / 0.02
        ),
        "feed_forward.down adds to the stream too: divide its deviation by √(2 L).": partial(
            _initialise, residual=RESIDUAL[:1]
        ),
        "attention.out adds to the stream too: divide its deviation by √(2 L).": partial(
            _initialise, residual=RESIDUAL[1:]
        ),
        "You made every matrix smaller: only attention.out and feed_forward.down add to the "
        "stream.": partial(
            _initialise,
            residual=("qkv.weight", "up.weight", "token_embedding.weight", *RESIDUAL),
        ),
        "These are the wrong two: qkv and up read from the stream; out and down add to it.": (
            partial(_initialise, residual=("qkv.weight", "up.weight"))
        ),
        "0.02 is the deviation, not the variance.": partial(_initialise, std=math.sqrt(0.02)),
        "The deviation is 1, as that of torch.randn: GPT-2's is 0.02.": partial(
            _initialise, std=1.0, places=1.0
        ),
        "The deviation is 1 everywhere: normal_ takes the mean first and the deviation second, "
        "normal_(0, 0.02), and torch.randn needs a factor.": partial(
            _initialise, fill=lambda w, std: w.normal_(std)
        ),
        "These numbers are spread evenly between −0.02 and 0.02, so their deviation is smaller: "
        "take normal ones.": partial(_initialise, fill=lambda w, std: w.uniform_(-std, std)),
        "These numbers are spread evenly. Their deviation is right, but GPT-2's are normal.": (
            partial(
                _initialise,
                fill=lambda w, std: w.uniform_(-std * math.sqrt(3), std * math.sqrt(3)),
            )
        ),
        "The biases are random: they start at 0.": partial(
            _initialise, biases=lambda w: w.normal_(std=0.02)
        ),
        "The norms' biases are 1, like their weights: a norm starts as 1 · x + 0.": _norms_at_one,
        "The norms' weights are random: a norm starts as 1 · x + 0.": partial(
            _initialise, norms=lambda w: w.normal_(std=0.02)
        ),
        "The norms' weights are 0, and so is all that comes out of a norm: they start at "
        "1.": partial(_initialise, norms=nn.init.zeros_),
        "The places start at 0: they are random, with the deviation 0.02, as the tokens "
        "are.": partial(_initialise, places=0.0),
        "The places have the deviation 0.01, as in OpenAI's own program: here they have 0.02, "
        "as the tokens do.": partial(_initialise, places=0.01),
        "All biases are 1: they start at 0.": partial(_initialise, biases=nn.init.ones_),
        "Weight and bias of the norms are exchanged: a norm starts as 1 · x + 0.": _norms_turned,
        "The deviation depends on the number of the block: L is the number of all blocks, and "
        "they start alike.": _deeper_is_smaller,
        "PyTorch refuses to change a parameter in place while it records: do it under "
        "`with torch.no_grad():`.": _recorded,
        "The numbers of two matrices are the same: set the seed once, not before each.": partial(
            _initialise, fill=_same_dice
        ),
        REPLACED: _replaced,
        FROZEN: lambda model, n_layers: initialise(model, n_layers).requires_grad_(False),
        "Only the residual projections were filled: the others need their numbers "
        "too.": _only_the_residual,
    },
    alternatives={
        "module by module": _by_modules,
        "all at 0.02, then two divided": _all_then_divided,
        "cut off far out": partial(
            _initialise,
            fill=lambda w, std: nn.init.trunc_normal_(w, std=std, a=-4 * std, b=4 * std),
        ),
        "randn": partial(_initialise, fill=lambda w, std: w.copy_(torch.randn_like(w) * std)),
    },
    call=measured,
    explain=explain,
    rtol=0.1,
    atol=1e-9,
)
