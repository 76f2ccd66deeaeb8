"""Exercise 5.6: the block as a module of one's own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from utils.course.checking.compare import Remark, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_05.block import AT_A_BRANCH, FIRST, SECOND, pre_norm_block
from utils.course.exercises.probing import uniform
from utils.llm.attention.heads import MultiHeadAttention
from utils.llm.gpt.block import gelu

Branch = Callable[[Tensor, Callable[..., Tensor], Callable[..., Tensor]], Tensor]


class Block(nn.Module):
    """A pre-norm block: x (B, T, C) -> (B, T, C)."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.norm_2 = nn.LayerNorm(d_model)
        self.up = nn.Linear(d_model, 4 * d_model)
        self.down = nn.Linear(4 * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """The stream after both branches."""
        x = x + self.attention(self.norm_1(x))
        return x + self.down(gelu(self.up(self.norm_2(x))))


def in_use(answer: Callable[[int, int], Any], d_model: int, n_heads: int, x: Tensor) -> Any:
    """What a block of this class gives for x, its parameters filled with numbers by their names.

    A remark stands in the result's place where its parameters are not those of the reference, or
    where the numbers are right and the gradient isn't.
    """
    block, wanted = answer(d_model, n_heads), Block(d_model, n_heads)
    if not isinstance(block, nn.Module):
        return Remark("what the class makes is no nn.Module") if callable(block) else block
    remark = _other_parameters(wanted, block)
    if remark:
        return Remark(remark)
    _fill(block)
    _fill(wanted)
    result = block(x)
    if result is None:
        return Remark("forward returns None: is there a `return` on every path?")
    if not isinstance(result, Tensor) or difference(wanted(x), result, atol=1e-4):
        return result
    cut = _way_back(wanted, block, x)
    return Remark(f"the numbers are right, but {cut}") if cut else result


def _way_back(wanted: nn.Module, block: nn.Module, x: Tensor) -> str:
    """Where the gradient of a block that computes the right numbers is not the reference's."""
    found: list[dict[str, Tensor | None]] = []
    for each in (wanted, block):
        leaf = x.clone().requires_grad_()
        result = each(leaf * 1)  # a leaf itself may not be changed in place
        if not result.requires_grad:
            return "no gradient finds its way back through the block"
        result.square().sum().backward()
        found.append({"x": leaf.grad} | {n: w.grad for n, w in each.named_parameters()})
    idle = [name for name, gradient in found[1].items() if gradient is None]
    if idle:
        return f"no gradient reaches {_listed(idle)}: {_SWITCHED_OFF}"
    off = [n for n, g in found[1].items() if (g - found[0][n]).norm() > 0.01 * g.norm() + 1e-3]
    return f"part of the gradient of {_listed(off)} is lost: {_SWITCHED_OFF}" if off else ""


_SWITCHED_OFF = "look in forward for detach, no_grad or .data"


def _other_parameters(wanted: nn.Module, block: nn.Module) -> str:
    theirs, ours = dict(wanted.named_parameters()), dict(block.named_parameters())
    missing, extra = [n for n in theirs if n not in ours], [n for n in ours if n not in theirs]
    nowhere = [n for n, _ in wanted.named_children() if not hasattr(block, n)]
    if nowhere and not extra:
        return f"the block has no {_listed(nowhere)}: {_NOWHERE}"
    said = [f"the block's parameters lack {_listed(missing)}"] * bool(missing)
    said += [f"the block has the parameters {_listed(extra)}, not asked for"] * bool(extra)
    for name in theirs:
        if not said and theirs[name].shape != ours[name].shape:
            shapes = tuple(ours[name].shape), tuple(theirs[name].shape)
            said = [f"{name} has the shape {shapes[0]}, and should have {shapes[1]}{_made(name)}"]
    heads = [getattr(b.attention, "n_heads", None) for b in (block, wanted)] if not said else []
    if heads and heads[0] != heads[1] and heads[0] is not None:
        said = [f"its attention has n_heads = {heads[0]}, and {heads[1]} is asked for"]
    return "; ".join(said)


def _made(name: str) -> str:
    """How a part with parameters of the right shape is made."""
    sizes = {"up": "d_model, 4 * d_model", "down": "4 * d_model, d_model"}
    part = name.partition(".")[0]
    if part in sizes:
        return f": `{part}` is nn.Linear({sizes[part]})"
    layer = "MultiHeadAttention(d_model, n_heads)" if part == "attention" else "LayerNorm(d_model)"
    return f": `{part}` is {'attention' if part == 'attention' else 'nn'}.{layer}"


_NOWHERE = (
    "assign each part to a name of its own on self in __init__. A part made in forward is no "
    "parameter of the module and is new at every call, and PyTorch doesn't look into lists"
)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


@torch.no_grad()
def _fill(block: nn.Module) -> None:
    for i, (_, weights) in enumerate(sorted(block.named_parameters())):
        weights.copy_(uniform(*weights.shape, seed=560 + i, low=-0.7, high=0.9))


def _sound(x: Tensor, norm: Callable[..., Tensor], work: Callable[..., Tensor]) -> Tensor:
    return x + work(norm(x))


def made(
    first: Branch = _sound,
    second: Branch = _sound,
    bend: Callable[[Tensor], Tensor] = gelu,
    change: Callable[[nn.Module, int], None] = lambda block, d_model: None,
) -> type:
    """A class like the reference, with a bend where a wrong turn wants one."""

    class Made(Block):
        def __init__(self, d_model: int, n_heads: int) -> None:
            super().__init__(d_model, n_heads)
            change(self, d_model)

        def forward(self, x: Tensor) -> Tensor:
            x = first(x, self.norm_1, self.attention)
            return second(x, self.norm_2, lambda h: self.down(bend(self.up(h))))

    return Made


def _forward(forward: Callable[[Any, Tensor], Any]) -> type:
    """A class like the reference with another forward."""
    return type("Made", (Block,), {"forward": forward})


class _NoSuper(nn.Module):
    def __init__(self, d_model: int, n_heads: int) -> None:
        self.norm_1 = nn.LayerNorm(d_model)


class _InAList(nn.Module):
    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.layers = [*Block(d_model, n_heads).children()]


class _NoModule:
    def __init__(self, d_model: int, n_heads: int) -> None:
        self.block = Block(d_model, n_heads)

    def __call__(self, x: Tensor) -> Tensor:
        return self.block(x)


def _share(block: Any, d_model: int) -> None:
    block.norm_2 = block.norm_1


def _unlearnable(block: Any, d_model: int) -> None:
    for name in ("up", "down"):
        layer = getattr(block, name)
        weights = layer.weight.detach(), layer.bias.detach()
        setattr(block, name, lambda x, w=weights: F.linear(x, *w))


def _no_bias(block: Any, d_model: int) -> None:
    block.up = nn.Linear(d_model, 4 * d_model, bias=False)
    block.down = nn.Linear(4 * d_model, d_model, bias=False)


def _narrow(block: Any, d_model: int) -> None:
    block.up, block.down = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)


