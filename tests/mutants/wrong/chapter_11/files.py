"""Wrong answers to the exercises of chapter 11: a block of four bits and the mapping."""

from __future__ import annotations

import struct

import numpy as np
import torch
from mutants.cases import wrong, wrongs


def weights(block, head="<ee", start=4, halves=None, value=lambda q, d, m: d * q + m):
    d, m = struct.unpack(head, block[:4])
    data = np.frombuffer(block, dtype=np.uint8)[start : start + 16]
    q = np.concatenate([data & 0xF, data >> 4]) if halves is None else halves(data)
    return torch.from_numpy(value(q.astype(np.float32), d, m).astype(np.float32))


wrongs(
    "11.5",
    "The high halves came first",
    high_first=lambda b: weights(b, halves=lambda x: np.concatenate([x >> 4, x & 15])),
    halves_swapped=lambda b: weights(b).roll(16),
)
wrongs(
    "11.5",
    "Low and high half of each byte",
    interleaved=lambda b: weights(b, halves=lambda x: np.stack([x & 15, x >> 4], -1).reshape(-1)),
)
wrongs(
    "11.5",
    "Each byte gives two weights side by side",
    other_way=lambda b: weights(b, halves=lambda x: np.stack([x >> 4, x & 15], -1).reshape(-1)),
)
wrongs(
    "11.5", "m is the minimum", zero_point=lambda b: weights(b, value=lambda q, d, m: d * (q - m))
)
wrongs(
    "11.5", "m is added as it is", scaled=lambda b: weights(b, value=lambda q, d, m: d * (q + m))
)
wrongs("11.5", "m was subtracted", minus=lambda b: weights(b, value=lambda q, d, m: d * q - m))
wrongs("11.5", "m was left out", no_m=lambda b: weights(b, value=lambda q, d, m: d * q))
wrongs("11.5", "d was left out", no_d=lambda b: weights(b, value=lambda q, d, m: q + m))
wrongs("11.5", "d and m are swapped", m_first=lambda b: weights(b, value=lambda q, m, d: d * q + m))
wrongs("11.5", "The two numbers were read with the high byte", big=lambda b: weights(b, head=">ee"))
wrongs("11.5", "d and m were read as whole", whole=lambda b: weights(b, head="<HH"))
wrongs(
    "11.5",
    "The bytes of the weights begin at byte 4, behind d and m: yours begin at byte 2",
    at_two=lambda b: weights(b, start=2),
)
wrongs(
    "11.5",
    "The bytes of the weights begin at byte 4, behind d and m: yours begin at byte 0",
    at_zero=lambda b: weights(b, start=0),
)
wrongs("11.5", "8 was subtracted", q4_0=lambda b: weights(b, value=lambda q, d, m: d * (q - 8) + m))
wrongs(
    "11.5",
    "The four bits were read as signed",
    twos=lambda b: weights(b, value=lambda q, d, m: d * np.where(q > 7, q - 16, q) + m),
)
wrongs(
    "11.5",
    "The bytes were read as signed",
    int8=lambda b: weights(b, halves=lambda x: np.concatenate([x & 15, x.view(np.int8) >> 4])),
)
wrongs(
    "11.5",
    "The high halves were not moved down",
    unmoved=lambda b: weights(b, halves=lambda x: np.concatenate([x & 15, x & 240])),
)
wrongs(
    "11.5",
    "The low halves came twice",
    low_twice=lambda b: weights(b, halves=lambda x: np.concatenate([x & 15, x & 15])),
)
wrongs("11.5", "Only the low halves", sixteen=lambda b: weights(b)[:16])
wrongs("11.5", "Only the high halves", other_sixteen=lambda b: weights(b)[16:])
wrongs(
    "11.5",
    "q was divided by 15",
    fifteenth=lambda b: weights(b, value=lambda q, d, m: d * q / 15 + m),
)
wrongs(
    "11.5",
    "Your mask keeps three bits",
    three_bits=lambda b: weights(b, halves=lambda x: np.concatenate([x & 0b111, x >> 4])),
)
wrongs(
    "11.5",
    "The weights came back as whole numbers",
    only_q=lambda b: weights(b, value=lambda q, d, m: q),
)
wrongs(
    "11.5", "The bytes of the weights were read backwards", backwards=lambda b: weights(b).flip(0)
)
wrongs(
    "11.5",
    "The four bits are right: your weights are",
    half_step=lambda b: weights(b, value=lambda q, d, m: d * q / 2 + m),
)
wrongs(
    "11.5",
    "d and m are right, but the four bits are not",
    rolled=lambda b: weights(b).roll(1),
)
wrongs("11.5", says=None, nothing=lambda b: None, both=lambda b: (weights(b), 1))
wrongs(
    "11.5",
    says="any",
    characters=lambda b: weights(b.hex().encode()),
    ordered=lambda b: weights(b).sort().values,
)
wrongs(
    "11.5",
    "The bytes of the weights were read backwards",
    reversed_bytes=lambda b: weights(b[:4] + b[:3:-1]),
)

