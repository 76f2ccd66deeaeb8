"""Exercise 11.6: the weights of a GGUF file under our names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import Remark, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.gpt.hf_llama import neighbours

State = dict[str, Tensor]
_OUTSIDE = {"token_embedding": "token_embd", "final_norm": "output_norm"}
_INSIDE = {
    "norm_1": "attn_norm",
    "attention.out": "attn_output",
    "norm_2": "ffn_norm",
    "feed_forward.gate": "ffn_gate",
    "feed_forward.up": "ffn_up",
    "feed_forward.down": "ffn_down",
}
_QKV = ("attn_q", "attn_k", "attn_v")


def our_weights(tensors: Mapping[str, Tensor], n_layers: int) -> State:
    """The tensors of a GGUF file as the `state_dict` of our GPT.

    Queries, keys and values lie below one another in `attention.qkv`, and `head.weight` is the
    file's `output.weight`, or the embedding where it has none.
    """
    return _mapped(tensors, n_layers)


def _stacked(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.cat([q, k, v])


def _mapped(
    tensors: Mapping[str, Tensor],
    n_layers: int,
    *,
    inside: Mapping[str, str] = _INSIDE,
    outside: Mapping[str, str] = _OUTSIDE,
    join: Callable[[Tensor, Tensor, Tensor], Tensor] = _stacked,
    layer: Callable[[int], int] = lambda i: i,
    head: Callable[[Mapping[str, Tensor]], Tensor | None] = lambda tensors: tensors.get(
        "output.weight", tensors["token_embd.weight"]
    ),
    turn: Callable[[str, Tensor], Tensor] = lambda name, tensor: tensor,
    rename: Callable[[str], str] = lambda name: name,
) -> State:
    """The mapping with a bend where a wrong turn wants one."""
    found = {ours: tensors[f"{theirs}.weight"] for ours, theirs in outside.items()}
    for i in range(n_layers):
        place = f"blk.{layer(i)}."
        for ours, theirs in inside.items():
            found[f"blocks.{i}.{ours}"] = tensors[f"{place}{theirs}.weight"]
        parts = [tensors[f"{place}{part}.weight"] for part in _QKV]
        found[f"blocks.{i}.attention.qkv"] = join(*parts)
    top = head(tensors)
    if top is not None:
        found["head"] = top
    return {rename(f"{name}.weight"): turn(name, tensor) for name, tensor in found.items()}


def _swapped(one: str, other: str) -> dict[str, Any]:
    return {"inside": {**_INSIDE, one: _INSIDE[other], other: _INSIDE[one]}}


def _rows_turned(name: str, tensor: Tensor) -> Tensor:
    """As Hugging Face's weights need it: a pair's two rows brought together, head by head."""
    return neighbours(tensor, 2 * (len(tensor) // 4)) if name.endswith("qkv") else tensor


HEAD_LOST = (
    "head.weight is not there: a tied head is the embedding itself, under a second name, and a "
    "`state_dict` names it too."
)
ALWAYS_TIED = (
    "The head is the embedding only where the file has no output.weight; where it has one, the "
    "head is that."
)
HALF = (
    "The numbers are rounded to 16 bits: give back the tensors as they are, in the width that they "
    "had."
)
_SLIPS: dict[str, dict[str, Any]] = {
    "Gate and up are swapped: ffn_gate is feed_forward.gate, ffn_up is feed_forward.up.": _swapped(
        "feed_forward.gate", "feed_forward.up"
    ),
    "The two norms of a block are swapped: attn_norm stands before attention, norm_1, and ffn_norm "
    "before the feed-forward layer, norm_2.": _swapped("norm_1", "norm_2"),
    "Up and down are swapped: ffn_up is feed_forward.up, ffn_down is feed_forward.down.": _swapped(
        "feed_forward.up", "feed_forward.down"
    ),
    "Gate and down are swapped: ffn_gate is feed_forward.gate, ffn_down is feed_forward.down.": (
        _swapped("feed_forward.gate", "feed_forward.down")
    ),
    HEAD_LOST: {"head": lambda tensors: tensors.get("output.weight")},
    ALWAYS_TIED: {"head": lambda tensors: tensors["token_embd.weight"]},
    "There is no head.weight: it is output.weight, or the embedding where the file has none.": {
        "head": lambda tensors: None
    },
    "The head is turned on its side: it has a row for each token, as the embedding has.": {
        "head": lambda tensors: tensors.get("output.weight", tensors["token_embd.weight"]).T
    },
    "Keys come first in your qkv: queries, keys, values.": {
        "join": lambda q, k, v: torch.cat([k, q, v])
    },
    "Values come first in your qkv: queries, keys, values.": {
        "join": lambda q, k, v: torch.cat([v, q, k])
    },
    "Values come before keys in your qkv: queries, keys, values.": {
        "join": lambda q, k, v: torch.cat([q, v, k])
    },
    "The order of your qkv is turned round: queries, keys, values.": {
        "join": lambda q, k, v: torch.cat([v, k, q])
    },
    "The values are missing from your qkv: queries, keys, values.": {
        "join": lambda q, k, v: torch.cat([q, k])
    },
    "The keys stand in the values' place too: queries, keys, values.": {
        "join": lambda q, k, v: torch.cat([q, k, k])
    },
    "The queries alone are no qkv: put queries, keys and values below one another.": {
        "join": lambda q, k, v: q
    },
    "Queries, keys and values were put side by side: they lie below one another, torch.cat along "
    "the rows.": {"join": lambda q, k, v: torch.cat([q, k, v], dim=1)},
    "The rows were permuted: that is what Hugging Face's weights need. A Llama's GGUF file keeps "
    "the two rows of a rotation side by side, as ours does.": {"turn": _rows_turned},
    "The matrices were transposed: the file keeps a row for each output, as nn.Linear does.": {
        "turn": lambda name, tensor: (
            tensor.T if tensor.ndim == 2 and name not in ("token_embedding", "head") else tensor
        )
    },
    "All matrices were transposed, the embedding too: the file keeps them as we do.": {
        "turn": lambda name, tensor: tensor.T if tensor.ndim == 2 else tensor
    },
    "Every layer got the weights of layer 0: layer i is blk.i.": {"layer": lambda i: 0},
    "Your names lack `.weight` at their end.": {
        "rename": lambda name: name.removesuffix(".weight")
    },
    "final_norm is missing: it is the file's output_norm.": {
        "outside": {"token_embedding": "token_embd"}
    },
    "token_embedding is missing: it is the file's token_embd.": {
        "outside": {"final_norm": "output_norm"}
    },
    "attention.out is missing: it is the file's attn_output.": {
        "inside": {o: t for o, t in _INSIDE.items() if t != "attn_output"}
    },
    "The norms of the blocks are missing: attn_norm is norm_1, ffn_norm is norm_2.": {
        "inside": {o: t for o, t in _INSIDE.items() if not t.endswith("_norm")}
    },
    "A block has no feed_forward.gate in yours: it is the file's ffn_gate.": {
        "inside": {o: t for o, t in _INSIDE.items() if t != "ffn_gate"}
    },
    HALF: {"turn": lambda name, tensor: tensor.half()},
}


def _in_their_width(answer: Callable[..., Any], *args: Any) -> Any:
    """How to call an answer: a remark tells of one that narrows what else would be right."""
    found = answer(*args)
    if not isinstance(found, Mapping):
        return found
    narrow = any(isinstance(t, Tensor) and t.itemsize < 4 for t in found.values())
    return Remark(HALF) if narrow and not difference(our_weights(*args), found) else found


def _turned_but_qkv(name: str, tensor: Tensor) -> Tensor:
    inside = name.startswith("blocks.") and not name.endswith("qkv")
    return tensor.T if inside and tensor.ndim == 2 else tensor


def _counted_from_1(tensors: Mapping[str, Tensor], n_layers: int) -> State:
    found = _mapped(tensors, n_layers)
    return {
        re.sub(r"(?<=blocks\.)\d+", lambda place: str(int(place[0]) + 1), name): tensor
        for name, tensor in found.items()
    }


def _one_layer_short(tensors: Mapping[str, Tensor], n_layers: int) -> State:
    return _mapped(tensors, n_layers - 1)


def _layers_backwards(tensors: Mapping[str, Tensor], n_layers: int) -> State:
    return _mapped(tensors, n_layers, layer=lambda i: n_layers - 1 - i)


def _apart(tensors: Mapping[str, Tensor], n_layers: int) -> State:
    """Queries, keys and values each under a name of their own."""
    found = _mapped(tensors, n_layers, join=lambda q, k, v: q)
    for i in range(n_layers):
        del found[f"blocks.{i}.attention.qkv.weight"]
        for part, theirs in zip("qkv", _QKV, strict=True):
            found[f"blocks.{i}.attention.{part}.weight"] = tensors[f"blk.{i}.{theirs}.weight"]
    return found


def _their_names_too(tensors: Mapping[str, Tensor], n_layers: int) -> State:
    return {**tensors, **_mapped(tensors, n_layers)}


def _added_to(tensors: State, n_layers: int) -> State:
    found = _mapped(tensors, n_layers)
    tensors["output.weight"] = found["head.weight"]
    return found


def _by_walking(tensors: Mapping[str, Tensor], n_layers: int) -> State:
    """Name by name through the file, and the parts of qkv together behind it."""
    ours = {theirs: name for name, theirs in {**_INSIDE, **_OUTSIDE}.items()} | {"output": "head"}
    found: State = {}
    for name, tensor in tensors.items():
        *block, part, _ = name.split(".")
        front = f"blocks.{block[1]}." if block else ""
        if part in ours:
            found[f"{front}{ours[part]}.weight"] = tensor
    for i in range(n_layers):
        parts = [tensors[f"blk.{i}.{part}.weight"] for part in _QKV]
        found[f"blocks.{i}.attention.qkv.weight"] = torch.vstack(parts)
    return {"head.weight": found["token_embedding.weight"]} | found


def _copied(tensors: Mapping[str, Tensor], n_layers: int) -> State:
    return {name: tensor.double().clone() for name, tensor in _mapped(tensors, n_layers).items()}


def _explain_form(args: tuple[Any, ...], expected: State, got: Any) -> str | None:
    """Which names are missing or too many."""
    if set(got) == set(args[0]):
        return "The tensors still go by the file's names."
    lacks, more = [n for n in expected if n not in got], [n for n in got if n not in expected]
    told = [
        f"{what}: {', '.join(map(str, names[:3]))}"
        + f" and {len(names) - 3} more" * (len(names) > 3)
        for what, names in (("missing", lacks), ("too much", more))
        if names
    ]
    return f"Of the names {'; '.join(told)}." if told else None


def _explain(args: tuple[Any, ...], expected: State, got: Any) -> str | None:
    """The first name that holds another tensor, and which one of the file that is."""
    tensors, _ = args
    if said := _explain_form(args, expected, got):
        return said
    wrong = next((n for n in expected if difference(expected[n], got[n])), None)
    if wrong is None:
        return None
    holds = next((n for n, t in tensors.items() if not difference(t, got[wrong])), None)
    wanted = next((n for n, t in tensors.items() if t is expected[wrong]), None)
    if holds:
        instead = f", and it is {wanted}" if wanted else ""
        return f"{wrong} holds the file's {holds}{instead}."
    return _said_of_qkv(args, wrong, got[wrong]) if wrong.endswith("qkv.weight") else None


def _said_of_qkv(args: tuple[Any, ...], name: str, got: Any) -> str:
    tensors, n_layers = args
    for i in range(n_layers):
        parts = [tensors[f"blk.{i}.{part}.weight"] for part in _QKV]
        if not difference(torch.cat(parts), got):
            return f"{name} holds the queries, keys and values of the file's blk.{i}."
    return f"{name} is not this block's queries, keys and values below one another."


def _file(layers: int, kv: int, tied: bool, seed: int) -> tuple[State, int]:
    """A file of so many layers: 4 columns, 2 heads of 2, kv of the keys, 4 hidden, 3 tokens."""
    shapes = {"token_embd": (3, 4), "output_norm": (4,)} | ({} if tied else {"output": (3, 4)})
    for i in range(layers):
        own = {"attn_norm": (4,), "attn_q": (4, 4), "attn_k": (2 * kv, 4), "attn_v": (2 * kv, 4)}
        own |= {"attn_output": (4, 4), "ffn_norm": (4,)}
        own |= {"ffn_gate": (4, 4), "ffn_up": (4, 4), "ffn_down": (4, 4)}
        shapes |= {f"blk.{i}.{name}": shape for name, shape in own.items()}
    named = enumerate(shapes.items())
    return {f"{n}.weight": uniform(*shape, seed=seed + i) for i, (n, shape) in named}, layers


MAPPING = Exercise(
    id="11.6",
    title="The mapping",
    minutes=10,
    stars=3,
    reference=our_weights,
    probes=[
        _file(1, 1, True, seed=11_600),
        _file(2, 2, False, seed=11_650),
        _file(3, 1, True, seed=11_700),
        _file(11, 1, True, seed=11_800),
    ],
    mistakes={said: partial(_mapped, **slip) for said, slip in _SLIPS.items()}
    | {
        "A file with a tied head has no output.weight, and so you get a KeyError: ask with "
        "tensors.get, and take the embedding where it is missing.": partial(
            _mapped, head=lambda tensors: tensors["output.weight"]
        ),
        "A tied head is the embedding, not the last norm: token_embd.": partial(
            _mapped,
            head=lambda tensors: tensors.get("output.weight", tensors["output_norm.weight"]),
        ),
        "`stack` puts queries, keys and values on an axis of their own: torch.cat puts them below "
        "one another.": partial(_mapped, join=lambda q, k, v: torch.stack([q, k, v])),
        "Your blocks are counted from 1: blk.0 is blocks.0.": _counted_from_1,
        "All matrices of a block but qkv were transposed: the file keeps a row for each output, as "
        "nn.Linear does.": partial(_mapped, turn=_turned_but_qkv),
        "The last layer is missing: range(n_layers) counts from 0 to n_layers − 1.": (
            _one_layer_short
        ),
        "The layers come last to first: layer i is blk.i.": _layers_backwards,
        "Queries, keys and values are apart: ours lie below one another, in one attention.qkv.": (
            _apart
        ),
        "The file's own names are there as well: our names alone.": _their_names_too,
        "The file's own tensors were changed: leave `tensors` as it is.": _added_to,
    },
    together={
        (one, other): partial(_mapped, **_SLIPS[one], **_SLIPS[other])
        for one, other in combinations(_SLIPS, 2)
        if not _SLIPS[one].keys() & _SLIPS[other].keys()
    },
    alternatives={"name by name": _by_walking, "copies in float64": _copied},
    call=_in_their_width,
    explain=_explain,
    explain_form=_explain_form,
)
