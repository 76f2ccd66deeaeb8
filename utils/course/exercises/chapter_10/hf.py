"""Chapter 10, last part: another library's weights under our names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import Any

from torch import Tensor

from utils.course.checking.compare import Remark, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.gpt import hf

# 10.7 · a state dict of Hugging Face's

State = dict[str, Tensor]
OUTSIDE = {"wte": "token_embedding", "wpe": "position_embedding", "ln_f": "final_norm"}


def from_hf(state: Mapping[str, Tensor]) -> State:
    """The same weights under our names, the blocks' matrices turned."""
    head = state["transformer.wte.weight"]
    found = hf.from_hf({**state, "lm_head.weight": head}, n_heads=1)[1]
    return {name: tensor for name, tensor in found.items() if name != "head.weight"}


def _renamed(name: str) -> str:
    """A name of theirs as one of ours."""
    part, _, kind = name.removeprefix("transformer.").rpartition(".")
    block = re.fullmatch(r"h\.(\d+)\.(.+)", part)
    if block:
        return f"blocks.{block[1]}.{hf.INSIDE[block[2]]}.{kind}"
    return f"{OUTSIDE[part]}.{kind}"


def _lies(name: str, tensor: Tensor) -> bool:
    return name.startswith("blocks.") and tensor.ndim == 2


def _mapped(
    state: Mapping[str, Tensor],
    *,
    rename: Callable[[str], str] = _renamed,
    turn: Callable[[str, Tensor], bool] = _lies,
    keep: Callable[[str], bool] = lambda name: True,
) -> State:
    found = {}
    for name, tensor in state.items():
        if name == "lm_head.weight" or not keep(name):
            continue
        turned = turn(_renamed(name), tensor)
        found[rename(name)] = tensor.T.contiguous() if turned else tensor
    return found


HEAD = (
    "The head is in it: it is the embedding once more, tied, and has no weights of its own. Leave "
    "out lm_head.weight."
)


ONLY_AT_THE_HEAD = (
    "It fails at lm_head.weight alone: leave that name out before you look anything up. It is the "
    "embedding once more, tied."
)
HALF = (
    "The numbers are rounded to 16 bits: give back the tensors as they are, in the width that they "
    "had."
)
Rename = Callable[[str], str]
Turn = Callable[[str, Tensor], bool]
Keep = Callable[[str], bool]


def looked_up(answer: Callable[..., Any], state: State) -> Any:
    """Call an answer: a remark tells of one that only the head brings down, or leaves in."""
    try:
        found = answer(state)
    except (KeyError, IndexError, ValueError):
        without = {name: t for name, t in state.items() if name != "lm_head.weight"}
        if difference(from_hf(state), answer(without)):
            raise
        return Remark(ONLY_AT_THE_HEAD)
    if not isinstance(found, Mapping):
        return found
    expected = from_hf(state)
    extra = set(found) - set(expected)
    if set(expected) <= set(found) and len(extra) == 1 and "head" in str(*extra):
        rest = {name: found[name] for name in expected}
        return found if difference(expected, rest) else Remark(HEAD)
    halves = [t for t in found.values() if isinstance(t, Tensor) and t.itemsize < 4]
    return Remark(HALF) if halves and set(found) == set(expected) else found


def _up_to_the_head(state: Mapping[str, Tensor]) -> State:
    names = [*state]
    return _mapped({name: state[name] for name in names[: names.index("lm_head.weight")]})


def _by_replacing(name: str) -> str:
    """Text replaced wherever it occurs, in the order of the table."""
    for theirs, ours in {"transformer.": "", "h.": "blocks.", **OUTSIDE, **hf.INSIDE}.items():
        name = re.sub(rf"(^|(?<=\.)){re.escape(theirs)}", ours, name)
    return name


def _reshaped(state: Mapping[str, Tensor]) -> State:
    return {
        name: t.reshape(t.shape[::-1]) if _lies(name, t) else t
        for name, t in _mapped(state).items()
    }


def _reshaped_as_they_are(state: Mapping[str, Tensor]) -> State:
    turned = _mapped(state).items()
    return {n: t.T.reshape(t.shape) if _lies(n, t) else t for n, t in turned}