PARTS = {
    "norm_1": "attn_norm",
    "attention.out": "attn_output",
    "norm_2": "ffn_norm",
    "feed_forward.gate": "ffn_gate",
    "feed_forward.up": "ffn_up",
    "feed_forward.down": "ffn_down",
}


def mapped(tensors, n, parts=PARTS, order="qkv", dim=0, **changes):
    out = {
        "token_embedding.weight": tensors["token_embd.weight"],
        "final_norm.weight": tensors["output_norm.weight"],
    }
    for i in range(n):
        for ours, theirs in parts.items():
            out[f"blocks.{i}.{ours}.weight"] = tensors[f"blk.{i}.{theirs}.weight"]
        rows = [tensors[f"blk.{i}.attn_{x}.weight"] for x in order]
        out[f"blocks.{i}.attention.qkv.weight"] = torch.cat(rows, dim)
    out["head.weight"] = tensors.get("output.weight", tensors["token_embd.weight"])
    return out


def but(**swapped):
    return {**PARTS, **{ours.replace("__", "."): theirs for ours, theirs in swapped.items()}}


def without(name, state):
    return {key: tensor for key, tensor in state.items() if name not in key}


wrongs(
    "11.6",
    "Gate and up are swapped",
    gate_up=lambda t, n: mapped(
        t, n, but(feed_forward__gate="ffn_up", feed_forward__up="ffn_gate")
    ),
)
wrongs(
    "11.6",
    "The two norms of a block are swapped",
    norms=lambda t, n: mapped(t, n, but(norm_1="ffn_norm", norm_2="attn_norm")),
)
wrongs(
    "11.6",
    "Up and down are swapped",
    up_down=lambda t, n: mapped(
        t, n, but(feed_forward__up="ffn_down", feed_forward__down="ffn_up")
    ),
)
wrongs("11.6", "Keys come first", kqv=lambda t, n: mapped(t, n, order="kqv"))
wrongs("11.6", "Values come before keys", qvk=lambda t, n: mapped(t, n, order="qvk"))
wrongs("11.6", "The values are missing", qk=lambda t, n: mapped(t, n, order="qk"))
wrongs("11.6", "The order of your qkv is turned round", vkq=lambda t, n: mapped(t, n, order="vkq"))
wrongs("11.6", "The keys stand in the values' place", qkk=lambda t, n: mapped(t, n, order="qkk"))
wrongs("11.6", "The queries alone", q=lambda t, n: mapped(t, n, order="q"))
wrongs(
    "11.6", "Queries, keys and values were put side by side", side=lambda t, n: mapped(t, n, dim=1)
)
wrongs("11.6", "There is no head.weight", no_head=lambda t, n: without("head", mapped(t, n)))
wrongs(
    "11.6",
    "The head is the embedding only where",
    always_tied=lambda t, n: mapped(t, n) | {"head.weight": t["token_embd.weight"]},
)
wrongs("11.6", "final_norm is missing", no_final=lambda t, n: without("final_norm", mapped(t, n)))
wrongs(
    "11.6",
    "token_embedding is missing",
    no_embedding=lambda t, n: without("token_emb", mapped(t, n)),
)
wrongs("11.6", "attention.out is missing", no_out=lambda t, n: without(".out.", mapped(t, n)))
wrongs(
    "11.6",
    "The norms of the blocks are missing",
    no_norms=lambda t, n: without(".norm_", mapped(t, n)),
)
wrongs(
    "11.6", "A block has no feed_forward.gate", no_gate=lambda t, n: without("gate", mapped(t, n))
)
wrongs(
    "11.6",
    "Your names lack",
    bare=lambda t, n: ({name.removesuffix(".weight"): x for name, x in mapped(t, n).items()}),
)
wrongs("11.6", "The last layer is missing", short=lambda t, n: mapped(t, n - 1))
wrongs(
    "11.6",
    "The numbers are rounded to 16 bits",
    halves=lambda t, n: ({name: x.half() for name, x in mapped(t, n).items()}),
    brain=lambda t, n: {name: x.bfloat16() for name, x in mapped(t, n).items()},
)
wrongs("11.6", "The tensors still go by the file's names", same=lambda t, n: dict(t))
wrongs("11.6", "The file's own names are there as well", both=lambda t, n: {**t, **mapped(t, n)})
wrongs(
    "11.6",
    "All matrices were transposed",
    turned=lambda t, n: ({name: x.T for name, x in mapped(t, n).items()}),
)
wrongs(
    "11.6",
    "The matrices were transposed",
    blocks_turned=lambda t, n: (
        {k: x.T if k.startswith("blocks") else x for k, x in mapped(t, n).items()}
    ),
)


