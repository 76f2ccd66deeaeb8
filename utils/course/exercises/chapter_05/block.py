"""Exercise 5.4: the pre-norm block."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.gpt import norms

Layer = Callable[[Tensor], Tensor]


def pre_norm_block(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    """The stream after attention, and after the feed-forward layer, (B, T, C) both."""
    after_attention = x + attend(norm_1(x))
    return after_attention, after_attention + feed_forward(norm_2(after_attention))


def same(x: Tensor) -> Tensor:
    """A layer that changes nothing."""
    return x


def double(x: Tensor) -> Tensor:
    """Work that multiplies by 2."""
    return 2 * x


def plus_one(x: Tensor) -> Tensor:
    """Work that adds 1."""
    return x + 1


def mean_so_far(x: Tensor) -> Tensor:
    """Attention of a kind: each token gets the mean of all up to itself, turned a little."""
    count = torch.arange(1.0, x.shape[-2] + 1)[:, None]
    return (x.cumsum(-2) / count).roll(1, dims=-1)


def bend(x: Tensor) -> Tensor:
    """A feed-forward layer of a kind: a curve through each number."""
    return torch.relu(x) - 0.3 * x.square()


def norm_a(x: Tensor) -> Tensor:
    """LayerNorm with a weight and a bias of its own."""
    width = x.shape[-1]
    return norms.layer_norm(x, torch.linspace(0.5, 1.5, width), torch.linspace(-0.2, 0.6, width))


def norm_b(x: Tensor) -> Tensor:
    """LayerNorm with another weight and another bias."""
    width = x.shape[-1]
    return norms.layer_norm(x, torch.linspace(2.0, 0.7, width), torch.linspace(0.5, -0.4, width))


def _branches(
    first: Callable[[Tensor, Layer, Layer], Tensor],
    second: Callable[[Tensor, Layer, Layer], Tensor] | None = None,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """A block from what it does at its first and at its second branch: (x, norm, work) -> x."""

    def block(
        x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
    ) -> tuple[Tensor, Tensor]:
        middle = first(x, norm_1, attend)
        return middle, (second or first)(middle, norm_2, feed_forward)

    return block


def _sound(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return x + work(norm(x))


def _no_residual(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return work(norm(x))


def _no_norm(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return x + work(x)


def _normed_stream(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    x = norm(x)
    return x + work(x)


def _post(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return norm(x + work(x))


def _norm_behind(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return x + norm(work(x))


def _norm_around(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return norm(x + work(norm(x)))


def _twice(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    x = x + work(norm(x))
    return x + work(norm(x))


def _subtracted(x: Tensor, norm: Layer, work: Layer) -> Tensor:
    return x - work(norm(x))


AT_NORMED = (
    "At {} you normalised the stream itself: the norm makes the branch's input, and what is added "
    "to is the untouched x."
)
#: What goes wrong at one branch, whichever it is; `{}` is its name.
AT_A_BRANCH: dict[str, Callable[[Tensor, Layer, Layer], Tensor]] = {
    "The residual around {} is lost: add what it found to the stream.": _no_residual,
    "The norm of {} is missing: its branch reads norm(x).": _no_norm,
    "At {} the norm stands behind the sum, as in the post-norm block of 2017: it belongs at the "
    "entrance of the branch.": _post,
    AT_NORMED: _normed_stream,
    "At {} the norm stands behind the work: it belongs before, at the entrance of the branch.": (
        _norm_behind
    ),
    "At {} the branch is right, and then you normalised the sum too: the stream stays as it is.": (
        _norm_around
    ),
    "The branch of {} is gone through twice: once is enough.": _twice,
    "At {} you subtracted what the branch found: add it.": _subtracted,
    "At {} the stream passes as it is: its branch is missing.": lambda x, norm, work: x,
}
FIRST, SECOND = "attention", "the feed-forward layer"


def _rearranged(
    change: Callable[..., tuple[object, ...]],
) -> Callable[..., tuple[Tensor, Tensor]]:
    return lambda *args: pre_norm_block(*change(*args))


def _parallel(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    after_attention = x + attend(norm_1(x))
    return after_attention, after_attention + feed_forward(norm_2(x))


def _second_from_the_start(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    after_attention = x + attend(norm_1(x))
    return after_attention, x + feed_forward(norm_2(after_attention))


def _second_sees_no_first(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    return x + attend(norm_1(x)), x + feed_forward(norm_2(x))


def _norms_in_the_stream(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    """Each norm writes over the stream, the second over what is returned of the first branch."""
    stream = norm_1(x)
    middle = norm_2(stream + attend(stream))
    return middle, middle + feed_forward(middle)


def _x_added_twice(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    middle, out = pre_norm_block(x, norm_1, attend, norm_2, feed_forward)
    return middle, x + out


def _in_place_on_a_copy(
    x: Tensor, norm_1: Layer, attend: Layer, norm_2: Layer, feed_forward: Layer
) -> tuple[Tensor, Tensor]:
    stream = x.clone()
    stream += attend(norm_1(stream))
    middle = stream.clone()
    stream += feed_forward(norm_2(stream))
    return middle, stream


def _as_a_loop(x: Tensor, *layers: Layer) -> list[Tensor]:
    found = []
    for norm, work in zip(layers[::2], layers[1::2], strict=True):
        x = torch.add(work(norm(x)), x)
        found.append(x)
    return found


def _explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    *_, norm_2, feed_forward = args
    middle, out = (torch.as_tensor(each).float() for each in got)
    if torch.allclose(middle, expected[0], atol=1e-5):
        return "`after_attention` is right; `out` is that stream + feed_forward(norm_2(of it))."
    normed = args[1](args[0])
    if torch.allclose(middle, normed + args[2](normed), atol=1e-4):
        return AT_NORMED.format(FIRST)
    if torch.allclose(out, middle + feed_forward(norm_2(middle)), atol=1e-4):
        return (
            "The second branch is right, for the stream it was given; the first is not: "
            "after_attention is x + attend(norm_1(x))."
        )
    return None


PRE_NORM_BLOCK = Exercise(
    id="5.4",
    title="The pre-norm block",
    minutes=5,
    stars=2,
    reference=pre_norm_block,
    probes=[
        (uniform(1, 2, 3, seed=543), norm_a, mean_so_far, norm_b, bend),
        (torch.tensor([[[1.0, 2.0]]]), same, double, same, plus_one),
        (torch.tensor([[[1.0, 3.0]]]), norm_a, double, same, plus_one),
        (uniform(2, 3, 4, seed=540), norm_a, mean_so_far, norm_b, bend),
        (uniform(3, 5, 6, seed=541, high=5.0), norm_b, mean_so_far, norm_a, bend),
        (uniform(4, 1, 3, seed=542), norm_a, mean_so_far, norm_b, bend),
    ],
    mistakes={
        **{say.format(FIRST): _branches(way, _sound) for say, way in AT_A_BRANCH.items()},
        **{say.format(SECOND): _branches(_sound, way) for say, way in AT_A_BRANCH.items()},
        "Both residuals are lost: what a branch finds is *added* to the stream.": _branches(
            _no_residual
        ),
        "This is the post-norm block of 2017: the norm stands behind the sum, on the stream "
        "itself. In a pre-norm block it stands at the entrance of the branch.": _branches(_post),
        "You normalised the stream itself: the norm makes the branch's input, and what is added "
        "to is the untouched x.": _branches(_normed_stream),
        "The norm stands behind the work: it belongs before, at the entrance of the "
        "branch.": _branches(_norm_behind),
        "The branch is right, and then you normalised the sum too: the stream stays as it "
        "is.": _branches(_norm_around),
        "The two branches both read x, side by side. Some models do that; here the feed-forward "
        "layer reads what attention has written.": _parallel,
        "The feed-forward layer's result was added to the old x, and what attention found is "
        "lost.": _second_from_the_start,
        "The feed-forward layer reads the old x and is added to it: what attention found is "
        "lost.": _second_sees_no_first,
        "Both norms write over the stream, and what you return after attention is normalised too: "
        "a norm makes the branch's input, and the stream stays as it is.": _norms_in_the_stream,
        "x was added twice: after attention the stream already holds it.": _x_added_twice,
        "The norms are swapped: norm_1 belongs to attention, norm_2 to the feed-forward "
        "layer.": _rearranged(lambda x, m, a, n, f: (x, n, a, m, f)),
        "You used norm_1 for both branches: the second has its own.": _rearranged(
            lambda x, m, a, n, f: (x, m, a, m, f)
        ),
        "The feed-forward layer came first: attention does.": _rearranged(
            lambda x, m, a, n, f: (x, n, f, m, a)
        ),
        "The feed-forward layer came first, each branch behind the other's norm: attention comes "
        "first.": _rearranged(lambda x, m, a, n, f: (x, m, f, n, a)),
        "The norms are missing: a branch reads norm(x).": _branches(_no_norm),
        "You returned the last stream twice: keep the one after attention under a name of its own "
        "(`out += …` would change it too).": lambda *args: (pre_norm_block(*args)[1],) * 2,
        "You returned the output first: `after_attention, out`.": lambda *args: pre_norm_block(
            *args
        )[::-1],
        "You returned what the branches found: return the stream after each.": (
            lambda x, m, a, n, f: (a(m(x)), f(n(x + a(m(x)))))
        ),
    },
    together={
        (one.format(FIRST), other.format(SECOND)): _branches(first, second)
        for (one, first), (other, second) in product(AT_A_BRANCH.items(), repeat=2)
        if first is not second
    },
    alternatives={
        "in place, on a copy": _in_place_on_a_copy,
        "a loop over the branches": _as_a_loop,
        "one branch a function": _branches(_sound),
    },
    parts=("after_attention", "out"),
    explain=_explain,
    atol=1e-5,
)