def _both_names(state: Mapping[str, Tensor]) -> State:
    kept = {name: tensor for name, tensor in state.items() if name != "lm_head.weight"}
    return {**kept, **_mapped(state)}


def _swapped(one: str, other: str) -> Callable[[str], str]:
    def rename(name: str) -> str:
        ours = _renamed(name)
        if one in ours:
            return ours.replace(one, other)
        return ours.replace(other, one)

    return rename


def _first_block_only(name: str) -> str:
    return re.sub(r"blocks\.\d+", "blocks.0", _renamed(name))


def _block_by_block(state: Mapping[str, Tensor]) -> State:
    found = {f"{ours}.weight": state[f"transformer.{t}.weight"] for t, ours in OUTSIDE.items()}
    found["final_norm.bias"] = state["transformer.ln_f.bias"]
    block = 0
    while f"transformer.h.{block}.ln_1.weight" in state:
        for theirs, ours in hf.INSIDE.items():
            weight = state[f"transformer.h.{block}.{theirs}.weight"]
            found[f"blocks.{block}.{ours}.weight"] = weight.T if weight.ndim == 2 else weight
            found[f"blocks.{block}.{ours}.bias"] = state[f"transformer.h.{block}.{theirs}.bias"]
        block += 1
    return found


def _state(n_layers: int, c: int, v: int, n: int, head_first: bool = False) -> tuple[State]:
    """A state dict as transformers gives it for a small GPT-2, with the head that it ties."""
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (v, c), "wpe.weight": (n, c)}
    for i in range(n_layers):
        layers = {
            "ln_1": (c,),
            "attn.c_attn": (c, 3 * c),
            "attn.c_proj": (c, c),
            "ln_2": (c,),
            "mlp.c_fc": (c, 4 * c),
            "mlp.c_proj": (4 * c, c),
        }
        for layer, shape in layers.items():
            shapes[f"h.{i}.{layer}.weight"], shapes[f"h.{i}.{layer}.bias"] = shape, shape[-1:]
    shapes |= {"ln_f.weight": (c,), "ln_f.bias": (c,)}
    state = {
        f"transformer.{name}": uniform(*shape, seed=1070 + i)
        for i, (name, shape) in enumerate(shapes.items())
    }
    head = {"lm_head.weight": state["transformer.wte.weight"]}
    return ({**head, **state} if head_first else {**state, **head},)