@wrong("11.6", says="head.weight is not there")
def only_what_is_in_the_file(tensors, n_layers):
    found = mapped(tensors, n_layers)
    if "output.weight" not in tensors:
        del found["head.weight"]
    return found


@wrong("11.6", says="The rows were permuted")
def as_for_hugging_face(tensors, n_layers):
    found = mapped(tensors, n_layers)
    for name, x in found.items():
        if name.endswith("qkv.weight"):
            d = 2 * (len(x) // 4)
            found[name] = x.reshape(-1, 2, d // 2, x.shape[1]).swapaxes(1, 2).reshape(x.shape)
    return found


@wrong("11.6", says="Every layer got the weights of layer 0")
def first_layer_everywhere(tensors, n_layers):
    first = mapped(tensors, 1)
    return first | {
        name.replace("blocks.0", f"blocks.{i}"): x
        for i in range(n_layers)
        for name, x in first.items()
    }


@wrong("11.6", says="Queries, keys and values are apart")
def three_matrices(tensors, n_layers):
    found = without("qkv", mapped(tensors, n_layers))
    for i in range(n_layers):
        for part in "qkv":
            found[f"blocks.{i}.attention.{part}.weight"] = tensors[f"blk.{i}.attn_{part}.weight"]
    return found


@wrong("11.6", says="blocks.")
def digits_by_their_last(tensors, n_layers):
    """A layer above 9 is read by its last digit."""
    return {
        name: mapped(tensors, n_layers)[name.replace("blocks.10", "blocks.0")]
        for name in mapped(tensors, n_layers)
    }


@wrong("11.6", says="Of the names")
def misspelt(tensors, n_layers):
    return {k.replace("feed_forward", "mlp"): x for k, x in mapped(tensors, n_layers).items()}


@wrong("11.6", says="The file's own tensors were changed")
def put_in(tensors, n_layers):
    if "output.weight" not in tensors:
        tensors["output.weight"] = tensors["token_embd.weight"]
    return mapped(tensors, n_layers)


wrongs("11.6", says=None, nothing=lambda t, n: None, listed=lambda t, n: list(mapped(t, n).items()))
wrongs(
    "11.6", says="any", popped=lambda t, n: mapped(t, n) | {"head.weight": t.pop("output.weight")}
)


@wrong(
    "11.6", "blocks.1.attention.qkv.weight holds the queries, keys and values of the file's blk.0"
)
def queries_of_the_first_layer(tensors, n_layers):
    ours = mapped(tensors, n_layers)
    for i in range(n_layers):
        ours[f"blocks.{i}.attention.qkv.weight"] = ours["blocks.0.attention.qkv.weight"]
    return ours


@wrong("11.6", "A file with a tied head has no output.weight")
def head_asked_for(tensors, n_layers):
    head = tensors["output.weight"]
    return mapped(tensors, n_layers) | {"head.weight": head}
