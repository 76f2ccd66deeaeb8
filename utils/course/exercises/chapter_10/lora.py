"""Chapter 10: a frozen matrix with a small road beside it, and both in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.tuning import lora

# 10.3 · LoRA forward

Layer = Callable[[Tensor], Tensor]
Made = tuple[Tensor, Tensor, Layer]
Start = Callable[..., Tensor]


def lora_layer(weight: Tensor, rank: int, alpha: float) -> Made:
    """A (r, n_in) random, B (n_out, r) zero, and the function x -> x · Wᵀ + α / r · x · Aᵀ · Bᵀ."""
    return _layer(weight, rank, alpha)


def _random(*shape: int) -> Tensor:
    return torch.randn(*shape) / shape[-1] ** 0.5


def _scale(rank: int, alpha: float, weight: Tensor) -> float:
    return alpha / rank


def _layer(
    weight: Tensor,
    rank: int,
    alpha: float,
    *,
    start_a: Start = _random,
    start_b: Start = torch.zeros,
    scale: Callable[[int, float, Tensor], float] = _scale,
    frozen: float = 1.0,
    learns: tuple[bool, bool] = (True, True),
) -> Made:
    n_out, n_in = weight.shape
    a = start_a(rank, n_in).requires_grad_(learns[0])
    b = start_b(n_out, rank).requires_grad_(learns[1])
    factor = scale(rank, alpha, weight)

    def forward(x: Tensor) -> Tensor:
        return frozen * (x @ weight.T) + factor * (x @ a.T) @ b.T

    return a, b, forward


def _computed_once(weight: Tensor, rank: int, alpha: float) -> Made:
    a, b, _ = _layer(weight, rank, alpha)
    whole = weight + alpha / rank * b @ a
    return a, b, lambda x: x @ whole.T


def _swapped_roads(weight: Tensor, rank: int, alpha: float) -> Made:
    a, b, _ = _layer(weight, rank, alpha)
    return a, b, lambda x: x @ weight.T + alpha / rank * (x @ b) @ a


def _whole_product(weight: Tensor, rank: int, alpha: float) -> Made:
    a, b, _ = _layer(weight, rank, alpha)
    return a, b, lambda x: x @ (weight + alpha / rank * b @ a).T


def _by_einsum(weight: Tensor, rank: int, alpha: float) -> Made:
    a = torch.empty(rank, weight.shape[1]).uniform_(-0.3, 0.3).requires_grad_()
    b = torch.zeros(len(weight), rank, requires_grad=True)

    def forward(x: Tensor) -> Tensor:
        beside = torch.einsum("...i,ri,or->...o", x, a, b) * (alpha / rank)
        return torch.einsum("...i,oi->...o", x, weight) + beside

    return a, b, forward


def _by_the_package(weight: Tensor, rank: int, alpha: float) -> Made:
    a, b, _ = _layer(weight, rank, alpha)
    return a, b, partial(lora.lora_forward, weight=weight, a=a, b=b, alpha=alpha)


THREE = "Return three things, in this order: A, B and the function forward."
NEITHER_LEARNS = "Neither A nor B asks for a gradient: put .requires_grad_() behind each."
A_STAYS = "A asks for no gradient: it learns as well as B."
B_STAYS = "B asks for no gradient, and stays zero for ever."
NO_LEAF = (
    "{} is no leaf: it was computed from what asks for the gradient, and no optimizer takes it. "
    "Put .requires_grad_() last, behind the division."
)
BOTH_ZERO = (
    "A and B are both zero: then neither gets a gradient, and nothing is ever learned. One of "
    "them, A, must be random."
)
OTHER_ZERO = (
    "A is zero and B is random: it is a sound start, too, but here it is agreed to be the other "
    "way round."
)
B_NOT_ZERO = (
    "B isn't zero, so the layer is changed before it has learned anything: at first it must say "
    "what it said without the second road."
)
A_CONSTANT = (
    "A is the same number everywhere: then all r columns get the same gradient and stay alike. "
    "Make it random."
)
A_ALIKE = (
    "The rows of A are all alike: then all r columns get the same gradient and stay alike. Make "
    "each number random."
)
A_FIXED = "A isn't random: it has the same few numbers at every call. Draw it with torch.randn."
A_FROM_MEMORY = (
    "A is what happened to lie in memory: torch.empty draws nothing, and may give NaN. Draw it "
    "with torch.randn."
)
A_IN_STEPS = "A isn't random: its numbers count up in even steps. Draw it with torch.randn."
X_CUT_OFF = (
    "What forward says is right, but the gradient of x is not: a road passes none on, and in a "
    "model the layers in front would learn too little. That W is frozen means that W asks for no "
    "gradient; leave out no_grad, detach and .data."
)
NOT_SEEN = (
    "Other numbers in A and B change nothing in what forward says: compute with A and B inside "
    "forward, where each call sees them as they are by then."
)
W_LEARNS = "W asks for a gradient: it is frozen, and only A and B learn."
NO_WAY_BACK = (
    "What forward says is right, but autograd finds no way back from it to {}: leave out no_grad, "
    "detach and .data, or nothing is learned."
)


def _shapes(a: Tensor, b: Tensor, wanted: tuple[tuple[int, ...], ...]) -> str | None:
    """A sentence where A or B has another shape than is wanted."""
    got = tuple(a.shape), tuple(b.shape)
    if got == wanted:
        return None
    said = f"A is to be (r, n_in), here {wanted[0]}, and B (n_out, r), here {wanted[1]}"
    swapped = got == wanted[::-1] and not a.any()
    return f"{said}; yours are {got[0]} and {got[1]}" + (": they are swapped." * swapped or ".")


def _start(a: Tensor, b: Tensor, again: Tensor) -> str | None:
    """A sentence where the layer can't begin to learn; `again` is the A of another call."""
    if b.any() or not a.any():
        return (OTHER_ZERO if b.any() else BOTH_ZERO) if not a.any() else B_NOT_ZERO
    if a.numel() < 4:
        return None  # so few numbers, random signs say, may come out alike by chance
    if not a.isfinite().all():
        return A_FROM_MEMORY
    if a.unique().numel() > 2 and torch.allclose(a.flatten().diff(n=2), a.new_zeros(()), atol=1e-5):
        return A_IN_STEPS
    both = torch.stack([a, again])
    if bool((both == both[:, :1, :1]).all()):
        return A_CONSTANT
    if len(a) > 1 and bool((both == both[:, :1]).all()):
        return A_ALIKE
    return A_FIXED if torch.equal(a, again) and len(a.unique()) < a.numel() else None