TURNS: dict[str, Turn] = {
    "The matrices are not transposed: their Conv1D keeps (n_in, n_out), nn.Linear (n_out, "
    "n_in). The square one, attention.out, fits both ways and is wrong in "
    "silence.": lambda name, tensor: False,
    "The two tables were transposed too: only the blocks' matrices lie on their side.": (
        lambda name, tensor: tensor.ndim == 2
    ),
    "attention.out is not transposed: it is square, so nothing complains.": (
        lambda name, t: _lies(name, t) and "attention.out" not in name
    ),
    "Only attention's matrices are transposed: those of the feed-forward layer lie on their side "
    "too.": lambda name, t: _lies(name, t) and "attention" in name,
    "Only the two tables were transposed: it is the blocks' matrices that lie on their side.": (
        lambda name, t: t.ndim == 2 and not _lies(name, t)
    ),
}
RENAMES: dict[str, Rename] = {
    "All blocks were written to blocks.0: keep the number.": _first_block_only,
    "norm_1 and norm_2 are swapped: ln_1 stands before attention.": _swapped("norm_1", "norm_2"),
    "up and down are swapped: c_fc goes up, c_proj comes down.": _swapped(
        "feed_forward.up", "feed_forward.down"
    ),
    "Only the first digit of a block's number was read: from block 10 on it has two.": (
        lambda name: re.sub(r"blocks\.(\d)\d*", r"blocks.\1", _renamed(name))
    ),
    "The two c_proj are swapped: attention's is attention.out, and the mlp's feed_forward.down.": (
        _swapped("attention.out", "feed_forward.down")
    ),
    "The blocks are still called h: h.3 is blocks.3.": (
        lambda name: _renamed(name).replace("blocks.", "h.")
    ),
    "Both c_proj went to attention.out, where the second replaced the first: what stands before "
    "tells them apart, attn.c_proj and mlp.c_proj.": lambda name: _renamed(name).replace(
        "feed_forward.down", "attention.out"
    ),
    "The names lack their end, `.weight` or `.bias`.": lambda name: _renamed(name).rpartition(".")[
        0
    ],
    "Inside the names are still theirs: look each up in NAMES.": lambda name: re.sub(
        r"^h\.", "blocks.", name.removeprefix("transformer.")
    ),
    "The blocks are counted from 1: h.0 is blocks.0.": lambda name: re.sub(
        r"blocks\.(\d+)", lambda found: f"blocks.{int(found[1]) + 1}", _renamed(name)
    ),
}
KEEPS: dict[str, Keep] = {
    "The biases are missing: they have no second axis to turn, and come along as they "
    "are.": lambda name: not name.endswith("bias") or "ln" in name,
    "All biases are missing, the norms' as well: every layer of a block and the last norm have "
    "one.": lambda name: not name.endswith("bias"),
    "The last norm is missing: ln_f is final_norm.": lambda name: ".ln_f." not in name,
    "The norms are missing: ln_1, ln_2 and ln_f are norm_1, norm_2 and final_norm.": (
        lambda name: ".ln_" not in name
    ),
    "The positions are missing: wpe is position_embedding.": lambda name: ".wpe." not in name,
    "Only the blocks came along: the two tables and the last norm are weights, too.": (
        lambda name: ".h." in name
    ),
    "The blocks are missing: only what stands outside of them came along.": lambda name: (
        ".h." not in name
    ),
    "Only the first block came along.": lambda name: ".h." not in name or ".h.0." in name,
}


def _pairs(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, str, Any]]:
    return [(a, x, b, y) for (a, x), (b, y) in product(one.items(), other.items())]


FROM_HF = Exercise(
    id="10.7",
    title="A state dict of Hugging Face's",
    minutes=10,
    stars=2,
    reference=from_hf,
    probes=[_state(1, 2, 3, 2), _state(2, 3, 4, 2, head_first=True), _state(12, 2, 5, 3)],
    mistakes={
        **{said: partial(_mapped, turn=turn) for said, turn in TURNS.items()},
        **{said: partial(_mapped, rename=rename) for said, rename in RENAMES.items()},
        **{said: partial(_mapped, keep=keep) for said, keep in KEEPS.items()},
        "The matrices were reshaped, which shuffles their numbers: transpose them.": _reshaped,
        "The matrices were reshaped where they lie, which keeps the order of their numbers: "
        "transpose them, tensor.T.": _reshaped_as_they_are,
        "Their names are still in it, beside ours: begin with an empty dictionary.": _both_names,
        "The prefix `transformer.` is still there.": partial(
            _mapped, rename=lambda name: f"transformer.{_renamed(name)}"
        ),
        "You looked up the last part of the name alone, and NAMES has `attn.c_attn`: all that "
        "stands between, joined by points.": partial(
            _mapped, rename=lambda name: {**OUTSIDE, **hf.INSIDE}[name.split(".")[-2]]
        ),
        "What stands behind lm_head.weight was lost: `break` ends the loop, `continue` goes on "
        "with the next name.": _up_to_the_head,
    },
    together={
        **{(a, b): partial(_mapped, turn=t, rename=r) for a, t, b, r in _pairs(TURNS, RENAMES)},
        **{(a, b): partial(_mapped, turn=t, keep=k) for a, t, b, k in _pairs(TURNS, KEEPS)},
        **{(a, b): partial(_mapped, rename=r, keep=k) for a, r, b, k in _pairs(RENAMES, KEEPS)},
    },
    alternatives={
        "block by block": _block_by_block,
        "replace in a row": partial(_mapped, rename=_by_replacing),
        "a copy in float64": lambda state: {n: t.double() for n, t in _mapped(state).items()},
    },
    call=looked_up,
)