def _in_a_sequence(block: Any, d_model: int) -> None:
    block.feed_forward = nn.Sequential(block.up, nn.GELU(), block.down)
    del block.up, block.down


def _wide_norm(block: Any, d_model: int) -> None:
    block.norm_2 = nn.LayerNorm(4 * d_model)


def _everyone(block: Any, d_model: int) -> None:
    block.attention.causal = False


def _over_the_function(block: Any, x: Tensor) -> Tensor:
    def think(h: Tensor) -> Tensor:
        return block.down(gelu(block.up(h)))

    return pre_norm_block(x, block.norm_1, block.attention, block.norm_2, think)[1]


class _ByHand(nn.Module):
    """The parts in another order, a norm by its formula, a linear layer by its matrix."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm_2, self.norm_1 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = MultiHeadAttention(width, heads)

    def forward(self, stream: Tensor) -> Tensor:
        stream = stream + self.attention(self.norm_1(stream))
        h = F.layer_norm(stream, stream.shape[-1:], self.norm_2.weight, self.norm_2.bias)
        h = F.gelu(h @ self.up.weight.T + self.up.bias, approximate="tanh")
        return torch.add(stream, h @ self.down.weight.T + self.down.bias)


def _explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """The parameters are right where it comes to this; which branch is it that is not?"""
    d_model, n_heads, x = args
    block = Block(d_model, n_heads)
    _fill(block)
    with torch.no_grad():
        middle = x + block.attention(block.norm_1(x))
        found = torch.as_tensor(got).float()
        thought = found - middle
        if torch.allclose(thought, block.down(gelu(block.up(block.norm_2(x)))), atol=1e-4):
            return "The second branch reads the old x: it should read what the first has written."
    return "All parameters are there, but what the block computes is not what 5.4's does."


OWN_BLOCK = Exercise(
    id="5.6",
    title="A block of your own",
    minutes=15,
    stars=3,
    reference=Block,
    probes=[
        (4, 2, uniform(1, 3, 4, seed=560)),
        (6, 3, uniform(2, 1, 6, seed=561)),
        (6, 1, uniform(3, 4, 6, seed=562)),
    ],
    mistakes={
        "super().__init__() must be the first line of __init__: it makes the place where a module "
        "keeps its parameters.": _NoSuper,
        "Nothing to be learned is found on the block: assign each layer to a name of its own "
        "in __init__. PyTorch doesn't look into lists, and what is made in forward is new at every "
        "call.": _InAList,
        "Your class doesn't build on nn.Module: class Block(nn.Module).": _NoModule,
        "Both branches have the same norm: make two, norm_1 and norm_2.": made(change=_share),
        "up and down hold plain tensors: what is to be learned is an nn.Parameter, as nn.Linear "
        "makes them.": made(change=_unlearnable),
        "up and down lack their biases: nn.Linear has one unless told otherwise.": made(
            change=_no_bias
        ),
        "up should make 4 · C numbers of C, and down C of 4 · C: both of yours are C wide.": made(
            change=_narrow
        ),
        "Your layers stand in an nn.Sequential, and so their weights have other names: assign them "
        "to self.up and self.down.": made(change=_in_a_sequence),
        "norm_2 stands before `up`, and is C wide.": made(change=_wide_norm),
        "The bend between up and down is missing.": made(bend=lambda h: h),
        "You bent with ReLU: use your gelu.": made(bend=torch.relu),
        "You bent with the exact GELU (nn.GELU() is that unless told otherwise): use your gelu, or "
        'approximate="tanh".': made(bend=F.gelu),
        "Your attention looks both ways: leave MultiHeadAttention causal, as it comes.": made(
            change=_everyone
        ),
        "forward returns the stream after each branch, as exercise 5.4 did: a block hands on the "
        "last alone.": _forward(
            lambda block, x: (x + block.attention(block.norm_1(x)), Block.forward(block, x))
        ),
        "Inside forward the gradient is switched off (no_grad or detach): then nothing can be "
        "learned here.": _forward(lambda block, x: Block.forward(block, x).detach()),
        "The feed-forward layer comes first: attention does.": _forward(
            lambda block, x: (lambda s: s + block.attention(block.norm_1(s)))(
                x + block.down(gelu(block.up(block.norm_2(x))))
            )
        ),
        "norm_1 stands before both branches, and norm_2 is never used: the second branch has its "
        "own.": _forward(
            lambda block, x: (lambda s: s + block.down(gelu(block.up(block.norm_1(s)))))(
                x + block.attention(block.norm_1(x))
            )
        ),
        "The norms have changed places: norm_1 belongs to attention.": _forward(
            lambda block, x: (lambda s: s + block.down(gelu(block.up(block.norm_1(s)))))(
                x + block.attention(block.norm_2(x))
            )
        ),
    }
    | {say.format(FIRST): made(first=way) for say, way in AT_A_BRANCH.items()}
    | {say.format(SECOND): made(second=way) for say, way in AT_A_BRANCH.items()},
    together={
        (one.format(FIRST), other.format(SECOND)): made(first, second)
        for (one, first), (other, second) in product(AT_A_BRANCH.items(), repeat=2)
    },
    alternatives={
        "through the function of exercise 5.4": _forward(_over_the_function),
        "parts in another order, by hand": _ByHand,
        "a class made of the parts": made(),
    },
    call=in_use,
    explain=_explain,
    atol=1e-4,
)