def _can_learn(a: Tensor, b: Tensor) -> str | None:
    """A sentence where A and B are not what an optimizer takes."""
    if not a.requires_grad or not b.requires_grad:
        return A_STAYS if b.requires_grad else B_STAYS if a.requires_grad else NEITHER_LEARNS
    return next((NO_LEAF.format(n) for n, m in (("A", a), ("B", b)) if not m.is_leaf), None)


@contextmanager
def _memory_filled() -> Iterator[None]:
    """Whatever takes memory without writing to it finds NaN there, or the largest whole number."""
    before = (
        torch.are_deterministic_algorithms_enabled(),
        (torch.is_deterministic_algorithms_warn_only_enabled()),
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _learners(result: Tensor) -> list[Tensor]:
    """The leaves that a gradient of `result` reaches."""
    nodes, seen, found = [result.grad_fn], set(), []
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        found += [node.variable] if hasattr(node, "variable") else []
        nodes += [before for before, _ in node.next_functions]
    return found


def _way_back(result: Tensor, a: Tensor, b: Tensor, weight: Tensor, x: Tensor) -> str | None:
    """A sentence where another than A and B learns, or one of them doesn't."""
    found = _learners(result)
    known = (a, b, x)
    if weight.requires_grad or any(all(leaf is not one for one in known) for leaf in found):
        return W_LEARNS
    missing = [n for n, m in (("A", a), ("B", b)) if not any(leaf is m for leaf in found)]
    return NO_WAY_BACK.format(" and ".join(missing)) if missing else None


def _after_training(
    forward: Layer, a: Tensor, b: Tensor, weight: Tensor, scale: float, x: Tensor
) -> tuple[Any, str | None]:
    """What the layer says with other A and B, and a sentence where something learns amiss."""
    after = forward(x)
    whole = weight.double() + scale * b.detach().double() @ a.detach().double()
    right = x.double() @ whole.T
    if not isinstance(after, Tensor) or after.shape != right.shape:
        return after, None
    if not torch.allclose(after.double(), right, atol=1e-4):
        return after, None
    said = _way_back(after, a, b, weight, x)
    if said or not after.requires_grad:
        return after, said
    pull = torch.arange(1.0, 1 + right.numel()).view_as(right).double()
    wanted, got = (
        torch.autograd.grad(result, x, pull.to(result.dtype), allow_unused=True)[0]
        for result in (right, after)
    )
    sound = got is not None and torch.allclose(got.double(), wanted.double(), rtol=1e-3, atol=1e-3)
    return after, None if sound else X_CUT_OFF


DICE_INSIDE = (
    "forward gives something else each time for the same x: draw A once, outside of it, and change "
    "nothing inside."
)


def _dice_inside(*said: Any) -> bool:
    """Whether a layer says two things of the same, before other numbers came into A and B or after.

    With a B of zeros, what is drawn for A can't be heard.
    """
    tensors = [each for each in said if isinstance(each, Tensor)]
    if len(tensors) < len(said) or len({each.shape for each in said}) > 1:
        return False
    pairs = zip(tensors[::2], tensors[1::2], strict=True)
    return not all(torch.allclose(*pair, equal_nan=True) for pair in pairs)


def _drawn_anew(weight: Tensor, rank: int, alpha: float) -> tuple[Tensor, Tensor, Layer]:
    a, b, _ = lora_layer(weight, rank, alpha)

    def forward(x: Tensor) -> Tensor:
        return x @ weight.T + alpha / rank * (x @ torch.randn(rank, weight.shape[1]).T) @ b.T

    return a, b, forward


def watched(
    answer: Callable[..., Any], weight: Tensor, rank: int, alpha: float, x: Tensor
) -> dict[str, Any] | Remark:
    """What a layer says before training and with other A and B, or why it can't be trained."""
    torch.manual_seed(rank)
    with _memory_filled():
        made = answer(weight, rank, alpha)
    if made is None:
        return made
    if not isinstance(made, tuple | list) or len(made) != 3:
        return Remark(THREE)
    a, b, forward = made
    if not isinstance(a, Tensor) or not isinstance(b, Tensor) or not callable(forward):
        return Remark(THREE)
    wanted = (rank, weight.shape[1]), (len(weight), rank)
    said = _shapes(a, b, wanted) or _can_learn(a, b)
    said = said or _start(a.detach(), b.detach(), answer(weight, rank, alpha)[0].detach())
    if said:
        return Remark(said)
    asking = x.clone().requires_grad_()
    before = forward(asking)
    again = forward(asking)
    with torch.no_grad():
        a.copy_(uniform(*a.shape, seed=1031))
        b.copy_(uniform(*b.shape, seed=1032))
    after, said = _after_training(forward, a, b, weight, alpha / rank, asking)
    if not said and _dice_inside(before, again, after, forward(asking)):
        said = DICE_INSIDE
    return Remark(said) if said else {"before training": before, "with other A and B": after}


def _the_same_again(expected: Any, got: Any) -> bool:
    old, new = (got[key] for key in ("before training", "with other A and B"))
    return torch.allclose(expected["before training"], old, atol=1e-4) and torch.equal(old, new)


def explain_layer(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Name a road that doesn't see what A and B have become."""
    return NOT_SEEN if _the_same_again(expected, got) else None


SCALES: dict[str, Callable[[int, float, Tensor], float]] = {
    "The scale is missing: the road beside counts alpha / r times.": lambda r, alpha, w: 1.0,
    "It is scaled twice: alpha / r goes into the sum once.": lambda r, alpha, w: (alpha / r) ** 2,
    "You multiplied by alpha and didn't divide by r.": lambda r, alpha, w: alpha,
    "You divided by r and didn't multiply by alpha.": lambda r, alpha, w: 1 / r,
    "You multiplied by alpha and by r: divide by r.": lambda r, alpha, w: alpha * r,
    "You divided by √r; that is another paper's (rsLoRA). Here it is alpha / r.": (
        lambda r, alpha, w: alpha / r**0.5
    ),
    "You divided by n_in: r is the number of columns in between.": (
        lambda r, alpha, w: alpha / w.shape[1]
    ),
    "You divided by n_out: r is the number of columns in between.": (
        lambda r, alpha, w: alpha / len(w)
    ),
    "The scale is upside down: alpha / r.": lambda r, alpha, w: r / alpha,
    "`//` drops what is behind the point: alpha / r.": lambda r, alpha, w: alpha // r,
    "The road beside is subtracted: add it.": lambda r, alpha, w: -alpha / r,
}
NO_FROZEN = "The frozen road is missing: x · Wᵀ stays, and the other is added to it."


LORA = Exercise(
    id="10.3",
    title="LoRA forward",
    minutes=10,
    stars=2,
    reference=lora_layer,
    probes=[
        (uniform(3, 2, seed=1030), 2, 3.0, uniform(1, 2, seed=1)),
        (uniform(3, 4, seed=1033), 2, 8.0, uniform(2, 4, seed=2)),
        (uniform(6, 5, seed=1034), 4, 2.0, uniform(3, 2, 5, seed=3)),
        (uniform(4, 8, seed=1035), 3, 16.0, uniform(8, seed=4)),
    ],
    mistakes={
        BOTH_ZERO: partial(_layer, start_a=torch.zeros),
        B_NOT_ZERO: partial(_layer, start_b=_random),
        OTHER_ZERO: partial(_layer, start_a=torch.zeros, start_b=_random),
        A_CONSTANT: partial(_layer, start_a=torch.ones),
        A_STAYS: partial(_layer, learns=(False, True)),
        B_STAYS: partial(_layer, learns=(True, False)),
        NEITHER_LEARNS: partial(_layer, learns=(False, False)),
        **{said: partial(_layer, scale=scale) for said, scale in SCALES.items()},
        NO_FROZEN: partial(_layer, frozen=0.0),
        NOT_SEEN: _computed_once,
        DICE_INSIDE: _drawn_anew,
        "A and B are swapped in the product: x goes through Aᵀ first, then through Bᵀ.": (
            _swapped_roads
        ),
        "The scale went over the frozen road too: it belongs to the one beside it.": (
            lambda w, r, alpha: _layer(w, r, alpha, frozen=alpha / r)
        ),
    },
    alternatives={
        "einsum, A even": _by_einsum,
        "the package's": _by_the_package,
        "one product": _whole_product,
    },
    together={
        (NO_FROZEN, said): partial(_layer, frozen=0.0, scale=scale)
        for said, scale in SCALES.items()
    },
    call=watched,
    explain=explain_layer,
    atol=1e-5,
)
